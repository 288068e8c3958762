//! Cards, presses, and what the agent is resumed with: turns that end with what asks, and a human who answers.

use std::collections::BTreeMap;

use countersign_formats::flowfuse::{Deferred, deferred, resume, status};
use countersign_policy::approval::State;
use countersign_policy::{Effect, Grant};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{Agent, OPEN_TO_ANSWERS, World, chosen, id, quoted};

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
    let mut chat = Chat::new(case);
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

/// The browser with its chat, the server behind it, and the agent at the other end.
struct Chat {
    world: World,
    agent: Agent,
    /// The batch whose cards are shown as waiting.
    batch: Option<String>,
    /// How many responses came.
    responses: usize,
    /// Every card since the conversation began.
    cards: Vec<Card>,
    sent: Vec<Value>,
    /// The tool of each question that was ever asked.
    tools: BTreeMap<String, String>,
    /// Whether anything was chosen for the chat.
    has_chosen: bool,
}

/// A card with its call and its question.
#[derive(Clone)]
struct Card {
    card: Deferred,
    call: Value,
    question: String,
    /// Whether its answer was remembered.
    remembered: bool,
}

impl Chat {
    fn new(case: &Case) -> Chat {
        let world = World::new(&policy(case), &[]);
        let agent = world.agent("flowfuse", "s");
        let (cards, sent, tools) = (Vec::new(), Vec::new(), BTreeMap::new());
        Chat { world, agent, batch: None, responses: 0, cards, sent, tools, has_chosen: false }
    }

    fn operate(&mut self, op: &Value) {
        match op["op"].as_str() {
            Some("response") => self.response(op["cards"].as_array().unwrap()),
            Some("press") => self.press(op["id"].as_str().unwrap(), op["approved"] == true, op["always"] == true),
            Some("stop") => self.give_up("stop"),
            Some("new-message") => self.give_up("new_message"),
            Some("start-over") => {
                self.give_up("start_over");
                self.cards.clear();
            }
            other => panic!("an unknown operation {other:?}"),
        }
    }

    /// A turn ends with these cards; what an earlier one left open is given up.
    fn response(&mut self, cards: &[Value]) {
        self.give_up("new_message");
        self.responses += 1;
        let transaction = self.responses.to_string();
        let calls: Vec<(Deferred, Value)> = deferred(cards)
            .into_iter()
            .map(|card| {
                let call = self.world.call(&self.agent, tool(&card), card.args(&transaction), Some(&transaction));
                (card, call)
            })
            .collect();
        // A turn without calls is none.
        if calls.is_empty() {
            return;
        }
        let (batch, questions) = self.asks(&transaction, &calls);
        self.batch = batch;
        for ((card, call), question) in calls.into_iter().zip(questions) {
            self.tools.insert(question.clone(), tool(&card).to_owned());
            self.cards.push(Card { card, call, question, remembered: false });
        }
    }

    /// Asks about the calls of a turn; the batch, and each call's question.
    fn asks(&self, turn: &str, calls: &[(Deferred, Value)]) -> (Option<String>, Vec<String>) {
        let each = |(card, call): &(Deferred, Value)| (card.id.clone(), tool(card).to_owned(), call["args"].clone());
        let calls_of_turn: Vec<(String, String, Value)> = calls.iter().map(each).collect();
        // FlowFuse's agent sends cards also for tools about which this chat has been told "always", and looks at that
        // once they are pressed; with us nothing is asked then. What it would ask is put into the store itself.
        let is_chosen = |grant: &Grant| calls.iter().any(|(card, _)| self.tool_of(grant) == tool(card));
        if self.has_chosen && self.world.grants().iter().any(is_chosen) {
            let asks: Vec<_> = calls.iter().map(|(card, call)| (card.id.clone(), call.clone())).collect();
            let beside = self.world.asks_beside(&self.agent, &asks, true, |at, _| calls[at].0.offers());
            return (beside.batch, beside.questions);
        }
        let asked = self.world.turn(&self.agent, turn, true, &calls_of_turn);
        let questions = asked["calls"].as_array().unwrap().iter().map(|call| id(&call["approval"]));
        (Some(id(&asked["batch"])), questions.collect())
    }

    fn press(&mut self, id: &str, approved: bool, always: bool) {
        let Some(batch) = self.batch.clone() else { return };
        let members = self.outcomes(&batch);
        let is_member = |card: &Card| {
            members.iter().any(|(member, question, _)| *member == card.card.id && *question == card.question)
        };
        let Some(at) = self.cards.iter().position(|card| card.card.id == id && is_member(card)) else { return };
        let card = self.cards[at].clone();
        let outcome = if approved { "allow" } else { "deny" };
        let mut answer = json!({ "outcome": outcome });
        // Of a card that names no tool nothing can be remembered.
        if always && card.card.tool.is_some() {
            let remember = chosen(&self.world.question(&card.question), |_| true);
            answer = json!({ "outcome": outcome, "scope": "session", "remember": remember, "alone": true });
            // A choice for the chat takes the place of the one before it.
            if approved && self.world.state(&card.question) == State::Open {
                self.forget_denials(&card.card);
            }
        }
        let replied = self.world.reply(&card.question, &answer);
        match replied.status {
            200 => {
                let made = !replied.body["grants"].as_array().unwrap().is_empty();
                self.cards[at].remembered = card.remembered || made;
                self.has_chosen = self.has_chosen || made;
            }
            // The card is told that it can only be denied.
            409 if replied.code() == "stricter" => {
                self.world.reply(&card.question, &json!({ "outcome": "deny" })).is(200);
            }
            409 => {}
            _ => drop(replied.is(200)),
        }
        self.resume(&batch);
    }

    fn forget_denials(&self, card: &Deferred) {
        for grant in self.world.grants() {
            if grant.effect == Effect::Deny && self.tool_of(&grant) == tool(card) {
                self.world.human("DELETE", &format!("/v1/grants/{}", grant.id), &Value::Null).is(204);
            }
        }
    }

    /// Once all are answered, the agent is resumed and comes for what it may run.
    fn resume(&mut self, batch: &str) {
        let taken = self.world.by(&self.agent, &format!("/v1/batches/{batch}/resume"), &json!({}));
        if taken.status == 409 {
            return;
        }
        let mut answers = BTreeMap::new();
        for outcome in taken.is(200)["outcomes"].as_array().unwrap() {
            let question = id(&outcome["approval"]);
            let card = self.cards.iter().find(|card| card.question == question).unwrap();
            let runs = outcome["outcome"] == "approved" && self.world.redeems(&self.agent, &question, &card.call);
            answers.insert(outcome["call"].as_str().unwrap().to_owned(), runs);
        }
        self.sent.push(resume(json!({}), &answers)["toolApprovals"].clone());
        self.batch = None;
    }

    fn give_up(&mut self, reason: &str) {
        self.world.give_up(&self.agent, None, reason);
        self.batch = None;
    }

    /// What became of each card of a batch: its id, its question and its outcome.
    fn outcomes(&self, batch: &str) -> Vec<(String, String, String)> {
        let found = self.world.get(&self.agent, &format!("/v1/batches/{batch}")).is(200);
        assert_eq!(found["state"], "open");
        let outcomes = found["outcomes"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        outcomes.map(|one| (text(&one["call"]), id(&one["approval"]), text(&one["outcome"]))).collect()
    }

    fn state(&self) -> Value {
        let Some(batch) = &self.batch else { return json!({ "open": false }) };
        let outcomes = self.outcomes(batch);
        let mut decisions = serde_json::Map::new();
        for (call, _, outcome) in &outcomes {
            match &**outcome {
                "open" => continue,
                "approved" => decisions.insert(call.clone(), json!("approved")),
                _ => decisions.insert(call.clone(), json!("denied")),
            };
        }
        let remaining = outcomes.len() - decisions.len();
        json!({ "open": true, "remaining": remaining, "decisions": decisions })
    }

    /// Of each card that does not wait its status.
    fn statuses(&self) -> BTreeMap<String, &'static str> {
        let mut statuses = BTreeMap::new();
        for Card { card, question, remembered, .. } in &self.cards {
            let status = status(&self.world.state(question), *remembered);
            if status != "pending" {
                statuses.insert(card.id.clone(), status);
            }
        }
        statuses
    }

    /// The tool about which that was remembered.
    fn tool_of(&self, grant: &Grant) -> &str {
        &self.tools[grant.approval.as_ref().unwrap()]
    }

    /// What was chosen for this chat, by tool: a denial stands before an allow.
    fn overrides(&self) -> BTreeMap<String, &'static str> {
        let mut overrides = BTreeMap::new();
        for grant in self.world.grants() {
            let tool = self.tool_of(&grant).to_owned();
            if grant.effect == Effect::Deny {
                overrides.insert(tool, "deny");
            } else {
                overrides.entry(tool).or_insert("allow");
            }
        }
        overrides
    }
}

/// Every card waits, whatever its class: which calls ask is FlowFuse's agent's to say.
fn policy(case: &Case) -> String {
    let responses = case.request["ops"].as_array().unwrap().iter().filter_map(|op| op["cards"].as_array());
    let mut classes: BTreeMap<String, &str> = BTreeMap::new();
    for card in responses.flat_map(|cards| deferred(cards)) {
        classes.insert(tool(&card).to_owned(), card.class.word());
    }
    // A policy file describes tools with plain names.
    let is_plain = |tool: &&String| tool.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let tools = classes
        .iter()
        .filter(|(tool, _)| is_plain(tool))
        .map(|(tool, class)| format!("\n[tools.{}]\nclass = {}\n", quoted(&format!("tool:{tool}")), quoted(class)));
    format!("{OPEN_TO_ANSWERS}ask = [\"*\"]\n{}", tools.collect::<String>())
}

fn tool(card: &Deferred) -> &str {
    card.tool.as_deref().unwrap_or("unnamed")
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
