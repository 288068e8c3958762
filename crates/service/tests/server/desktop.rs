//! Notices on the desktop, with a program in place of `notify-send` that hands on what it was called with.

use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use countersign_service::notify::{Desktop, Outward};

use crate::world::World;

/// A server that shows notices, and the pipe into which they go.
async fn shown() -> (World, std::path::PathBuf) {
    let mut world = World::new().await;
    let (program, pipe) = (world.folder.path().join("notify-send"), world.folder.path().join("pipe"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::write(&program, format!("#!/bin/sh\nprintf '%s\\0' \"$@\" > '{}'\n", pipe.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.outward = Outward { desktop: Some(Desktop::notify_send(program)), ..Outward::default() };
    (world, pipe)
}

/// The words of the next notice: waits until somebody writes into the pipe.
fn next(pipe: &std::path::Path) -> Vec<String> {
    let mut text = String::new();
    std::fs::File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_writes_reaches_the_desktop_as_plain_text() {
    let (mut world, pipe) = shown().await;
    world.restart().await;
    let token = world.token("s1").await;
    world.asked(&token, "git push '<a href=\"https://evil.example\">x</a>&lt;' --urgency=critical \u{202e}");
    let words = next(&pipe);
    assert_eq!(words[..3], ["--app-name=Countersign", "--", "Countersign"], "{words:?}");
    assert_eq!(words.len(), 4, "{words:?}");
    assert!(words[3].starts_with("Asks: shell∶ git push"), "{words:?}");
    assert!(!words[3].contains(['<', '>', '&', '/', '"', '\'', '\\', '\u{202e}', '\n']), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_while_no_server_ran_is_shown_once_and_together() {
    let (mut world, pipe) = shown().await;
    let token = world.token("s1").await;
    world.asked(&token, "git push one");
    world.asked(&token, "git push two");
    world.asked(&world.token_of("bob", "s1").await, "git push bob");
    world.end().await;
    world.start().await;
    world.join().await;
    let words = next(&pipe);
    assert_eq!(words[3], "Asks 2 things, first: shell∶ git push one", "{words:?}");
    // The second server has nothing left to show, and the next notice is about the next question.
    world.asked(&token, "git push three");
    let words = next(&pipe);
    assert_eq!(words[3], "Asks: shell∶ git push three", "{words:?}");
}
