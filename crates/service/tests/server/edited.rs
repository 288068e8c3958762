//! Arguments that a person changes on the page: allowed once as they are, or not at all and nothing is lost.

use countersign_policy::approval::State;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{SignedIn, World};

const TOKEN: &str = "ghp_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2";

fn asked(world: &World, token: &str, args: &Value) -> String {
    let mut call = world.call("");
    call["args"] = args.clone();
    let asked = world.ask("POST", "/v1/ask").bearer(token).json(&call).send().is(201).json();
    asked["approval"]["id"].as_str().unwrap().to_owned()
}

/// Allows with these arguments, as the button below them does.
fn edit(world: &World, human: &SignedIn, id: &str, args: &str) -> Answer {
    world.submit(human, "answer", &[("approval", id), ("answer", "edited"), ("args", args), ("feedback", "")]).send()
}

/// What the field for a question's arguments holds, as a browser reads it.
fn field(page: &str, id: &str) -> Option<String> {
    let from = page.split_once(&format!("<textarea id=\"edit-{id}\""))?.1.split_once('>')?.1;
    let (text, _) = from.split_once("</textarea>")?;
    let mut text = text.strip_prefix('\n').unwrap_or(text).to_owned();
    for (escape, sign) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")] {
        text = text.replace(escape, sign);
    }
    Some(text)
}

async fn state(world: &World, id: &str) -> State {
    world.store().await.record(id).await.unwrap().unwrap().approval.state
}

/// A form's fields with a token of forms.
fn with<'f>(fields: &[(&'f str, &'f str)], form: &'f str) -> Vec<(&'f str, &'f str)> {
    [fields, &[("form", form)]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_runs_once_with_the_arguments_that_a_person_wrote() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push --force origin main");
    let page = world.see(&human).is(200).body;
    let shown: Value = serde_json::from_str(&field(&page, &id).unwrap()).unwrap();
    assert_eq!(shown, json!({ "resource": "git push --force origin main" }));
    assert!(page.contains(&format!("<details class=\"args\" id=\"args-{id}\" hx-morph-skip>")), "{page}");

    // As a browser sends the lines of a field.
    let done = edit(&world, &human, &id, "{\r\n  \"resource\": \"git push origin main\"\r\n}").is(303);
    assert_eq!(done.header("location"), Some("./?done=edited"));
    let page = world.ask("GET", &format!("{}?done=edited", human.page)).header("Cookie", &human.cookie).send().is(200);
    assert!(page.body.contains("Allowed once, with your arguments."), "{}", page.body);
    assert!(page.body.contains("by ada, with other arguments, not yet taken"), "{}", page.body);
    let told = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(&token).send().is(200).json();
    assert_eq!(told["args"], json!({ "resource": "git push origin main" }), "{told}");
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token);
    let agents = redeem.clone().json(&world.call("git push --force origin main"));
    assert_eq!(agents.send().is(409).code(), "other-call");
    assert_eq!(redeem.clone().json(&world.call("git push origin main")).send().is(200).json()["effect"], "allow");
    assert_eq!(redeem.json(&world.call("git push origin main")).send().is(409).code(), "redeemed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_said_at_the_card_and_nothing_is_lost() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let (id, other) = (world.asked(&token, "git push origin main"), world.asked(&token, "git tag v1"));
    for (typed, why) in [
        ("{ \"resource\": \"git push", "the arguments cannot be read as JSON"),
        ("", "the arguments cannot be read as JSON"),
        ("[\"git push\"]", "the arguments are a JSON object"),
        ("{\"resource\": \"git push\", \"resource\": \"rm -r x\"}", "the arguments cannot be read as JSON"),
        ("{\"resource\": \"git rebase main\"}", "with these arguments policy does not let it run"),
        ("{\"resource\": \"git push \u{202E}x\"}", "write it as `\\u202e`"),
        ("{\"resource\": \"</textarea><script>alert(1)</script> {{ list.form }}\"", "cannot be read as JSON"),
    ] {
        let fields = [("approval", id.as_str()), ("answer", "edited"), ("args", typed), ("feedback", "my \"word\"")];
        let refused = world.submit(&human, "answer", &fields).send();
        assert!(matches!(refused.status, 409 | 422), "{typed}: {} {}", refused.status, refused.body);
        let page = refused.body;
        assert!(page.contains(&format!("<details class=\"args\" id=\"args-{id}\" hx-morph-skip open>")), "{page}");
        assert!(page.contains(&format!("<details class=\"args\" id=\"args-{other}\" hx-morph-skip>")), "{page}");
        let card = page.split_once(&format!("id=\"question-{id}\"")).unwrap().1.split_once("</article>").unwrap().0;
        assert!(card.split_once("role=\"alert\">").unwrap().1.contains(why), "{typed}: {card}");
        assert_eq!(field(&page, &id).unwrap(), typed);
        assert!(card.contains("value=\"my &#34;word&#34;\""), "{card}");
        assert!(!page.contains("<script>alert") && !page.contains("http-equiv=\"refresh\""), "{page}");
        assert!(matches!(state(&world, &id).await, State::Open));
    }
}

/// A person changed the arguments and pressed the wrong button: the agent's own would have run.
#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_the_agents_arguments_is_not_taken_while_others_are_typed() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push --force origin main");
    let shown = field(&world.see(&human).is(200).body, &id).unwrap();
    let typed = shown.replace(" --force", "");
    for answer in ["once", "session", "user"] {
        let fields = [("approval", id.as_str()), ("answer", answer), ("args", typed.as_str()), ("part-0", "0")];
        let refused = world.submit(&human, "answer", &fields).send().is(409);
        assert!(refused.body.contains("the arguments were changed"), "{}", refused.body);
        assert_eq!(field(&refused.body, &id).unwrap(), typed);
        assert!(!refused.body.contains("http-equiv=\"refresh\""), "{}", refused.body);
        assert!(matches!(state(&world, &id).await, State::Open));
    }
    let shown = shown.replace('\n', "\r\n");
    let fields = [("approval", id.as_str()), ("answer", "once"), ("args", shown.as_str())];
    world.submit(&human, "answer", &fields).send().is(303);
    // A no is one whatever was typed.
    let id = world.asked(&token, "git tag v1");
    let fields = [("approval", id.as_str()), ("answer", "deny"), ("args", "{")];
    world.submit(&human, "answer", &fields).send().is(303);
    assert!(matches!(state(&world, &id).await, State::Denied { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_arguments_stay_in_their_field_and_hide_nothing() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let args = json!({
        "resource": "git push '</textarea></details></form><script>alert(1)</script>' \"{{ list.form }}\" {% raw %} &lt; \u{202E}x",
        "description": format!("<img src=x onerror=alert(1)>\u{200B}{}end", " ".repeat(5_000)),
        "\u{202D}\"><b>": "</TEXTAREA\n>",
    });
    let id = asked(&world, &token, &args);
    let page = world.see(&human).is(200).body;
    assert!(!page.contains("<script>alert") && !page.contains("<img") && !page.contains("<b>\""), "{page}");
    assert_eq!(page.to_lowercase().matches("</textarea").count(), 1, "{page}");
    let shown = field(&page, &id).unwrap();
    assert!(shown.contains("\\u202ex") && shown.contains("\\u200b") && shown.contains("\\u202d"), "{shown}");
    assert!(!shown.contains(&" ".repeat(33)) && shown.contains("\\u0020\\u0020"), "{shown}");
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), args, "all of it is there");
    // Sent back as it came it is the same call.
    let fields = [("approval", id.as_str()), ("answer", "once"), ("args", shown.as_str())];
    world.submit(&human, "answer", &fields).send().is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_is_not_shown_to_be_edited() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let masked = asked(&world, &token, &json!({ "resource": format!("git push https://ada:{TOKEN}@example.com/x") }));
    let beside = asked(&world, &token, &json!({ "resource": "git push", "env": { "password": "hunter2secret" } }));
    let page = world.see(&human).is(200).body;
    for id in [&masked, &beside] {
        assert_eq!(field(&page, id), None, "{page}");
        assert!(page.contains(&format!("countersign approvals allow {id} --args")), "{page}");
    }
    assert!(page.contains("cannot be edited here: what is masked as a secret would be shown"), "{page}");
    assert!(!page.contains(TOKEN) && !page.contains("hunter2secret"), "{page}");
    // What cannot be approved cannot be approved with other arguments here.
    let long = asked(&world, &token, &json!({ "resource": format!("git push {}", "x".repeat(40_000)) }));
    let page = world.see(&human).is(200).body;
    assert!(page.contains(&format!("id=\"question-{long}\"")) && field(&page, &long).is_none(), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_edits_what_an_agent_asked() {
    let world = World::new().await;
    let (token, human, bob) = (world.token("s1").await, world.sign_in().await, world.token_of("bob", "s1").await);
    let (id, bobs) = (world.asked(&token, "git push a"), world.asked(&bob, "git push b"));
    let args = "{\"resource\": \"git push c\"}";
    let theirs = edit(&world, &human, &bobs, args).is(404);
    assert!(theirs.body.contains("What you wrote:") && theirs.body.contains("git push c"), "{}", theirs.body);
    assert_eq!(theirs.body, edit(&world, &human, &bobs.replace('-', "0"), args).is(404).body, "as what is not there");
    assert!(!theirs.body.contains("git push b"));

    // Forged: by an agent's token, without the form's token, with another's, from another page.
    let path = format!("{}answer", human.page);
    let body = [("approval", id.as_str()), ("answer", "edited"), ("args", args)];
    let post = || world.ask("POST", &path).header("Origin", &world.origin());
    let cookie = |secret: &str| format!("countersign={secret}");
    post().bearer(&token).form(&with(&body, &human.form)).send().is(303);
    post().header("Cookie", &cookie(&token)).form(&with(&body, &human.form)).send().is(303);
    post().header("Cookie", &human.cookie).form(&body).send().is(403);
    post().header("Cookie", &human.cookie).form(&with(&body, "x")).send().is(403);
    let foreign = post().header("Cookie", &human.cookie).header("Origin", "http://127.0.0.1:1");
    foreign.form(&with(&body, &human.form)).send().is(403);
    let twice = [&body[..], &[("form", human.form.as_str()), ("args", "{}")]].concat();
    post().header("Cookie", &human.cookie).form(&twice).send().is(422);
    assert!(matches!(state(&world, &id).await, State::Open));
    assert!(matches!(state(&world, &bobs).await, State::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_on_which_somebody_writes_does_not_come_again() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    let see = |query: &str| world.ask("GET", &format!("{}{query}", human.page)).header("Cookie", &human.cookie).send();
    let page = see("").is(200).body;
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains(&format!("href=\"./?edit={id}\"")), "{page}");
    let page = see(&format!("?edit={id}")).is(200).body;
    assert!(!page.contains("http-equiv=\"refresh\""), "{page}");
    assert!(page.contains(&format!("id=\"args-{id}\" hx-morph-skip open>")), "{page}");
    for other in ["?edit=", "?edit=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "?edit=0"] {
        let page = see(other).is(200).body;
        assert!(page.contains("http-equiv=\"refresh\"") && !page.contains("<script>alert"), "{page}");
    }
}
