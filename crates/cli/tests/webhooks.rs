//! Webhooks in a terminal: the secret is shown once, to a human.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use world::World;

#[test]
fn a_human_sets_sees_and_removes_webhooks_in_a_terminal() {
    let world = World::new();
    let set = world.run_in_terminal("webhooks add https://hooks.example/x --name app --questions --turns", "");
    assert_eq!(set.code, Some(0), "{set:?}");
    let secret =
        set.stdout.lines().find_map(|line| line.strip_prefix("Its secret, which is not shown again: ")).unwrap();
    assert!(secret.starts_with("whsec_"), "{set:?}");
    assert!(set.stdout.contains("It is sent to while `countersign serve` runs."), "{set:?}");
    let id = set.stdout.lines().find_map(|line| line.strip_prefix("Set: ")).unwrap();

    // One that a server sends to only if it is told to is set with a word about that.
    let private = world.run_in_terminal("webhooks add https://10.0.0.1/ --questions", "");
    assert!(private.stdout.contains("Nothing is sent yet: `10.0.0.1` is on a private network"), "{private:?}");
    for (arguments, why) in [
        ("webhooks add https://hooks.example/", "--questions"),
        ("webhooks add ftp://hooks.example/ --questions", "neither `https` nor `http`"),
        ("webhooks add https://u:p@hooks.example/ --questions", "signed instead"),
        ("webhooks add https://hooks.example/ --turns", "the webhook `app` resumes these turns"),
        ("webhooks remove 0", "begins more than one webhook"),
        ("webhooks remove x", "there is no webhook `x`"),
    ] {
        let said = world.run_in_terminal(arguments, "");
        assert!(said.code == Some(2) && said.stdout.replace("\n", " ").contains(why), "{arguments}: {said:?}");
    }

    for arguments in [vec!["webhooks", "list"], vec!["--json", "webhooks", "list"]] {
        let listed = world.run(&arguments);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        assert!(listed.stdout.contains("https://hooks.example/x") && !listed.stdout.contains("whsec_"), "{listed:?}");
    }
    let removed = world.run_in_terminal(&format!("webhooks remove {id}"), "");
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert!(world.run(&["webhooks", "list"]).stdout.contains("removed"));
}
