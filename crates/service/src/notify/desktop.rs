//! Notices on the desktop: that an agent asks, and what for in one line.
//!
//! What the agent wrote reaches another program here, which reads markup, links and options. So every sign that could mean
//! something there is replaced by one that looks alike, the text stands behind words of ours, and each piece is an argument
//! of its own: no shell reads it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use countersign_engine::show::printable;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::http::{Shared, ended};
use crate::store::{Record, StoreError};

/// The longest text of a notice, in characters.
const LONGEST: usize = 160;
/// The least time from one notice to the next. What comes in between is told together.
const REST: Duration = Duration::from_secs(10);
/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where systems have it. Not looked for in `PATH`, in front of which others can put theirs.
const NOTIFY_SEND: [&str; 3] =
    ["/usr/bin/notify-send", "/usr/local/bin/notify-send", "/run/current-system/sw/bin/notify-send"];
const OSASCRIPT: [&str; 1] = ["/usr/bin/osascript"];

/// The program that shows notices.
#[derive(Debug, Clone)]
pub struct Desktop {
    program: PathBuf,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    NotifySend,
    Osascript,
}

/// There is no program that shows notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no program that shows notices was found: install `notify-send` (Debian: `libnotify-bin`)")]
pub struct DesktopError;

impl Desktop {
    /// The system's own.
    ///
    /// # Errors
    /// It has none.
    pub fn find() -> Result<Desktop, DesktopError> {
        let places: (&[&str], Form) =
            if cfg!(target_os = "macos") { (&OSASCRIPT, Form::Osascript) } else { (&NOTIFY_SEND, Form::NotifySend) };
        let program = places.0.iter().map(Path::new).find(|path| path.is_file()).ok_or(DesktopError)?;
        Ok(Desktop { program: program.to_owned(), form: places.1 })
    }

    /// A program that takes the words of `notify-send`.
    pub fn notify_send(program: PathBuf) -> Desktop {
        Desktop { program, form: Form::NotifySend }
    }

    /// Shows a notice. Whatever is wrong with it, the page and the terminal show the question.
    async fn notice(&self, text: &str) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(arguments(self.form, text)).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let program = self.program.display();
        match timeout(PATIENCE, command.status()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("`{program}` shows no notices: {status}")),
            Ok(Err(error)) => Err(format!("`{program}` cannot be run: {error}")),
            Err(_) => Err(format!("`{program}` took longer than {} seconds", PATIENCE.as_secs())),
        }
    }
}

/// Shows the open questions of the server's user until the server ends, each once, whichever server does.
pub(crate) async fn show(app: Shared, desktop: Desktop) {
    let mut written = app.written.subscribe();
    let mut stop = app.stop.subscribe();
    loop {
        written.mark_unchanged();
        let told = match unnoticed(&app).await {
            Ok(new) => told(&new),
            Err(fault) => {
                eprintln!("countersign: {fault}");
                None
            }
        };
        let Some(text) = told else {
            tokio::select! {
                changed = written.changed() => if changed.is_err() { return },
                () = ended(&mut stop) => return,
            }
            continue;
        };
        if let Err(fault) = desktop.notice(&text).await {
            eprintln!("countersign: {fault}");
        }
        tokio::select! {
            () = sleep(REST) => {}
            () = ended(&mut stop) => return,
        }
    }
}

/// The open questions that no server has shown, the oldest first.
async fn unnoticed(app: &Shared) -> Result<Vec<Record>, StoreError> {
    if !app.read().await.unnoticed(&app.user, app.clock()).await? {
        return Ok(Vec::new());
    }
    let (user, clock) = (app.user.clone(), app.clock());
    app.jot(move |store| Box::pin(async move { store.take_unnoticed(&user, clock).await })).await
}

/// What a notice says; nothing where there is nothing to say.
fn told(new: &[Record]) -> Option<String> {
    let first = plain(&new.first()?.question.summary);
    Some(if new.len() == 1 { format!("Asks: {first}") } else { format!("Asks {} things, first: {first}", new.len()) })
}

/// A text in which nothing means anything to whoever shows it: letters, digits, blanks and a few signs stay; what could be
/// markup, a link or an escape becomes a sign that looks alike.
fn plain(text: &str) -> String {
    let shown = printable(text);
    let mut plain: String = shown.chars().take(LONGEST).map(harmless).collect();
    if shown.chars().nth(LONGEST).is_some() {
        plain.push('…');
    }
    plain
}

fn harmless(c: char) -> char {
    match c {
        '<' => '‹',
        '>' => '›',
        '&' => '＆',
        '/' => '∕',
        '\\' => '∖',
        '.' => '․',
        ':' => '∶',
        '@' => '＠',
        '"' => '”',
        '\'' => '’',
        '`' => '’',
        '%' => '％',
        '#' => '＃',
        c if c.is_alphanumeric()
            || matches!(c, ' ' | '-' | '_' | ',' | ';' | '(' | ')' | '[' | ']' | '=' | '+' | '*') =>
        {
            c
        }
        '{' | '}' | '!' | '?' | '$' | '|' | '~' | '…' | '⟨' | '⟩' => c,
        _ => '·',
    }
}

fn arguments(form: Form, text: &str) -> Vec<String> {
    let words: &[&str] = match form {
        Form::NotifySend => &["--app-name=Countersign", "--", "Countersign"],
        Form::Osascript => &[
            "-e",
            "on run argv",
            "-e",
            "display notification (item 1 of argv) with title \"Countersign\"",
            "-e",
            "end run",
        ],
    };
    words.iter().map(|word| (*word).to_owned()).chain([text.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Form, LONGEST, arguments, plain};

    const HOSTILE: [&str; 12] = [
        "<b>bold</b><img src=x>",
        "&lt;a href=\"https://evil.example\"&gt;",
        "<a href='https://evil.example'>click</a>",
        "see https://evil.example/x or www.evil.example, mail me@evil.example",
        "mailto:me@evil.example file:///etc/passwd",
        "--urgency=critical",
        "-i /tmp/x.png",
        "\u{1b}[31mred\u{7}",
        "right\u{202e}tfel",
        "line\nbreak\r\tand\u{2028}more",
        "$(id) `id` ; rm -rf ~ | sh %s%n \\u003cb",
        "\u{0}nul",
    ];

    #[test]
    fn hostile_text_is_no_markup_no_link_and_no_option() {
        for text in HOSTILE {
            let shown = plain(text);
            let odd = shown.contains(['<', '>', '&', '/', '\\', '.', ':', '@', '"', '\'', '`', '%', '#']);
            assert!(!odd && !shown.chars().any(char::is_control), "{text:?}: {shown}");
            for form in [Form::NotifySend, Form::Osascript] {
                let words = arguments(form, &format!("Asks: {shown}"));
                let (last, before) = words.split_last().unwrap();
                assert!(last.starts_with("Asks: "), "{last}");
                assert_eq!(before, &arguments(form, "")[..before.len()], "the text changes no other word");
                assert!(!before.iter().any(|word| word.contains("evil")), "{before:?}");
            }
        }
    }

    #[test]
    fn a_text_stays_readable_and_is_bounded() {
        assert_eq!(plain("Bash: git push origin main"), "Bash∶ git push origin main");
        assert_eq!(plain("grüße (ütf)"), "grüße (ütf)");
        let long = plain(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
        // Runs and accents that would cover other text are counted.
        assert!(plain(&format!("a{}", "\u{301}".repeat(500))).chars().count() <= LONGEST + 1);
    }

    #[test]
    fn options_end_before_the_text() {
        let words = arguments(Form::NotifySend, "Asks: x");
        assert_eq!(words, ["--app-name=Countersign", "--", "Countersign", "Asks: x"]);
    }
}
