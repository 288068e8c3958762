//! What is remembered is made to reach further on the page: shown first, and no further than was offered.

use countersign_service::store::GrantFilter;
use serde_json::json;

use crate::world::{SignedIn, World, now};

/// Remembers a yes for the session; the grant's id.
async fn remembered(world: &World, human: &SignedIn, token: &str, command: &str) -> String {
    let id = world.asked(token, command);
    let fields = [("approval", id.as_str()), ("answer", "session"), ("part-0", "0"), ("lifetime", "3600")];
    world.submit(human, "answer", &fields).send().is(303);
    world.store().await.grants(&GrantFilter::default(), now()).await.unwrap().remove(0).grant.id
}

fn see(world: &World, human: &SignedIn, path: &str) -> String {
    world.ask("GET", &format!("{}{path}", human.page)).header("Cookie", &human.cookie).send().is(200).body
}

async fn reaches(world: &World) -> Vec<String> {
    let grants = world.store().await.grants(&GrantFilter::default(), now()).await.unwrap();
    grants.iter().map(|kept| kept.grant.reach.scope.to_string()).collect()
}

/// A form's fields with a token of forms.
fn with<'f>(fields: &[(&'f str, &'f str)], form: &'f str) -> Vec<(&'f str, &'f str)> {
    [fields, &[("form", form)]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_it_will_reach_is_shown_before_it_does() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let grant = remembered(&world, &human, &token, "git push origin main").await;
    let page = see(&world, &human, "");
    assert!(page.contains(&format!("href=\"./?further={grant}#grant-{grant}\"")), "{page}");
    assert!(!page.contains("action=\"further\""), "{page}");

    for path in [format!("?further={grant}"), format!("list?further={grant}")] {
        let page = see(&world, &human, &path);
        assert_eq!(page.matches("action=\"further\"").count(), 2, "{page}");
        assert!(page.contains(&format!("every session in {} · ends in ", world.project())), "{page}");
        assert!(page.contains("every session of ada · ends in "), "{page}");
    }
    assert!(see(&world, &human, &format!("?further={grant}")).contains(&format!("hx-get=\"list?further={grant}\"")));
    assert_eq!(reaches(&world).await, ["session"], "looking changes nothing");

    let fields = [("grant", grant.as_str()), ("scope", "project"), ("lifetime", "")];
    let done = world.submit(&human, "further", &fields).send().is(303);
    assert_eq!(done.header("location"), Some("./?done=further"));
    assert!(see(&world, &human, "?done=further").contains("Remembered: it reaches further from now on."));
    assert_eq!(reaches(&world).await, ["project"]);
    let other = world.token("s2").await;
    let call = world.call("git push origin main");
    let decided = world.ask("POST", "/v1/decide").bearer(&other).json(&call).send().is(200).json();
    assert_eq!(decided["effect"], "allow", "in another session, too");
    // The first one has ended.
    world.submit(&human, "further", &fields).send().is(404);
}

/// A page offered what policy no longer admits.
#[tokio::test(flavor = "multi_thread")]
async fn no_further_than_policy_admits_now() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let grant = remembered(&world, &human, &token, "git push origin main").await;
    let managed = |grants: &str| {
        let file = world.folder.path().join("managed.toml");
        std::fs::write(file, format!("[ceiling]\ngrants = {grants}\n")).unwrap();
    };
    managed("{ scopes = [\"session\", \"project\"], max = \"10m\" }");
    let page = see(&world, &human, &format!("?further={grant}"));
    assert_eq!(page.matches("action=\"further\"").count(), 1, "{page}");
    assert!(page.contains("name=\"lifetime\" value=\"600\"") && page.contains("· ends in 10 min"), "{page}");
    managed("{ scopes = [\"session\"] }");
    let page = see(&world, &human, &format!("?further={grant}"));
    assert!(!page.contains("action=\"further\"") && page.contains("It cannot be made to reach further"), "{page}");
    for (scope, seconds) in [("project", ""), ("project", "600"), ("user", "")] {
        let fields = [("grant", grant.as_str()), ("scope", scope), ("lifetime", seconds)];
        let refused = world.submit(&human, "further", &fields).send().is(422);
        assert!(refused.body.contains("policy does not let this be remembered"), "{}", refused.body);
    }
    assert_eq!(reaches(&world).await, ["session"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_makes_it_reach_further() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let hostile = "git push '</code><script>alert(1)</script>' \u{202E}x";
    let grant = remembered(&world, &human, &token, hostile).await;
    let page = see(&world, &human, &format!("?further={grant}"));
    assert!(!page.contains("<script>alert") && !page.contains('\u{202E}'), "{page}");
    for query in ["?further=", "?further=0", "?further=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"] {
        let page = see(&world, &human, query);
        assert!(!page.contains("action=\"further\"") && !page.contains("hx-get=\"list?"), "{page}");
        assert!(!page.contains("<script>alert"), "{page}");
    }

    let path = format!("{}further", human.page);
    let body = [("grant", grant.as_str()), ("scope", "user"), ("lifetime", "")];
    let post = || world.ask("POST", &path).header("Origin", &world.origin());
    post().bearer(&token).form(&with(&body, &human.form)).send().is(303);
    post().header("Cookie", &format!("countersign={token}")).form(&with(&body, &human.form)).send().is(303);
    post().header("Cookie", &human.cookie).form(&body).send().is(403);
    post().header("Cookie", &human.cookie).form(&with(&body, "x")).send().is(403);
    let foreign = post().header("Cookie", &human.cookie).header("Origin", "http://localhost:1");
    foreign.form(&with(&body, &human.form)).send().is(403);
    for (scope, seconds) in
        [("team", ""), ("once", ""), ("turn", ""), ("", ""), ("user", "-1"), ("user", "x"), ("user", "0")]
    {
        let fields = [("grant", grant.as_str()), ("scope", scope), ("lifetime", seconds)];
        world.submit(&human, "further", &fields).send().is(422);
    }
    assert_eq!(reaches(&world).await, ["session"]);

    // Another user's is none.
    let bob = world.token_of("bob", "s1").await;
    let id = world.asked(&bob, "git tag v1");
    let mut store = world.store().await;
    let record = store.record(&id).await.unwrap().unwrap();
    let part = &record.question.parts[0];
    let new = countersign_service::store::NewGrant {
        effect: countersign_policy::Effect::Allow,
        action: part.action.clone(),
        resource: part.offers[0].resource.clone(),
        reach: countersign_policy::Reach::of(&record.call, countersign_policy::Scope::Session).unwrap(),
        expires: None,
    };
    let theirs = store.grant(new, "bob", now()).await.unwrap().id;
    assert!(!see(&world, &human, &format!("?further={theirs}")).contains(&theirs));
    let fields = [("grant", theirs.as_str()), ("scope", "user"), ("lifetime", "")];
    world.submit(&human, "further", &fields).send().is(404);
    let api = world.ask("POST", &format!("/v1/grants/{grant}/promote")).bearer(&token);
    assert_eq!(api.json(&json!({ "scope": "user" })).send().is(403).code(), "humans-only");
}
