use std::time::{Duration, Instant};

use super::{find, is_plain, masked};

/// Everything that a shell or a reader could take for the structure of the text.
fn structure(text: &str) -> String {
    text.chars().filter(|c| !is_plain(*c) && *c != '…' && *c != '*').collect()
}

fn check(text: &str, shown: &str) {
    assert_eq!(masked(text), shown, "{text:?}");
}

#[test]
fn by_their_form() {
    check("git clone https://x/y ghp_abcdefghijklmnopqrstuvwxyz0123456789", "git clone https://x/y ghp_ab…6789");
    check("github_pat_11ABCDEFG0123456789_abcdefghij", "github…ghij");
    check("glpat-ABCDEFGHIJKLMNOPQRST", "glpat-…QRST");
    check("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N", "eyJhbG…0w5N");
    check("aws s3 ls AKIAIOSFODNN7EXAMPLE", "aws s3 ls AKIAIO…MPLE");
    check(
        "echo \"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEowIBAAKC\nabc=\n-----END RSA PRIVATE KEY-----\" > k",
        "echo \"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n…redacted…\n…redacted…\n-----END RSA PRIVATE KEY-----\" > k",
    );
    check("-----BEGIN PRIVATE KEY-----\\nMIIE\\nabc", "-----BEGIN PRIVATE KEY-----\\n…redacted…\\n…redacted…");
}

#[test]
fn by_their_names() {
    check("PASSWORD=hunter2 ./run", "PASSWORD=*** ./run");
    check("DB_PASS='hunter2!x' ./run", "DB_PASS='***!***' ./run");
    check("login --password hunter2 --force", "login --password *** --force");
    check("login --token=abc", "login --token=***");
    check("curl -u ada:hunter2 https://x", "curl -u ada:*** https://x");
    check("curl --user 'ada:hunter2' https://x", "curl --user 'ada:***' https://x");
    check("{\"api_key\": \"abc\", \"x\": 1}", "{\"api_key\": \"***\", \"x\": 1}");
    check("{\\\"token\\\": \\\"abc\\\"}", "{\\\"token\\\": \\\"***\\\"}");
    check("curl -H 'X-Api-Key: abc'", "curl -H 'X-Api-Key: ***'");
    check("curl -H 'Authorization: token abc'", "curl -H 'Authorization: token ***'");
    check("curl -H 'Authorization: Basic dTpw'", "curl -H 'Authorization: Basic ***'");
    check("curl 'https://h/x?api_key=abc&y=1&sig=0a1b'", "curl 'https://h/x?api_key=***&y=1&sig=***'");
    check("psql postgres://u:p%40ss@h:5432/db", "psql postgres://u:***@h:5432/db");
    check("password: hunter2", "password: ***");
}

#[test]
fn what_only_looks_like_one_stays() {
    for text in [
        "git commit -m 'fix token: rename it'",
        "grep -r password src",
        "docker run -u 1000:1000 x",
        "fn f(token: &str, password: String) {}",
        "token=os.environ[\"X\"]",
        "token=get_token()",
        "TOKEN=$(cat f) PASSWORD=\"$P\" ./run",
        "echo $API_KEY ${API_KEY:-x} ${TOKEN}",
        "pip install sk-learn-contrib-tools task-management-assistant-x1",
        "--token -rf",
        "tool --token https://evil.example/x",
        "PASSWORD= rm -rf x",
        "cd $OLDPWD; PWD=/x",
        "grep -- --token src/",
        "a basic understanding, Bearer of bad news",
        "ssh-keygen -f id_rsa; ssh-add ~/.ssh/key",
        "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
        "--password-file ./secret/x",
    ] {
        check(text, text);
    }
}

#[test]
fn syntax_is_never_hidden() {
    check("PASSWORD=\"abc$(rm -rf x)def\"", "PASSWORD=\"***$(rm -rf x)def\"");
    check("--token=a`id`b", "--token=***`id`b");
    check("TOKEN=a;rm -rf x", "TOKEN=***;rm -rf x");
    check("TOKEN=a\nrm x", "TOKEN=***\nrm x");
    check("password='a b'", "password='*** b'");
    check("https://u:p;rm@h/x", "https://u:p;rm@h/x");
    check(
        "-----BEGIN PRIVATE KEY-----\nMII\n$(rm x)\nabc\n-----END",
        "-----BEGIN PRIVATE KEY-----\n…redacted…\n$(rm x)\nabc\n-----END",
    );
    check("Bearer abcdefgh12345678ijkl|sh", "Bearer abcdef…ijkl|sh");
    check("sk-abcdefghijklmnop1234>x", "sk-abc…1234>x");
}

#[test]
fn cut_by_invisible_characters() {
    check("PASS\u{200b}WORD=hunter2", "PASS\u{200b}WORD=***");
    check("token=abc\u{202e}def;x", "token=***\u{202e}***;x");
    check("ghp_abcdefghij\u{e0061}klmnopqrstuvwxyz", "***\u{e0061}***");
    // A line break is no invisible character: what follows is another command.
    check("token=abc\nrm -rf x", "token=***\nrm -rf x");
}

#[test]
fn masks_cover_plain_characters_only_and_keep_the_structure() {
    let pieces = [
        "password=",
        "--token ",
        "ghp_abcdefghijklmnopqrstuvwx",
        "$(",
        ")",
        "`",
        "\"",
        "'",
        ";",
        "|",
        "\n",
        " ",
        "&",
        "<",
        "\\",
        "https://u:",
        "@h/",
        "Bearer ",
        "Authorization: ",
        "-u ",
        "a:b",
        "-----BEGIN PRIVATE KEY-----",
        "-----END",
        "x",
        "\u{200b}",
        "é",
        "{",
        "}",
        "*",
        "!",
        "?key=",
        "eyJa.b.c",
        "sk-",
    ];
    let mut state = 7_u64;
    for _ in 0..10_000 {
        let mut text = String::new();
        for _ in 0..7 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        for mask in find(&text) {
            assert!(text.get(mask.range).unwrap().chars().all(is_plain), "{text:?}");
        }
        assert_eq!(structure(&text), structure(&masked(&text)), "{text:?}");
    }
}

#[test]
fn one_pass() {
    let hostile = [
        "sk-a-",
        "eyJ-",
        "eyJ.",
        "://",
        "://u:",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "token=",
        "token",
        "password: ",
        "Bearer ",
        "Authorization:",
        "-u a:",
        "a!",
        "\u{200b}",
        "\"",
        "é",
        "AKIA",
        "ghp_",
        "x-",
        "_",
        "-",
        " ",
        "\n",
    ];
    for piece in hostile {
        let text = piece.repeat(64 * 1024 / piece.len());
        let begun = Instant::now();
        masked(&text);
        assert!(begun.elapsed() < Duration::from_secs(10), "{piece:?} took {:?}", begun.elapsed());
    }
}
