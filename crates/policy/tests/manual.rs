//! The manual's policy files are read as they stand there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test stops here")]

use countersign_policy::SourceKind;
use countersign_policy::document::parse;

const MANUAL: &str = include_str!("../../../docs/policy.md");

/// The TOML texts of the manual.
fn texts() -> Vec<&'static str> {
    MANUAL.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_examples_are_read() {
    let texts = texts();
    let kinds = [SourceKind::Project, SourceKind::User, SourceKind::User, SourceKind::User, SourceKind::Managed];
    assert_eq!(texts.len(), kinds.len());
    for (kind, text) in kinds.into_iter().zip(texts) {
        if let Err(problems) = parse(kind, "docs/policy.md", text) {
            panic!("{}", problems.iter().map(|problem| problem.render(text)).collect::<String>());
        }
    }
}

/// One definition: what the schema knows, the manual explains.
#[test]
fn every_key_is_explained() {
    let schema = countersign_policy::document::schema();
    let keys = |pointer: &str| -> Vec<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let mut all = keys("/properties");
    all.extend(keys("/properties/allow/items/anyOf/1/properties"));
    all.extend(keys("/properties/ask/items/anyOf/1/properties"));
    all.extend(keys("/properties/tools/additionalProperties/properties"));
    all.extend(keys("/properties/agents/additionalProperties/properties"));
    all.extend(keys("/properties/programs/additionalProperties/properties"));
    let ceiling = keys("/properties/ceiling/properties");
    for key in all {
        let told = MANUAL.contains(&format!("`{key}`"))
            || MANUAL.contains(&format!("[{key}"))
            || MANUAL
                .lines()
                .any(|line| line.strip_prefix(key.as_str()).is_some_and(|rest| rest.trim_start().starts_with("= [")));
        assert!(told, "docs/policy.md says nothing of `{key}`");
    }
    for key in ceiling {
        assert!(
            MANUAL.lines().any(|line| line.starts_with(&key)),
            "docs/policy.md says nothing of `{key}` in a ceiling"
        );
    }
}
