//! What must hold of every text that is read as a file of another system.

use countersign_formats::{Setting, System, Text};
use countersign_policy::SourceKind;
use countersign_policy::document::Imported;

/// Reads it: it is read in full or refused, twice alike, and what is said of it fits a terminal and points into it.
///
/// # Panics
/// Where that does not hold.
pub(crate) fn holds(system: System, text: &str, agent: Option<&str>) {
    named(system, "file", text, agent);
    if system == System::OpenCode {
        named(system, "agent.md", text, agent);
    }
}

fn named(system: System, name: &str, text: &str, agent: Option<&str>) {
    let file = Text::new(name, text);
    let setting =
        Setting { kind: SourceKind::User, trusted: true, agent, platform: None, home: "/home/u", project: "/repo" };
    let _ = System::of(&file);
    let report = system.report(std::slice::from_ref(&file), &setting);
    match system.read(std::slice::from_ref(&file), &setting) {
        Ok(imported) => {
            let rules =
                |all: &Imported| format!("{:?}", all.sources.iter().map(|source| source.rules()).collect::<Vec<_>>());
            let again = system.read(std::slice::from_ref(&file), &setting).map(|again| rules(&again));
            assert_eq!(again.ok(), Some(rules(&imported)));
        }
        Err(problems) => {
            assert!(!problems.is_empty() && report.is_err());
            for problem in &problems {
                let shown = problem.render(text);
                let longest = shown.lines().map(|line| line.chars().count()).max().unwrap_or_default();
                assert!(longest <= 80, "wider than a terminal:\n{shown}");
                assert!(problem.span.start <= text.len() && problem.line > 0, "{shown}");
            }
        }
    }
}
