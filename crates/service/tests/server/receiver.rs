//! A receiver of webhooks: hands each request to the test, which answers it when it likes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_service::store::OutboxMessage;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::{SignedIn, World, now};

/// Whatever both can be read from and written to.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// See the module.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    came: mpsc::Receiver<Got>,
}

/// A request that waits for its answer.
pub(crate) struct Got {
    head: String,
    pub(crate) body: String,
    stream: Box<dyn Stream>,
}

impl Receiver {
    pub(crate) fn new() -> Receiver {
        Receiver::over(|stream| Some(Box::new(stream)))
    }

    /// With something between, such as TLS; a connection of which it makes nothing is closed.
    pub(crate) fn over(wrap: impl Fn(std::net::TcpStream) -> Option<Box<dyn Stream>> + Send + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (to, came) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(mut stream) = wrap(stream.unwrap()) else { continue };
                let Some((head, body)) = read(&mut stream) else { continue };
                if to.send(Got { head, body, stream }).is_err() {
                    return;
                }
            }
        });
        Receiver { address, came }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    /// The next request.
    #[track_caller]
    pub(crate) fn next(&self) -> Got {
        self.came.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// Says that nothing has come.
    #[track_caller]
    pub(crate) fn has_nothing(&self) {
        assert!(self.came.try_recv().is_err(), "nothing should have come");
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let value = found.next().unwrap_or_else(|| panic!("no header {name}: {}", self.head));
        assert!(found.next().is_none(), "{name} stands once");
        value
    }

    pub(crate) fn first_line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(crate) fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn answer(mut self, status: &str) {
        let _ = write!(self.stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = self.stream.flush();
    }

    pub(crate) fn answer_with(mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
        let _ = self.stream.flush();
    }

    /// Checks the signature as a receiver would, with nothing of ours.
    #[track_caller]
    pub(crate) fn verify(&self, secret: &str) {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let seconds: i64 = self.header("webhook-timestamp").parse().unwrap();
        assert!((seconds - now().0 / 1_000).abs() < 300, "{seconds}");
        let signed = format!("{}.{seconds}.{}", self.id(), self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())));
        assert_eq!(self.header("webhook-signature"), expected);
    }
}

impl World {
    /// Sets a webhook; its id and secret.
    pub(crate) fn webhook(&self, human: &SignedIn, body: &Value) -> (String, String) {
        let made = self.ask("POST", "/v1/webhooks").bearer(&human.secret).json(body).send().is(201).json();
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }

    pub(crate) fn told_of_questions(&self, human: &SignedIn, receiver: &Receiver) -> (String, String) {
        self.webhook(human, &json!({ "name": "chat", "url": receiver.url(), "notices": true }))
    }

    pub(crate) fn resumes_turns(&self, human: &SignedIn, receiver: &Receiver) -> (String, String) {
        self.webhook(human, &json!({ "name": "chat", "url": receiver.url(), "resumes": true }))
    }

    /// Moves the store's time on, as another process whose clock says so would.
    pub(crate) async fn later(&self, seconds: i64) {
        let time = self.store().await.clock(now()).await.unwrap();
        self.store().await.expire(time.plus_seconds(seconds)).await.unwrap();
    }

    /// What became of a webhook's messages, the oldest first, once all of that many are over.
    pub(crate) async fn over(&self, webhook: &str, many: usize) -> Vec<(String, String)> {
        self.messages(webhook, many, |state| state != "waiting").await
    }

    /// The same once each of them is as it should be.
    pub(crate) async fn messages(
        &self,
        webhook: &str,
        many: usize,
        is: impl Fn(&str) -> bool,
    ) -> Vec<(String, String)> {
        let begun = std::time::Instant::now();
        loop {
            let messages = self.store().await.webhook_messages(webhook, "ada", None, 1_000).await.unwrap().unwrap();
            if messages.len() == many && messages.iter().all(|message| is(&message.state)) {
                return messages.into_iter().rev().map(|message| (message.kind, message.state)).collect();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{messages:?}");
            std::thread::yield_now();
        }
    }

    /// What was wrong with a webhook's newest message, once something was.
    pub(crate) async fn fault(&self, webhook: &str) -> String {
        self.newest(webhook, |message| message.fault.is_some()).await.fault.unwrap()
    }

    /// Waits until an attempt is over that was not taken for this reason.
    pub(crate) async fn not_taken(&self, webhook: &str, why: &str) {
        self.newest(webhook, |message| message.fault.as_ref().is_some_and(|fault| fault.contains(why))).await;
    }

    /// Waits until so many attempts are over.
    pub(crate) async fn tried(&self, webhook: &str, times: usize) {
        self.newest(webhook, |message| usize::try_from(message.tries).unwrap() == times).await;
    }

    /// A webhook's newest message once it is as it should be and nobody sends it.
    async fn newest(&self, webhook: &str, is: impl Fn(&OutboxMessage) -> bool) -> OutboxMessage {
        let begun = std::time::Instant::now();
        loop {
            let messages = self.store().await.webhook_messages(webhook, "ada", None, 1).await.unwrap().unwrap();
            if let Some(found) = messages.iter().find(|message| !message.sending && is(message)) {
                return found.clone();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{messages:?}");
            std::thread::yield_now();
        }
    }
}

fn read(stream: &mut impl Read) -> Option<(String, String)> {
    let (mut bytes, mut some) = (Vec::new(), [0_u8; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if body.len() >= length?.parse().ok()? {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut some) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&some[..count]),
        }
    }
}

/// HMAC-SHA256 as RFC 2104 has it.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([&pad(0x36), text].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

#[test]
fn hmac_of_rfc_4231() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let second = hmac(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(hex(second), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
