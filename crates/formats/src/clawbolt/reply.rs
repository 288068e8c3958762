//! Replies in words to a prompt.
//!
//! Only these words, in any case, with `.,!?;:` anywhere and any white space between them. clawbolt lets a language model
//! guess at everything else; here it is no reply, and whoever asked asks again.

use super::is_space;

/// What a human said to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Yes, this once.
    Approved,
    /// No, this once.
    Denied,
    /// Yes, now and whenever it is this tool and this resource.
    AlwaysAllow,
    /// Yes, now and whenever it is this tool.
    AlwaysAllowAll,
    /// No, now and whenever it is this tool and this resource.
    AlwaysDeny,
}

impl Reply {
    /// What a text says; `None` where it is not one of the replies.
    pub fn of(text: &str) -> Option<Reply> {
        let words = normal(text);
        TABLE.iter().find(|(reply, _)| *reply == words).map(|(_, reply)| *reply)
    }

    /// The name that clawbolt gives it in its records.
    pub fn word(self) -> &'static str {
        match self {
            Reply::Approved => "approved",
            Reply::Denied => "denied",
            Reply::AlwaysAllow => "always_allow",
            Reply::AlwaysAllowAll => "always_allow_all",
            Reply::AlwaysDeny => "always_deny",
        }
    }
}

const TABLE: [(&str, Reply); 23] = [
    ("yes", Reply::Approved),
    ("y", Reply::Approved),
    ("no", Reply::Denied),
    ("n", Reply::Denied),
    ("always", Reply::AlwaysAllow),
    ("yes always", Reply::AlwaysAllow),
    ("always yes", Reply::AlwaysAllow),
    ("y always", Reply::AlwaysAllow),
    ("always y", Reply::AlwaysAllow),
    ("allow always", Reply::AlwaysAllow),
    ("always allow", Reply::AlwaysAllow),
    ("always all", Reply::AlwaysAllowAll),
    ("all always", Reply::AlwaysAllowAll),
    ("allow all", Reply::AlwaysAllowAll),
    ("always everyone", Reply::AlwaysAllowAll),
    ("always anyone", Reply::AlwaysAllowAll),
    ("never", Reply::AlwaysDeny),
    ("no never", Reply::AlwaysDeny),
    ("never no", Reply::AlwaysDeny),
    ("n never", Reply::AlwaysDeny),
    ("never n", Reply::AlwaysDeny),
    ("never allow", Reply::AlwaysDeny),
    ("deny always", Reply::AlwaysDeny),
];

fn normal(text: &str) -> String {
    let kept: String = text.to_lowercase().chars().filter(|c| !".,!?;:".contains(*c)).collect();
    kept.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Reply;

    #[test]
    fn a_reply_in_words_is_one_of_the_table_or_none() {
        for (text, reply) in [
            ("Yes.", Reply::Approved),
            (" y.e.s\u{1c}!", Reply::Approved),
            ("NO?!", Reply::Denied),
            ("yes,\n always", Reply::AlwaysAllow),
            ("always\u{a0}everyone", Reply::AlwaysAllowAll),
            ("!!never", Reply::AlwaysDeny),
        ] {
            assert_eq!(Reply::of(text), Some(reply), "{text}");
        }
        for text in
            ["", "...", "yes never", "yes,always", "sure", "ok", "yes please", "yes 👍", "\u{200b}yes", "ｙｅｓ"]
        {
            assert_eq!(Reply::of(text), None, "{text}");
        }
    }
}
