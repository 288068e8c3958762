//! The cards with which a turn ends, and what became of each.

use countersign_policy::approval::{CancelReason, Outcome, State};
use countersign_policy::{Class, GrantResource, Offer};
use serde_json::{Value, json};

/// One call that waits for a human: a card of kind `tool-approval` in a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferred {
    /// The id that answers name: `toolUseId`, and `id` where there is none.
    pub id: String,
    /// The tool's key in the catalog. Without one nothing can be remembered of it.
    pub tool: Option<String>,
    /// Its class; one that is not known writes.
    pub class: Class,
    /// The call's arguments.
    pub params: Value,
}

/// The calls that wait in a response's answer. A card without an id cannot be answered and is none; of two with the same
/// id the first counts.
pub fn deferred(answer: &[Value]) -> Vec<Deferred> {
    let mut found: Vec<Deferred> = Vec::new();
    for card in answer.iter().filter(|card| card.get("kind").and_then(Value::as_str) == Some("tool-approval")) {
        let said = |name: &str| card.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(id) = said("toolUseId").or_else(|| said("id")) else { continue };
        if found.iter().any(|other| other.id == id) {
            continue;
        }
        found.push(Deferred {
            id: id.to_owned(),
            tool: said("toolKey").map(str::to_owned),
            class: said("toolClass").and_then(Class::named).unwrap_or(Class::Write),
            params: card.get("params").cloned().unwrap_or_else(|| json!({})),
        });
    }
    found
}

impl Deferred {
    /// The arguments of the call that it stands for. With its id and the id of the response's transaction: two cards for
    /// the same are two questions there.
    pub fn args(&self, transaction: &str) -> Value {
        json!({ "transactionId": transaction, "toolUseId": self.id, "params": self.params })
    }

    /// What its "always" buttons offer: the tool as a whole, for this chat.
    pub fn offers(&self) -> Vec<Offer> {
        let words = |tool: &String| format!("`{tool}`, whatever it does");
        let offer = |tool| Offer { resource: GrantResource::Whole, words: words(tool) };
        self.tool.iter().map(offer).collect()
    }
}

/// A card's status, by what became of its question and whether that was remembered.
pub fn status(state: &State, remembered: bool) -> &'static str {
    match state {
        State::Open => "pending",
        State::Allowed { answer, .. } | State::Denied { answer, .. } | State::Redeemed { answer, .. } => {
            match (answer.outcome, remembered) {
                (Outcome::Allow, false) => "approved",
                (Outcome::Allow, true) => "always-allowed",
                (Outcome::Deny, false) => "denied",
                (Outcome::Deny, true) => "always-denied",
            }
        }
        State::Cancelled { reason: CancelReason::Stop | CancelReason::StartOver, .. } => "denied",
        State::Cancelled { .. } | State::Expired { .. } => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::Class;
    use serde_json::json;

    use super::deferred;

    #[test]
    fn a_card_waits_by_its_calls_id_and_one_without_any_cannot_be_answered() {
        let cards = [
            json!({"kind": "tool-approval", "id": "card-1", "toolUseId": "u1", "toolKey": "a", "toolClass": "read"}),
            json!({"kind": "tool-approval", "id": "u1", "toolKey": "b"}),
            json!({"kind": "tool-approval", "toolKey": "c"}),
            json!({"kind": "tool-approval", "id": "u2", "toolClass": "harmless"}),
            json!({"kind": "message", "id": "u3", "toolKey": "d"}),
        ];
        let found = deferred(&cards);
        let ids: Vec<(&str, Option<&str>, Class)> =
            found.iter().map(|card| (&*card.id, card.tool.as_deref(), card.class)).collect();
        assert_eq!(ids, [("u1", Some("a"), Class::Read), ("u2", None, Class::Write)]);
        assert!(found[1].offers().is_empty(), "nothing can be remembered of a tool without a name");
    }
}
