//! Makes `programs/*.toml` into sorted static tables, so that looking a program up costs no parsing.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::{env, fs};

use toml::{Table, Value};

/// Keys that list options, and what such an option is.
const OPTIONS: [(&str, &str); 12] = [
    ("flags", "Flag"),
    ("values", "Value"),
    ("attached", "Attached"),
    ("read", "Read"),
    ("search", "Search"),
    ("write", "Write"),
    ("power", "Power"),
    ("power-flags", "PowerFlag"),
    ("pairs", "Pair"),
    ("script", "Script"),
    ("lines", "Lines"),
    ("change", "Change"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=programs");
    println!("cargo::rerun-if-changed=build.rs");
    let mut entries: BTreeMap<String, Table> = BTreeMap::new();
    for file in fs::read_dir("programs")? {
        let path = file?.path();
        let table: Table = fs::read_to_string(&path)?.parse().map_err(|e| format!("{}: {e}", path.display()))?;
        for (names, entry) in table {
            let Value::Table(entry) = entry else {
                return Err(format!("{}: `{names}` is no table", path.display()).into());
            };
            for name in names.split('|').map(str::trim) {
                if entries.insert(name.to_owned(), entry.clone()).is_some() {
                    return Err(format!("{}: `{name}` is described twice", path.display()).into());
                }
            }
        }
    }
    let mut out = String::from("/// Every table, sorted by name.\npub(crate) static PROGRAMS: &[Program] = &[\n");
    for (name, entry) in entries.iter().filter(|(name, _)| !name.starts_with('@')) {
        out.push_str(&program(name, entry, &entries).map_err(|e| format!("`{name}`: {e}"))?);
    }
    out.push_str("];\n");
    fs::write(format!("{}/programs.rs", env::var("OUT_DIR")?), out)?;
    Ok(())
}

fn program(name: &str, entry: &Table, all: &BTreeMap<String, Table>) -> Result<String, Box<dyn Error>> {
    let mut options = BTreeMap::new();
    gather(entry, all, &mut options)?;
    let known = [
        "like",
        "words",
        "numbers",
        "stop",
        "operands",
        "last",
        "instead",
        "recursive",
        "here",
        "lenient",
        "subcommands",
        "grave",
        "runs",
        "own",
        "offer",
    ];
    for key in entry.keys() {
        if !known.contains(&key.as_str()) && OPTIONS.iter().all(|(option, _)| option != key) {
            return Err(format!("unknown key `{key}`").into());
        }
    }
    let mut out = format!("Program {{ name: {name:?}, options: &[");
    for (option, kind) in &options {
        write!(out, "({option:?}, Opt::{kind}),")?;
    }
    out.push_str("],");
    for key in ["words", "numbers", "stop", "here", "lenient", "subcommands", "grave"] {
        let value = entry.get(key).map_or(Some(false), Value::as_bool).ok_or("is true or false")?;
        write!(out, "{key}: {value},")?;
    }
    for key in ["instead", "recursive"] {
        write!(out, "{key}: &{:?},", list(entry, key)?)?;
    }
    let operands: Vec<String> =
        list(entry, "operands")?.iter().map(|kind| format!("Operand::{}", camel(kind))).collect();
    write!(out, "operands: &[{}],", operands.join(","))?;
    match list(entry, "last")?.first() {
        Some(kind) => write!(out, "last: Some(Operand::{}),", camel(kind))?,
        None => out.push_str("last: None,"),
    }
    let own = number(entry, "own")?;
    let runs = match list(entry, "runs")?.first().copied() {
        None => "Nothing".to_owned(),
        Some(kind @ ("plainly" | "powerfully")) => format!("{}({own})", camel(kind)),
        Some(kind) => camel(kind),
    };
    let offer = match entry.get("offer") {
        None => "Exact".to_owned(),
        Some(Value::String(word)) if word == "program" => "Program".to_owned(),
        Some(Value::Integer(more)) => format!("Prefix({more})"),
        Some(other) => return Err(format!("`offer` is \"program\" or a number, not {other}").into()),
    };
    writeln!(out, "runs: Runs::{runs}, offer: Reach::{offer} }},")?;
    Ok(out)
}

/// The options of an entry and of those that it is like.
fn gather(
    entry: &Table,
    all: &BTreeMap<String, Table>,
    into: &mut BTreeMap<String, &'static str>,
) -> Result<(), Box<dyn Error>> {
    for other in list(entry, "like")? {
        gather(all.get(other).ok_or_else(|| format!("is like `{other}`, which is not described"))?, all, into)?;
    }
    let mut own = Vec::new();
    for (key, kind) in OPTIONS {
        for option in list(entry, key)? {
            if own.contains(&option) {
                return Err(format!("`{option}` is described twice").into());
            }
            own.push(option);
            into.insert(option.to_owned(), kind);
        }
    }
    Ok(())
}

/// The words of a key, separated by white space.
fn list<'t>(entry: &'t Table, key: &str) -> Result<Vec<&'t str>, Box<dyn Error>> {
    match entry.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(words)) => Ok(words.split_whitespace().collect()),
        Some(_) => Err(format!("`{key}` is a text").into()),
    }
}

fn number(entry: &Table, key: &str) -> Result<i64, Box<dyn Error>> {
    entry.get(key).map_or(Some(0), Value::as_integer).ok_or_else(|| format!("`{key}` is a number").into())
}

fn camel(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
