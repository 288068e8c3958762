//! Codex's app server and its client: what a client is asked about a command, and what it may answer.

use countersign_policy::pattern::{Pattern, PrefixPattern, Programs};
use countersign_policy::{GrantResource, Offer};
use serde_json::{Value, json};

/// The method by which a client is asked about a command.
pub const COMMAND_APPROVAL: &str = "item/commandExecution/requestApproval";

/// What a client is asked about one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandApproval {
    /// The command as one text.
    pub command: String,
    /// The working directory.
    pub cwd: String,
    /// Why it is asked: a rule's justification, or what the model says.
    pub reason: Option<String>,
    /// A rule that would allow it from now on.
    pub amendment: Option<Vec<String>>,
}

impl CommandApproval {
    /// What the request says of the command; whoever sends it adds thread, turn, item and time.
    pub fn params(&self) -> Value {
        let mut available = vec![json!("accept")];
        if let Some(amendment) = &self.amendment {
            available.push(json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": amendment } }));
        }
        available.push(json!("cancel"));
        let members = [
            ("kind", Some(json!("command"))),
            ("command", Some(json!(self.command))),
            ("cwd", Some(json!(self.cwd))),
            ("reason", self.reason.as_ref().map(|reason| json!(reason))),
            ("proposedExecpolicyAmendment", self.amendment.as_ref().map(|amendment| json!(amendment))),
            ("availableDecisions", Some(json!(available))),
        ];
        members.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect()
    }
}

/// What a client decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It runs.
    Accept,
    /// It runs, and the same command in this session, too.
    AcceptForSession,
    /// It runs, and every command that begins with these words from now on.
    Amend(Vec<String>),
    /// It does not run, and the turn goes on.
    Decline,
    /// It does not run, and the turn ends.
    Cancel,
}

impl Answer {
    /// Reads a decision. `acceptForSession` and `decline` are taken though no request offers them. `None`: it is none of
    /// these; a rule for the network is none about a command.
    pub fn read(decision: &Value) -> Option<Answer> {
        match decision.as_str() {
            Some("accept") => return Some(Answer::Accept),
            Some("acceptForSession") => return Some(Answer::AcceptForSession),
            Some("decline") => return Some(Answer::Decline),
            Some("cancel") => return Some(Answer::Cancel),
            Some(_) => return None,
            None => {}
        }
        let words = decision.get("acceptWithExecpolicyAmendment")?.get("execpolicy_amendment")?.as_array()?;
        let words: Option<Vec<String>> = words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
        words.filter(|words| !words.is_empty()).map(Answer::Amend)
    }
}

/// The rule that is proposed for a command: what the model suggests where it is a part of the command and more than a
/// program that runs anything, else the command as it is.
pub fn amendment(argv: &[String], suggested: Option<&[String]>) -> Option<Vec<String>> {
    let suggested = suggested.filter(|words| !words.is_empty() && argv.starts_with(words) && !runs_anything(words));
    suggested.or(Some(argv)).filter(|words| !words.is_empty()).map(<[String]>::to_vec)
}

/// Whether a rule with these words would allow anything: Codex never proposes one for these programs alone.
fn runs_anything(words: &[String]) -> bool {
    const PROGRAMS: &[&str] = &[
        "bash",
        "sh",
        "zsh",
        "fish",
        "dash",
        "ksh",
        "env",
        "sudo",
        "git",
        "node",
        "perl",
        "ruby",
        "php",
        "lua",
        "osascript",
        "pwsh",
        "powershell",
        "py",
        "pyw",
        "python",
        "pythonw",
        "python3",
        "pypy",
        "pypy3",
    ];
    let [program, rest @ ..] = words else { return true };
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    PROGRAMS.contains(&name.trim_end_matches(".exe")) && rest.iter().all(|word| word.starts_with('-'))
}

/// What an amendment would cover, as an offer.
pub fn offer(amendment: &[String]) -> Option<Offer> {
    let (program, rest) = amendment.split_first()?;
    let rest: Vec<Vec<String>> = rest.iter().map(|word| vec![word.clone()]).collect();
    let pattern = Pattern::prefix(PrefixPattern::new(program, Programs::Exact, &rest));
    Some(Offer { resource: GrantResource::Pattern(pattern), words: amendment.join(" ") })
}

/// The line of a rules file that says the same.
pub fn rule_line(amendment: &[String]) -> String {
    let words: Vec<String> = amendment.iter().map(|word| json!(word).to_string()).collect();
    format!("prefix_rule(pattern=[{}], decision=\"allow\")\n", words.join(", "))
}

/// A shell's line as the command that Codex runs.
pub fn command(line: &str) -> String {
    format!("/bin/bash -lc {}", quoted(line))
}

/// Why a rule asks.
pub fn reason(command: &str, justification: Option<&str>) -> String {
    match justification {
        Some(why) => format!("`{command}` requires approval: {why}"),
        None => format!("`{command}` requires approval by policy"),
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, amendment, command, rule_line};

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn what_is_no_decision_about_a_command_is_none() {
        assert_eq!(Answer::read(&json!("decline")), Some(Answer::Decline));
        let amend = json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch"]}});
        assert_eq!(Answer::read(&amend), Some(Answer::Amend(words("touch"))));
        for broken in [
            json!("approve"),
            json!("Accept"),
            json!(true),
            json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": []}}),
            json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["a", 1]}}),
            json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": {"host": "a", "action": "allow"}}}),
        ] {
            assert_eq!(Answer::read(&broken), None, "{broken}");
        }
    }

    #[test]
    fn a_suggestion_that_allows_anything_or_another_command_is_not_proposed() {
        let argv = words("git push origin");
        assert_eq!(amendment(&argv, Some(&words("git push"))), Some(words("git push")));
        for suggested in ["git", "git -C", "bash -lc", "git status", "/usr/bin/git"] {
            assert_eq!(amendment(&argv, Some(&words(suggested))), Some(argv.clone()), "{suggested}");
        }
        assert_eq!(rule_line(&words("a \"b\"")), "prefix_rule(pattern=[\"a\", \"\\\"b\\\"\"], decision=\"allow\")\n");
        assert_eq!(
            (command("ls"), command("a 'b'")),
            ("/bin/bash -lc ls".into(), r"/bin/bash -lc 'a '\''b'\'''".into())
        );
    }
}
