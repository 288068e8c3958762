//! The files and hosts that a word names.

use countersign_policy::Action;

use super::Judged;
use crate::program::Operand;
use crate::word::{self, Shape, Token};

/// The longest name, in bytes, that a file can have on any system.
const LONGEST_NAME: usize = 255;
/// The most colons in the name of a git object that is taken apart.
const MOST_COLONS: usize = 8;

impl Judged<'_> {
    /// What an option's value names: the whole of it, and what stands in it before and after `:`, `=` and `,` (`a:b` of
    /// folders, `KIND=PATH`, `OPTIONS:PATH`).
    pub(super) fn each(&mut self, operand: Operand, token: &Token) {
        self.touch(operand, token);
        if matches!(token.shape, Shape::Literal | Shape::Home) && token.text.contains([':', '=', ',']) {
            for piece in token.text.split([':', '=', ',']).filter(|piece| piece.contains(['/', '.', '~'])) {
                self.touch(operand, &Token { text: piece.to_owned(), shape: token.shape });
            }
        }
    }

    /// `cp a b` writes `b`, or `b/a` if that is a folder. Where what is in `a` comes into `b` (`cp -r a/. b`, `rsync -a
    /// a/ b`), `b/.` says so.
    pub(super) fn copies(&mut self, folder: &Token, sources: &[&Token], contents: bool) {
        let Some(folder) = path(folder) else { return };
        for name in sources.iter().filter_map(|source| path(source)) {
            if contents && name.ends_with('/') {
                self.touches.push((Action::Edit, format!("{}/.", folder.trim_end_matches('/'))));
            }
            if let Some(base) = name.trim_end_matches('/').rsplit('/').next().filter(|base| !base.is_empty()) {
                self.touches.push((Action::Edit, format!("{}/{base}", folder.trim_end_matches('/'))));
            }
        }
    }

    /// Symbolic links. To make one reads nothing: what goes through it later is judged by its real path. But what
    /// follows links on its own (`grep -R`) is not; so a link must not lead to what people keep away from the project.
    pub(super) fn links(&mut self, sources: &[&Token], into: Option<Token>) {
        let (place, targets) = match (&into, sources) {
            (Some(place), targets) => (place.clone(), targets),
            (None, [target]) => (Token::literal(""), std::slice::from_ref(target)),
            (None, [targets @ .., place]) => ((*place).clone(), targets),
            (None, []) => return,
        };
        let Some(place) = place.known().map(str::to_owned) else { return };
        // `ln -s ../a`: here, under its own name.
        if let (None, [target]) = (&into, sources)
            && let Some(name) = path(target).and_then(|path| path.rsplit('/').next().map(str::to_owned))
        {
            self.touches.push((Action::Edit, name));
        }
        let folder = place.trim_end_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in targets.iter().filter_map(|target| path(target)) {
            if target.starts_with(['/', '~']) {
                self.touches.push((Action::Read, target));
                continue;
            }
            // In `place`, if that is a folder, or as `place`.
            for folder in [place.as_str(), folder] {
                let leads = format!("{folder}/{target}");
                if folder.is_empty() && !is_near(&target) {
                    self.touches.push((Action::Read, target.clone()));
                } else if !folder.is_empty() && !is_near(&leads) {
                    self.touches.push((Action::Read, leads));
                }
            }
        }
    }

    pub(super) fn touch(&mut self, operand: Operand, token: &Token) {
        let fetched = token.text.contains("://");
        let action = match operand {
            Operand::Read | Operand::Search | Operand::Binary if fetched => return self.url(token),
            Operand::Read | Operand::Binary => Action::Read,
            Operand::Search => Action::Search,
            Operand::Edit | Operand::Output | Operand::Opened | Operand::Product => Action::Edit,
            Operand::Delete => Action::Delete,
            Operand::Url => return self.url(token),
            Operand::Download => return self.download(token),
            Operand::Maybe => return self.maybe(token),
            Operand::Object => return self.object(token),
            Operand::Target => return self.assigned(token),
            Operand::Dd => return self.dd(token),
            Operand::Remote | Operand::RemoteName if token.text.contains("://") => return self.remote(token),
            Operand::Remote | Operand::RemoteName if token.text.contains(':') && !token.text.contains("::") => {
                return self.place(token, Action::Read);
            }
            Operand::Remote | Operand::RemoteName | Operand::Page => return self.maybe(token),
            Operand::Host => return self.host(token),
            Operand::Place => return self.place(token, Action::Read),
            Operand::Destination => return self.place(token, Action::Edit),
            Operand::Package | Operand::Kind | Operand::Local | Operand::Test => return self.maybe(token),
            Operand::Text
            | Operand::Mode
            | Operand::Link
            | Operand::Format
            | Operand::Process
            | Operand::ProcessName
            | Operand::Numbers
            | Operand::Name => return,
            Operand::Endpoint | Operand::Repo if token.text.contains("://") => return self.url(token),
            Operand::Endpoint | Operand::Repo => return,
            Operand::Refspec | Operand::Data | Operand::Code | Operand::Sed | Operand::Awk | Operand::Jq => return,
        };
        self.file(action, token);
    }

    fn file(&mut self, action: Action, token: &Token) {
        match token.shape {
            Shape::Literal | Shape::Home | Shape::Here => {
                if let Some(path) = path(token).filter(|path| path != "-" && path != "/dev/null") {
                    // `C:\x`, which is absolute where that is a path.
                    let drive =
                        matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
                    if drive {
                        self.unknown.push("a path with a drive's letter");
                    }
                    match word::numbered(&path) {
                        None => self.touches.push((action, path)),
                        // As a pattern would name it.
                        Some(folder) if matches!(action, Action::Read | Action::Search) => {
                            self.touches.push((Action::Search, folder.to_owned()));
                        }
                        Some(_) => {
                            self.unknown.push("a file whose name is known only when it runs");
                            self.touches.push((action, path));
                        }
                    }
                }
            }
            Shape::Glob(first) => {
                let folder = folder_of(token);
                if folder.is_none() || matches!(action, Action::Edit | Action::Delete) {
                    self.unknown.push("which files a pattern names is known only when it runs");
                }
                let start = token.text.get(..first).and_then(|start| start.rsplit_once('/')).map(|(start, _)| start);
                let folder = folder.or(start.map(str::to_owned)).unwrap_or_else(|| ".".to_owned());
                self.touches.push((Action::Search, folder));
            }
            Shape::Output(_) | Shape::Said | Shape::Pipe | Shape::Dynamic => {}
        }
    }

    pub(super) fn url(&mut self, token: &Token) {
        // `?` in an address is a pattern to a shell, which matches no file there.
        let text = match token.shape {
            Shape::Glob(_) => token.text.as_str(),
            _ => match token.known() {
                Some(text) => text,
                None => return,
            },
        };
        let host =
            text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains(['{', '[', '*', '%', '\\', '?']) {
            self.unknown.push("which host an address names cannot be told");
        }
        if let Some(path) = text.get(..7).filter(|start| start.eq_ignore_ascii_case("file://")).and(text.get(7..)) {
            self.touches.push((Action::Read, path.to_owned()));
        } else {
            self.touches.push((Action::Fetch, text.to_owned()));
        }
    }

    /// Any word that could name a file: the word itself, and what follows its `=`, `@` or option letter.
    fn maybe(&mut self, token: &Token) {
        let text = token.text.as_str();
        if text.split('/').any(|name| name.len() > LONGEST_NAME) {
            return;
        }
        if !matches!(token.shape, Shape::Literal | Shape::Home) {
            return self.file(Action::Read, token);
        }
        if text.contains("://") {
            return self.url(token);
        }
        let inner = text.split_once('=').map(|(_, value)| value);
        let inner = inner.unwrap_or(text);
        let inner = inner.strip_prefix('@').unwrap_or(inner);
        if inner.len() < text.len() && !inner.is_empty() {
            self.touches.push((Action::Read, inner.to_owned()));
        }
        if !text.starts_with('-') {
            if !text.is_empty() && !text.contains([' ', '\n']) {
                self.file(Action::Read, token);
            }
        } else if inner.len() == text.len()
            && let Some(attached) = text.get(2..).filter(|rest| rest.contains(['/', '.', '~']))
        {
            self.touches.push((Action::Read, attached.trim_start_matches('-').to_owned()));
        }
    }

    /// A revision, a path, or `REVISION:PATH`; paths may be patterns that git itself expands.
    pub(super) fn object(&mut self, token: &Token) {
        if !matches!(token.shape, Shape::Literal | Shape::Home) {
            return self.file(Action::Read, token);
        }
        let text = token.text.as_str();
        if text.matches(':').count() > MOST_COLONS {
            return self.unknown.push("which file a revision names cannot be told");
        }
        let mut path = match text.split_once(':') {
            Some((_, path)) if path.starts_with(['!', '^']) => return,
            Some((_, path)) if path.starts_with('(') => path.rsplit_once(')').map_or(path, |(_, path)| path),
            Some((_, path)) => path,
            None => text,
        };
        // A stage (`:0:PATH`), a time and a text that is searched for have colons of their own: each could be the last.
        loop {
            let glob = path.find(['*', '?', '[']);
            let shape = glob.map_or(token.shape, Shape::Glob);
            if !path.is_empty() {
                self.file(Action::Read, &Token { text: path.to_owned(), shape });
            }
            let Some((_, rest)) = path.split_once(':') else { return };
            path = rest;
        }
    }

    /// A repository's address: over `ssh` the user's name in it only says how to sign in.
    fn remote(&mut self, token: &Token) {
        let plain = ["ssh://", "git+ssh://"].into_iter().find_map(|scheme| {
            let rest = token.text.strip_prefix(scheme)?;
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (_, host) = host.rsplit_once('@')?;
            Some(Token { text: format!("ssh://{host}/{path}"), shape: token.shape })
        });
        self.url(plain.as_ref().unwrap_or(token));
    }

    /// A URL whose content is saved under its last name.
    fn download(&mut self, token: &Token) {
        self.url(token);
        let Some(text) = token.known() else { return };
        let (_, address) = text.split_once("://").unwrap_or(("", text));
        let name = address.split_once('/').and_then(|(_, path)| path.split('#').next()).unwrap_or_default();
        let (path, query) = name.split_once('?').map_or((name, ""), |(path, query)| (path, query));
        let file = path.rsplit('/').next().filter(|file| !file.is_empty()).unwrap_or("index.html");
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.replace('/', "%2F")) };
        self.touches.push((Action::Edit, format!("{file}{query}")));
    }

    /// A name or an address; a record type (`MX`) and an option of dig (`+short`) are none.
    fn host(&mut self, token: &Token) {
        let text = token.text.as_str();
        let server = text.strip_prefix('@').unwrap_or(text);
        if text.contains(['.', ':', '@']) && !text.starts_with('+') {
            self.url(&Token { text: server.to_owned(), shape: token.shape });
        }
    }

    /// `HOST:PATH`, or a local file.
    pub(super) fn place(&mut self, token: &Token, action: Action) {
        let text = token.text.as_str();
        if text.contains("://") {
            return self.url(token);
        }
        match text.split_once(':') {
            Some((host, _)) if !host.contains('/') && token.shape == Shape::Literal => {
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                self.touches.push((Action::Fetch, host.to_owned()));
            }
            _ => self.file(action, token),
        }
    }

    fn assigned(&mut self, token: &Token) {
        if let Some((_, value)) = token.text.split_once('=') {
            self.touch(Operand::Maybe, &Token::literal(value));
        } else if token.text.contains('/') || token.text == ".." {
            // Some take a folder in the place of a target (`cmake ..`).
            self.maybe(token);
        }
    }

    fn dd(&mut self, token: &Token) {
        match token.text.split_once('=') {
            Some(("if", path)) => self.touches.push((Action::Read, path.to_owned())),
            Some(("of", path)) => self.touches.push((Action::Edit, path.to_owned())),
            _ => {}
        }
    }
}

/// Whether a relative path stays here or goes to a neighbour of this folder, with no hidden name on its way.
fn is_near(path: &str) -> bool {
    let mut depth = 0_i32;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            part if part.starts_with('.') => return false,
            _ => depth += 1,
        }
        if depth < -1 {
            return false;
        }
    }
    !path.starts_with(['/', '~'])
}

/// The folder below which all names lie that a pattern matches, if that is known.
pub(crate) fn folder_of(token: &Token) -> Option<String> {
    let Shape::Glob(first) = token.shape else { return None };
    let (folder, _) = token.text.get(..first)?.rsplit_once('/').unwrap_or_default();
    // `.*` matches `..` too.
    if token.text.get(folder.len()..)?.split('/').any(|part| part.starts_with('.')) {
        return None;
    }
    Some(match folder {
        "" if token.text.starts_with('/') => "/".to_owned(),
        "" => ".".to_owned(),
        folder => folder.to_owned(),
    })
}

/// The path that a word names, in the form of [`crate::Touch::path`].
pub(crate) fn path(token: &Token) -> Option<String> {
    if token.shape == Shape::Here {
        return Some(format!(".{}", token.text.strip_prefix("$PWD").unwrap_or_default()));
    }
    let text = token.known().filter(|text| !text.is_empty())?;
    Some(if token.shape == Shape::Literal && text.starts_with('~') { format!("./{text}") } else { text.to_owned() })
}
