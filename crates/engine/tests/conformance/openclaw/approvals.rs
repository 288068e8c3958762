//! As much of exec approvals as it takes to decide a command: the cascade, the allowlist, and the bins that need none.
//!
//! Their policy, our reading of the command. An entry for a program says nothing of its arguments, as there.

use std::cmp::Ordering;

use countersign_policy::{WordKind, sha256_hex};
use countersign_shell::Via;
use serde_json::Value;

use crate::case::{Case, texts};
use crate::ours::{self, Line, Seen};
use crate::vfs::Vfs;

/// How far an agent may go: the strictest first.
const SECURITY: [&str; 3] = ["deny", "allowlist", "full"];
/// When a human is asked: the least first.
const ASK: [&str; 3] = ["off", "on-miss", "always"];
/// What needs no entry.
const BUILTINS: [&str; 7] = [":", "cd", "false", "pwd", "test", "true", "["];
const SAFE_BINS: [&str; 6] = ["cut", "uniq", "head", "tail", "tr", "wc"];
/// Blocked wherever they stand: what they run is no longer the same command.
const BLOCKED: [&str; 10] =
    ["sudo", "doas", "su", "chroot", "watch", "script", "unshare", "nsenter", "bwrap", "systemd-run"];
/// Run what a package says: judged by that, not by an entry for themselves.
const PACKAGE_RUNNERS: [&str; 4] = ["npx", "bunx", "pnpm", "yarn"];
/// Judged by the script that they are given, not by an entry for themselves.
pub(crate) const SHELLS: [&str; 14] =
    ["ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "yash", "zsh", "csh", "tcsh", "nu", "elvish", "xonsh"];

/// What counts for one agent.
pub(crate) struct Approvals<'a> {
    case: &'a Case,
    vfs: Vfs,
    pub(crate) security: usize,
    ask: usize,
    skills: bool,
    entries: Vec<Entry>,
}

struct Entry {
    pattern: String,
    args: Option<String>,
    generated: bool,
}

impl Entry {
    fn of(value: &Value) -> Option<Entry> {
        if let Some(pattern) = value.as_str() {
            return Some(Entry { pattern: pattern.trim().to_owned(), args: None, generated: false });
        }
        Some(Entry {
            pattern: value["pattern"].as_str()?.trim().to_owned(),
            args: value["argPattern"].as_str().map(str::to_owned),
            generated: value["source"] == "allow-always",
        })
    }
}

impl<'a> Approvals<'a> {
    /// What the case's document says for the agent of its request.
    pub(crate) fn of(case: &'a Case, vfs: Vfs) -> Approvals<'a> {
        let agents = &case.policy["agents"];
        let agent = case.request["agentId"].as_str().unwrap_or("main");
        let own = if agent == "main" && agents["main"].is_null() { &agents["default"] } else { &agents[agent] };
        let of_version = case.policy["version"] == 1 || !case.policy["allowlist"].is_null();
        let field = |name: &str, known: &[&str], otherwise: usize| {
            let levels = [own, &agents["*"], &case.policy["defaults"]];
            let said = levels.iter().filter_map(|level| level[name].as_str());
            said.filter_map(|said| known.iter().position(|known| *known == said)).next().unwrap_or(otherwise)
        };
        let asked = |name: &str, known: &[&str], otherwise: usize| {
            let said = case.context["requested"][name].as_str();
            said.and_then(|said| known.iter().position(|known| *known == said)).unwrap_or(otherwise)
        };
        let skills = [own, &agents["*"], &case.policy["defaults"]]
            .iter()
            .find_map(|level| level["autoAllowSkills"].as_bool())
            .unwrap_or(false);
        let lists = [&agents["*"]["allowlist"], &own["allowlist"], &case.policy["allowlist"]];
        Approvals {
            case,
            vfs,
            security: if of_version { field("security", &SECURITY, 2).min(asked("security", &SECURITY, 2)) } else { 0 },
            ask: field("ask", &ASK, 0).max(asked("ask", &ASK, 0)),
            skills,
            entries: lists.iter().filter_map(|list| list.as_array()).flatten().filter_map(Entry::of).collect(),
        }
    }

    /// Allow, ask or deny.
    pub(crate) fn decide(&self, text: &str, line: &Line) -> &'static str {
        if self.security == 0 {
            return "deny";
        }
        let listed = self.security == 1;
        let satisfied = self.is_remembered(text) || self.satisfies(line);
        let strict = self.case.context["strictInlineEval"] == true;
        let code = strict && line.commands.iter().any(|seen| seen.has(WordKind::Power));
        match self.ask {
            2 => "ask",
            1 if listed && !satisfied => "ask",
            _ if code => "ask",
            _ if listed && !satisfied => "deny",
            _ => "allow",
        }
    }

    /// Whether the very text was allowed for always.
    fn is_remembered(&self, text: &str) -> bool {
        let hash = &sha256_hex(text.as_bytes())[..16];
        let marks = [format!("=command:{hash}"), format!("=node-command:{hash}")];
        self.entries.iter().any(|entry| entry.generated && marks.contains(&entry.pattern))
    }

    /// Whether all of the line was understood, writes nothing, and each of its commands is on the list.
    pub(crate) fn satisfies(&self, line: &Line) -> bool {
        let writes = |touch: &countersign_shell::Touch| touch.via == Via::Redirection && touch.path != "/dev/null";
        line.unknown.is_empty()
            && !line.commands.is_empty()
            && !line.touches.iter().any(writes)
            && line.commands.iter().all(|seen| self.is_listed(line, seen))
    }

    fn is_listed(&self, line: &Line, seen: &Seen) -> bool {
        let name = seen.program();
        if seen.has(WordKind::Dynamic) || seen.runs_another() {
            return false;
        }
        let base = name.rsplit('/').next().unwrap_or_default();
        if BLOCKED.contains(&base) || PACKAGE_RUNNERS.contains(&base) || (base == "npm" && seen.has(WordKind::Power)) {
            return false;
        }
        let found = self.find(name);
        BUILTINS.contains(&name)
            || self.is_skill(name, found.as_deref())
            || self.is_safe_bin(line, seen, found.as_deref())
            || self.entries.iter().any(|entry| self.covers(entry, seen, found.as_deref()))
    }

    fn is_skill(&self, name: &str, found: Option<&str>) -> bool {
        let skills = self.case.context["skillBins"].as_array().into_iter().flatten();
        self.skills && skills.into_iter().any(|skill| skill["name"] == name && skill["resolvedPath"].as_str() == found)
    }

    /// A filter of its standard input: named without a path, from a trusted folder, with ordinary data, and no file.
    fn is_safe_bin(&self, line: &Line, seen: &Seen, found: Option<&str>) -> bool {
        let name = seen.program();
        let bins = texts(&self.case.context["safeBins"]);
        let is_bin = if bins.is_empty() { SAFE_BINS.contains(&name) } else { bins.iter().any(|bin| bin == name) };
        let folders = texts(&self.case.context["trustedSafeBinDirs"]);
        let folder = found.and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
        is_bin
            && !["awk", "sed", "jq"].contains(&name)
            && folders.iter().any(|trusted| trusted == folder)
            && seen.is_data()
            && line.touches_of(seen).next().is_none()
    }

    fn covers(&self, entry: &Entry, seen: &Seen, found: Option<&str>) -> bool {
        let any = entry.pattern == "*" && entry.args.is_none() && !entry.generated;
        let script = SHELLS.contains(&seen.program().rsplit('/').next().unwrap_or_default()) && seen.words.len() > 1;
        any || !script
            && self.names(entry, seen.program(), found)
            && match &entry.args {
                None => !entry.generated,
                Some(args) => self.has_arguments(args, seen),
            }
    }

    /// Whether the entry's pattern is over the program.
    fn names(&self, entry: &Entry, name: &str, found: Option<&str>) -> bool {
        let Some(found) = found else { return false };
        let home = self.case.context["home"].as_str().unwrap_or_default();
        let pattern = match entry.pattern.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => entry.pattern.clone(),
        };
        if pattern.contains(['/', '\\']) || pattern.starts_with('~') {
            glob(pattern.as_bytes(), found.as_bytes())
        } else {
            !name.contains('/') && glob(pattern.as_bytes(), name.as_bytes())
        }
    }

    /// Whether the arguments are the ones that the entry is bound to. Expressions that stand for more than one text are
    /// not read here.
    fn has_arguments(&self, pattern: &str, seen: &Seen) -> bool {
        let args: Vec<String> = ours::texts(&seen.words).into_iter().skip(1).collect();
        if let Some(hash) = pattern.strip_prefix("sha256:cwd-argv:v1:") {
            let cwd = self.case.context["cwd"].as_str().unwrap_or_default();
            let each: String = args.iter().map(|arg| format!("{}\0{arg}\0", arg.len())).collect();
            return sha256_hex(format!("{}\0{cwd}\0{}\0{each}", cwd.len(), args.len()).as_bytes()) == hash;
        }
        let subject = match pattern.contains('\0') {
            true if args.is_empty() => "\0\0".to_owned(),
            true => args.iter().map(|arg| format!("{arg}\0")).collect(),
            false => args.join(" "),
        };
        let literal = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
        literal.is_some_and(|literal| {
            !literal.contains(['.', '*', '+', '?', '(', '[', '{', '|', '\\', '^', '$']) && literal == subject
        })
    }

    /// The real path of a program; of one that does not exist, where it would be.
    fn find(&self, name: &str) -> Option<String> {
        let cwd = self.case.context["cwd"].as_str().unwrap_or_default();
        let home = self.case.context["home"].as_str().unwrap_or_default();
        if name.contains('/') {
            let path = match name.strip_prefix("~/") {
                Some(rest) => format!("{home}/{rest}"),
                None if name.starts_with('/') => name.to_owned(),
                None => format!("{cwd}/{}", name.strip_prefix("./").unwrap_or(name)),
            };
            return self.vfs.program(&path).or(Some(path));
        }
        let path = self.case.context["env"]["PATH"].as_str().unwrap_or_default();
        path.split(':').find_map(|folder| {
            let folder = if folder.is_empty() { cwd } else { folder };
            self.vfs.program(&format!("{folder}/{name}"))
        })
    }
}

/// `**` is anything, `*` anything without `/`, `?` one such character.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([b'*', b'*', rest @ ..], _) => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        ([b'*', rest @ ..], _) => {
            let end = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=end).any(|at| glob(rest, &text[at..]))
        }
        ([b'?', rest @ ..], [c, text @ ..]) if *c != b'/' => glob(rest, text),
        ([p, rest @ ..], [c, text @ ..]) if p == c && *p != b'?' => glob(rest, text),
        (rest, text) => rest.is_empty() && text.is_empty(),
    }
}

/// How much is asked: the least first.
pub(crate) fn compare(theirs: &str, ours: &str) -> Ordering {
    const ORDER: [&str; 3] = ["allow", "ask", "deny"];
    let place = |decision: &str| ORDER.iter().position(|known| *known == decision);
    place(theirs).cmp(&place(ours))
}

/// The file system that the case's look-ups were answered from.
pub(crate) fn vfs_of(folder: &crate::case::Folder, case: &Case) -> Vfs {
    let fixture: Value = folder.data("openclaw/fixture-vfs.json");
    let base = case.context["vfs"].as_str().unwrap_or("base");
    let mut vfs = Vfs::default();
    for entries in [&fixture[base], &case.context["vfs_extra"]] {
        for (path, what) in entries.as_object().into_iter().flatten() {
            vfs.add(path, what.as_str().unwrap_or("-"));
        }
    }
    vfs
}
