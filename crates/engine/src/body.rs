//! Exactly what would run or change, as a human reads it, and whether it can be shown in full.

use countersign_policy::{Action, Call, Resource, Target};
use serde_json::Value;

use crate::extract::TOO_MANY;
use crate::show::masked_lines;
use crate::{Files, secrets};

/// The longest text that is shown in full, in bytes; what is longer cannot be approved.
const LONGEST: usize = 32 * 1024;

/// What would run or change.
pub(crate) struct Body {
    /// The text, printable; no more than the beginning where it is too long.
    pub(crate) shown: String,
    /// Why nobody can say yes to it.
    pub(crate) unapprovable: Option<String>,
}

/// The body of a call's question.
pub(crate) fn of(call: &Call, files: &dyn Files) -> Body {
    let raw = raw(call, files);
    let whole = masked_lines(&raw);
    let unapprovable = too_long(&whole).or_else(|| too_many(call)).or_else(|| hides(call, &raw));
    let mut shown: String =
        whole.char_indices().take_while(|(at, c)| at + c.len_utf8() <= LONGEST).map(|(_, c)| c).collect();
    if shown.len() < whole.len() {
        shown.push_str("\n…");
    }
    Body { shown, unapprovable }
}

fn too_long(whole: &str) -> Option<String> {
    (whole.len() > LONGEST).then(|| {
        format!(
            "it is too long to be shown in full ({} KiB, the most is {} KiB): deny it and ask for smaller steps",
            whole.len() / 1024,
            LONGEST / 1024
        )
    })
}

fn too_many(call: &Call) -> Option<String> {
    let fault = call.faults.iter().find(|fault| fault.ends_with(TOO_MANY))?;
    Some(format!("{fault}: deny it and ask for smaller steps"))
}

/// Whether the masks of secrets hide something that a human has to see: which program runs, or a piece of what is not
/// understood.
fn hides(call: &Call, raw: &str) -> Option<String> {
    if call.action != Action::Shell {
        return None;
    }
    let masks = secrets::find(raw);
    let covered: Vec<&str> = masks.iter().filter_map(|mask| raw.get(mask.range.clone())).collect();
    if covered.is_empty() {
        return None;
    }
    let hides_program = |target: &Target| match &target.resource {
        Resource::Words(words) => words.iter().find(|word| !is_assignment(&word.text)).is_some_and(|program| {
            let name = program.text.rsplit('/').next().unwrap_or(&program.text);
            covered.contains(&program.text.as_str())
                || covered.contains(&name)
                || !secrets::find(&program.text).is_empty()
        }),
        _ => false,
    };
    let advice = "deny it and ask for the secret to be read from a file or a variable";
    if call.targets.iter().any(hides_program) {
        return Some(format!("what is masked as a secret could be the program that runs: {advice}"));
    }
    // A variable that was given a secret could be what runs.
    let is_unclear = |target: &Target| target.action == Action::Shell && target.unclear.is_some();
    call.targets
        .iter()
        .any(is_unclear)
        .then(|| format!("it is not understood, and what is masked as a secret could matter to it: {advice}"))
}

/// Whether a word before a program sets a variable.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// What would run or change, as it was written.
fn raw(call: &Call, files: &dyn Files) -> String {
    let argument = |name: &str| call.args.get(name).and_then(Value::as_str);
    match &call.action {
        Action::Shell => argument("command").or_else(|| argument("resource")).map(str::to_owned),
        Action::Edit => edit(call, &argument, files),
        _ => None,
    }
    .unwrap_or_else(|| serde_json::to_string_pretty(&call.args).unwrap_or_default())
}

/// The difference that an edit would make, where its arguments tell.
fn edit<'a>(call: &Call, argument: &impl Fn(&str) -> Option<&'a str>, files: &dyn Files) -> Option<String> {
    let path = call.targets.iter().find_map(|target| match &target.resource {
        Resource::Path(path) => path.real.clone(),
        _ => None,
    })?;
    let changes = match (argument("old_string"), argument("new_string"), argument("content")) {
        (Some(old), Some(new), _) => {
            let all = call.args.get("replace_all") == Some(&Value::Bool(true));
            format!("{}{}", if all { "every occurrence:\n" } else { "" }, difference(old, new))
        }
        (_, _, Some(content)) => {
            let before = files.read(&path).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
            difference(&before.unwrap_or_default(), content)
        }
        _ => return None,
    };
    // Arguments beside the change itself are shown as they are, so that nothing rides along unseen.
    let known = ["file_path", "old_string", "new_string", "content", "replace_all"];
    let rest: serde_json::Map<String, Value> = call
        .args
        .as_object()?
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let rest = if rest.is_empty() { String::new() } else { format!("{}\n", Value::Object(rest)) };
    Some(format!("{path}\n{rest}{changes}"))
}

fn difference(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(3).missing_newline_hint(true).to_string()
}
