//! How far a reply to a prompt reaches.

use countersign_policy::Scope;
use countersign_policy::approval::Outcome;

use super::reply::Reply;

/// What a reply remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The tool with this resource; of a call without any, the tool without a resource.
    Resource,
    /// The tool, whatever it does.
    Tool,
}

impl Reply {
    /// Yes or no.
    pub fn outcome(self) -> Outcome {
        match self {
            Reply::Approved | Reply::AlwaysAllow | Reply::AlwaysAllowAll => Outcome::Allow,
            Reply::Denied | Reply::AlwaysDeny => Outcome::Deny,
        }
    }

    /// What is remembered, and for how long. clawbolt keeps a no until the turn ends, as it keeps a yes; with us a yes is
    /// for the call that was shown. Of a call without a resource it keeps an always for the tool; with us that is for
    /// calls without a resource, and a never is for the tool. `has_noun`: whether the tool is one that can be allowed for
    /// all.
    pub fn remembers(self, has_resource: bool, has_noun: bool) -> Option<(Covers, Scope)> {
        match self {
            Reply::Approved => None,
            Reply::Denied => Some((Covers::Resource, Scope::Turn)),
            Reply::AlwaysAllowAll if has_noun => Some((Covers::Tool, Scope::User)),
            Reply::AlwaysAllow | Reply::AlwaysAllowAll => Some((Covers::Resource, Scope::User)),
            Reply::AlwaysDeny => Some((if has_resource { Covers::Resource } else { Covers::Tool }, Scope::User)),
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::Scope;

    use super::super::reply::Reply;
    use super::Covers;

    #[test]
    fn only_what_was_offered_reaches_beyond_the_resource() {
        assert_eq!(Reply::Approved.remembers(true, true), None);
        assert_eq!(Reply::AlwaysAllowAll.remembers(true, false), Some((Covers::Resource, Scope::User)));
        assert_eq!(Reply::AlwaysAllowAll.remembers(true, true), Some((Covers::Tool, Scope::User)));
        assert_eq!(Reply::AlwaysAllow.remembers(false, false), Some((Covers::Resource, Scope::User)));
        assert_eq!(Reply::AlwaysDeny.remembers(false, false), Some((Covers::Tool, Scope::User)));
        assert_eq!(Reply::Denied.remembers(false, false), Some((Covers::Resource, Scope::Turn)));
    }
}
