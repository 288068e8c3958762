//! Which rules of a source could speak of a target, without looking at the others.
//!
//! Rules about built-in actions stand in buckets by action, those about commands by program and a further word; all others
//! by the name that the action has, here or in the terms of another system, and by what is known of the texts that they
//! speak of. Whatever dialect a pattern is written in, it tells the same few facts ([`Outline`]). The index may only ever
//! leave out rules that cannot speak.

mod brief;
mod commands;
mod quick;
mod table;

use std::borrow::Cow;
use std::collections::HashMap;

use brief::Briefs;
use commands::Commands;
use quick::QuickMap;
use table::{Facts, LONGEST, Room, Table, Walk};

use crate::action::Action;
use crate::pattern::{Marks, Outline, Pattern, Spellings, TextPattern, plain};
use crate::rule::{Rule, Selector};
use crate::target::{Resource, Target, Word};
use crate::terms::View;

/// The names that other systems have for actions, and our own.
const NAMED: u32 = 0;
const ACTIONS: u32 = 1;
/// So many rules that begin alike are not looked at closer.
const FEW: usize = 2;

/// The rules of a source by what they could speak of. A rule is its position in the source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    by_action: QuickMap<Action, Vec<u32>>,
    commands: Commands,
    /// The rules about tools of any name.
    any_name: Vec<u32>,
    /// The rules about tools, by name and text.
    table: Table,
    /// For each rule, what every path has in it that it speaks of; empty where none says anything of paths.
    marks: Vec<Marks>,
    briefs: Briefs,
}

impl Index {
    /// Files the rules.
    pub(crate) fn new(rules: &[Rule]) -> Index {
        let about_commands = |(rule, _): &(&Rule, u32)| matches!(&rule.selector, Selector::Action(Action::Shell));
        let commands = Commands::new(rules.iter().zip(0_u32..).filter(about_commands));
        let mut index = Index { briefs: Briefs::of(rules), commands, ..Index::default() };
        let mut names = [Filings::default(), Filings::default()];
        for (rule, position) in rules.iter().zip(0_u32..) {
            let [named, actions] = &mut names;
            match &rule.selector {
                Selector::Action(Action::Shell) => {}
                Selector::Action(action) if is_builtin(action) => {
                    index.by_action.entry(action.clone()).or_default().push(position);
                }
                Selector::Named(name) => named.file(rule, position, name.outline()),
                Selector::Action(action) => {
                    let mut outline = Outline::default();
                    outline.literals(&action.to_string());
                    actions.file(rule, position, outline);
                }
                Selector::Mcp { server, tool } => actions.file(rule, position, tool_outline(Some(server), tool)),
                Selector::Tool(name) => actions.file(rule, position, tool_outline(None, name)),
                Selector::Every | Selector::Class { .. } => index.any_name.push(position),
            }
        }
        let mut facts = Facts { rooms: vec![Room::default(); names.len()], ..Facts::default() };
        for (filings, number) in names.into_iter().zip(1_u64..) {
            filings.into_facts(&mut facts, number);
        }
        index.table = facts.table();
        let marks = rules.iter().map(|rule| Marks::common(rule.patterns.iter().map(Pattern::marks)));
        if marks.clone().any(|marks| marks != Marks::default()) {
            index.marks = marks.collect();
        }
        index
    }

    /// The rules that could speak of this target: those about its action, then the others, each in their order.
    pub(crate) fn candidates(&self, target: &Target, view: &View<'_>) -> impl Iterator<Item = u32> {
        let spellings = view.spellings.as_ref();
        let may_hold = move |position: &u32| {
            let marks = usize::try_from(*position).ok().and_then(|at| self.marks.get(at)).copied().unwrap_or_default();
            spellings.is_none_or(|spellings| spellings.may_hold(marks))
        };
        let about = self.about_action(target, view);
        let mut others = Cow::Borrowed(&*self.any_name);
        let mut found = Vec::new();
        self.walk(target, view, 0, |position| {
            found.push(position);
            false
        });
        if !found.is_empty() {
            found.extend_from_slice(&self.any_name);
            found.sort_unstable();
            found.dedup();
            others = Cow::Owned(found);
        }
        owned(about).chain(owned(others)).filter(may_hold)
    }

    /// The last rule that speaks of this target.
    pub(crate) fn last(&self, target: &Target, view: &View<'_>, mut speaks: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut last = None;
        for positions in [&*self.about_action(target, view), &self.any_name] {
            let later = positions.iter().rev().take_while(|position| last.is_none_or(|last| **position > last));
            last = later.copied().find(|position| speaks(*position)).or(last);
        }
        let from = last.map_or(0, |last| last + 1);
        self.walk(target, view, from, |position| {
            let spoke = speaks(position);
            if spoke {
                last = Some(position);
            }
            spoke
        });
        last
    }

    /// Whether a rule speaks of this text under this name; `None` where that takes a look at the rule.
    pub(crate) fn speaks(&self, position: u32, name: &str, text: &str) -> Option<bool> {
        self.briefs.speaks(position, name, text)
    }

    /// The rules about commands that could speak of one spelled in any of these ways, in the order in which they were
    /// written.
    pub(crate) fn of_commands<'w>(&self, spellings: impl Iterator<Item = &'w [Word]>) -> Vec<u32> {
        self.commands.find(spellings, std::iter::empty())
    }

    fn about_action(&self, target: &Target, view: &View<'_>) -> Cow<'_, [u32]> {
        if target.action == Action::Shell {
            let own = match &target.resource {
                Resource::Words(words) => words.as_slice(),
                _ => &[],
            };
            let others = target.spellings.iter().map(|spelling| spelling.words.as_slice());
            let lines = view.spellings.iter().flat_map(Spellings::lines);
            Cow::Owned(self.commands.find(std::iter::once(own).chain(others), lines))
        } else {
            Cow::Borrowed(self.by_action.get(&target.action).map_or(&[][..], Vec::as_slice))
        }
    }

    /// Visits the rules about tools that could speak of the target, by its name in other terms and by our own.
    fn walk(&self, target: &Target, view: &View<'_>, from: u32, visit: impl FnMut(u32) -> bool) {
        let by_action = !is_builtin(&target.action) && self.table.has(ACTIONS);
        if view.name.is_none() && !by_action {
            return;
        }
        let text = view.spellings.as_ref().and_then(Spellings::text).map(plain);
        let mut walk = Walk { table: &self.table, from, visit };
        if let Some(name) = view.name {
            walk.enter(NAMED, &plain(name), text.as_deref());
        }
        if by_action {
            walk.enter(ACTIONS, &plain(&target.action.to_string()), text.as_deref());
        }
    }
}

/// Tools match asks and denies without regard to case; what is built in has one spelling.
pub(crate) fn is_builtin(action: &Action) -> bool {
    !matches!(action, Action::Mcp { .. } | Action::Tool(_))
}

fn owned(positions: Cow<'_, [u32]>) -> impl Iterator<Item = u32> {
    (0..).map_while(move |at| positions.get(at).copied())
}

/// What the name of every such tool has in it, as [`Action`] writes names.
fn tool_outline(server: Option<&TextPattern>, tool: &TextPattern) -> Outline {
    let mut outline = Outline::default();
    match server {
        Some(server) => {
            server.outline_into(&mut outline);
            outline.literal('/');
        }
        None => outline.literals("tool:"),
    }
    tool.outline_into(&mut outline);
    outline
}

/// Rules about tools, by what is known of their names and texts.
#[derive(Default)]
struct Filings {
    /// By name.
    names: Vec<Filing>,
    /// By text, for names that are written out.
    texts: HashMap<Vec<u8>, Vec<Filing>>,
}

/// A rule, and what is known of a text that it speaks of.
struct Filing {
    position: u32,
    outline: Outline,
    hash: u64,
}

impl Filings {
    fn file(&mut self, rule: &Rule, position: u32, name: Outline) {
        let filing = |outline| Filing { position, outline, hash: 0 };
        let outlines = || rule.patterns.iter().map(Pattern::outline);
        let known = || outlines().all(|outline| outline.is_some_and(|outline| !outline.is_empty()));
        if !name.is_whole() || name.prefix().len() > LONGEST || rule.patterns.is_empty() || !known() {
            self.names.push(filing(name));
            return;
        }
        let texts = self.texts.entry(name.prefix().to_vec()).or_default();
        texts.extend(outlines().flatten().map(filing));
    }

    fn into_facts(self, facts: &mut Facts, number: u64) {
        let mut room = Room { salt: table::salt_behind(number), ..Room::default() };
        for (name, filings) in self.texts {
            let hash = facts.start(&mut room, &name, true);
            let mut behind = Room { salt: table::salt_behind(hash), ..Room::default() };
            file_starts(facts, &mut behind, filings);
            add_room(facts, hash, behind);
        }
        file_starts(facts, &mut room, self.names);
        if let Some(place) = usize::try_from(number - 1).ok().and_then(|at| facts.rooms.get_mut(at)) {
            *place = room;
        }
    }
}

fn add_room(facts: &mut Facts, hash: u64, room: Room) {
    facts.doors.extend(u32::try_from(facts.rooms.len()).map(|number| (hash, number)));
    facts.rooms.push(room);
}

/// Files rules by how texts begin; where many begin alike, by what else is known.
fn file_starts(facts: &mut Facts, room: &mut Room, mut filings: Vec<Filing>) {
    for filing in &mut filings {
        let start = filing.outline.prefix();
        let is_whole = filing.outline.is_whole() && start.len() <= LONGEST;
        let start = start.get(..LONGEST).unwrap_or(start);
        filing.hash = facts.start(room, start, is_whole);
    }
    filings.sort_unstable_by_key(|filing| filing.hash);
    for alike in filings.chunk_by(|one, other| one.hash == other.hash) {
        let Some(hash) = alike.first().map(|filing| filing.hash) else { continue };
        if alike.len() <= FEW {
            facts.facts.extend(alike.iter().map(|filing| (hash, filing.position)));
        } else {
            file_rest(facts, hash, alike);
        }
    }
}

/// Files rules that begin alike by how their texts end or by what is inside.
fn file_rest(facts: &mut Facts, hash: u64, alike: &[Filing]) {
    let mut room = Room { salt: table::salt_behind(hash), ..Room::default() };
    let salt = room.salt;
    let mut often: HashMap<u64, u32> = HashMap::new();
    for (window, _) in alike.iter().flat_map(|filing| windows(salt, inside(&filing.outline))) {
        *often.entry(window).or_default() += 1;
    }
    for Filing { position, outline, .. } in alike {
        let (inside, end) = (inside(outline), outline.suffix());
        let end = end.get(end.len().saturating_sub(LONGEST)..).unwrap_or(end);
        // The window that the fewest share.
        let rarest = windows(salt, inside).min_by_key(|(window, _)| often.get(window));
        let fact = match rarest {
            Some((window, [one, other])) if inside.len() > end.len() => {
                room.pairs.add(one, other);
                room.wide |= inside.len() >= 8;
                room.narrow |= inside.len() < 8;
                window
            }
            _ if !end.is_empty() => facts.end(&mut room, end),
            _ => hash,
        };
        facts.facts.push((fact, *position));
    }
    if room.suffixes != 0 || room.wide || room.narrow {
        add_room(facts, hash, room);
    }
}

/// The longest literal of a text that is neither its start nor its end; the rest of a start that is too long counts.
fn inside(outline: &Outline) -> &[u8] {
    let rest = outline.prefix().get(LONGEST..).unwrap_or_default();
    if rest.len() > outline.inner().len() { rest } else { outline.inner() }
}

/// The hashes of a literal's windows with the last two bytes of each; none where it is too short.
fn windows(salt: u64, literal: &[u8]) -> impl Iterator<Item = (u64, [u8; 2])> {
    let (wide, narrow) = if literal.len() >= 8 { (literal, &[][..]) } else { (&[][..], literal) };
    let wide =
        wide.windows(8).map(move |window| (table::wide(salt, window.try_into().map_or(0, u64::from_le_bytes)), window));
    let narrow = narrow
        .windows(4)
        .map(move |window| (table::narrow(salt, window.try_into().map_or(0, u32::from_le_bytes).into()), window));
    wide.chain(narrow).map(|(hash, window)| (hash, window.last_chunk().copied().unwrap_or_default()))
}
