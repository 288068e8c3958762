//! Rules files to rules.

use countersign_policy::document::{Problem, quoted};
use countersign_policy::pattern::plain_path;
use countersign_policy::{Effect, Origin};

use super::arguments::Arguments;
use super::example::{self, Examples};
use super::host::host;
use super::starlark::{self, HostCall, Plain, Stop};
use crate::Text;

/// All that rules files say, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What they say of commands.
    pub prefixes: Vec<PrefixRule>,
    /// Where programs may lie that are meant by name. Of several for one name the last counts.
    pub hosts: Vec<HostExecutable>,
    /// What they say of hosts in the network.
    pub network: Vec<NetworkRule>,
}

/// A `prefix_rule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixRule {
    /// For each of the first words of a command what it may be. Neither this nor one of them is empty.
    pub pattern: Vec<Vec<String>>,
    /// What it says.
    pub decision: Decision,
    /// Why, in its author's words.
    pub justification: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// A `host_executable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostExecutable {
    /// The program's name.
    pub name: String,
    /// The absolute paths that it may have.
    pub paths: Vec<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// A `network_rule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRule {
    /// The host in lower case, without port.
    pub host: String,
    /// For which kind of connection.
    pub protocol: Protocol,
    /// What it says.
    pub decision: Decision,
    /// Why, in its author's words.
    pub justification: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// What a rule says; ordered by strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It runs, outside of the sandbox.
    Allow,
    /// A human is asked.
    Prompt,
    /// It does not run.
    Forbidden,
}

/// A kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS, through `CONNECT`.
    Https,
    /// TCP through SOCKS5.
    Socks5Tcp,
    /// UDP through SOCKS5.
    Socks5Udp,
}

impl PrefixRule {
    /// How much it comes to, written once for each of its programs.
    fn bytes(&self) -> usize {
        let Some((programs, rest)) = self.pattern.split_first() else { return 0 };
        let rest: usize = rest.iter().flatten().map(|word| word.len() + 24).sum();
        let why = self.justification.as_ref().map_or(0, String::len);
        programs.iter().fold(0, |bytes, program| bytes.saturating_add(program.len() + rest + why + MAX_SHOWN))
    }
}

impl Decision {
    pub(super) fn named(word: &str) -> Option<Decision> {
        Some(match word {
            "allow" => Decision::Allow,
            "prompt" => Decision::Prompt,
            "forbidden" => Decision::Forbidden,
            _ => return None,
        })
    }

    /// As rules files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Prompt => "prompt",
            Decision::Forbidden => "forbidden",
        }
    }

    /// What we call it.
    pub fn effect(self) -> Effect {
        match self {
            Decision::Allow => Effect::Allow,
            Decision::Prompt => Effect::Ask,
            Decision::Forbidden => Effect::Deny,
        }
    }
}

impl Protocol {
    fn named(word: &str) -> Option<Protocol> {
        Some(match word {
            "http" => Protocol::Http,
            "https" | "https_connect" | "http-connect" => Protocol::Https,
            "socks5_tcp" => Protocol::Socks5Tcp,
            "socks5_udp" => Protocol::Socks5Udp,
            _ => return None,
        })
    }
}

/// The functions that a rules file calls.
const FUNCTIONS: &[&str] = &["prefix_rule", "host_executable", "network_rule"];

/// The most problems of one file that are told.
const MAX_PROBLEMS: usize = 50;
/// The most bytes that all rules may come to, each rule written once for each of its programs.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most examples that a rule may have.
const MAX_EXAMPLES: usize = 200;
/// The most paths that a program may have.
const MAX_PATHS: usize = 100;
/// The most of a rule's text that its origin repeats.
const MAX_SHOWN: usize = 300;

/// Reads one file: rules, or requirements if it is TOML.
///
/// # Errors
/// All that is wrong with it.
pub fn read(file: &Text<'_>) -> Result<Rules, Vec<Problem>> {
    if file.name.ends_with(".toml") { super::requirements(file) } else { parse(std::slice::from_ref(file)) }
}

/// Reads rules files, which count in this order: those of a lower layer first, in a layer sorted by path.
///
/// # Errors
/// All that is wrong with them: what is not in the language, arguments that are no rule, examples that do not hold.
pub fn parse(files: &[Text<'_>]) -> Result<Rules, Vec<Problem>> {
    let mut rules = Rules::default();
    let mut problems = Vec::new();
    let mut bytes = 0_usize;
    for file in files {
        if let Some(problem) = file.marked() {
            problems.push(problem);
            continue;
        }
        let mut found = Vec::new();
        let mut examples = Vec::new();
        match starlark::run(file.text, FUNCTIONS) {
            Ok(calls) => {
                for call in &calls {
                    let mut arguments = Arguments::new(call);
                    match call.function {
                        "host_executable" => rules.hosts.extend(host_executable(&mut arguments, file, call)),
                        "network_rule" => rules.network.extend(network_rule(&mut arguments, file, call)),
                        _ => {
                            let rule = prefix_rule(&mut arguments, file, call, &mut examples);
                            bytes = bytes.saturating_add(rule.as_ref().map_or(0, PrefixRule::bytes));
                            if bytes > MAX_BYTES {
                                arguments
                                    .problem(format!("with this rule the files come to more than {MAX_BYTES} bytes"));
                            }
                            rules.prefixes.extend(rule);
                        }
                    }
                    found.extend(arguments.problems().map(|message| Stop {
                        span: call.span.clone(),
                        message,
                        help: None,
                    }));
                    if found.len() >= MAX_PROBLEMS {
                        break;
                    }
                }
            }
            Err(stops) => found.extend(stops),
        }
        if found.is_empty() {
            found.extend(example::failed(&examples, &rules.hosts));
        }
        found.truncate(MAX_PROBLEMS);
        problems.extend(found.iter().map(|stop| file.problem(&stop.span, stop.message.as_str(), stop.help.as_deref())));
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

fn prefix_rule(
    arguments: &mut Arguments<'_>,
    file: &Text<'_>,
    call: &HostCall,
    examples: &mut Vec<Examples>,
) -> Option<PrefixRule> {
    arguments.take(&["pattern", "decision", "match", "not_match", "justification"], 1);
    let decision = match arguments.text("decision") {
        None => Some(Decision::Allow),
        Some(word) => arguments.or_problem(Decision::named(&word), || {
            let hint = if word == "deny" { "`forbidden`" } else { "`allow`, `prompt` or `forbidden`" };
            format!("{} is no decision: write {hint}", quoted(&word))
        }),
    };
    let justification = justification(arguments);
    let pattern = arguments.list("pattern").map(<[Plain]>::to_vec);
    let pattern = pattern.and_then(|tokens| pattern_of(&tokens, arguments))?;
    let mut commands = Vec::new();
    for (list, holds) in [("match", true), ("not_match", false)] {
        let given = arguments.list(list).unwrap_or_default();
        if given.len() > MAX_EXAMPLES {
            arguments.problem(format!("`{list}` has more than {MAX_EXAMPLES} examples"));
        }
        for example in given.iter().take(MAX_EXAMPLES) {
            commands.extend(example_words(example, arguments).map(|words| (words, holds)));
        }
    }
    if !commands.is_empty() {
        examples.push(Examples { pattern: pattern.clone(), commands, span: call.span.clone() });
    }
    let decision = decision?;
    let origin = file.origin(&call.span, shown(&pattern, decision));
    Some(PrefixRule { pattern, decision, justification, origin })
}

/// A rule about commands as a file would write it.
pub(super) fn shown(pattern: &[Vec<String>], decision: Decision) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let word = |word: &String| serde_json::Value::from(word.as_str()).to_string();
    let words = |words: &Vec<String>| match words.as_slice() {
        [one] => word(one),
        several => list(several.iter().map(word).collect()),
    };
    let rule = format!("prefix_rule({}, \"{}\")", list(pattern.iter().map(words).collect()), decision.as_str());
    match rule.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => rule.get(..end).unwrap_or_default().to_owned() + "...",
        None => rule,
    }
}

fn justification(arguments: &mut Arguments<'_>) -> Option<String> {
    let justification = arguments.text("justification")?;
    let given = Some(justification.clone()).filter(|text| !text.trim().is_empty());
    arguments.or_problem(given, || "a justification is empty: write why, or leave it out".to_owned())
}

fn pattern_of(tokens: &[Plain], arguments: &mut Arguments<'_>) -> Option<Vec<Vec<String>>> {
    if tokens.is_empty() {
        arguments.problem("a pattern is empty: write at least the program");
        return None;
    }
    let mut pattern = Vec::new();
    for token in tokens {
        match token {
            Plain::Text(word) => pattern.push(vec![word.clone()]),
            Plain::List(words) if words.is_empty() => arguments.problem("a list of alternatives in a pattern is empty"),
            Plain::List(words) => {
                let words = words.iter().map(|word| match word {
                    Plain::Text(word) => Ok(word.clone()),
                    other => Err(other.kind()),
                });
                match words.collect::<Result<Vec<_>, _>>() {
                    Ok(words) => pattern.push(words),
                    Err(kind) => {
                        arguments.problem(format!("an alternative in a pattern is of type `{kind}`: write a text"))
                    }
                }
            }
            other => {
                let kind = other.kind();
                arguments.problem(format!("a part of a pattern is of type `{kind}`: write a text or a list of texts"));
            }
        }
    }
    if pattern.len() == tokens.len() { Some(pattern) } else { None }
}

/// The words of an example.
fn example_words(example: &Plain, arguments: &mut Arguments<'_>) -> Option<Vec<String>> {
    let problem = match example {
        Plain::Text(line) => match example::split(line) {
            Some(words) if !words.is_empty() => return Some(words),
            Some(_) => "an example is an empty text: write a command".to_owned(),
            None => format!("the example {} is no line of a shell: a quote is not closed", quoted(line)),
        },
        Plain::List(words) if words.is_empty() => "an example is an empty list: write a command".to_owned(),
        Plain::List(words) => {
            let words = words.iter().map(|word| match word {
                Plain::Text(word) => Ok(word.clone()),
                other => Err(other.kind()),
            });
            match words.collect::<Result<Vec<_>, _>>() {
                Ok(words) => return Some(words),
                Err(kind) => format!("a word of an example is of type `{kind}`: write a text"),
            }
        }
        other => format!("an example is of type `{}`: write a text or a list of texts", other.kind()),
    };
    arguments.problem(problem);
    None
}

fn host_executable(arguments: &mut Arguments<'_>, file: &Text<'_>, call: &HostCall) -> Option<HostExecutable> {
    arguments.take(&["name", "paths"], 2);
    let name = arguments.text("name")?;
    if name.is_empty() {
        arguments.problem("the name of a program is empty");
    } else if name.contains('/') || name == "." || name == ".." {
        arguments.problem(format!("{} is no bare name of a program: write it without folders", quoted(&name)));
    }
    let mut paths = Vec::new();
    if arguments.list("paths")?.len() > MAX_PATHS {
        arguments.problem(format!("a program has more than {MAX_PATHS} paths"));
        return None;
    }
    for path in arguments.list("paths").map(<[Plain]>::to_vec)? {
        let Plain::Text(path) = &path else {
            arguments.problem(format!("a path is of type `{}`: write a text", path.kind()));
            continue;
        };
        match plain_path(path) {
            None => arguments.problem(format!("the path {} is not absolute", quoted(path))),
            Some(plain) if plain.rsplit('/').next() != Some(&name) => {
                arguments.problem(format!("the path {} does not end in the name {}", quoted(path), quoted(&name)));
            }
            Some(plain) if !paths.contains(&plain) => paths.push(plain),
            Some(_) => {}
        }
    }
    let shown = serde_json::json!(name);
    let origin = file.origin(&call.span, format!("host_executable({shown}, {})", serde_json::json!(paths)));
    Some(HostExecutable { name, paths, origin })
}

fn network_rule(arguments: &mut Arguments<'_>, file: &Text<'_>, call: &HostCall) -> Option<NetworkRule> {
    arguments.take(&["host", "protocol", "decision", "justification"], 3);
    let protocol = arguments.text("protocol").and_then(|word| {
        arguments.or_problem(Protocol::named(&word), || {
            format!("{} is no protocol: write `http`, `https`, `socks5_tcp` or `socks5_udp`", quoted(&word))
        })
    });
    let decision = arguments.text("decision").and_then(|word| {
        let decision = if word == "deny" { Some(Decision::Forbidden) } else { Decision::named(&word) };
        arguments.or_problem(decision, || {
            format!("{} is no decision: write `allow`, `prompt`, `deny` or `forbidden`", quoted(&word))
        })
    });
    let justification = justification(arguments);
    let host = arguments.text("host").and_then(|word| match host(&word) {
        Ok(host) => Some(host),
        Err(message) => {
            arguments.problem(message);
            None
        }
    });
    let (host, protocol, decision) = (host?, protocol?, decision?);
    let shown = serde_json::json!(host);
    let origin = file.origin(&call.span, format!("network_rule({shown}, \"{}\")", decision.as_str()));
    Some(NetworkRule { host, protocol, decision, justification, origin })
}
