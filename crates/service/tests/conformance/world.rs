//! A running server with policy files of a case, and those who come to it: agents, applications, a human.
//!
//! Cases come one after the other to the same server: each writes its policy files, which the server reads anew, has
//! sessions of its own, and takes back what it left behind.
//!
//! What HTTP does not offer goes through [`World::engine`] and [`World::asks_beside`], as it would in a process of this
//! machine that uses the store itself. Each use says why.

mod server;

use std::cell::{OnceCell, RefCell};
use std::path::Path;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_engine::{Engine, NothingKnown, Request, load};
use countersign_policy::approval::State;
use countersign_policy::{Action, Attendance, Call, Effect, Grant, Offer, Question, Target, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::store::{Ask, AskTurn};
use serde_json::{Value, json};

use self::server::{FREE, Running, is_readable};
use crate::client::Answer;

/// The user of every call, and the human who answers.
pub(crate) const USER: &str = "u";
/// The most questions that a session of a case has open.
const MOST_OPEN: u32 = 100;

/// What every case's own policy file begins with: how often a call comes is no concern of most kinds.
pub(crate) const OPEN_TO_ANSWERS: &str = "nobody = \"wait 10m\"\nmax-open = 100\nrepeats = \"never\"\n";
/// The same where nobody can be asked.
pub(crate) const NOBODY_THERE: &str = "nobody = \"deny\"\nmax-open = 100\nrepeats = \"never\"\n";

pub(crate) struct World {
    /// The server; gone once the case is over.
    server: Option<Running>,
    /// Sets this case's sessions apart from those of the cases before it.
    case: usize,
    /// The sessions that this case has, as the server names them.
    sessions: RefCell<Vec<String>>,
    engine: OnceCell<Engine>,
}

/// An agent's session, with its token.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) host: String,
    pub(crate) session: String,
    secret: String,
}

/// What became of asking.
pub(crate) enum Asked {
    /// Policy or an answer decided.
    Decided(Effect),
    /// The question.
    Open(String),
}

impl World {
    /// A server whose user has this policy file, and these beside it.
    pub(crate) fn new(policy: &str, files: &[(&str, &str)]) -> World {
        let is_readable = is_readable(policy, files);
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // With files that cannot be read a server goes on with those that it had before: here it is to have none.
        let mut server = free.filter(|_| is_readable).unwrap_or_else(Running::start);
        let home = Path::new(&server.layout.home);
        for (name, content) in files.iter().copied().chain([("countersign.toml", policy)]) {
            std::fs::write(home.join(name), content).unwrap();
        }
        server.cases += 1;
        World { case: server.cases, server: Some(server), sessions: RefCell::default(), engine: OnceCell::new() }
    }

    fn server(&self) -> &Running {
        self.server.as_ref().unwrap()
    }

    /// An agent with a token for this session, which the human makes.
    pub(crate) fn agent(&self, host: &str, session: &str) -> Agent {
        let session = format!("{}-{session}", self.case);
        let body = json!({ "name": "case", "host": host, "session": session });
        let made = self.human("POST", "/v1/tokens", &body).is(201);
        let secret = made["secret"].as_str().unwrap().to_owned();
        self.sessions.borrow_mut().push(format!("{host}%3A{session}"));
        Agent { host: host.to_owned(), session, secret }
    }

    /// An application's secret.
    pub(crate) fn application(&self) -> String {
        let made = self.human("POST", "/v1/tokens", &json!({ "kind": "application", "name": "chat" })).is(201);
        made["secret"].as_str().unwrap().to_owned()
    }

    pub(crate) fn send(&self, method: &str, path: &str, secret: &str, body: &Value) -> Answer {
        self.server().client.borrow_mut().send(method, path, secret, body)
    }

    /// What the human does.
    pub(crate) fn human(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &self.server().human, body)
    }

    /// What an agent does.
    pub(crate) fn by(&self, agent: &Agent, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &agent.secret, body)
    }

    /// What an agent looks at.
    pub(crate) fn get(&self, agent: &Agent, path: &str) -> Answer {
        self.send("GET", path, &agent.secret, &Value::Null)
    }

    /// A call, as an agent sends it.
    pub(crate) fn call(&self, agent: &Agent, tool: &str, args: Value, turn: Option<&str>) -> Value {
        let project = &self.server().project;
        json!({ "host": agent.host, "tool": tool, "args": args, "cwd": project, "project": project, "turn": turn })
    }

    /// What policy says of a call; a human's answer to it is taken or told with that.
    pub(crate) fn decide(&self, agent: &Agent, call: &Value) -> Value {
        self.by(agent, "/v1/decide", call).is(200)
    }

    /// An agent asks about one call.
    pub(crate) fn ask(&self, agent: &Agent, call: &Value) -> Asked {
        let asked = self.by(agent, "/v1/ask", call);
        match asked.status {
            201 => Asked::Open(id(&asked.body["approval"])),
            _ => Asked::Decided(effect(&asked.is(200))),
        }
    }

    /// The calls of a turn, each with the host's id of it; `defer`: the agent ends the turn with what asks.
    pub(crate) fn turn(&self, agent: &Agent, turn: &str, defer: bool, calls: &[(String, String, Value)]) -> Value {
        let call = |(id, tool, args): &(String, String, Value)| json!({ "id": id, "tool": tool, "args": args });
        let body = json!({
            "host": agent.host, "cwd": self.server().project, "project": self.server().project, "turn": turn,
            "on_ask": if defer { "defer" } else { "wait" }, "calls": calls.iter().map(call).collect::<Vec<_>>(),
        });
        self.by(agent, "/v1/turns", &body).is(200)
    }

    /// What became of a question, as its agent is told. It is told of a no with that.
    pub(crate) fn wait(&self, agent: &Agent, id: &str) -> Value {
        self.get(agent, &format!("/v1/approvals/{id}/wait?seconds=0")).is(200)
    }

    /// An agent takes a yes with the call that it is for. Whether it may run.
    pub(crate) fn redeems(&self, agent: &Agent, id: &str, call: &Value) -> bool {
        let redeemed = self.by(agent, &format!("/v1/approvals/{id}/redeem"), call);
        match redeemed.status {
            200 => effect(&redeemed.body) == Effect::Allow,
            409 => false,
            _ => redeemed.is(200).is_null(),
        }
    }

    /// An agent waits no longer for its question.
    pub(crate) fn cancel(&self, agent: &Agent, id: &str) {
        self.by(agent, &format!("/v1/approvals/{id}/cancel"), &json!({})).is(200);
    }

    /// An agent's host gives up all of the session, or one turn; the questions that were withdrawn.
    pub(crate) fn give_up(&self, agent: &Agent, turn: Option<&str>, reason: &str) -> Vec<String> {
        let given_up = self.by(agent, "/v1/turns/cancel", &json!({ "turn": turn, "reason": reason })).is(200);
        crate::case::texts(&given_up["cancelled"])
    }

    /// The human answers.
    pub(crate) fn reply(&self, id: &str, reply: &Value) -> Answer {
        self.human("POST", &format!("/v1/approvals/{id}/reply"), reply)
    }

    /// A question as the human sees it.
    pub(crate) fn question(&self, id: &str) -> Question {
        let record = self.human("GET", &format!("/v1/approvals/{id}"), &Value::Null).is(200);
        serde_json::from_value(record["question"].clone()).unwrap()
    }

    pub(crate) fn state(&self, id: &str) -> State {
        let record = self.human("GET", &format!("/v1/approvals/{id}"), &Value::Null).is(200);
        serde_json::from_value(record["approval"]["state"].clone()).unwrap()
    }

    /// The questions that wait for an answer.
    pub(crate) fn open(&self) -> Vec<String> {
        let open = self.human("GET", "/v1/approvals?open=true&limit=1000", &Value::Null).is(200);
        open.as_array().unwrap().iter().map(|record| id(&record["approval"])).collect()
    }

    /// Every grant that counts, the oldest first.
    pub(crate) fn grants(&self) -> Vec<Grant> {
        let kept = self.human("GET", "/v1/grants?limit=1000", &Value::Null).is(200);
        let kept = kept.as_array().unwrap().iter().rev();
        kept.map(|kept| serde_json::from_value(kept["grant"].clone()).unwrap()).collect()
    }

    /// The engine over the files that the server has read.
    pub(crate) fn engine(&self) -> &Engine {
        let load = || load(&Disk, &self.server().layout, &self.server().project, &NothingKnown).unwrap().engine;
        self.engine.get_or_init(load)
    }

    /// A call as the server reads it.
    pub(crate) fn taken_apart(&self, agent: &Agent, call: &Value) -> Call {
        let text = |name: &str| call[name].as_str().map(str::to_owned);
        let request = Request {
            host: agent.host.clone(),
            tool: text("tool").unwrap(),
            args: call["args"].clone(),
            cwd: self.server().project.clone(),
            project: self.server().project.clone(),
            session: agent.session.clone(),
            turn: text("turn"),
            user: USER.to_owned(),
            home: self.server().layout.home.clone(),
            attendance: Attendance::Somebody,
            ..Request::of("shell", "")
        };
        self.engine().call(&request, &Disk)
    }

    /// Another process asks in the store, as a hook does; `offers` says what may be remembered of the target of one of
    /// the calls.
    pub(crate) fn asks_beside(
        &self,
        agent: &Agent,
        asks: &[(String, Value)],
        defer: bool,
        offers: impl Fn(usize, &Target) -> Vec<Offer>,
    ) -> Beside {
        let engine = self.engine();
        let asks: Vec<(&str, Call, Question)> = asks
            .iter()
            .enumerate()
            .map(|(at, (id, call))| {
                let call = self.taken_apart(agent, call);
                let decision = engine.decide(&[], None, &call, now());
                let mut question = engine.question(&call, &decision, &Disk);
                // What policy does not let be remembered is not offered.
                for part in question.parts.iter_mut().filter(|part| !part.offers.is_empty()) {
                    let target = call.targets.iter().find(|target| target.identity() == part.identity).unwrap();
                    part.offers = offers(at, target);
                }
                (&**id, call, question)
            })
            .collect();
        let ask = |(id, call, question)| (id, Ask { call, question, max_open: MOST_OPEN, deferred: defer });
        let turn = AskTurn { asks: asks.iter().map(|(id, call, question)| ask((*id, call, question))).collect() };
        let mut store = self.server().store.borrow_mut();
        let asked = block_on(store.ask_turn(&turn, None, now())).unwrap();
        let questions = asked.asked.into_iter().map(|asked| asked.unwrap().record.approval.id);
        Beside { batch: asked.batch.map(|batch| batch.id), questions: questions.collect() }
    }
}

/// What was asked in the store itself.
pub(crate) struct Beside {
    pub(crate) batch: Option<String>,
    /// Each call's question, in their order.
    pub(crate) questions: Vec<String>,
}

impl Drop for World {
    /// Takes back what the case left behind, and leaves the server to the next one.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for session in self.sessions.take() {
            let ended = self.human("DELETE", &format!("/v1/sessions/{session}"), &Value::Null);
            assert!([204, 404].contains(&ended.status), "{}", ended.body);
        }
        for grant in self.grants() {
            self.human("DELETE", &format!("/v1/grants/{}", grant.id), &Value::Null).is(204);
        }
        assert!(self.open().is_empty(), "a question of a session that has ended is open");
        FREE.lock().unwrap_or_else(PoisonError::into_inner).extend(self.server.take());
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

/// The choice of all that a question offers for what it asks about, of the offers that `is` takes.
pub(crate) fn chosen(question: &Question, is: impl Fn(&Offer) -> bool) -> Vec<Value> {
    let parts = question.parts.iter().enumerate().filter(|(_, part)| part.effect == Effect::Ask);
    let offers = parts.flat_map(|(at, part)| part.offers.iter().enumerate().map(move |(place, one)| (at, place, one)));
    let chosen = offers.filter(|(.., offer)| is(offer));
    chosen.map(|(part, offer, _)| json!({ "part": part, "offer": offer })).collect()
}

/// The id of a question, as its agent sees it.
pub(crate) fn id(approval: &Value) -> String {
    approval["id"].as_str().unwrap_or_else(|| panic!("no question: {approval}")).to_owned()
}

/// What a verdict says.
pub(crate) fn effect(verdict: &Value) -> Effect {
    Effect::named(verdict["effect"].as_str().unwrap()).unwrap()
}

/// The name of the tool that an action is.
pub(crate) fn name_of(action: &Action) -> String {
    match action {
        Action::Tool(name) => name.clone(),
        other => other.to_string(),
    }
}

/// A text as it stands in a policy file.
pub(crate) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A tool whose calls name what they are for in this argument.
pub(crate) fn tool_with_resource(tool: &str, pointer: &str) -> String {
    format!("\n[tools.{}]\nresource = {}\n", quoted(&format!("tool:{tool}")), quoted(pointer))
}
