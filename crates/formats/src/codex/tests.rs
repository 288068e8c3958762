//! Whole files, messages, and what sources of them decide.

use countersign_policy::document::{self, Problem};
use countersign_policy::pattern::Case;
use countersign_policy::{
    Action, Attendance, Call, Catalog, Class, Effect, Nobody, Policy, Resource, Source, SourceKind, Target, Timestamp,
    Word, WordKind, decide,
};

use super::{Resolution, Rules, import, parse, requirements, source};
use crate::Text;
use crate::import::Became;

const WHOLE: &str = r#"# What this team lets its agents do.
GIT_READING = ["status", "log", "show", "diff"]

prefix_rule(
    pattern = ["git", GIT_READING],
    match = ["git status", "git log --oneline", ["git", "show", "HEAD"]],
    not_match = ["git push", "git -C /x status"],
)
prefix_rule(pattern = ["git", ["push", "fetch"]], decision = "prompt", justification = "talks to a server")
prefix_rule(pattern = ["git", "push", "--force"], decision = "forbidden", justification = "rewrites what others have: use `--force-with-lease`")

def package_managers(action):
    for manager in ["npm", "pnpm"]:
        prefix_rule(pattern = [manager, action], decision = "prompt", justification = f"{manager} {action} runs scripts")

package_managers("install")

host_executable(name = "git", paths = ["/usr/bin/git", "/opt/homebrew/bin/git"])
network_rule(host = "api.example.com:443", protocol = "https", decision = "allow")
network_rule(host = "evil.example", protocol = "http", decision = "deny", justification = "known to be hostile")
"#;

fn read(text: &str) -> Rules {
    parse(&[Text::new("default.rules", text)]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn wrong(text: &str) -> String {
    render(parse(&[Text::new("default.rules", text)]).unwrap_err(), text)
}

fn render(problems: Vec<Problem>, text: &str) -> String {
    problems.iter().map(|problem| problem.render(text)).collect()
}

#[test]
fn a_whole_file() {
    let rules = read(WHOLE);
    let mut out = String::new();
    for rule in source(&rules, SourceKind::User, "default.rules", true, Resolution::ByName).rules() {
        let Some(prefix) = rule.patterns[0].as_prefix() else {
            out += &format!("{}: {} {}\n", rule.origin.line, rule.effect, rule.origin.text);
            continue;
        };
        let fallback = if rule.fallback { "else " } else { "" };
        let why = rule.why.as_deref().unwrap_or("-");
        out += &format!(
            "{}: {fallback}{} {} {:?} ({why})\n",
            rule.origin.line,
            rule.effect,
            prefix.text(),
            prefix.programs()
        );
    }
    insta::assert_snapshot!(out);
    insta::assert_snapshot!("the_same_in_our_own_grammar", shown(&rules));
}

/// The rules of our own grammar as a policy file.
fn native(rules: &Rules) -> String {
    let mut text = String::new();
    for (effect, list) in [(Effect::Allow, "allow"), (Effect::Ask, "ask"), (Effect::Deny, "deny")] {
        text += &format!("{list} = [\n");
        for fate in import(rules) {
            if let Became::Native { effect: its, rules, .. } = &fate.became
                && *its == effect
            {
                rules.iter().for_each(|rule| text += &format!("  {},\n", toml::Value::from(rule.rule.as_str())));
            }
        }
        text += "]\n";
    }
    document::parse(SourceKind::User, "countersign.toml", &text).unwrap_or_else(|problems| panic!("{problems:?}"));
    text
}

fn shown(rules: &Rules) -> String {
    native(rules);
    let told = import(rules).into_iter().map(|fate| {
        let became = match fate.became {
            Became::Native { effect, rules, why } => {
                let rules: Vec<String> = rules.into_iter().map(|native| native.rule).collect();
                format!("{effect} {} ({})", rules.join(" "), why.unwrap_or_default())
            }
            Became::Kept { why } => format!("kept: {why}"),
            Became::Dropped { why } => format!("dropped: {why}"),
            Became::Never { why } => format!("never: {why}"),
        };
        format!("{}: {}\n  {became}\n", fate.origin.line, fate.origin.text)
    });
    told.collect()
}

#[test]
fn what_an_import_keeps_or_leaves_out() {
    let many = (0..9).map(|at| format!("\"{at}\"")).collect::<Vec<_>>().join(", ");
    let rules = read(&format!(
        r#"prefix_rule(["rm"], "forbidden")
prefix_rule(["rm", "-r"], "prompt")
prefix_rule(["rm", ["a", "b"]])
prefix_rule([["rm", "ls"]])
prefix_rule(["a", ""])
prefix_rule(["a", "", "b"], "prompt")
prefix_rule(["b", [{many}], [{many}]])
prefix_rule(["b", [{many}], [{many}]], "forbidden")
prefix_rule(["/usr/bin/git", "push"])
prefix_rule(["git"], "prompt")
prefix_rule(["c d", "*", "(x)", "a,b", "\\", "'\"", ";", "a;b"])
host_executable("unused", ["/usr/bin/unused"])
network_rule("a.com", "http", "allow")
network_rule("a.com", "https", "deny")
network_rule("b.com", "https", "prompt")
network_rule("::1", "https", "deny")
"#
    ));
    insta::assert_snapshot!(shown(&rules));
}

#[test]
fn messages() {
    for (name, text) in [
        ("decision", "prefix_rule(pattern=[\"ls\"], decision=\"deny\")\nprefix_rule([\"ls\"], \"Allow\")"),
        (
            "pattern",
            "prefix_rule([])\nprefix_rule(\"ls\")\nprefix_rule([[]])\nprefix_rule([\"ls\", 3])\nprefix_rule([[\"a\", None]])",
        ),
        (
            "arguments",
            "prefix_rule()\nprefix_rule([\"a\"], foo=1)\nprefix_rule([\"a\"], pattern=[\"b\"])\nprefix_rule([\"a\"], \"allow\", [], [], \"w\", 1)\nprefix_rule([\"a\"], justification=None)",
        ),
        ("justification", "prefix_rule([\"ls\"], justification=\"  \")"),
        ("examples", "prefix_rule([\"git\"], match=[\"git '\", \"\", [], 3, [\"git\", 3]])"),
        (
            "match",
            "prefix_rule([\"git\", \"status\"], match=[\"git push\"], not_match=[[\"git\", \"status\", \"-s\"]])",
        ),
        (
            "host_executable",
            "host_executable(\"\", [])\nhost_executable(\"/bin/git\", [])\nhost_executable(\"git\", [\"bin/git\", \"/usr/bin/hg\", 1])",
        ),
        (
            "network_rule",
            "network_rule(\"https://a.com\", \"ftp\", \"ask\")\nnetwork_rule(\"*.a.com\", \"http\", \"allow\")\nnetwork_rule(\" \", \"http\", \"allow\")\nnetwork_rule(\"a b\", \"http\", \"allow\")\nnetwork_rule(\"[::1\", \"http\", \"allow\")\nnetwork_rule(\"[::1]x\", \"http\", \"allow\")",
        ),
        ("unknown_name", "allow(\"ls\")"),
        ("load", "load(\"x.rules\", \"y\")"),
        ("form", "prefix_rule([\"ls\"]\n"),
        ("annotation", "def f(x: str):\n  pass"),
        ("tab", "if True:\n\tpass"),
        ("endless", "for i in range(1000000000): pass"),
        ("fail", "fail(\"not on this machine\")"),
    ] {
        insta::assert_snapshot!(format!("message_{name}"), wrong(text));
    }
}

#[test]
fn one_mistake_in_one_file_refuses_all_files_and_every_mistake_is_told() {
    let files =
        [("a.rules", "prefix_rule([])"), ("b.rules", "prefix_rule([\"ls\"])"), ("c.rules", "load(\"x\", \"y\")")];
    let problems = parse(&files.map(|(name, text)| Text::new(name, text))).unwrap_err();
    assert_eq!(problems.iter().map(|problem| &*problem.file).collect::<Vec<_>>(), ["a.rules", "c.rules"]);
    let many = "for i in range(10000): prefix_rule([])";
    assert_eq!(parse(&[Text::new("a.rules", many)]).unwrap_err().len(), 50);
}

#[test]
fn files_that_come_to_too_much_are_refused_soon() {
    let list = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    for text in [
        format!("prefix_rule([{0},{0}])", list("'a'", 50_000)),
        format!("prefix_rule([{},'b'], justification='{}')", list("'a'", 50_000), "x".repeat(50_000)),
        format!("prefix_rule([{}], match={})", list("'a'", 50_000), list("'b'", 50_000)),
        format!("host_executable('a', {})", list("'/a'", 50_000)),
        format!("x = {}\nfor i in range(100): prefix_rule([x, x])", list("'a'", 1_000)),
        format!("x = {}\nfor i in range(100000): prefix_rule([], match=x)", list("''", 100)),
        format!("prefix_rule({})", list("1", 50_000)),
        format!("prefix_rule({}=1)", "a=1,".repeat(50_000)),
        format!("def f({}): pass\nf()", (0..50_000).map(|at| format!("a{at},")).collect::<String>()),
        "y\n".repeat(50_000),
    ] {
        let began = std::time::Instant::now();
        assert!(parse(&[Text::new("a.rules", &text)]).is_err_and(|problems| problems.len() <= 50), "{:.60}", text);
        assert!(began.elapsed().as_secs() < 60, "{:.60}", text);
    }
}

#[test]
fn requirements_ask_and_forbid_and_nothing_else() {
    let text = r#"allowed_approval_policies = ["never"]
[rules]
prefix_rules = [
  { pattern = [{ token = "git" }, { any_of = ["push", "fetch"] }], decision = "prompt", justification = "ask first" },
  { pattern = [{ token = "rm" }], decision = "forbidden" },
]
"#;
    let rules = requirements(&Text::new("requirements.toml", text)).unwrap();
    let told: Vec<String> =
        rules.prefixes.iter().map(|rule| format!("{}: {}", rule.origin.line, rule.origin.text)).collect();
    assert_eq!(
        told,
        [r#"4: prefix_rule(["git", ["push", "fetch"]], "prompt")"#, r#"5: prefix_rule(["rm"], "forbidden")"#]
    );
    assert_eq!(requirements(&Text::new("requirements.toml", "")).unwrap(), Rules::default());
    let text = r#"[rules]
other = 1
prefix_rules = [
  { pattern = [{ token = "git" }], decision = "allow" },
  { pattern = [{ token = "git" }] },
  { pattern = [], decision = "prompt" },
  { pattern = [{ token = "a", any_of = ["b"] }, { any_of = [] }, "x"], decision = "stop", justification = "" },
  { decision = "prompt" },
]
"#;
    insta::assert_snapshot!(render(requirements(&Text::new("requirements.toml", text)).unwrap_err(), text));
    let text = "[rules]\nprefix_rules = [";
    insta::assert_snapshot!(
        "requirements_form",
        render(requirements(&Text::new("requirements.toml", text)).unwrap_err(), text)
    );
    for text in ["rules = 1", "[rules]\nprefix_rules = []", "[rules]\nprefix_rules = 1", "[rules]\nprefix_rules = [1]"]
    {
        assert_eq!(requirements(&Text::new("requirements.toml", text)).unwrap_err().len(), 1, "{text}");
    }
}

#[test]
fn a_rule_about_a_path_silences_those_about_the_name_and_no_others() {
    let text = "prefix_rule([\"/usr/bin/git\", \"push\"])\nprefix_rule([\"git\"], \"forbidden\")";
    let sources = || vec![source(&read(text), SourceKind::User, "x", true, Resolution::ByName)];
    assert_eq!(effect(sources(), &["/usr/bin/git", "push"]), Effect::Allow);
    assert_eq!(effect(sources(), &["/usr/bin/git", "pull"]), Effect::Deny);
    assert_eq!(effect(sources(), &["git", "push"]), Effect::Deny);
}

#[test]
fn a_users_rules_about_a_path_do_not_silence_requirements_about_the_name() {
    let user = "prefix_rule([\"/usr/bin/rm\"])\nhost_executable(\"rm\", [])";
    let required = "[rules]\nprefix_rules = [{ pattern = [{ token = \"rm\" }], decision = \"forbidden\" }]";
    let required = requirements(&Text::new("requirements.toml", required)).unwrap();
    let sources = vec![
        source(&read(user), SourceKind::User, "x", true, Resolution::ByName),
        source(&required, SourceKind::Managed, "requirements.toml", true, Resolution::ByName),
    ];
    assert_eq!(effect(sources, &["/usr/bin/rm", "-r", "x"]), Effect::Deny);
}

#[test]
fn of_rules_about_a_host_the_last_counts_and_one_that_asks_is_not_ignored() {
    let text = "network_rule(\"a.com\", \"http\", \"deny\")\nnetwork_rule(\"a.com\", \"https\", \"allow\")
network_rule(\"b.com\", \"http\", \"prompt\")\nnetwork_rule(\"b.com\", \"http\", \"allow\")\nnetwork_rule(\"c.com\", \"http\", \"deny\")";
    let of = |host: &str| {
        let resource = Resource::Url { host: host.to_owned(), url: format!("https://{host}/x") };
        let sources = vec![source(&read(text), SourceKind::User, "x", true, Resolution::ByName)];
        decided(sources, Target::primary(Action::Fetch, resource))
    };
    assert_eq!(["a.com", "b.com", "c.com", "x.a.com"].map(of), [Effect::Allow, Effect::Ask, Effect::Deny, Effect::Ask]);
}

#[test]
fn a_program_of_the_same_name_elsewhere_is_not_allowed() {
    let sources =
        || vec![source(&read("prefix_rule([\"git\", \"status\"])"), SourceKind::User, "x", true, Resolution::ByName)];
    assert_eq!(effect(sources(), &["/usr/bin/git", "status"]), Effect::Allow);
    assert_eq!(effect(sources(), &["/tmp/evil/git", "status"]), Effect::Ask);
    assert_eq!(effect(sources(), &["/usr/bin/../../tmp/git", "status"]), Effect::Ask);
}

#[test]
fn what_is_imported_is_never_looser() {
    let mut compared = 0;
    let files = [
        WHOLE,
        "prefix_rule([\"a b\", \"*\", \"(x)\"])\nprefix_rule([\";\", \"\\\\\"], \"prompt\")\nprefix_rule([\"'\", \"\\\"\", \",\"])",
        "prefix_rule([[\"ls\", \"rm\"]])\nprefix_rule([\"rm\", [\"-r\", \"-f\"]], \"forbidden\")",
    ];
    for file in files {
        let rules = read(file);
        let theirs = source(&rules, SourceKind::User, "x", true, Resolution::ByName);
        let ours = document::parse(SourceKind::User, "countersign.toml", &native(&rules)).unwrap();
        let ours =
            document::assemble(vec![document::Loaded { document: ours, trusted: true, imported: Vec::new() }]).sources;
        for program in ["git", "/usr/bin/git", "/tmp/git", "npm", "a b", ";", "'", "ls", "rm", "x"] {
            for first in ["status", "push", "install", "*", "y", "\\", "\"", "-r", ""] {
                for second in ["--force", "(x)", ",", ""] {
                    let argv = [program, first, second];
                    let (theirs, ours) = (effect(vec![theirs.clone()], &argv), effect(ours.clone(), &argv));
                    assert!(ours >= theirs, "{argv:?}: {theirs} there, {ours} here");
                    compared += usize::from(ours == Effect::Allow);
                }
            }
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn a_pattern_is_kept_as_it_is_stored() {
    let rules = read(WHOLE);
    for rule in source(&rules, SourceKind::User, "x", true, Resolution::ByName).rules() {
        let stored = serde_json::to_string(&rule.patterns).unwrap();
        assert_eq!(serde_json::from_str::<Vec<countersign_policy::pattern::Pattern>>(&stored).unwrap(), rule.patterns);
        let words = [Word { text: "git".to_owned(), kind: WordKind::Dynamic }];
        assert!(rule.patterns[0].as_prefix().is_none_or(|prefix| !prefix.matches(&words, Case::Fold)));
    }
}

fn effect(sources: Vec<Source>, argv: &[&str]) -> Effect {
    let words = argv.iter().map(|word| Word::data(*word)).collect();
    decided(sources, Target::primary(Action::Shell, Resource::Words(words)))
}

fn decided(sources: Vec<Source>, target: Target) -> Effect {
    let policy = Policy {
        builtin: Source::new(SourceKind::Builtin, "builtin", true, Vec::new()),
        sources,
        remembered: Vec::new(),
        agents: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Deny,
        max_open: 1,
        cascade: false,
        repeats: countersign_policy::Repeats::Ask(3),
        catalog: Catalog::default(),
        programs: Default::default(),
        project_programs: Default::default(),
        revision: String::new(),
    };
    let call = Call {
        host: "codex".to_owned(),
        host_version: None,
        tool: "shell".to_owned(),
        action: Action::Shell,
        class: Class::Write,
        group: None,
        args: serde_json::json!({}),
        cwd: "/w".to_owned(),
        project: "/w".to_owned(),
        home: "/home/u".to_owned(),
        user: "u".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: vec![target],
        in_a_row: 0,
        faults: Vec::new(),
    };
    decide(&policy, &[], None, &call, Timestamp(1_800_000_000)).effect()
}
