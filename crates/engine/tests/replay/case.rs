//! The recorded cases, as they lie in a folder.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A recorded case, in the shapes of the system that it comes from.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) case: String,
    #[serde(default)]
    pub(crate) policy: Value,
    #[serde(default)]
    pub(crate) context: Value,
    pub(crate) request: Value,
    pub(crate) expect: Value,
    /// Whether it holds half a character, which no text of ours can: what reads requests refuses it.
    #[serde(skip)]
    pub(crate) is_no_text: bool,
    /// The line that it stands in: the order of members counts to some systems.
    #[serde(skip)]
    pub(crate) line: String,
}

impl Case {
    /// A text of the request; empty where there is none.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.request[key].as_str().unwrap_or_default()
    }

    /// The words of the request.
    pub(crate) fn argv(&self) -> Vec<String> {
        texts(&self.request["argv"])
    }
}

/// The texts of a list.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A folder with a folder for each system, and in it a file of cases for each kind.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
}

impl Folder {
    /// The cases of a kind; none where the folder has no such file.
    pub(crate) fn cases(&self, system: &str, kind: &str) -> Option<Vec<Case>> {
        let path = self.path.join(system).join(format!("{kind}.jsonl"));
        let text = std::fs::read_to_string(&path).ok()?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let read = |(at, line): (usize, &str)| match serde_json::from_str(line) {
            Ok(case) => Case { line: line.to_owned(), ..case },
            Err(error) => {
                let mended = serde_json::from_str(&without_halves(line));
                let case: Case = mended.unwrap_or_else(|_| panic!("{}:{}: {error}", path.display(), at + 1));
                Case { is_no_text: true, ..case }
            }
        };
        Some(lines.map(read).collect())
    }

    /// Data that cases of a system share; where a folder has only cases, those of the project's own folder.
    pub(crate) fn data<T: DeserializeOwned>(&self, file: &str) -> T {
        let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance"));
        let found = std::fs::read_to_string(self.path.join(file)).or_else(|_| std::fs::read_to_string(own.join(file)));
        let text = found.unwrap_or_else(|error| panic!("{file}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Every system and kind that the folder has cases of.
    pub(crate) fn kinds(&self) -> Vec<(String, String)> {
        let mut kinds = Vec::new();
        for system in std::fs::read_dir(&self.path).unwrap_or_else(|error| panic!("{}: {error}", self.path.display())) {
            let system = system.unwrap();
            if !system.path().is_dir() {
                continue;
            }
            for file in std::fs::read_dir(system.path()).unwrap() {
                let file = file.unwrap().file_name().into_string().unwrap();
                if let Some(kind) = file.strip_suffix(".jsonl") {
                    kinds.push((system.file_name().into_string().unwrap(), kind.to_owned()));
                }
            }
        }
        kinds.sort();
        kinds
    }
}

/// JSON in which half a surrogate pair (`\uD800` alone) stands for the replacement character.
fn without_halves(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    let is = |text: &str, second: &[char]| {
        text.starts_with("\\u") && text[2..].starts_with(['d', 'D']) && text[3..].starts_with(second)
    };
    while let Some(at) = rest.find("\\u") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let pair =
            is(escape, &['8', '9', 'a', 'b', 'A', 'B']) && is(&escape[6..], &['c', 'd', 'e', 'f', 'C', 'D', 'E', 'F']);
        let half = is(escape, &['8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'A', 'B', 'C', 'D', 'E', 'F']);
        let length = if pair { 12 } else { 6 };
        out.push_str(if half && !pair { "\\ufffd" } else { &escape[..length] });
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::without_halves;

    #[test]
    fn half_a_surrogate_pair_is_found_and_a_whole_one_is_left() {
        assert_eq!(without_halves(r"a\ud800b"), r"a\ufffdb");
        assert_eq!(without_halves(r"a\uDC00\u0041"), r"a\ufffd\u0041");
        assert_eq!(without_halves(r"a\ud83d\ude00b"), r"a\ud83d\ude00b");
    }
}
