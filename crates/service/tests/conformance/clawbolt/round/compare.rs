//! A turn beside what was recorded of it.

use countersign_formats::clawbolt::Level;
use countersign_policy::{Effect, GrantResource, Scope};
use serde_json::Value;

use super::{Line, Turn};
use crate::clawbolt::rules::is_known;
use crate::rule::Difference;
use crate::world::name_of;

impl Turn {
    pub(super) fn of_outcomes(&self, theirs: &Value) -> Vec<Difference> {
        let mut differences = self.differences.clone();
        for (id, (sent, ours)) in &self.outcomes {
            let theirs = theirs[id].as_str().unwrap_or("nothing");
            if theirs != *ours {
                let side = if *ours == "executed" { Difference::looser } else { Difference::stricter };
                let tool = &sent.tool;
                differences.push(side(
                    "outcome",
                    format!("{id} of {tool}: {theirs}"),
                    format!("{id} of {tool}: {ours}"),
                ));
            }
        }
        differences
    }

    /// What theirs asked and we did not: looser where the call ran.
    pub(super) fn of_prompts(&self) -> Vec<Difference> {
        let ran = |line: &Line| {
            let mut ran = self.outcomes.values().filter(|(_, outcome)| *outcome == "executed");
            ran.any(|(sent, _)| line.first == format!("I'd like to: {}", sent.description()))
        };
        let left = self.lines.iter().filter(|line| !line.used);
        left.map(|line| {
            let side = if ran(line) { Difference::looser } else { Difference::stricter };
            side("asked", line.first.as_str(), "not asked")
        })
        .collect()
    }

    /// What replies left behind for ever: each as tool, resource and level.
    pub(super) fn of_stored(&self, file: &Value, after: &Value) -> Vec<Difference> {
        let levels = |of: &Value| {
            let mut levels: Vec<(String, Option<String>, String)> = Vec::new();
            for (tool, level) in of["tools"].as_object().into_iter().flatten() {
                levels.push((tool.clone(), None, level.as_str().unwrap_or_default().to_owned()));
            }
            for (tool, resources) in of["resources"].as_object().into_iter().flatten() {
                for (resource, level) in resources.as_object().into_iter().flatten() {
                    let level = level.as_str().unwrap_or_default().to_owned();
                    levels.push((tool.clone(), Some(resource.clone()), level));
                }
            }
            levels
        };
        let before = levels(file);
        let mut theirs = levels(after);
        theirs.retain(|level| !before.contains(level));
        theirs.sort();
        let mut ours: Vec<(String, Option<String>, String)> = Vec::new();
        for grant in self.world.grants().into_iter().filter(|grant| grant.reach.scope == Scope::User) {
            let name = name_of(&grant.action);
            let own = self.tools.iter().find(|(_, tool)| tool.name == name).map(|(own, _)| own.clone());
            let resource = match grant.resource {
                GrantResource::Literal { key, .. } => serde_json::from_str::<Vec<String>>(&key).unwrap().pop(),
                _ => None,
            };
            let level = if grant.effect == Effect::Allow { Level::Always } else { Level::Never };
            ours.push((own.unwrap_or(name), resource, level.word().to_owned()));
        }
        ours.sort();
        ours.dedup();
        // An answer for all leaves nothing to be asked about, and so nothing to be remembered besides.
        let for_all = |level: &(String, Option<String>, String)| (level.0.clone(), None, "always".to_owned());
        let both = |level: &_| ours.contains(level) && theirs.contains(level);
        let covered = |level: &&(String, Option<String>, String)| {
            level.1.is_some() && level.2 == "always" && !ours.contains(level) && both(&for_all(level))
        };
        let besides: Vec<_> = theirs.iter().filter(covered).cloned().collect();
        theirs.retain(|level| !besides.contains(level));
        if theirs == ours {
            return Vec::new();
        }
        let whole = |level: &(String, Option<String>, String)| (level.0.clone(), None, level.2.clone());
        // What was not offered is asked each time.
        let is_asked =
            |level: &(String, Option<String>, String)| level.1.is_none() && self.unoffered.contains(&level.0);
        let is_kept = |level| ours.contains(level) || ours.contains(&whole(level));
        let stricter = ours.iter().all(|level| level.2 == "never" || theirs.contains(level))
            && theirs.iter().all(|level| level.2 == "always" || is_kept(level) || is_asked(level));
        // While its file has mistakes nothing runs, whatever was remembered.
        let stricter = stricter || !is_known(file);
        let side = if stricter { Difference::stricter } else { Difference::looser };
        vec![side("stored", format!("{theirs:?}"), format!("{ours:?}"))]
    }
}
