//! As much of HTTP/1.1 as a scripted model and a scripted person need, over blocking sockets of this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A request or a response: first line, headers with names in lower case, body.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// `POST /v1/messages HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub(crate) first: String,
    headers: Vec<(String, String)>,
    /// The body as text; what is not UTF-8 is replaced.
    pub(crate) body: String,
}

impl Message {
    /// The first header of that name (in lower case).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The status of a response; 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The path and query of a request.
    pub(crate) fn path(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }
}

/// Reads one message with its body; `None` at the end of the connection.
pub(crate) fn read(stream: &mut impl BufRead) -> Result<Option<Message>> {
    let Some(mut message) = read_head(stream)? else { return Ok(None) };
    let mut body = Vec::new();
    if message.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        while let Some(mut chunk) = read_chunk(stream)? {
            body.append(&mut chunk);
        }
    } else if let Some(length) = message.header("content-length") {
        let length: u64 = length.parse().context("a content length is not a number")?;
        stream.take(length).read_to_end(&mut body)?;
    } else if message.first.starts_with("HTTP/") && message.status() != 304 {
        stream.read_to_end(&mut body)?;
    }
    message.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(message))
}

/// Reads the first line and the headers, and leaves the body where it is.
pub(crate) fn read_head(stream: &mut impl BufRead) -> Result<Option<Message>> {
    let mut message = Message::default();
    if stream.read_line(&mut message.first)? == 0 {
        return Ok(None);
    }
    message.first.truncate(message.first.trim_end().len());
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some(message));
        }
        let Some((name, value)) = line.split_once(':') else { bail!("`{line}` is not a header") };
        message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_chunk(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let size = u64::from_str_radix(line.trim(), 16).with_context(|| format!("`{}` is no chunk size", line.trim()))?;
    let mut chunk = Vec::new();
    Read::take(&mut *stream, size).read_to_end(&mut chunk)?;
    line.clear();
    stream.read_line(&mut line)?;
    Ok((size > 0).then_some(chunk))
}

/// Sends a request to a server on this machine and reads the whole answer.
pub(crate) fn request(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Message> {
    let mut stream = open(port, method, path, headers, body)?;
    read(&mut stream)?.with_context(|| format!("{method} {path}: the server closed the connection"))
}

/// Sends a request and leaves the answer unread.
pub(crate) fn open(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    Ok(BufReader::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_send_a_body_are_read() {
        let mut sized = "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello".as_bytes();
        let message = read(&mut sized).unwrap().unwrap();
        assert_eq!((message.path(), message.body.as_str()), ("/a", "hello"));
        assert!(read(&mut sized).unwrap().is_none());
        let mut chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n".as_bytes();
        let message = read(&mut chunked).unwrap().unwrap();
        assert_eq!((message.status(), message.body.as_str()), (200, "hello"));
    }
}
