//! One settings file.

use std::ops::Range;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::{Effect, Origin, Rule};

use super::rule::{self, Item};
use super::{File, Mode};
use crate::json::{self, Grammar, Json, Node};

/// The longest rule, in bytes. Claude Code itself reads no command of more than 10,000 characters.
const LONGEST_RULE: usize = 8 * 1024;

/// The most rules in one file.
const MOST_RULES: usize = 20_000;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Each rule as it was written.
    pub(super) written: Vec<(Effect, Origin)>,
    pub(super) rules: Vec<Rule>,
    pub(super) mode: Option<Mode>,
    pub(super) additional: Vec<String>,
    pub(super) managed_rules_only: bool,
    pub(super) no_bypass: bool,
    pub(super) no_auto: bool,
    pub(super) reads_stay_inside: bool,
    pub(super) notes: Vec<Problem>,
}

/// The members of `permissions` that are known.
const KNOWN: [&str; 8] = [
    "allow",
    "ask",
    "deny",
    "defaultMode",
    "additionalDirectories",
    "disableBypassPermissionsMode",
    "disableAutoMode",
    "blockReadsOutsideWorkingDirectories",
];

/// Reads a file.
pub(super) fn read(file: &File<'_>) -> Result<Read, Vec<Problem>> {
    let root = json::parse(&file.text, Grammar::Jsonc).map_err(|problem| vec![problem])?;
    let mut reader = Reader { file, out: Read::default(), problems: Vec::new() };
    if root.object().is_none() {
        reader.wrong(&root.span, format!("the settings are {}, not an object", root.kind()), None);
    }
    reader.out.managed_rules_only = reader.truth(root.member("allowManagedPermissionRulesOnly"));
    // Both stood at the top in some versions.
    reader.out.no_bypass = reader.disabled(root.member("disableBypassPermissionsMode"));
    reader.out.no_auto = reader.disabled(root.member("disableAutoMode"));
    if let Some(permissions) = root.member("permissions") {
        reader.permissions(permissions);
    }
    // In the order in which a person reads the file.
    reader.problems.sort_by_key(|problem| problem.span.start);
    reader.out.written.sort_by_key(|(_, origin)| origin.line);
    reader.out.notes.sort_by_key(|note| note.span.start);
    if reader.problems.is_empty() { Ok(reader.out) } else { Err(reader.problems) }
}

struct Reader<'a> {
    file: &'a File<'a>,
    out: Read,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn permissions(&mut self, node: &Node) {
        let Some(members) = node.object() else {
            let message = format!("`permissions` is {}, not an object", node.kind());
            return self.wrong(&node.span, message, Some("write `{\"allow\": [], \"ask\": [], \"deny\": []}`"));
        };
        for member in members.iter().filter(|member| !KNOWN.contains(&&*member.name)) {
            let near =
                KNOWN.iter().find(|known| known.eq_ignore_ascii_case(&member.name) || is_near(known, &member.name));
            match near {
                // A list under a wrong name would be no list at all.
                Some(known) => {
                    let message = format!("{} is no setting of permissions", quoted(&member.name));
                    self.wrong(&member.span, message, Some(&format!("did you mean `{known}`?")));
                }
                None => self.note(&member.span, format!("{} is not known and says nothing here", quoted(&member.name))),
            }
        }
        for (name, effect) in [("deny", Effect::Deny), ("ask", Effect::Ask), ("allow", Effect::Allow)] {
            self.rules(node.member(name), name, effect);
        }
        if let Some(mode) = node.member("defaultMode") {
            match mode.text().map(Mode::named) {
                Some(Some(known)) => self.out.mode = Some(known),
                Some(None) => {
                    let message = format!("{} is no mode", quoted(mode.text().unwrap_or_default()));
                    self.wrong(&mode.span, message, Some(&format!("write {}", Mode::NAMES)));
                }
                None => self.wrong(&mode.span, format!("`defaultMode` is {}, not a text", mode.kind()), None),
            }
        }
        let folders = self.texts(node.member("additionalDirectories"), "additionalDirectories");
        self.out.additional.extend(folders.into_iter().map(|(text, _)| text));
        self.out.no_bypass |= self.disabled(node.member("disableBypassPermissionsMode"));
        self.out.no_auto |= self.disabled(node.member("disableAutoMode"));
        self.out.reads_stay_inside = self.truth(node.member("blockReadsOutsideWorkingDirectories"));
    }

    fn rules(&mut self, list: Option<&Node>, name: &str, effect: Effect) {
        let mut items: Vec<Item> = Vec::new();
        for (text, span) in self.texts(list, name) {
            if text.len() > LONGEST_RULE {
                self.wrong(
                    &span,
                    format!("the rule has {} bytes, and at most {LONGEST_RULE} are read", text.len()),
                    None,
                );
                continue;
            }
            let origin = self.file.text.origin(&span, text.as_str());
            self.out.written.push((effect, origin.clone()));
            match rule::read(effect, &text, self.file, origin) {
                Ok(read) => {
                    for note in read.notes {
                        self.note(&span, note);
                    }
                    for item in read.items {
                        rule::add(&mut items, item);
                    }
                }
                Err(wrong) => self.wrong(&span, wrong.message, wrong.help),
            }
        }
        if self.out.rules.len() + items.len() > MOST_RULES {
            let span = list.map_or(0..0, |list| list.span.start..list.span.start + 1);
            return self.wrong(&span, format!("there are more than {MOST_RULES} rules"), None);
        }
        self.out.rules.extend(items.into_iter().flat_map(|item| rule::compile(effect, item)));
    }

    /// The texts of a list, with their places.
    fn texts(&mut self, list: Option<&Node>, name: &str) -> Vec<(String, Range<usize>)> {
        let Some(node) = list else { return Vec::new() };
        let Some(items) = node.list() else {
            self.wrong(
                &node.span,
                format!("`{name}` is {}, not a list", node.kind()),
                Some("write a list of texts: `[\"...\"]`"),
            );
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some(text) => texts.push((text.to_owned(), item.span.clone())),
                None => self.wrong(&item.span, format!("an item of `{name}` is {}, not a text", item.kind()), None),
            }
        }
        texts
    }

    fn truth(&mut self, node: Option<&Node>) -> bool {
        match node {
            None => false,
            Some(Node { value: Json::Bool(truth), .. }) => *truth,
            Some(node) => {
                self.wrong(&node.span, format!("this is {}, not `true` or `false`", node.kind()), None);
                false
            }
        }
    }

    /// Whether the setting says `"disable"`, which is all that it can say.
    fn disabled(&mut self, node: Option<&Node>) -> bool {
        match node {
            None => false,
            Some(node) if node.text() == Some("disable") => true,
            Some(node) => {
                let help = Some("leave it out where the mode may be used");
                self.wrong(&node.span, "this can only be `\"disable\"`".to_owned(), help);
                false
            }
        }
    }

    fn wrong(&mut self, span: &Range<usize>, message: String, help: Option<&str>) {
        self.problems.push(self.file.text.problem(span, message, help));
    }

    fn note(&mut self, span: &Range<usize>, message: String) {
        self.out.notes.push(self.file.text.problem(span, message, None));
    }
}

/// Whether one letter more, less or other makes one of the other.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let ahead = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let behind = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    one.len().abs_diff(other.len()) <= 1 && ahead + behind + 1 >= one.len().max(other.len())
}
