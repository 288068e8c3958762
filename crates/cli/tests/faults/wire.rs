//! HTTP by hand over one kept connection. A request can be sent now and its answer heard later, so that one thread has
//! two of them under way in the same millisecond.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take, a wait of [`WAIT_SECONDS`] included.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long one request to wait waits.
pub(crate) const WAIT_SECONDS: u64 = 30;

/// A connection of one agent or human, made anew whenever it is gone.
pub(crate) struct Wire {
    address: SocketAddr,
    secret: String,
    /// What the next request is known by, should it be sent again.
    key: Option<String>,
    stream: Option<BufReader<TcpStream>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// No whole answer came: whether it was done, nobody knows.
#[derive(Debug)]
pub(crate) struct Gone;

impl Wire {
    pub(crate) fn new(address: SocketAddr, secret: &str) -> Wire {
        Wire { address, secret: secret.to_owned(), key: None, stream: None }
    }

    /// Gives the next request a key, so that sent again it has its effect once.
    pub(crate) fn with_key(&mut self, key: &str) -> &mut Wire {
        self.key = Some(key.to_owned());
        self
    }

    /// Sends a request and hears its answer.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Heard, Gone> {
        self.send(method, path, body)?;
        self.hear()
    }

    /// Sends a request; its answer is to be heard before the next one.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<(), Gone> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let key = self.key.take().map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{key}\
             Content-Length: {}\r\n\r\n{text}",
            self.address,
            self.secret,
            text.len()
        );
        let sent = self.open().and_then(|stream| stream.get_mut().write_all(request.as_bytes()));
        self.gone(sent)
    }

    /// Hears the answer to what was sent.
    pub(crate) fn hear(&mut self) -> Result<Heard, Gone> {
        let heard = self.open().and_then(read);
        self.gone(heard)
    }

    fn open(&mut self) -> std::io::Result<&mut BufReader<TcpStream>> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            self.stream = Some(BufReader::new(stream));
        }
        self.stream.as_mut().ok_or_else(|| ErrorKind::NotConnected.into())
    }

    fn gone<T>(&mut self, result: std::io::Result<T>) -> Result<T, Gone> {
        result.map_err(|_| {
            self.stream = None;
            Gone
        })
    }
}

impl Heard {
    /// A text of the answer, by its pointer; empty if it is not there.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The list of texts there.
    pub(crate) fn list(&self, pointer: &str) -> Vec<String> {
        let list = self.body.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Heard> {
    let malformed = || Error::from(ErrorKind::InvalidData);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(malformed)?;
    let mut length = 0;
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(|_| malformed())?;
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).map_err(|_| malformed())? };
    Ok(Heard { status, body })
}
