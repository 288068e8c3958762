//! What policy said of a call, and why.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agents::AgentDefault;
use crate::decide::Matter;
use crate::effect::Effect;
use crate::rule::{Origin, Rule};
use crate::scope::Scope;
use crate::source::{Source, SourceKind};

/// What policy said of a call: one judgement for each target, in the order of the call's targets, and the strictest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    effect: Effect,
    cause: Cause,
    judgements: Vec<Judgement>,
    revision: String,
}

/// What policy said of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    effect: Effect,
    cause: Cause,
    offer: Option<Scope>,
    remember: Remember,
}

/// What may be remembered of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remember {
    /// The scopes, narrowest first; without once. Empty: nothing may be remembered.
    pub scopes: Vec<Scope>,
    /// The longest lifetime in seconds.
    pub max_seconds: Option<i64>,
}

/// Why an effect is what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A rule of a policy file, or a built-in one; also the default of a sub-agent's table.
    Rule(RuleCause),
    /// A rule of a ceiling, or its default.
    Ceiling(RuleCause),
    /// A remembered answer.
    Grant {
        /// The grant.
        id: String,
        /// The approval that made it.
        approval: Option<String>,
    },
    /// A human's answer to this very call.
    Answer {
        /// The approval that was answered.
        approval: String,
        /// What the human wants the agent to know.
        feedback: Option<String>,
    },
    /// No rule speaks of it.
    Default,
    /// It follows from targets that were judged.
    Implied,
    /// The tool is not to be had: outside its version window, or above the role's class.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It could not be understood.
    Unclear {
        /// What was not understood.
        reason: String,
    },
    /// It was understood, and a human should look at it.
    Caution {
        /// Why.
        reason: String,
    },
    /// The session makes the same call again and again.
    Repeated {
        /// How often in a row, this one included.
        times: u32,
    },
    /// Something went wrong while deciding.
    Error {
        /// What.
        reason: String,
    },
    /// It would ask, and nobody can be asked.
    Nobody {
        /// Why it would have asked.
        asked: Box<Cause>,
    },
}

/// Which rule, and where it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleCause {
    /// The kind of its source.
    pub source: SourceKind,
    /// Its place and text.
    pub origin: Origin,
    /// Why, in its author's words.
    pub why: Option<String>,
    /// The kind of sub-agent in whose table it stands, if it stands in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Arc<str>>,
    /// Whether it stands in a file that is not trusted, and so could only tighten.
    #[serde(default)]
    pub untrusted: bool,
}

impl RuleCause {
    pub(crate) fn of(source: &Source, rule: &Rule, matter: Matter<'_>) -> RuleCause {
        let Origin { file, line, .. } = &rule.origin;
        RuleCause {
            source: source.kind,
            origin: Origin {
                file: file.clone(),
                line: *line,
                text: rule.text_about(matter.own.spellings.as_ref(), matter.call),
            },
            why: rule.poisoned.as_ref().map(|why| format!("could not be read: {why}")).or_else(|| rule.why.clone()),
            agent: source.agent.clone(),
            untrusted: !source.trusted,
        }
    }

    /// The default of a sub-agent's table.
    pub(crate) fn of_default(source: &Source, default: &AgentDefault) -> RuleCause {
        let AgentDefault { origin, why, .. } = default.clone();
        RuleCause { source: source.kind, origin, why, agent: source.agent.clone(), untrusted: !source.trusted }
    }
}

impl Judgement {
    pub(crate) fn new(effect: Effect, cause: Cause) -> Judgement {
        Judgement { effect, cause, offer: None, remember: Remember { scopes: Vec::new(), max_seconds: None } }
    }

    /// What policy says of the target.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The scope that its rule wants offered first.
    pub fn offer(&self) -> Option<Scope> {
        self.offer
    }

    /// What may be remembered of an answer.
    pub fn remember(&self) -> &Remember {
        &self.remember
    }

    pub(crate) fn offering(mut self, offer: Option<Scope>) -> Judgement {
        self.offer = offer;
        self
    }

    pub(crate) fn remembering(&mut self, remember: Remember) {
        self.remember = remember;
    }

    pub(crate) fn becomes(&mut self, effect: Effect, cause: Cause) {
        self.effect = effect;
        self.cause = cause;
    }

    /// Makes it stricter, or leaves it.
    pub(crate) fn tighten(&mut self, effect: Effect, cause: impl FnOnce() -> Cause) {
        if effect > self.effect {
            self.becomes(effect, cause());
        }
    }
}

impl Decision {
    /// A decision from the judgements of all targets; without any it is an error that denies.
    pub(crate) fn from_judgements(judgements: Vec<Judgement>, revision: String) -> Decision {
        let mut strictest: Option<&Judgement> = None;
        for judgement in &judgements {
            if strictest.is_none_or(|so_far| judgement.effect > so_far.effect) {
                strictest = Some(judgement);
            }
        }
        let (effect, cause) = match strictest {
            Some(judgement) => (judgement.effect, judgement.cause.clone()),
            None => (Effect::Deny, Cause::Error { reason: "the call touches nothing that could be judged".to_owned() }),
        };
        Decision { effect, cause, judgements, revision }
    }

    /// A decision about a call that could not be judged at all: it denies.
    pub fn fault(reason: impl Into<String>) -> Decision {
        Decision {
            effect: Effect::Deny,
            cause: Cause::Error { reason: reason.into() },
            judgements: Vec::new(),
            revision: String::new(),
        }
    }

    /// The strictest of its targets' effects.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// One judgement for each target, in the order of the call's targets.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// The revision of the policy that decided.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}
