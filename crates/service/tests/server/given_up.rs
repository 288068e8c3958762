//! Webhooks that were given up are shown to the person who set them, with what to do.

use countersign_service::store::GivenUp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::receiver::Receiver;
use crate::turns::turn;
use crate::world::{SignedIn, World, now};

async fn given_up(world: &World, user: &str) -> Vec<GivenUp> {
    world.store().await.webhooks_given_up(user, now()).await.unwrap()
}

/// A turn that ended with a question, which is answered.
fn resumed(world: &World, human: &SignedIn, token: &str, name: &str) {
    let body = turn(world, name, "defer", &[&format!("git push {name}")]);
    let verdict = world.ask("POST", "/v1/turns").bearer(token).json(&body).send().is(200).json();
    let id = verdict["calls"][0]["approval"]["id"].as_str().unwrap();
    world.submit(human, "answer", &[("approval", id), ("answer", "once")]).send().is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_what_was_given_up_and_how_to_send_it_again() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.resumes_turns(&human, &receiver);
    resumed(&world, &human, &token, "t1");
    for wait in [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 0] {
        let page = world.see(&human).is(200).body;
        assert!(!page.contains(&format!("id=\"webhook-{webhook}\"")), "it is still tried: {page}");
        receiver.next().answer("500 Internal Server Error");
        world.messages(&webhook, 1, |state| (state == "failed") == (wait == 0)).await;
        world.not_taken(&webhook, "status 500").await;
        if wait > 0 {
            world.later(wait + 1).await;
        }
    }
    // Another one is on its way, and is not taken either.
    resumed(&world, &human, &world.token("s2").await, "t2");
    receiver.next().answer("500 Internal Server Error");
    world.not_taken(&webhook, "status 500").await;
    let page = world.see(&human).is(200).body;
    let notice = page.split_once(&format!("id=\"webhook-{webhook}\"")).unwrap().1.split_once("</div>").unwrap().0;
    for text in [
        "did not take what was sent: 1 message was given up, the first <time",
        "; 1 is on its way.",
        receiver.url().as_str(),
        "status 500",
        &format!("countersign webhooks retry {webhook}"),
    ] {
        assert!(notice.contains(text), "{text}: {notice}");
    }
    let found = given_up(&world, "ada").await;
    assert_eq!((found.len(), found[0].lost, found[0].waiting, found[0].gone), (1, 1, 1, false), "{found:?}");
    assert!(found[0].since >= now(), "the store's time has moved on: {found:?}");

    // Sent again it is none that was given up.
    let retry = world.ask("POST", &format!("/v1/webhooks/{webhook}/retry")).bearer(&human.secret);
    retry.send().is(200);
    assert!(!world.see(&human).is(200).body.contains(&format!("id=\"webhook-{webhook}\"")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_its_own_side_ended_is_told_of_for_a_week() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asked(&token, "git push one");
    let held = receiver.next();
    world.asked(&token, "git push two");
    let live = world.ask("GET", &format!("{}events", human.page)).header("Cookie", &human.cookie);
    let mut live = live.stream();
    live.until("event: changed");
    held.answer("410 Gone");
    // A page that is open hears of it.
    while !world.see(&human).is(200).body.contains(&format!("id=\"webhook-{webhook}\"")) {
        live.until("event: changed");
    }
    world.over(&webhook, 2).await;
    let page = world.see(&human).is(200).body;
    assert!(page.contains("was ended by its own side") && page.contains("2 messages were given up"), "{page}");
    assert!(page.contains("countersign webhooks add") && !page.contains("webhooks retry"), "{page}");
    let found = given_up(&world, "ada").await;
    assert_eq!((found.len(), found[0].lost, found[0].waiting, found[0].gone), (1, 2, 0, true), "{found:?}");
    world.later(7 * 86_400).await;
    assert!(given_up(&world, "ada").await.is_empty());
}

/// What the other side answers, and what a secret address is, must not come out on the page.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_its_users_alone_and_whatever_it_says_stays_text() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asked(&token, "git push one");
    receiver.next().answer("200 OK");
    world.over(&webhook, 1).await;
    let options = SqliteConnectOptions::new().filename(world.folder.path().join("data/countersign.db"));
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    let spoil = "UPDATE outbox SET state = 'failed', fault = '</p><script>alert(1)</script> ' || char(8238);
                 UPDATE webhooks SET name = '<img src=x onerror=alert(1)>', url = 'https://hooks.example/?token=hunter2secret'";
    sqlx::raw_sql(spoil).execute(&mut db).await.unwrap();
    let page = world.see(&human).is(200).body;
    assert!(page.contains(&format!("id=\"webhook-{webhook}\"")), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains("<img") && !page.contains('\u{202E}'), "{page}");
    assert!(!page.contains("hunter2secret"), "{page}");
    assert!(given_up(&world, "bob").await.is_empty());
    sqlx::raw_sql("UPDATE webhooks SET user = 'bob'").execute(&mut db).await.unwrap();
    assert!(!world.see(&human).is(200).body.contains("hooks.example"));
    // An agent reads of none.
    world.ask("GET", "/v1/webhooks").bearer(&token).send().is(403);
    // One that its human removed is no longer told of.
    sqlx::raw_sql("UPDATE webhooks SET user = 'ada', ended = 1, secret = ''").execute(&mut db).await.unwrap();
    assert!(given_up(&world, "ada").await.is_empty());
}
