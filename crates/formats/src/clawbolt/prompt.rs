//! What clawbolt writes into a chat when it asks.
//!
//! The line of `never` stays the last: clawbolt knows its own prompts by it.

/// The prompt before one call. With `blanket` it offers to allow the tool for all `noun` (`recipients`).
pub fn approval(description: &str, blanket: bool, noun: Option<&str>) -> String {
    let all = blanket.then(|| noun.filter(|noun| !noun.is_empty()).unwrap_or("of them"));
    format!("I'd like to: {description}\n\n{}", replies(all))
}

/// The prompt before several calls: what runs without a question, and what is asked about. Empty where nothing is.
pub fn plan(runs: &[&str], asks: &[&str]) -> String {
    let before = match runs {
        [] => String::new(),
        runs => {
            let runs: Vec<String> = runs.iter().map(|description| description.to_lowercase()).collect();
            format!("I'll {}. ", runs.join(", "))
        }
    };
    match asks {
        [] => String::new(),
        [one] if runs.is_empty() => approval(one, false, None),
        [one] => format!("{before}I need your approval to {}.\n\n{}", one.to_lowercase(), replies(None)),
        asks => {
            let list: String = asks.iter().map(|description| format!("  - {description}\n")).collect();
            format!("{before}I need your approval for:\n{list}\n{}", replies(None))
        }
    }
}

fn replies(all: Option<&str>) -> String {
    let all = all.map(|noun| format!("  always all: allow for all {noun} and remember\n")).unwrap_or_default();
    format!(
        "Reply with one of:\n  yes: allow this once\n  no: deny this once\n  always: allow and remember\n{all}  never: \
         deny and remember"
    )
}

#[cfg(test)]
mod tests {
    use super::{approval, plan};

    #[test]
    fn prompts() {
        insta::assert_snapshot!(
            [
                approval("Send Invoice to a@b.com via QuickBooks", true, Some("recipients")),
                approval("Write to USER.md", false, None),
                plan(&["Read File 0", "Read File 1"], &["Write FILE 0", "Write FILE 1"]),
                plan(&["Read File 0"], &["Write FILE 0"]),
                plan(&["Read File 0"], &[]),
            ]
            .join("\n----\n")
        );
    }
}
