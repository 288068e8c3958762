//! What their heuristics take for safe our built-in rules allow, and nothing else; the commands of a shell's `-c`.

use countersign_engine::{Layout, NothingKnown, Request, load};
use countersign_policy::{Effect, Timestamp};

use crate::case::{Case, Folder, texts};
use crate::looser;
use crate::ours::{self, line_of, read};
use crate::rule::{Difference, Kind, Rule, Side};
use crate::vfs::Vfs;

pub(crate) fn kind() -> Kind {
    Kind {
        system: "codex",
        name: "command-safety",
        compares: "what they know as safe our built-in rules allow in a project's folder, and nothing else; the plain commands of a shell's `-c` are commands of ours",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let argv = case.argv();
    let line = line_of(&argv);
    let (effect, why) = decide(&line);
    let safe = case.expect["known_safe"] == true;
    let mut differences = Vec::new();
    match (safe, effect) {
        (true, Effect::Allow) | (false, Effect::Ask | Effect::Deny) => {}
        (true, _) => differences.push(Difference::stricter("safe", "known to be safe", why)),
        (false, Effect::Allow) => differences.push(Difference::looser("safe", "not known to be safe", "allowed")),
    }
    let read = read(&line);
    let shown = || format!("{:?}", read.commands.iter().map(|seen| ours::texts(&seen.words)).collect::<Vec<_>>());
    for command in case.expect["plain_commands"].as_array().into_iter().flatten().map(texts) {
        if !read.has(&command) && read.unknown.is_empty() {
            let unescaped: Vec<String> = command.iter().map(|word| word.replace('\\', "")).collect();
            let side = if read.has(&unescaped) { Difference::stricter } else { Difference::looser };
            differences.push(side("command", format!("{command:?}"), shown()));
        }
    }
    let prefix = texts(&case.expect["single_prefix"]);
    let starts = read.commands.iter().any(|seen| seen.forms().any(|form| ours::texts(form).starts_with(&prefix)));
    if !starts && read.unknown.is_empty() {
        differences.push(Difference::looser("prefix", format!("{prefix:?}"), shown()));
    }
    differences
}

/// What the built-in rules say of a line in a project's folder.
fn decide(line: &str) -> (Effect, String) {
    let disk = Vfs::with_folders(["/repo", "/home/u"]);
    let layout = Layout {
        home: "/home/u".to_owned(),
        user_file: "/home/u/.config/countersign/countersign.toml".to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: "/etc/countersign/countersign.toml".to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    };
    let engine = load(&disk, &layout, "/repo", &NothingKnown).unwrap().engine;
    let request = Request {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        args: serde_json::json!({ "command": line }),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        mcp_server: None,
        ..Request::of("shell", "")
    };
    let call = engine.call(&request, &disk);
    let decision = engine.decide(&[], None, &call, Timestamp(0));
    (decision.effect(), engine.denial(&call, &decision))
}

/// The text that a shell is given with `-c`, or nothing.
fn payload(case: &Case) -> String {
    let argv = case.argv();
    let is_shell = ["bash", "sh", "zsh"].contains(&argv[0].rsplit('/').next().unwrap_or_default());
    if is_shell && argv.len() > 2 { argv[2].clone() } else { String::new() }
}

/// Whether one of the words of the command or of its payload is this program.
fn names(case: &Case, programs: &[&str]) -> bool {
    let text = format!("{} {}", case.argv()[0], payload(case));
    text.split(|c: char| c.is_whitespace() || "|;&()".contains(c)).any(|word| programs.contains(&word))
}

const RULES: &[Rule] = &[
    Rule {
        name: "a shell is judged beside what it runs",
        inputs: "`bash -lc`, `zsh -lc`, `sh -c` with a text that is known",
        answer: "asked by the built-in rules, which name no shell",
        why: "its start files and its own options decide what becomes of the text; hosts hand us the text itself",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "safe" && !payload(case).is_empty(),
    },
    Rule {
        name: "a program is more than its base name",
        inputs: "`./ls`, `/bin/ls`",
        answer: "asked",
        why: "theirs takes any file of that name for the program: the agent writes `./ls` and runs it",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "safe" && case.argv()[0].contains('/'),
    },
    Rule {
        name: "the home directory is outside the project",
        inputs: "`cd` without a folder, or with one elsewhere",
        answer: "asked",
        why: "what follows runs there and takes its configuration from there",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "safe" && case.argv()[0] == "cd",
    },
    Rule {
        name: "options that no table of ours knows",
        inputs: "a program of their list with such an option",
        answer: "asked",
        why: "an option can write, connect or run",
        side: Side::Stricter,
        explains: |case, difference| {
            difference.of == "safe" && read(&line_of(&case.argv())).commands.iter().any(|seen| !seen.is_data())
        },
    },
    Rule {
        name: "programs that no built-in rule names",
        inputs: "`base64`, `expr`, `id`, `numfmt`, `rev`, `nl`, `paste`, `tac`, `sed -n`; `pwd` and its kin with further words",
        answer: "asked",
        why: "the built-in rules are for looking around; more is a person's to allow, or a project's",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "safe" && names(case, &KNOWN_SAFE),
    },
    Rule {
        name: "a word is what the program receives",
        inputs: "a backslash before a blank: `echo a\\ b`",
        answer: "the command with its words as the shell passes them on",
        why: "theirs keeps the backslash, which no program receives",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "command" && payload(case).contains('\\'),
    },
    Rule {
        explains: |case, difference| difference.of == "safe" && payload(case).contains(['<', '>']),
        ..looser::HARMLESS_REDIRECTIONS
    },
    Rule {
        explains: |case, difference| {
            difference.of == "safe"
                && (payload(case).contains(['&', '(', '{', '!', '#']) || names(case, &["for", "while", "if", "case"]))
        },
        ..looser::SYNTAX
    },
    Rule {
        explains: |case, difference| {
            let wrappers = ["env", "time", "timeout", "nice", "nohup", "stdbuf", "command"];
            difference.of == "safe" && wrappers.contains(&case.argv()[0].as_str())
        },
        ..looser::INSIDE
    },
    Rule { explains: |case, difference| difference.of == "safe" && names(case, &READERS), ..looser::READERS },
];

/// Programs of their list that ours have no general rule for.
const KNOWN_SAFE: [&str; 17] = [
    "base64", "expr", "numfmt", "rev", "nl", "paste", "tac", "sed", "tr", "seq", "uniq", "cut", "false", "id", "pwd",
    "true", "whoami",
];

/// What their list lacks.
const READERS: [&str; 24] = [
    "sleep",
    "date",
    "printf",
    "du",
    "df",
    "file",
    "basename",
    "dirname",
    "realpath",
    "readlink",
    "test",
    "diff",
    "cmp",
    "ps",
    "sort",
    "hostname",
    "uptime",
    "tree",
    "md5sum",
    "sha256sum",
    "git",
    "rg",
    "find",
    "bash",
];
