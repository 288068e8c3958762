//! The card that asks a human about one call.

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
