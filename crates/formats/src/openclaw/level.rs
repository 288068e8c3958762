//! How far commands may go, and when a human is asked.

/// How far commands may go, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Security {
    /// None runs.
    Deny,
    /// Those on the list run.
    Allowlist,
    /// All run.
    Full,
}

/// When a human is asked, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// Never.
    Off,
    /// Before what is not on the list.
    OnMiss,
    /// Before everything.
    Always,
    /// Never, and what would be asked is denied. On the Windows node only.
    Deny,
}

/// A name for both together, as `tools.exec.mode` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nothing runs.
    Deny,
    /// What is on the list runs, all else is denied.
    Allowlist,
    /// What is on the list runs, all else is asked about.
    Ask,
    /// The same, and a model answers before a human is asked. Here a human always is.
    Auto,
    /// All runs.
    Full,
}

impl Security {
    /// All, the strictest first.
    pub const ALL: [Security; 3] = [Security::Deny, Security::Allowlist, Security::Full];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Security::Deny => "deny",
            Security::Allowlist => "allowlist",
            Security::Full => "full",
        }
    }

    /// The level of that name.
    pub fn named(word: &str) -> Option<Security> {
        Security::ALL.into_iter().find(|security| security.word() == word)
    }
}

impl Ask {
    /// All, the least first.
    pub const ALL: [Ask; 4] = [Ask::Off, Ask::OnMiss, Ask::Always, Ask::Deny];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Ask::Off => "off",
            Ask::OnMiss => "on-miss",
            Ask::Always => "always",
            Ask::Deny => "deny",
        }
    }

    /// The level of that name.
    pub fn named(word: &str) -> Option<Ask> {
        Ask::ALL.into_iter().find(|ask| ask.word() == word)
    }
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 5] = [Mode::Deny, Mode::Allowlist, Mode::Ask, Mode::Auto, Mode::Full];

    /// The word in settings.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Deny => "deny",
            Mode::Allowlist => "allowlist",
            Mode::Ask => "ask",
            Mode::Auto => "auto",
            Mode::Full => "full",
        }
    }

    /// The mode of that name.
    pub fn named(word: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// What it stands for, and whether a model may answer.
    pub fn levels(self) -> (Security, Ask, bool) {
        match self {
            Mode::Deny => (Security::Deny, Ask::Off, false),
            Mode::Allowlist => (Security::Allowlist, Ask::Off, false),
            Mode::Ask => (Security::Allowlist, Ask::OnMiss, false),
            Mode::Auto => (Security::Allowlist, Ask::OnMiss, true),
            Mode::Full => (Security::Full, Ask::Off, false),
        }
    }

    /// The nearest mode.
    pub fn near(security: Security, ask: Ask) -> Mode {
        match (security, ask) {
            (Security::Deny, _) => Mode::Deny,
            (Security::Allowlist, Ask::Off) => Mode::Allowlist,
            (Security::Full, Ask::Off | Ask::OnMiss) => Mode::Full,
            _ => Mode::Ask,
        }
    }

    /// The mode that says just this; `None` where there is none.
    pub fn exactly(security: Security, ask: Ask) -> Option<Mode> {
        match (security, ask) {
            (_, Ask::Always) | (Security::Full, Ask::OnMiss) => None,
            _ => Some(Mode::near(security, ask)),
        }
    }
}
