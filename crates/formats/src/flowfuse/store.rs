//! The operations on what FlowFuse keeps.

use countersign_policy::{Class, Effect};

use super::catalog::Catalog;
use super::state::{Choice, State, built_in};

/// A browser's store: what it keeps, the catalog, and the team that is looked at.
#[derive(Debug, Clone, Default)]
pub struct Store {
    state: State,
    catalog: Catalog,
    hash: Option<String>,
    team: Option<String>,
    /// The team that the choices for this chat were made in.
    chat_team: Option<String>,
}

impl Store {
    /// A store of what was kept.
    pub fn new(state: State, catalog: Catalog) -> Store {
        Store { state, catalog, ..Store::default() }
    }

    /// What it keeps.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The tools.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The hash that the catalog came with.
    pub fn hash(&self) -> Option<&str> {
        self.hash.as_deref()
    }

    /// The team that is looked at.
    pub fn team(&self) -> Option<&str> {
        self.team.as_deref()
    }

    /// Looks at another team, or at none. What was allowed for the chat in one team is not allowed in another.
    pub fn set_team(&mut self, team: Option<&str>) {
        let team = team.filter(|team| !team.is_empty());
        self.team = team.map(str::to_owned);
        if team.is_some() && self.chat_team.as_deref() != team {
            if self.chat_team.is_some() {
                self.state.end_chat_allows();
            }
            self.chat_team.clone_from(&self.team);
        }
    }

    /// Takes a new catalog.
    pub fn set_catalog(&mut self, catalog: Catalog) {
        self.catalog = catalog;
    }

    /// Takes the hash of a catalog.
    pub fn set_hash(&mut self, hash: Option<&str>) {
        self.hash = hash.map(str::to_owned);
    }

    /// Sets the default of a class; all three of the group are kept from then on. Does nothing without a team.
    pub fn set_class_default(&mut self, group: &str, class: Class, effect: Effect) {
        let Some(team) = self.team.clone() else { return };
        let kept = self.state.defaults.entry(team).or_default().entry(group.to_owned()).or_default();
        for class in [Class::Read, Class::Write, Class::Delete] {
            kept.entry(class.word().to_owned()).or_insert_with(|| Choice::new(built_in(class)));
        }
        kept.insert(class.word().to_owned(), Choice::new(effect));
    }

    /// Prefers an effect for a tool; what was chosen for this chat ends. Does nothing without a team.
    pub fn set_preference(&mut self, key: &str, effect: Effect) {
        let Some(team) = self.team.clone() else { return };
        self.state.preferences.entry(team).or_default().insert(key.to_owned(), Choice::new(effect));
        self.state.session.remove(key);
    }

    /// Prefers an effect for all versions of a tool.
    pub fn set_family_preference(&mut self, keys: &[&str], effect: Effect) {
        keys.iter().for_each(|key| self.set_preference(key, effect));
    }

    /// Ends the preference for a tool.
    pub fn clear_preference(&mut self, key: &str) {
        if let Some(kept) = self.team.as_ref().and_then(|team| self.state.preferences.get_mut(team)) {
            kept.remove(key);
        }
    }

    /// Ends the preferences for the catalog's tools of a class in a group.
    pub fn reset_class(&mut self, group: &str, class: Class) {
        let Some(team) = self.team.clone() else { return };
        for entry in self.catalog.entries().iter().filter(|entry| entry.group == group && entry.class == class) {
            let kept = self.state.preferences.entry(team.clone()).or_default();
            if let Some(key) = &entry.key {
                kept.remove(key);
            }
        }
    }

    /// Chooses an effect for a tool in this chat.
    pub fn set_session_override(&mut self, key: &str, effect: Effect) {
        if !key.is_empty() {
            self.state.session.insert(key.to_owned(), Choice::new(effect));
        }
    }

    /// Ends all choices for this chat.
    pub fn clear_session_overrides(&mut self) {
        self.state.session.clear();
    }

    /// Makes a choice for this chat the team's preference.
    pub fn promote(&mut self, key: &str) {
        if let Some(effect) = self.state.session_override(key) {
            self.set_preference(key, effect);
        }
    }

    /// What is left when the page is loaded anew.
    pub fn reload(&mut self) {
        self.clear_session_overrides();
        self.hash = None;
    }
}
