//! Denials of Claude Code and allows of ours.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::super::{Anchor, GitignorePattern, Marks, Spelling};
use super::{Action, Case, Pattern, filled, held};

fn anchor() -> impl Strategy<Value = Anchor> {
    let folder = Anchor::Folder("/h/w/a".to_owned());
    prop::sample::select(vec![Anchor::Root, Anchor::Home, Anchor::Project, Anchor::Cwd, folder])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_an_ignore_pattern_includes_it_matches(
        anchor in anchor(), start in "/?", one in vec("([aB*?]|\\[a-b\\]){1,2}|\\*\\*", 1..4), end in "(/|/\\*\\*)?",
        root in prop::sample::select(&["", "/", "~/", "./", "/**/", "/h/w/a/"][..]), other in vec("[aB*]{1,2}", 1..4),
        below in vec("[abB]{1,2}", 0..4), fill in "[abB]{0,1}",
        place in prop::sample::select(&["/", "/h/", "/h/w/", "/h/w/a/"][..]),
    ) {
        let text = format!("{start}{}{end}", one.join("/"));
        let one = Pattern::gitignore(GitignorePattern::compile(anchor, &text, false));
        let other = Pattern::parse(&Action::Read, &format!("{root}{}", other.join("/"))).unwrap();
        let bare = other.as_str().trim_start_matches(['/', '~', '.']).replace("**", "*");
        for text in [format!("{place}{}", below.join("/")), format!("{place}{}", filled(&bare, &fill))] {
            let text = text.replace("//", "/");
            let text = text.trim_end_matches('/');
            let spelling = Spelling::Path { text, marks: Marks::of_path(text) };
            held(&one, &other, &spelling, (Case::Fold, Case::Exact))?;
        }
    }

    #[test]
    fn what_a_domain_includes_it_matches(
        one in "(\\*\\.)?[aB*]{1,2}(\\.[ab*]{1,2}){0,2}\\.?", other in "(https://)?[aB*]{1,2}(\\.[ab*]{1,2}){0,3}",
        fill in "[a.]{0,2}",
    ) {
        let (one, other) = (Pattern::domain(&one), Pattern::parse(&Action::Fetch, &other).unwrap());
        let host = filled(other.as_str().trim_start_matches("https://"), &fill).to_lowercase();
        let url = format!("https://{host}/");
        held(&one, &other, &Spelling::Url { host: &host, url: &url }, (Case::Fold, Case::Exact))?;
    }
}

#[test]
fn ignore_patterns() {
    let deny = |anchor, text: &str| Pattern::gitignore(GitignorePattern::compile(anchor, text, false));
    let covers = |one: &Pattern, other: &str| {
        let other = Pattern::parse(&Action::Read, other).unwrap();
        one.includes(&other, Case::Fold, Case::Exact)
    };
    for (anchor, text, other) in [
        (Anchor::Cwd, "secrets/**", "src/secrets/*"),
        (Anchor::Cwd, ".ENV", "**/.env"),
        (Anchor::Cwd, ".env*", "config/.env.*"),
        (Anchor::Project, "/src", "src/a/**"),
        (Anchor::Project, "/**", "x"),
        (Anchor::Root, "/etc/hosts", "/etc/hosts"),
        (Anchor::Root, "/**/.ssh", "~/.ssh/id_*"),
        (Anchor::Root, "/**", "src/**"),
        (Anchor::Home, "/.ssh/", "~/.ssh/**"),
        (Anchor::Folder("/srv/a".to_owned()), "/x", "/srv/a/x/*"),
        (Anchor::Cwd, "k?y[0-9].pem", "key1.pem"),
    ] {
        assert!(covers(&deny(anchor.clone(), text), other), "{anchor:?} {text} {other}");
    }
    for (anchor, text, other) in [
        (Anchor::Cwd, "secrets/**", "**"),
        (Anchor::Cwd, "secrets/*", "secrets"),
        (Anchor::Project, "/src/*", "src/**"),
        (Anchor::Root, "/etc/hosts", "etc/hosts"),
        (Anchor::Home, "/.ssh", "/home/u/.ssh/id"),
        (Anchor::Folder("/srv/a".to_owned()), "/x", "/srv/*/x"),
        (Anchor::Folder("/srv/a".to_owned()), "/x", "/srv/ab/x"),
        (Anchor::Folder("/srv/a".to_owned()), "/x", "x"),
        (Anchor::Cwd, "key[0-9].pem", "key*.pem"),
        (Anchor::Cwd, "", "x"),
    ] {
        assert!(!covers(&deny(anchor.clone(), text), other), "{anchor:?} {text} {other}");
    }
    // An exception may lift it.
    let excepted = GitignorePattern::compile(Anchor::Cwd, "secrets/*", false).except("keep");
    assert!(!covers(&Pattern::gitignore(excepted), "secrets/x"));
    // Compared exactly, it takes less.
    let one = deny(Anchor::Cwd, "a");
    assert!(!one.includes(&Pattern::parse(&Action::Read, "a").unwrap(), Case::Exact, Case::Exact));
}

#[test]
fn domains() {
    let covers = |one: &str, other: &str| {
        let other = Pattern::parse(&Action::Fetch, other).unwrap();
        Pattern::domain(one).includes(&other, Case::Fold, Case::Exact)
    };
    for (one, other) in [
        ("docs.rs", "docs.rs"),
        ("Docs.RS.", "https://docs.rs/x*"),
        ("*.example.org", "*.example.org"),
        ("*.example.org", "a.example.org"),
        ("*.example.org", "*.b.example.org"),
        ("*", "*"),
        ("*", "*.x"),
        ("*.org", "a*.example.org"),
        ("example.*", "example.com"),
    ] {
        assert!(covers(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("docs.rs", "*"),
        ("example.org", "*.example.org"),
        ("*.example.org", "example.org"),
        ("*.example.org", "*example.org"),
        ("*.b.example.org", "*.example.org"),
        ("example.*", "example.*"),
        ("a*", "a*"),
    ] {
        assert!(!covers(one, other), "{one} {other}");
    }
}
