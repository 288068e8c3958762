//! URLs and hosts, strictly: what two programs could read differently is not understood.

use std::net::{IpAddr, Ipv4Addr};

use countersign_policy::Resource;
use countersign_policy::pattern::plain_host;

/// The resource that a URL names, and whether it is on the public network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Host and URL.
    pub(crate) resource: Resource,
    /// Whether its host is neither private, link-local nor this machine, as far as its name tells.
    pub(crate) public: bool,
}

/// Reads a URL with a scheme, or a bare host.
///
/// # Errors
/// Why it could be read in more than one way.
pub(crate) fn place(text: &str) -> Result<Place, String> {
    if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '\\' | '"' | '<' | '>' | '`')) {
        return Err(format!("`{}` in a URL", crate::show::printable(&c.to_string())));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    if !scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) {
        return Err("a URL whose scheme is not clear".to_owned());
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("a URL with a user name, which can look like a host".to_owned());
    }
    let (host, port) = split_port(authority)?;
    let host = host.to_ascii_lowercase();
    let host = plain_host(host.strip_suffix('.').unwrap_or(&host));
    let public = is_public(&host)?;
    let url = if scheme.is_empty() {
        String::new()
    } else {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let tail = if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") };
        if tail.split(['?', '#']).next().is_some_and(has_dots) {
            return Err("a URL path with dots, which could lead elsewhere".to_owned());
        }
        format!("{}://{host}{port}{tail}", scheme.to_ascii_lowercase())
    };
    Ok(Place { resource: Resource::Url { host, url }, public })
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("a URL with an open bracket")?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("a URL without a host".to_owned());
    }
    match port.filter(|port| !port.is_empty()) {
        None => Ok((host, None)),
        Some(port) => Ok((host, Some(port.parse().map_err(|_| format!("the port `{port}`"))?))),
    }
}

/// Whether a path has a component of dots only, written plainly or escaped.
fn has_dots(path: &str) -> bool {
    path.split('/').any(|name| {
        let name = name.to_ascii_lowercase().replace("%2e", ".");
        name == "." || name == ".."
    })
}

fn is_public(host: &str) -> Result<bool, String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => {
                !address.is_loopback()
                    && !address.is_unspecified()
                    && !address.is_multicast()
                    && !address.is_unique_local()
                    && !address.is_unicast_link_local()
            }
        });
    }
    if !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')) {
        return Err(format!("the host `{host}`"));
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    // `0x7f.1` and `2130706433` are addresses for some programs and names for others.
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("the host `{host}`, which some programs read as an address"));
    }
    Ok(!matches!(last, "localhost" | "local" | "internal" | "home" | "lan" | "intranet" | "corp") && host.contains('.'))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || a == 0
        || (a == 100 && (64..128).contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::{Resource, place};

    #[test]
    fn what_two_programs_could_read_differently_is_not_understood() {
        for text in [
            "https://docs.rs@evil.com/",
            "https://docs.rs\\@evil.com",
            "https://evil.com\u{2044}docs.rs",
            "http://0x7f000001/",
            "http://2130706433/",
            "https://docs.rs/a/../b",
            "https://docs.rs/%2E%2e/b",
            "https:///x",
            "https://docs.rs:99999/",
            "java script://x",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }

    #[test]
    fn private_places() {
        for text in [
            "http://localhost:8080/x",
            "http://169.254.169.254/latest",
            "http://[::1]/",
            "http://10.0.0.1",
            "http://router/",
        ] {
            assert!(!place(text).unwrap().public, "{text}");
        }
        assert!(place("https://docs.rs/x?y#z").unwrap().public);
        for text in ["http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[::FFFF:A9FE:A9FE]/"] {
            let Resource::Url { host, .. } = place(text).unwrap().resource else { panic!("{text}") };
            assert_eq!(host, "169.254.169.254", "{text}");
        }
    }
}
