//! The JSON Schema of the policy file, made from the tables that the parser uses.

use serde_json::{Value, json};

use super::keys::{AGENT, CEILING, GRANTS, IMPORT, Key, PROGRAM, Place, RULE, Shape, TOOL, TOP};
use crate::effect::Effect;

/// The JSON Schema of the policy file, for editors: what is written in it, not where each key belongs.
pub fn schema() -> Value {
    let mut schema = table(TOP, None);
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("countersign.toml"));
        members.insert(
            "description".to_owned(),
            json!("What AI agents may do, what a human is asked about, and what does not run."),
        );
    }
    schema
}

/// A table of these keys, those of the built-in file and those that are not supported yet left out.
fn table(keys: &[Key], effect: Option<Effect>) -> Value {
    let mut properties = serde_json::Map::new();
    for key in keys {
        let elsewhere = match key.place {
            Place::Builtin => true,
            Place::Effect(wanted) => effect.is_some_and(|effect| effect != wanted),
            Place::Everywhere | Place::Above | Place::Administrator => false,
        };
        if elsewhere || key.shape == Shape::NotYet {
            continue;
        }
        let mut property = shape(key.shape);
        if let Some(members) = property.as_object_mut() {
            members.insert("description".to_owned(), json!(described(key)));
        }
        properties.insert(key.name.to_owned(), property);
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn described(key: &Key) -> String {
    match key.place {
        Place::Above => format!("{} Not in a project's file.", key.doc),
        Place::Administrator => format!("{} Only in the administrator's file.", key.doc),
        Place::Everywhere | Place::Builtin | Place::Effect(_) => key.doc.to_owned(),
    }
}

fn shape(shape: Shape) -> Value {
    let list = |items: Value| json!({ "type": "array", "items": items });
    let text = || json!({ "type": "string" });
    match shape {
        Shape::Rules(effect) => {
            let mut rule = table(RULE, Some(effect));
            if let Some(members) = rule.as_object_mut() {
                members.insert("required".to_owned(), json!(["rule"]));
            }
            list(json!({ "anyOf": [text(), rule] }))
        }
        Shape::Examples => list(json!({ "type": "string", "pattern": "^\\s*(allow|ask|deny)\\s+\\S" })),
        Shape::Tools => json!({
            "type": "object",
            "propertyNames": { "pattern": "^(tool:[^*]+|[^*/]+/[^*]+)$" },
            "additionalProperties": table(TOOL, None),
        }),
        Shape::Imports => {
            let mut import = table(IMPORT, None);
            if let Some(members) = import.as_object_mut() {
                members.insert("required".to_owned(), json!(["from"]));
            }
            list(import)
        }
        Shape::Programs => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z0-9_.@][a-z0-9_.+@:-]*( [A-Za-z0-9_.@][A-Za-z0-9_.+@:-]*)*$" },
            "additionalProperties": table(PROGRAM, None),
        }),
        Shape::Options => {
            list(json!({ "type": "string", "pattern": "^(\\+|--?[A-Za-z0-9_.:@+?#%,][A-Za-z0-9_.:@+?#%,-]*)$" }))
        }
        Shape::Ceiling => table(CEILING, None),
        Shape::Agents => json!({
            "type": "object",
            "propertyNames": { "pattern": "^(\\*|[^*\\s]([^*]*[^*\\s])?)$" },
            "additionalProperties": table(AGENT, None),
        }),
        Shape::Descendants => json!({ "enum": [true, false, "only"] }),
        Shape::Grants => table(GRANTS, None),
        Shape::Rule | Shape::Text => text(),
        Shape::Texts | Shape::Patterns => list(text()),
        Shape::Places => json!({ "anyOf": [text(), { "type": "array", "items": text(), "minItems": 1 }] }),
        Shape::Truth => json!({ "type": "boolean" }),
        // TOML's own dates reach JSON Schema validators as texts.
        Shape::Date => json!({ "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}" }),
        Shape::Count => json!({ "type": "integer", "minimum": 1, "maximum": 10_000 }),
        Shape::Repeats => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 2, "maximum": 10_000 }, { "enum": ["never"] }] })
        }
        Shape::Conditions => {
            json!({ "type": "object", "minProperties": 1, "additionalProperties": { "type": ["string", "boolean", "integer"] } })
        }
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::SomeOf(words) => list(json!({ "enum": words })),
        Shape::Nobody => json!({ "type": "string", "pattern": "^(deny|wait \\d+[smhd])$" }),
        Shape::Duration => json!({ "type": "string", "pattern": "^\\d+[smhd]$" }),
        Shape::Roles => json!({ "type": "object", "additionalProperties": { "enum": super::keys::CLASSES } }),
        Shape::NotYet => json!(false),
    }
}
