//! What is known of rules' texts, flat: every fact is one hash, every hash a few positions.
//!
//! A text is walked from the start, byte by byte, with a hash that grows; at the lengths that some prefix has, a small
//! filter says whether one could end here, and only then is it looked for. Endings are walked from the end in the same
//! way, and what must stand anywhere inside by windows of eight or four bytes. Two facts of one hash are one fact: the
//! rules decide by themselves in the end.

use crate::pattern::coarse;

/// No room.
const NONE: u32 = u32::MAX;
/// The longest start or ending that is a fact. What follows may be one by itself.
pub(super) const LONGEST: usize = 63;
/// Where a walk asks whether it is worth going on.
const MILESTONES: u64 = 1 << 4 | 1 << 8 | 1 << 16 | 1 << 32;

const STEP: u64 = 0x9e6c_63d0_676a_9a99;
const SPREAD: u64 = 0x9fb2_1c65_1e98_df25;
const WHOLE: u64 = 0xa5a5_0f0f_3c3c_9696;
const SUFFIX: u64 = 0x5bd1_e995_7b93_1c07;
const MILESTONE: u64 = 0x71d6_7fff_eda6_0000;

/// The hash of a start that has grown by one byte.
pub(super) fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(STEP)
}

/// The hash of a text that ends here.
pub(super) fn whole(hash: u64) -> u64 {
    hash ^ WHOLE
}

/// What the room behind a node is told apart by.
pub(super) fn salt_behind(hash: u64) -> u64 {
    (hash ^ (hash >> 29)).wrapping_mul(SPREAD) | 1
}

/// Where endings begin to grow.
pub(super) fn ending(salt: u64) -> u64 {
    salt ^ SUFFIX
}

/// The hash of the eight bytes of a window.
pub(super) fn wide(salt: u64, window: u64) -> u64 {
    (window ^ salt).wrapping_mul(STEP)
}

/// The hash of the four bytes of a window.
pub(super) fn narrow(salt: u64, window: u64) -> u64 {
    (window << 17 ^ salt ^ SUFFIX).wrapping_mul(STEP)
}

/// Where texts of one kind are looked up: a name's, or those that begin in one way.
#[derive(Debug, Clone, Default)]
pub(super) struct Room {
    pub(super) salt: u64,
    /// The lengths that starts have, whole texts, and endings: a bit each.
    pub(super) prefixes: u64,
    pub(super) wholes: u64,
    pub(super) suffixes: u64,
    pub(super) wide: bool,
    pub(super) narrow: bool,
    /// How windows end: most of a text is passed over by its pairs of bytes.
    pub(super) pairs: Pairs,
}

/// Pairs of neighbouring bytes, each as one of 512 bits; two may share one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pairs([u64; 8]);

impl Pairs {
    pub(super) fn add(&mut self, one: u8, other: u8) {
        let (word, bit) = Pairs::place(one, other);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn may_have(&self, one: u8, other: u8) -> bool {
        let (word, bit) = Pairs::place(one, other);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(one: u8, other: u8) -> (usize, u64) {
        let pair = usize::from(one).wrapping_mul(37) + usize::from(other);
        (pair >> 6 & 7, 1 << (pair & 63))
    }
}

/// One fact, found with a look at one place in memory.
#[derive(Debug, Clone, Copy)]
struct Node {
    hash: u64,
    /// The only rule of which it is true; or, with [`MANY`], where its rules stand in the row of positions, behind their
    /// number.
    rules: u32,
    room: u32,
}

/// Not one rule but a row of them.
const MANY: u32 = 1 << 31;
/// A place where no fact stands: a fact has rules or a room.
const EMPTY: Node = Node { hash: 0, rules: NONE, room: NONE };

/// The facts.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    filter: Box<[u64]>,
    slots: Box<[Node]>,
    positions: Box<[u32]>,
    rooms: Box<[Room]>,
}

/// What a table is made of.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// A hash, and a rule of which it is true.
    pub(super) facts: Vec<(u64, u32)>,
    /// The hashes that have a room behind them.
    pub(super) doors: Vec<(u64, u32)>,
    pub(super) rooms: Vec<Room>,
    /// The hashes of the starts of starts.
    pub(super) milestones: Vec<u64>,
}

impl Facts {
    /// The hash of a start or a whole text in a room, whose lengths it becomes part of.
    pub(super) fn start(&mut self, room: &mut Room, start: &[u8], is_whole: bool) -> u64 {
        let mut hash = room.salt;
        for (byte, length) in start.iter().zip(0..) {
            if MILESTONES >> length & 1 == 1 {
                self.milestones.push(hash ^ MILESTONE);
            }
            hash = step(hash, *byte);
        }
        let length = 1_u64.checked_shl(u32::try_from(start.len()).unwrap_or(u32::MAX)).unwrap_or_default();
        if is_whole {
            room.wholes |= length;
            whole(hash)
        } else {
            room.prefixes |= length;
            hash
        }
    }

    /// The hash of an ending in a room.
    pub(super) fn end(&mut self, room: &mut Room, end: &[u8]) -> u64 {
        let length = 1_u64.checked_shl(u32::try_from(end.len()).unwrap_or(u32::MAX)).unwrap_or_default();
        room.suffixes |= length;
        end.iter().rev().fold(ending(room.salt), |hash, byte| step(hash, *byte))
    }

    /// The table.
    pub(super) fn table(mut self) -> Table {
        self.facts.extend(self.doors.iter().map(|(hash, _)| (*hash, NONE)));
        // The last rule first; a door without rules is a fact of none.
        self.facts.sort_unstable_by_key(|(hash, position)| (*hash, std::cmp::Reverse(*position)));
        self.facts.dedup();
        self.doors.sort_unstable();
        let mut positions = Vec::new();
        let mut doors = self.doors.iter().peekable();
        let nodes: Vec<Node> = self
            .facts
            .chunk_by(|(one, _), (other, _)| one == other)
            .filter_map(|facts| {
                let (hash, first) = *facts.first()?;
                let room = doors.next_if(|(door, _)| *door == hash).map_or(NONE, |(_, room)| *room);
                let rules = || facts.iter().map(|(_, position)| *position).filter(|position| *position != NONE);
                let rules = match rules().count() {
                    0 => NONE,
                    1 if first < MANY => rules().next()?,
                    // More rules than that fit no memory.
                    many => {
                        let at = u32::try_from(positions.len()).ok().filter(|at| *at < MANY - 1)?;
                        positions.push(u32::try_from(many).ok()?);
                        positions.extend(rules());
                        at | MANY
                    }
                };
                Some(Node { hash, rules, room })
            })
            .collect();
        self.milestones.sort_unstable();
        self.milestones.dedup();
        let count = nodes.len();
        // Three of five are taken: what is not there is mostly told by the filter.
        let mut slots = vec![EMPTY; count + count / 3 * 2 + 1];
        let mut filter = vec![0_u64; ((count + self.milestones.len()).div_ceil(4)).next_power_of_two()];
        for node in &nodes {
            let mut at = place(node.hash, slots.len());
            while slots.get(at).is_some_and(|slot| !slot.is_empty()) {
                at = next(at, slots.len());
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = *node;
            }
        }
        for hash in nodes.iter().map(|node| node.hash).chain(self.milestones) {
            let (at, bits) = bits(hash, filter.len());
            if let Some(word) = filter.get_mut(at) {
                *word |= bits;
            }
        }
        Table { filter: filter.into(), slots: slots.into(), positions: positions.into(), rooms: self.rooms.into() }
    }
}

/// One walk through a table. Positions below `from` are not visited; `visit` says whether a rule speaks, after which
/// only those behind it count.
pub(super) struct Walk<'t, F> {
    pub(super) table: &'t Table,
    pub(super) from: u32,
    pub(super) visit: F,
}

impl<F: FnMut(u32) -> bool> Walk<'_, F> {
    /// Visits what may speak of a text, whose bytes are not coarse yet. `behind` is looked up in the rooms behind whole texts.
    pub(super) fn enter(&mut self, room: u32, text: &[u8], behind: Option<&[u8]>) {
        let table = self.table;
        let Some(room) = table.rooms.get(usize::try_from(room).unwrap_or(usize::MAX)) else { return };
        if room.prefixes | room.wholes != 0 {
            self.starts(room, text, behind);
        }
        if room.suffixes != 0 {
            self.ends(room, text);
        }
        if room.wide || room.narrow {
            self.windows(room, text);
        }
    }

    fn starts(&mut self, room: &Room, text: &[u8], behind: Option<&[u8]>) {
        let table = self.table;
        let mut hash = room.salt;
        // Of the lengths from here on.
        let mut prefixes = room.prefixes;
        let mut wholes = room.wholes;
        let mut milestones = MILESTONES;
        let mut bytes = text.iter();
        loop {
            if prefixes & 1 == 1
                && let Some(node) = self.look(hash)
            {
                self.enter(node.room, text, None);
            }
            if (prefixes | wholes) <= 1 {
                break;
            }
            if milestones & 1 == 1 && !table.may_have(hash ^ MILESTONE) {
                break;
            }
            let Some(byte) = bytes.next() else { break };
            hash = step(hash, coarse(*byte));
            prefixes >>= 1;
            wholes >>= 1;
            milestones >>= 1;
        }
        if wholes & 1 == 1
            && bytes.len() == 0
            && let Some(node) = self.look(whole(hash))
            && let Some(behind) = behind
        {
            self.enter(node.room, behind, None);
        }
    }

    fn ends(&mut self, room: &Room, text: &[u8]) {
        let mut hash = ending(room.salt);
        let mut suffixes = room.suffixes;
        for byte in text.iter().rev() {
            hash = step(hash, coarse(*byte));
            suffixes >>= 1;
            if suffixes & 1 == 1 {
                self.look(hash);
            }
            if suffixes <= 1 {
                break;
            }
        }
    }

    fn windows(&mut self, room: &Room, text: &[u8]) {
        // The last eight bytes; the last is the highest, as windows are read.
        let mut window = 0_u64;
        let mut before = 0;
        for (byte, length) in text.iter().zip(1_usize..) {
            let byte = coarse(*byte);
            window = window >> 8 | u64::from(byte) << 56;
            if !room.pairs.may_have(std::mem::replace(&mut before, byte), byte) {
                continue;
            }
            if room.wide && length >= 8 {
                self.look(wide(room.salt, window));
            }
            if room.narrow && length >= 4 {
                self.look(narrow(room.salt, window >> 32));
            }
        }
    }

    /// Visits the rules of a fact.
    fn look(&mut self, hash: u64) -> Option<Node> {
        let node = self.table.find(hash)?;
        for position in self.table.rules(node) {
            if position < self.from {
                break;
            }
            if (self.visit)(position) {
                self.from = position + 1;
                break;
            }
        }
        Some(node)
    }
}

impl Table {
    /// Whether a room has anything in it.
    pub(super) fn has(&self, room: u32) -> bool {
        let room = usize::try_from(room).ok().and_then(|at| self.rooms.get(at));
        room.is_some_and(|room| room.prefixes | room.wholes != 0)
    }

    /// Whether the hash may be one of those that were filed.
    fn may_have(&self, hash: u64) -> bool {
        let (at, bits) = bits(hash, self.filter.len());
        self.filter.get(at).is_some_and(|word| word & bits == bits)
    }

    fn find(&self, hash: u64) -> Option<Node> {
        if !self.may_have(hash) {
            return None;
        }
        let mut at = place(hash, self.slots.len());
        loop {
            let node = *self.slots.get(at)?;
            if node.is_empty() {
                return None;
            }
            if node.hash == hash {
                return Some(node);
            }
            at = next(at, self.slots.len());
        }
    }

    /// The rules of which a fact is true, the last first.
    fn rules(&self, node: Node) -> impl Iterator<Item = u32> {
        let row = (node.rules != NONE && node.rules & MANY != 0).then_some(node.rules & !MANY);
        let row = row.and_then(|at| {
            let (many, rest) = self.positions.get(usize::try_from(at).ok()?..)?.split_first()?;
            rest.get(..usize::try_from(*many).ok()?)
        });
        let one = (node.rules < MANY).then_some(node.rules);
        one.into_iter().chain(row.unwrap_or_default().iter().copied())
    }
}

impl Node {
    fn is_empty(&self) -> bool {
        self.rules == NONE && self.room == NONE
    }
}

/// Where a hash would stand among so many slots.
fn place(hash: u64, slots: usize) -> usize {
    let slots = u64::try_from(slots).unwrap_or_default();
    usize::try_from((hash.wrapping_mul(SPREAD) >> 32).wrapping_mul(slots) >> 32).unwrap_or_default()
}

fn next(at: usize, slots: usize) -> usize {
    if at + 1 < slots { at + 1 } else { 0 }
}

/// The word of the filter, and the two bits in it.
fn bits(hash: u64, words: usize) -> (usize, u64) {
    let spread = hash.wrapping_mul(SPREAD);
    let bits = 1 << (spread >> 58) | 1 << (spread >> 52 & 63);
    (usize::try_from(spread >> 24).unwrap_or_default() & words.wrapping_sub(1), bits)
}
