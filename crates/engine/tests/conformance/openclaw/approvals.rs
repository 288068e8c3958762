//! Exec approvals as they decide a command line: what counts for the agent, its list, and the bins that need no entry.
//!
//! Their policy, our reading of the command. An entry for a program says nothing of its arguments, as there.

use std::cmp::Ordering;

use countersign_formats::Text;
use countersign_formats::openclaw::{self, Ask, Machine, Resolved, Security};
use countersign_policy::pattern::{Case as MatchCase, Pattern, Spelling};
use countersign_policy::{Call, Located, Word, WordKind};
use countersign_shell::Via;
use serde_json::{Value, json};

use crate::case::{Case, texts};
use crate::imported;
use crate::ours::{Line, Seen};
use crate::vfs::Vfs;

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
    resolved: Resolved,
    entries: Vec<Pattern>,
    /// What hosts say of a command: the line, the folder, the home directory.
    call: Call,
}

impl<'a> Approvals<'a> {
    /// What the case's document says for the agent of its request.
    pub(crate) fn of(case: &'a Case, vfs: Vfs) -> Approvals<'a> {
        let list = &case.policy["allowlist"];
        let document = match list.is_null() {
            true => case.policy.clone(),
            false => json!({"version": 1, "agents": {"main": {"security": "allowlist", "allowlist": list}}}),
        };
        let text = document.to_string();
        let approvals = openclaw::parse(&Text::new("exec-approvals.json", &text), Machine::Linux)
            .unwrap_or_else(|_| openclaw::Approvals::closed(Machine::Linux));
        let asked = |name: &str| case.context["requested"][name].as_str().unwrap_or_default();
        let security = Security::named(asked("security")).unwrap_or(Security::Full);
        let ask = Ask::named(asked("ask")).unwrap_or(Ask::Off);
        let agent = case.request["agentId"].as_str().unwrap_or("main");
        let resolved = approvals.resolve(Some(agent)).under(security, ask);
        let entries = resolved.entries.iter().map(|entry| Pattern::openclaw(entry.executable(Machine::Linux)));
        let mut call = imported::call("exec", &[]);
        call.args = json!({"command": case.text("command")});
        call.cwd = case.context["cwd"].as_str().unwrap_or_default().to_owned();
        call.home = case.context["home"].as_str().unwrap_or_default().to_owned();
        Approvals { case, vfs, entries: entries.collect(), resolved, call }
    }

    /// Allow, ask or deny.
    pub(crate) fn decide(&self, line: &Line) -> &'static str {
        let security = self.resolved.security.value;
        if security == Security::Deny {
            return "deny";
        }
        let listed = security == Security::Allowlist;
        let satisfied = self.is_remembered() || self.satisfies(line);
        let strict = self.case.context["strictInlineEval"] == true;
        let code = strict && line.commands.iter().any(|seen| seen.has(WordKind::Power));
        match self.resolved.ask.value {
            Ask::Always => "ask",
            Ask::OnMiss if listed && !satisfied => "ask",
            _ if code => "ask",
            _ if listed && !satisfied => "deny",
            _ => "allow",
        }
    }

    /// Whether the very text was allowed for always.
    fn is_remembered(&self) -> bool {
        let markers = self.entries.iter().filter(|entry| entry.as_str().trim().starts_with('='));
        let words = [Word::data("the whole line")];
        markers.into_iter().any(|entry| entry.matches(&Spelling::Words(&words, None), &self.call, MatchCase::Exact))
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
        let real = found.as_ref().map(|found| found.real.as_str());
        BUILTINS.contains(&name)
            || self.is_skill(name, real)
            || self.is_safe_bin(line, seen, real)
            || self.covers(seen, found.as_ref())
    }

    fn is_skill(&self, name: &str, found: Option<&str>) -> bool {
        let skills = self.case.context["skillBins"].as_array().into_iter().flatten();
        self.resolved.auto_allow_skills.value
            && skills.into_iter().any(|skill| skill["name"] == name && skill["resolvedPath"].as_str() == found)
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

    fn covers(&self, seen: &Seen, found: Option<&Located>) -> bool {
        let spelling = Spelling::Words(&seen.words, found);
        self.entries.iter().any(|entry| entry.matches(&spelling, &self.call, MatchCase::Exact))
    }

    /// Where a program is; of one that does not exist, where it would be.
    fn find(&self, name: &str) -> Option<Located> {
        let (cwd, home) = (&self.call.cwd, &self.call.home);
        let at = |found: String| self.vfs.program(&found).map(|real| Located { found, real });
        if name.contains('/') {
            let path = match name.strip_prefix("~/") {
                Some(rest) => format!("{home}/{rest}"),
                None if name.starts_with('/') => name.to_owned(),
                None => format!("{cwd}/{}", name.strip_prefix("./").unwrap_or(name)),
            };
            return at(path.clone()).or(Some(Located { found: path.clone(), real: path }));
        }
        let path = self.case.context["env"]["PATH"].as_str().unwrap_or_default();
        path.split(':').find_map(|folder| {
            let folder = if folder.is_empty() { cwd } else { folder };
            at(format!("{folder}/{name}"))
        })
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
