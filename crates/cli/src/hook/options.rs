//! The hook's own arguments, read by hand: the hook starts for each tool call, and a mistake in them must end as a
//! denial.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::place::Told;

/// What the hook was registered with.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Where policy asks.
    pub(crate) on_ask: OnAsk,
    /// After how long the host gives the hook up.
    pub(crate) timeout: Duration,
    /// Where configuration and state are.
    pub(crate) told: Told,
}

/// What becomes of a call about which policy asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnAsk {
    /// Wait where a listener is alive, else the host's prompt where a person is attached to it, else deny.
    Best,
    /// Wait for an answer, listener or not.
    Wait,
    /// The host's own prompt; where nobody is attached to it, deny.
    Host,
    /// Deny.
    Deny,
    /// Have the host put the call off; where it cannot, as `Best`.
    Defer,
}

/// The time limit that is assumed where none was told: the shortest that Claude Code ever had by itself.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads the arguments after `hook`.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Options, String> {
    let mut options = Options { on_ask: OnAsk::Best, timeout: TIMEOUT, told: Told::default() };
    let mut arguments = arguments;
    let host = arguments.next().ok_or("it names no host: `countersign hook claude-code`")?;
    if host != "claude-code" {
        return Err(format!("`{}` is no host that it knows; it knows `claude-code`", host.to_string_lossy()));
    }
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let mut value = || arguments.next().ok_or_else(|| format!("`{text}` needs a value"));
        match text.as_str() {
            "--on-ask" => {
                options.on_ask = match value()?.to_str() {
                    Some("wait") => OnAsk::Wait,
                    Some("host") => OnAsk::Host,
                    Some("deny") => OnAsk::Deny,
                    Some("defer") => OnAsk::Defer,
                    _ => return Err("`--on-ask` takes wait, host, deny or defer".to_owned()),
                };
            }
            "--timeout" => {
                let seconds = value()?.to_str().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
                options.timeout = Duration::from_secs(seconds.ok_or("`--timeout` takes a number of seconds")?);
            }
            "--home" => options.told.home = Some(PathBuf::from(value()?)),
            "--config" => options.told.config = Some(PathBuf::from(value()?)),
            "--data" => options.told.data = Some(PathBuf::from(value()?)),
            _ => return Err(format!("it does not know `{text}`")),
        }
    }
    Ok(options)
}

impl Options {
    /// How long the hook itself takes at most: less than its host gives it.
    pub(crate) fn deadline(&self) -> Duration {
        let margin = (self.timeout / 10).clamp(Duration::from_millis(300), Duration::from_secs(10));
        self.timeout.saturating_sub(margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Result<Options, String> {
        read(words.iter().map(OsString::from))
    }

    #[test]
    fn arguments_are_read() {
        let read = options(&["claude-code", "--timeout", "3600", "--on-ask", "deny", "--home", "/home/a"]).unwrap();
        assert_eq!(read.deadline(), Duration::from_secs(3590));
        assert_eq!(read.on_ask, OnAsk::Deny);
        assert_eq!(read.told.home, Some("/home/a".into()));
        assert!(options(&["claude-code", "--timeout", "1"]).unwrap().deadline() < Duration::from_secs(1));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for words in [
            &[][..],
            &["clade-code"],
            &["claude-code", "--timeout"],
            &["claude-code", "--timeout", "0"],
            &["claude-code", "--timeout", "soon"],
            &["claude-code", "--on-ask", "allow"],
            &["claude-code", "--help"],
            &["claude-code", "extra"],
        ] {
            assert!(options(words).is_err(), "{words:?}");
        }
    }
}
