use std::net::IpAddr;

use super::{Address, AddressError, Reach};

fn refused(text: &str) -> String {
    match Address::parse(text).and_then(|address| Reach::default().admits(&address)) {
        Ok(()) => panic!("{text} is taken"),
        Err(error) => error.to_string(),
    }
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

#[test]
fn what_two_programs_could_read_differently_is_no_address() {
    for text in [
        "",
        "hooks.example",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://good.example@evil.example/",
        "https://good.example\\@evil.example/",
        "https://user:word@good.example/",
        "https://good.example#@evil.example/",
        "https://good.example/\r\nHost: evil.example",
        "https://good.example/ x",
        "https://g\u{43e}od.example/",
        "https://good.example:99999/",
        "https://good.example:/",
        "https://good.example:+1/",
        "https://good.example:0/",
        "https://-good.example/",
        "https://good..example/",
        "https://good.example./",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://010.0.0.1/",
        "https://1.2.3.4.5/",
        "https://[::1/",
        "https://[fe80::1%eth0]/",
        "https://[::1]x/",
    ] {
        assert!(matches!(Address::parse(text), Err(AddressError::Unclear { .. })), "{text}");
    }
    let long = format!("https://good.example/{}", "x".repeat(2_000));
    assert!(Address::parse(&long).is_err());
}

#[test]
fn an_address_in_its_parts() {
    let address = Address::parse("HTTPS://Hooks.Example:8443/a/b?c=d").unwrap();
    assert_eq!((address.host().as_str(), address.port(), address.path()), ("hooks.example", 8443, "/a/b?c=d"));
    assert_eq!(address.authority(), "hooks.example:8443");
    let address = Address::parse("https://hooks.example?x").unwrap();
    assert_eq!((address.authority().as_str(), address.path()), ("hooks.example", "/?x"));
    assert_eq!(Address::parse("http://[::1]:81/").unwrap().authority(), "[::1]:81");
}

#[test]
fn private_places_are_refused_in_every_spelling() {
    for host in [
        "10.0.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "198.18.0.1",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
        "[64:ff9b:1::1]",
        "[2002:a00:1::]",
    ] {
        assert!(refused(&format!("https://{host}/")).contains("private network"), "{host}");
    }
    for host in [
        "0.0.0.0",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "[::]",
        "[fe80::1]",
        "[ff02::1]",
        "[fec0::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[::10.0.0.1]",
    ] {
        assert!(refused(&format!("https://{host}/")).contains("no webhook is sent"), "{host}");
    }
}

#[test]
fn a_name_may_not_lead_to_where_its_address_may_not() {
    let address = Address::parse("https://rebound.example/").unwrap();
    let reach = Reach::default();
    reach.admits(&address).unwrap();
    reach.admits_ip(&address, ip("93.184.215.14")).unwrap();
    reach.admits_ip(&address, ip("2606:4700::1111")).unwrap();
    for to in ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1"] {
        assert!(reach.admits_ip(&address, ip(to)).is_err(), "{to}");
    }
    // One that the operator named may be private, and still not the link's own services.
    let named = Reach { private: vec!["Rebound.example".to_owned()], plain: Vec::new() };
    for to in ["127.0.0.1", "10.1.2.3"] {
        named.admits_ip(&address, ip(to)).unwrap();
    }
    assert!(named.admits_ip(&address, ip("169.254.169.254")).is_err());
    let other = Address::parse("https://x.rebound.example/").unwrap();
    assert!(named.admits_ip(&other, ip("10.1.2.3")).is_err());
}

#[test]
fn only_this_machine_is_sent_to_without_encryption_unless_the_operator_says_so() {
    let reach = Reach::default();
    for text in ["http://127.0.0.1:8080/x", "http://localhost/", "http://[::1]:9/", "https://hooks.example/"] {
        reach.admits(&Address::parse(text).unwrap()).unwrap();
    }
    for text in ["http://hooks.example/", "http://8.8.8.8/", "http://localhost.evil.example/"] {
        assert!(refused(text).contains("--webhook-http"), "{text}");
    }
    // To say so about encryption says nothing about where it may lead.
    let plain = Reach { plain: vec!["10.0.0.1".to_owned(), "hooks.example".to_owned()], private: Vec::new() };
    plain.admits(&Address::parse("http://hooks.example/").unwrap()).unwrap();
    let private = plain.admits(&Address::parse("http://10.0.0.1/").unwrap()).unwrap_err();
    assert!(private.to_string().contains("--webhook-private 10.0.0.1"), "{private}");
}
