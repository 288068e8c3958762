//! `countersign tokens`: what is shown, and what a token is good for.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use serde_json::Value;
use world::World;

/// What was said, with ids and secrets by their names: they differ each time.
fn plain(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines().map(|line| line.trim_end_matches('\r')) {
        assert!(line.chars().count() <= 80 || line.starts_with("countersign: "), "wider than 80 columns: {line}");
        let words = line.split(' ').map(|word| {
            let id = word.trim_end_matches(';');
            let is_id = id.len() == 36 && id.matches('-').count() == 4;
            if let Some((prefix @ ("csa" | "csp"), _)) = word.split_once('_').filter(|_| word.len() == 68) {
                format!("{prefix}_SECRET")
            } else if is_id {
                word.replace(id, "ID")
            } else {
                word.to_owned()
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        // How long it took to come here.
        let line = match (line.split_once("; made "), line.split_once(" seconds from now")) {
            (Some((before, after)), _) => {
                format!("{before}; made T,{}", after.split_once(',').map_or(after, |(_, rest)| rest))
            }
            (None, Some((before, _))) => format!("{}N seconds from now", before.trim_end_matches(char::is_numeric)),
            (None, None) => line,
        };
        lines.push(line);
    }
    lines.join("\n")
}

fn do_all(world: &World, commands: &[&str]) -> String {
    let said = commands.iter().map(|command| {
        let said = world.run_in_terminal(command, "");
        format!("$ countersign {command}\n{}\n", plain(&said.stdout))
    });
    said.collect()
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let world = World::new();
    std::fs::create_dir_all(world.home().join("work")).unwrap();
    let said = do_all(
        &world,
        &[
            "tokens list",
            "tokens make ci --session my-agent:build-7 --project $HOME/work --for 2d",
            "tokens make scout --session my-agent:build-7-1 --agent Explore --parent my-agent:build-7",
            "tokens make chat --application --for 30d",
            "tokens list",
            "tokens make a-name-that-is-much-longer-than-anybody-would-want-it-to-be-in-a-list --session an-agent-with-a-long-name:and-a-session-with-one",
            "tokens make ci --session my-agent:build-7-1",
            "tokens make ci --session build-7",
            "tokens make ci --session my-agent:a --for 31d",
            "tokens make ci --session my-agent:a --project nowhere",
            "tokens make scout --session my-agent:b --agent Explore --parent my-agent:none",
            "tokens make scout --session my-agent:b --agent Explore --parent my-agent:build-7 --for 3d",
            "tokens revoke x",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn a_revoked_token_takes_those_below_it_along() {
    let world = World::new();
    for command in [
        "tokens make main --session my-agent:a",
        "tokens make below --session my-agent:b --agent Explore --parent my-agent:a",
        "tokens make other --session my-agent:c",
        "tokens make chat --application",
    ] {
        assert_eq!(world.run_in_terminal(command, "").code, Some(0), "{command}");
    }
    let listed = || -> Vec<(String, String)> {
        let list: Value = serde_json::from_str(&world.run(&["--json", "tokens", "list"]).stdout).unwrap();
        let text = |token: &Value, name: &str| token[name].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|token| (text(token, "name"), text(token, "id"))).collect()
    };
    let id = |name: &str| listed().into_iter().find(|(its, _)| its == name).unwrap().1;
    for name in ["main", "chat"] {
        let said = world.run_in_terminal(&format!("tokens revoke {}", id(name)), "");
        assert!(said.code == Some(0) && said.stdout.contains("Revoked: "), "{said:?}");
    }
    assert_eq!(listed().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["other"]);
    let said = world.run(&["tokens", "list", "--all"]).stdout;
    assert_eq!(said.matches("revoked ").count(), 3, "{said}");
    assert!(!said.contains("csa_") && !said.contains("csp_"), "{said}");
    // Without a terminal nobody revokes.
    let said = world.run(&["tokens", "revoke", &id("other")]);
    assert!(said.code == Some(2) && said.stderr.contains("needs a terminal"), "{said:?}");
}
