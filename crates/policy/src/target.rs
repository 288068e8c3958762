//! One thing that a call touches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Action;

/// One thing that a call touches: an action and a resource, judged by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What happens to it.
    pub action: Action,
    /// What it happens to.
    pub resource: Resource,
    /// Whether it stands by itself or follows from another target.
    pub role: Role,
    /// Why it could not be understood, in words for a human. Rules and grants cannot allow such a target; a human can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<String>,
    /// Why a human should look at it though it was understood. Rules cannot allow such a target; a human and what a
    /// human granted can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
    /// Other ways in which a command can be written, beside the words of its resource.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spellings: Vec<CommandSpelling>,
    /// The word of a command that names it. A rule that allows the command and spells this word out allows it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<NamedBy>,
    /// The command that touches it, by its place among the call's targets. For showing what belongs together, nothing
    /// else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<usize>,
    /// Where the programs are that a command's spellings begin with, by that word. Looked up only for policies with
    /// patterns over places.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, Located>,
}

/// Where a program is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Where it was found.
    pub found: String,
    /// That place with symbolic links followed.
    pub real: String,
}

/// The word of a command that names a file or a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedBy {
    /// The command.
    pub words: Vec<Word>,
    /// Which of its words.
    pub at: usize,
}

/// Another way in which a command can be written: with the wrappers that it was called through, without them, without
/// options that change nothing about what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpelling {
    /// The words.
    pub words: Vec<Word>,
    /// Whether an allow of these words alone is an allow of the command. Asks and denies hold for every spelling.
    pub allows: bool,
}

/// Whether a target stands by itself or follows from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Judged on its own: a command's words, a tool's own resource, an output redirection, an operand outside the
    /// workspace.
    Primary,
    /// Starts at allow once the primary targets are allowed, and is only ever tightened: an operand inside the
    /// workspace, a host that a command names.
    Implied,
}

/// What a target's action happens to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The tool has no resource: rules without a pattern match it, rules with one do not.
    None,
    /// The words of one simple command.
    Words(Vec<Word>),
    /// A file or folder.
    Path(PathResource),
    /// A URL or a host.
    Url {
        /// The host in lower case, without port.
        host: String,
        /// The whole URL; empty where only the host is known.
        url: String,
    },
    /// Anything else: a kind of sub-agent, an argument that a policy file named.
    Text(String),
}

/// A path with its spellings. All are absolute, `/`-separated, and free of `.` and `..` components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathResource {
    /// As the call wrote it; for humans only, rules never look at it.
    pub written: String,
    /// Made absolute and cleaned up by text alone.
    pub lexical: String,
    /// With symbolic links followed; for a file that does not exist yet, its nearest existing folder's real path and
    /// the rest. `None` if it could not be found out: such a path asks.
    pub real: Option<String>,
}

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The word as the program receives it; for [`WordKind::Dynamic`] as it was written.
    pub text: String,
    /// What is known of it.
    pub kind: WordKind,
}

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WordKind {
    /// Ordinary data: an operand, or an option known to be harmless. `*` in an allowing pattern matches these only.
    Data,
    /// An option (or its value) that makes the program run another, write a file, open a connection or change where
    /// its own configuration comes from, or that is not known. Only `**` or the literal word allows it.
    Power,
    /// A word whose value is known only when it runs (`$X`, a substitution). Only `**` allows it.
    Dynamic,
}

impl Word {
    /// A word of ordinary data.
    pub fn data(text: impl Into<String>) -> Word {
        Word { text: text.into(), kind: WordKind::Data }
    }
}

impl Resource {
    /// The resource as one line for a human. `None` for [`Resource::None`].
    ///
    /// Words are quoted for a shell where they need it, so that two different lists of words never read alike; what is
    /// known only when it runs stands as it was written.
    pub fn literal(&self) -> Option<String> {
        match self {
            Resource::None => None,
            Resource::Words(words) => {
                let written = |word: &Word| match word.kind {
                    WordKind::Dynamic => word.text.clone(),
                    WordKind::Data | WordKind::Power => quote(&word.text),
                };
                Some(words.iter().map(written).collect::<Vec<_>>().join(" "))
            }
            Resource::Path(path) => Some(path.lexical.clone()),
            Resource::Url { host, url } if url.is_empty() => Some(host.clone()),
            Resource::Url { url, .. } => Some(url.clone()),
            Resource::Text(text) => Some(text.clone()),
        }
    }
}

impl Target {
    /// A target that stands by itself and was understood.
    pub fn primary(action: Action, resource: Resource) -> Target {
        Target {
            action,
            resource,
            role: Role::Primary,
            unclear: None,
            caution: None,
            spellings: Vec::new(),
            named: None,
            command: None,
            programs: BTreeMap::new(),
        }
    }

    /// One text that names this target and nothing else: what an answer says it was shown.
    pub fn identity(&self) -> String {
        serde_json::json!([self.action.to_string(), self.resource, self.unclear, self.caution]).to_string()
    }

    /// What a literal grant stores for this target: every spelling that must be the same next time. `None` where no
    /// grant may stand for it, because what it touches is not known or is known only when it runs.
    pub fn grant_key(&self) -> Option<String> {
        if self.unclear.is_some() {
            return None;
        }
        match &self.resource {
            Resource::None => Some(String::new()),
            Resource::Words(words) => {
                if words.iter().any(|word| word.kind == WordKind::Dynamic) {
                    return None;
                }
                Some(serde_json::json!(words.iter().map(|word| &word.text).collect::<Vec<_>>()).to_string())
            }
            Resource::Path(path) => path.real.as_ref().map(|real| serde_json::json!([path.lexical, real]).to_string()),
            Resource::Url { host, url } => Some(serde_json::json!([host, url]).to_string()),
            Resource::Text(text) => Some(serde_json::json!([text]).to_string()),
        }
    }
}

/// Quotes a word for a POSIX shell, if it needs it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Resource, Word};

    #[test]
    fn different_words_never_read_alike() {
        let one = Resource::Words(vec![Word::data("rm"), Word::data("a b")]);
        let two = Resource::Words(vec![Word::data("rm"), Word::data("a"), Word::data("b")]);
        assert_eq!(one.literal().unwrap(), "rm 'a b'");
        assert_ne!(one.literal(), two.literal());
    }
}
