//! The one way in which the hook ends: an answer said as its host honours it.
//!
//! A host goes on as if there were no hook when the hook exits with anything but 0 and 2, says nothing, or says
//! something that cannot be read. So a denial is said three times, and each time is enough alone: JSON on standard
//! output (where the event could be read, on which its form depends), the reason on standard error, exit status 2. And
//! an answer that could not be said is a denial.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::process::exit;

use countersign_engine::hosts::claude_code::Answer;

/// The exit status that blocks a call.
pub(crate) const BLOCKED: i32 = 2;

/// Says the answer and ends the process.
pub(crate) fn end(answer: &Answer) -> ! {
    if !answer.stderr.is_empty() {
        // Best effort: the exit status says it too.
        let _ = std::io::stderr().write_all(answer.stderr.as_bytes());
    }
    if answer.stdout.is_empty() {
        exit(answer.exit);
    }
    let mut out = std::io::stdout().lock();
    let said = out.write_all(answer.stdout.as_bytes()).and_then(|()| out.flush());
    if answer.exit == BLOCKED || (said.is_ok() && !leads_nowhere()) {
        exit(answer.exit);
    }
    let _ = std::io::stderr().write_all(unheard().as_bytes());
    exit(BLOCKED);
}

fn unheard() -> String {
    super::trouble("its answer could not be written to standard output")
}

/// Whether standard output is the null device: what a closed one becomes when the process starts.
fn leads_nowhere() -> bool {
    let about = std::io::stdout().as_fd().try_clone_to_owned().map(File::from).and_then(|file| file.metadata());
    let null = std::fs::metadata("/dev/null");
    match (about, null) {
        (Ok(about), Ok(null)) => about.file_type().is_char_device() && about.rdev() == null.rdev(),
        // Not known: whoever could not look at it could still write to it.
        (Ok(_), Err(_)) => false,
        (Err(_), _) => true,
    }
}
