//! Every kind that is replayed, in the order of `docs/differences.md`, and which target has its adapter.

/// A test target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Decisions: `crates/engine/tests/conformance`.
    Engine,
    /// The life of a question: `crates/service/tests/conformance`.
    Service,
}

/// Target, system, kind.
pub(crate) const REPLAYED: &[(By, &str, &str)] = &[
    (By::Engine, "opencode", "bash"),
    (By::Engine, "opencode", "arity"),
    (By::Engine, "opencode", "wildcard"),
    (By::Engine, "opencode", "evaluate-v1"),
    (By::Engine, "opencode", "evaluate-v2"),
    (By::Engine, "opencode", "disabled"),
    (By::Engine, "opencode", "fromconfig"),
    (By::Engine, "opencode", "subagent"),
    (By::Service, "opencode", "flow"),
    (By::Engine, "surfsense", "wildcard"),
    (By::Engine, "surfsense", "evaluate"),
    (By::Engine, "surfsense", "disabled"),
    (By::Engine, "surfsense", "decision"),
    (By::Service, "surfsense", "middleware"),
    (By::Service, "surfsense", "doomloop"),
    (By::Engine, "openclaw", "eval-shell"),
    (By::Engine, "openclaw", "eval-argv"),
    (By::Engine, "openclaw", "wrapper-plan"),
    (By::Engine, "openclaw", "inline-eval"),
    (By::Engine, "openclaw", "explain"),
    (By::Engine, "openclaw", "windows-shell"),
    (By::Engine, "openclaw", "sanitizer"),
    (By::Engine, "openclaw", "matcher"),
    (By::Engine, "openclaw", "arg-hash"),
    (By::Engine, "openclaw", "file-parse"),
    (By::Engine, "openclaw", "truth-requires-approval"),
    (By::Engine, "openclaw", "windows-node"),
    (By::Engine, "codex", "command-safety"),
    (By::Engine, "codex", "execpolicy"),
    (By::Service, "codex", "approval-flow"),
    (By::Engine, "flowfuse", "policy"),
    (By::Engine, "flowfuse", "availability"),
    (By::Engine, "flowfuse", "rows"),
    (By::Engine, "flowfuse", "ops"),
    (By::Engine, "flowfuse", "facts"),
    (By::Engine, "flowfuse", "mcpfilter"),
    (By::Engine, "flowfuse", "final"),
    (By::Service, "flowfuse", "batch"),
    (By::Engine, "clawbolt", "resolve"),
    (By::Engine, "clawbolt", "reply"),
    (By::Engine, "clawbolt", "text"),
    (By::Engine, "clawbolt", "extract"),
    (By::Engine, "clawbolt", "owntests"),
    (By::Service, "clawbolt", "round"),
    (By::Service, "clawbolt", "gate"),
    (By::Engine, "claude-code", "rules"),
    (By::Service, "langchain", "hitl"),
];
