//! Requests that other sites and other programs make, through the human's browser or without it.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn another_name_for_this_machine_is_refused() {
    let world = World::new().await;
    let port = world.address.port();
    for host in
        ["evil.example", &format!("evil.example:{port}"), "127.0.0.1", "127.0.0.1:1", &format!("127.0.0.2:{port}")]
    {
        for path in ["/v1/health", "/signin", "/static/style.css"] {
            assert_eq!(world.ask("GET", path).header("Host", host).send().is(421).code(), "wrong-host", "{host}");
        }
    }
    world.ask("GET", "/v1/health").header("Host", &format!("localhost:{port}")).send().is(200);
    // The request line's own host counts too, and so does a second header.
    world.ask("GET", "http://evil.example/v1/health").send().is(421);
    let status = world.ask("GET", "/v1/health").also_header("Host", "evil.example").send().status;
    assert!(status == 421 || status == 400, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_cannot_send_forms() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    let fields = [("approval", id.as_str()), ("answer", "once")];
    let form = || world.submit(&human, "answer", &fields);
    for origin in
        ["null", "http://evil.example", "http://127.0.0.1:3000", &world.origin().replace("127.0.0.1", "localhost")]
    {
        assert_eq!(form().header("Origin", origin).send().is(403).code(), "foreign-form", "{origin}");
    }
    assert_eq!(form().header("Sec-Fetch-Site", "same-site").send().is(403).code(), "foreign-form");
    assert_eq!(form().form(&fields).send().is(403).code(), "foreign-form");
    let other = world.sign_in().await;
    let wrong = [("approval", id.as_str()), ("answer", "once"), ("form", other.form.as_str())];
    assert_eq!(form().form(&wrong).send().is(403).code(), "foreign-form");
    for path in ["answer", "revoke", "signout"] {
        world.submit(&human, path, &fields).header("Origin", "http://evil.example").send().is(403);
        let none = world.ask("POST", &format!("{}{path}", human.page)).header("Cookie", &human.cookie);
        none.form(&[("form", &human.form)]).send().is(403);
    }
    let code = world.code().await;
    world.ask("POST", "/signin").form(&[("code", &code)]).send().is(403);
    world.ask("POST", "/signin").header("Origin", "http://evil.example").form(&[("code", &code)]).send().is(403);
    form().send().is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_good_for_its_own_page_alone() {
    let world = World::new().await;
    let (one, other) = (world.sign_in().await, world.sign_in().await);
    assert_ne!(one.page, other.page);
    for path in ["/inbox/x/", &other.page, &format!("{}list", other.page), &format!("{}events", other.page)] {
        assert_eq!(
            world.ask("GET", path).header("Cookie", &one.cookie).send().is(303).header("location"),
            Some("/signin?ended")
        );
    }
    world.ask("GET", &one.page).send().is(303);
    // The API takes no cookies: no other site's page can have a browser use it.
    world.ask("GET", "/v1/approvals").header("Cookie", &one.cookie).send().is(401);
    world.ask("GET", "/v1/events").header("Cookie", &one.cookie).send().is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_browsers_strict() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let answers = [
        world.see(&human).is(200),
        world.ask("GET", "/signin").send().is(200),
        world.ask("GET", "/static/inbox.js").send().is(200),
        world.ask("GET", "/nowhere").send().is(404),
        world.ask("GET", "/v1/approvals").send().is(401),
        world.ask("PUT", "/signin").send().is(405),
        world.ask("GET", "/").header("Host", "evil.example").send().is(421),
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("access-control-allow-origin").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outside_its_form_is_refused() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    for fields in [
        vec![("approval", id.as_str()), ("answer", "always")],
        vec![("approval", id.as_str()), ("answer", "team")],
        vec![("approval", id.as_str()), ("answer", "once"), ("answer", "deny")],
        vec![("approval", id.as_str()), ("answer", "session"), ("part-0", "7")],
        vec![("approval", id.as_str()), ("answer", "session"), ("part-0", "0"), ("resource", "whole")],
        vec![("approval", id.as_str()), ("answer", "session"), ("part-0", "0"), ("lifetime", "soon")],
        vec![("approval", id.as_str())],
    ] {
        world.submit(&human, "answer", &fields).send().is(422);
    }
    world.submit(&human, "answer", &[("approval", "no"), ("answer", "once")]).send().is(404);
}
