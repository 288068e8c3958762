//! `cargo xtask bench shell`: what it costs to take a shell line apart and to decide it, under the built-in rules.
//!
//! Everyday and hostile commands beside the bare parse, measured in turns; lines as long as they may be; and the first
//! line of a process, which is all that a hook ever sees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark that prints its times")]

#[path = "../tests/disk/mod.rs"]
mod disk;

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use countersign_engine::{Engine, Layout, NothingKnown, Request, load};
use countersign_policy::Timestamp;
use disk::Disk;
use tree_sitter::Parser;

/// The whole may take this many times the bare parse, at the median and at the 95th percentile.
const MOST_RATIO: f64 = 3.0;
/// No line may take longer.
const MOST_LONG: Duration = Duration::from_millis(50);
/// Nor may the first line of a process, if it is a simple command.
const MOST_FIRST: Duration = Duration::from_millis(1);
const ROUNDS: usize = 30;
/// The longest line that is taken apart, in bytes.
const LONGEST: usize = 128 * 1024;

/// Simple commands: plain, with quotes, and in a pipeline.
const SIMPLE: [&str; 5] = [
    "git status --short",
    "cargo test -p app --lib",
    "git commit -m 'fix the parser'",
    "git log --oneline | head -n 20",
    "cd src && grep -rn \"fn main\" . 2>/dev/null",
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, first, line] = args.as_slice()
        && first == "--first-line"
    {
        let start = Instant::now();
        black_box(countersign_shell::analyze(line));
        println!("{}", start.elapsed().as_nanos());
        return ExitCode::SUCCESS;
    }
    let bench = Bench::new();
    let kept = [bench.corpus(), bench.long(), first_lines()];
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Bench {
    engine: Engine,
    disk: Disk,
    request: Request,
}

impl Bench {
    fn new() -> Bench {
        let layout = Layout {
            home: "/home/u".to_owned(),
            user_file: "/home/u/.config/countersign/countersign.toml".to_owned(),
            config_dir: "/home/u/.config/countersign".to_owned(),
            managed_file: "/etc/countersign/countersign.toml".to_owned(),
            data_dir: "/home/u/.local/share/countersign".to_owned(),
        };
        let disk = Disk::new();
        let engine = load(&disk, &layout, "/repo", &NothingKnown).expect("the built-in rules load").engine;
        let request = Request {
            host: "claude-code".to_owned(),
            tool: "Bash".to_owned(),
            cwd: "/repo".to_owned(),
            project: "/repo".to_owned(),
            home: "/home/u".to_owned(),
            ..Request::of("shell", "")
        };
        Bench { engine, disk, request }
    }

    /// From the call to the decision: all that the hook does in between.
    fn decide(&self, request: &Request) {
        let call = self.engine.call(request, &self.disk);
        black_box(self.engine.decide(&[], None, &call, Timestamp(0)));
    }

    fn request(&self, line: &str) -> Request {
        Request { args: serde_json::json!({ "command": line }), ..self.request.clone() }
    }

    fn corpus(&self) -> bool {
        let lines = corpus();
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_bash::LANGUAGE.into()).expect("the grammar fits the parser");
        let (mut bare, mut taken, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        for line in &lines {
            let request = self.request(line);
            let mut times = [const { Vec::new() }; 3];
            for _ in 0..ROUNDS {
                let [parse, analyze, decide] = &mut times;
                parse.push(timed(|| drop(black_box(parser.parse(line, None)))));
                analyze.push(timed(|| drop(black_box(countersign_shell::analyze(line)))));
                decide.push(timed(|| self.decide(&request)));
            }
            let [parse, analyze, decide] = times.map(|times| quantile(times, 50));
            bare.push(parse);
            taken.push(analyze);
            whole.push(decide);
        }
        println!("{} commands of the corpus, {ROUNDS} rounds, in turns", lines.len());
        println!("{:<12} {:>10} {:>10} {:>10} {:>8}", "", "bare parse", "analyzed", "decided", "ratio");
        let mut kept = true;
        for percent in [50, 95] {
            let [bare, taken, whole] = [&bare, &taken, &whole].map(|times| quantile(times.clone(), percent));
            let ratio = whole.as_secs_f64() / bare.as_secs_f64();
            kept &= ratio <= MOST_RATIO;
            println!("p{percent:<11} {:>10} {:>10} {:>10} {ratio:>8.2}", micros(bare), micros(taken), micros(whole));
        }
        println!("at most {MOST_RATIO} times the bare parse are allowed\n");
        kept
    }

    fn long(&self) -> bool {
        println!("lines of {LONGEST} bytes; where that takes too long already, of a part");
        println!("{:<26} {:>7} {:>10} {:>10}", "", "bytes", "analyzed", "decided");
        let mut kept = true;
        for (name, make) in long_lines() {
            for length in [LONGEST / 64, LONGEST / 8, LONGEST] {
                let line = make(length);
                let request = self.request(&line);
                // The best of a few: the machine may be busy with something else.
                let decided = (0..3).map(|_| timed(|| self.decide(&request))).min().unwrap_or_default();
                let slow = decided > MOST_LONG;
                if slow || length == LONGEST {
                    let analyzed = timed(|| drop(black_box(countersign_shell::analyze(&line))));
                    let mark = if slow { "  too slow" } else { "" };
                    let [analyzed, decided] = [analyzed, decided].map(micros);
                    println!("{name:<26} {length:>7} {analyzed:>10} {decided:>10}{mark}");
                }
                if slow {
                    kept = false;
                    break;
                }
            }
        }
        println!("at most {} are allowed\n", micros(MOST_LONG));
        kept
    }
}

/// The first line of a process, the median of several processes.
fn first_lines() -> bool {
    println!("the first line of a process, taken apart");
    let mut kept = true;
    for line in SIMPLE {
        let once = |_| {
            let program = std::env::current_exe().expect("this program has a path");
            let output = Command::new(program).args(["--first-line", line]).output().expect("it starts again");
            let nanos = String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints a number");
            Duration::from_nanos(nanos)
        };
        let first = quantile((0..ROUNDS).map(once).collect(), 50);
        let slow = if first > MOST_FIRST { "  too slow" } else { "" };
        kept &= first <= MOST_FIRST;
        println!("{:>10}  {line}{slow}", micros(first));
    }
    println!("at most {} are allowed", micros(MOST_FIRST));
    kept
}

fn corpus() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus");
    let files =
        ["benign.jsonl", "bypass.jsonl"].map(|file| std::fs::read_to_string(format!("{folder}/{file}")).unwrap());
    let entries = files.iter().flat_map(|file| file.lines());
    entries
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|entry| Some(entry.get("command")?.as_str()?.to_owned()))
        .collect()
}

/// Makes a line of about so many bytes, and never more.
type Make = Box<dyn Fn(usize) -> String>;

/// Lines that hurt parsers.
fn long_lines() -> Vec<(String, Make)> {
    let runs = [
        "(",
        "$(",
        "`",
        "\"",
        "{a,b}",
        "{a,b} ",
        "<<A\n",
        "<<A ",
        "a && ",
        "a; ",
        "a | ",
        "((",
        "[[ ",
        "[ ",
        "case x in ",
        "\\",
        "$'",
        "$'\\x41' ",
        "a",
        "word ",
        "../",
        "A=1 ",
        "> f ",
        "2>&1 ",
        "${a:-",
        "$((",
        "$a",
        "$? ",
        "\"$x\" ",
        "* ",
        "{",
        "{a,",
        "}",
        "! ",
        "if a; then ",
        "for a in b; do ",
        "while ",
        "time ",
        "f() { ",
        "# ",
        "\n",
        " ",
        "'",
        "''",
        "<(",
        "<<<a ",
        "~/a ",
        "-a ",
        "--output=x ",
        "cat x; ",
        "rm x; ",
        "cd a; ",
        "sh -c a; ",
        "bash -c 'id' ",
        "env ",
        "sudo ",
        "timeout 5 ",
        "find . -exec ",
        "xargs ",
        "git -c a=b ",
        "sed -e p ",
        "https://a.b/ ",
        "a=b,",
        "é",
        "\u{200b}",
        "a\\\n",
        "&",
        "&&",
        "a:b ",
        "x=$x; ",
        "echo $x; ",
        "cat <<A\nb $x\nA\n",
        "git diff a/b ",
        "for a in b; do c; done; ",
    ];
    let mut lines: Vec<(String, Make)> = Vec::new();
    for run in runs {
        lines.push((format!("{run:?}"), Box::new(move |length| run.repeat(length / run.len()))));
    }
    for (open, close) in [
        ("${a:-", "}"),
        ("$(", ")"),
        ("\"$(", ")\""),
        ("(", ")"),
        ("{ ", "; }"),
        ("if a; then ", "; fi"),
        ("echo $(", ")"),
    ] {
        let nested = move |length: usize| {
            let times = (length - 1) / (open.len() + close.len());
            open.repeat(times) + "x" + &close.repeat(times)
        };
        lines.push((format!("nested {open:?}"), Box::new(nested)));
    }
    lines.push(("any bytes".to_owned(), Box::new(|length| random(length, 0, 128))));
    lines.push(("any visible characters".to_owned(), Box::new(|length| random(length, b' ', 95))));
    lines.push(("one quoted word".to_owned(), Box::new(|length| format!("echo '{}'", "a b ".repeat(length / 4 - 4)))));
    lines.push((
        "one here-document".to_owned(),
        Box::new(|length| format!("cat <<'A'\n{}A", "a b\n".repeat(length / 4 - 4))),
    ));
    lines
}

/// So many characters from `first` on, `kinds` of them, always the same.
fn random(length: usize, first: u8, kinds: u64) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(first + u8::try_from((state >> 33) % kinds).unwrap_or_default())
    };
    (0..length).map(|_| next()).collect()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn quantile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort();
    times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

fn micros(time: Duration) -> String {
    if time < Duration::from_millis(10) {
        format!("{:.1} us", time.as_secs_f64() * 1e6)
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    }
}
