//! What a kind of cases is compared by, and where we differ on purpose.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use super::case::{Case, Folder};

/// A kind of cases and its adapter.
pub(crate) struct Kind {
    pub(crate) system: &'static str,
    pub(crate) name: &'static str,
    /// What is compared, in a sentence.
    pub(crate) compares: &'static str,
    /// All in which our answer to a case is not theirs.
    pub(crate) replay: fn(&Folder, &Case) -> Vec<Difference>,
    pub(crate) rules: Vec<Rule>,
}

/// One thing in which our answer is not theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What part of the answer.
    pub(crate) of: &'static str,
    pub(crate) side: Side,
    pub(crate) theirs: String,
    pub(crate) ours: String,
}

/// Who asks more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// We ask, refuse or show more, or theirs is an error.
    Stricter,
    /// We let pass what they do not.
    Looser,
}

/// A difference on purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// A phrase that is the rule's own; the same in several kinds for one and the same reason.
    pub(crate) name: &'static str,
    /// For which inputs.
    pub(crate) inputs: &'static str,
    /// What we answer.
    pub(crate) answer: &'static str,
    pub(crate) why: &'static str,
    /// Whether we let pass what they do not.
    pub(crate) side: Side,
    /// Whether it speaks of this difference in this case.
    pub(crate) explains: fn(&Case, &Difference) -> bool,
}

/// How the cases of a kind went.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) same: usize,
    pub(crate) differing: usize,
    /// Each failed case, with what was different in it.
    pub(crate) failed: Vec<String>,
    /// How many cases each rule explains something of.
    pub(crate) explained: BTreeMap<&'static str, usize>,
}

impl Count {
    pub(crate) fn all(&self) -> usize {
        self.same + self.differing + self.failed.len()
    }
}

impl Kind {
    pub(crate) fn play(&self, folder: &Folder, cases: &[Case]) -> Count {
        let mut count = Count::default();
        for case in cases {
            let differences = if case.is_no_text {
                vec![Difference::stricter("request", "read", "refused")]
            } else {
                // What an adapter does not know fails its own case, and the others are replayed all the same.
                match catch_unwind(|| (self.replay)(folder, case)) {
                    Ok(differences) => differences,
                    Err(_) => {
                        count.failed.push(format!(
                            "{}/{} {} ({}): the adapter panicked",
                            self.system, self.name, case.id, case.case
                        ));
                        continue;
                    }
                }
            };
            if differences.is_empty() {
                count.same += 1;
                continue;
            }
            let mut rules: Vec<&'static str> = Vec::new();
            let mut left = Vec::new();
            for difference in &differences {
                let rule =
                    self.rules.iter().find(|rule| rule.side == difference.side && (rule.explains)(case, difference));
                match rule {
                    Some(rule) => rules.push(rule.name),
                    None => left.push(difference),
                }
            }
            if left.is_empty() {
                count.differing += 1;
                rules.sort_unstable();
                rules.dedup();
                for rule in rules {
                    *count.explained.entry(rule).or_default() += 1;
                }
            } else {
                let shown: Vec<String> = left.iter().map(|difference| difference.to_string()).collect();
                let of = format!("{}/{} {} ({})", self.system, self.name, case.id, case.case);
                count.failed.push(format!("{of}: {}: {}", case.request, shown.join("; ")));
            }
        }
        count
    }
}

impl Difference {
    pub(crate) fn stricter(of: &'static str, theirs: impl Into<String>, ours: impl Into<String>) -> Difference {
        Difference { of, side: Side::Stricter, theirs: theirs.into(), ours: ours.into() }
    }

    pub(crate) fn looser(of: &'static str, theirs: impl Into<String>, ours: impl Into<String>) -> Difference {
        Difference { of, side: Side::Looser, theirs: theirs.into(), ours: ours.into() }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = match self.side {
            Side::Stricter => "stricter",
            Side::Looser => "LOOSER",
        };
        write!(f, "{} ({side}): theirs {}, ours {}", self.of, self.theirs, self.ours)
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Count, Difference, Folder, Kind, Rule, Side};

    fn play(side: Side, rules: Vec<Rule>) -> Count {
        let replay: fn(&Folder, &Case) -> Vec<Difference> = match side {
            Side::Stricter => |_, _| vec![Difference::stricter("decision", "allow", "ask")],
            Side::Looser => |_, _| vec![Difference::looser("decision", "ask", "allow")],
        };
        let kind = Kind { system: "a", name: "b", compares: "", replay, rules };
        let case = serde_json::from_str(r#"{"id":"1","case":"c","request":{},"expect":{}}"#).unwrap();
        kind.play(&Folder { path: "/nowhere".into() }, &[case])
    }

    #[test]
    fn an_adapter_that_panics_fails_its_case_and_no_other() {
        let replay: fn(&Folder, &Case) -> Vec<Difference> =
            |_, case| if case.id == "1" { panic!("an unknown step") } else { Vec::new() };
        let kind = Kind { system: "a", name: "b", compares: "", replay, rules: Vec::new() };
        let case = |id: &str| {
            serde_json::from_str(&format!(r#"{{"id":"{id}","case":"c","request":{{}},"expect":{{}}}}"#)).unwrap()
        };
        let count = kind.play(&Folder { path: "/nowhere".into() }, &[case("1"), case("2")]);
        assert_eq!((count.failed.len(), count.same), (1, 1));
    }

    #[test]
    fn a_difference_without_a_rule_fails_and_one_that_asks_less_needs_a_rule_that_says_so() {
        let stricter = Rule { name: "r", inputs: "", answer: "", why: "", side: Side::Stricter, explains: |_, _| true };
        assert_eq!(play(Side::Stricter, Vec::new()).failed.len(), 1);
        assert_eq!(play(Side::Stricter, vec![stricter]).differing, 1);
        assert_eq!(play(Side::Looser, vec![stricter]).failed.len(), 1);
        assert_eq!(play(Side::Looser, vec![Rule { side: Side::Looser, ..stricter }]).explained["r"], 1);
    }
}
