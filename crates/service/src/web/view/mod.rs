//! From what the store holds to what the templates need: words, no logic of the templates' own.

mod history;
mod question;
mod text;
mod time;
mod webhook;

pub(crate) use history::{AnsweredView, Further, GrantView, WiderView};
pub(crate) use question::QuestionView;
pub(crate) use text::Shown;
pub(crate) use time::span;
pub(crate) use webhook::GivenUpView;
