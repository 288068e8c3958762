//! Sends one message: looks its host up once, checks all that it may lead to, connects to exactly that, and reads the
//! status of the answer. Nothing else of the answer is looked at, and no redirect is followed.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::{Address, Outward, Secret};

/// How long an attempt may take, from the look-up to the answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// The most of an answer's head that is read, in bytes.
const HEAD: usize = 16 * 1024;
/// The most addresses of a host that are tried.
const TRIED: usize = 4;
/// Where systems keep the certificates that they trust: Debian and Alpine, Fedora, SUSE, macOS.
const ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What became of an attempt. The words are ours or the system's: nothing that a receiver writes is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The receiver has it: any status from 200 to 299.
    Taken,
    /// The receiver wants no more of it: status 410.
    Gone,
    /// Anything else.
    NotTaken(String),
}

/// A message as it goes over the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) id: &'a str,
    pub(crate) url: &'a str,
    pub(crate) secret: &'a Secret,
    pub(crate) body: &'a str,
    /// What this machine's clock says, in seconds since 1970.
    pub(crate) seconds: i64,
}

/// Sends a message once.
pub(crate) async fn send(message: Message<'_>, outward: &Outward) -> Delivery {
    let attempt = timeout(PATIENCE, attempt(message, outward)).await;
    let status = attempt.unwrap_or_else(|_| Err(format!("it took longer than {} seconds", PATIENCE.as_secs())));
    match status {
        Ok(status) if status.is_success() => Delivery::Taken,
        Ok(StatusCode::GONE) => Delivery::Gone,
        Ok(status) if status.is_redirection() => {
            Delivery::NotTaken(format!("status {}: redirects are not followed, set the new address", status.as_u16()))
        }
        Ok(status) => Delivery::NotTaken(format!("status {}", status.as_u16())),
        Err(fault) => Delivery::NotTaken(fault),
    }
}

async fn attempt(message: Message<'_>, outward: &Outward) -> Result<StatusCode, String> {
    let address = Address::parse(message.url).map_err(|error| error.to_string())?;
    outward.reach.admits(&address).map_err(|error| error.to_string())?;
    let ips = looked_up(&address).await?;
    // Of several, one that may not be sent to is a sign that somebody means it: none is tried.
    ips.iter().try_for_each(|ip| outward.reach.admits_ip(&address, *ip)).map_err(|error| error.to_string())?;
    let stream = connected(&address, &ips).await?;
    if !address.is_https() {
        return posted(stream, &address, message).await;
    }
    let name = ServerName::try_from(address.host()).map_err(|_| "its host cannot have a certificate".to_owned())?;
    let tls = TlsConnector::from(Arc::new(trust(outward.roots.as_deref())?));
    let stream = tls.connect(name, stream).await.map_err(|error| format!("no encrypted connection: {error}"))?;
    posted(stream, &address, message).await
}

/// Where the address leads. Looked up once: what is checked is what is connected to.
async fn looked_up(address: &Address) -> Result<Vec<IpAddr>, String> {
    if let Some(known) = address.known() {
        return Ok(known);
    }
    let found = lookup_host((address.host(), address.port())).await;
    let found = found.map_err(|error| format!("its host was not found: {error}"))?;
    let ips: Vec<IpAddr> = found.map(|found| found.ip()).collect();
    if ips.is_empty() { Err("its host was not found".to_owned()) } else { Ok(ips) }
}

async fn connected(address: &Address, ips: &[IpAddr]) -> Result<TcpStream, String> {
    let mut fault = String::new();
    for ip in ips.iter().take(TRIED) {
        match TcpStream::connect(SocketAddr::new(*ip, address.port())).await {
            Ok(stream) => return Ok(stream),
            Err(error) => fault = format!("no connection: {error}"),
        }
    }
    Err(fault)
}

async fn posted<S>(stream: S, address: &Address, message: Message<'_>) -> Result<StatusCode, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let fault = |error: hyper::Error| format!("the connection failed: {}", kind(&error));
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await.map_err(fault)?;
    // Ends with this attempt, however that ends.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let request = Request::post(address.path())
        .header(header::HOST, address.authority())
        .header(header::USER_AGENT, concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("webhook-id", message.id)
        .header("webhook-timestamp", message.seconds.to_string())
        .header("webhook-signature", message.secret.sign(message.id, message.seconds, message.body))
        .body(Full::new(Bytes::copy_from_slice(message.body.as_bytes())))
        .map_err(|error| format!("the message cannot be written: {error}"))?;
    Ok(sender.send_request(request).await.map_err(fault)?.status())
}

/// What went wrong on the connection, without a word of the other side's.
fn kind(error: &hyper::Error) -> &'static str {
    if error.is_parse() {
        "what came back is no HTTP"
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        "it was closed before an answer came"
    } else if error.is_timeout() {
        "no answer came"
    } else {
        "it broke"
    }
}

/// Whom to trust: what this machine trusts, read anew each time, so that a change needs no restart.
fn trust(file: Option<&Path>) -> Result<ClientConfig, String> {
    let file =
        file.map_or_else(|| ROOTS.iter().map(PathBuf::from).find(|path| path.exists()), |file| Some(file.into()));
    let Some(file) = file else {
        let none = "this machine has no list of trusted certificates: install `ca-certificates`, or start the server with \
                    `--webhook-roots FILE`";
        return Err(none.to_owned());
    };
    let unread = |error: &dyn std::fmt::Display| format!("`{}` cannot be read: {error}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| unread(&error))? {
        // One of a kind that is not understood is trusted for nothing.
        let _ = roots.add(certificate.map_err(|error| unread(&error))?);
    }
    if roots.is_empty() {
        return Err(format!("`{}` has no certificates to trust", file.display()));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| format!("no encrypted connection: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
