//! Prints what reading policy files costs: `cargo run --release -p countersign-policy --example parse_cost`.

use std::fmt::Write as _;
use std::time::Instant;

use countersign_policy::SourceKind;
use countersign_policy::document::{Loaded, assemble, builtin_text, parse};

fn main() {
    let user = rules(1000);
    for (what, kind, text) in
        [("1,000 rules", SourceKind::User, user.as_str()), ("built-in rules", SourceKind::Builtin, builtin_text())]
    {
        let toml = best(|| drop(std::hint::black_box(toml::de::DeTable::parse(text))));
        let all = best(|| drop(std::hint::black_box(parse(kind, "file", text))));
        println!("{what}: {} bytes, TOML alone {toml:.0} us, parsed and compiled {all:.0} us", text.len());
    }
    let Ok(document) = parse(SourceKind::User, "file", &user) else { return };
    let whole = best(|| drop(std::hint::black_box(assemble(vec![Loaded::new(document.clone(), true)]))));
    println!("assemble with the built-in rules (and a copy of the document): {whole:.0} us");
}

/// A file of `count` rules as people write them.
fn rules(count: usize) -> String {
    let mut text = String::from("allow = [\n");
    for i in 0..count {
        let _ = match i % 4 {
            0 => writeln!(text, "  \"shell(tool{i} run *, tool{i} test *)\","),
            1 => writeln!(text, "  \"edit(src/part{i}/**)\","),
            2 => writeln!(text, "  \"server{i}/get_*\","),
            _ => writeln!(text, "  {{ rule = \"read(docs/{i}/*.md)\", why = \"they are for everybody\" }},"),
        };
    }
    text + "]\n"
}

/// The best of many runs, in microseconds.
fn best(run: impl Fn()) -> f64 {
    (0..200)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .fold(f64::INFINITY, f64::min)
}
