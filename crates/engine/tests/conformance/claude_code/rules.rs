//! What its documentation says of a call under these settings and this mode.

use countersign_engine::{Engine, Request};
use countersign_formats::Text;
use countersign_formats::claude_code::{self, File, Layer, Settings};
use countersign_policy::{Attendance, Effect};
use serde_json::{Map, Value, json};

use crate::case::{Case, Folder, texts};
use crate::rule::{Difference, Kind, Rule, Side};
use crate::vfs::Vfs;

pub(crate) fn kind() -> Kind {
    Kind {
        system: "claude-code",
        name: "rules",
        compares: "the decision; where a case says so: whether a rule of the settings made it, whether the tool is offered, and whether a rule is remarked on",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let theirs = case.expect["decision"].as_str().unwrap_or_default();
    let settings = match settings(case) {
        Ok(settings) => settings,
        Err(problems) => return vec![Difference::stricter("settings", theirs, problems)],
    };
    let (request, vfs) = request(case);
    let call = Engine::new(countersign_policy::document::assemble(Vec::new())).call(&request, &vfs);
    let verdict = claude_code::would(&settings, &call);
    let mut differences = Vec::new();
    let wanted = match theirs {
        "allow" => Effect::Allow,
        "ask" => Effect::Ask,
        _ => Effect::Deny,
    };
    let ours = format!("{} {:?}", verdict.effect, call.targets);
    if verdict.effect > wanted {
        differences.push(Difference::stricter("decision", theirs, ours));
    } else if verdict.effect < wanted {
        differences.push(Difference::looser("decision", theirs, ours));
    }
    if let Some(matched) = case.expect["matched"].as_bool()
        && verdict.by_rule != matched
    {
        // A rule that speaks where theirs does not is stricter unless it allows.
        let side = if verdict.effect == Effect::Allow { Difference::looser } else { Difference::stricter };
        differences.push(side("matched", matched.to_string(), verdict.by_rule.to_string()));
    }
    if let Some(hidden) = case.expect["tool_hidden"].as_bool() {
        let ours = !claude_code::offers(&settings, &call);
        if ours != hidden {
            let side = if ours { Difference::stricter } else { Difference::looser };
            differences.push(side("hidden", hidden.to_string(), ours.to_string()));
        }
    }
    if case.expect["warning"].as_bool() == Some(true) && settings.notes.is_empty() {
        differences.push(Difference::looser("warning", "one", "none"));
    }
    differences
}

/// The settings of the case: its layers, or a project's file; folders that were added on the command line.
fn settings(case: &Case) -> Result<Settings, String> {
    let trusted = case.context["workspace_trusted"].as_bool().unwrap_or(true);
    let mut files = match case.policy["layers"].as_object() {
        Some(layers) => layers.iter().map(|(name, policy)| (layer(name), file(policy))).collect(),
        None => vec![(Layer::Project, file(&case.policy))],
    };
    files.push((Layer::CommandLine, file(&json!({"additionalDirectories": case.context["additionalDirectories"]}))));
    let files: Vec<File<'_>> = files
        .iter()
        .map(|(layer, text)| File { layer: *layer, text: Text::new(format!("{layer:?}"), text), folder: None })
        .collect();
    claude_code::read(&files, trusted).map_err(|problems| format!("{problems:?}"))
}

fn layer(name: &str) -> Layer {
    match name {
        "managed" => Layer::Managed,
        "cli" => Layer::CommandLine,
        "local" => Layer::Local,
        "project" => Layer::Project,
        "user" => Layer::User,
        _ => panic!("{name} is no layer"),
    }
}

/// The case's policy as a settings file.
fn file(policy: &Value) -> String {
    let (mut top, mut permissions) = (Map::new(), Map::new());
    for (name, value) in policy.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let map = if name.starts_with("allowManaged") { &mut top } else { &mut permissions };
        map.insert(name.clone(), value.clone());
    }
    top.insert("permissions".to_owned(), permissions.into());
    Value::Object(top).to_string()
}

fn request(case: &Case) -> (Request, Vfs) {
    let context = |key: &str| case.context[key].as_str().unwrap_or_default().to_owned();
    let (cwd, project, home) = (context("cwd"), context("project_root"), context("home"));
    let mut vfs = Vfs::with_folders([cwd.as_str(), &project, &home]);
    for folder in texts(&case.context["additionalDirectories"]) {
        vfs.add(&format!("{}/a", folder.trim_end_matches('/')), "-");
    }
    for (link, to) in case.context["symlinks"].as_object().into_iter().flatten() {
        vfs.add(link, &format!("-> {}", to.as_str().unwrap()));
    }
    let request = Request {
        host: "claude-code".to_owned(),
        host_version: None,
        tool: case.text("tool").to_owned(),
        mcp_server: None,
        args: case.request["input"].clone(),
        cwd,
        project,
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        mode: Some(context("mode")),
        user: "u".to_owned(),
        home,
        role: None,
        environment: std::collections::BTreeMap::new(),
        attendance: Attendance::Somebody,
        call_id: None,
    };
    (request, vfs)
}

/// The rules of one list, of all layers.
fn rules(case: &Case, lists: &[&str]) -> Vec<String> {
    let layers = case.policy["layers"].as_object().into_iter().flat_map(|layers| layers.values());
    layers.chain([&case.policy]).flat_map(|policy| lists.iter().flat_map(|list| texts(&policy[*list]))).collect()
}

/// Whether an ask or a deny is for one of these tools and has something in parentheses.
fn forbids(case: &Case, tools: &[&str]) -> bool {
    let is = |rule: &String| rule.split_once('(').is_some_and(|(tool, _)| tools.contains(&tool));
    rules(case, &["ask", "deny"]).iter().any(is)
}

fn command(case: &Case) -> &str {
    case.request["input"]["command"].as_str().unwrap_or_default()
}

/// Whether the line has one of these words.
fn has(case: &Case, wanted: &[&str]) -> bool {
    command(case).split(|c: char| c.is_whitespace() || "|;&()\"'".contains(c)).any(|word| wanted.contains(&word))
}

const RULES: &[Rule] = &[
    Rule {
        name: "rules of paths for one tool hold",
        inputs: "an ask or a deny with a path for `Write`, `MultiEdit`, `NotebookEdit`, `Grep`, `Glob`",
        answer: "it holds for that tool, and is remarked on",
        why: "theirs takes the rule and never looks at it",
        side: Side::Stricter,
        explains: |case, _| forbids(case, &["Write", "MultiEdit", "NotebookEdit", "Grep", "Glob"]),
    },
    Rule {
        name: "what is forbidden is so in any case of letters",
        inputs: "an ask or a deny that differs from the call in the case of letters alone",
        answer: "it holds",
        why: "on file systems that know no case both are the same program or file",
        side: Side::Stricter,
        explains: |case, _| {
            let input = case.request["input"].to_string();
            let words = rules(case, &["ask", "deny"]).into_iter().filter_map(|rule| {
                let inside = rule.split_once('(')?.1.trim_end_matches(')').to_owned();
                inside.split(['*', ' ', '/', ':']).max_by_key(|word| word.len()).map(str::to_owned)
            });
            let only_folded = |word: String| {
                !word.is_empty() && !input.contains(&word) && input.to_lowercase().contains(&word.to_lowercase())
            };
            words.into_iter().any(only_folded)
        },
    },
    Rule {
        name: "a forbidden file is so for every command",
        inputs: "an ask or a deny with a path for `Read` or `Edit`, and a command that names such a file",
        answer: "it holds, whichever program it is, and for removals, too",
        why: "theirs looks at `cat`, `head`, `tail`, `sed` and their kin only",
        side: Side::Stricter,
        explains: |case, _| case.text("tool") == "Bash" && forbids(case, &["Read", "Edit"]),
    },
    Rule {
        name: "a forbidden command is so behind every wrapper",
        inputs: "an ask or a deny of a command that runs behind `env`, `sudo`, `bash -c`, `npx` ...",
        answer: "it holds",
        why: "theirs takes off only the wrappers of its list",
        side: Side::Stricter,
        explains: |case, _| {
            let wrappers =
                ["env", "sudo", "bash", "sh", "zsh", "npx", "xargs", "watch", "setsid", "ionice", "flock", "exec"];
            forbids(case, &["Bash"]) && (has(case, &wrappers) || command(case).contains(" -exec"))
        },
    },
    Rule {
        name: "read-only commands with ordinary arguments alone",
        inputs: "a command that theirs runs unasked, with an option or a word that our tables do not know to be harmless",
        answer: "asked",
        why: "its list is not public; ours is what cannot write, run or connect",
        side: Side::Stricter,
        explains: |case, difference| {
            let runs = case.expect["decision"] == "allow" && case.context["mode"] == "default";
            difference.of == "decision" && case.text("tool") == "Bash" && runs && rules(case, &["allow"]).is_empty()
        },
    },
    Rule {
        name: "a file outside that a command names",
        inputs: "an allowed command of files that names one outside the working directories",
        answer: "asked",
        why: "the rule is about the command; reading and writing elsewhere is for a rule about files",
        side: Side::Stricter,
        explains: |case, difference| {
            let names_outside =
                command(case).contains(" /") || command(case).contains(['~', '>']) || command(case).contains("..");
            difference.of == "decision" && case.text("tool") == "Bash" && names_outside
        },
    },
    Rule {
        name: "words that xargs adds are no words of an exact rule",
        inputs: "an exact allow and its command behind `xargs`",
        answer: "asked",
        why: "what runs has more words than the rule",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "decision" && has(case, &["xargs"]),
    },
    Rule {
        name: "a line is allowed command by command",
        inputs: "an exact allow of a whole line with several commands",
        answer: "asked",
        why: "each command is judged by itself, whatever stands beside it",
        side: Side::Stricter,
        explains: |case, _| rules(case, &["allow"]).iter().any(|rule| rule.contains(['|', ';', '&', '\n'])),
    },
    Rule {
        name: "what a shell computes is asked about",
        inputs: "a command with a part that is not understood before it runs",
        answer: "asked",
        why: "nobody knows what would run",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "decision" && command(case).contains(['$', '`', '<', '{', '=']),
    },
    Rule {
        name: "plan mode edits nothing",
        inputs: "an edit in plan mode",
        answer: "denied",
        why: "theirs asks in some versions and denies in others",
        side: Side::Stricter,
        explains: |case, _| case.context["mode"] == "plan",
    },
    Rule {
        name: "a folder that is not trusted grants nothing",
        inputs: "allows of `.claude/settings.local.json` in a workspace that is not trusted",
        answer: "asked",
        why: "a repository can bring that file, too",
        side: Side::Stricter,
        explains: |case, _| case.context["workspace_trusted"] == false && case.policy["layers"]["local"].is_object(),
    },
    Rule {
        name: "parameters of MCP tools are looked at",
        inputs: "an ask or a deny with a parameter for a tool of an MCP server",
        answer: "it holds",
        why: "theirs passes over every rule for such tools that has parentheses",
        side: Side::Stricter,
        explains: |case, _| {
            rules(case, &["ask", "deny"]).iter().any(|rule| rule.starts_with("mcp__") && rule.contains('('))
        },
    },
    Rule {
        name: "a server's tool whose name splits in two ways is asked about",
        inputs: "`mcp__a__b__c`",
        answer: "asked",
        why: "it could be another server's",
        side: Side::Stricter,
        explains: |case, _| case.text("tool").matches("__").count() > 2,
    },
    Rule {
        name: "a settings file with a mistake is refused",
        inputs: "a rule without its parentheses closed, a list that is none, a mode that is none",
        answer: "the file is refused, with the place",
        why: "theirs passes over it, and a denial with it",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "settings",
    },
];
