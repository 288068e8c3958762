//! Stands for every program: writes its arguments into the log, and then is the real program where that one runs others
//! or passes text on. Compiled by itself, when the soak starts.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, exit};

fn main() {
    let args: Vec<OsString> = std::env::args_os().collect();
    let mut body = Vec::new();
    for arg in &args {
        body.extend_from_slice(arg.as_bytes());
        body.push(0);
    }
    let mut record = format!("A{}\n", body.len()).into_bytes();
    record.extend_from_slice(&body);
    // One write, so that records of programs that run at the same time stay whole.
    let log = OpenOptions::new().append(true).open("/log/log");
    if log.and_then(|mut log| log.write_all(&record)).is_err() {
        exit(125);
    }
    let Some((program, rest)) = args.split_first() else { exit(125) };
    let name = Path::new(program).file_name().unwrap_or_default();
    let real = Path::new("/real").join(name);
    // What only the driver uses is not run for a line: which files programs write themselves is not compared.
    let driver = ["rm", "cp", "mkfifo"].iter().any(|own| name == *own);
    if real.is_file() && !driver {
        let _ = Command::new(real).arg0(program).args(rest).exec();
        exit(126);
    }
    if name == "sudo" {
        let mut own = 0;
        while rest.get(own).is_some_and(|word| word.as_bytes().starts_with(b"-")) {
            own += if rest[own] == "-u" { 2 } else { 1 };
        }
        if let Some((inner, words)) = rest.get(own..).and_then(<[OsString]>::split_first) {
            let _ = Command::new(inner).args(words).exec();
            exit(126);
        }
    }
    // Whether it succeeds, and whether it says anything, follows from the words alone.
    let hash = body
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    if hash >> 20 & 1 == 0 {
        let _ = std::io::stdout().write_all(b"src/a.rs README.md\n-n\n");
    }
    exit(i32::from(hash >> 10 & 3 == 0));
}
