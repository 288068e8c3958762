//! A grammar of command lines: what agents write, in all the ways that a shell lets them write it.
//!
//! Constructs that no static reading can follow (a program from a variable, a function) stay rare, as they are in life.

use crate::dice::Dice;
use crate::quoting::{quoted, single};

/// How deep lines nest: substitutions, groups, payloads of `sh -c`.
const DEEPEST: usize = 3;

/// Commands with holes; what the holes are, [`Line::hole`] says.
const COMMANDS: &[&str] = &[
    "git status",
    "git status {opt}",
    "git diff {opt} {file}",
    "git log {opt} -n {number}",
    "git show {text}",
    "git add {file} {file}",
    "git commit -m {text}",
    "git checkout -b {name}",
    "git grep {opt} {text} -- {glob}",
    "git -C {dir} status",
    "git diff HEAD~{number} -- {file}",
    "git rev-parse --show-toplevel",
    "git stash list",
    "ls",
    "ls {opt}",
    "ls -la {dir}",
    "ls {glob}",
    "cat {file}",
    "cat {file} {file}",
    "head -n {number} {file}",
    "tail -n {number} {file}",
    "wc -l {file}",
    "wc -l {glob}",
    "grep -rn {text} {dir}",
    "grep {opt} {text} {file}",
    "rg {text} {dir}",
    "rg -n {text} -g {pattern}",
    "sed -n {sed} {file}",
    "sed {sed} {file}",
    "awk {awk} {file}",
    "sort {file}",
    "sort {opt} {file}",
    "uniq -c",
    "cut -d, -f{number} {file}",
    "tr {text} {text}",
    "diff {file} {file}",
    "find {dir} -name {pattern}",
    "find . -type f -name {pattern} -print",
    "echo {text}",
    "echo {word} {word}",
    "echo {opt} {text}",
    "printf {text} {word}",
    "mkdir -p {dir}",
    "cp {file} {file}",
    "mv {file} {file}",
    "rm {file}",
    "rm -rf {dir}",
    "touch {file}",
    "chmod +x {file}",
    "ln -s {file} link-{name}",
    "cargo test {name}",
    "cargo build --release",
    "npm test",
    "npm run {name}",
    "python3 {file}",
    "python3 -m pytest {file}",
    "make {name}",
    "go test ./...",
    "node {file}",
    "curl -s https://{name}.example/{name}",
    "jq {text} {file}",
    "tee {file}",
    "true",
    "false",
    "test -f {file}",
    "[ -d {dir} ]",
    "sleep {number}",
    "date +%F",
    "pwd",
    "cd {dir}",
    "./scripts/build.sh {word}",
    "node_modules/.bin/eslint {file}",
    "/usr/bin/git log",
    "docker ps",
    "ls {braces}",
    "cp {file}{braces} {dir}",
    "cat ~/{name}",
    "ls ~",
    "stat {file}",
    "basename {word}",
    "dirname {file}",
    "tar tf {file}",
    "du -sh {dir}",
    "{name} {word} {word}",
    "{name} {opt} {text}",
    "type {name}",
    "which {name}",
    "git show HEAD:{file}",
    "nl {file}",
];

/// Commands that run others. `{command}` is the words of a command, `{payload}` one word that is a line by itself.
const WRAPPERS: &[&str] = &[
    "timeout 5 {command}",
    "timeout -k 1 5s {command}",
    "env {command}",
    "env CI=1 {command}",
    "env -u TZ {command}",
    "/usr/bin/env {command}",
    "nice {command}",
    "nice -n 5 {command}",
    "nohup {command}",
    "stdbuf -oL {command}",
    "setsid {command}",
    "command {command}",
    "exec {command}",
    "time {command}",
    "sudo {command}",
    "sudo -u root {command}",
    "xargs {command}",
    "xargs -n 1 {command}",
    "xargs -0 {command}",
    "xargs -I{} {command} {}",
    "xargs -r {command}",
    "find . -name {pattern} -exec {command} {} \\;",
    "find src -type f -exec {command} {} +",
    "find . -maxdepth 1 -exec {command} \\;",
    "find . -name {pattern} -execdir {command} {} \\;",
    "bash -c {payload}",
    "sh -c {payload}",
    "bash -c {payload}",
    "bash -euc {payload}",
    "bash -c {payload} {name} {word}",
    "env bash -c {payload}",
    "timeout 5 bash -c {payload}",
    "find . -name {pattern} -exec bash -c {payload} \\;",
];

const NAMES: &[&str] = &["lint", "x", "main", "check", "app", "docs", "foo", "build", "unit"];
const FILES: &[&str] = &[
    "README.md",
    "src/main.rs",
    "src/a.rs",
    "./Cargo.toml",
    "src/with space.rs",
    ".env",
    "src/it's.rs",
    "new.txt",
    "docs/[a].md",
    "src/é.rs",
    "../repo/README.md",
    "/repo/src/a.rs",
    "/tmp/x",
    "a;b",
    "$HOME",
    "x`id`y",
    "a\\b",
];
const WRITTEN: &[&str] = &[
    "out.txt",
    "src/a.rs",
    "./log",
    "/tmp/out",
    "README.md",
    "docs/new file",
    "it's",
    "..//repo/x",
    "new",
    "~",
    "a$b",
];
const DIRS: &[&str] = &["src", ".", "docs", "src/", "..", "tests", "/repo", "missing", "src/deep"];
const GLOBS: &[&str] = &[
    "*.rs",
    "src/*.rs",
    "*",
    "src/?.rs",
    "docs/[ab]*",
    "**/*.rs",
    "src/*",
    "[A-Z]*",
    "*.none",
    "\"src\"/*.rs",
    "src/'a'*",
];
const PATTERNS: &[&str] = &["*.rs", "*.md", "a*", "*.{rs,md}", "[ab].rs"];
const OPTIONS: &[&str] =
    &["-n", "-l", "-v", "--stat", "--color=never", "-rf", "-x", "--help", "-1", "--name-only", "--"];
const TEXTS: &[&str] = &[
    "hello",
    "fix: it's done",
    "a b",
    "",
    "TODO|FIXME",
    "x > y",
    "a && b",
    "$(id)",
    "`id`",
    "$HOME",
    "\"quoted\"",
    "*",
    "a\nb",
    "# no",
    "\\d+",
    "tab\there",
    "é → ü",
    "{a,b}",
    "~",
    "<<EOF",
    "!x",
    "end;",
    "fn main() {",
    "a\\",
    "%s\\n",
    "=",
];
const BRACES: &[&str] =
    &["{a,b}", "src/{a,b}.rs", "{src,docs}/", "x{,.bak}", "{a,'b c'}", "{a}", "{a,b}{c,d}", "{}", "{,}"];
const SED: &[&str] = &["1,20p", "s/a/b/g", "/^fn/p", "$d", "s#a#b#"];
const AWK: &[&str] = &["{print $1}", "NR==1", "/a/ {print $2}"];
const SAFE_ASSIGNMENTS: &[&str] = &["CI=1", "LANG=C", "NO_COLOR=1", "RUST_LOG=debug", "LC_ALL=C"];

/// A line and what is still to come in it.
pub(crate) struct Line<'d> {
    dice: &'d mut Dice,
    depth: usize,
    /// Bodies of here-documents, due at the next new line.
    bodies: Vec<String>,
}

/// A whole line.
pub(crate) fn line(dice: &mut Dice) -> String {
    let mut line = Line { dice, depth: 0, bodies: Vec::new() };
    let mut out = line.statements();
    if line.dice.in_thousand(40) {
        out.push_str(line.dice.pick(&[" # done", " # it's \"so\"", "\n", " ;", " &", "\t", "\n# $(rm x)"]));
    }
    out + &line.due()
}

/// The same line with one character removed, doubled or put in: what a parser is most easily wrong about.
pub(crate) fn broken(dice: &mut Dice, line: &str) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    let at = dice.below(chars.len());
    match dice.below(4) {
        0 => drop(chars.remove(at)),
        1 => chars.insert(at, chars.get(at).copied().unwrap_or(' ')),
        _ => {
            let nasty: Vec<char> = "'\"\\`$(){}[]<>|&;#\n !*?~=-,:^@%+1a\t".chars().collect();
            chars.insert(at, nasty.get(dice.below(nasty.len())).copied().unwrap_or(' '));
        }
    }
    chars.into_iter().collect()
}

impl Line<'_> {
    fn statements(&mut self) -> String {
        let mut out = self.statement();
        let more = self.dice.weighted(&[55, 30, 10, 5]);
        for _ in 0..more {
            let separator = self
                .dice
                .pick(&["; ", " && ", " || ", "\n", " & ", ";", "&&", "||", " &&\n", "\n\n", " ;\t", "&", " \\\n&& "]);
            out.push_str(separator);
            if separator.contains('\n') && !separator.contains('\\') {
                let body = self.due_before_next();
                out.truncate(out.trim_end_matches('\n').len());
                out.push_str(&body);
            }
            out.push_str(&self.statement());
        }
        out
    }

    /// The bodies that are due, after a new line.
    fn due(&mut self) -> String {
        let bodies = std::mem::take(&mut self.bodies);
        if bodies.is_empty() { String::new() } else { format!("\n{}", bodies.join("\n")) }
    }

    fn due_before_next(&mut self) -> String {
        self.due() + "\n"
    }

    fn statement(&mut self) -> String {
        if self.depth >= DEEPEST {
            return self.simple();
        }
        let weights = [800, 20, 20, 30, 30, 20, 12, 40, 12, 2];
        match self.dice.weighted(&weights) {
            0 => self.pipeline(),
            1 => format!("({})", self.nested()),
            2 => format!("{{ {}; }}{}", self.nested(), self.redirections()),
            3 => {
                let condition = self.condition();
                let otherwise =
                    if self.dice.in_thousand(400) { format!("; else {}", self.nested()) } else { String::new() };
                format!("if {condition}; then {}{otherwise}; fi{}", self.nested(), self.redirections())
            }
            4 => {
                let words: Vec<String> = (0..=self.dice.below(3)).map(|_| self.word()).collect();
                let variable = self.dice.pick(&["f", "file", "i"]);
                let body = self.nested();
                let command = self.command();
                let list = self.dice.pick(&["; do ", "\ndo ", ";do\n"]);
                format!("for {variable} in {}{list}{command} \"${variable}\"; {body}; done", words.join(" "))
            }
            5 => match self.dice.below(3) {
                0 => format!("while read -r l; do {}; done < {}", self.nested(), self.hole("file")),
                1 => format!("until true; do {}; done", self.nested()),
                _ => format!("{} | while read -r l; do {} \"$l\"; done", self.simple(), self.command()),
            },
            6 => {
                let word = self.word();
                let (first, second) = (self.nested(), self.nested());
                let pattern = self.dice.pick(&["a|b)", "(x)", "*.rs)", "\"a b\")", "[a-z]*)"]);
                format!("case {word} in {pattern} {first};; *) {second};; esac")
            }
            7 => {
                let value = self.word();
                let name = self.dice.pick(&["x", "dir", "n", "out"]);
                format!("{name}={value}; {} \"${name}\"", self.command())
            }
            8 => self.condition(),
            _ => self.dark(),
        }
    }

    /// What cannot be followed.
    fn dark(&mut self) -> String {
        match self.dice.below(6) {
            0 => format!("f() {{ {}; }}; f", self.nested()),
            1 => format!("$x {}", self.word()),
            2 => format!("eval {}", single(&self.payload())),
            3 => format!("FOO={} {}", self.word(), self.command()),
            4 => format!("$(echo {}) x", self.hole("name")),
            _ => format!("export A={}; {}", self.word(), self.command()),
        }
    }

    fn nested(&mut self) -> String {
        self.depth += 1;
        let outer = std::mem::take(&mut self.bodies);
        let out = self.statements();
        // A `;` or `)` follows, and would stand behind the body's end.
        let out = if self.bodies.is_empty() { out } else { format!("{out}{}\n:", self.due()) };
        self.bodies = outer;
        self.depth -= 1;
        // `a &;` is none.
        if out.ends_with('&') { out + " :" } else { out }
    }

    fn condition(&mut self) -> String {
        match self.dice.below(8) {
            0 => format!("[ -f {} ]", self.hole("file")),
            1 => format!("[[ -d {} ]]", self.hole("dir")),
            2 => format!("[[ {} == {} ]]", self.expansion(), self.hole("name")),
            3 => format!("test -n {}", self.word()),
            4 => format!("! {}", self.simple()),
            5 => format!("[ {} = {} ]", self.hole("text"), self.expansion()),
            6 => format!("[[ {} =~ ^a ]] && {}", self.hole("name"), self.simple()),
            _ => self.simple(),
        }
    }

    fn pipeline(&mut self) -> String {
        let mut out = String::from(if self.dice.in_thousand(15) { self.dice.pick(&["! ", "time "]) } else { "" });
        out.push_str(&self.simple());
        for _ in 0..self.dice.weighted(&[70, 22, 6, 2]) {
            out.push_str(self.dice.pick(&[" | ", "|", " |\n", " |& ", " | "]));
            if out.ends_with('\n') {
                let body = self.due_before_next();
                out.truncate(out.len() - 1);
                out.push_str(&body);
            }
            out.push_str(&self.simple());
        }
        out
    }

    /// A simple command with what surrounds it.
    fn simple(&mut self) -> String {
        let mut out = String::new();
        if self.dice.in_thousand(30) {
            out = format!("{} ", self.dice.pick(SAFE_ASSIGNMENTS));
        }
        let bodies = self.bodies.len();
        if self.dice.in_thousand(12) {
            // Before the command the parser does not know a here-document.
            let redirection = Some(self.redirection()).filter(|redirection| !redirection.starts_with("<<"));
            let written = redirection.map(|redirection| redirection + " ");
            out.push_str(&written.unwrap_or_default());
            self.bodies.truncate(bodies);
        }
        let command = self.command();
        out + &command + &self.redirections()
    }

    /// The words of a command.
    fn command(&mut self) -> String {
        let wrapper = self.depth < DEEPEST && self.dice.in_thousand(110);
        let template = self.dice.pick(if wrapper { WRAPPERS } else { COMMANDS });
        self.depth += usize::from(wrapper);
        let words: Vec<String> = template.split(' ').map(|word| self.filled(word)).collect();
        self.depth -= usize::from(wrapper);
        let blank = if self.dice.in_thousand(15) { self.dice.pick(&["  ", "\t", " \\\n", " \\\n  "]) } else { " " };
        words.join(blank)
    }

    /// A word of a template.
    fn filled(&mut self, template: &str) -> String {
        let hole = template.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        match hole {
            Some((before, (name, after))) if !name.is_empty() => {
                // Quotes end where the hole begins, so that the parts of one word may be quoted apart.
                format!("{before}{}{}", self.hole(name), self.filled_rest(after))
            }
            _ if template == "\\;" => self.dice.pick(&["\\;", "\\;", "';'", "\";\""]).to_owned(),
            _ if template == "{}" => self.dice.pick(&["{}", "{}", "'{}'", "\"{}\""]).to_owned(),
            // These are words of the shell's own only as long as nothing of them is quoted.
            _ if template == "time" => template.to_owned(),
            _ => quoted(self.dice, template),
        }
    }

    fn filled_rest(&mut self, template: &str) -> String {
        if template.is_empty() { String::new() } else { self.filled(template) }
    }

    fn hole(&mut self, name: &str) -> String {
        let texts = match name {
            "command" => return self.command(),
            "payload" => {
                let payload = self.payload();
                return if self.dice.in_thousand(700) { single(&payload) } else { quoted(self.dice, &payload) };
            }
            "word" => return self.word(),
            "glob" => return self.dice.pick(GLOBS).to_owned(),
            "braces" => return self.dice.pick(BRACES).to_owned(),
            "number" => return (1 + self.dice.below(9)).to_string(),
            "name" => NAMES,
            "file" => FILES,
            "dir" => DIRS,
            "pattern" => PATTERNS,
            "opt" => OPTIONS,
            "sed" => SED,
            "awk" => AWK,
            _ => TEXTS,
        };
        if matches!(name, "file" | "dir" | "text") && self.dice.in_thousand(60) {
            return self.expansion();
        }
        let text = self.dice.pick(texts);
        quoted(self.dice, text)
    }

    /// A line by itself, as the text of one word.
    fn payload(&mut self) -> String {
        self.apart(Self::statements)
    }

    /// Something that brings its own here-documents.
    fn apart(&mut self, what: impl Fn(&mut Self) -> String) -> String {
        self.depth += 1;
        let outer = std::mem::take(&mut self.bodies);
        let mut out = what(self);
        if !self.bodies.is_empty() {
            out = format!("{out}{}\n", self.due());
        }
        self.bodies = outer;
        self.depth -= 1;
        out
    }

    fn word(&mut self) -> String {
        match self.dice.weighted(&[30, 25, 10, 8, 5, 20]) {
            0 => self.hole("file"),
            1 => self.hole("text"),
            2 => self.hole("opt"),
            3 => self.hole("glob"),
            4 => self.hole("braces"),
            _ => self.expansion(),
        }
    }

    fn expansion(&mut self) -> String {
        let simple = [
            "$x",
            "\"$x\"",
            "${x}",
            "\"${x:-a b}\"",
            "$?",
            "\"$@\"",
            "${x%.*}",
            "\"$HOME/x\"",
            "$PWD",
            "pre$x\"post\"",
            "$((1 + 2))",
            "\"n: $((2*3))\"",
            "~/x",
            "${#x}",
            "\"${x/a/b}\"",
            "a${x:-}b",
            "$$",
            "\"$x $f\"",
        ];
        if self.depth >= DEEPEST || self.dice.in_thousand(500) {
            return self.dice.pick(&simple).to_owned();
        }
        let inner = self.apart(Self::statements);
        let apart = if inner.starts_with('(') { " " } else { "" };
        match self.dice.weighted(&[35, 35, 8, 8, 6, 4, 4]) {
            0 => format!("$({apart}{inner})"),
            1 => format!("\"$({apart}{inner})\""),
            2 if !inner.contains(['\\', '`']) => format!("`{inner}`"),
            3 => format!("\"a: $({apart}{inner}), b\""),
            4 => format!("<({inner})"),
            5 => format!("${{x:-$({apart}{inner})}}"),
            6 if !inner.contains(['\\', '`', '"']) => format!("\"`{inner}`\""),
            _ => format!("x$({apart}{inner})y"),
        }
    }

    fn redirections(&mut self) -> String {
        let mut out = String::new();
        for place in 0..self.dice.weighted(&[86, 12, 2]) {
            let blank = self.dice.pick(&[" ", " ", " ", "", "\t"]);
            let mut redirection = self.redirection();
            // Behind another redirection the parser does not know a here-string.
            while place > 0 && redirection.starts_with("<<<") {
                redirection = self.redirection();
            }
            // `a2>x` is a word and a redirection; `a<<'E'` is nothing that the parser knows, and so always unknown.
            let apart = redirection.starts_with(|c: char| c.is_ascii_digit()) || redirection.starts_with("<<");
            let blank = if apart { " " } else { blank };
            out.push_str(blank);
            out.push_str(&redirection);
        }
        out
    }

    fn redirection(&mut self) -> String {
        let blank = self.dice.pick(&["", " ", " ", "\t"]);
        match self.dice.weighted(&[25, 15, 25, 10, 8, 8, 4]) {
            0 => {
                let operator = self.dice.pick(&[">", ">", ">>", "2>", "&>", ">|", "1>", "2>>", "&>>"]);
                let target = self.dice.pick(WRITTEN);
                format!("{operator}{blank}{}", quoted(self.dice, target))
            }
            1 => format!("{}{blank}/dev/null", self.dice.pick(&[">", "2>", "&>", ">>"])),
            2 => self.dice.pick(&["2>&1", "2>&1", ">&2", "1>&2", "2>&-", "3>&1", "<&-"]).to_owned(),
            3 => format!("<{blank}{}", self.hole("file")),
            4 => format!("<<<{blank}{}", self.word()),
            5 if self.depth < DEEPEST => format!("< <({})", self.apart(Self::statements)),
            _ => self.here_document(),
        }
    }

    fn here_document(&mut self) -> String {
        let tabs = self.dice.in_thousand(200);
        let delimiter = self.dice.pick(&["EOF", "E", "END_1"]);
        let indent = if tabs { "\t" } else { "" };
        let quotes = self.dice.pick(&["'", "'", "\"", "", ""]);
        let first = self.dice.pick(&["text", "$x and ${x}", "it's \"so\"", "a | b > c", "", "# $HOME", "a \\$b"]);
        // A line that begins as the delimiter does ends the body to the parser: always unknown.
        let first = if self.dice.in_thousand(25) { "EOF2" } else { first };
        let second = match (quotes, self.depth < DEEPEST && self.dice.in_thousand(300)) {
            ("", true) => format!("got $({})", self.apart(Self::simple)),
            ("", false) => "last".to_owned(),
            _ => self.dice.pick(&["$(rm x)", "`id`", "last", "it's"]).to_owned(),
        };
        self.bodies.push(format!("{indent}{first}\n{indent}{second}\n{indent}{delimiter}"));
        format!("<<{}{quotes}{delimiter}{quotes}", if tabs { "-" } else { "" })
    }
}
