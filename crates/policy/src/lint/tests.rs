//! Each kind of warning, as it is printed.

use super::{Part, lint, lint_source, of_source};
use crate::action::Action;
use crate::document::{builtin_text, parse};
use crate::effect::Effect;
use crate::pattern::{Anchor, Dialect, GitignorePattern, Pattern, PrefixPattern, Programs, Wildcard};
use crate::rule::{Origin, Rule, Selector};
use crate::source::{Combining, Source, SourceKind};
use crate::terms::Terms;
use crate::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_date(2026, 11, 20).unwrap()
}

/// The reports of each text, below one another.
fn reports(kind: SourceKind, texts: &[&str]) -> String {
    let mut out = String::new();
    for text in texts {
        let document = match parse(kind, "countersign.toml", text) {
            Ok(document) => document,
            Err(problems) => panic!("{}", problems.iter().map(|problem| problem.render(text)).collect::<String>()),
        };
        for problem in lint(&document, text, &[], now()) {
            let report = problem.render(text);
            assert!(report.lines().all(|line| line.chars().count() <= 80), "wider than a terminal:\n{report}");
            out.push_str(&report);
        }
        out.push_str("----\n");
    }
    out
}

fn user(texts: &[&str]) -> String {
    reports(SourceKind::User, texts)
}

#[test]
fn rules_that_stand_twice() {
    insta::assert_snapshot!(user(&[
        "allow = [\n  \"shell(cargo test *)\",\n  \"shell(ls, cargo test *)\",\n]\n",
        "deny = [\"read(secret)\", \"read(secret)\"]\n",
        "deny = [\"read(SECRET)\", \"read(secret)\"]\n",
        "allow = [\"edit(src/*.rs, docs/*, src/*.rs)\"]\n",
        "ask = [{ rule = \"@delete\", why = \"deletes\" }, \"@delete\"]\n",
    ]));
}

#[test]
fn rules_of_sub_agents() {
    insta::assert_snapshot!(user(&[
        "deny = [\"shell(git push)\"]\n[agents.Release]\nallow = [\"shell(git push origin)\"]\n",
        "deny = [{ rule = \"edit(**)\", descendants = \"only\" }]\n[agents.Builder]\nallow = [\"edit(src/**)\"]\n",
        // Its default would ask twice, or deny.
        "ask = [\"edit(**)\"]\n[agents.Builder]\nallow = [\"edit(src/**)\"]\nask = [\"edit(docs/**)\"]\n",
        "deny = [{ rule = \"edit(**)\", descendants = false }]\n[agents.Builder]\nallow = [\"edit(src/**)\"]\n",
        "[agents.Builder]\nallow = [\"read(**)\", \"shell(make **)\", \"fetch(.*x)\"]\ndeny = [\"read(**)\"]\n",
        "[agents.Builder]\nallow = [{ rule = \"fetch(x.org)\", expires = 2026-01-01 }]\ndeny = [\"edit\", \"edit\"]\n",
        // Of two rules that bind different agents neither makes the other needless.
        "ask = [{ rule = \"edit(a)\", descendants = false }, { rule = \"edit(a)\", descendants = \"only\" }]\n",
        "allow = [\"edit(src/a)\"]\ndeny = [{ rule = \"edit(src)\", descendants = false }]\n",
        "allow = [{ rule = \"edit(src/a)\", descendants = false }]\ndeny = [{ rule = \"edit(src)\", descendants = false }]\n",
        "allow = [\"read(**)\"]\ndeny = [{ rule = \"read(.env*)\", descendants = false }]\n",
    ]));
    insta::assert_snapshot!(reports(
        SourceKind::Managed,
        &["[ceiling]\ndeny = [\"fetch(*.x.org)\"]\n[agents.Web]\nallow = [\"fetch(a.x.org, b.org)\"]\n"]
    ));
}

#[test]
fn rules_that_never_decide() {
    insta::assert_snapshot!(user(&[
        "allow = [\"shell(git push origin main)\"]\nask = [\"shell(git push)\"]\n",
        "allow = [\"edit(src/gen/*.rs, src/main.rs)\"]\ndeny = [\"edit(src/gen)\"]\n",
        "ask = [\"shell(terraform apply *)\"]\ndeny = [\"shell(terraform *)\"]\n",
        "allow = [\"github/get_issue\"]\ndeny = [\"GitHub/*\"]\n",
        "allow = [\"fetch(docs.rs)\"]\nask = [\"*\"]\n",
        "allow = [\"shell(cargo test *)\"]\nask = [\"@write\"]\n",
        "allow = [\"shell(git diff *)\", \"shell(git diff)\", \"edit(**/*.rs)\", \"edit(*.rs)\", \"edit(src/a.rs)\"]\n",
        "allow = [\"edit(*.rs, src/lib.rs)\"]\n",
        "deny = [{ rule = \"edit(migrations/**)\", unless = [\"migrations/new/*\"] }]\nallow = [{ rule = \"edit(migrations/*.sql)\", unless = [\"migrations/new/**\"] }]\n",
    ]));
    insta::assert_snapshot!(reports(
        SourceKind::Managed,
        &["[ceiling]\nask = [\"fetch(a.internal)\"]\ndeny = [\"fetch(*.internal)\"]\n"]
    ));
}

/// Taking out any of these would change something.
#[test]
fn rules_that_are_needed_are_left_alone() {
    let warnings = user(&[
        "allow = [\"shell(cat *)\", \"shell(cat /var/log/app/*)\", \"shell(npm *)\", \"shell(npm install *)\"]\n",
        "allow = [{ rule = \"edit(*.rs)\", expires = 2027-01-01 }, \"edit(src/*.rs)\"]\n",
        "allow = [\"fetch(docs.rs)\"]\nask = [{ rule = \"fetch(docs.rs)\", when = { method = \"POST\" } }]\n",
        "ask = [\"edit(src/**)\", { rule = \"edit(src/*.sql)\", why = \"changes data\" }]\n",
        "ask = [{ rule = \"shell(make *)\", remember = \"session\" }, { rule = \"shell(make deploy)\", remember = \"once\" }]\n",
        "deny = [{ rule = \"read(.env*)\", unless = [\".env.example\"] }]\nallow = [\"read(.env.example)\"]\n",
        "allow = [\"github/get_*\"]\nask = [\"platform/@read\"]\ndeny = [\"Github/get_secret\"]\n",
    ]);
    assert_eq!(warnings.replace("----\n", ""), "");
}

#[test]
fn allows_that_lift_built_in_rules() {
    insta::assert_snapshot!(user(&[
        "allow = [\"read(**)\"]\n",
        "allow = [\"edit(**)\"]\n",
        "allow = [\"edit(src/**)\", \"shell(git push *)\", \"fetch(docs.rs)\", \"read(.env*)\"]\n",
        "allow = [\"shell(git **)\"]\nask = [\"shell(git push *, git reset *, git clean *, git checkout *, git rebase *)\"]\n",
        "allow = [\"fetch(*)\"]\n",
        "allow = [\"@delete\"]\n",
        "allow = [\"search(~/**, docs/**)\"]\n",
    ]));
}

/// What the file itself denies is not lifted.
#[test]
fn a_denial_of_ones_own_takes_the_built_in_ones_place() {
    let count = |text: &str| {
        let document = parse(SourceKind::User, "countersign.toml", text).unwrap();
        let problems = lint(&document, text, &[], now());
        problems.iter().filter(|problem| problem.message.contains("built-in")).count()
    };
    assert_eq!(count("allow = [\"fetch(*)\"]\n"), 1);
    assert_eq!(
        count(
            "allow = [\"fetch(*)\"]\ndeny = [\"fetch(169.254.169.254, 100.100.100.200, metadata.google.internal, *fd00:ec2::254*)\"]\n"
        ),
        0
    );
    assert_eq!(count("allow = [\"read(**)\"]\ndeny = [\"read(/**/.*)\"]\n"), 1);
    assert_eq!(count("allow = [{ rule = \"read(**)\", unless = [\"**\"] }]\n"), 0);
}

#[test]
fn two_stars_over_words() {
    insta::assert_snapshot!(user(&[
        "allow = [\"shell(./scripts/gen.sh **, make --file=**)\"]\nask = [\"shell(frob **)\"]\n",
        "allow = [\"shell(** --version)\"]\nask = [\"shell(*)\"]\n",
        "allow = [\"shell\"]\ndeny = [\"shell\"]\n",
    ]));
}

#[test]
fn allows_that_have_ended() {
    insta::assert_snapshot!(user(&[
        "allow = [{ rule = \"shell(cargo publish *)\", expires = 2026-11-20 }, { rule = \"shell(make *)\", expires = 2026-11-21 }]\n",
        "allow = [{ rule = \"shell(make)\", expires = 2026-11-01T08:30:00Z }, \"shell(make *)\"]\n",
    ]));
}

#[test]
fn the_spelling_of_others() {
    insta::assert_snapshot!(user(&[
        "deny = ['edit(src/?.rs)', 'edit(src/[a-z].rs)', 'edit(*.{ts,tsx})', 'edit(x{1..3})', 'edit(*.{js\\,jsx})']\n",
        "deny = ['edit(^src/main)', 'edit(src/.*)', 'edit(log\\d+)', 'edit(main\\.rs$)', 'shell(^git push)', 'github/get_.*']\n",
        "deny = ['read($HOME/.ssh)', 'read(${workspaceFolder}/x)', 'read(%USERPROFILE%/x)', 'shell(rm $TARGET)']\n",
        "deny = ['read(//etc/hosts)', 'shell(git diff:*)', 'fetch(domain:docs.rs)', 'edit(!src/secret)', 'read(src/ *)']\n",
        "deny = ['read(src\\main.rs)', 'read(C:\\Users\\x)', 'read(~bob/x)']\n",
        "deny = [\"read(src\\\\main.rs)\", { rule = 'read(.env*)', unless = ['.env.[ab]'] }]\n",
        "deny = ['github/get_issue(me/[ab])', 'fetch(.*example.org)', 'agent(^Explore)']\n",
    ]));
}

#[test]
fn our_own_spelling_is_left_alone() {
    assert_eq!(
        user(&[
            "deny = ['edit(src/\\?.rs, app/\\[id\\]/page.tsx, .*_history, Cargo.*, a\\,b, \\!x, \\~x, My\\ Files\\ *)', 'read(\\.*)']\n",
            "deny = ['shell([ *, [[ *, xargs -I {} rm {}, git stash drop stash@{0}, npm run test\\:*, echo \\$x, date +%Y%m%d)']\n",
            "deny = ['fetch(https://example.org/x?y=*, [::1], search:*, *.example.org)', '@delete', 'tool:Skill']\n",
        ]),
        "----\n----\n----\n"
    );
}

#[test]
fn the_built_in_rules_have_none() {
    assert_eq!(reports(SourceKind::Builtin, &[builtin_text()]), "----\n");
}

/// A policy as somebody has it.
#[test]
fn a_whole_file() {
    insta::assert_snapshot!(user(&[include_str!("../../tests/lint.toml")]));
}

fn last_match(rules: &[(Effect, &str, &str)]) -> Source {
    let dialect = Dialect::OpenCode { windows: false };
    let rules = rules.iter().zip(1..).map(|((effect, name, text), line)| {
        let origin = Origin { file: "opencode.json".into(), line, text: format!("{name}({text})") };
        let selector = Selector::Named(Wildcard::compile(dialect, name));
        Rule {
            patterns: vec![Pattern::wildcard(Wildcard::compile(dialect, text))],
            ..Rule::new(*effect, selector, origin)
        }
    });
    Source::new(SourceKind::User, "opencode.json", true, rules.collect())
        .speaking(Terms::OpenCode, Combining::LastMatch)
}

#[test]
fn sources_of_other_systems() {
    use Effect::{Allow, Ask, Deny};
    let source = last_match(&[
        (Deny, "bash", "rm *"),
        (Ask, "bash", "git push"),
        (Allow, "bash", "git *"),
        (Allow, "*", "*"),
        (Deny, "bash", "sudo *"),
        (Deny, "ba*", "sudo*"),
    ]);
    let all: Vec<String> = of_source(&source, now())
        .iter()
        .map(|warning| format!("{} {:?} {}\n  {}\n", warning.rule, warning.part, warning.message, warning.help))
        .collect();
    insta::assert_snapshot!(all.concat());
    assert!(of_source(&last_match(&[(Allow, "*", "*"), (Deny, "bash", "rm *")]), now()).is_empty());
    let text = "{\n  \"bash\": {\"rm *\": \"deny\"},\n";
    let problems = lint_source(
        &last_match(&[(Ask, "*", "*"), (Deny, "bash", "rm *"), (Allow, "*", "*")]),
        ("opencode.json", text),
        now(),
    );
    insta::assert_snapshot!(problems.iter().map(|problem| problem.render(text)).collect::<String>());
}

/// Codex's rules forbid it, OpenCode's file the whole tool, and an allow beside the import reads as if it counted.
#[test]
fn allows_that_what_is_taken_in_denies() {
    use Effect::{Allow, Ask, Deny};
    let prefix = |effect, words: &[&str]| {
        let origin = Origin { file: "default.rules".into(), line: 4, text: words.join(" ") };
        let (program, rest) = words.split_first().unwrap();
        let rest: Vec<Vec<String>> = rest.iter().map(|word| vec![(*word).to_owned()]).collect();
        let pattern = Pattern::prefix(PrefixPattern::new(program, Programs::Exact, &rest));
        Rule { patterns: vec![pattern], ..Rule::new(effect, Selector::Action(Action::Shell), origin) }
    };
    let fallback = Rule { fallback: true, ..prefix(Deny, &["cargo"]) };
    let codex = Source::new(
        SourceKind::User,
        "default.rules",
        true,
        vec![prefix(Deny, &["git", "push"]), prefix(Allow, &["git"]), prefix(Ask, &["make"]), fallback],
    );
    let opencode = last_match(&[(Deny, "task", "*"), (Allow, "bash", "*"), (Deny, "edit", "*"), (Deny, "read", "a*")]);
    let tools = Source::new(
        SourceKind::User,
        "PERMISSIONS.json",
        true,
        vec![Rule::new(
            Deny,
            Selector::Named(Wildcard::compile(Dialect::Exact, "qb_send")),
            Origin { file: "PERMISSIONS.json".into(), line: 2, text: "tools.qb_send: never".to_owned() },
        )],
    )
    .speaking(Terms::Tool, Combining::LastMatch);
    let text = "\
allow = [
  \"shell(git push origin *, git log *)\", \"shell(git push **)\", \"shell(git *)\", \"shell(make *)\", \"shell(cargo *)\",
  \"edit(src/**)\", \"read(src/**)\", \"agent\", \"tool:qb_send(*@acme.com)\", \"tool:qb_query\",
  { rule = \"shell(git push x)\", expires = 2020-01-01 },
]
";
    let told = |kind, sources: &[&Source]| {
        let document = parse(kind, "countersign.toml", text).unwrap();
        let problems = lint(&document, text, sources, now());
        let across = problems.into_iter().filter(|problem| problem.message.contains("takes in"));
        across.map(|problem| problem.render(text)).collect::<String>()
    };
    insta::assert_snapshot!(told(SourceKind::User, &[&codex, &opencode, &tools]));
    assert_eq!(told(SourceKind::User, &[]), "");
    // Of a project's imports nothing is told that stands in them.
    let project = told(SourceKind::Project, &[&codex, &opencode, &tools]);
    assert!(project.contains("a deny of default.rules") && !project.contains("git push\u{60} in"), "{project}");
}

/// Claude Code's settings deny a folder or a host, and an allow beside the import reads as if it counted.
#[test]
fn allows_that_settings_of_claude_code_deny() {
    use Effect::{Allow, Deny};
    let origin = |text: &str| Origin { file: "settings.json".into(), line: 3, text: text.to_owned() };
    let path = |action: Action, anchor, text: &str| Rule {
        patterns: vec![Pattern::gitignore(GitignorePattern::compile(anchor, text, false))],
        ..Rule::new(Deny, Selector::Action(action), origin(&format!("Read({text})")))
    };
    let named = |effect, tool: &str, host: Option<&str>| Rule {
        patterns: host.map(Pattern::domain).into_iter().collect(),
        ..Rule::new(effect, Selector::Named(Wildcard::compile(Dialect::ClaudeCode, tool)), origin(tool))
    };
    let excepted = GitignorePattern::compile(Anchor::Cwd, "gen/*", false).except("keep");
    let rules = vec![
        path(Action::Read, Anchor::Cwd, "secrets/**"),
        path(Action::Edit, Anchor::Root, "/etc"),
        Rule { patterns: vec![Pattern::gitignore(excepted)], ..path(Action::Edit, Anchor::Cwd, "") },
        named(Deny, "WebFetch", Some("*.example.org")),
        named(Allow, "WebFetch", Some("docs.rs")),
        named(Deny, "mcp__github__delete_*", None),
        named(Deny, "Skill", None),
        Rule::new(Deny, Selector::Action(Action::Agent), origin("Agent")),
    ];
    let settings = |rules| {
        Source::new(SourceKind::User, "settings.json", true, rules).speaking(Terms::ClaudeCode, Combining::Strictest)
    };
    let text = "\
allow = [
  \"read(src/secrets/*, src/**)\", \"edit(/etc/hosts, gen/keep, src/**)\", \"search(secrets/**)\",
  \"fetch(a.example.org, *.b.example.org, example.org, docs.rs, search:x)\", \"agent(Explore)\",
  \"github/delete_issue\", \"github/get_issue\", \"tool:Skill(pdf)\", { rule = \"read(secrets/x)\", expires = 2020-01-01 },
]
";
    let document = parse(SourceKind::User, "countersign.toml", text).unwrap();
    let told = |source: &Source| {
        let problems = lint(&document, text, &[source], now());
        let across = problems.into_iter().filter(|problem| problem.message.contains("takes in"));
        across.map(|problem| problem.render(text)).collect::<String>()
    };
    insta::assert_snapshot!(told(&settings(rules)));
    // Every host is not every search.
    let every = told(&settings(vec![named(Deny, "WebFetch", None)]));
    assert!(every.contains("`docs.rs`") && !every.contains("`search:x`"), "{every}");
}

#[test]
fn a_rule_that_could_not_be_read_is_left_alone() {
    let origin = Origin { file: "x".into(), line: 1, text: "shell".to_owned() };
    let rule = Rule {
        poisoned: Some("broken".to_owned()),
        ..Rule::new(Effect::Allow, Selector::Action(Action::Shell), origin)
    };
    let source = Source::new(SourceKind::User, "x", true, vec![rule.clone(), rule]);
    assert!(of_source(&source, now()).is_empty());
}

/// Many rules end in a warning, not in a wait.
#[test]
fn a_hostile_file_is_done_soon() {
    let rule = |at: usize| format!("\"edit({}b{at})\"", "*a".repeat(400));
    let text = format!("allow = [{}]\n", (0..1000).map(rule).collect::<Vec<_>>().join(", "));
    let document = parse(SourceKind::Project, "countersign.toml", &text).unwrap();
    let problems = lint(&document, &text, &[], now());
    assert!(problems.first().is_some_and(|problem| problem.message.contains("too long")), "{problems:?}");
    // A denial that is walked without a `*` in it.
    let deny = GitignorePattern::compile(Anchor::Cwd, &"?".repeat(200_000), false);
    let origin = Origin { file: "settings.json".into(), line: 1, text: "Edit".to_owned() };
    let rule = Rule {
        patterns: vec![Pattern::gitignore(deny)],
        ..Rule::new(Effect::Deny, Selector::Action(Action::Edit), origin)
    };
    let source = Source::new(SourceKind::User, "settings.json", true, vec![rule])
        .speaking(Terms::ClaudeCode, Combining::Strictest);
    let long = format!("allow = [\"edit({})\"]\n", "a".repeat(200_000));
    let document = parse(SourceKind::User, "countersign.toml", &long).unwrap();
    let problems = lint(&document, &long, &[&source], now());
    assert!(problems.first().is_some_and(|problem| problem.message.contains("too long")), "{}", problems.len());
    let many = format!("allow = [{}]\n", "{ rule = \"agent(x)\", expires = 2020-01-01 }, ".repeat(5000));
    let document = parse(SourceKind::User, "countersign.toml", &many).unwrap();
    let problems = lint(&document, &many, &[], now());
    assert_eq!(problems.len(), super::MOST);
    assert!(problems.last().unwrap().help.as_ref().unwrap().contains("4800 more"));
}

#[test]
fn parts_sort_as_they_stand() {
    assert!(Part::Whole < Part::Selector && Part::Selector < Part::Pattern(0));
}
