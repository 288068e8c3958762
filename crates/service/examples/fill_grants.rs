//! Makes a store with many grants, for benchmarks: `fill_grants STORE COUNT USER PROJECT PATTERN`.
//!
//! One of them is the shell pattern named last; the others cover other commands (some of the same program), paths and
//! hosts.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_policy::pattern::Pattern;
use countersign_policy::{Action, Effect, GrantResource, Reach, Scope, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::store::{NewGrant, Open, Store};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, count, user, project, pattern] = arguments.as_slice() else {
        return Err("usage: fill_grants STORE COUNT USER PROJECT PATTERN".into());
    };
    block_on(fill(Path::new(store), count.parse()?, user, project, pattern))
}

async fn fill(store: &Path, count: usize, user: &str, project: &str, pattern: &str) -> Outcome<()> {
    let mut store = Store::open(store, Open::Cli).await?;
    let reach = |scope| Reach {
        scope,
        user: user.to_owned(),
        project: (scope == Scope::Project).then(|| project.to_owned()),
        session: None,
        turn: None,
    };
    for number in 0..count {
        let (action, text, scope) = match number % 10 {
            _ if number == count / 2 => (Action::Shell, pattern.to_owned(), Scope::Project),
            0 if number % 200 == 0 => (Action::Shell, format!("make task-{number} *"), Scope::Project),
            0..=4 => (Action::Shell, format!("program-{} task-{number} *", number % 200), Scope::Project),
            5..=7 => (Action::Edit, format!("src/area-{number}/**"), Scope::Project),
            _ => (Action::Fetch, format!("*.site-{number}.example.com"), Scope::User),
        };
        let resource = GrantResource::Pattern(Pattern::parse(&action, &text)?);
        let new = NewGrant { effect: Effect::Allow, action, resource, reach: reach(scope), expires: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        store.grant(new, user, Timestamp(i64::try_from(now)?)).await?;
    }
    Ok(store.close().await?)
}
