//! What commands, paths, tools and hosts are made of.

pub const GIT: [&str; 24] = [
    "diff",
    "log",
    "status",
    "show",
    "branch",
    "add",
    "commit",
    "push",
    "pull",
    "fetch",
    "checkout",
    "switch",
    "restore",
    "rebase",
    "merge",
    "stash",
    "tag",
    "blame",
    "grep",
    "clean",
    "reset",
    "cherry-pick",
    "worktree",
    "remote",
];
pub const SCRIPT: [&str; 15] = [
    "test",
    "lint",
    "build",
    "dev",
    "start",
    "format",
    "typecheck",
    "e2e",
    "check",
    "deploy",
    "release",
    "docs",
    "storybook",
    "migrate",
    "seed",
];
pub const CARGO: [&str; 12] =
    ["test", "build", "check", "clippy", "fmt", "run", "bench", "doc", "publish", "add", "update", "tree"];
pub const PIP: [&str; 11] = [
    "pip install",
    "pip uninstall",
    "uv run",
    "uv sync",
    "uv pip install",
    "poetry run",
    "pytest",
    "python -m",
    "python3 -m",
    "ruff check",
    "mypy",
];
pub const KUBE: [&str; 9] = ["get", "describe", "logs", "apply", "delete", "exec", "rollout", "scale", "port-forward"];
pub const DOCKER: [&str; 10] = ["ps", "logs", "build", "run", "exec", "stop", "rm", "pull", "push", "compose"];
pub const COREUTIL: [&str; 28] = [
    "ls", "cat", "head", "tail", "wc", "grep", "rg", "find", "sed", "awk", "sort", "uniq", "cut", "tr", "diff", "stat",
    "file", "du", "tree", "mkdir", "touch", "cp", "mv", "rm", "chmod", "chown", "ln", "tar",
];
pub const NET: [&str; 8] = ["curl", "wget", "ssh", "scp", "rsync", "nc", "dig", "ping"];
pub const DIRS: [&str; 20] = [
    "src",
    "lib",
    "test",
    "tests",
    "docs",
    "scripts",
    "config",
    "packages",
    "apps",
    "services",
    "infra",
    "web",
    "api",
    "internal",
    "cmd",
    "pkg",
    "assets",
    "migrations",
    "examples",
    "tools",
];
pub const EXT: [&str; 20] = [
    "ts", "tsx", "js", "py", "rs", "go", "md", "json", "yaml", "toml", "sql", "css", "html", "sh", "lock", "env",
    "pem", "key", "tf", "proto",
];
pub const NOUN: [&str; 30] = [
    "user", "account", "order", "invoice", "payment", "session", "token", "policy", "grant", "agent", "tool", "model",
    "search", "index", "report", "audit", "event", "queue", "cache", "worker", "sync", "export", "import", "billing",
    "auth", "profile", "team", "project", "ticket", "page",
];
pub const ABS: [&str; 10] =
    ["/etc", "/usr/local", "/var/log", "/var/lib", "/root", "/home", "/opt", "/tmp", "/srv", "/proc/sys"];
pub const MCP: [&str; 26] = [
    "github",
    "gitlab",
    "linear",
    "jira",
    "slack",
    "notion",
    "gmail",
    "gdrive",
    "gcal",
    "asana",
    "sentry",
    "stripe",
    "postgres",
    "redis",
    "browser",
    "playwright",
    "filesystem",
    "memory",
    "figma",
    "airtable",
    "hubspot",
    "salesforce",
    "confluence",
    "zendesk",
    "datadog",
    "pagerduty",
];
pub const VERB: [&str; 15] = [
    "get", "list", "search", "create", "update", "delete", "read", "write", "send", "comment", "assign", "close",
    "merge", "query", "run",
];
pub const TLD: [&str; 6] = ["com", "dev", "io", "org", "net", "ai"];
pub const HOST: [&str; 10] = ["api", "docs", "www", "cdn", "auth", "static", "registry", "status", "blog", "raw"];
pub const BRAND: [&str; 24] = [
    "github",
    "npmjs",
    "pypi",
    "crates",
    "docs",
    "mozilla",
    "python",
    "rust-lang",
    "nodejs",
    "stripe",
    "slack",
    "notion",
    "linear",
    "atlassian",
    "google",
    "microsoft",
    "amazon",
    "cloudflare",
    "vercel",
    "anthropic",
    "openai",
    "huggingface",
    "kubernetes",
    "docker",
];
pub const ELSEWHERE: [&str; 8] =
    ["zig build", "bazel query", "terraform plan", "gh pr view", "nix develop", "just", "swift test", "dotnet run"];
