//! The page for questions that an adversary could write.

use askama::Template;
use countersign_policy::approval::{self, Approval, Asker, Asking, Event};
use countersign_policy::pattern::Pattern;
use countersign_policy::{
    Action, Attendance, Call, Class, Effect, GrantResource, Offer, Part, Question, Scope, ScopeOffer, Step, Timestamp,
};

use super::page::{List, ListPage};
use super::view::{AnsweredView, Further, GivenUpView, GrantView, QuestionView, Shown, WiderView};
use crate::store::GivenUp;

const NOW: Timestamp = Timestamp(1_795_183_387_000);

fn call(command: &str) -> Call {
    Call {
        host: "claude-code".to_owned(),
        host_version: None,
        tool: "Bash".to_owned(),
        action: Action::Shell,
        class: Class::Write,
        group: None,
        args: serde_json::json!({ "command": command }),
        cwd: "/home/ada/shop".to_owned(),
        project: "/home/ada/shop".to_owned(),
        home: "/home/ada".to_owned(),
        user: "ada".to_owned(),
        session: "s1".to_owned(),
        turn: Some("t1".to_owned()),
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: Vec::new(),
        in_a_row: 0,
        faults: Vec::new(),
    }
}

fn offer(pattern: &str, words: &str) -> Offer {
    let pattern = Pattern::parse(&Action::Shell, pattern).unwrap();
    Offer { resource: GrantResource::Pattern(pattern), words: words.to_owned() }
}

fn literal(text: &str) -> Offer {
    let resource = GrantResource::Literal { key: text.to_owned(), shown: text.to_owned() };
    Offer { resource, words: format!("exactly `{text}`") }
}

fn part(text: &str, effect: Effect, why: &str, offers: Vec<Offer>) -> Part {
    Part {
        identity: text.to_owned(),
        action: Action::Shell,
        text: text.to_owned(),
        effect,
        why: why.to_owned(),
        warnings: Vec::new(),
        offers,
    }
}

fn push() -> Question {
    Question {
        summary: "Bash: git push origin main and 1 more".to_owned(),
        body: "git push origin main && ./deploy.sh --to staging\\u{202E}txt.exe | tee log.txt".to_owned(),
        claim: Some("Publish the fix <script>alert(1)</script>".to_owned()),
        parts: vec![
            part(
                "git push origin main",
                Effect::Ask,
                "countersign.toml:14 says ask shell(git push *) (pushes leave this machine)",
                vec![
                    literal("git push origin main"),
                    offer("git push origin *", "`git push origin` with any ordinary arguments"),
                ],
            ),
            part("./deploy.sh --to staging\\u{202E}txt.exe", Effect::Ask, "no rule speaks of it", vec![literal("x")]),
            Part {
                action: Action::Edit,
                warnings: vec!["`\u{2044}` (U+2044) looks like `/` and is none, in `\u{2044}x`".to_owned()],
                ..part("edit /etc/motd", Effect::Ask, "a built-in rule says ask edit(**)", vec![literal("/etc/motd")])
            },
            part("tee log.txt", Effect::Allow, "a built-in rule says allow shell(tee *)", Vec::new()),
        ],
        steps: vec![
            Step { part: 0, touches: Vec::new() },
            Step { part: 1, touches: Vec::new() },
            Step { part: 3, touches: vec![2] },
        ],
        scopes: [Scope::Session, Scope::Turn, Scope::Project, Scope::User]
            .map(|scope| ScopeOffer { scope, max_seconds: None })
            .to_vec(),
        unapprovable: None,
    }
}

fn long() -> Question {
    Question {
        summary: "Write: edit /home/ada/shop/big.txt".to_owned(),
        body: "/home/ada/shop/big.txt\n@@ -1,2 +1,2 @@\n-one\n+two\n three\n".to_owned(),
        claim: None,
        parts: vec![Part {
            action: Action::Edit,
            ..part("edit /home/ada/shop/big.txt", Effect::Ask, "a built-in rule says ask edit(**)", vec![literal("x")])
        }],
        steps: Vec::new(),
        scopes: vec![ScopeOffer { scope: Scope::Session, max_seconds: Some(28_800) }],
        unapprovable: Some("it is too long to be shown in full (40 KiB, the most is 32 KiB)".to_owned()),
    }
}

fn asked(id: &str, call: &Call, at: Timestamp) -> Approval {
    let asking = Asking { id: id.to_owned(), digest: call.digest(), asker: Asker::of(call), deferred: false };
    approval::open(asking, at).0
}

fn list() -> List {
    let open = |id: &str, call: &Call, question: &Question, also: &[String], ago: i64| {
        let approval = asked(id, call, NOW.plus_seconds(-ago));
        QuestionView::of(&approval, call, question, also, NOW)
    };
    let call = call("x");
    let asked = asked("a3", &call, NOW.plus_seconds(-900));
    let answer = approval::Answered {
        outcome: approval::Outcome::Deny,
        by: "ada".to_owned(),
        at: NOW.plus_seconds(-800),
        feedback: Some("use the staging remote".to_owned()),
        shown: Vec::new(),
        edited: None,
    };
    let (denied, _) = approval::step(&asked, Event::Reply(answer), NOW.plus_seconds(-800)).unwrap();
    let grant = countersign_policy::Grant {
        id: "g1".to_owned(),
        effect: Effect::Allow,
        action: Action::Shell,
        resource: GrantResource::Pattern(Pattern::parse(&Action::Shell, "cargo test *").unwrap()),
        reach: countersign_policy::Reach::of(&call, Scope::Project).unwrap(),
        created: NOW,
        expires: Some(NOW.plus_seconds(28_800)),
        approval: None,
    };
    let mut remembered = GrantView::of(&grant, 3, NOW);
    let mut wider = grant.clone();
    wider.reach = countersign_policy::Reach::of(&call, Scope::User).unwrap();
    remembered.further = Further::Choices(vec![WiderView::of(&wider, Some(28_800), NOW)]);
    let session = countersign_policy::Grant {
        id: "g2".to_owned(),
        reach: countersign_policy::Reach::of(&call, Scope::Session).unwrap(),
        approval: Some("a9".to_owned()),
        ..grant
    };
    let given_up = |id: &str, gone: bool| GivenUp {
        id: id.to_owned(),
        name: "chat</b><script>alert(1)</script>".to_owned(),
        url: "https://hooks.example/x?token=s3cr3ts3cr3ts3cr3t".to_owned(),
        since: NOW.plus_seconds(-86_400),
        lost: 3,
        waiting: i64::from(!gone),
        gone,
        fault: Some("status 500 \u{202E}".to_owned()),
    };
    List {
        form: "F".to_owned(),
        faults: vec![Shown::of("/home/ada/shop/countersign.toml:3:9: `alow` is no key: did you mean `allow`?")],
        open: vec![
            open("a1", &call, &push(), &["Bash: git push --tags".to_owned()], 190),
            open("a2", &call, &long(), &[], 20),
        ],
        answered: AnsweredView::of(&denied, &push(), NOW).into_iter().collect(),
        grants: vec![remembered, GrantView::of(&session, 0, NOW)],
        given_up: [("w1", false), ("w2", true)].map(|(id, gone)| GivenUpView::of(&given_up(id, gone), NOW)).into(),
        further: Some("g1".to_owned()),
        unused: false,
    }
}

#[test]
fn the_list_as_it_is_written() {
    insta::assert_snapshot!(ListPage { list: list() }.render().unwrap());
}
