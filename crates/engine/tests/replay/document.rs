//! `docs/differences.md`, made of the rules and of how many cases each explains.
//!
//! Each target knows its own sections and keeps those of the other as they stand. The table of looser rules is read off
//! all of them, so that it is the same whichever target makes the document.

use std::path::Path;

use super::kinds::REPLAYED;
use super::rule::{Count, Kind, Side};

const FILE: &str = "docs/differences.md";
const HOLES: &str = "docs/prior-failures.md";
/// A rule that explains more than one case in so many needs a row in the list of others' holes.
const SHARE: usize = 20;
/// Stands behind the name of a rule that lets pass what theirs does not.
const LOOSER: &str = " (asks less) |";

/// The document: a section for each kind that is replayed, by its heading.
pub(crate) struct Document {
    sections: Vec<(String, String)>,
}

impl Document {
    /// As it stands in the project; what no target replays any more is left out.
    pub(crate) fn read(project: &Path) -> Document {
        let text = std::fs::read_to_string(project.join(FILE)).unwrap_or_default();
        Document::of(&text)
    }

    fn of(text: &str) -> Document {
        let mut sections: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                sections.push((heading.to_owned(), String::new()));
            } else if let Some((_, section)) = sections.last_mut() {
                section.push_str(line);
                section.push('\n');
            }
        }
        sections.retain(|(heading, _)| place(heading).is_some());
        Document { sections }
    }

    /// With these kinds' sections made anew.
    pub(crate) fn with(mut self, replayed: &[(Kind, Count)]) -> Document {
        for (kind, count) in replayed {
            let heading = format!("{} {}", kind.system, kind.name);
            let made = section(kind, count);
            match self.sections.iter_mut().find(|(other, _)| *other == heading) {
                Some((_, section)) => *section = made,
                None => self.sections.push((heading, made)),
            }
        }
        self.sections.sort_by_key(|(heading, _)| place(heading));
        self
    }

    /// The rows of the rules that are looser than what they differ from, each once.
    pub(crate) fn looser(&self) -> Vec<String> {
        let mut rows: Vec<String> = Vec::new();
        for line in self.sections.iter().flat_map(|(_, section)| section.lines()) {
            let row = line.strip_prefix("| ").and_then(|line| line.split_once(" | ")).map(|(_, row)| row);
            if let Some((name, rest)) = row.and_then(|row| row.split_once(LOOSER)) {
                let row = format!("| {name} |{rest}");
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        rows
    }

    /// What of the documents is not as it must be. Writes this one where that is asked for.
    pub(crate) fn wrong(&self, project: &Path, replayed: &[(Kind, Count)]) -> Vec<String> {
        let mut wrong = Vec::new();
        let made = self.text();
        if std::env::var_os("COUNTERSIGN_WRITE_DIFFERENCES").is_some() {
            std::fs::write(project.join(FILE), &made).unwrap();
        } else if std::fs::read_to_string(project.join(FILE)).unwrap_or_default() != made {
            wrong.push(format!("{FILE} is not what the rules say now; run: cargo xtask conformance --write"));
        }
        let holes = std::fs::read_to_string(project.join(HOLES)).unwrap();
        for (kind, count) in replayed {
            for rule in &kind.rules {
                let cases = count.explained.get(rule.name).copied().unwrap_or_default();
                if cases * SHARE > count.all() && !holes.contains(&format!("`{}`", rule.name)) {
                    let (system, name, all) = (kind.system, kind.name, count.all());
                    wrong.push(format!(
                        "{system}/{name}: `{}` explains {cases} of {all} cases and has no row in {HOLES}",
                        rule.name
                    ));
                }
            }
        }
        wrong
    }

    fn text(&self) -> String {
        let mut out = String::from(INTRODUCTION);
        let looser = self.looser();
        out.push_str(&format!("\n## Where we ask less\n\nAt most ten rules; these are {}.\n\n", looser.len()));
        out.push_str("| rule | inputs | our answer | why |\n|---|---|---|---|\n");
        for row in looser {
            out.push_str(&format!("{row}\n"));
        }
        for (heading, section) in &self.sections {
            out.push_str(&format!("\n## {heading}\n\n{}\n", section.trim()));
        }
        out
    }
}

/// The place of a section in the document; none where nobody replays such a kind.
fn place(heading: &str) -> Option<usize> {
    REPLAYED.iter().position(|(_, system, name)| format!("{system} {name}") == heading)
}

fn section(kind: &Kind, count: &Count) -> String {
    let mut out = format!("Compared: {}.\n\n", kind.compares);
    out.push_str(&format!(
        "{} cases: {} the same, {} different on purpose.\n",
        count.all(),
        count.same,
        count.differing
    ));
    if count.explained.is_empty() {
        return out;
    }
    out.push_str("\n| cases | rule | inputs | our answer | why |\n|---:|---|---|---|---|\n");
    for rule in &kind.rules {
        let Some(cases) = count.explained.get(rule.name) else { continue };
        let side = if rule.side == Side::Looser { " (asks less)" } else { "" };
        out.push_str(&format!(
            "| {cases} | {}{side} | {} | {} | {} |\n",
            rule.name, rule.inputs, rule.answer, rule.why
        ));
    }
    out
}

const INTRODUCTION: &str = "\
# Where we decide differently

Recorded behaviour of other systems lies in `conformance/`; `cargo xtask conformance` replays it. Where we differ, we do
so on purpose: each difference is a rule in `crates/engine/tests/conformance` or, of the life of a question, in
`crates/service/tests/conformance`, with the inputs that it speaks of, what we answer, and why. It counts only where we
are stricter, or where theirs crashed or contradicts its own documentation; the few rules that let pass what they do not
come first. A case can need several rules.

This file is made by `cargo xtask conformance --write`.
";

#[cfg(test)]
mod tests {
    use super::Document;

    const SECTIONS: &str = "# Where\n\n## opencode flow\n\nCompared: a.\n\n| cases | rule | inputs | our answer | why |\n|---:|---|---|---|---|\n| 3 | r (asks less) | i | a | w |\n\n## opencode gone\n\nx\n\n## flowfuse ops\n\n| 1 | r (asks less) | i | a | w |\n| 1 | s | i | a | w |\n";

    #[test]
    fn what_the_other_target_wrote_is_kept_and_its_looser_rules_count() {
        let document = Document::of(SECTIONS);
        assert_eq!(document.looser(), ["| r | i | a | w |"]);
        let text = document.text();
        assert!(text.contains("these are 1.") && text.contains("## flowfuse ops") && !text.contains("opencode gone"));
        assert_eq!(Document::of(&text).text(), text, "making it again changes nothing");
    }
}
