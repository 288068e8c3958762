//! The human at the terminal: proof that there is one, and questions to them.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};

use anyhow::{Context, Result, bail};

/// Proof that a human can be at this process's terminal: needed by whatever only a human may do.
pub(crate) struct Terminal {
    tty: File,
}

impl Terminal {
    /// The controlling terminal, if this process has one, is used from it, and no agent's host started it.
    ///
    /// # Errors
    /// Says what is missing and how a human does `what`.
    pub(crate) fn of_a_human(what: &str) -> Result<Terminal> {
        if let Some(host) = crate::ancestry::host_above() {
            bail!(
                "{what} is for a human, and this was started by {host}: do it in a terminal of your own, or on the page \
                 (`countersign open`)"
            );
        }
        if !std::io::stdin().is_terminal() {
            bail!("{what} needs a terminal: run it in one, without a pipe or a file as its input");
        }
        let tty = File::options().read(true).write(true).open("/dev/tty");
        let tty = tty.with_context(|| format!("{what} needs a terminal, and /dev/tty cannot be opened"))?;
        Ok(Terminal { tty })
    }

    /// Asks, and reads one line. `None` at the end of input.
    pub(crate) fn ask(&self, question: &str) -> Result<Option<String>> {
        let mut tty = &self.tty;
        tty.write_all(question.as_bytes())
            .and_then(|()| tty.flush())
            .context("the terminal could not be written to")?;
        let mut line = String::new();
        let read = BufReader::new(&self.tty).read_line(&mut line).context("the terminal could not be read")?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }

    /// Asks for a yes. Anything but `y` or `yes` is a no.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool> {
        let answer = self.ask(&format!("{question} [y/N] "))?.unwrap_or_default();
        Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// The name of the user that this process runs as.
pub(crate) fn user() -> String {
    let id = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(id.to_string().as_str()));
    match line.and_then(|line| line.split(':').next()).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => format!("uid-{id}"),
    }
}
