//! What a run came to.

use std::fmt;

/// What must not be. Each a line that says what happened.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    pub(crate) lost: Vec<String>,
    pub(crate) answered_twice: Vec<String>,
    pub(crate) redeemed_twice: Vec<String>,
    pub(crate) resumed_twice: Vec<String>,
    pub(crate) never_told: Vec<String>,
}

/// How much there was.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) kills: u64,
    pub(crate) asked: usize,
    pub(crate) replied: usize,
    pub(crate) granted: usize,
    pub(crate) redeemed: usize,
    pub(crate) resumed: usize,
    pub(crate) cancelled: usize,
    pub(crate) told: usize,
    pub(crate) failed: u64,
}

impl Wrong {
    pub(crate) fn is_nothing(&self) -> bool {
        self.kinds().iter().all(|(_, lines)| lines.is_empty())
    }

    pub(crate) fn add(&mut self, other: Wrong) {
        self.lost.extend(other.lost);
        self.answered_twice.extend(other.answered_twice);
        self.redeemed_twice.extend(other.redeemed_twice);
        self.resumed_twice.extend(other.resumed_twice);
        self.never_told.extend(other.never_told);
    }

    /// The first of each kind.
    pub(crate) fn lines(&self, most: usize) -> Vec<String> {
        let of = |(kind, lines): (&str, &Vec<String>)| -> Vec<String> {
            lines.iter().take(most).map(|line| format!("{kind}: {line}")).collect()
        };
        self.kinds().into_iter().flat_map(of).collect()
    }

    fn kinds(&self) -> [(&'static str, &Vec<String>); 5] {
        [
            ("lost", &self.lost),
            ("answered twice", &self.answered_twice),
            ("redeemed twice", &self.redeemed_twice),
            ("resumed twice", &self.resumed_twice),
            ("waiters never told", &self.never_told),
        ]
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.kinds().map(|(kind, lines)| format!("{kind} {}", lines.len()));
        out.write_str(&counts.join(", "))
    }
}

impl Count {
    pub(crate) fn add(&mut self, other: &Count) {
        self.kills += other.kills;
        self.asked += other.asked;
        self.replied += other.replied;
        self.granted += other.granted;
        self.redeemed += other.redeemed;
        self.resumed += other.resumed;
        self.cancelled += other.cancelled;
        self.told += other.told;
        self.failed += other.failed;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { kills, asked, replied, granted, redeemed, resumed, cancelled, told, failed } = self;
        write!(
            out,
            "{kills} kills; {asked} questions, {replied} answers, {granted} grants, {redeemed} redemptions, {resumed} \
             turns resumed and {cancelled} withdrawals were acknowledged, {told} waiters told; {failed} requests failed"
        )
    }
}
