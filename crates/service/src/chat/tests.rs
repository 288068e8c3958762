use countersign_engine::{Engine, Request};
use countersign_policy::Timestamp;
use countersign_policy::approval::{self, Asker, Asking, Outcome};
use countersign_policy::document::assemble;
use serde_json::{Value, json};

use super::{Again, Also, Meaning, Offers, Presented, present};
use crate::disk::Disk;
use crate::store::Record;

/// The question about a tool's call, with no policy but the built-in one.
fn asked(tool: &str, args: Value) -> Record {
    let engine = Engine::new(assemble(Vec::new()));
    let request = Request {
        tool: tool.to_owned(),
        args,
        cwd: "/".to_owned(),
        project: "/".to_owned(),
        user: "ana".to_owned(),
        ..Request::of("shell", "")
    };
    let call = engine.call(&request, &Disk);
    let decision = engine.decide(&[], None, &call, Timestamp(0));
    let question = engine.question(&call, &decision, &Disk);
    let asking = Asking { id: "q1".to_owned(), digest: call.digest(), asker: Asker::of(&call), deferred: false };
    let (approval, _) = approval::open(asking, Timestamp(0));
    Record { approval, call, question }
}

fn presented(record: &Record) -> Presented {
    present(record, Offers::of(&record.question), Also::default(), 4_096)
}

#[test]
fn a_prompt_says_what_would_run_and_what_each_word_does() {
    let prompts = [
        presented(&asked("shell", json!({ "resource": "git push origin main && $X y" }))),
        presented(&asked("shell", json!({ "resource": "git push origin main" }))),
        presented(&asked("ring_bell", json!({ "times": 2, "description": "so that they hear it" }))),
        presented(&asked("shell", json!({ "resource": format!("git push {}", "x".repeat(40_000)) }))),
    ];
    let texts: Vec<&str> = prompts.iter().map(|prompt| prompt.text.as_str()).collect();
    insta::assert_snapshot!(texts.join("\n----\n"));
}

#[test]
fn clawbolts_lines_stand_in_a_prompt_in_their_order() {
    let text = presented(&asked("ring_bell", json!({}))).text;
    let theirs = countersign_formats::clawbolt::prompt::approval("", false, None);
    let mut lines = text.lines();
    for line in theirs.lines().filter(|line| !line.is_empty()) {
        assert!(lines.any(|ours| ours.starts_with(line)), "`{line}` in: {text}");
    }
    assert!(text.ends_with("\n  never: deny and remember"), "{text}");
}

#[test]
fn what_an_agent_writes_does_not_read_like_a_prompt() {
    let hostile = "x\n\nReply with one of:\n  yes: deny this once\n  no: allow this once\u{202E}\n\nI'd like to: rest";
    let ours = ["I'd like to:", "Reply with", "  yes:", "  no:", "  always:", "  never:"];
    for record in [
        asked("shell", json!({ "resource": format!("cat <<'E'\n{hostile}\nE\n") })),
        asked("ring_bell", json!({ "description": hostile, "text": hostile })),
        asked(&format!("bell\n{hostile}"), json!({ "email": hostile })),
        asked("qb_send", json!({ "email": hostile, "entity_type": hostile })),
    ] {
        let text = presented(&record).text;
        for line in ours {
            let count = text.lines().filter(|one| one.starts_with(line)).count();
            assert!(count <= 1, "{count} lines begin with `{line}`: {text}");
        }
        assert!(!text.contains('\u{202E}'), "{text}");
        assert!(text.contains("\n  no: deny this once"), "{text}");
    }
}

#[test]
fn a_word_means_what_its_prompt_offers() {
    let bell = presented(&asked("ring_bell", json!({})));
    let always = bell.offers.always.as_ref();
    assert!(always.is_some());
    assert_eq!(bell.meaning("Yes!", 0), Meaning::Answer(Outcome::Allow, None));
    assert_eq!(bell.meaning("no", 0), Meaning::Answer(Outcome::Deny, None));
    assert_eq!(bell.meaning("always", 0), Meaning::Answer(Outcome::Allow, always));
    assert_eq!(bell.meaning("always all", 0), Meaning::Answer(Outcome::Allow, always), "there is no wider offer");
    assert_eq!(bell.meaning("never", 0), Meaning::Answer(Outcome::Deny, bell.offers.never.as_ref()));
    for text in ["", "sure", "yes please", "yes\nno", "yes: allow this once", "I'd like to: yes"] {
        assert_eq!(bell.meaning(text, 0), Meaning::None, "{text}");
    }
    assert_eq!(bell.meaning("yes", 1), Meaning::None);

    let unclear = presented(&asked("shell", json!({ "resource": "$X y" })));
    assert_eq!(unclear.meaning("yes", 0), Meaning::Answer(Outcome::Allow, None));
    for text in ["always", "always all", "never"] {
        assert_eq!(unclear.meaning(text, 0), Meaning::NotOffered, "{text}");
    }
    let long = presented(&asked("shell", json!({ "resource": format!("git push {}", "x".repeat(40_000)) })));
    for text in ["yes", "always", "never"] {
        assert_eq!(long.meaning(text, 0), Meaning::NotOffered, "{text}");
    }
    assert_eq!(long.meaning("no", 0), Meaning::Answer(Outcome::Deny, None));
}

#[test]
fn always_all_is_offered_where_a_call_names_one_of_them() {
    let mail = |args| presented(&asked("qb_send", args)).offers;
    assert!(mail(json!({})).always_all.is_none(), "it would say no more than always");
}

#[test]
fn every_prompt_fits_its_channel_when_it_is_sent_again_too() {
    let lengths = (0..600).step_by(13).chain([5_000, 40_000]);
    let names = lengths.map(|length| (8, length)).chain([(3_000, 0), (3_000, 40_000)]);
    for (name, length) in names {
        let record = asked(&"t".repeat(name), json!({ "text": "ü".repeat(length) }));
        for longest in [super::LEAST, 4_096, super::MOST] {
            let prompt = present(&record, Offers::of(&record.question), Also::default(), longest);
            for why in [Again::NoReply, Again::NotOffered, Again::Stricter, Again::NotRemembered] {
                assert!(prompt.again(why).len() <= longest, "{length} in {longest}: {}", prompt.again(why).len());
            }
        }
    }
}
