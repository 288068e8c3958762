//! From a request to a call with its targets.

use countersign_policy::{Action, Call, Policy, Resource, Target};
use countersign_shell::Programs;

use crate::extract::{self, Taken};
use crate::hosts;
use crate::paths::Places;
use crate::{Files, Request};

/// Takes a request apart.
pub(crate) fn from_request(policy: &Policy, programs: &Programs, request: &Request, files: &dyn Files) -> Call {
    let mut call = bare(policy, request);
    let known = request.project.starts_with('/') && request.cwd.starts_with('/');
    let Some(real_project) = files.real_path(&request.project).filter(|_| known) else {
        call.faults.push(format!(
            "the project folder `{}` cannot be found: both it and the working directory must be absolute",
            request.project
        ));
        call.targets.push(whole(&call));
        return call;
    };
    let places = Places {
        cwd: request.cwd.clone(),
        project: request.project.clone(),
        real_project: real_project.clone(),
        roots: request.roots.clone(),
        home: request.home.clone(),
    };
    call.project = real_project;
    let row = hosts::tool(&request.host, &request.tool);
    let extracted = match row {
        Some(row) => extract::by_row(row, &Taken { policy, programs, call: &call, places: &places, files }),
        None => extract::by_catalog(policy, &call),
    };
    match extracted {
        Ok(targets) if targets.is_empty() => {
            call.faults.push(format!("what `{}` touches could not be read from its arguments", request.tool));
        }
        Ok(targets) => call.targets = targets,
        Err(fault) => call.faults.push(fault),
    }
    if call.targets.is_empty() {
        call.targets.push(whole(&call));
    }
    call
}

/// The request that such a call came from.
pub(crate) fn request(call: &Call) -> Request {
    let mcp_server = match &call.action {
        Action::Mcp { server, .. } => Some(server.clone()),
        _ => None,
    };
    Request {
        host: call.host.clone(),
        host_version: call.host_version.clone(),
        tool: call.tool.clone(),
        mcp_server,
        args: call.args.clone(),
        cwd: call.cwd.clone(),
        project: call.project.clone(),
        roots: call.roots.clone(),
        session: call.session.clone(),
        turn: call.turn.clone(),
        agent: call.agent.clone(),
        agent_kinds: call.agent_kinds.clone(),
        mode: call.mode.clone(),
        user: call.user.clone(),
        home: call.home.clone(),
        role: call.role.clone(),
        environment: call.environment.clone(),
        attendance: call.attendance,
        call_id: None,
    }
}

/// The call without targets.
pub(crate) fn bare(policy: &Policy, request: &Request) -> Call {
    let mut faults = Vec::new();
    let action = match action(request) {
        Ok(action) => action,
        Err(fault) => {
            faults.push(fault);
            Action::Tool(request.tool.clone())
        }
    };
    let entry = policy.catalog.tools.get(&action.to_string());
    Call {
        host: request.host.clone(),
        host_version: request.host_version.clone(),
        tool: request.tool.clone(),
        class: entry.and_then(|entry| entry.class).unwrap_or(action.default_class()),
        group: entry.and_then(|entry| entry.group.clone()),
        action,
        args: request.args.clone(),
        cwd: request.cwd.clone(),
        project: request.project.clone(),
        roots: request.roots.clone(),
        home: request.home.clone(),
        user: request.user.clone(),
        session: request.session.clone(),
        turn: request.turn.clone(),
        agent: request.agent.clone(),
        agent_kinds: request.agent_kinds.clone(),
        role: request.role.clone(),
        mode: request.mode.clone(),
        environment: request.environment.clone(),
        attendance: request.attendance,
        targets: Vec::new(),
        in_a_row: 0,
        faults,
    }
}

/// The call itself as its only target.
fn whole(call: &Call) -> Target {
    Target::primary(call.action.clone(), Resource::None)
}

/// What the tool is. The built-in actions are a host's table's to give: no tool gets one by its name.
fn action(request: &Request) -> Result<Action, String> {
    if let Some(row) = hosts::tool(&request.host, &request.tool) {
        return Ok(row.action.clone());
    }
    let Some(rest) = request.tool.strip_prefix("mcp__") else {
        return Ok(Action::Tool(request.tool.clone()));
    };
    let split = match &request.mcp_server {
        Some(server) => rest
            .strip_prefix(server.as_str())
            .and_then(|rest| rest.strip_prefix("__"))
            .map(|tool| (server.as_str(), tool)),
        None => only_split(rest),
    };
    match split {
        Some((server, tool)) if !server.is_empty() && !tool.is_empty() && !server.contains('/') => {
            Ok(Action::Mcp { server: server.to_owned(), tool: tool.to_owned() })
        }
        _ => Err(format!("`{}` cannot be split into a server and its tool for certain", request.tool)),
    }
}

/// The split of `server__tool`, if there is exactly one.
fn only_split(name: &str) -> Option<(&str, &str)> {
    let mut at = name.char_indices().filter(|(at, _)| name.get(*at..).is_some_and(|rest| rest.starts_with("__")));
    let (first, _) = at.next()?;
    if at.next().is_some() {
        return None;
    }
    Some((name.get(..first)?, name.get(first + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::only_split;

    #[test]
    fn a_name_that_splits_in_two_ways_splits_in_none() {
        assert_eq!(only_split("github__create_issue"), Some(("github", "create_issue")));
        assert_eq!(only_split("a__b__c"), None);
        assert_eq!(only_split("a___b"), None);
        assert_eq!(only_split("a"), None);
    }
}
