//! Every option that an installed program's own help text names is either described by a table or asks.
//!
//! Only programs of the list below are run, with nothing but the words that print help: they do nothing else then.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that prints its counts")]

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use countersign_policy::WordKind;
use countersign_shell::{analyze, described, lists_as_harmless};

/// How long a help text may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Programs, or program and subcommand, that print their help for `--help` and end.
const HELP: &str = "ls cat tac nl head tail wc stat basename dirname realpath readlink du df md5sum sha1sum sha256sum sha512sum b2sum
    cksum cmp rm unlink rmdir shred truncate cp mv ln link install mkdir mkfifo mktemp touch chmod chown chgrp tee dd split csplit
    date seq fold fmt expand unexpand pr tsort ptx sort uniq shuf cut tr comm join paste od base64 base32 iconv factor sleep
    diff diff3 sdiff patch grep egrep fgrep rg fd fdfind ag ack ugrep find xargs sed awk gawk jq yq file tree bat batcat less more man
    apropos whatis info column hexdump tar gzip bzip2 xz zstd zip unzip cpio ar strings nm objdump readelf size objcopy strip ps pgrep
    pkill free vmstat who lscpu lsblk dmesg journalctl getent ss top numfmt hostname uname nproc whoami id uptime arch env printenv
    timeout nice nohup stdbuf setsid ionice flock curl wget rsync git gh glab hg svn jj delta pre-commit make cmake ninja cargo rustc
    rustfmt go gofmt pytest ruff mypy black isort eza lsd exa tokei scc cloc";

/// Programs whose help is printed for `-h`, as that of git's subcommands, which would open a manual page for `--help`.
const SHORT_HELP: &str = "lsof xxd unrar
    git diff,git log,git show,git status,git add,git commit,git checkout,git switch,git restore,git fetch,git pull,git push,git rebase,
    git merge,git cherry-pick,git revert,git reset,git branch,git tag,git remote,git stash list,git stash push,git worktree add,
    git blame,git grep,git ls-files,git ls-tree,git rev-list,git describe,git cat-file,git config,git clean,git clone,git init,
    git archive,git format-patch,git apply,git am,git notes add,git rm,git mv,git shortlog,git for-each-ref,git show-ref,git ls-remote,
    git symbolic-ref,git hash-object,git update-index,git sparse-checkout set,git bundle create,git fsck,git gc";

#[test]
fn options_of_help_texts_are_described_or_ask() {
    let known: BTreeSet<&str> = described().collect();
    let short = SHORT_HELP.split(',').flat_map(|names| match names.trim() {
        names if names.contains('\n') => {
            names.split_once('\n').map(|(a, b)| [a.split_whitespace().collect(), vec![b.trim()]].concat()).unwrap()
        }
        name => vec![name],
    });
    let all = HELP.split_whitespace().map(|name| (name, "--help")).chain(short.map(|name| (name, "-h")));
    let (mut programs, mut wrong) = (0, Vec::new());
    for (name, help) in all.filter(|(name, _)| known.contains(name)) {
        let Some(text) = help_text(name, help) else { continue };
        let (mut harmless, mut asks) = (0, 0);
        for option in options(&text) {
            for line in [format!("{name} {option}"), format!("{name} {option}=x"), format!("{name} {option} x")] {
                let analysis = analyze(&line);
                let at = name.split(' ').count();
                // As it was written: a wrapper that changes nothing is a spelling of what it runs.
                let Some(command) = analysis.commands.first() else { continue };
                let spellings = command.spellings.iter().map(|spelling| &spelling.words);
                let written = [&command.words].into_iter().chain(spellings).max_by_key(|words| words.len()).unwrap();
                let Some(word) = written.get(at) else { continue };
                if word.kind != WordKind::Data || !analysis.unknown.is_empty() {
                    asks += usize::from(!line.contains("=x") && !line.ends_with(" x"));
                } else if lists_as_harmless(name, &option) {
                    harmless += usize::from(!line.contains("=x") && !line.ends_with(" x"));
                } else {
                    wrong.push(line);
                }
            }
        }
        println!("{name:<24} {harmless:>4} described, {asks:>4} ask");
        programs += usize::from(harmless + asks > 0);
    }
    assert!(wrong.is_empty(), "neither described nor asked about: {wrong:#?}");
    assert!(programs > 0, "no program of the list is installed");
}

/// What a program prints; nothing where it is not installed or does not end.
fn help_text(name: &str, help: &str) -> Option<String> {
    let mut words = name.split(' ');
    let mut command = Command::new(words.next()?);
    command.args(words).arg(help).env("LC_ALL", "C").env("PAGER", "cat").env("GIT_PAGER", "cat").env("MANPAGER", "cat");
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.ok()?;
    let (told, hear) = channel();
    let readers =
        [thread::spawn(reader(child.stdout.take()?, told.clone())), thread::spawn(reader(child.stderr.take()?, told))];
    // Both outputs end with the program, at the latest when it is killed.
    let start = Instant::now();
    let texts: Vec<String> =
        readers.iter().map_while(|_| hear.recv_timeout(LIMIT.saturating_sub(start.elapsed())).ok()).collect();
    let ended = texts.len() == readers.len();
    child.kill().unwrap();
    child.wait().unwrap();
    ended.then(|| texts.join("\n"))
}

fn reader(mut from: impl Read + Send + 'static, told: Sender<String>) -> impl FnOnce() + Send + 'static {
    move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        // Nobody listens any more where it took too long.
        let _ = told.send(String::from_utf8_lossy(&bytes).into_owned());
    }
}

/// Everything that reads like an option.
fn options(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '?' | '@' | '#');
    let mut before = ' ';
    let mut rest = text;
    while let Some(start) = rest.find('-') {
        before = rest.get(..start).and_then(|skipped| skipped.chars().next_back()).unwrap_or(before);
        let word = rest.get(start..).unwrap_or_default();
        let end = word.find(|c| !inside(c)).unwrap_or(word.len());
        let (option, after) = word.split_at(end);
        let letters = option.trim_start_matches('-');
        if (before.is_whitespace() || "[,(|/`'\"".contains(before))
            && letters.len() + 2 >= option.len()
            && !letters.is_empty()
        {
            found.insert(option.trim_end_matches('-').to_owned());
        }
        before = option.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    // What `[no-]` stands for.
    let positive: Vec<String> = text
        .split("--[no-]")
        .skip(1)
        .filter_map(|rest| Some(format!("--{}", rest.get(..rest.find(|c| !inside(c))?)?)))
        .collect();
    found.extend(positive.iter().map(|option| option.replacen("--", "--no-", 1)));
    found.extend(positive);
    found.retain(|option| option.len() > 1 && option != "--");
    found
}
