//! What the store refuses, as the API says it.

use axum::http::StatusCode;
use countersign_policy::approval::{Outcome, Refusal};
use countersign_policy::batch::BatchRefusal;

use crate::http::Fault;
use crate::store::{AskError, HearError, KeyReused, PromoteError, RedeemError, ReplyError, TakeError, TokenError};

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        let message = refusal.to_string();
        match refusal {
            Refusal::Answered(answer) => {
                let mut fault = Fault::new(StatusCode::CONFLICT, "answered", message);
                let outcome = if answer.outcome == Outcome::Allow { "allow" } else { "deny" };
                fault.problem.outcome = Some(outcome);
                fault.problem.by = Some(answer.by);
                fault.problem.at = Some(answer.at.0);
                fault
            }
            Refusal::Expired => Fault::new(StatusCode::GONE, "expired", message),
            Refusal::Cancelled(_) => Fault::new(StatusCode::CONFLICT, "withdrawn", message),
            Refusal::Redeemed => Fault::new(StatusCode::CONFLICT, "redeemed", message),
            Refusal::NotAnswered => Fault::new(StatusCode::CONFLICT, "not-answered", message),
            Refusal::OtherCall => Fault::new(StatusCode::CONFLICT, "other-call", message),
            // Whose it is, is nobody else's business.
            Refusal::OtherAsker => Fault::not_found("approval"),
        }
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Fault {
        let message = error.to_string();
        match error {
            ReplyError::Unknown(_) => Fault::not_found("question"),
            ReplyError::Refused(refusal) => refusal.into(),
            ReplyError::Stricter { .. } | ReplyError::EditedRefused { .. } => {
                Fault::new(StatusCode::CONFLICT, "stricter", message)
            }
            ReplyError::Store(error) => error.into(),
            _ => Fault::invalid(message),
        }
    }
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Fault {
        let message = error.to_string();
        match error {
            TokenError::NoParent(_) | TokenError::OthersSession(_) => Fault::conflict(message),
            TokenError::Store(error) => error.into(),
            _ => Fault::invalid(message),
        }
    }
}

impl From<RedeemError> for Fault {
    fn from(error: RedeemError) -> Fault {
        let message = error.to_string();
        match error {
            RedeemError::Unknown(_) => Fault::not_found("approval"),
            RedeemError::Refused(refusal) => refusal.into(),
            RedeemError::Stricter { .. } => Fault::new(StatusCode::CONFLICT, "stricter", message),
            RedeemError::KeyReused(error) => error.into(),
            RedeemError::Store(error) => error.into(),
        }
    }
}

impl From<PromoteError> for Fault {
    fn from(error: PromoteError) -> Fault {
        let message = error.to_string();
        match error {
            PromoteError::Unknown(_) => Fault::not_found("grant"),
            PromoteError::Unasked => Fault::conflict(message),
            PromoteError::NotWider { .. } => Fault::invalid(message),
            PromoteError::Refused(error) => error.into(),
            PromoteError::Store(error) => error.into(),
        }
    }
}

impl From<AskError> for Fault {
    fn from(error: AskError) -> Fault {
        match error {
            AskError::TooMany(_) => Fault::new(StatusCode::CONFLICT, "too-many", error.to_string()),
            AskError::KeyReused(error) => error.into(),
            AskError::Store(error) => error.into(),
        }
    }
}

impl From<KeyReused> for Fault {
    fn from(error: KeyReused) -> Fault {
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", error.to_string())
    }
}

impl From<HearError> for Fault {
    fn from(error: HearError) -> Fault {
        let message = error.to_string();
        match error {
            HearError::Reused => Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", message),
            HearError::Changed => Fault::conflict(message),
            HearError::Reply(error) => error.into(),
            HearError::Store(error) => error.into(),
        }
    }
}

impl From<TakeError> for Fault {
    fn from(error: TakeError) -> Fault {
        let message = error.to_string();
        match error {
            TakeError::Unknown(_) => Fault::not_found("turn"),
            TakeError::Refused(BatchRefusal::NotReady) => Fault::new(StatusCode::CONFLICT, "not-ready", message),
            TakeError::Refused(BatchRefusal::Sending) => Fault::new(StatusCode::CONFLICT, "sending", message),
            TakeError::Refused(BatchRefusal::Resumed) => Fault::new(StatusCode::CONFLICT, "resumed", message),
            TakeError::Refused(BatchRefusal::Cancelled(_)) => Fault::new(StatusCode::CONFLICT, "withdrawn", message),
            TakeError::KeyReused(error) => error.into(),
            TakeError::Store(error) => error.into(),
        }
    }
}
