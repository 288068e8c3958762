//! A webhook that was given up, as the page shows it.

use countersign_engine::show::masked;
use countersign_policy::Timestamp;

use super::text::Shown;
use super::time::When;
use crate::store::GivenUp;

/// What became of it, and what to do.
pub(crate) struct GivenUpView {
    pub(crate) id: String,
    pub(crate) name: Shown,
    /// The address; what in it is a secret is masked.
    pub(crate) url: Shown,
    pub(crate) since: When,
    pub(crate) lost: String,
    pub(crate) waiting: String,
    pub(crate) fault: Option<Shown>,
    /// Whether its own side ended it, so that it has to be set anew.
    pub(crate) gone: bool,
}

impl GivenUpView {
    pub(crate) fn of(one: &GivenUp, now: Timestamp) -> Self {
        GivenUpView {
            id: one.id.clone(),
            name: Shown::of_raw(&one.name),
            url: Shown::of(&masked(&one.url)),
            since: When::of(one.since, now),
            lost: match one.lost {
                1 => "1 message was given up".to_owned(),
                many => format!("{many} messages were given up"),
            },
            waiting: match one.waiting {
                1 => "1 is on its way".to_owned(),
                many => format!("{many} are on their way"),
            },
            fault: one.fault.as_deref().map(|fault| Shown::of(&masked(fault))),
            gone: one.gone,
        }
    }
}
