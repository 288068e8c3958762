//! The commands, each in the file of its name.

mod approvals;
mod check;
mod doctor;
mod grants;
mod import;
mod lint;
mod log;
mod off;
mod policy;
mod rules;
mod serve;
mod status;
mod tokens;
mod trust;
mod webhooks;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use countersign_policy::Effect;

use crate::args::{Arguments, Command};
use crate::here::Here;
use crate::screen::{NobodyReads, Screen};

/// How a command ended, without a fault.
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// It found something that is not as it should be, and said so.
    Wanting,
    /// It has warnings, and said them.
    Warned,
    /// It says what policy says.
    Verdict(Effect),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done | Exit::Verdict(Effect::Allow) => 0,
            Exit::Verdict(Effect::Ask) => 10,
            Exit::Verdict(Effect::Deny) => 20,
            Exit::Warned => 1,
            Exit::Wanting => 2,
        })
    }
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Best effort: the exit status says it too.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let screen = Screen::new(arguments.json);
    match run(arguments.command, screen) {
        Ok(exit) => exit.into(),
        Err(error) if error.downcast_ref::<NobodyReads>().is_some() => ExitCode::SUCCESS,
        Err(error) => {
            screen.fault(&error);
            ExitCode::from(2)
        }
    }
}

fn run(command: Command, screen: Screen) -> Result<Exit> {
    if let Command::Completions { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "countersign", &mut script);
        screen.line(String::from_utf8_lossy(&script).trim_end())?;
        return Ok(Exit::Done);
    }
    let here = Here::find(screen)?;
    match command {
        Command::Init(arguments) => crate::init::run(&arguments, &here)?,
        Command::Serve(arguments) => serve::run(&arguments, &here)?,
        Command::Open(arguments) => serve::open(&arguments, &here)?,
        Command::Import(arguments) => return import::run(&arguments, &here),
        Command::Status => status::run(&here)?,
        Command::Doctor => return doctor::run(&here),
        Command::Off(arguments) => off::off(&arguments, &here)?,
        Command::On => off::on(&here)?,
        Command::Allow(rule) => rules::add(Effect::Allow, &rule, &here)?,
        Command::Ask(rule) => rules::add(Effect::Ask, &rule, &here)?,
        Command::Deny(rule) => rules::add(Effect::Deny, &rule, &here)?,
        Command::Undo(arguments) => rules::undo(&arguments, &here)?,
        Command::Trust(arguments) => trust::run(&arguments, &here)?,
        Command::Policy(arguments) => policy::run(&arguments, &here)?,
        Command::Test => policy::test(&here)?,
        Command::Lint(arguments) => return lint::run(&arguments, &here),
        Command::Check(arguments) => return check::run(&arguments, &here),
        Command::Why(arguments) => return log::why(&arguments, &here),
        Command::Log(arguments) => log::run(&arguments, &here)?,
        Command::Approvals(arguments) => approvals::run(arguments, &here)?,
        Command::Grants(arguments) => grants::run(&arguments, &here)?,
        Command::Tokens(arguments) => tokens::run(arguments, &here)?,
        Command::Webhooks(arguments) => webhooks::run(&arguments, &here)?,
        // Taken before the command line is read.
        Command::Hook(_) | Command::Completions { .. } => {}
    }
    Ok(Exit::Done)
}
