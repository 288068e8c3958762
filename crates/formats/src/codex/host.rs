//! Hosts as `network_rule` takes them.

use countersign_policy::document::quoted;

/// The host in lower case, without port, brackets and the dot at its end.
///
/// # Errors
/// What is no single host: an address with scheme or path, a wildcard, blanks.
pub(super) fn host(written: &str) -> Result<String, String> {
    let mut host = written.trim();
    if host.is_empty() {
        return Err("the host is empty".to_owned());
    }
    if host.contains("://") || host.contains(['/', '?', '#']) {
        return Err(format!("{} is more than a host: write it without scheme and path", quoted(written)));
    }
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(inside) = host.strip_prefix('[') {
        match inside.split_once(']') {
            None => return Err(format!("the host {} has a `[` without its `]`", quoted(written))),
            Some((inside, rest)) if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port) => host = inside,
            Some(_) => return Err(format!("behind the address of {} only a port can stand", quoted(written))),
        }
    } else if let Some((name, port)) = host.split_once(':')
        && !name.is_empty()
        && is_port(port)
    {
        host = name;
    }
    let host = host.trim_end_matches('.').trim().to_ascii_lowercase();
    if host.is_empty() {
        return Err("the host is empty".to_owned());
    }
    if host.contains('*') {
        return Err(format!("{} is no single host: wildcards do not work here", quoted(written)));
    }
    if host.contains(char::is_whitespace) {
        return Err(format!("the host {} has a blank in it", quoted(written)));
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn ports_brackets_and_dots_at_the_end_go() {
        for (written, read) in [
            (" API.example.com:443 ", "api.example.com"),
            ("example.com.", "example.com"),
            ("[::1]:8080", "::1"),
            ("[::1]", "::1"),
            ("fe80::1", "fe80::1"),
            ("example.com:", "example.com:"),
        ] {
            assert_eq!(host(written).as_deref(), Ok(read), "{written}");
        }
        for written in ["", " ", ".", "https://a", "a/b", "a?b", "a#b", "[::1", "[::1]x", "*.a.com", "a b"] {
            assert!(host(written).is_err(), "{written}");
        }
    }
}
