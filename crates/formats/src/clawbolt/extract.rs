//! What the tools that come with clawbolt act on, and what they say of a call to whoever is asked.

use countersign_policy::ToolEntry;
use serde_json::Value;

use super::describe::Describes;
use super::is_space;
use crate::System;

/// A tool that comes with clawbolt and whose calls have a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Where its resource comes from.
    pub resource: ResourceFrom,
    /// What a blanket answer is about (`recipients`); `None`: none is offered.
    pub noun: Option<&'static str>,
    pub(super) describes: Describes,
}

/// Where the resource of a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceFrom {
    /// This argument, as it stands there; none where it is missing or empty.
    Argument(&'static str),
    /// What follows each `FROM` of this argument, a query.
    Entities(&'static str),
    /// `job:` and this argument, a number.
    Job(&'static str),
    /// Always the same text: all calls of the tool are one resource.
    Constant(&'static str),
}

/// The tools, by name.
pub const TOOLS: [Tool; 11] = [
    tool("calendar_create_event", ResourceFrom::Constant("create event"), Describes::CreateEvent),
    tool("calendar_delete_event", ResourceFrom::Constant("delete event"), Describes::DeleteEvent),
    tool("calendar_update_event", ResourceFrom::Constant("update event"), Describes::UpdateEvent),
    tool("delete_file", ResourceFrom::Argument("path"), Describes::File("Delete")),
    tool("edit_file", ResourceFrom::Argument("path"), Describes::File("Edit")),
    tool("qb_create", ResourceFrom::Argument("entity_type"), Describes::Books("Create")),
    tool("qb_query", ResourceFrom::Entities("query"), Describes::Query),
    Tool { noun: Some("recipients"), ..tool("qb_send", ResourceFrom::Argument("email"), Describes::Send) },
    tool("qb_update", ResourceFrom::Argument("entity_type"), Describes::Books("Update")),
    tool("st_add_job_note", ResourceFrom::Job("job_id"), Describes::JobNote),
    tool("write_file", ResourceFrom::Argument("path"), Describes::File("Write to")),
];

const fn tool(name: &'static str, resource: ResourceFrom, describes: Describes) -> Tool {
    Tool { name, resource, noun: None, describes }
}

impl Tool {
    /// The tool of that name; `None` for those of whose calls nothing but the tool itself is known.
    pub fn named(name: &str) -> Option<Tool> {
        TOOLS.into_iter().find(|tool| tool.name == name)
    }

    /// What a catalog says of it: [`Tool::resources`] says what its calls act on.
    pub(super) fn entry(&self) -> (String, ToolEntry) {
        let entry = ToolEntry { system: Some(System::Clawbolt.word().to_owned()), ..ToolEntry::default() };
        (format!("tool:{}", self.name), entry)
    }

    /// What a call with these arguments acts on; empty: the tool alone is judged. Each must be allowed.
    ///
    /// # Errors
    /// An argument that is no text, which clawbolt does not let through to the tool either.
    pub fn resources(&self, args: &Value) -> Result<Vec<String>, String> {
        let text = |argument: &str| match args.get(argument) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) if matches!(self.resource, ResourceFrom::Job(_)) => {
                Ok(Some(number.to_string()))
            }
            Some(_) => Err(format!("`{argument}` of `{}` is no text", self.name)),
        };
        Ok(match self.resource {
            ResourceFrom::Argument(argument) => text(argument)?.into_iter().filter(|text| !text.is_empty()).collect(),
            ResourceFrom::Entities(argument) => {
                let found = entities(&text(argument)?.unwrap_or_default());
                if found.len() > MOST_ENTITIES {
                    return Err(format!("`{argument}` of `{}` names more than {MOST_ENTITIES} entities", self.name));
                }
                found
            }
            ResourceFrom::Job(argument) => text(argument)?.into_iter().map(|job| format!("job:{job}")).collect(),
            ResourceFrom::Constant(text) => vec![text.to_owned()],
        })
    }

    /// What it says of a call to whoever is asked.
    pub fn description(&self, args: &Value) -> String {
        super::describe::description(self, args)
    }
}

/// The words behind each `from` that is a word itself, without repetition, the first of them first.
pub(super) fn entities(query: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = None;
    for (at, c) in query.char_indices() {
        let starts = !before.is_some_and(is_word);
        before = Some(c);
        let Some(rest) = query.get(at..).filter(|_| starts).and_then(after_from) else { continue };
        let entity: String = rest.chars().take_while(|c| is_word(*c)).collect();
        if !entity.is_empty() && !found.contains(&entity) && found.len() <= MOST_ENTITIES {
            found.push(entity);
        }
    }
    found
}

/// The most entities that are taken from a query.
const MOST_ENTITIES: usize = 64;

/// What follows `from` and the white space behind it.
fn after_from(text: &str) -> Option<&str> {
    let (word, rest) = text.split_at_checked(4)?;
    let trimmed = rest.trim_start_matches(is_space);
    (word.eq_ignore_ascii_case("from") && trimmed.len() < rest.len()).then_some(trimmed)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TOOLS, Tool, entities};

    #[test]
    fn every_entity_of_a_query_counts() {
        for (query, wanted) in [
            ("SELECT * FROM Invoice; from  Customer", &["Invoice", "Customer"][..]),
            ("select * from\nEstimate", &["Estimate"]),
            ("xfrom a, from_b FROM", &[]),
            ("FROM FROM x", &["FROM", "x"]),
            ("from Ünd_1-2 FROM Ünd_1", &["Ünd_1"]),
            ("ſrom x fro", &[]),
        ] {
            assert_eq!(entities(query), wanted, "{query}");
        }
        let many: String = (0..100_000).map(|at| format!("from t{at} ")).collect();
        assert!(Tool::named("qb_query").unwrap().resources(&json!({"query": many})).is_err());
    }

    #[test]
    fn what_is_no_text_is_no_resource() {
        assert!(Tool::named("write_file").unwrap().resources(&json!({"path": ["a"]})).is_err());
        assert_eq!(Tool::named("write_file").unwrap().resources(&json!({"path": ""})), Ok(vec![]));
        assert_eq!(Tool::named("st_add_job_note").unwrap().resources(&json!({"job_id": 7})), Ok(vec!["job:7".into()]));
        assert!(TOOLS.is_sorted_by_key(|tool| tool.name));
    }
}
