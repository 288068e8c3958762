//! Where a file holds, of systems that read theirs differently there: nothing in the file says so.

use countersign_policy::pattern::Machine;

use crate::{System, opencode};

/// Where a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Windows, as OpenClaw's node there reads it.
    WindowsNode,
}

/// A platform that a system knows nothing of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PlatformError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Platform {
    /// All of them.
    pub const ALL: [Platform; 4] = [Platform::Linux, Platform::MacOs, Platform::Windows, Platform::WindowsNode];

    /// Its name in a policy file.
    pub fn word(self) -> &'static str {
        match self {
            Platform::Linux => "linux",
            Platform::MacOs => "macos",
            Platform::Windows => "windows",
            Platform::WindowsNode => "windows-node",
        }
    }

    /// The platform of that name.
    pub fn named(word: &str) -> Option<Platform> {
        Platform::ALL.into_iter().find(|platform| platform.word() == word)
    }

    /// This machine.
    pub fn here() -> Platform {
        if cfg!(target_os = "macos") { Platform::MacOs } else { Platform::Linux }
    }

    pub(crate) fn machine(self) -> Machine {
        match self {
            Platform::Linux => Machine::Linux,
            Platform::MacOs => Machine::Mac,
            Platform::Windows => Machine::Windows,
            Platform::WindowsNode => Machine::WindowsNode,
        }
    }

    pub(crate) fn of_opencode(self) -> opencode::Platform {
        match self {
            Platform::Linux | Platform::MacOs => opencode::Platform::Posix,
            Platform::Windows | Platform::WindowsNode => opencode::Platform::Windows,
        }
    }
}

impl System {
    /// The platforms on which it reads its files differently; none where it does not.
    pub fn platforms(self) -> &'static [Platform] {
        match self {
            System::OpenClaw => &Platform::ALL,
            System::OpenCode => &[Platform::Linux, Platform::MacOs, Platform::Windows],
            System::ClaudeCode | System::Clawbolt | System::Codex | System::FlowFuse | System::SurfSense => &[],
        }
    }

    /// The platform of that name, for files of this system.
    ///
    /// # Errors
    /// A word that is no platform, or one of which this system knows nothing.
    pub fn platform(self, word: &str) -> Result<Platform, PlatformError> {
        let of = self.platforms();
        if let Some(platform) = of.iter().find(|platform| platform.word() == word) {
            return Ok(*platform);
        }
        if of.is_empty() {
            let (message, help) = (
                format!("a file of {} means the same everywhere, so it takes no `platform`", self.word()),
                "take it out".to_owned(),
            );
            return Err(PlatformError { message, help });
        }
        let words: Vec<&str> = of.iter().map(|platform| platform.word()).collect();
        let (message, help) =
            (format!("`{word}` is no platform of {}", self.word()), format!("write one of {}", words.join(", ")));
        Err(PlatformError { message, help })
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::document::PLATFORMS;

    use super::Platform;
    use crate::System;

    #[test]
    fn every_platform_has_its_name() {
        assert_eq!(Platform::ALL.map(Platform::word), PLATFORMS);
        assert!(Platform::ALL.iter().all(|platform| Platform::named(platform.word()) == Some(*platform)));
    }

    #[test]
    fn a_platform_that_says_nothing_is_refused() {
        assert_eq!(System::OpenClaw.platform("windows-node"), Ok(Platform::WindowsNode));
        assert_eq!(System::OpenCode.platform("windows"), Ok(Platform::Windows));
        for (system, word) in [
            (System::OpenCode, "windows-node"),
            (System::OpenClaw, "Windows"),
            (System::OpenClaw, ""),
            (System::Clawbolt, "linux"),
            (System::ClaudeCode, "windows"),
        ] {
            assert!(system.platform(word).is_err(), "{system:?} {word}");
        }
    }
}
