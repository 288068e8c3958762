//! Two people answer the same question in the same millisecond, and the agent redeems it twice; at two servers over one
//! store. Who waits does so at a server that has not taken the answer, as often as not, and that nobody notifies.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::book::{Book, Said};
use crate::dice::Dice;
use crate::house::{House, Server};
use crate::tally::{Count, Wrong};
use crate::wire::{Heard, WAIT_SECONDS, Wire};
use crate::{number, settle};

/// How many questions are raced for at once.
const WORKERS: usize = 4;
/// Answers that were sent within this time of each other count as a race.
const SAME: Duration = Duration::from_millis(1);

/// Goes on until so many pairs of answers were sent within a millisecond.
pub(crate) fn run(seed: u64) -> (Wrong, Count) {
    let races = number("COUNTERSIGN_SOAK_RACES", 300);
    let (house, book) = (House::new(WORKERS, 2 * WORKERS), Book::default());
    let servers = [house.serve(0), house.serve(0)];
    let (raced, first, elsewhere) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..WORKERS {
            let mut worker = Worker::new(&house, &book, &servers, number, seed);
            let (raced, first, elsewhere) = (&raced, &first, &elsewhere);
            scope.spawn(move || {
                while raced.load(Ordering::Relaxed) < races {
                    let Some(race) = worker.race() else { continue };
                    raced.fetch_add(u64::from(race.same), Ordering::Relaxed);
                    first.fetch_add(u64::from(race.first), Ordering::Relaxed);
                    elsewhere.fetch_add(u64::from(race.elsewhere), Ordering::Relaxed);
                }
            });
        }
    });
    let [raced, first, elsewhere] = [raced, first, elsewhere].map(AtomicU64::into_inner);
    println!(
        "raced: {raced} pairs of answers in the same millisecond, the first to be sent won {first}; {elsewhere} waiters \
         were told of another server's answer"
    );
    // Each side won at times, or this was no race.
    assert!(first > 0 && first < raced, "{first} of {raced}");
    drop(servers);
    settle("raced", &house, book, 0)
}

struct Worker<'a> {
    house: &'a House,
    book: &'a Book,
    number: usize,
    dice: Dice,
    count: u64,
    /// At each of the servers: the agent's, for requests and for waiting, and two people's.
    agent: [Wire; 2],
    waiting: [Wire; 2],
    one: [Wire; 2],
    two: [Wire; 2],
}

/// How a race went.
struct Race {
    same: bool,
    first: bool,
    elsewhere: bool,
}

impl<'a> Worker<'a> {
    fn new(house: &'a House, book: &'a Book, servers: &[Server; 2], number: usize, seed: u64) -> Worker<'a> {
        let wires = |secret: &str| [0, 1].map(|at: usize| Wire::new(servers[at].address, secret));
        let (agent, people) = (&house.agents[number], &house.people[2 * number..]);
        let (one, two) = (wires(&people[0]), wires(&people[1]));
        let (agent, waiting) = (wires(agent), wires(agent));
        Worker { house, book, number, dice: Dice::of(seed, 2_000_000 + number), count: 0, agent, waiting, one, two }
    }

    fn lost(&self, id: &str, what: &str, heard: &impl std::fmt::Debug) {
        self.book.wrong(|wrong| &mut wrong.lost, format!("{id}: {what} was answered with {heard:?}"));
    }

    /// One race; `None` if there was none.
    fn race(&mut self) -> Option<Race> {
        self.count += 1;
        let [asked, waits, one, two] = [0; 4].map(|_: u8| usize::try_from(self.dice.below(2)).unwrap());
        let call = self.house.call(&format!("git push s{} r{}", self.number, self.count));
        let heard = self.agent[asked].call("POST", "/v1/ask", Some(&call));
        let id = heard.as_ref().map(|heard| heard.text("/approval/id").to_owned()).unwrap_or_default();
        if heard.as_ref().map_or(0, |heard| heard.status) != 201 {
            self.lost(&id, "a question", &heard);
            return None;
        }
        self.book.note(&id, Said::Asked);

        let path = format!("/v1/approvals/{id}/wait?seconds={WAIT_SECONDS}");
        self.waiting[waits].send("GET", &path, None).ok()?;
        let path = format!("/v1/approvals/{id}/reply");
        let [yes, no] = ["allow", "deny"].map(|outcome| json!({ "outcome": outcome, "feedback": outcome }));
        let allow_first = self.dice.below(2) == 0;
        let (earlier, later) = if allow_first { (&yes, &no) } else { (&no, &yes) };
        let start = Instant::now();
        self.one[one].send("POST", &path, Some(earlier)).ok()?;
        self.two[two].send("POST", &path, Some(later)).ok()?;
        let same = start.elapsed() < SAME;
        let answers = [self.one[one].hear(), self.two[two].hear()];
        let won = answers.each_ref().map(|heard| heard.as_ref().is_ok_and(|heard| heard.status == 200));
        for (won, allow) in won.into_iter().zip([allow_first, !allow_first]) {
            if won {
                let feedback = if allow { "allow" } else { "deny" }.to_owned();
                self.book.note(&id, Said::Replied { allow, feedback, remember: false, grants: Vec::new() });
            }
        }
        let told =
            |heard: &Heard| heard.text("/code") == "answered" && heard.text("/outcome") == word(won[0] == allow_first);
        if won == [false, false] || !answers.iter().flatten().all(|heard| heard.status == 200 || told(heard)) {
            self.lost(&id, "one of its answers", &answers);
        }

        let heard = self.waiting[waits].hear();
        let state = heard.as_ref().map(|heard| heard.text("/state")).unwrap_or_default();
        let feedback = heard.as_ref().map(|heard| heard.text("/feedback")).unwrap_or_default();
        if matches!(state, "" | "open") {
            self.book.wrong(|wrong| &mut wrong.never_told, format!("{id}: {heard:?}"));
        } else {
            self.book.came(&id, state, feedback, start);
        }
        if state == "allowed" {
            self.redeem(&id, &call);
        }
        let winner = if won[0] { one } else { two };
        Some(Race { same, first: same && won[0], elsewhere: winner != waits })
    }

    /// Takes the yes at both servers in the same moment.
    fn redeem(&mut self, id: &str, call: &serde_json::Value) {
        let path = format!("/v1/approvals/{id}/redeem");
        let sent = self.agent.each_mut().map(|wire| wire.send("POST", &path, Some(call)));
        let heard: Vec<_> =
            self.agent.iter_mut().zip(sent).map(|(wire, sent)| sent.and_then(|()| wire.hear())).collect();
        let taken = heard.iter().flatten().filter(|heard| heard.status == 200).count();
        let refused = heard.iter().flatten().filter(|heard| heard.text("/code") == "redeemed").count();
        for _ in 0..taken {
            self.book.note(id, Said::Redeemed);
        }
        if taken != 1 || refused != 1 {
            self.lost(id, "one of its redemptions", &heard);
        }
    }
}

fn word(allow: bool) -> &'static str {
    if allow { "allow" } else { "deny" }
}
