//! Secrets that are known by what they are named: `password=x`, `"token": "x"`, `--api-key x`, `Authorization: x`.

use super::{Found, Show, byte_at, is_plain, run_end, run_end_within, value};

/// What names of secrets end with, in lower case and with `_` for `-`.
pub(super) const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "accesskey",
    "secret_key",
    "secretkey",
    "private_key",
    "privatekey",
    "auth_key",
    "signing_key",
    "encryption_key",
    "account_key",
    "accountkey",
    "master_key",
    "session_key",
    "credential",
    "credentials",
    "sshpass",
    "_pass",
    "_pwd",
];

/// Names that mean a secret in the query of a URL.
pub(super) const IN_QUERY: &[&str] = &["key", "sig", "signature", "auth", "pass", "pwd"];

/// How much of a value is looked at to tell whether it is one: what follows a name could be long, and its names many.
const LOOK: usize = 1024;

/// Options whose value is `user:password`.
pub(super) const USERS: &[&str] = &["-u", "--user", "--proxy-user"];

/// A name in the text, and what stands behind it.
struct Name<'a> {
    text: &'a str,
    name: &'a str,
    before: Option<u8>,
    end: usize,
}

/// How a value follows its name.
struct Follows {
    /// Where the value begins.
    at: usize,
    sign: Option<u8>,
    /// Without blanks around the sign.
    tight: bool,
    /// The value, or the name, is in quotes.
    quoted: bool,
}

/// The values of what is named like a secret.
pub(super) fn named(text: &str, found: &mut Vec<Found>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    while let Some(from) = text.get(at..).and_then(|rest| rest.find(is_name)).map(|found| at + found) {
        let end = run_end(text, from, is_name);
        // A name with nothing behind it names nothing.
        if end == text.len() {
            break;
        }
        let expands = text.get(..from).is_some_and(|before| before.ends_with('$') || before.ends_with("${"));
        let name = text.get(from..end).unwrap_or_default();
        at = end;
        if !expands {
            let before = from.checked_sub(1).and_then(|before| byte_at(text, before));
            let secrets = Name { text, name, before, end }.secrets();
            // What was found is not looked at again.
            at = secrets.last().map_or(end, |(last, _)| last.end.max(end));
            found.extend(secrets);
        }
    }
}

/// Whether the name from here to there is one of those that are followed by a secret.
pub(super) fn is_followed(text: &str, from: usize, end: usize) -> bool {
    let name = text.get(from..end).unwrap_or_default();
    // Before it looks at the names one by one: what they end with.
    let may = name.as_bytes().last_chunk().is_some_and(|last: &[u8; 2]| {
        let ends = [b"rd", b"wd", b"se", b"et", b"en", b"ey", b"al", b"ls", b"ss", b"on", b"er", b"ic", b"-u"];
        let in_query = [b"ig", b"re", b"th"];
        let last = last.map(|byte| byte.to_ascii_lowercase());
        ends.contains(&&last) || in_query.contains(&&last)
    });
    may && {
        let before = from.checked_sub(1).and_then(|before| byte_at(text, before));
        Name { text, name, before, end }.means().is_some()
    }
}

/// What a name means for what follows it.
enum Means {
    /// A credential of this scheme.
    Scheme,
    /// A user with a password.
    User,
    /// A header's value.
    Authorization,
    /// A secret.
    Secret,
}

impl Name<'_> {
    fn secrets(&self) -> Vec<Found> {
        match self.means() {
            Some(Means::Scheme) => self.after_scheme(),
            Some(Means::User) => self.after_user(),
            Some(Means::Authorization) => self.after_authorization(),
            Some(Means::Secret) => self.after_name(),
            None => Vec::new(),
        }
    }

    fn means(&self) -> Option<Means> {
        if self.is("bearer") || self.is("basic") {
            return Some(Means::Scheme);
        }
        if USERS.contains(&self.name) {
            return Some(Means::User);
        }
        if self.ends_with("authorization") {
            return Some(Means::Authorization);
        }
        self.is_secret().then_some(Means::Secret)
    }

    fn is_secret(&self) -> bool {
        let is_loud = self.is_loud() && self.name.len() > 4 && self.ends_with("_key");
        let in_query = matches!(self.before, Some(b'?' | b'&'))
            && IN_QUERY.iter().any(|name| {
                let before = self.name.len().checked_sub(name.len() + 1).and_then(|at| byte_at(self.name, at));
                self.ends_with(name) && matches!(before, None | Some(b'_' | b'-'))
            });
        let is_option = self.name == "--pass";
        is_loud || in_query || is_option || NAMES.iter().any(|name| self.ends_with(name) && !self.is("_pwd"))
    }

    /// Whether it is this, in lower case and with `_` for `-`.
    fn is(&self, name: &str) -> bool {
        self.name.len() == name.len() && self.ends_with(name)
    }

    /// The same of its end.
    fn ends_with(&self, end: &str) -> bool {
        let fold = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
        let mut its = self.name.bytes().rev();
        end.bytes().rev().all(|byte| its.next().is_some_and(|its| fold(its) == byte))
    }

    /// As variables of the environment and headers are written.
    fn is_loud(&self) -> bool {
        self.name.len() > 3 && !self.name.bytes().any(|byte| byte.is_ascii_lowercase())
            || self.name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
    }

    /// How a value follows: behind `=` or `:`, or for an option behind a blank.
    fn follows(&self) -> Follows {
        let quote = quote_at(self.text, self.end);
        let blank = |from| run_end(self.text, from, |c| c == ' ' || c == '\t');
        let sign_at = blank(self.end + quote);
        let sign = byte_at(self.text, sign_at).filter(|byte| *byte == b'=' || *byte == b':');
        let (tight, at) = match sign {
            // `PASSWORD= rm x` gives it no value.
            Some(b'=') if sign_at == self.end + quote => (true, sign_at + 1),
            Some(_) => {
                let at = blank(sign_at + 1);
                (sign_at == self.end + quote && at == sign_at + 1, at)
            }
            None => (false, sign_at),
        };
        let value_quote = quote_at(self.text, at);
        Follows { at: at + value_quote, sign, tight, quoted: quote > 0 || value_quote > 0 }
    }

    fn after_name(&self) -> Vec<Found> {
        let Follows { at, sign, tight, quoted } = self.follows();
        let pieces = value(self.text, at, LOOK);
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Vec::new() };
        let written = self.text.get(first.start..last.end).unwrap_or_default();
        let surely =
            quoted || self.is_loud() || written.bytes().any(|byte| byte.is_ascii_digit()) || written.len() >= 18;
        let is_value = match sign {
            Some(b'=') if tight => true,
            Some(_) => surely,
            None => self.name.starts_with('-') && at > self.end && !written.starts_with('-') && !written.ends_with('/'),
        };
        let is_code = matches!(byte_at(self.text, last.end), Some(b'(' | b'['));
        let is_word = ["true", "false", "null", "none", "undefined", self.name]
            .iter()
            .any(|word| written.eq_ignore_ascii_case(word));
        let is_path = ["/", "./", "../", "~/"].iter().any(|start| written.starts_with(start))
            && written.bytes().filter(|byte| *byte == b'/').count() > usize::from(written.starts_with('/'));
        // An address is no secret, and what runs may go there; a password in it is found as such.
        let is_address = written.contains("://");
        if !is_value || is_code || is_word || is_path || is_address || written.starts_with('=') {
            return Vec::new();
        }
        value(self.text, at, usize::MAX).into_iter().map(|piece| (piece, Show::Ends)).collect()
    }

    /// `-u user:password`.
    fn after_user(&self) -> Vec<Found> {
        let Follows { at, sign, .. } = self.follows();
        if sign == Some(b':') || at == self.end {
            return Vec::new();
        }
        let user_end = run_end_within(self.text, at, at + LOOK, |c| is_plain(c) && c != ':' && c != '/');
        if user_end == at || byte_at(self.text, user_end) != Some(b':') {
            return Vec::new();
        }
        let pieces = value(self.text, user_end + 1, usize::MAX);
        let is_group = pieces
            .first()
            .and_then(|piece| self.text.get(piece.clone()))
            .is_none_or(|first| first.bytes().all(|byte| byte.is_ascii_digit()) || first.starts_with("//"));
        if is_group { Vec::new() } else { pieces.into_iter().map(|piece| (piece, Show::Ends)).collect() }
    }

    /// `Authorization: Bearer x`, `Authorization: x`.
    fn after_authorization(&self) -> Vec<Found> {
        let Follows { at, sign, .. } = self.follows();
        if sign.is_none() {
            return Vec::new();
        }
        let first_end = run_end(self.text, at, is_credential);
        let second = run_end(self.text, first_end, |c| c == ' ');
        let end = run_end(self.text, second, is_credential);
        let secret = if second > first_end { second..end } else { at..first_end };
        // A second word that reads like an option is the command's next one.
        if secret.is_empty() || byte_at(self.text, secret.start) == Some(b'-') {
            return Vec::new();
        }
        vec![(secret, Show::Ends)]
    }

    /// `Bearer x`, wherever it stands: only what does not read like prose.
    fn after_scheme(&self) -> Vec<Found> {
        let at = run_end(self.text, self.end, |c| c == ' ');
        let end = run_end(self.text, at, is_credential);
        let secret = self.text.get(at..end).unwrap_or_default();
        let random =
            secret.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) || secret.len() >= 24;
        if at > self.end && secret.len() >= 16 && random { vec![(at..end, Show::Ends)] } else { Vec::new() }
    }
}

/// The length of a quote that stands here, as it is or behind a backslash.
fn quote_at(text: &str, at: usize) -> usize {
    match (byte_at(text, at), byte_at(text, at + 1)) {
        (Some(b'"' | b'\''), _) => 1,
        (Some(b'\\'), Some(b'"')) => 2,
        _ => 0,
    }
}

fn is_credential(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./+=~".contains(c)
}
