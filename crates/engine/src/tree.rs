//! Whether a tree that is searched, deleted or filled holds files of which that is denied, or asked each time.

use countersign_policy::pattern::{Case, Glob};
use countersign_policy::{Action, Denials, PathResource, Resource, Target, Timestamp};

use crate::extract::Taken;
use crate::paths::{below, join};

/// How many names are looked at before a tree counts as too large.
const MOST_NAMES: usize = 20_000;
/// Folders that are not looked into: version control's own and what tools fetch or build, where nobody keeps secrets
/// of their own.
const PASSED_OVER: [&str; 4] = [".git", "node_modules", "target", ".venv"];

/// Why doing `action` to all of this tree asks: a file below it of which that is denied, too many to look at, or a
/// folder that cannot be looked into. One that may not be listed cannot be searched either.
///
/// `only` is the glob that the names of searched files must match, where the call says one.
pub(crate) fn denied_below(root: &str, action: &Action, only: Option<&Glob>, of: &Taken<'_>) -> Option<String> {
    let Taken { policy, call, files, .. } = *of;
    let denials = Denials::of(policy, action, call);
    if denials.is_empty() {
        return None;
    }
    let mut seen = 0_usize;
    let mut folders = std::collections::VecDeque::from([root.to_owned()]);
    while let Some(folder) = folders.pop_front() {
        let Some(names) = files.list(&folder) else {
            return Some(format!("`{folder}` cannot be listed to see whether it holds secrets"));
        };
        for (name, is_dir) in names {
            seen += 1;
            if seen > MOST_NAMES {
                return Some(format!(
                    "there are more than {MOST_NAMES} files below `{root}`: too many to see whether it holds secrets"
                ));
            }
            let path = join(&folder, &name);
            if is_dir && !PASSED_OVER.contains(&name.as_str()) {
                folders.push_back(path.clone());
            }
            if is_dir && *action == Action::Read {
                continue;
            }
            if !only.is_none_or(|only| only.matches(&name, Case::Exact)) {
                continue;
            }
            let resource = PathResource { written: path.clone(), lexical: path.clone(), real: Some(path.clone()) };
            let target = Target::primary(action.clone(), Resource::Path(resource));
            if denials.stop(&target, call, Timestamp(i64::MIN)) {
                let shown = below(&path, root).filter(|rest| !rest.is_empty()).unwrap_or(&path);
                return Some(match action {
                    Action::Delete => format!("it would also delete `{shown}`, which is guarded"),
                    Action::Edit => format!("it may also replace `{shown}`, which is guarded"),
                    _ => format!("it would also {action} `{shown}`, which is denied"),
                });
            }
        }
    }
    None
}
