//! The command line of `cargo xtask`.

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check   formatting, lints, documentation, generated files, dependency rules, licences
  test    all tests, those of the web page in a browser included

  corpus [DIR]
          decides shell bypasses and everyday commands: those of `corpus/`, or of another folder
  conformance [DIR]
          replays what other systems were recorded to do: `conformance/`, or another folder
  conformance --write
          the same, and makes `docs/differences.md` anew

  hosts claude-code [NAME ...]
          the real client against a scripted model: all scenarios, or those whose names begin so
  bench hook
          what the hook costs as a process, beside one that does nothing and beside node
  bench shell
          what taking a line apart and deciding it costs, beside the bare parse
  bench decide [--write]
          what a look-up among many rules costs, beside other engines; `--write` writes it into
          `docs/performance.md`
  bench service [--write]
          what the server costs beside an empty handler, the bare store and a bare round trip; `--write` as above
  soak shell [--seed N] [--lines N]
          what bash really runs of generated lines, beside what the analysis named
  soak lifecycle
          every interleaving of what becomes of the questions of two agents, crashes included
  soak faults [--seed N] [--short]
          kills, races, a full disk and a clock set back: nothing lost, nothing twice, everybody told
  soak fuzz shell [--minutes N]
          any text as a line: no panic, no hang, no disagreement between the shortcut and the parser
  soak fuzz formats [--minutes N]
          any text as a file of another system: it is read in full or refused; then `index`
  soak fuzz index [--minutes N]
          any rules of any dialect: the index finds what looking at them one by one does";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let passed = match words.as_slice() {
        ["check"] => xtask::check::run(),
        ["test", rest @ ..] => xtask::test::run(rest),
        ["corpus"] => xtask::replay::corpus(None),
        ["corpus", folder] if !folder.starts_with('-') => xtask::replay::corpus(Some(folder)),
        ["conformance"] => xtask::replay::conformance(None),
        ["conformance", "--write"] => xtask::replay::write_differences(),
        ["conformance", folder] if !folder.starts_with('-') => xtask::replay::conformance(Some(folder)),
        ["hosts", "claude-code", names @ ..] => xtask::hosts::run(names),
        ["bench", "hook"] => xtask::bench::hook(),
        ["bench", "shell"] => xtask::bench::shell(),
        ["bench", "decide"] => xtask::bench::decide(false),
        ["bench", "decide", "--write"] => xtask::bench::decide(true),
        ["bench", "service"] => xtask::bench::service(false),
        ["bench", "service", "--write"] => xtask::bench::service(true),
        ["soak", "shell", rest @ ..] => xtask::soak::shell(rest),
        ["soak", "lifecycle"] => xtask::soak::lifecycle(),
        ["soak", "faults", rest @ ..] => xtask::soak::faults(rest),
        ["soak", "fuzz", "formats", rest @ ..] => {
            xtask::soak::fuzz("formats", rest).and_then(|held| Ok(xtask::soak::fuzz("index", rest)? && held))
        }
        ["soak", "fuzz", target @ ("index" | "shell"), rest @ ..] => xtask::soak::fuzz(target, rest),
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
