//! The examples in a policy file: each is decided by that file alone, and must come out as it says.

use std::collections::BTreeMap;

use countersign_policy::document::{Loaded, Problem, assemble};
use countersign_policy::{Attendance, Timestamp, sha256_hex};

use crate::files::{FileError, Files, Meta};
use crate::{Engine, LoadFault, Request, hosts};

/// The key under which it is remembered that a file's examples were checked: its content, the built-in rules and the
/// program's version decide how they come out.
pub(crate) fn key(file: &Loaded) -> String {
    let builtin = countersign_policy::document::builtin_text();
    let mut content = file.document.sha256.clone();
    for imported in &file.imported {
        content.push_str(&imported.content);
    }
    sha256_hex(format!("{content}\n{}\n{builtin}", env!("CARGO_PKG_VERSION")).as_bytes())
}

/// Decides the examples of a file, as if it and what it takes in were trusted.
pub(crate) fn check(file: &Loaded, text: &str) -> Result<(), LoadFault> {
    let mut all = Loaded { trusted: true, ..file.clone() };
    for source in all.imported.iter_mut().flat_map(|imported| &mut imported.sources) {
        source.trusted = true;
    }
    let engine = Engine::new(assemble(vec![all]));
    let problems: Vec<Problem> = file
        .document
        .examples()
        .filter_map(|example| {
            let mut request = request(&example.action, &example.text);
            if let Some(kind) = &example.agent {
                request.agent = Some("example".to_owned());
                request.agent_kinds = vec![kind.clone()];
            }
            let call = engine.call(&request, &Nowhere);
            let decision = engine.decide(&[], None, &call, Timestamp(0));
            if decision.effect() == example.effect {
                return None;
            }
            let cause = crate::why::cause(decision.cause(), decision.effect());
            Some(example.problem(format!("the example comes out as {}: {cause}", decision.effect())))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(LoadFault::of(problems, text)) }
}

/// A request in our own vocabulary, in a workspace of which nothing exists yet.
pub(crate) fn request(action: &str, resource: &str) -> Request {
    let builtin = hosts::tool(hosts::GENERIC, action).is_some();
    let (tool, mcp_server) = match action.split_once('/') {
        Some((server, tool)) if !builtin => (format!("mcp__{server}__{tool}"), Some(server.to_owned())),
        _ => (action.strip_prefix("tool:").unwrap_or(action).to_owned(), None),
    };
    Request {
        host: hosts::GENERIC.to_owned(),
        host_version: None,
        tool,
        mcp_server,
        args: serde_json::json!({ "resource": resource }),
        cwd: "/workspace".to_owned(),
        project: "/workspace".to_owned(),
        session: "example".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        mode: None,
        user: "user".to_owned(),
        home: "/home/user".to_owned(),
        role: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        call_id: None,
    }
}

/// A file system in which nothing exists and every path leads where it says.
struct Nowhere;

impl Files for Nowhere {
    fn read(&self, _path: &str) -> Result<Option<Vec<u8>>, FileError> {
        Ok(None)
    }

    fn real_path(&self, path: &str) -> Option<String> {
        Some(crate::paths::clean(path))
    }

    fn meta(&self, _path: &str) -> Option<Meta> {
        None
    }

    fn list(&self, _path: &str) -> Option<Vec<(String, bool)>> {
        Some(Vec::new())
    }
}
