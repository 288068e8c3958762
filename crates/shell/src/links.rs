//! Links that a line makes and then goes through: real paths are looked up before it runs, when they are not there yet.

use countersign_policy::Action;

use crate::program::BUILTIN;
use crate::{Analysis, Dir, Touch, Unknown};

/// The most links of one line that are compared with all that it touches; beyond it the line is not known.
const MOST_LINKS: usize = 16;

/// Marks what a line does through a link of its own as not known.
pub(crate) fn check(line: &str, out: &mut Analysis) {
    let mut found = Vec::new();
    let mut links = 0;
    // In a loop the commands before it come after it too.
    let repeated = || line.contains("done");
    for (index, command) in out.commands.iter().enumerate() {
        // Most commands are told apart by a letter.
        let makes = command.words.first().is_some_and(|word| {
            let base = word.text.rsplit('/').next().unwrap_or_default();
            let is = |start: &str| base.get(..2).is_some_and(|two| two.eq_ignore_ascii_case(start));
            (is("ln") || is("gl") || is("li")) && ["ln", "gln", "link"].contains(&BUILTIN.named(base).name.as_str())
        });
        if !makes {
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            found.push(command.span.clone());
            break;
        }
        let places = out.touches.iter().filter(|touch| touch.command == Some(index) && touch.action == Action::Edit);
        let places: Vec<Place> = places.map(Place::of).collect();
        let others = out.touches.iter().filter(|touch| match touch.command {
            Some(other) => other > index || other != index && repeated(),
            None => true,
        });
        if others.into_iter().any(|touch| places.iter().any(|place| place.leads(touch))) {
            found.push(command.span.clone());
        }
    }
    let reason = "a path through a link that the line itself makes";
    out.unknown.extend(found.into_iter().map(|span| Unknown { reason: reason.to_owned(), span }));
}

/// A path as far as it is known without a look at the disk.
struct Place {
    /// Whether it starts where the call does, and stays below.
    below: bool,
    /// Whether nothing is known of where it starts.
    unknown: bool,
    names: Vec<String>,
}

impl Place {
    fn of(touch: &Touch) -> Place {
        let absolute = touch.path.starts_with(['/', '~']);
        let (base, unknown) = match &touch.dir {
            _ if absolute => ("", false),
            Dir::Cwd(base) => (base.as_str(), false),
            Dir::Unknown => ("", true),
        };
        let mut below = !absolute && !unknown && !base.starts_with(['/', '~']);
        let mut names: Vec<String> = Vec::new();
        for name in base.split('/').chain(touch.path.split('/')) {
            match name {
                "" | "." | "~" => {}
                ".." => below &= names.pop().is_some(),
                name => names.push(name.to_lowercase()),
            }
        }
        Place { below, unknown, names }
    }

    /// Whether what is touched may be this link, below it, or a tree with it inside.
    fn leads(&self, touch: &Touch) -> bool {
        let other = Place::of(touch);
        if self.unknown || other.unknown || self.names.is_empty() {
            return true;
        }
        if self.below && other.below {
            return other.names.starts_with(&self.names)
                || touch.action == Action::Search && self.names.starts_with(&other.names);
        }
        other.names.windows(self.names.len()).any(|names| names == self.names.as_slice())
            || touch.action == Action::Search
    }
}
