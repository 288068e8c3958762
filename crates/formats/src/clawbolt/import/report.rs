//! What becomes of each rule of a file, where only texts of rules can be written.

use countersign_policy::Origin;
use countersign_policy::document::Problem;

use super::super::document::Document;
use super::super::{Defaults, Level};
use super::{Said, by_tool, dropped};
use crate::Text;
use crate::import::{Became, Fate, Report};

/// What each level of a file becomes: a tool of which nothing else is said a rule of ours; where resources matter, the
/// file stays, for a rule does not say which argument holds them.
///
/// # Errors
/// All that is wrong with the file, as [`super::super::check`] lists it.
pub fn report(text: &Text<'_>) -> Result<Report, Vec<Problem>> {
    let document = Document::parse(text).map_err(|problem| vec![problem])?;
    let problems = document.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let fate = |line: u32, text: String, became: Became| Fate {
        origin: Origin { file: document.text.name.clone(), line, text },
        became,
    };
    let mut rules = Vec::new();
    for said in by_tool(&document, &Defaults::default()) {
        let kept = kept(&said);
        if let Some((level, line)) = said.level {
            let became = match &kept {
                Some(why) => Became::Kept { why: why.clone() },
                None => native(said.tool, level),
            };
            rules.push(fate(line, format!("tools.{}: {}", said.tool, level.word()), became));
        }
        for (at, entry) in said.entries.iter().enumerate() {
            let became = match (said.why_never(at, entry), &kept) {
                (Some(why), _) => Became::Never { why },
                (None, why) => Became::Kept { why: why.clone().unwrap_or_default() },
            };
            rules.push(fate(entry.line, format!("{}: {}", said.about(entry), entry.level.word()), became));
        }
    }
    for note in dropped(&document) {
        rules.push(fate(note.line, note.about, Became::Dropped { why: note.why }));
    }
    rules.sort_by_key(|fate| fate.origin.line);
    Ok(Report { file: document.text.name.clone(), rules })
}

fn native(tool: &str, level: Level) -> Became {
    Became::Native { effect: level.effect(), rules: vec![format!("tool:{tool}")], why: None }
}

/// Why a tool's levels stay in their file, if they do.
fn kept(said: &Said<'_>) -> Option<String> {
    match said.rules() {
        Err(why) => Some(why),
        Ok(_) if said.entries.is_empty() => None,
        Ok(_) => Some("which argument of the tool is its resource comes with the file".to_owned()),
    }
}
