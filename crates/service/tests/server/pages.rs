//! The page, as a browser without script would use it.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_used_up_by_its_button_alone() {
    let world = World::new().await;
    let code = world.code().await;
    for _ in 0..2 {
        let shown = world.ask("GET", &format!("/signin?code={code}")).send().is(200);
        assert!(shown.body.contains(&format!("value=\"{code}\"")));
        assert!(shown.header("set-cookie").is_none());
    }
    let enter = world.ask("POST", "/signin").header("Origin", &world.origin()).form(&[("code", &code)]);
    let entered = enter.send().is(303);
    let cookie = entered.header("set-cookie").unwrap();
    let page = entered.header("location").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; "), "{cookie}");
    assert!(cookie.contains(&format!("; Path={page}; ")), "{cookie} {page}");
    assert!(enter.send().is(403).body.contains("was used"));
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed_for_long() {
    let world = World::new().await;
    let guess = world.ask("POST", "/signin").header("Origin", &world.origin()).form(&[("code", "csc_0")]);
    for _ in 0..10 {
        guess.send().is(403);
    }
    guess.send().is(429);
    let code = world.code().await;
    // Nobody who tries wrong codes keeps its person out.
    world.ask("POST", "/signin").header("Origin", &world.origin()).form(&[("code", &code)]).send().is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_and_remembered() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    assert!(world.see(&human).is(200).body.contains("countersign init"));
    let (first, second) = (world.asked(&token, "git push origin main"), world.asked(&token, "git push origin topic"));
    let page = world.see(&human).is(200).body;
    assert!(page.contains(&format!("id=\"question-{first}\"")), "{page}");
    assert!(page.contains("Exactly what would run"), "{page}");
    assert!(page.contains("countersign.toml:4 says ask shell(git push *)"), "{page}");
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "{page}");

    // The wider rule is the second choice, and it answers the other question of this turn too.
    let fields = [("approval", first.as_str()), ("answer", "session"), ("part-0", "1"), ("lifetime", "3600")];
    let answered = world.submit(&human, "answer", &fields).send().is(303);
    assert_eq!(answered.header("location"), Some("./?done=session"));
    let page = world.see(&human).is(200).body;
    assert!(page.contains("Nothing waits for an answer."), "{page}");
    assert!(page.contains("ends in 59 min") || page.contains("ends in 1 h"), "{page}");
    let wait = world.ask("GET", &format!("/v1/approvals/{second}/wait")).bearer(&token).send().is(200).json();
    assert_eq!(wait["state"], "allowed");

    let grant = page.split("name=\"grant\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    world.submit(&human, "revoke", &[("grant", &grant)]).send().is(303);
    world.submit(&human, "revoke", &[("grant", &grant)]).send().is(404);
    assert!(world.see(&human).is(200).body.contains("Nothing is remembered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_remembered_too() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push origin main");
    let fields = [("approval", id.as_str()), ("answer", "deny-session"), ("part-0", "0")];
    let answered = world.submit(&human, "answer", &fields).send().is(303);
    assert_eq!(answered.header("location"), Some("./?done=deny-session"));
    assert!(world.see(&human).is(200).body.contains("git push origin main"));
    let call = world.call("git push origin main");
    let told = world.ask("POST", "/v1/decide").bearer(&token).json(&call).send().is(200).json();
    assert_eq!(told["effect"], "deny", "{told}");
    let again = world.ask("POST", "/v1/decide").bearer(&token).json(&call).send().is(200).json();
    assert_eq!(again["effect"], "deny", "{again}");
    for answer in ["deny-once", "deny-team", "deny-", "team", "never"] {
        let other = [("approval", id.as_str()), ("answer", answer), ("part-0", "0")];
        world.submit(&human, "answer", &other).send().is(422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loser_of_a_race_is_told_who_won() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    world.submit(&human, "answer", &[("approval", &id), ("answer", "deny")]).send().is(303);
    let late = world.submit(&human, "answer", &[("approval", &id), ("answer", "once")]).send().is(409);
    assert!(late.body.contains("already answered: denied by ada"), "{}", late.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn says_beforehand_what_else_it_answers() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    world.asked(&token, "git push");
    let mut call = world.call("git push");
    call["cwd"] = serde_json::json!(world.folder.path().join("project").parent().unwrap());
    world.ask("POST", "/v1/ask").bearer(&token).json(&call).send().is(201);
    let page = world.see(&human).is(200).body;
    assert!(page.contains("also answers 1 open question of this turn"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_writes_stays_text() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let hostile = "git push '</pre><script>alert(1)</script>' \"{{ list.form }}\" \u{202E}x";
    let mut call = world.call(hostile);
    call["args"]["description"] = serde_json::json!("<img src=x onerror=alert(1)> Just a push \u{200B}");
    world.ask("POST", "/v1/ask").bearer(&token).json(&call).send().is(201);
    let page = world.see(&human).is(200).body;
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    assert!(page.contains(">\\u{202E}</span>"), "{page}");
    assert!(page.contains("own words, which nobody has checked"), "{page}");
    assert!(!page.contains('\u{202E}') && !page.contains('\u{200B}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_script_listens_while_it_comes_again() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let mut store = world.store().await;
    world.see(&human).is(200);
    assert!(!store.listening("ada", crate::world::now()).await.unwrap());
    world.ask("GET", &format!("{}?plain", human.page)).header("Cookie", &human.cookie).send().is(200);
    assert!(store.listening("ada", crate::world::now()).await.unwrap());
    assert!(store.listening("ada", crate::world::now().plus_seconds(55)).await.unwrap());
    assert!(!store.listening("ada", crate::world::now().plus_seconds(65)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_policy_keeps_the_last_good_one_and_says_so() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let decide = |command: &str| {
        world.ask("POST", "/v1/decide").bearer(&token).json(&world.call(command)).send().is(200).json()["effect"]
            .clone()
    };
    assert_eq!((decide("git status"), decide("git rebase x")), ("allow".into(), "deny".into()));
    std::fs::write(world.user_policy(), "alow = [\"shell(git rebase *)\"]\n").unwrap();
    assert_eq!((decide("git status"), decide("git rebase x")), ("allow".into(), "deny".into()));
    let page = world.see(&human).is(200).body;
    assert!(page.contains("cannot be read") && page.contains("alow"), "{page}");
    std::fs::write(world.user_policy(), "deny = [\"shell(git status)\"]\n").unwrap();
    assert_eq!(decide("git status"), "deny");
    assert!(!world.see(&human).is(200).body.contains("cannot be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_good_policy_everything_is_denied() {
    let world = World::new().await;
    let token = world.token("s1").await;
    std::fs::write(world.user_policy(), "allow = [\"shell(git status\"]\n").unwrap();
    let answer = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git status")).send().is(200).json();
    assert_eq!(answer["effect"], "deny");
    assert!(answer["message"].as_str().unwrap().contains("policy cannot be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_it() {
    let world = World::new().await;
    let human = world.sign_in().await;
    world.submit(&human, "signout", &[]).send().is(303);
    world.see(&human).is(303);
    world.ask("GET", "/v1/approvals").bearer(&human.secret).send().is(401);
}
