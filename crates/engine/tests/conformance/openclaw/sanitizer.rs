//! What a human is shown of a command: in one line, and as a text of several lines.

use countersign_engine::show::{masked, masked_lines};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "sanitizer",
        compares: "the text in one line, and the text of several lines, secrets masked; where theirs is cut nothing is compared",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let text = match case.request["text"].as_str() {
        Some(text) => text.to_owned(),
        None => {
            let count = case.request["repeat"]["count"].as_u64().unwrap_or_default();
            case.request["repeat"]["unit"].as_str().unwrap_or_default().repeat(usize::try_from(count).unwrap())
        }
    };
    let mut differences = Vec::new();
    for (of, key, ours) in [("one line", "text", masked(&text)), ("lines", "warningText", masked_lines(&text))] {
        if let Some(theirs) = case.expect[key].as_str()
            && theirs != ours
        {
            let shows_more = masks(theirs) > masks(&ours) && !hides_syntax(theirs, &ours);
            let side = if shows_more { Side::Looser } else { Side::Stricter };
            differences.push(Difference { of, side, theirs: theirs.to_owned(), ours });
        }
    }
    differences
}

fn masks(text: &str) -> usize {
    text.matches("***").count() + text.matches('…').count()
}

/// Whether their mask covers something that a shell acts upon.
fn hides_syntax(theirs: &str, ours: &str) -> bool {
    let syntax = |text: &str| text.matches(|c| "${}()\"'`;|&<>".contains(c)).count();
    syntax(theirs) < syntax(ours)
}

fn escapes(text: &str) -> usize {
    text.matches("\\u{").count()
}

const RULES: &[Rule] = &[
    Rule {
        name: "a mask covers no syntax",
        inputs: "a secret's name before something that a shell acts upon: `${API_KEY:-x}`",
        answer: "the text as it is",
        why: "a reader must see what the shell does; theirs hides the end of the expansion",
        side: Side::Stricter,
        explains: |_, difference| masks(&difference.theirs) > 0 && hides_syntax(&difference.theirs, &difference.ours),
    },
    Rule {
        name: "half a character is refused",
        inputs: "a text with half of a surrogate pair",
        answer: "the request is refused",
        why: "no text of ours can hold it, and JSON that has it is in error",
        side: Side::Stricter,
        explains: |case, difference| case.is_no_text && difference.of == "request",
    },
    Rule {
        name: "a line breaks only where a line break is",
        inputs: "a carriage return, U+2028 or U+2029 in a text of several lines",
        answer: "written out like every other character that cannot be seen",
        why: "a terminal goes back to the start of the line there, and the rest is drawn over what was read",
        side: Side::Stricter,
        explains: |case, difference| {
            difference.of == "lines" && case.text("text").contains(['\r', '\u{2028}', '\u{2029}'])
        },
    },
    Rule {
        name: "more is written out",
        inputs: "variation selectors, blanks of Braille, accents on nothing or too many of them, what reads like one of our escapes",
        answer: "`\\u{...}`",
        why: "a reader would not see them, or takes them for something else",
        side: Side::Stricter,
        explains: |_, difference| {
            let plainer = difference.ours.replace("\\\\", "\\");
            escapes(&difference.ours) > escapes(&difference.theirs) || plainer == difference.theirs
        },
    },
    Rule {
        name: "long runs are counted",
        inputs: "many blanks, empty lines, or characters that cannot be seen",
        answer: "`⟨312 spaces⟩`",
        why: "they push what matters out of sight",
        side: Side::Stricter,
        explains: |_, difference| difference.ours.contains('⟨') && !difference.theirs.contains('⟨'),
    },
    Rule {
        name: "more secrets are masked",
        inputs: "forms and names of secrets that theirs does not know",
        answer: "`***`",
        why: "what is shown is also kept",
        side: Side::Stricter,
        explains: |_, difference| masks(&difference.ours) > masks(&difference.theirs),
    },
];
