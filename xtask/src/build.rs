//! Builds our programs and says where cargo put them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::steps::{cargo, output};

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Profile {
    /// Fast to build, with checks.
    Debug,
    /// As shipped.
    Release,
}

/// Builds a package's program and gives its path, as cargo reports it.
pub fn binary(package: &str, name: &str, profile: Profile) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--locked", "--package", package, "--bin", name]);
    command.arg("--message-format=json-render-diagnostics");
    if profile == Profile::Release {
        command.arg("--release");
    }
    let messages = output(&mut command)?;
    executable(&messages, name).with_context(|| format!("cargo built `{name}` and did not say where"))
}

/// Where cargo puts what it builds.
pub fn target_folder() -> Result<PathBuf> {
    let metadata = output(&mut cargo(&["metadata", "--format-version=1", "--no-deps", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    folder.map(PathBuf::from).context("cargo metadata names no target folder")
}

fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let named = message.pointer("/target/name").and_then(Value::as_str) == Some(name);
        let path = message.get("executable").and_then(Value::as_str)?;
        named.then(|| PathBuf::from(path))
    })
}
