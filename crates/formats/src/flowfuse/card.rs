//! The card that asks a human about one call.

use countersign_policy::approval::CancelReason;

/// A card, by the status that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    status: String,
    disabled: bool,
}

impl Card {
    /// A card with this status; one that is disabled takes no press.
    pub fn new(status: &str, disabled: bool) -> Card {
        Card { status: status.to_owned(), disabled }
    }

    /// Its status: `pending`, `approved`, `always-allowed`, `denied`, `always-denied` or `cancelled`.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Whether it still asks.
    pub fn is_open(&self) -> bool {
        self.status == "pending"
    }

    /// The buttons that it shows.
    pub fn buttons(&self) -> &'static [&'static str] {
        if self.is_open() { &["Allow", "Always allow", "Deny", "Always deny"] } else { &[] }
    }

    /// What it says of its outcome. A status that is not known is no allow.
    pub fn outcome(&self) -> &'static str {
        match &*self.status {
            "pending" => "",
            "approved" => "Allowed",
            "always-allowed" => "Allowed for this chat",
            "always-denied" => "Denied for this chat",
            "cancelled" => "Cancelled",
            _ => "Denied",
        }
    }

    /// The turn is given up before it was answered: Stop and Start over deny, anything else cancels. Returns whether it
    /// was open.
    pub fn give_up(&mut self, reason: CancelReason) -> bool {
        if !self.is_open() {
            return false;
        }
        self.status = match reason {
            CancelReason::Stop | CancelReason::StartOver => "denied",
            _ => "cancelled",
        }
        .to_owned();
        true
    }

    /// Presses a button. Returns whether it was taken: only an open card takes one. What is no button denies.
    pub fn press(&mut self, button: &str) -> bool {
        if self.disabled || !self.is_open() {
            return false;
        }
        self.status = match button {
            "approve" => "approved",
            "allow-always" => "always-allowed",
            "deny-always" => "always-denied",
            _ => "denied",
        }
        .to_owned();
        true
    }
}

/// What a card calls a class; a class that is not known writes.
pub fn class_label(class: &str) -> &'static str {
    match class {
        "read" => "Read",
        "delete" => "Delete",
        _ => "Write",
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::approval::CancelReason;

    use super::Card;

    #[test]
    fn a_card_that_is_given_up_says_how() {
        for (reason, outcome) in [
            (CancelReason::Stop, "Denied"),
            (CancelReason::StartOver, "Denied"),
            (CancelReason::NewMessage, "Cancelled"),
            (CancelReason::SessionEnd, "Cancelled"),
        ] {
            let mut card = Card::new("pending", false);
            assert!(card.give_up(reason));
            assert_eq!(card.outcome(), outcome);
            assert!(!card.press("approve") && !card.give_up(reason), "it is over");
            let mut answered = Card::new("always-allowed", false);
            assert!(!answered.give_up(reason));
            assert_eq!(answered.outcome(), "Allowed for this chat");
        }
    }
}
