//! Addresses of webhooks, read strictly: what two programs could read differently is refused. And where they may lead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest address, in bytes.
const LONGEST: usize = 2_000;

/// The address of a webhook: `https://HOST/PATH`, or `http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    is_https: bool,
    host: Host,
    port: u16,
    path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(String),
    Ip(IpAddr),
}

/// Why an address is none of a webhook, or not one that is sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error("`{text}` is no address of a webhook: {problem}; write `https://HOST/PATH`")]
    Unclear {
        /// What was written, shortened.
        text: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// It is not encrypted.
    #[error(
        "`{0}` would be sent to without encryption: write `https`, or start the server with `--webhook-http {0}` if you \
         trust the network between"
    )]
    Plain(String),
    /// It is on a private network, or this machine under another name.
    #[error(
        "`{host}` is on a private network ({address}): start the server with `--webhook-private {host}` if you mean that"
    )]
    Private {
        /// The host.
        host: String,
        /// What it led to.
        address: IpAddr,
    },
    /// No webhook is there.
    #[error("`{host}` leads to {address}, to which no webhook is sent")]
    Never {
        /// The host.
        host: String,
        /// What it led to.
        address: IpAddr,
    },
}

/// Where webhooks may lead beside the public network and this machine by its own names.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Hosts that may have a private address.
    pub private: Vec<String>,
    /// Hosts that may be sent to without encryption.
    pub plain: Vec<String>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It cannot be read in one way only.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        parse(text).map_err(|problem| AddressError::Unclear {
            text: countersign_engine::show::printable(text).chars().take(200).collect(),
            problem,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host alone.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Ip(address) => address.to_string(),
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What stands in the header `Host`.
    pub(crate) fn authority(&self) -> String {
        let host = match &self.host {
            Host::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host(),
        };
        if self.port == if self.is_https { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }

    /// The addresses that need no look-up: written as such, or this machine's.
    pub(crate) fn known(&self) -> Option<Vec<IpAddr>> {
        match &self.host {
            Host::Ip(address) => Some(vec![*address]),
            Host::Name(_) if self.is_here() => Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
            Host::Name(_) => None,
        }
    }

    /// Whether it is this machine by one of its own names.
    fn is_here(&self) -> bool {
        match &self.host {
            Host::Name(name) => name == "localhost",
            Host::Ip(address) => address.is_loopback(),
        }
    }
}

impl Reach {
    /// Whether a webhook may have this address, as far as it tells without a look-up.
    ///
    /// # Errors
    /// It is refused, with what would let it be taken.
    pub fn admits(&self, address: &Address) -> Result<(), AddressError> {
        if !address.is_https && !address.is_here() && !lists(&self.plain, address) {
            return Err(AddressError::Plain(address.host()));
        }
        address.known().into_iter().flatten().try_for_each(|ip| self.admits_ip(address, ip))
    }

    /// Whether it may be sent to where that address was found to lead.
    ///
    /// # Errors
    /// It is refused, with what would let it be taken.
    pub(crate) fn admits_ip(&self, address: &Address, ip: IpAddr) -> Result<(), AddressError> {
        let host = address.host();
        match network(ip) {
            Network::Public => Ok(()),
            Network::Here if address.is_here() => Ok(()),
            Network::Here | Network::Private if lists(&self.private, address) => Ok(()),
            Network::Here | Network::Private => Err(AddressError::Private { host, address: ip }),
            Network::Never => Err(AddressError::Never { host, address: ip }),
        }
    }
}

fn lists(hosts: &[String], address: &Address) -> bool {
    hosts.iter().any(|host| host.trim_matches(['[', ']']).eq_ignore_ascii_case(&address.host()))
}

fn parse(text: &str) -> Result<Address, &'static str> {
    if text.len() > LONGEST {
        return Err("it is too long");
    }
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '\\' | '"' | '<' | '>' | '`' | '^' | '{' | '|' | '}');
    if text.contains(odd) {
        return Err("it has a character that has to be escaped");
    }
    let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
    let is_https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err("it is neither `https` nor `http`"),
    };
    if rest.contains('#') {
        return Err("it has a fragment, which is never sent");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("it has a user name or password: what is sent is signed instead");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("a bracket is open")?;
            (Host::Ip(IpAddr::V6(host.parse().map_err(|_| "there is no address in its brackets")?)), port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at_checked(end).unwrap_or((authority, ""));
            (named(host)?, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or("its port is none")?
        }
        None if port.is_empty() => {
            if is_https {
                443
            } else {
                80
            }
        }
        _ => return Err("its port is none"),
    };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok(Address { text: text.to_owned(), is_https, host, port, path })
}

fn named(host: &str) -> Result<Host, &'static str> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(IpAddr::V4(address)));
    }
    let host = host.to_ascii_lowercase();
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err("its host is no name");
    }
    // `0x7f.1` and `2130706433` are addresses for some programs and names for others.
    if host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit())) {
        return Err("some programs read its host as a number");
    }
    Ok(Host::Name(host))
}

/// Whom an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    /// Anybody.
    Public,
    /// Machines of the same network.
    Private,
    /// This machine.
    Here,
    /// Nobody to whom anything should be sent: the link's own services, groups, what is reserved.
    Never,
}

fn network(ip: IpAddr) -> Network {
    match ip {
        IpAddr::V4(address) => network_v4(address),
        IpAddr::V6(address) => network_v6(address),
    }
}

fn network_v4(address: Ipv4Addr) -> Network {
    match address.octets() {
        [127, ..] => Network::Here,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18..=19, ..] => Network::Private,
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [224..=255, ..] => Network::Never,
        // What stands in examples.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Network::Never,
        _ => Network::Public,
    }
}

fn network_v6(address: Ipv6Addr) -> Network {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let [x, y] = high.to_be_bytes();
        let [z, w] = low.to_be_bytes();
        network_v4(Ipv4Addr::new(x, y, z, w))
    };
    match (a, b) {
        _ if address.is_loopback() => Network::Here,
        // Another way to write an address of the old kind, or a translation to one.
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => embedded(g, h),
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => embedded(g, h),
        (0x2002, high) => embedded(high, c),
        (0xfc00..=0xfdff, _) | (0x64, 0xff9b) => Network::Private,
        // Tunnels, examples, and benchmarks.
        (0x2001, 0x0000..=0x01ff | 0x0db8) | (0x3fff, 0x0000..=0x0fff) => Network::Never,
        (0x2000..=0x3fff, _) => Network::Public,
        _ => Network::Never,
    }
}

#[cfg(test)]
mod tests;
