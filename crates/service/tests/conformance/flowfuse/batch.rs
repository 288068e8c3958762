//! Cards, presses, and what the agent is resumed with, through the store's batches.

use std::collections::BTreeMap;

use countersign_formats::flowfuse::{Deferred, deferred, resume, status};
use countersign_policy::approval::{CancelReason, Outcome, State};
use countersign_policy::batch::BatchState;
use countersign_policy::{Call, Effect, Question, Scope, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::gate::Gate;
use countersign_service::store::{Owner, Reply, ReplyError, Withdraw};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{USER, World, all_offers, offering, once};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "batch",
        compares: "after each response, press, stop, start over and new message: whether cards wait, how many, and the answers so far; at the end what the agent was resumed with, each card's status, and what was chosen for this chat",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let mut chat = Chat::new();
    let mut differences = Vec::new();
    let theirs = case.expect["trace"].as_array().unwrap();
    for (op, theirs) in case.request["ops"].as_array().unwrap().iter().zip(theirs) {
        chat.operate(op);
        differences.extend(of_trace(theirs, &chat.state()));
    }
    // A message's own text is no answer.
    let sent = case.expect["sent_to_agent"].as_array().unwrap().iter().filter_map(|sent| sent.get("toolApprovals"));
    let sent: Vec<Value> = sent.cloned().collect();
    differences.extend(of_answers("sent", &json!(sent), &json!(chat.sent)));
    differences.extend(of_statuses(&case.expect["statuses"], &json!(chat.statuses())));
    let theirs = &case.expect["sessionToolOverrides"];
    let ours = json!(chat.overrides());
    if *theirs != ours {
        // A denial that is there and not in theirs is stricter; anything else is not.
        let stricter =
            ours.as_object().unwrap().iter().all(|(tool, choice)| theirs[tool] == *choice || choice == "deny")
                && theirs.as_object().unwrap().iter().all(|(tool, choice)| ours[tool] == *choice || choice == "allow");
        let side = if stricter { Difference::stricter } else { Difference::looser };
        differences.push(side("overrides", theirs.to_string(), ours.to_string()));
    }
    differences
}

/// The browser with its chat, the store behind it, and the agent at the other end.
struct Chat {
    world: World,
    /// The batch whose cards are shown as waiting.
    batch: Option<String>,
    /// How many responses came.
    responses: usize,
    /// Every card since the conversation began: its id, its call and its question.
    cards: Vec<(Deferred, Call, String)>,
    sent: Vec<Value>,
}

impl Chat {
    fn new() -> Chat {
        let world = World::new(imported::policy(Vec::new(), Vec::new()));
        Chat { world, batch: None, responses: 0, cards: Vec::new(), sent: Vec::new() }
    }

    fn operate(&mut self, op: &Value) {
        match op["op"].as_str() {
            Some("response") => self.response(op["cards"].as_array().unwrap()),
            Some("press") => self.press(op["id"].as_str().unwrap(), op["approved"] == true, op["always"] == true),
            Some("stop") => self.give_up(CancelReason::Stop),
            Some("new-message") => self.give_up(CancelReason::NewMessage),
            Some("start-over") => {
                let now = self.world.pass();
                block_on(self.world.store.start_over(&owner(), USER, now)).unwrap();
                self.batch = None;
                self.cards.clear();
            }
            other => panic!("an unknown operation {other:?}"),
        }
    }

    /// A turn ends with these cards; what an earlier one left open is given up.
    fn response(&mut self, cards: &[Value]) {
        self.give_up(CancelReason::NewMessage);
        self.responses += 1;
        let transaction = self.responses.to_string();
        let cards = deferred(cards);
        let asks: Vec<(String, Call, Question)> = cards
            .iter()
            .map(|card| {
                let call = call(card, &transaction);
                // The agent asks: what was chosen for the chat is looked at when the answer is taken.
                let decision = self.world.engine.decide(&[], None, &call, Timestamp(0));
                let question = self.world.engine.question(&call, &decision, &Disk);
                (card.id.clone(), call, offering(question, card.offers()))
            })
            .collect();
        let turn = self.world.ask_turn(&asks, true);
        self.batch = turn.batch.map(|batch| batch.id);
        for ((card, (_, call, _)), asked) in cards.into_iter().zip(asks).zip(turn.asked) {
            self.cards.push((card, call, asked.unwrap().record.approval.id));
        }
    }

    fn press(&mut self, id: &str, approved: bool, always: bool) {
        let Some(batch) = self.batch.clone() else { return };
        let shown = self.members();
        let Some((_, call, question)) = shown.iter().find(|(card, ..)| card.id == id) else { return };
        let outcome = if approved { Outcome::Allow } else { Outcome::Deny };
        let mut answer = once(question, outcome);
        if always {
            answer.remember = all_offers(&self.world.record(question).question);
            if !answer.remember.is_empty() {
                answer.scope = Scope::Session;
            }
        }
        // A choice for the chat takes the place of the one before it.
        if always && approved && self.world.record(question).approval.state == State::Open {
            self.forget_denials(call);
        }
        match self.world.reply(&answer) {
            Ok(_) | Err(ReplyError::Refused(_)) => {}
            // The card is told that it can only be denied.
            Err(ReplyError::Stricter { .. }) => {
                self.world.reply(&Reply { outcome: Outcome::Deny, ..once(question, outcome) }).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
        self.resume(&batch);
    }

    fn forget_denials(&mut self, call: &Call) {
        for kept in self.world.grants() {
            if kept.grant.effect == Effect::Deny && kept.grant.action == call.action {
                let now = self.world.pass();
                block_on(self.world.store.revoke(&kept.grant.id, USER, USER, now)).unwrap();
            }
        }
    }

    /// Once all are answered, the agent is resumed and comes for what it may run.
    fn resume(&mut self, batch: &str) {
        let now = self.world.pass();
        let Ok(taken) = block_on(self.world.store.take_batch(batch, &owner(), "request", None, now)) else { return };
        let mut answers = BTreeMap::new();
        for (member, record) in taken.batch.members.iter().zip(&taken.records) {
            let allowed = matches!(record.approval.state, State::Allowed { .. });
            let runs = allowed && self.runs(&record.call);
            answers.insert(member.call.clone(), runs);
        }
        self.sent.push(resume(json!({}), &answers)["toolApprovals"].clone());
        self.batch = None;
    }

    /// The agent comes with a call that was allowed; what was remembered decides by itself.
    fn runs(&mut self, call: &Call) -> bool {
        let (Gate::Answered { decision, .. } | Gate::Decided { decision }) = self.world.gate(call) else {
            return false;
        };
        decision.effect() == Effect::Allow
    }

    fn give_up(&mut self, reason: CancelReason) {
        let Owner { user, session } = owner();
        self.world.withdraw(&Withdraw::Session { user, session }, reason);
        self.batch = None;
    }

    /// The cards of the batch that is shown.
    fn members(&mut self) -> Vec<(Deferred, Call, String)> {
        let Some(batch) = self.batch.clone() else { return Vec::new() };
        let found = block_on(self.world.store.batch(&batch)).unwrap().unwrap();
        let is_member = |id: &str| found.batch.members.iter().any(|member| member.approval == id);
        self.cards.iter().filter(|(.., id)| is_member(id)).cloned().collect()
    }

    fn state(&mut self) -> Value {
        let Some(batch) = self.batch.clone() else { return json!({ "open": false }) };
        let found = block_on(self.world.store.batch(&batch)).unwrap().unwrap();
        assert_eq!(found.batch.state, BatchState::Open);
        let mut decisions = serde_json::Map::new();
        for (member, record) in found.batch.members.iter().zip(&found.records) {
            match record.approval.state {
                State::Open => continue,
                State::Allowed { .. } => decisions.insert(member.call.clone(), json!("approved")),
                _ => decisions.insert(member.call.clone(), json!("denied")),
            };
        }
        let remaining = found.records.len() - decisions.len();
        json!({ "open": true, "remaining": remaining, "decisions": decisions })
    }

    /// Of each card that does not wait its status.
    fn statuses(&mut self) -> BTreeMap<String, &'static str> {
        let all = countersign_service::store::GrantFilter { all: true, limit: 1000, ..Default::default() };
        let now = self.world.now;
        let grants = block_on(self.world.store.grants(&all, now)).unwrap();
        let mut statuses = BTreeMap::new();
        for (card, _, id) in self.cards.clone() {
            let remembered = grants.iter().any(|kept| kept.grant.approval.as_ref() == Some(&id));
            let status = status(&self.world.record(&id).approval.state, remembered);
            if status != "pending" {
                statuses.insert(card.id, status);
            }
        }
        statuses
    }

    /// What was chosen for this chat, by tool: a denial stands before an allow.
    fn overrides(&mut self) -> BTreeMap<String, &'static str> {
        let mut overrides = BTreeMap::new();
        for kept in self.world.grants() {
            let tool = kept.grant.action.to_string().trim_start_matches("tool:").to_owned();
            if kept.grant.effect == Effect::Deny {
                overrides.insert(tool, "deny");
            } else {
                overrides.entry(tool).or_insert("allow");
            }
        }
        overrides
    }
}

fn call(card: &Deferred, transaction: &str) -> Call {
    let tool = card.tool.as_deref().unwrap_or("unnamed");
    Call {
        host: "flowfuse".to_owned(),
        class: card.class,
        args: card.args(transaction),
        faults: Vec::new(),
        ..imported::call(tool, &[])
    }
}

fn owner() -> Owner {
    Owner { user: USER.to_owned(), session: "flowfuse:s".to_owned() }
}

fn of_trace(theirs: &Value, ours: &Value) -> Vec<Difference> {
    if theirs["open"] != ours["open"] || theirs["remaining"] != ours["remaining"] {
        return vec![Difference::looser("waiting", theirs.to_string(), ours.to_string())];
    }
    of_answers("answers", &theirs["decisions"], &ours["decisions"])
}

/// Answers, of which those that differ must be denials of ours.
fn of_answers(of: &'static str, theirs: &Value, ours: &Value) -> Vec<Difference> {
    if theirs == ours {
        return Vec::new();
    }
    let approved = |value: &Value| value.to_string().matches("approved").count();
    let named = |value: &Value| value.to_string().replace("approved", "denied");
    let stricter = named(theirs) == named(ours) && approved(ours) < approved(theirs);
    let side = if stricter { Difference::stricter } else { Difference::looser };
    vec![side(of, theirs.to_string(), ours.to_string())]
}

fn of_statuses(theirs: &Value, ours: &Value) -> Vec<Difference> {
    let (theirs, ours) = (theirs.as_object().unwrap(), ours.as_object().unwrap());
    let mut ids: Vec<&String> = theirs.keys().chain(ours.keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    let of = |all: &serde_json::Map<String, Value>, id: &String| {
        all.get(id).and_then(Value::as_str).unwrap_or("none").to_owned()
    };
    let differing =
        ids.into_iter().map(|id| (id, of(theirs, id), of(ours, id))).filter(|(_, theirs, ours)| theirs != ours);
    differing
        .map(|(id, theirs, ours)| {
            let no = ["denied", "always-denied", "cancelled"].contains(&&*ours);
            let side = if no || ours == "approved" && theirs == "always-allowed" {
                Difference::stricter
            } else {
                Difference::looser
            };
            side("status", format!("{id} {theirs}"), format!("{id} {ours}"))
        })
        .collect()
}

const RULES: &[Rule] = &[
    Rule {
        name: "cards that others took the place of are cancelled",
        inputs: "a response with cards while others wait",
        answer: "those that wait are withdrawn, and say so",
        why: "theirs forgets them: their buttons stay, do nothing, and the card shows \"Allowed\"",
        side: Side::Stricter,
        explains: |case, difference| {
            let responses = case.request["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "response").count();
            difference.of == "status" && responses > 1 && difference.ours.ends_with(" cancelled")
        },
    },
    Rule {
        name: "an answer that never counted says so",
        inputs: "cards that were allowed before the human stopped the agent or wrote something else",
        answer: "withdrawn like the cards that were not answered",
        why: "the call never ran, and theirs shows \"Allowed\"",
        side: Side::Stricter,
        explains: |_, difference| {
            difference.of == "status"
                && difference.theirs.ends_with("ed")
                && [" denied", " cancelled"].iter().any(|end| difference.ours.ends_with(end))
        },
    },
    Rule {
        name: "what is denied for a chat is not approved in it",
        inputs: "a tool that was denied for this chat, and another card for it that is allowed once",
        answer: "denied, until the choice for the chat is taken back",
        why: "theirs asks the choice for the next call and lets this one run",
        side: Side::Stricter,
        explains: |case, difference| {
            let presses = case.request["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "press");
            let mut denied = presses.filter(|op| op["approved"] == false && op["always"] == true);
            denied.next().is_some() && ["sent", "answers", "status"].contains(&difference.of)
        },
    },
    Rule {
        name: "denials outlive starting over",
        inputs: "a tool that was denied for this chat, and a conversation that starts over in it",
        answer: "still denied",
        why: "whoever starts over to get rid of a confused agent has not changed their mind about what it may do",
        side: Side::Stricter,
        explains: |case, difference| {
            let ops = case.request["ops"].as_array().unwrap();
            difference.of == "overrides" && ops.iter().any(|op| op["op"] == "start-over")
        },
    },
    Rule {
        name: "a card says only what was remembered",
        inputs: "\"Always allow\" on a card that names no tool",
        answer: "allowed this once",
        why: "nothing can be remembered of it, and theirs says that it was",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "status" && difference.ours.ends_with(" approved"),
    },
];
