//! What the bash tool asks for: each command is one of ours, each folder outside is one that we touch, and "always" of
//! ours reaches no further.

use countersign_policy::WordKind;
use countersign_shell::{Dir, Touch, Via};

use super::arity::{CHANGED_FILES, DYNAMIC, LONGER, RUN_CODE, SERVICE, UNKNOWN_PROGRAM, WRAPPED};
use crate::case::{Case, Folder, texts};
use crate::looser;
use crate::ours::{self, Line, read};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "opencode",
        name: "bash",
        compares: "each command text that they ask for is a command of ours, each folder outside is one that we touch, and no offer of ours reaches further than their \"always\"; whatever else we judge is a difference",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let line = read(case.text("command"));
    let patterns = texts(&case.expect["patterns"]);
    let mut differences = Vec::new();
    let is_unknown = !line.unknown.is_empty();
    if is_unknown {
        differences.push(Difference::stricter("unknown", format!("{patterns:?}"), line.unknown.join("; ")));
    }
    let parts: Vec<(String, Line)> = patterns.iter().map(|pattern| (program(pattern), read(pattern))).collect();
    for (pattern, (program, part)) in patterns.iter().zip(&parts) {
        let text = case.text("command");
        let is_defined = |name: &str| ours::defines(text, name);
        let in_line = part.commands.iter().all(|seen| line.may_have(&seen.words) || is_defined(seen.program()));
        let is = |form: &[countersign_policy::Word]| form[0].text == *program || form[0].kind == WordKind::Dynamic;
        let named = program.is_empty() || is_defined(program) || line.commands.iter().any(|seen| seen.forms().any(&is));
        if !(is_unknown || in_line && named) {
            differences.push(Difference::looser("command", pattern, shown(&line)));
        }
    }
    for seen in &line.commands {
        let words = ours::texts(&seen.words);
        let is = |program: &str| program.is_empty() || program == words[0];
        if !parts.iter().any(|(program, part)| is(program) && part.has(&words)) {
            differences.push(Difference::stricter("command", format!("{patterns:?}"), words.join(" ")));
        }
    }
    for touch in line.touches.iter().filter(|touch| touch.via == Via::Redirection) {
        differences.push(Difference::stricter("redirection", "a part of the text, or nothing", &touch.path));
    }
    differences.extend(outside(case, &line));
    differences.extend(offers(case, &line));
    differences
}

/// Whether a human is asked whatever the rules say.
fn is_uncertain(line: &Line) -> bool {
    !line.unknown.is_empty() || line.commands.iter().any(|seen| seen.has(WordKind::Dynamic))
}

fn shown(line: &Line) -> String {
    format!("{:?}", line.commands.iter().map(|seen| ours::texts(&seen.words).join(" ")).collect::<Vec<_>>())
}

/// The program of a command text: its first word that is no assignment and no redirection, without quotes. Nothing
/// where a substitution stands before it.
fn program(pattern: &str) -> String {
    if pattern.split_ascii_whitespace().next().is_some_and(|word| word.contains(['$', '`'])) {
        return String::new();
    }
    let is_setting = |word: &&str| {
        let name = word.split('=').next().unwrap_or_default();
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (word.contains('=') && named) || word.contains(['<', '>'])
    };
    let mut words = pattern.split_ascii_whitespace();
    let word = words.by_ref().find(|word| !is_setting(word)).unwrap_or_default();
    word.chars().filter(|c| !['"', '\'', '\\'].contains(c)).collect()
}

/// Folders outside the project.
fn outside(case: &Case, line: &Line) -> Vec<Difference> {
    let mut differences = Vec::new();
    let theirs: Vec<String> = texts(&case.expect["external_directory"])
        .iter()
        .map(|pattern| format!("{}/", pattern.trim_end_matches('*').trim_end_matches('/')))
        .collect();
    let ours: Vec<(&Touch, Option<String>)> = line.touches.iter().map(|touch| (touch, absolute(case, touch))).collect();
    for folder in &theirs {
        let found =
            ours.iter().any(|(_, path)| path.as_ref().is_some_and(|path| format!("{path}/").starts_with(folder)));
        if !found && !is_uncertain(line) {
            differences.push(Difference::looser("outside", folder, format!("{ours:?}")));
        }
    }
    let roots = ["directory", "worktree"].map(|key| case.context[key].as_str().unwrap_or("/"));
    let inside =
        |path: &str| roots.iter().any(|root| *root != "/" && format!("{path}/").starts_with(&format!("{root}/")));
    for (touch, path) in &ours {
        let Some(path) = path.as_ref().filter(|path| !inside(path) && *path != "/dev/null") else { continue };
        if touch.via == Via::Operand && !theirs.iter().any(|folder| format!("{path}/").starts_with(folder)) {
            differences.push(Difference::stricter("outside", "not asked", path));
        }
    }
    differences
}

/// The path that is touched; none where that is known only when it runs, or it is a host.
fn absolute(case: &Case, touch: &Touch) -> Option<String> {
    if touch.action == countersign_policy::Action::Fetch {
        return None;
    }
    let home = case.context["home"].as_str().unwrap_or_default();
    let expand = |path: &str| match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
        _ => path.to_owned(),
    };
    let path = expand(&touch.path);
    let Dir::Cwd(dir) = &touch.dir else { return path.starts_with('/').then(|| clean(&path)) };
    let cwd = case.context["directory"].as_str().unwrap_or_default();
    let joined = [cwd, &expand(dir), &path].iter().fold(String::new(), |above, next| {
        if next.starts_with('/') { (*next).to_owned() } else { format!("{above}/{next}") }
    });
    Some(clean(&joined))
}

fn clean(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    names.iter().map(|name| format!("/{name}")).collect()
}

/// "Always": what we offer for a command reaches no further than theirs, and is as much.
fn offers(case: &Case, line: &Line) -> Vec<Difference> {
    let mut differences = Vec::new();
    let theirs: Vec<Vec<String>> = texts(&case.expect["always"])
        .iter()
        .map(|always| always.strip_suffix(" *").unwrap_or(always).split(' ').map(unquoted).collect())
        .collect();
    let ours: Vec<Vec<String>> = line.commands.iter().flat_map(|seen| seen.prefixes()).collect();
    for offer in ours.iter().filter(|_| line.unknown.is_empty()) {
        let related: Vec<&Vec<String>> = theirs.iter().filter(|always| always[0] == offer[0]).collect();
        if !related.is_empty() && !related.iter().any(|always| offer.starts_with(always)) {
            differences.push(Difference::looser("prefix", format!("{related:?}"), offer.join(" ")));
        }
    }
    for always in theirs.iter().filter(|always| !ours.contains(always)) {
        let commands: Vec<_> = line.commands.iter().filter(|seen| seen.program() == always[0]).collect();
        let of = if commands.iter().any(|seen| seen.has(WordKind::Dynamic)) || !line.unknown.is_empty() {
            "dynamic"
        } else if commands.is_empty() {
            "wrapper"
        } else if commands.iter().any(|seen| !seen.is_data()) {
            "power"
        } else if ours.iter().any(|offer| offer[0] == always[0]) {
            "prefix"
        } else {
            "exact"
        };
        differences.push(Difference::stricter(of, format!("{} *", always.join(" ")), format!("{ours:?}")));
    }
    differences
}

fn unquoted(word: &str) -> String {
    word.chars().filter(|c| !['"', '\'', '\\'].contains(c)).collect()
}

/// Whether the line has one of these words.
fn has(case: &Case, wanted: &[&str]) -> bool {
    let mut words = case.text("command").split(|c: char| c.is_whitespace() || "|;&()\"".contains(c));
    words.any(|word| wanted.contains(&word))
}

fn assigns(case: &Case) -> bool {
    let is = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    case.text("command").split(|c: char| c.is_whitespace() || ";&|".contains(c)).any(is)
        || has(case, &["export", "unset", "declare", "readonly", "local", "typeset", "let"])
}

const RULES: &[Rule] = &[
    Rule {
        name: "a text that does not end is unknown",
        inputs: "what their parser marks as an error: an open quote, parenthesis or here-document, a list that ends in `&&`",
        answer: "unknown: asked about as a whole",
        why: "they ask for the commands before the error, or for nothing, and the line runs",
        side: Side::Stricter,
        explains: |case, difference| {
            case.expect["parse_error"] == true && ["unknown", "command"].contains(&difference.of)
        },
    },
    Rule {
        name: "a variable that is set before",
        inputs: "`FOO=bar rm x`, `FOO=bar`, `export`, `unset`, an array",
        answer: "unknown, unless the variable is known to be harmless",
        why: "it can change what runs; theirs asks nothing, or asks for a text that begins with the assignment, which no denial matches",
        side: Side::Stricter,
        explains: |case, difference| ["unknown", "command"].contains(&difference.of) && assigns(case),
    },
    Rule {
        name: "a program that is known only when it runs",
        inputs: "`$CMD x`, `$(which rm) x`, a function that may stand for any program, arithmetic",
        answer: "unknown",
        why: "theirs grants `$CMD *`, whatever it will be",
        side: Side::Stricter,
        explains: |case, difference| {
            let text = case.text("command").trim_start();
            difference.of == "unknown"
                && (text.starts_with('$')
                    || text.contains("()")
                    || text.contains("((")
                    || has(case, &["function", "alias"]))
        },
    },
    Rule {
        name: "expansions and constructs that can change something",
        inputs: "`${x@P}`, `${x:=y}`, `$((x))`, `[[ $x ]]`, `coproc`, `select`",
        answer: "unknown, where it may run or set something",
        why: "they can run commands that no command text of theirs shows",
        side: Side::Stricter,
        explains: |case, difference| {
            let text = case.text("command");
            difference.of == "unknown"
                && (text.contains("${") || text.contains("$((") || has(case, &["[[", "coproc", "select", "trap"]))
        },
    },
    Rule {
        name: "programs that take what they run from elsewhere",
        inputs: "a shell or a database's client that reads its input, `source`, `eval`, `watch`, `tmux`",
        answer: "unknown",
        why: "a rule for the program's name says nothing of what it will do",
        side: Side::Stricter,
        explains: |case, difference| {
            let programs = [
                "sh",
                "bash",
                "zsh",
                "dash",
                "fish",
                "source",
                ".",
                "eval",
                "watch",
                "tmux",
                "screen",
                "psql",
                "mysql",
                "sqlite3",
                "mongosh",
                "redis-cli",
                "python",
                "python3",
                "node",
                "perl",
                "ruby",
                "script",
                "ssh",
                "parallel",
                "flock",
                "busybox",
                "su",
                "xargs",
            ];
            difference.of == "unknown" && has(case, &programs)
        },
    },
    Rule {
        name: "characters that cannot be seen",
        inputs: "a carriage return, an invisible character",
        answer: "unknown",
        why: "theirs takes a carriage return for the end of a line, the shell for a part of a word",
        side: Side::Stricter,
        explains: |case, difference| {
            difference.of == "unknown"
                && case
                    .text("command")
                    .chars()
                    .any(|c| (c.is_control() && c != '\n' && c != '\t') || !(c.is_ascii() || c.is_alphanumeric()))
        },
    },
    Rule {
        name: "patterns that are deleted or written by",
        inputs: "`rm /etc/*`, `mv *.txt x`",
        answer: "unknown",
        why: "which files are lost is known only when it runs",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "unknown" && case.text("command").contains(['*', '?', '[']),
    },
    Rule {
        name: "the command that a wrapper runs is named too",
        inputs: "`sudo`, `env`, `timeout`, `xargs`, `find -exec`, `bash -c`, `exec` and their kind",
        answer: "what they run is a command of its own",
        why: "a denial of `rm *` must hold however it is called; theirs sees the wrapper alone",
        side: Side::Stricter,
        explains: |case, difference| {
            let wrappers = [
                "eval", "sudo", "env", "timeout", "time", "xargs", "find", "bash", "sh", "zsh", "exec", "stdbuf",
                "nice", "nohup", "doas", "command", "builtin", "watch", "setsid", "ionice", "npx", "ssh", "docker",
                "fd",
            ];
            difference.of == "command" && has(case, &wrappers)
        },
    },
    Rule {
        name: "a change of directory is a command",
        inputs: "`cd`, `pushd`, `popd`, `chdir`",
        answer: "a command, which the built-in rules allow",
        why: "what follows starts elsewhere and takes its configuration from there",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "command" && has(case, &["cd", "chdir", "pushd", "popd"]),
    },
    Rule {
        name: "variables and functions are followed",
        inputs: "`for f in *; do rm $f; done`, `x=a; rm $x`, `f() { rm $1; }; f a`",
        answer: "the command with its words as far as the line itself says them",
        why: "theirs asks for the text, which no rule for what it stands for matches",
        side: Side::Stricter,
        explains: |case, difference| {
            difference.of == "command" && (case.text("command").contains('$') || case.text("command").contains("()"))
        },
    },
    Rule {
        name: "tests and declarations are commands",
        inputs: "`[ -f x ]`, `[[ ... ]]`",
        answer: "a command, which the built-in rules allow",
        why: "they can hold substitutions and assignments, so that they are looked at like all others",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "command" && has(case, &["[", "[["]),
    },
    Rule {
        name: "a redirection to a file is judged by itself",
        inputs: "`> file` and its kin, wherever they stand",
        answer: "an edit of that file",
        why: "theirs leaves it out behind a pipe or list, and `git log *` covers `git log > file`",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "redirection",
    },
    Rule {
        name: "every program's operands are paths",
        inputs: "operands outside the project of `ls`, `tee`, `dd`, `sed -i`, of what a wrapper runs, of `< file`, of an option",
        answer: "judged as read, edited or deleted",
        why: "theirs looks at fifteen programs by name",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "outside",
    },
    DYNAMIC,
    CHANGED_FILES,
    RUN_CODE,
    SERVICE,
    UNKNOWN_PROGRAM,
    LONGER,
    WRAPPED,
    Rule { explains: |_, difference| difference.of == "prefix", ..looser::OPERATIONS },
];
