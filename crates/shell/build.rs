//! Makes `programs/*.toml` into one sorted text without pointers: a process that starts pays for no table, and one that
//! looks a program up for that table alone. `src/program.rs` reads it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::{env, fs};

use toml::{Table, Value};

/// Keys that list options, and what such an option is.
const OPTIONS: [(&str, &str); 27] = [
    ("flags", "Flag"),
    ("values", "Value"),
    ("attached", "Attached"),
    ("plain", "Plain"),
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
    ("switches", "Switch"),
    ("named", "Named"),
    ("script", "Script"),
    ("lines", "Lines"),
    ("change", "Change"),
    ("sent", "Sent"),
    ("exec", "Exec"),
    ("config", "Config"),
    ("dir", "Dir"),
    ("shown", "Shown"),
    ("shown-attached", "ShownAttached"),
    ("repo", "Repo"),
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
    let mut words = Words::default();
    let (mut names, mut tables, mut lines) = (String::new(), Vec::new(), Vec::new());
    for (name, entry) in entries.iter().filter(|(name, _)| !name.starts_with('@')) {
        let line = program(entry, &entries, &mut words).map_err(|e| format!("`{name}`: {e}"))?;
        // Many programs share a table.
        let at = lines.iter().position(|known| *known == line).unwrap_or(lines.len());
        if at == lines.len() {
            lines.push(line);
        }
        writeln!(names, "{name}")?;
        tables.push(at);
    }
    let mut out = String::new();
    let starts = |text: &[String]| -> Vec<usize> {
        text.iter()
            .scan(0, |at, line| {
                *at += line.len();
                Some(*at - line.len())
            })
            .collect()
    };
    let all: Vec<String> = names.lines().map(str::to_owned).collect();
    writeln!(out, "static NAMES: &str = {:?};", all.concat())?;
    writeln!(out, "static NAME_STARTS: [u32; {}] = {:?};", all.len(), starts(&all))?;
    let before = |first: usize| all.iter().filter(|name| name.bytes().next().map_or(0, usize::from) < first).count();
    let firsts: Vec<usize> = (0..=256).map(before).collect();
    writeln!(out, "static FIRSTS: [u16; {}] = {firsts:?};", firsts.len())?;
    let ends = all.iter().enumerate().filter(|(_, name)| name.ends_with('*'));
    let patterns: Vec<usize> = ends.map(|(at, _)| at).collect();
    writeln!(out, "static PATTERNS: [u16; {}] = {patterns:?};", patterns.len())?;
    writeln!(out, "static TABLE_OF: [u16; {}] = {tables:?};", all.len())?;
    writeln!(out, "static TABLES: &str = {:?};", lines.concat())?;
    writeln!(out, "static TABLE_STARTS: [u32; {}] = {:?};", lines.len(), starts(&lines))?;
    writeln!(out, "static READ: [OnceLock<Box<Program>>; {0}] = [const {{ OnceLock::new() }}; {0}];", all.len())?;
    let kinds: Vec<String> = OPTIONS.iter().map(|(_, kind)| format!("Opt::{kind}")).collect();
    for (name, kind, values) in [
        ("OPTS", "Opt", &kinds),
        ("OPERANDS", "Operand", &words.operands),
        ("RUNS", "Runs", &words.runs),
        ("REACHES", "Reach", &words.reaches),
    ] {
        writeln!(out, "static {name}: [{kind}; {}] = [{}];", values.len(), values.join(","))?;
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

/// The values that tables name by their place.
#[derive(Default)]
struct Words {
    operands: Vec<String>,
    runs: Vec<String>,
    reaches: Vec<String>,
}

/// The place of a value, which is added if it is new.
fn place(values: &mut Vec<String>, value: String) -> usize {
    let at = values.iter().position(|known| *known == value).unwrap_or(values.len());
    if at == values.len() {
        values.push(value);
    }
    at
}

/// A table as one text: a line for each thing that `read` in `src/program.rs` reads, in its order.
fn program(entry: &Table, all: &BTreeMap<String, Table>, words: &mut Words) -> Result<String, Box<dyn Error>> {
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
        "grave-words",
        "response",
        "contents",
        "commits",
        "compares",
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
    let kind = |kind: &str| OPTIONS.iter().position(|(_, known)| *known == kind).unwrap_or_default();
    let options: Vec<String> = options.iter().map(|(option, its)| format!("{option}\t{}", kind(its))).collect();
    let mut out = options.join(" ") + "\n";
    for key in [
        "words",
        "tame",
        "bundle",
        "rsh",
        "numbers",
        "stop",
        "here",
        "lenient",
        "subcommands",
        "grave",
        "response",
        "contents",
        "commits",
        "compares",
    ] {
        let value = entry.get(key).map_or(Some(false), Value::as_bool).ok_or("is true or false")?;
        out.push(if value { '1' } else { '0' });
    }
    out.push('\n');
    for key in ["instead", "recursive", "variants", "safe-config", "glued", "module", "grave-words"] {
        writeln!(out, "{}", with_like(entry, all, key)?.join(" "))?;
    }
    writeln!(out, "{}", list(entry, "behind")?.first().unwrap_or(&""))?;
    let mut operand = |kind: &str| place(&mut words.operands, format!("Operand::{}", camel(kind))).to_string();
    let operands: Vec<String> = list(entry, "operands")?.into_iter().map(&mut operand).collect();
    writeln!(out, "{}", operands.join(" "))?;
    writeln!(out, "{}", list(entry, "last")?.first().map(|kind| operand(kind)).unwrap_or_default())?;
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
    writeln!(out, "{}", place(&mut words.runs, format!("Runs::{runs}")))?;
    writeln!(out, "{}", place(&mut words.reaches, format!("Reach::{offer}")))?;
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
