//! The command line of Countersign, and the hook that agents' hosts call.
//!
//! `countersign hook HOST` takes a way of its own, before anything else is set up: it starts once for each tool call.

mod ancestry;
mod args;
mod commands;
mod diff;
mod duration;
mod file;
mod here;
mod hook;
mod init;
mod off;
mod place;
mod policy_edit;
mod screen;
mod terminal;
mod when;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "hook") {
        hook::main(arguments);
    }
    commands::main()
}
