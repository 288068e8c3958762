//! A policy of a thousand rules, a store with ten thousand grants, tokens, and a human.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_engine::Layout;
use countersign_policy::pattern::Pattern;
use countersign_policy::{Action, Effect, GrantResource, Reach, Scope, Timestamp};
use countersign_service::http::ServerConfig;
use countersign_service::store::{NewGrant, Open, Store, Synchronous, TokenRequest};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Outcome;

const RULES: usize = 1_000;
const GRANTS: usize = 10_000;
const USER: &str = "ada";

/// Where ours keeps what it has.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    /// The human's secret.
    pub(crate) human: String,
}

impl World {
    pub(crate) async fn new() -> Outcome<World> {
        // Beside the program and not in /tmp, which may be memory: what is waited for is the disk.
        let beside = std::env::current_exe()?;
        let folder = tempfile::tempdir_in(beside.parent().ok_or("the program lies nowhere")?)?;
        for name in ["home", "project"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        std::fs::write(folder.path().join("home/countersign.toml"), policy())?;
        let mut world = World { folder, human: String::new() };
        let mut store = world.store().await?;
        let code = store.signin_code_create(USER, now()).await?;
        world.human = store.signin(&code, 36_000, now()).await?.ok_or("the code was not taken")?.secret;
        world.grants(&mut store).await?;
        store.close().await?;
        Ok(world)
    }

    pub(crate) async fn store(&self) -> Outcome<Store> {
        Ok(Store::open(&config(self.folder.path())?.store, Open::Cli).await?)
    }

    pub(crate) fn project(&self) -> Outcome<String> {
        text(&self.folder.path().join("project").canonicalize()?)
    }

    /// Tokens for so many sessions.
    pub(crate) async fn tokens(&self, name: &str, many: usize) -> Outcome<Vec<String>> {
        let mut store = self.store().await?;
        let mut tokens = Vec::with_capacity(many);
        for number in 0..many {
            if number % 100 == 0 {
                store.open_group(Synchronous::Full).await?;
            }
            let request = TokenRequest {
                name: name.to_owned(),
                user: USER.to_owned(),
                session: format!("countersign:{name}-{number}"),
                project: None,
                seconds: Some(36_000),
                below: None,
            };
            tokens.push(store.token_create(&request, USER, now()).await?.secret);
            if number % 100 == 99 || number + 1 == many {
                store.commit_group().await?;
            }
        }
        store.close().await?;
        Ok(tokens)
    }

    /// A shell command of an agent's, as its host sends it.
    pub(crate) fn call(&self, command: &str) -> Outcome<Value> {
        let project = self.project()?;
        Ok(json!({
            "host": "countersign", "tool": "shell", "args": { "resource": command }, "cwd": project,
            "project": project, "turn": "t1",
        }))
    }

    async fn grants(&self, store: &mut Store) -> Outcome<()> {
        let project = self.project()?;
        let reach = |scope| Reach {
            scope,
            user: USER.to_owned(),
            project: (scope == Scope::Project).then(|| project.clone()),
            session: None,
            turn: None,
        };
        for number in 0..GRANTS {
            if number % 500 == 0 {
                store.open_group(Synchronous::Full).await?;
            }
            let (action, text, scope) = match number % 10 {
                _ if number == GRANTS / 2 => (Action::Shell, "make it-so".to_owned(), Scope::Project),
                0..=4 => (Action::Shell, format!("program-{} task-{number} *", number % 200), Scope::Project),
                5..=7 => (Action::Edit, format!("src/area-{number}/**"), Scope::Project),
                _ => (Action::Fetch, format!("*.site-{number}.example.com"), Scope::User),
            };
            let resource = GrantResource::Pattern(Pattern::parse(&action, &text)?);
            let new = NewGrant { effect: Effect::Allow, action, resource, reach: reach(scope), expires: None };
            store.grant(new, USER, now()).await?;
            if number % 500 == 499 {
                store.commit_group().await?;
            }
        }
        Ok(())
    }
}

pub(crate) fn config(folder: &Path) -> Outcome<ServerConfig> {
    let path = |name: &str| text(&folder.join(name));
    let layout = Layout {
        home: path("home")?,
        user_file: path("home/countersign.toml")?,
        config_dir: path("home")?,
        managed_file: path("managed.toml")?,
        data_dir: path("data")?,
    };
    Ok(ServerConfig {
        port: 0,
        store: folder.join("data/countersign.db"),
        layout,
        user: USER.to_owned(),
        outward: Default::default(),
    })
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn text(path: &Path) -> Outcome<String> {
    Ok(path.to_str().ok_or("a path that is no text")?.to_owned())
}

/// Rules for commands, paths, tools and hosts, of which the calls meet a few.
fn policy() -> String {
    let mut lists = [
        ("allow", vec!["shell(git status *, git log *)".to_owned()]),
        ("ask", vec!["shell(git push *)".to_owned()]),
        ("deny", vec!["shell(git rebase *)".to_owned()]),
    ];
    for number in 3..RULES {
        let rule = match number % 10 {
            0..=3 => format!("shell(cargo task-{number} *)"),
            4 | 5 => format!("edit(src/area-{number}/**)"),
            6 => format!("read(docs/area-{number}/*.md)"),
            7 | 8 => format!("server-{number}/get_*"),
            _ => format!("fetch(*.site-{number}.example.com)"),
        };
        let list = match number / 10 % 20 {
            0..=10 => 0,
            11..=15 => 1,
            _ => 2,
        };
        if let Some((_, rules)) = lists.get_mut(list) {
            rules.push(rule);
        }
    }
    let mut text = "nobody = \"wait 10m\"\n".to_owned();
    for (name, rules) in lists {
        let _ = writeln!(text, "{name} = [");
        for rule in rules {
            let _ = writeln!(text, "  {rule:?},");
        }
        let _ = writeln!(text, "]");
    }
    text
}
