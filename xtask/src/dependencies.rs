//! Who may depend on whom, who may bring in C code, and how many packages the lock file may hold.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::steps::{cargo, output};

/// What each crate of ours may name among its dependencies, development included. The order is that of the layers:
/// a crate names only crates above it.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("countersign-policy", &[]),
    ("countersign-shell", &["countersign-policy"]),
    ("countersign-formats", &["countersign-policy"]),
    ("countersign-engine", &["countersign-policy", "countersign-shell", "countersign-formats"]),
    ("countersign-sandbox", &["countersign-policy"]),
    ("countersign-service", &["countersign-policy", "countersign-shell", "countersign-formats", "countersign-engine"]),
    (
        "countersign-mcp",
        &[
            "countersign-policy",
            "countersign-shell",
            "countersign-formats",
            "countersign-engine",
            "countersign-service",
        ],
    ),
    (
        "countersign-cli",
        &[
            "countersign-policy",
            "countersign-shell",
            "countersign-formats",
            "countersign-engine",
            "countersign-service",
            "countersign-mcp",
            "countersign-sandbox",
        ],
    ),
    ("xtask", &[]),
];

/// Crates whose own dependencies may compile C: the shell grammar and the database.
const MAY_BRING_C: &[&str] = &["countersign-shell", "countersign-service"];

/// Packages that compile or look for C code when a build script uses them.
const C_TOOLS: &[&str] = &["cc", "cmake", "pkg-config", "bindgen", "autotools", "vcpkg"];

/// Async runtimes and what only makes sense on one: never below `policy`.
const ASYNC: &[&str] = &["tokio", "async-std", "smol", "futures", "futures-core", "futures-util", "mio", "async-io"];

/// The most packages that `Cargo.lock` may hold. Raised on purpose, in a commit that says what for.
const MAX_LOCKED_PACKAGES: usize = 290;

/// The resolved packages of this workspace, as `cargo metadata` tells them for this machine.
pub struct Workspace {
    packages: BTreeMap<String, Package>,
    members: Vec<String>,
    locked: usize,
}

struct Package {
    name: String,
    links: bool,
    build_script: bool,
    inherits_lints: bool,
    /// Package id and whether the edge is of the development kind only.
    edges: Vec<Edge>,
}

struct Edge {
    to: String,
    development_only: bool,
}

impl Workspace {
    /// Asks cargo, with the lock file as it stands.
    pub fn load() -> Result<Self> {
        let triple = host_triple()?;
        let text =
            output(&mut cargo(&["metadata", "--format-version=1", "--locked", "--filter-platform", triple.as_str()]))?;
        let lock = std::fs::read_to_string(crate::root().join("Cargo.lock")).context("could not read Cargo.lock")?;
        let locked = lock.lines().filter(|line| *line == "[[package]]").count();
        Self::parse(&text, locked)
    }

    fn parse(metadata: &str, locked: usize) -> Result<Self> {
        let value: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
        let mut packages = BTreeMap::new();
        for package in list(&value, "packages") {
            let links = package.get("links").is_some_and(|links| !links.is_null());
            let build_script = list(package, "targets")
                .any(|target| list(target, "kind").any(|kind| kind.as_str() == Some("custom-build")));
            let manifest = text(package, "manifest_path");
            let inherits_lints = package.get("source").is_none_or(Value::is_null)
                && std::fs::read_to_string(&manifest).is_ok_and(|toml| toml.contains("[lints]\nworkspace = true"));
            let name = text(package, "name");
            packages
                .insert(text(package, "id"), Package { name, links, build_script, inherits_lints, edges: Vec::new() });
        }
        for node in list(value.get("resolve").unwrap_or(&Value::Null), "nodes") {
            let edges = list(node, "deps")
                .map(|dep| Edge {
                    to: text(dep, "pkg"),
                    development_only: list(dep, "dep_kinds").all(|kind| text(kind, "kind") == "dev"),
                })
                .collect();
            if let Some(package) = packages.get_mut(&text(node, "id")) {
                package.edges = edges;
            }
        }
        let members = list(&value, "workspace_members").map(string).collect();
        Ok(Self { packages, members, locked })
    }

    fn members(&self) -> impl Iterator<Item = &Package> {
        self.members.iter().filter_map(|id| self.packages.get(id))
    }

    fn is_member(&self, id: &str) -> bool {
        self.members.iter().any(|member| member == id)
    }

    /// What a member ships: the packages of other people reached through its own dependencies, not through another
    /// member's, and not for its tests.
    fn foreign(&self, member: &Package) -> Vec<&Package> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Edge> = member.edges.iter().filter(|edge| !edge.development_only).collect();
        while let Some(edge) = open.pop() {
            if self.is_member(&edge.to) || !seen.insert(edge.to.as_str()) {
                continue;
            }
            let package = self.packages.get(&edge.to);
            open.extend(package.iter().flat_map(|found| &found.edges).filter(|edge| !edge.development_only));
        }
        seen.into_iter().filter_map(|id| self.packages.get(id)).collect()
    }
}

/// Every rule that the workspace breaks, one line each.
pub fn violations(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for member in workspace.members() {
        direction(workspace, member, &mut found);
        c_code(workspace, member, &mut found);
        if member.name == "countersign-policy" {
            purity(workspace, member, &mut found);
        }
        if !member.inherits_lints {
            found.push(format!("{}: its Cargo.toml lacks `[lints]` with `workspace = true`", member.name));
        }
    }
    if workspace.locked > MAX_LOCKED_PACKAGES {
        found.push(format!(
            "Cargo.lock holds {} packages, the ceiling is {MAX_LOCKED_PACKAGES}: see `cargo tree --duplicates`",
            workspace.locked
        ));
    }
    found
}

fn direction(workspace: &Workspace, member: &Package, found: &mut Vec<String>) {
    let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(name, _)| *name == member.name) else {
        found.push(format!("{}: not in the table of who may depend on whom ({})", member.name, file!()));
        return;
    };
    for edge in &member.edges {
        let Some(to) = workspace.packages.get(&edge.to) else { continue };
        if workspace.is_member(&edge.to) && !allowed.contains(&to.name.as_str()) {
            found.push(format!("{} depends on {}, against the direction of the layers", member.name, to.name));
        }
    }
}

fn c_code(workspace: &Workspace, member: &Package, found: &mut Vec<String>) {
    if MAY_BRING_C.contains(&member.name.as_str()) {
        return;
    }
    for package in workspace.foreign(member) {
        if let Some(tool) = c_tool(workspace, package) {
            found.push(format!("{} brings in C code: {} is built with {tool}", member.name, package.name));
        }
    }
}

fn c_tool<'a>(workspace: &'a Workspace, package: &Package) -> Option<&'a str> {
    let names = package.edges.iter().filter(|edge| !edge.development_only).filter_map(|edge| {
        let to = workspace.packages.get(&edge.to)?;
        Some(to.name.as_str())
    });
    let mut names = names.filter(|name| C_TOOLS.contains(name));
    if package.build_script { names.next() } else { None }
}

fn purity(workspace: &Workspace, policy: &Package, found: &mut Vec<String>) {
    for package in workspace.foreign(policy) {
        if package.links {
            found.push(format!("countersign-policy: {} links a native library", package.name));
        }
        if ASYNC.contains(&package.name.as_str()) {
            found.push(format!("countersign-policy: {} is for async code", package.name));
        }
    }
}

fn host_triple() -> Result<String> {
    let version = output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).map(string).unwrap_or_default()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages as `name: dependency (kind)`, in the shape of `cargo metadata`.
    fn workspace(members: &[&str], edges: &[(&str, &str, Option<&str>)]) -> Workspace {
        let mut names: BTreeSet<&str> = members.iter().copied().collect();
        names.extend(edges.iter().flat_map(|(from, to, _)| [*from, *to]));
        let packages: Vec<Value> = names
            .iter()
            .map(|name| {
                serde_json::json!({
                    "id": name, "name": name, "links": if name.ends_with("-sys") { Some("x") } else { None },
                    "targets": [{ "kind": [if name.ends_with("-sys") { "custom-build" } else { "lib" }] }],
                    "manifest_path": crate::root().join("xtask/Cargo.toml"), "source": null,
                })
            })
            .collect();
        let nodes: Vec<Value> = names
            .iter()
            .map(|name| {
                let deps: Vec<Value> = edges
                    .iter()
                    .filter(|(from, ..)| from == name)
                    .map(|(_, to, kind)| serde_json::json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] }))
                    .collect();
                serde_json::json!({ "id": name, "deps": deps })
            })
            .collect();
        let metadata =
            serde_json::json!({ "packages": packages, "workspace_members": members, "resolve": { "nodes": nodes } });
        Workspace::parse(&metadata.to_string(), 1).unwrap()
    }

    #[test]
    fn a_dependency_against_the_layers_is_found() {
        let members = ["countersign-policy", "countersign-shell"];
        let upside_down = workspace(&members, &[("countersign-policy", "countersign-shell", Some("dev"))]);
        assert_eq!(
            violations(&upside_down),
            ["countersign-policy depends on countersign-shell, against the direction of the layers"]
        );
        assert!(violations(&workspace(&members, &[("countersign-shell", "countersign-policy", None)])).is_empty());
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        assert_eq!(violations(&workspace(&["countersign-extra"], &[])).len(), 1);
    }

    #[test]
    fn c_code_is_found_however_deep_and_not_blamed_on_those_above() {
        let edges = [
            ("countersign-shell", "grammar", None),
            ("grammar", "grammar-sys", None),
            ("grammar-sys", "cc", Some("build")),
            ("countersign-engine", "countersign-shell", None),
        ];
        assert!(violations(&workspace(&["countersign-engine", "countersign-shell"], &edges)).is_empty());
        let mut direct = edges.to_vec();
        direct.push(("countersign-engine", "grammar", None));
        assert_eq!(
            violations(&workspace(&["countersign-engine", "countersign-shell"], &direct)),
            ["countersign-engine brings in C code: grammar-sys is built with cc"]
        );
    }

    #[test]
    fn policy_has_no_async_and_no_native_library_outside_its_tests() {
        let edges = [("countersign-policy", "a", None), ("a", "tokio", None), ("a", "z-sys", None)];
        assert_eq!(violations(&workspace(&["countersign-policy"], &edges)).len(), 2);
        let for_tests = [("countersign-policy", "tokio", Some("dev"))];
        assert!(violations(&workspace(&["countersign-policy"], &for_tests)).is_empty());
    }
}
