//! The policies in force follow the files that they come from.

use serde_json::json;

use crate::world::World;

fn effect(world: &World, token: &str, command: &str) -> serde_json::Value {
    let answer = world.ask("POST", "/v1/decide").bearer(token).json(&world.call(command)).send().is(200);
    answer.json()["effect"].clone()
}

/// A running server went by what a file had said when it was first taken in.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_taken_in_counts_as_it_is_now() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let home = world.folder.path().join("home");
    let permissions = |bash: &str| json!({ "permission": { "bash": { "*": bash } } }).to_string();
    std::fs::write(home.join("opencode.json"), permissions("allow")).unwrap();
    std::fs::write(world.user_policy(), "nobody = \"wait 10m\"\n[[import]]\nfrom = \"opencode.json\"\n").unwrap();
    assert_eq!(effect(&world, &token, "git push"), "allow");
    std::fs::write(home.join("opencode.json"), permissions("deny")).unwrap();
    assert_eq!(effect(&world, &token, "git push"), "deny");
    // One that is gone forbids: what it denied would be lost. What was in force stays.
    std::fs::remove_file(home.join("opencode.json")).unwrap();
    assert_eq!(effect(&world, &token, "git push"), "deny");
    std::fs::write(home.join("opencode.json"), permissions("ask")).unwrap();
    assert_eq!(effect(&world, &token, "git push"), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_to_a_folder_or_behind_a_link_counts() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let rules = world.folder.path().join("home/rules");
    std::fs::create_dir(&rules).unwrap();
    let rule = |decision: &str| format!("prefix_rule(pattern = [\"git\", \"push\"], decision = \"{decision}\")\n");
    std::fs::write(rules.join("a.rules"), rule("allow")).unwrap();
    std::fs::write(world.user_policy(), "nobody = \"wait 10m\"\n[[import]]\nfrom = \"rules\"\nsystem = \"codex\"\n")
        .unwrap();
    assert_eq!(effect(&world, &token, "git push"), "allow");
    std::fs::write(rules.join("b.rules"), rule("forbidden")).unwrap();
    assert_eq!(effect(&world, &token, "git push"), "deny");

    let home = world.folder.path().join("home");
    std::fs::write(home.join("other.rules"), rule("prompt")).unwrap();
    std::os::unix::fs::symlink(rules.join("a.rules"), home.join("link.rules")).unwrap();
    std::fs::write(
        world.user_policy(),
        "nobody = \"wait 10m\"\n[[import]]\nfrom = \"link.rules\"\nsystem = \"codex\"\n",
    )
    .unwrap();
    assert_eq!(effect(&world, &token, "git push"), "allow");
    std::fs::remove_file(home.join("link.rules")).unwrap();
    std::os::unix::fs::symlink(home.join("other.rules"), home.join("link.rules")).unwrap();
    assert_eq!(effect(&world, &token, "git push"), "ask");
}
