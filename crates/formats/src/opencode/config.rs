//! `opencode.json` and `opencode.jsonc`: what of them decides, over all the files that OpenCode reads.

use countersign_policy::document::{Problem, quoted};
use countersign_policy::{Effect, Origin};

use super::{Entry, agents, frontmatter, text_of};
use crate::Text;
use crate::json::{self, Grammar, Member, Node};

/// What all files together say, in the order in which OpenCode would list it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    everybody: Layer,
    agents: Vec<(String, Layer)>,
    /// `experimental.primary_tools`.
    pub primary_tools: Vec<String>,
}

/// What is said of everybody, or of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Layer {
    /// The older form, `tools`: it stands below the newer one, whichever file they are in.
    tools: Permission,
    permission: Permission,
}

impl Layer {
    fn rules(&self, home: &str) -> Vec<Entry> {
        let mut all = self.tools.clone();
        all.merge(self.permission.clone());
        all.rules(home)
    }
}

/// One `permission` object, files merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permission {
    keys: Vec<(String, Said)>,
    /// Rules of the second permission system, which stand in a list.
    listed: Vec<Entry>,
}

/// What stands behind one permission.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    One(Effect, Origin),
    Patterns(Vec<(String, Effect, Origin)>),
}

/// The agent that a Markdown file is: by its name.
fn agent_of(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.strip_suffix(".md")
}

/// Whether it is the file of an agent, by where it lies: `.opencode/agents/NAME.md`.
pub(crate) fn is_agent_file(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (name, folder, above) = (parts.next(), parts.next(), parts.next());
    name.is_some_and(|name| name.ends_with(".md"))
        && folder.is_some_and(|folder| AGENT_FOLDERS.contains(&folder))
        && matches!(above, Some(".opencode" | "opencode"))
}

/// The folders with agents in them.
pub(crate) const AGENT_FOLDERS: [&str; 4] = ["agent", "agents", "mode", "modes"];

/// Permissions that take one effect and no patterns.
const WHOLE: [&str; 5] = ["todowrite", "question", "webfetch", "websearch", "doom_loop"];

const EFFECTS: &str = "write \"allow\", \"ask\" or \"deny\"";

impl Config {
    /// Reads the files, lowest first, as OpenCode merges them: a later file changes a value where it stood, and adds new
    /// ones behind. A Markdown file is an agent. What a file says of other things than permissions does not count here.
    ///
    /// # Errors
    /// All that is wrong with them. Nothing of a file with mistakes counts.
    pub fn read(files: &[Text<'_>]) -> Result<Config, Vec<Problem>> {
        let mut config = Config::default();
        let mut problems = Vec::new();
        for file in files {
            let mut reader = Reader { file, problems: &mut problems };
            if file.name.ends_with(".md") {
                reader.agent_file(&mut config);
                continue;
            }
            match json::parse(file, Grammar::Jsonc) {
                Ok(root) => reader.root(&root, &mut config),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The rules of an agent (`build` unless the user chose another), lowest first: what comes with the program, with
    /// that agent, the user's, and the user's for that agent.
    pub fn rules(&self, agent: &str, home: &str) -> Vec<Entry> {
        let mut rules = agents::defaults();
        rules.extend(agents::builtin(agent));
        rules.extend(self.written(agent, home));
        rules
    }

    /// The rules that the files have for an agent, without what comes with the program.
    pub fn written(&self, agent: &str, home: &str) -> Vec<Entry> {
        let mut rules = self.everybody.rules(home);
        for (_, own) in self.agents.iter().filter(|(name, _)| name == agent) {
            rules.extend(own.rules(home));
        }
        rules
    }

    /// The agents of which the files speak.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|(name, _)| &**name)
    }
}

impl Permission {
    /// Reads the value of `permission` alone.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(file: &Text<'_>) -> Result<Permission, Vec<Problem>> {
        let root = json::parse(file, Grammar::Jsonc).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let permission = Reader { file, problems: &mut problems }.permission(&root);
        if problems.is_empty() { Ok(permission) } else { Err(problems) }
    }

    fn of(keys: Vec<(String, Said)>) -> Permission {
        Permission { keys, listed: Vec::new() }
    }

    /// Its rules in the order in which OpenCode lists them; `~` and `$HOME` at the start of a pattern are the home
    /// directory.
    pub fn rules(&self, home: &str) -> Vec<Entry> {
        let mut rules = Vec::new();
        for (permission, said) in in_order(&self.keys, |(key, _)| key) {
            match said {
                Said::One(effect, origin) => rules.push(Entry {
                    permission: permission.clone(),
                    pattern: "*".to_owned(),
                    effect: *effect,
                    origin: origin.clone(),
                }),
                Said::Patterns(patterns) => {
                    rules.extend(in_order(patterns, |(pattern, ..)| pattern).into_iter().map(
                        |(pattern, effect, origin)| Entry {
                            permission: permission.clone(),
                            pattern: expanded(pattern, home),
                            effect: *effect,
                            origin: origin.clone(),
                        },
                    ));
                }
            }
        }
        rules.extend(
            self.listed.iter().cloned().map(|entry| Entry { pattern: expanded(&entry.pattern, home), ..entry }),
        );
        rules
    }

    /// What `other` says on top of this: as `mergeDeep` has it, what is there keeps its place.
    fn merge(&mut self, other: Permission) {
        self.listed.extend(other.listed);
        for (key, said) in other.keys {
            match (self.keys.iter_mut().find(|(its, _)| *its == key).map(|(_, said)| said), said) {
                (None, said) => self.keys.push((key, said)),
                (Some(Said::Patterns(patterns)), Said::Patterns(more)) => {
                    for (pattern, effect, origin) in more {
                        match patterns.iter_mut().find(|(its, ..)| *its == pattern) {
                            Some(before) => *before = (pattern, effect, origin),
                            None => patterns.push((pattern, effect, origin)),
                        }
                    }
                }
                (Some(before), said) => *before = said,
            }
        }
    }
}

/// In the order in which JavaScript lists the keys of an object: those that are numbers first, by their value.
fn in_order<T>(items: &[T], key: impl Fn(&T) -> &String) -> Vec<&T> {
    let number = |text: &str| {
        let canonical = text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| canonical && *number < u32::MAX)
    };
    let mut items: Vec<&T> = items.iter().collect();
    items.sort_by_key(|item| number(key(item)).map_or((1, 0), |number| (0, number)));
    items
}

fn expanded(pattern: &str, home: &str) -> String {
    match pattern.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => return format!("{home}{rest}"),
        _ => {}
    }
    match pattern.strip_prefix("$HOME") {
        Some(rest) => format!("{home}{rest}"),
        None => pattern.to_owned(),
    }
}

/// Reads one file and collects what is wrong with it.
struct Reader<'a, 't> {
    file: &'a Text<'t>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_, '_> {
    fn root(&mut self, root: &Node, config: &mut Config) {
        let Some(members) = root.object() else {
            return self.problem(root, "the file is no object", "write `{ \"permission\": { ... } }`");
        };
        self.layer(root, &mut config.everybody);
        for member in members.iter().filter(|member| ["agent", "mode"].contains(&&*member.name)) {
            let Some(agents) = member.node.object() else {
                self.problem(
                    &member.node,
                    &format!("`{}` is no object", member.name),
                    "write one object for each agent",
                );
                continue;
            };
            for agent in agents {
                self.agent(agent, config);
            }
        }
        let tools = root.member("experimental").and_then(|node| node.member("primary_tools"));
        if let Some(tools) = tools {
            match tools.list().map(|tools| tools.iter().map(|tool| tool.text().map(str::to_owned)).collect()) {
                Some(Some(tools)) => config.primary_tools = tools,
                _ => self.problem(tools, "`primary_tools` is no list of texts", "write the names of tools"),
            }
        }
    }

    /// An agent in a file of its own: what its head says of permissions.
    fn agent_file(&mut self, config: &mut Config) {
        match frontmatter::read(self.file, &["permission", "tools"]) {
            Ok(node) => {
                let name = agent_of(&self.file.name).unwrap_or_default().to_owned();
                self.agent(&Member { name, span: 0..0, node, repeated: false }, config);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn agent(&mut self, agent: &Member, config: &mut Config) {
        if agent.node.object().is_none() {
            let message = format!("the agent {} is no object", quoted(&agent.name));
            return self.problem(&agent.node, &message, "write `{ \"permission\": { ... } }`");
        }
        if let Some((_, layer)) = config.agents.iter_mut().find(|(name, _)| *name == agent.name) {
            return self.layer(&agent.node, layer);
        }
        let mut layer = Layer::default();
        self.layer(&agent.node, &mut layer);
        config.agents.push((agent.name.clone(), layer));
    }

    fn layer(&mut self, node: &Node, layer: &mut Layer) {
        layer.tools.merge(self.tools(node.member("tools")));
        if let Some(node) = node.member("permission") {
            layer.permission.merge(self.permission(node));
        }
    }

    /// `tools: { NAME: true }`, the older form.
    fn tools(&mut self, node: Option<&Node>) -> Permission {
        let mut permission = Permission::default();
        let Some(node) = node else { return permission };
        let Some(members) = node.object() else {
            self.problem(node, "`tools` is no object", "write `{ \"write\": false }`");
            return permission;
        };
        for member in members {
            let json::Json::Bool(allowed) = member.node.value else {
                let message = format!("{} is {}", quoted(&member.name), member.node.kind());
                self.problem(&member.node, &message, "write true or false");
                continue;
            };
            let key = if ["write", "edit", "patch"].contains(&&*member.name) { "edit" } else { &member.name };
            let effect = if allowed { Effect::Allow } else { Effect::Deny };
            let origin = self.origin(member, key, "*", effect);
            permission.merge(Permission::of(vec![(key.to_owned(), Said::One(effect, origin))]));
        }
        permission
    }

    fn permission(&mut self, node: &Node) -> Permission {
        if let Some(list) = node.list() {
            return self.list(list);
        }
        let Some(members) = node.object() else {
            let Some(effect) = self.effect("permission", node) else { return Permission::default() };
            let origin = self.file.origin(&node.span, text_of("*", "*", effect));
            return Permission::of(vec![("*".to_owned(), Said::One(effect, origin))]);
        };
        let mut keys = Vec::new();
        for member in members {
            let said = match member.node.object() {
                Some(_) if WHOLE.contains(&&*member.name) => {
                    let message = format!("{} takes one effect, and no patterns", quoted(&member.name));
                    self.problem(&member.node, &message, EFFECTS);
                    continue;
                }
                Some(patterns) => Said::Patterns(self.patterns(&member.name, patterns)),
                None => match self.effect(&member.name, &member.node) {
                    Some(effect) => Said::One(effect, self.origin(member, &member.name, "*", effect)),
                    None => continue,
                },
            };
            keys.push((member.name.clone(), said));
        }
        Permission::of(keys)
    }

    fn patterns(&mut self, permission: &str, members: &[Member]) -> Vec<(String, Effect, Origin)> {
        let mut patterns = Vec::with_capacity(members.len());
        for member in members {
            if let Some(effect) = self.effect(&member.name, &member.node) {
                let origin = self.origin(member, permission, &member.name, effect);
                patterns.push((member.name.clone(), effect, origin));
            }
        }
        patterns
    }

    /// The list of the second permission system: `{ "action", "resource", "effect" }` each.
    fn list(&mut self, items: &[Node]) -> Permission {
        let mut listed = Vec::with_capacity(items.len());
        for item in items {
            let (action, resource) = (item.member("action"), item.member("resource"));
            let (Some(action), Some(effect)) = (action.and_then(Node::text), item.member("effect")) else {
                self.problem(
                    item,
                    "a rule needs `action` and `effect`",
                    "write `{ \"action\": \"bash\", \"resource\": \"git *\", \"effect\": \"ask\" }`",
                );
                continue;
            };
            let resource = match resource {
                None => "*",
                Some(node) => match node.text() {
                    Some(text) => text,
                    None => {
                        self.problem(node, &format!("`resource` is {}", node.kind()), "write a pattern");
                        continue;
                    }
                },
            };
            let Some(effect) = self.effect("effect", effect) else { continue };
            let origin = self.file.origin(&item.span, text_of(action, resource, effect));
            let (permission, pattern) = (action.to_owned(), resource.to_owned());
            listed.push(Entry { permission, pattern, effect, origin });
        }
        Permission { listed, ..Permission::default() }
    }

    fn effect(&mut self, name: &str, node: &Node) -> Option<Effect> {
        let message = match node.text() {
            Some(text) => match Effect::named(text) {
                Some(effect) => return Some(effect),
                None => format!("{} is no effect", quoted(text)),
            },
            None => format!("{} is {}", quoted(name), node.kind()),
        };
        self.problem(node, &message, EFFECTS);
        None
    }

    fn origin(&self, member: &Member, permission: &str, pattern: &str, effect: Effect) -> Origin {
        self.file.origin(&member.span, text_of(permission, pattern, effect))
    }

    fn problem(&mut self, node: &Node, message: &str, help: &str) {
        self.problems.push(self.file.problem(&node.span, message, Some(help)));
    }
}
