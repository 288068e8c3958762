//! What a call touches, read from its arguments. The extractors are a closed set.

use countersign_formats::{System, clawbolt};
use countersign_policy::pattern::Glob;
use countersign_policy::{
    Action, Call, CommandSpelling, NamedBy, PathResource, Policy, Resource, Role, Target, WordKind,
};
use countersign_shell::{Analysis, Dir, Programs, Touch, Via};
use serde_json::Value;

use crate::hosts::{Extractor, ToolRow};
use crate::paths::{Places, below};
use crate::{Files, alias, located, lookalike, repository, shadow, tree, url, windows};

/// The most targets that one call may have; beyond it nobody could review them.
const MOST_TARGETS: usize = 512;
/// How a fault ends that says so.
pub(crate) const TOO_MANY: &str = "more than anybody could review";

/// What a call is taken apart with.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) programs: &'a Programs,
    pub(crate) call: &'a Call,
    pub(crate) places: &'a Places,
    pub(crate) files: &'a dyn Files,
}

/// The targets of a call of a tool in a host's table.
pub(crate) fn by_row(row: &ToolRow, of: &Taken<'_>) -> Result<Vec<Target>, String> {
    let Taken { call, .. } = *of;
    let value = match row.at.iter().find_map(|pointer| call.args.pointer(pointer)) {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Null) | None => row.or.as_deref().ok_or_else(|| {
            format!(
                "`{}` was called without its `{}`",
                call.tool,
                row.at.first().map_or("", |at| at.trim_start_matches('/'))
            )
        })?,
        Some(_) => return Err(format!("an argument of `{}` is no text", call.tool)),
    };
    let action = row.action.clone();
    match row.extract {
        Extractor::Shell => {
            let mut targets = shell(value, of)?;
            if let (true, Some(first)) = (is_unguarded(row, call), targets.first_mut()) {
                first.caution = Some("it asks to run outside the host's sandbox".to_owned());
            }
            Ok(targets)
        }
        Extractor::Path => Ok(vec![path(action, value, "", of)]),
        Extractor::Tree => {
            let mut target = path(action, value, "", of);
            look_below(&mut target, also(row, call).and_then(only_names).as_ref(), of);
            Ok(vec![target])
        }
        Extractor::Names => {
            let mut targets = vec![path(action.clone(), value, "", of)];
            if let Some(pattern) = also(row, call) {
                targets.extend(names_outside(action, value, pattern, of));
            }
            Ok(targets)
        }
        Extractor::Url => Ok(vec![fetch(action, Role::Primary, value)]),
        Extractor::Provider => {
            let resource = Resource::Url { host: value.to_owned(), url: String::new() };
            Ok(vec![Target::primary(action, resource)])
        }
        Extractor::Text => Ok(vec![text(action, value)]),
    }
}

/// Whether a call asks its host to take a protection away; anything but a plain no is taken for a yes.
fn is_unguarded(row: &ToolRow, call: &Call) -> bool {
    let asked = row.unguarded.as_ref().and_then(|pointer| call.args.pointer(pointer));
    !matches!(asked, None | Some(Value::Null | Value::Bool(false)))
}

/// The argument that narrows or widens the resource.
fn also<'a>(row: &ToolRow, call: &'a Call) -> Option<&'a str> {
    call.args.pointer(row.also.as_ref()?)?.as_str()
}

/// A glob that can only match files of certain names: no folders, no alternatives, nothing turned around.
fn only_names(glob: &str) -> Option<Glob> {
    if glob.contains(['/', '!', '{', '[', '?', '\\', ',']) { None } else { Some(Glob::compile(glob)) }
}

/// The targets of a call of any other tool: what the catalog's pointer finds, what the system that the tool comes with
/// works out of it, or the call itself.
pub(crate) fn by_catalog(policy: &Policy, call: &Call) -> Result<Vec<Target>, String> {
    let action = call.action.clone();
    let entry = policy.catalog.tools.get(&action.to_string());
    let Some(pointer) = entry.and_then(|entry| entry.resource.as_ref()) else {
        return match entry.and_then(|entry| entry.system.as_deref()) {
            Some(system) => worked_out(system, call),
            None => Ok(vec![Target::primary(action, Resource::None)]),
        };
    };
    let found = match call.args.pointer(pointer) {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many
            .iter()
            .map(|item| item.as_str().ok_or_else(|| format!("`{pointer}` holds something that is no text")))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(format!("`{pointer}` is no text and no list of texts")),
        None => return Err(format!("the call has no `{pointer}`, from which its resource is read")),
    };
    if found.len() > MOST_TARGETS {
        return Err(format!("the call names {} resources at once, {TOO_MANY}", found.len()));
    }
    if found.contains(&"") {
        return Err(format!("`{pointer}` holds an empty text, which names nothing"));
    }
    Ok(found.into_iter().map(|one| text(action.clone(), one)).collect())
}

/// What the system that a tool comes with says that a call of it acts on. A call that names nothing is judged as the tool
/// by the rules of that system; here it asks at least, as with every other tool that should name something.
fn worked_out(system: &str, call: &Call) -> Result<Vec<Target>, String> {
    let tool = match System::named(system) {
        Some(System::Clawbolt) => clawbolt::extract::Tool::named(&call.tool),
        _ => None,
    };
    let Some(tool) = tool else {
        return Err(format!("what `{}` of {system} acts on is not known", call.tool));
    };
    let found = tool.resources(&call.args)?;
    if found.is_empty() {
        return Err(format!("the call of `{}` names nothing that it would act on", call.tool));
    }
    Ok(found.iter().map(|one| text(call.action.clone(), one)).collect())
}

fn text(action: Action, text: &str) -> Target {
    Target::primary(action, Resource::Text(text.to_owned()))
}

/// A path that the host itself opens, as a target; what cannot be read as one is unclear.
fn path(action: Action, written: &str, dir: &str, of: &Taken<'_>) -> Target {
    if written.starts_with('~') {
        return unclear(action, written, "a path with `~`, which only some programs read as the home directory");
    }
    match of.places.resource(written, dir, of.files) {
        Ok(path) => Target::primary(action, Resource::Path(path)),
        Err(why) => unclear(action, written, why),
    }
}

fn unclear(action: Action, written: &str, why: impl Into<String>) -> Target {
    Target { unclear: Some(why.into()), ..text(action, written) }
}

fn fetch(action: Action, role: Role, written: &str) -> Target {
    match url::place(written) {
        // A private address is never implied.
        Ok(place) => {
            Target { role: if place.public { role } else { Role::Primary }, ..Target::primary(action, place.resource) }
        }
        Err(why) => unclear(action, written, why),
    }
}

/// Looks below a tree that is searched or deleted: a single file counts as read, and a tree with files that may not be
/// read, or deleted, is for a human to look at.
fn look_below(target: &mut Target, only: Option<&Glob>, of: &Taken<'_>) {
    let Resource::Path(PathResource { real: Some(real), .. }) = &target.resource else { return };
    let is_file = of.files.meta(real).is_some_and(|meta| !meta.is_dir);
    match target.action {
        Action::Search if is_file => target.action = Action::Read,
        Action::Search => target.caution = tree::denied_below(real, &Action::Read, only, of),
        Action::Delete if !is_file => target.caution = tree::denied_below(real, &Action::Delete, only, of),
        _ => {}
    }
}

/// The folder that a pattern of names starts from, where it leads out of the tree that it is searched in.
fn names_outside(action: Action, folder: &str, pattern: &str, of: &Taken<'_>) -> Option<Target> {
    let wild = |name: &&str| name.contains(['*', '?', '[', '{', '(', '!']);
    let fixed: Vec<&str> = pattern.split('/').take_while(|name| !wild(name)).collect();
    let climbs = |text: &str| text.contains("..");
    if pattern.split('/').skip(fixed.len()).any(climbs) {
        return Some(unclear(action, pattern, "a pattern with `..` behind a wildcard"));
    }
    if !pattern.starts_with(['/', '~']) && !fixed.iter().any(|name| climbs(name)) {
        return None;
    }
    let start = if fixed.join("/").is_empty() { "/".to_owned() } else { fixed.join("/") };
    Some(path(action, &start, folder, of))
}

/// A command line: a target for each simple command, for each file and host that it names, and for each thing in it
/// that was not understood.
fn shell(line: &str, of: &Taken<'_>) -> Result<Vec<Target>, String> {
    let written = countersign_shell::analyze_with(line, of.programs);
    let spelled = alias::spelled_out(line, &written, of);
    let (line, analysis) = match &spelled {
        None => (line, written),
        Some(spelled) => {
            let mut analysis = countersign_shell::analyze_with(spelled, of.programs);
            // What is denied under the alias's name stays denied.
            for (command, alias) in analysis.commands.iter_mut().zip(written.commands) {
                command.spellings.push(CommandSpelling { words: alias.words, allows: false });
            }
            (spelled.as_str(), analysis)
        }
    };
    let count = analysis.commands.len() + analysis.touches.len() + analysis.unknown.len();
    if count > MOST_TARGETS {
        return Err(format!("the command line does {count} things at once, {TOO_MANY}"));
    }
    let mut targets: Vec<Target> = Vec::with_capacity(count);
    let wants_places = of.policy.wants_places();
    for command in &analysis.commands {
        let words = Resource::Words(command.words.clone());
        let spellings = command.spellings.clone();
        let mut target = Target { spellings, ..Target::primary(Action::Shell, words) };
        if wants_places {
            target.programs = match of.policy.is_of_windows() {
                true => windows::programs(line, &analysis, of),
                false => located::programs(command, analysis.commands.len() == 1, of),
            };
        }
        if let Some(first) = command.words.first().filter(|first| first.kind != WordKind::Dynamic)
            && let Some(found) = shadow::by(&first.text, of.call.environment.get("PATH"), of.places, of.files)
        {
            target.unclear = Some(format!("`{found}` would run in the place of the system's own program"));
        }
        targets.push(target);
    }
    if of.places.cwd != of.places.project {
        let dir = Dir::Cwd(String::new());
        let here = Touch { action: Action::Read, path: ".".to_owned(), dir, via: Via::Operand, command: None };
        let here = touched(&here, of);
        if here.role == Role::Primary {
            // What runs takes its configuration from there, as after a `cd`.
            targets.push(here);
        }
    }
    for touch in &analysis.touches {
        let mut target = touched(touch, of);
        if target.role == Role::Primary && touch.via == Via::Operand {
            target.named = named(touch, &analysis);
        }
        target.command = touch.command;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    for unknown in &analysis.unknown {
        let written = line.get(unknown.span.clone()).unwrap_or(line);
        let target = unclear(Action::Shell, written, unknown.reason.clone());
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if targets.is_empty() && !line.trim().is_empty() {
        targets.push(unclear(Action::Shell, line, "no command was found in it"));
    }
    lookalike::caution(&mut targets);
    repository::caution(&mut targets, &analysis, of);
    Ok(targets)
}

/// The word that names what is touched, if one word does.
fn named(touch: &Touch, analysis: &Analysis) -> Option<NamedBy> {
    let words = &analysis.commands.get(touch.command?)?.words;
    let at = words.iter().position(|word| word.text == touch.path && word.kind == WordKind::Data)?;
    Some(NamedBy { words: words.clone(), at })
}

/// What a word of a command touches: the shell has expanded a leading `~` in it.
fn touched(touch: &Touch, of: &Taken<'_>) -> Target {
    let action = touch.action.clone();
    if action == Action::Fetch {
        return fetch(action, Role::Implied, &touch.path);
    }
    let home = &of.places.home;
    let Some(written) = expand_home(&touch.path, home) else {
        return unclear(action, &touch.path, "the home directory of another user, or of an unknown one");
    };
    let dir = match &touch.dir {
        _ if written.starts_with('/') => Some(String::new()),
        Dir::Cwd(dir) => expand_home(dir, home),
        Dir::Unknown => None,
    };
    let Some(dir) = dir else {
        return unclear(action, &touch.path, "which folder it is in is known only when it runs");
    };
    let mut target = match of.places.resource(&written, &dir, of.files) {
        Ok(path) => {
            let implied = touch.via == Via::Operand && of.places.inside(&path);
            let role = if implied { Role::Implied } else { Role::Primary };
            Target { role, ..Target::primary(action, Resource::Path(path)) }
        }
        Err(why) => return unclear(action, &touch.path, why),
    };
    look_below(&mut target, None, of);
    if target.action == Action::Edit && written.ends_with("/.") {
        look_filled(&mut target, of);
    }
    target
}

/// A folder that is filled with what is in another: what of it may not be changed could be replaced, and at the top of
/// the project or of another root that is more than is there now.
fn look_filled(target: &mut Target, of: &Taken<'_>) {
    let Resource::Path(PathResource { real: Some(real), .. }) = &target.resource else { return };
    if of.places.workspace().any(|folder| below(folder, real).is_some()) {
        let caution = "what is copied there may bring hooks and settings for the whole project";
        target.caution = Some(caution.to_owned());
    } else if of.files.meta(real).is_some_and(|meta| meta.is_dir) {
        target.caution = tree::denied_below(real, &Action::Edit, None, of);
    }
}

/// The path with a leading `~` or `~/` as the home directory; `None` for somebody else's.
pub(crate) fn expand_home(path: &str, home: &str) -> Option<String> {
    match path.strip_prefix('~') {
        None => Some(path.to_owned()),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            if home.is_empty() {
                None
            } else {
                Some(format!("{}{rest}", home.trim_end_matches('/')))
            }
        }
        Some(_) => None,
    }
}
