//! The command line of `cargo xtask`.

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check   formatting, lints, documentation, generated files, dependency rules, licences
  test    all tests, those of the web page in a browser included

  hosts claude-code [NAME ...]
          the real client against a scripted model: all scenarios, or those whose names begin so
  bench hook
          what the hook costs as a process, beside one that does nothing and beside node";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let passed = match words.as_slice() {
        ["check"] => xtask::check::run(),
        ["test", rest @ ..] => xtask::test::run(rest),
        ["hosts", "claude-code", names @ ..] => xtask::hosts::run(names),
        ["bench", "hook"] => xtask::bench::hook(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
