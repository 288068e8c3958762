//! What a human's "always" left behind.

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::call::Call;
use crate::effect::Effect;
use crate::pattern::{Case, Pattern, Spellings, Workspace, spellings};
use crate::scope::Scope;
use crate::target::Target;
use crate::time::Timestamp;

/// A remembered answer: it turns an ask into allow, or denies, as far as its human meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id in the store.
    pub id: String,
    /// Allow or deny. A grant that says ask counts for nothing.
    pub effect: Effect,
    /// Exactly this action.
    pub action: Action,
    /// What it covers.
    pub resource: GrantResource,
    /// How far it reaches.
    pub reach: Reach,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops to count.
    pub expires: Option<Timestamp>,
    /// The approval that made it; `None` where a human made it directly.
    pub approval: Option<String>,
}

/// What a grant covers. A literal that contains `*` stays a literal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantResource {
    /// Everything that the action does.
    Whole,
    /// One resource with all its spellings.
    Literal {
        /// [`Target::grant_key`] of the target that was granted.
        key: String,
        /// The resource for humans.
        shown: String,
    },
    /// A pattern in the native grammar.
    Pattern(Pattern),
}

/// Whose calls a grant reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How far.
    pub scope: Scope,
    /// The user who granted it.
    pub user: String,
    /// For scope project and narrower: the project.
    pub project: Option<String>,
    /// For scope session and turn: host and session, see [`Call::session_key`].
    pub session: Option<String>,
    /// For scope turn: the turn.
    pub turn: Option<String>,
}

impl Reach {
    /// The reach of an answer to `call` with that scope; `None` where the call has no such scope (a turn in a host
    /// without turns; once and team, which no grant has).
    pub fn of(call: &Call, scope: Scope) -> Option<Reach> {
        Reach::exists(call, scope).then(|| Reach {
            scope,
            user: call.user.clone(),
            project: (scope != Scope::User).then(|| call.project.clone()),
            session: matches!(scope, Scope::Session | Scope::Turn).then(|| call.session_key()),
            turn: call.turn.clone().filter(|_| scope == Scope::Turn),
        })
    }

    /// Whether an answer to `call` can have that scope.
    pub(crate) fn exists(call: &Call, scope: Scope) -> bool {
        match scope {
            Scope::Once | Scope::Team => false,
            Scope::Turn => call.turn.is_some(),
            Scope::Session | Scope::Project | Scope::User => true,
        }
    }

    /// Whether the call is within reach. What the scope needs and the grant lacks is never within reach.
    pub fn covers(&self, call: &Call) -> bool {
        let project = || self.project.as_ref() == Some(&call.project);
        let session = || self.session.as_ref() == Some(&call.session_key());
        let turn = || call.turn.is_some() && self.turn == call.turn;
        self.user == call.user
            && match self.scope {
                Scope::Once | Scope::Team => false,
                Scope::Turn => project() && turn() && session(),
                Scope::Session => project() && session(),
                Scope::Project => project(),
                Scope::User => true,
            }
    }
}

impl Grant {
    /// Whether the grant speaks of this target of this call now. It never speaks of a target that was not understood.
    pub fn applies(&self, target: &Target, call: &Call, now: Timestamp) -> bool {
        self.speaks_of(target, spellings(target).as_ref(), call, now)
    }

    /// The same of a target with these spellings.
    pub(crate) fn speaks_of(
        &self,
        target: &Target,
        spellings: Option<&Spellings<'_>>,
        call: &Call,
        now: Timestamp,
    ) -> bool {
        if self.action != target.action || !self.reach.covers(call) || self.expires.is_some_and(|at| at <= now) {
            return false;
        }
        let lenient = self.effect == Effect::Allow;
        if lenient && target.unclear.is_some() {
            return false;
        }
        match &self.resource {
            GrantResource::Whole => true,
            GrantResource::Literal { key, .. } => target.grant_key().as_ref() == Some(key),
            GrantResource::Pattern(pattern) => match spellings {
                None => false,
                // A human said yes to the project's files: a folder that joins the workspace later is not among them.
                Some(spellings) if lenient => {
                    spellings.allow(|one| pattern.matches_in(Workspace::Project, one, call, Case::Exact))
                }
                Some(spellings) => spellings.any(|one| pattern.matches(one, call, Case::Fold)),
            },
        }
    }
}

/// What a ceiling admits of grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantLimit {
    /// The longest lifetime in seconds; `None`: any.
    pub max_seconds: Option<i64>,
    /// The scopes; empty: none.
    pub scopes: Vec<Scope>,
}

impl GrantLimit {
    /// Whether a grant keeps within the limit. One without expiry outlives every maximum.
    pub fn admits(&self, grant: &Grant) -> bool {
        let lifetime = grant.expires.map(|at| at.0.saturating_sub(grant.created.0));
        self.scopes.contains(&grant.reach.scope)
            && self.max_seconds.is_none_or(|max| lifetime.is_some_and(|ms| ms <= max.saturating_mul(1000)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Grant, GrantResource, Reach};
    use crate::action::Action;
    use crate::call::Call;
    use crate::effect::Effect;
    use crate::pattern::Pattern;
    use crate::scope::Scope;
    use crate::target::{PathResource, Resource, Target};
    use crate::time::Timestamp;

    /// A yes to "anything in this workspace" was one to the project's files; a no holds wherever the session works.
    #[test]
    fn what_was_allowed_in_the_workspace_does_not_reach_into_roots_and_what_was_denied_does() {
        let call = Call { roots: vec!["/lib".to_owned()], ..crate::pattern::tests::call("Edit", &json!({})) };
        let applies = |effect, path: &str| {
            let grant = Grant {
                id: "g".to_owned(),
                effect,
                action: Action::Edit,
                resource: GrantResource::Pattern(Pattern::parse(&Action::Edit, "**").unwrap()),
                reach: Reach::of(&call, Scope::Session).unwrap(),
                created: Timestamp(0),
                expires: None,
                approval: None,
            };
            let (written, lexical, real) = (path.to_owned(), path.to_owned(), Some(path.to_owned()));
            let target = Target::primary(Action::Edit, Resource::Path(PathResource { written, lexical, real }));
            grant.applies(&target, &call, Timestamp(1))
        };
        let [project, root, elsewhere] = ["/repo/a", "/lib/a", "/etc/a"];
        assert_eq!([project, root, elsewhere].map(|path| applies(Effect::Allow, path)), [true, false, false]);
        assert_eq!([project, root, elsewhere].map(|path| applies(Effect::Deny, path)), [true, true, false]);
    }
}
