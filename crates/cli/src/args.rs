//! The command line, as its users read it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use countersign_policy::Scope;

use crate::duration::Length;

/// The permission system for AI agents.
///
/// An agent asks before it acts. Policy answers allow, ask or deny; where it says ask, you answer: on the page that
/// `countersign serve` shows, or here with `countersign approvals`.
///
/// New here? Run `countersign init`, then `countersign serve`.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, max_term_width = 80, term_width = 80, infer_subcommands = false)]
#[command(
    after_help = "Exit status: 0 allowed or done, 1 warnings, 10 asks, 20 denied, 2 a fault or a wrong command line.\n\
    Files: ~/.config/countersign/countersign.toml (yours), countersign.toml (a project's)."
)]
pub(crate) struct Arguments {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put the gate in front of the agents on this machine
    Init(Init),
    /// Show the page on which you answer, and the API
    Serve(Serve),
    /// Make a fresh sign-in link to that page
    Open(Open),
    /// Say what is in force here, and what is waiting for you
    Status,
    /// Prove that the gate is live
    Doctor,
    /// Switch the gate off for a while
    Off(Off),
    /// Switch the gate on again
    On,

    /// Add a rule: this runs without a question
    #[command(after_help = RULES)]
    Allow(Rule),
    /// Add a rule: this asks you first
    #[command(after_help = RULES)]
    Ask(Rule),
    /// Add a rule: this never runs
    #[command(after_help = RULES)]
    Deny(Rule),
    /// Take the last added rule back
    Undo(Undo),
    /// Let the allow rules of this project's files count
    Trust(Trust),
    /// Take over another system's file
    #[command(after_help = SYSTEMS)]
    Import(Import),
    /// Show the rules in force
    Policy(Policy),

    /// Say what would happen to a call, and why
    #[command(after_help = CALLS)]
    Check(Check),
    /// Say why a call was allowed, asked about or denied
    Why(Why),
    /// Show the decisions so far, newest last
    Log(Log),
    /// Check the examples in the policy files
    Test,
    /// Warn of rules that do not do what they look like
    ///
    /// Rules that can never decide or stand twice, allows that lift built-in denials or have ended, patterns in another
    /// system's spelling. Changes nothing. Exit status 1 when there are warnings, 2 when a file cannot be read.
    Lint(Lint),

    /// Answer what agents ask
    Approvals(Approvals),
    /// Show and revoke what you allowed for longer than once
    Grants(Grants),
    /// Make and revoke the tokens with which agents speak to the API
    Tokens(Tokens),
    /// Set whom the server tells of questions, and resumes with their answers
    Webhooks(Webhooks),

    /// What an agent's host runs; `countersign init` registers it
    ///
    /// Reads one event on standard input and answers in the host's own form. Whatever goes wrong, the call does not run.
    Hook(Hook),

    /// Print completions for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const RULES: &str = "Rules:\n  \
    'shell(git push *)'       a command; * ordinary arguments, ** any at all\n  \
    'read(.env*)'             also edit, delete, search: paths; ~/x, /x, src/**\n  \
    'fetch(*.rust-lang.org)'  hosts\n  \
    'github/create_issue'     a tool of an MCP server; github/* is all of them\n\
    The strictest rule that matches holds, whatever the order.";

const SYSTEMS: &str = "Files:\n  \
    opencode.json, .claude/settings.json, exec-approvals.json, PERMISSIONS.json,\n  \
    default.rules and others; see --system.\n\
    Each rule becomes one of ours where ours say the same; else the file is taken\n\
    in as it is, and decides as it does there.";

const CALLS: &str = "Calls:\n  \
    countersign check 'shell: git push'\n  \
    countersign check 'read: .env'\n  \
    countersign check 'fetch: https://docs.rs/serde'\n  \
    countersign check github/create_issue\n  \
    countersign check < event.json        an event as a host sends it to its hook";

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// What the hook does where policy asks; without it what is registered stays
    #[arg(long, value_name = "HOW", value_parser = ["wait", "host", "deny", "defer"], conflicts_with = "remove")]
    pub(crate) on_ask: Option<String>,
    /// Undo what init did
    #[arg(long)]
    pub(crate) remove: bool,
    /// Apply without asking (still needs a terminal)
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show the plan and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) plan: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The port to listen on, for this machine only; 0: any that is free
    #[arg(long, value_name = "PORT", default_value_t = countersign_service::http::PORT)]
    pub(crate) port: u16,
    /// Keep state in a database server instead of a file (not there yet)
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Show new questions as notices, too
    #[arg(long, value_name = "WHERE", value_parser = ["desktop"])]
    pub(crate) notify: Option<String>,
    /// Let webhooks reach this host on a private network; may be given again
    #[arg(long, value_name = "HOST")]
    pub(crate) webhook_private: Vec<String>,
    /// Let webhooks go to this host without encryption; may be given again
    #[arg(long, value_name = "HOST")]
    pub(crate) webhook_http: Vec<String>,
    /// Trust the certificates in this file for webhooks, and not the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_roots: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// Open it in a browser too
    #[arg(long)]
    pub(crate) browser: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Off {
    /// For how long: 15m, 2h; 8h at most
    #[arg(value_name = "TIME")]
    pub(crate) length: Length,
}

#[derive(Debug, Args)]
pub(crate) struct Rule {
    /// The rule
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
    /// Write it into this project's countersign.toml
    #[arg(long, conflicts_with = "user")]
    pub(crate) project: bool,
    /// Write it into your own file (the default)
    #[arg(long)]
    pub(crate) user: bool,
    /// For this long only: 8h, 2d; an allow rule alone can end by itself
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) length: Option<Length>,
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// Trust them no longer
    #[arg(long)]
    pub(crate) remove: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print policy files as they are
    Show {
        /// Which
        #[arg(default_value = "all")]
        which: Which,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// The rules that come with the program
    Builtin,
    /// The administrator's file
    Managed,
    /// Your file
    User,
    /// This project's files
    Project,
    /// All of them
    All,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The files, or a folder of them; several of one system count together, the lowest first
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Whose files they are, where that cannot be told
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) system: Option<String>,
    /// The agent of that system whose rules count
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Where the files hold, if not on a machine like this one: linux, macos, windows, or windows-node for OpenClaw's node
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// Write into this project's countersign.toml
    #[arg(long)]
    pub(crate) project: bool,
    /// Write without asking (still needs a terminal)
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show what the files come to, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) plan: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The call; without it an event is read from standard input
    #[arg(value_name = "CALL")]
    pub(crate) call: Option<String>,
    /// Decide by this file in place of yours and the project's; it may be another system's
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where that file holds, if it is another system's and not for a machine like this one
    #[arg(long, value_name = "PLATFORM", requires = "policy")]
    pub(crate) platform: Option<String>,
    /// As a sub-agent of this kind; of one below another, name the outer one first
    #[arg(long, value_name = "KIND", requires = "call")]
    pub(crate) agent: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The files, ours or another system's; without any, our files in force here and what they take in
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Whose files they are, where that cannot be told
    #[arg(long, value_name = "SYSTEM", requires = "files")]
    pub(crate) system: Option<String>,
    /// Where they hold, if they are another system's and not for a machine like this one
    #[arg(long, value_name = "PLATFORM", requires = "files")]
    pub(crate) platform: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The decision's id in `countersign log`, or `last`
    #[arg(value_name = "ID", default_value = "last")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Go on as decisions are made
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many to begin with
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) lines: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    pub(crate) command: ApprovalsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List what is waiting for an answer
    List,
    /// Show one question in full
    Show {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Say yes
    Allow(Reply),
    /// Say no
    Deny(Reply),
    /// Wait here for questions and answer them one by one
    Watch,
}

#[derive(Debug, Args)]
pub(crate) struct Reply {
    /// The question's id, or the beginning of it
    pub(crate) id: String,
    /// How far the answer reaches: once, turn, session, project, user
    #[arg(long, value_name = "SCOPE", default_value = "once", value_parser = scope)]
    pub(crate) scope: Scope,
    /// For this long only: 8h, 2d
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) length: Option<Length>,
    /// What the agent is told
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// With `allow`, once: all the arguments that may run instead, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "length")]
    pub(crate) args: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Grants {
    #[command(subcommand)]
    pub(crate) command: GrantsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantsCommand {
    /// List them
    List,
    /// Take one back
    Revoke {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Let one reach further, as far as its question offered
    Promote {
        /// Its id, or the beginning of it
        id: String,
        /// How far: session, project, user
        #[arg(long, value_name = "SCOPE", value_parser = scope)]
        scope: Scope,
        /// For this long only: 8h, 2d; without it until it would have ended
        #[arg(long = "for", value_name = "TIME")]
        length: Option<Length>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    pub(crate) command: TokensCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List those that count
    List {
        /// Those that have ended or were revoked, too
        #[arg(long)]
        all: bool,
    },
    /// Make one; its secret is shown this once
    #[command(after_help = TOKENS)]
    Make(NewToken),
    /// Take one back, and with it those of the sub-agents below it
    Revoke {
        /// Its id, or the beginning of it
        id: String,
    },
}

const TOKENS: &str = "For an agent:\n  \
    countersign tokens make ci --session my-agent:build-7 --project .\n\
    For a sub-agent of the kind `Explore`, below that one:\n  \
    countersign tokens make scout --session my-agent:build-7-1 \\\n    \
    --agent Explore --parent my-agent:build-7\n\
    For a program that embeds agents:\n  \
    countersign tokens make chat --application";

#[derive(Debug, Args)]
pub(crate) struct NewToken {
    /// Its name, for you
    pub(crate) name: String,
    /// The only session that it speaks for, with its host
    #[arg(long, value_name = "HOST:SESSION", required_unless_present = "application")]
    pub(crate) session: Option<String>,
    /// The only project that it speaks for; without it any
    #[arg(long, value_name = "FOLDER", conflicts_with = "application")]
    pub(crate) project: Option<PathBuf>,
    /// The kind of a sub-agent, as `[agents.KIND]` in a policy file names it
    #[arg(long, value_name = "KIND", requires = "parent")]
    pub(crate) agent: Option<String>,
    /// The session of the agent above it, with its host
    #[arg(long, value_name = "HOST:SESSION", requires = "agent")]
    pub(crate) parent: Option<String>,
    /// For a program that embeds agents, in all of your sessions
    #[arg(long, conflicts_with_all = ["session", "agent", "parent"])]
    pub(crate) application: bool,
    /// How long it counts: 8h, 2d; 30d at most, 12h unless said
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) length: Option<Length>,
}

#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    #[command(subcommand)]
    pub(crate) command: WebhooksCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List them, with what was not taken
    List,
    /// Set one; its secret is shown this once
    Add(NewWebhook),
    /// Remove one, and what is on its way
    Remove {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Send what was given up once more
    Retry {
        /// Its id, or the beginning of it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewWebhook {
    /// https://HOST/PATH
    pub(crate) url: String,
    /// What you call it
    #[arg(long, value_name = "NAME", default_value = "webhook")]
    pub(crate) name: String,
    /// Tell it of questions and when they are over
    #[arg(long, required_unless_present = "turns")]
    pub(crate) questions: bool,
    /// Resume deferred turns by it
    #[arg(long)]
    pub(crate) turns: bool,
    /// Only for sessions of this host
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Hook {
    /// The host: claude-code
    pub(crate) host: String,
    /// Where policy asks: wait for an answer, let the host ask, deny, or defer: the
    /// host ends and comes again when its session is resumed
    #[arg(long, value_name = "HOW")]
    pub(crate) on_ask: Option<String>,
    /// The time limit, in seconds, that the hook was registered with
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// The home directory; the environment then counts for nothing
    #[arg(long, value_name = "FOLDER")]
    pub(crate) home: Option<PathBuf>,
    /// The folder of your policy file
    #[arg(long, value_name = "FOLDER")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of the store
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
}

fn scope(word: &str) -> Result<Scope, String> {
    match Scope::named(word) {
        Some(Scope::Team) | None => Err("use once, turn, session, project or user".to_owned()),
        Some(scope) => Ok(scope),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    /// The whole reference: each command's long help, one after the other.
    #[test]
    fn the_reference() {
        fn walk(command: &mut clap::Command, path: &str, out: &mut String) {
            let path = format!("{path}{}", command.get_name());
            *command = command.clone().bin_name(path.clone());
            out.push_str(&format!("=== {path}\n\n{}\n", command.render_long_help()));
            let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
            for name in names.iter().filter(|name| *name != "help") {
                if let Some(sub) = command.find_subcommand_mut(name) {
                    walk(sub, &format!("{path} "), out);
                }
            }
        }
        let mut out = String::new();
        let mut command = Arguments::command();
        command.build();
        walk(&mut command, "", &mut out);
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }
}
