//! HTTP by hand, so that a test can send what no client library would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// One request.
#[derive(Clone)]
pub(crate) struct Ask {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Ask {
        Ask { address, method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
            .header("Host", &address.to_string())
    }

    /// Sets a header; once more with the same name replaces it.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.also_header(name, value)
    }

    pub(crate) fn also_header(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, secret: &str) -> Ask {
        self.header("Authorization", &format!("Bearer {secret}"))
    }

    pub(crate) fn json(self, body: &Value) -> Ask {
        self.body("application/json", body.to_string().as_bytes())
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Ask {
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", encode(value));
        let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
        self.body("application/x-www-form-urlencoded", body.as_bytes())
    }

    pub(crate) fn body(mut self, kind: &str, body: &[u8]) -> Ask {
        self.body = body.to_owned();
        self.header("Content-Type", kind)
    }

    pub(crate) fn send(&self) -> Answer {
        let mut stream = self.open("close");
        let mut bytes = Vec::new();
        // A server that refuses early may reset the connection after its answer.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_owned(), v.to_owned()));
        Answer { status, headers: headers.collect(), body: body.to_owned() }
    }

    /// Sends it and leaves the answer to be read line by line.
    pub(crate) fn stream(&self) -> Lines {
        let stream = self.open("keep-alive");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Lines { from: BufReader::new(stream) }
    }

    fn open(&self, connection: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: {connection}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        let _ = stream.write_all(&self.body);
        stream
    }
}

/// An answer that goes on.
pub(crate) struct Lines {
    from: BufReader<TcpStream>,
}

impl Lines {
    /// Reads until a line contains the text, and returns the line.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the stream ended before `{text}`");
        }
        line
    }
}

impl Lines {
    /// Reads until the stream ends: its last chunk is empty.
    pub(crate) fn ends(mut self) {
        let (begun, mut line) = (Instant::now(), String::new());
        while line != "0\r\n" {
            // One that goes on says so every few seconds.
            assert!(begun.elapsed() < Duration::from_secs(10), "the stream goes on");
            line.clear();
            self.from.read_line(&mut line).unwrap();
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Asserts the status, and says what was answered if it is another.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The problem's code.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
