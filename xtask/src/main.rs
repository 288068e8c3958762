//! The command line of `cargo xtask`.

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check   formatting, lints, documentation, generated files, dependency rules, licences
  test    all tests, those of the web page in a browser included";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let passed = match words.as_slice() {
        ["check"] => xtask::check::run(),
        ["test", rest @ ..] => xtask::test::run(rest),
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
