//! The roles of a FlowFuse team.

use std::collections::BTreeMap;

use countersign_policy::Class;
use serde_json::Value;

/// A role in a team, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// No role at all; also one that cannot be read.
    None,
    /// Sees dashboards.
    Dashboard,
    /// Sees everything.
    Viewer,
    /// Changes flows.
    Member,
    /// Owns the team.
    Owner,
    /// Administers the platform.
    Admin,
}

impl Role {
    const ALL: [(Role, f64, &'static str); 6] = [
        (Role::None, 0.0, "none"),
        (Role::Dashboard, 5.0, "dashboard"),
        (Role::Viewer, 10.0, "viewer"),
        (Role::Member, 30.0, "member"),
        (Role::Owner, 50.0, "owner"),
        (Role::Admin, 99.0, "admin"),
    ];

    /// The role of a number, which may stand in a text; between two roles the lower.
    pub fn read(value: &Value) -> Role {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        let number = number.unwrap_or(0.0);
        Role::ALL.into_iter().rev().find(|(_, from, _)| number >= *from).map_or(Role::None, |(role, ..)| role)
    }

    /// The role's name, as a ceiling's `roles` name it.
    pub fn name(self) -> &'static str {
        Role::ALL.into_iter().find(|(role, ..)| *role == self).map_or("none", |(.., name)| name)
    }

    /// Whether it may use tools that change something.
    pub fn writes(self) -> bool {
        self >= Role::Member
    }
}

/// The gravest class for each role, for a ceiling.
pub fn ceiling_roles() -> BTreeMap<String, Class> {
    let class = |role: Role| if role.writes() { Class::Delete } else { Class::Read };
    Role::ALL.into_iter().map(|(role, ..)| (role.name().to_owned(), class(role))).collect()
}

/// Who somebody is in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role in the team.
    pub role: Role,
    /// The roles in single applications, by their ids.
    pub applications: BTreeMap<String, Role>,
}

impl Membership {
    /// Reads a membership as FlowFuse has it; one that is missing has no role.
    pub fn read(value: &Value) -> Membership {
        let applications = value.pointer("/permissions/applications").and_then(Value::as_object);
        Membership {
            role: Role::read(value.get("role").unwrap_or(&Value::Null)),
            applications: applications
                .into_iter()
                .flatten()
                .map(|(application, role)| (application.clone(), Role::read(role)))
                .collect(),
        }
    }

    /// The role in an application: its own if it has one, else the team's.
    pub fn role_in(&self, application: &str) -> Role {
        self.applications.get(application).copied().unwrap_or(self.role)
    }

    /// Whether an agent may use tools for them that change something: where it works in an application, only if both
    /// roles may.
    pub fn may_write(&self, application: Option<&str>) -> bool {
        self.role.writes() && application.is_none_or(|application| self.role_in(application).writes())
    }
}
