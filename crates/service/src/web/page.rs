//! The pages, as their templates want them.

use askama::Template;

use super::view::{AnsweredView, GrantView, QuestionView, Shown};

/// The whole inbox page.
#[derive(Template)]
#[template(path = "inbox.html")]
pub(crate) struct InboxPage {
    pub(crate) user: String,
    pub(crate) notice: Option<Notice>,
    /// When a page without script comes again: soon at first, to be known as a listener.
    pub(crate) refresh_seconds: u32,
    pub(crate) plain_seconds: u32,
    pub(crate) list: List,
}

/// What the live page fetches anew.
#[derive(Template)]
#[template(path = "list.html")]
pub(crate) struct ListPage {
    pub(crate) list: List,
}

/// All that the inbox lists.
pub(crate) struct List {
    /// The session's form token.
    pub(crate) form: String,
    /// Policies that cannot be read, each with all that is wrong.
    pub(crate) faults: Vec<Shown>,
    pub(crate) open: Vec<QuestionView>,
    pub(crate) answered: Vec<AnsweredView>,
    pub(crate) grants: Vec<GrantView>,
    /// Whether no agent ever asked.
    pub(crate) unused: bool,
}

/// What became of the last form, in one line.
pub(crate) struct Notice {
    /// The class of its style: `good`, `bad`.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

/// The page to sign in on.
#[derive(Template)]
#[template(path = "door.html")]
pub(crate) struct DoorPage {
    pub(crate) problem: Option<String>,
    pub(crate) code: String,
}
