//! The pages, as their templates want them.

use askama::Template;

use super::view::{AnsweredView, Further, GivenUpView, GrantView, QuestionView, Shown};

/// The whole inbox page.
#[derive(Template)]
#[template(path = "inbox.html")]
pub(crate) struct InboxPage {
    pub(crate) user: String,
    pub(crate) notice: Option<Notice>,
    /// When a page without script comes again: soon at first, to be known as a listener; never while somebody writes on it.
    pub(crate) refresh_seconds: Option<u32>,
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
    /// Webhooks of which messages were given up.
    pub(crate) given_up: Vec<GivenUpView>,
    pub(crate) open: Vec<QuestionView>,
    pub(crate) answered: Vec<AnsweredView>,
    pub(crate) grants: Vec<GrantView>,
    /// The grant of which somebody asks how far it can be made to reach.
    pub(crate) further: Option<String>,
    /// Whether no agent ever asked.
    pub(crate) unused: bool,
}

impl List {
    /// Opens the arguments of this question to be edited; false if there is nothing to edit.
    pub(crate) fn edit(&mut self, question: &str) -> bool {
        let found = self.open.iter_mut().find(|one| one.id == question && one.args.is_ok());
        found.map(|question| question.editing = true).is_some()
    }
}

/// What became of the last form, in one line.
pub(crate) struct Notice {
    /// The class of its style: `good`, `bad`.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// The question that it is about, where that stands below.
    pub(crate) question: Option<String>,
    /// Arguments that were typed for a question which is not there any more.
    pub(crate) typed: Option<String>,
}

impl Notice {
    pub(crate) fn new(kind: &'static str, text: String) -> Notice {
        Notice { kind, text, question: None, typed: None }
    }
}

/// The page to sign in on.
#[derive(Template)]
#[template(path = "door.html")]
pub(crate) struct DoorPage {
    pub(crate) problem: Option<String>,
    pub(crate) code: String,
}
