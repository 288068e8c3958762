//! What is read as policy, and each way in which that fails: everything is denied then.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;

use countersign_engine::{FileError, Files, Known, Layout, LoadFault, Meta, NothingKnown, Reading, Request, load};
use countersign_policy::{Effect, Timestamp};

const MANAGED: &str = "/etc/countersign/countersign.toml";
const USER: &str = "/home/u/.config/countersign/countersign.toml";
const PROJECT: &str = "/repo/countersign.toml";
const LOCAL: &str = "/repo/.countersign.local.toml";

/// Files with what is known of them; what has no content cannot be read.
#[derive(Default)]
struct Found(BTreeMap<&'static str, (Option<Vec<u8>>, Meta)>);

const PLAIN: Meta = Meta { is_dir: false, is_link: false, owner: 0, mode: 0o644 };

impl Found {
    fn with(mut self, path: &'static str, text: &str) -> Found {
        self.0.insert(path, (Some(text.as_bytes().to_vec()), PLAIN));
        self
    }

    fn with_meta(mut self, path: &'static str, text: Option<&[u8]>, meta: Meta) -> Found {
        self.0.insert(path, (text.map(<[u8]>::to_vec), meta));
        self
    }
}

impl Files for Found {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        match self.0.get(path) {
            None => Ok(None),
            Some((Some(bytes), _)) => Ok(Some(bytes.clone())),
            Some((None, _)) => Err(FileError { path: path.to_owned(), reason: "permission denied".to_owned() }),
        }
    }

    fn real_path(&self, path: &str) -> Option<String> {
        Some(path.to_owned())
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        self.0.get(path).map(|(_, meta)| *meta)
    }

    fn list(&self, _path: &str) -> Option<Vec<(String, bool)>> {
        None
    }
}

struct Trusting;

impl Known for Trusting {
    fn trusted(&self, _path: &str, _content: &str) -> bool {
        true
    }

    fn checked(&self, _key: &str) -> bool {
        true
    }
}

fn read(files: &Found, known: &dyn Known) -> Result<Reading, LoadFault> {
    let layout = Layout {
        home: "/home/u".to_owned(),
        user_file: USER.to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: MANAGED.to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    };
    load(files, &layout, "/repo", known)
}

fn fault(files: &Found) -> String {
    match read(files, &NothingKnown) {
        Ok(_) => panic!("it was read"),
        Err(fault) => fault.to_string(),
    }
}

/// What `make all` comes to.
fn make(files: &Found, known: &dyn Known) -> Effect {
    let engine = read(files, known).unwrap_or_else(|fault| panic!("{}", fault.report())).engine;
    let request = Request { cwd: "/repo".to_owned(), project: "/repo".to_owned(), ..Request::of("shell", "make all") };
    engine.decide(&[], None, &engine.call(&request, files), Timestamp(0)).effect()
}

#[test]
fn a_managed_file_must_be_roots_alone() {
    for meta in [
        Meta { owner: 1000, ..PLAIN },
        Meta { is_link: true, ..PLAIN },
        Meta { mode: 0o664, ..PLAIN },
        Meta { mode: 0o646, ..PLAIN },
    ] {
        let files = Found::default().with_meta(MANAGED, Some(b"deny = []"), meta);
        assert!(fault(&files).contains("must be root's own file"), "{meta:?}");
    }
    assert!(read(&Found::default().with(MANAGED, "deny = []"), &NothingKnown).is_ok());
}

#[test]
fn what_is_there_and_cannot_be_read_is_a_fault() {
    for path in [MANAGED, USER, PROJECT, LOCAL] {
        let files = Found::default().with_meta(path, None, PLAIN);
        assert!(fault(&files).contains("permission denied"), "{path}");
        let files = Found::default().with_meta(path, Some(b"allow = [\"\xFF\"]"), PLAIN);
        assert!(fault(&files).contains("not UTF-8 text from byte 10"), "{path}");
        let files = Found::default().with(path, "allow = [\n  \"nonsense(\",\n]\nalow = 1\n");
        assert!(fault(&files).starts_with(&format!("{path}:2:")), "{path}: {}", fault(&files));
    }
}

#[test]
fn a_users_file_that_anybody_may_write_is_a_fault() {
    let files = Found::default().with_meta(USER, Some(b"allow = []"), Meta { mode: 0o666, ..PLAIN });
    assert!(fault(&files).contains("chmod o-w"));
}

/// What a file takes in decides as it does.
#[test]
fn what_is_taken_in_is_as_much_its_owners_alone() {
    const THEIRS: &str = "/rules/opencode.json";
    let import = "[[import]]\nfrom = \"/rules/opencode.json\"\n";
    let found = |file, meta| Found::default().with(file, import).with_meta(THEIRS, Some(b"{}"), meta);
    assert!(read(&found(MANAGED, PLAIN), &NothingKnown).is_ok() && read(&found(USER, PLAIN), &NothingKnown).is_ok());
    for meta in [Meta { owner: 1000, ..PLAIN }, Meta { is_link: true, ..PLAIN }, Meta { mode: 0o664, ..PLAIN }] {
        let told = fault(&found(MANAGED, meta));
        assert!(told.contains(THEIRS) && told.contains("root's own file"), "{meta:?}: {told}");
    }
    assert!(fault(&found(USER, Meta { mode: 0o666, ..PLAIN })).contains("chmod o-w"));
}

#[test]
fn an_example_that_comes_out_otherwise_is_a_fault_until_it_was_checked() {
    let text = "allow = [\"shell(make *)\"]\nexamples = [\"deny shell: make all\"]\n";
    let files = Found::default().with(USER, text);
    assert!(fault(&files).contains("comes out as allow"), "{}", fault(&files));
    assert!(fault(&files).starts_with(&format!("{USER}:2:")), "{}", fault(&files));
    assert!(read(&files, &Trusting).is_ok());
}

#[test]
fn a_repositorys_files_allow_nothing_until_they_are_trusted() {
    for path in [PROJECT, LOCAL] {
        let files = Found::default().with(path, "allow = [\"shell(make *)\"]\n");
        assert_eq!(make(&files, &NothingKnown), Effect::Ask, "{path}");
        assert_eq!(make(&files, &Trusting), Effect::Allow, "{path}");
    }
}

#[test]
fn a_managed_ceiling_holds_over_everything() {
    let files = Found::default()
        .with(MANAGED, "[ceiling]\ndeny = [\"shell(make *)\"]\n")
        .with(USER, "allow = [\"shell(make *)\"]\n")
        .with(PROJECT, "allow = [\"shell(make *)\"]\n");
    assert_eq!(make(&files, &Trusting), Effect::Deny);
}

#[test]
fn a_missing_file_is_silent() {
    assert_eq!(make(&Found::default(), &NothingKnown), Effect::Ask);
    assert_eq!(read(&Found::default(), &NothingKnown).unwrap().files, Vec::new());
}
