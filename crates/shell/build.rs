//! Makes `programs/*.toml` into sorted static tables, so that looking a program up costs no parsing.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::{env, fs};

use toml::{Table, Value};

/// Keys that list options, and what such an option is.
const OPTIONS: [(&str, &str); 21] = [
    ("flags", "Flag"),
    ("values", "Value"),
    ("attached", "Attached"),
    ("read", "Read"),
    ("search", "Search"),
    ("write", "Write"),
    ("into", "Into"),
    ("mode", "Mode"),
    ("jq", "Jq"),
    ("text", "Text"),
    ("output", "Output"),
    ("power", "Power"),
    ("power-flags", "PowerFlag"),
    ("pairs", "Pair"),
    ("script", "Script"),
    ("lines", "Lines"),
    ("change", "Change"),
    ("sent", "Sent"),
    ("exec", "Exec"),
    ("config", "Config"),
    ("dir", "Dir"),
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
            for name in names.split('|').flat_map(|name| each(name.trim())) {
                if entries.insert(name.clone(), entry.clone()).is_some() {
                    return Err(format!("{}: `{name}` is described twice", path.display()).into());
                }
            }
        }
    }
    let mut lists = Lists::default();
    let mut out = String::from("/// Every table, sorted by name.\npub(crate) static PROGRAMS: &[Program] = &[\n");
    for (name, entry) in entries.iter().filter(|(name, _)| !name.starts_with('@')) {
        out.push_str(&program(name, entry, &entries, &mut lists).map_err(|e| format!("`{name}`: {e}"))?);
    }
    out.push_str("];\n");
    // Many programs share a list; each stands once, or the compiler needs gigabytes.
    for (text, (at, kind, length)) in &lists.0 {
        writeln!(out, "static LIST_{at}: [{kind}; {length}] = [{text}];")?;
    }
    fs::write(format!("{}/programs.rs", env::var("OUT_DIR")?), out)?;
    Ok(())
}

/// The names that a key stands for: `docker/podman ps/images` is four.
fn each(key: &str) -> Vec<String> {
    key.split(' ').fold(vec![String::new()], |names, part| {
        let one = |name: &String, word: &str| format!("{name}{}{word}", if name.is_empty() { "" } else { " " });
        names.iter().flat_map(|name| part.split('/').map(move |word| one(name, word))).collect()
    })
}

/// The lists of all tables: their text, with their place, the type of their items and how many these are.
#[derive(Default)]
struct Lists(BTreeMap<String, (usize, &'static str, usize)>);

impl Lists {
    /// The name of the list of these items.
    fn name(&mut self, kind: &'static str, items: &[String]) -> String {
        if items.is_empty() {
            return "[]".to_owned();
        }
        let next = self.0.len();
        let (at, ..) = self.0.entry(items.join(",")).or_insert((next, kind, items.len()));
        format!("LIST_{at}")
    }
}

fn program(
    name: &str,
    entry: &Table,
    all: &BTreeMap<String, Table>,
    lists: &mut Lists,
) -> Result<String, Box<dyn Error>> {
    let mut options = BTreeMap::new();
    gather(entry, all, &mut options)?;
    let known = [
        "like",
        "words",
        "tame",
        "bundle",
        "rsh",
        "variants",
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
        "safe-config",
        "glued",
        "module",
        "behind",
    ];
    for key in entry.keys() {
        if !known.contains(&key.as_str()) && OPTIONS.iter().all(|(option, _)| option != key) {
            return Err(format!("unknown key `{key}`").into());
        }
    }
    let options: Vec<String> =
        options.iter().map(|(option, kind)| format!("(Cow::Borrowed({option:?}), Opt::{kind})")).collect();
    let options = lists.name("(Cow<'static, str>, Opt)", &options);
    let mut out = format!("Program {{ name: Cow::Borrowed({name:?}), options: Cow::Borrowed(&{options}),");
    for key in ["words", "tame", "bundle", "rsh", "numbers", "stop", "here", "lenient", "subcommands", "grave"] {
        let value = entry.get(key).map_or(Some(false), Value::as_bool).ok_or("is true or false")?;
        write!(out, "{key}: {value},")?;
    }
    for key in ["instead", "recursive", "variants", "safe-config", "glued", "module"] {
        let words = with_like(entry, all, key)?;
        let words: Vec<String> = words.iter().map(|word| format!("Cow::Borrowed({word:?})")).collect();
        let words = lists.name("Cow<'static, str>", &words);
        write!(out, "{}: Cow::Borrowed(&{words}),", key.replace('-', "_"))?;
    }
    write!(out, "behind: Cow::Borrowed({:?}),", list(entry, "behind")?.first().unwrap_or(&""))?;
    let operands: Vec<String> =
        list(entry, "operands")?.iter().map(|kind| format!("Operand::{}", camel(kind))).collect();
    write!(out, "operands: Cow::Borrowed(&{}),", lists.name("Operand", &operands))?;
    match list(entry, "last")?.first() {
        Some(kind) => write!(out, "last: Some(Operand::{}),", camel(kind))?,
        None => out.push_str("last: None,"),
    }
    let own = number(entry, "own")?;
    let runs = match list(entry, "runs")?.first().copied() {
        None => "Nothing".to_owned(),
        Some(kind @ ("plainly" | "powerfully" | "remotely" | "joined" | "joined-remotely")) => {
            format!("{}({own})", camel(kind))
        }
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

/// The words of a key of an entry and of those that it is like.
fn with_like<'t>(
    entry: &'t Table,
    all: &'t BTreeMap<String, Table>,
    key: &str,
) -> Result<Vec<&'t str>, Box<dyn Error>> {
    let mut words = list(entry, key)?;
    for other in list(entry, "like")?.into_iter().filter_map(|other| all.get(other)) {
        words.extend(with_like(other, all, key)?);
    }
    Ok(words)
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

fn camel(words: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    words.split('-').map(capital).collect()
}
