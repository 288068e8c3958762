//! Webhooks under attack: who may set them, where they may lead, what a receiver may do, and who learns the secret.

use std::io::Write;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use countersign_service::notify::{Address, Outward, Reach};
use countersign_service::store::{AuditFilter, Via, WebhookRequest};
use serde_json::json;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

use crate::receiver::{Receiver, Stream};
use crate::world::{World, now};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_human_sets_looks_at_and_removes_webhooks() {
    let world = World::new().await;
    let (agent, application, human) = (world.token("s1").await, world.application("ada").await, world.sign_in().await);
    let receiver = Receiver::new();
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    let body = json!({ "name": "mine", "url": receiver.url(), "notices": true, "resumes": true });
    for secret in [&agent, &application] {
        for ask in [
            world.ask("POST", "/v1/webhooks").json(&body),
            world.ask("GET", "/v1/webhooks"),
            world.ask("DELETE", &format!("/v1/webhooks/{webhook}")),
            world.ask("GET", &format!("/v1/webhooks/{webhook}/messages")),
            world.ask("POST", &format!("/v1/webhooks/{webhook}/retry")),
        ] {
            assert_eq!(ask.bearer(secret).send().is(403).code(), "humans-only");
        }
    }
    let filter = AuditFilter { kind: Some("refused".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&filter).await.unwrap().len(), 10);
    assert_eq!(world.store().await.webhooks("ada").await.unwrap().len(), 1);
    // Nor does a policy file, of whomever, or another human.
    for (file, text) in [("user", "webhook = \"https://evil.example/\"\n"), ("project", "[webhooks]\nurl = \"x\"\n")] {
        let path =
            if file == "user" { world.user_policy() } else { format!("{}/countersign.toml", world.project()).into() };
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, text).unwrap();
        let decided = world.ask("POST", "/v1/decide").bearer(&agent).json(&world.call("git status")).send();
        assert!(decided.status != 200 || decided.json()["effect"] != "allow", "{file}: {}", decided.body);
        std::fs::write(&path, before).unwrap();
    }
    assert!(!world.store().await.webhook_remove(&webhook, "bob", &Via::Api, now()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_this_server_does_not_send_to_is_refused_with_what_to_do() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let set = |body: &serde_json::Value| {
        let answer = world.ask("POST", "/v1/webhooks").bearer(&human.secret).json(body).send();
        (answer.status, answer.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    for (url, why) in [
        ("https://10.0.0.1/", "--webhook-private 10.0.0.1"),
        ("https://[::ffff:192.168.0.1]/", "private network"),
        ("https://169.254.169.254/latest/meta-data", "no webhook is sent"),
        ("http://hooks.example/", "--webhook-http hooks.example"),
        ("https://user:word@hooks.example/", "signed instead"),
        ("ftp://hooks.example/", "neither `https` nor `http`"),
        ("https://0x7f.1/", "as a number"),
        ("javascript:alert(1)", "no scheme"),
    ] {
        let (status, message) = set(&json!({ "name": "x", "url": url, "notices": true }));
        assert!(status == 422 && message.contains(why), "{url}: {status} {message}");
    }
    for wrong in [
        json!({ "name": "x", "url": "https://hooks.example/" }),
        json!({ "name": "", "url": "https://hooks.example/", "notices": true }),
        json!({ "name": "x", "url": "https://hooks.example/", "notices": true, "host": "a:b" }),
        json!({ "name": "x", "url": "https://hooks.example/", "notices": true, "secret": "whsec_x" }),
        json!({ "name": "x", "url": "https://hooks.example/", "notices": true, "user": "bob" }),
    ] {
        assert_eq!(set(&wrong).0, 422, "{wrong}");
    }
    let resumes = json!({ "name": "one", "url": "https://hooks.example/", "resumes": true });
    assert_eq!(set(&resumes).0, 201);
    let (status, message) = set(&resumes);
    assert!(status == 409 && message.contains("`one` resumes these turns"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_that_came_past_the_api_is_not_sent_to() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let mut urls = vec![
        ("https://10.0.0.1/".to_owned(), "private network"),
        ("http://hooks.example/".to_owned(), "without encryption"),
        ("https://localhost.localdomain/".to_owned(), "private network"),
    ];
    // Other names that lead to this machine than those by which it may be sent to.
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().filter(|line| line.starts_with("127.") || line.starts_with("::1"));
    let names = lines.flat_map(|line| line.split_whitespace().skip(1)).filter(|name| *name != "localhost");
    urls.extend(names.map(|name| (format!("https://{name}/"), "private network")));
    for (url, why) in urls {
        let address = Address::parse(&url).unwrap();
        let is_known = (address.host(), 443).to_socket_addrs().is_ok();
        let request = WebhookRequest { name: "x".to_owned(), address, host: None, notices: true, resumes: false };
        let made = world.store().await.webhook_create(&request, "ada", &Via::Terminal, now()).await.unwrap();
        let id = world.asked(&token, &format!("git push {}", made.webhook.id));
        let fault = world.fault(&made.webhook.id).await;
        assert!(fault.contains(why) || (!is_known && fault.contains("its host was not found")), "{url}: {fault}");
        world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&token).send().is(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    let (token, human, receiver, elsewhere) =
        (world.token("s1").await, world.sign_in().await, Receiver::new(), Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asked(&token, "git push one");
    for (status, wait) in [("302 Found", 6), ("307 Temporary Redirect", 301), ("308 Permanent Redirect", 1_801)] {
        let got = receiver.next();
        got.answer_with(
            format!("HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url()).as_bytes(),
        );
        world.not_taken(&webhook, "redirects are not followed").await;
        world.later(wait).await;
    }
    receiver.next().answer("200 OK");
    world.over(&webhook, 1).await;
    elsewhere.has_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_receiver_says_nothing_in_our_records() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asked(&token, "git push one");
    let endless = format!("HTTP/1.1 200 OK\r\nX-Evil: {}", "evil ".repeat(100_000));
    let answers = [
        "evil\r\n\r\n",
        "HTTP/1.1 200",
        "HTTP/1.1 999 evil\r\n\r\n",
        "",
        endless.as_str(),
        "HTTP/1.1 500 evil\r\n\r\n",
    ];
    for (answer, wait) in answers.into_iter().zip([6, 301, 1_801, 7_201, 18_001, 36_001]) {
        receiver.next().answer_with(answer.as_bytes());
        world.not_taken(&webhook, "").await;
        let fault = world.fault(&webhook).await;
        assert!(!fault.contains("evil") && fault.len() < 200, "{fault}");
        world.later(wait).await;
    }
    // An answer that never ends keeps nobody: its status is enough.
    receiver.next().answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevil ");
    world.over(&webhook, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_told_once_and_never_again() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, secret) = world.told_of_questions(&human, &receiver);
    let bare = secret.strip_prefix("whsec_").unwrap();
    world.asked(&token, "git push one");
    receiver.next().answer("500 Internal Server Error");
    world.not_taken(&webhook, "status 500").await;
    for path in ["/v1/webhooks", &format!("/v1/webhooks/{webhook}/messages"), "/v1/audit", "/v1/log", "/v1/tokens"] {
        let answer = world.ask("GET", path).bearer(&human.secret).send().is(200);
        assert!(!answer.body.contains("whsec_") && !answer.body.contains(bare), "{path}: {}", answer.body);
    }
    assert!(!world.see(&human).body.contains("whsec_"));
    // Removed, it is no longer in the store either, and nothing more is sent.
    world.ask("DELETE", &format!("/v1/webhooks/{webhook}")).bearer(&human.secret).send().is(204);
    world.ask("DELETE", &format!("/v1/webhooks/{webhook}")).bearer(&human.secret).send().is(404);
    world.later(10).await;
    assert_eq!(world.over(&webhook, 1).await, [("approval.asked".to_owned(), "dropped".to_owned())]);
    receiver.has_nothing();
    let set = AuditFilter { kind: Some("webhook removed".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&set).await.unwrap().len(), 1);
}

/// A receiver that encrypts, as `localhost`, with a certificate of a test's own root.
fn encrypted() -> Receiver {
    let certificate = CertificateDer::from(include_bytes!("tls/localhost.der").to_vec());
    let key = PrivateKeyDer::try_from(include_bytes!("tls/localhost.key.der").to_vec()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    Receiver::over(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        stream.flush().ok()?;
        Some(Box::new(stream) as Box<dyn Stream>)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_over_the_network_is_encrypted_for_whom_it_is_meant() {
    let mut world = World::new().await;
    let root = world.folder.path().join("root.pem");
    std::fs::write(&root, include_bytes!("tls/root.pem")).unwrap();
    world.outward = Outward { roots: Some(root), ..Outward::default() };
    world.restart().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, encrypted());
    let port = receiver.address.port();
    let set = |host: &str| {
        world.webhook(&human, &json!({ "name": host, "url": format!("https://{host}:{port}/x"), "notices": true }))
    };
    let (webhook, secret) = set("localhost");
    let id = world.asked(&token, "git push one");
    let got = receiver.next();
    got.verify(&secret);
    got.answer("200 OK");
    assert_eq!(world.over(&webhook, 1).await, [("approval.asked".to_owned(), "sent".to_owned())]);
    world.ask("DELETE", &format!("/v1/webhooks/{webhook}")).bearer(&human.secret).send().is(204);
    world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&token).send().is(200);

    // Another name than the certificate's.
    let (webhook, _) = set("127.0.0.1");
    world.asked(&token, "git push two");
    let fault = world.fault(&webhook).await;
    assert!(fault.starts_with("no encrypted connection: "), "{fault}");
    world.ask("DELETE", &format!("/v1/webhooks/{webhook}")).bearer(&human.secret).send().is(204);
    receiver.has_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_nobody_who_is_trusted_is_refused() {
    let mut world = World::new().await;
    // A root, and not the one that signed.
    let root = world.folder.path().join("root.pem");
    std::fs::write(&root, include_bytes!("tls/other-root.pem")).unwrap();
    for (roots, why) in [
        (root.clone(), "no encrypted connection: "),
        (world.folder.path().join("none.pem"), "cannot be read"),
        (world.user_policy(), "has no certificates to trust"),
    ] {
        world.outward = Outward { roots: Some(roots), reach: Reach::default(), desktop: None };
        world.restart().await;
        let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, encrypted());
        let url = format!("https://localhost:{}/", receiver.address.port());
        let (webhook, _) = world.webhook(&human, &json!({ "name": "x", "url": url, "notices": true }));
        let id = world.asked(&token, "git push one");
        let fault = world.fault(&webhook).await;
        assert!(fault.contains(why), "{fault}");
        receiver.has_nothing();
        world.ask("DELETE", &format!("/v1/webhooks/{webhook}")).bearer(&human.secret).send().is(204);
        world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&token).send().is(200);
    }
}
