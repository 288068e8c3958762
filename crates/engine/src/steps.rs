//! How a question is laid out: a line for each command in the order in which they would run, with what it touches.

use std::collections::BTreeMap;

use countersign_policy::{Action, Call, Effect, Part, Resource, Step, Target};

use crate::paths;

/// The steps of a call whose parts are in the order of its targets.
pub(crate) fn of(call: &Call, parts: &[Part]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // The step of each command.
    let mut commands = BTreeMap::new();
    for (at, (target, part)) in call.targets.iter().zip(parts).enumerate() {
        let step =
            target.command.and_then(|command| commands.get(&command)).and_then(|step: &usize| steps.get_mut(*step));
        match step {
            Some(step) if is_worth_saying(target, part, call) => step.touches.push(at),
            None if is_command(target) || is_worth_saying(target, part, call) => {
                commands.insert(at, steps.len());
                steps.push(Step { part: at, touches: Vec::new() });
            }
            _ => {}
        }
    }
    steps
}

fn is_command(target: &Target) -> bool {
    !matches!(target.resource, Resource::Path(_) | Resource::Url { .. })
}

/// Whether a human has to know of it: undecided, written, deleted, fetched, or outside the workspace.
fn is_worth_saying(target: &Target, part: &Part, call: &Call) -> bool {
    let is_reading = matches!(target.action, Action::Read | Action::Search);
    let is_inside = match &target.resource {
        Resource::Path(path) => {
            let inside = |path: &str| paths::below(path, &call.project).is_some();
            inside(&path.lexical) && path.real.as_deref().is_some_and(inside)
        }
        _ => false,
    };
    part.effect != Effect::Allow || !is_reading || !is_inside || !part.warnings.is_empty()
}
