//! A client of HTTP/1.1 that costs little: one connection, one request after the other.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::Outcome;

pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn new(address: SocketAddr) -> Outcome<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, read: Vec::new() })
    }

    /// Sends a request and waits for the answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Outcome<Answer> {
        let mut rest = request;
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        self.read.clear();
        let mut part = [0; 4096];
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut part) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(read) => self.read.extend_from_slice(part.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
            if let Some(answer) = answer(&self.read)? {
                return Ok(answer);
            }
        }
    }
}

/// A request's bytes.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

impl Answer {
    pub(crate) fn is(self, status: u16) -> Outcome<serde_json::Value> {
        if self.status != status {
            return Err(format!("{} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body)).into());
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// The answer, if all of it is there.
fn answer(read: &[u8]) -> Outcome<Option<Answer>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let (head, rest) = read.split_at(end + 4);
    let head = std::str::from_utf8(head)?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.ok_or("an answer without a length")?.parse()?;
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let status = head.split(' ').nth(1).ok_or("an answer without a status")?.parse()?;
    Ok(Some(Answer { status, body: body.to_vec() }))
}
