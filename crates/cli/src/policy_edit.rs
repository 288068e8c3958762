//! Adds a rule to the text of a policy file, and leaves everything else in it as it was written.

use anyhow::{Context, Result, bail};
use countersign_policy::Effect;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

/// A rule that is to be added.
#[derive(Debug, Clone)]
pub(crate) struct NewRule<'a> {
    /// What it says.
    pub(crate) effect: Effect,
    /// Its text: `shell(git push *)`.
    pub(crate) rule: &'a str,
    /// Its exceptions.
    pub(crate) unless: &'a [String],
    /// Why, in its author's words.
    pub(crate) why: Option<&'a str>,
    /// The date at which it stops to count, as it stands in the file.
    pub(crate) expires: Option<toml_edit::Datetime>,
}

impl<'a> NewRule<'a> {
    /// A rule that is its text and nothing else.
    pub(crate) fn plain(effect: Effect, rule: &'a str) -> NewRule<'a> {
        NewRule { effect, rule, unless: &[], why: None, expires: None }
    }
}

/// Another system's file that is to be taken in.
#[derive(Debug, Clone)]
pub(crate) struct NewImport<'a> {
    /// Where it is, as the policy file names it; of several the lowest comes first.
    pub(crate) from: &'a [String],
    /// Whose it is, where its name does not tell.
    pub(crate) system: Option<&'a str>,
    /// The agent whose rules count.
    pub(crate) agent: Option<&'a str>,
    /// Where the file holds, if not on this machine.
    pub(crate) platform: Option<&'a str>,
}

/// The file's text with the import added at its end; `None` where it is there already.
///
/// # Errors
/// The text is no TOML, or what stands under `import` are no tables.
pub(crate) fn with_import(text: &str, new: &NewImport<'_>) -> Result<Option<String>> {
    let mut document: DocumentMut = text.parse().context("the file is no valid TOML")?;
    let item = document.entry("import").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(list) = item.as_array_of_tables_mut() else {
        bail!("`import` stands there in another form: write `[[import]]` before each");
    };
    let texts = |item: &Item| match item.as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => item.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>(),
    };
    let is_there = |table: &Table| {
        table.get("from").is_some_and(|from| texts(from) == new.from)
            && table.get("agent").and_then(Item::as_str) == new.agent
            && table.get("platform").and_then(Item::as_str) == new.platform
    };
    if list.iter().any(is_there) {
        return Ok(None);
    }
    let mut table = Table::new();
    let from = match new.from {
        [one] => Value::from(one),
        several => Value::from(several.iter().collect::<Array>()),
    };
    table.insert("from", Item::Value(from));
    for (key, value) in [("system", new.system), ("agent", new.agent), ("platform", new.platform)] {
        if let Some(value) = value {
            table.insert(key, toml_edit::value(value));
        }
    }
    list.push(table);
    // Comments in a file with nothing else stay above.
    let is_first = document.len() == 1
        && document.get("import").and_then(Item::as_array_of_tables).is_some_and(|all| all.len() == 1);
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    if is_first && !trailing.is_empty() {
        document.set_trailing("");
        let table = document.get_mut("import").and_then(Item::as_array_of_tables_mut).and_then(|all| all.get_mut(0));
        if let Some(table) = table {
            table.decor_mut().set_prefix(trailing);
        }
    }
    Ok(Some(document.to_string()))
}

/// The file's text with what is said of a tool added to its table; `None` where it says all of that already.
///
/// # Errors
/// The text is no TOML, or it says otherwise of the tool.
pub(crate) fn with_tool(text: &str, tool: &str, keys: &[(&str, &str)]) -> Result<Option<String>> {
    let mut document: DocumentMut = text.parse().context("the file is no valid TOML")?;
    // The only lines of a new one are those of the tables in it.
    let mut all = Table::new();
    all.set_implicit(true);
    let tools = document.entry("tools").or_insert(Item::Table(all));
    let Some(tools) = tools.as_table_like_mut() else { bail!("`tools` is no table") };
    let entry = tools.entry(tool).or_insert_with(|| Item::Table(Table::new()));
    let Some(entry) = entry.as_table_like_mut() else { bail!("`tools.\"{tool}\"` is no table") };
    let mut changed = false;
    for (key, value) in keys {
        match entry.get(key).map(Item::as_str) {
            Some(Some(its)) if its == *value => {}
            Some(_) => bail!("`[tools.\"{tool}\"]` says otherwise of `{key}`: make it `{value}`, or take it out"),
            None => {
                entry.insert(key, toml_edit::value(*value));
                changed = true;
            }
        }
    }
    Ok(changed.then(|| document.to_string()))
}

/// Lines up to this long stay one line.
const LINE: usize = 100;

/// The file's text with the rule added at the end of its list; `None` where the rule is there already.
///
/// # Errors
/// The text is no TOML, or what stands under the effect's key is no list.
pub(crate) fn with_rule(text: &str, new: &NewRule<'_>) -> Result<Option<String>> {
    with_rules(text, std::slice::from_ref(new))
}

/// The file's text with all of these rules; `None` where they are there already.
///
/// # Errors
/// As [`with_rule`].
pub(crate) fn with_rules(text: &str, new: &[NewRule<'_>]) -> Result<Option<String>> {
    let mut document: DocumentMut = text.parse().context("the file is no valid TOML")?;
    // Comments in a file with nothing else stay above.
    let head = if document.is_empty() { text } else { "" };
    if document.is_empty() {
        document = DocumentMut::new();
    }
    let mut changed = false;
    for rule in new {
        changed |= add(&mut document, rule)?;
    }
    let gap = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
    Ok(changed.then(|| format!("{head}{gap}{document}")))
}

/// Adds a rule, unless it is there already.
fn add(document: &mut DocumentMut, new: &NewRule<'_>) -> Result<bool> {
    let key = new.effect.word();
    let missing = document.get(key).is_none();
    let item = document.entry(key).or_insert_with(|| Item::Value(Value::Array(Array::new())));
    let Some(list) = item.as_array_mut() else {
        bail!("`{key}` is no list of rules");
    };
    if list.iter().any(|value| is_same(value, new)) {
        return Ok(false);
    }
    push(list, value_of(new), missing);
    Ok(true)
}

fn is_same(value: &Value, new: &NewRule<'_>) -> bool {
    match value {
        Value::String(text) => {
            text.value() == new.rule && new.expires.is_none() && new.unless.is_empty() && new.why.is_none()
        }
        Value::InlineTable(table) => {
            let rule = table.get("rule").and_then(Value::as_str);
            let expires = table.get("expires").and_then(Value::as_datetime);
            let why = table.get("why").and_then(Value::as_str);
            let unless: Vec<&str> =
                table.get("unless").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            let keys = [expires.is_some(), why.is_some(), !unless.is_empty()];
            // With conditions of its own it is another rule.
            rule == Some(new.rule)
                && expires == new.expires.as_ref()
                && why == new.why
                && unless == new.unless
                && table.len() == 1 + keys.into_iter().filter(|key| *key).count()
        }
        _ => false,
    }
}

fn value_of(new: &NewRule<'_>) -> Value {
    if new.unless.is_empty() && new.why.is_none() && new.expires.is_none() {
        return Value::from(new.rule);
    }
    let mut table = InlineTable::new();
    table.insert("rule", Value::from(new.rule));
    if !new.unless.is_empty() {
        table.insert("unless", Value::from(new.unless.iter().collect::<Array>()));
    }
    if let Some(why) = new.why {
        table.insert("why", Value::from(why));
    }
    if let Some(expires) = new.expires {
        table.insert("expires", Value::from(expires));
    }
    Value::InlineTable(table)
}

/// Appends in the way in which the list is laid out: one rule a line where it is so already, or would grow too long.
fn push(list: &mut Array, mut value: Value, new_list: bool) {
    let is_text = |raw: Option<&toml_edit::RawString>| raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
    let trailing = is_text(Some(list.trailing()));
    let broken = trailing.contains('\n')
        || list.iter().any(|value| {
            is_text(value.decor().prefix()).contains('\n') || is_text(value.decor().suffix()).contains('\n')
        });
    if !broken && !new_list && list.to_string().len() + value.to_string().len() < LINE {
        if !list.is_empty() {
            value.decor_mut().set_prefix(" ");
        }
        list.push_formatted(value);
        return;
    }
    if !broken {
        for value in list.iter_mut() {
            value.decor_mut().set_prefix("\n  ");
            value.decor_mut().set_suffix("");
        }
    }
    // A comment after the last rule stays with it: it lies in the list's end, or behind a rule without a comma.
    let mut kept = trailing;
    let last = list.len().checked_sub(1).and_then(|last| list.get_mut(last));
    let mut indent = "\n  ".to_owned();
    if let Some(last) = last {
        let prefix = is_text(last.decor().prefix());
        if let Some((_, spaces)) = prefix.rsplit_once('\n').filter(|_| broken) {
            indent = format!("\n{spaces}");
        }
        let suffix = is_text(last.decor().suffix());
        if !suffix.is_empty() {
            kept = format!("{suffix}{kept}");
            last.decor_mut().set_suffix("");
        }
    }
    value.decor_mut().set_prefix(format!("{}{indent}", kept.trim_end()));
    list.push_formatted(value);
    list.set_trailing("\n");
    list.set_trailing_comma(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str, effect: Effect, rule: &str) -> String {
        with_rule(text, &NewRule::plain(effect, rule)).unwrap().unwrap()
    }

    #[test]
    fn comments_and_layout_stay() {
        let text = "# mine\nallow = [\n    # reading\n    \"read(**)\", # all of it\n\n    \"shell(git status)\"  # last\n    # end\n]\n\n[tools.\"crm/send\"]\nclass = \"write\" # grave\n";
        insta::assert_snapshot!(added(text, Effect::Allow, "shell(git log *)"));
    }

    #[test]
    fn a_trailing_comma_and_its_comment_stay() {
        let text = "ask = [\n  \"shell(git push *)\", # leaves the machine\n]\n";
        assert_eq!(
            added(text, Effect::Ask, "@delete"),
            "ask = [\n  \"shell(git push *)\", # leaves the machine\n  \"@delete\",\n]\n"
        );
    }

    #[test]
    fn a_missing_list_comes_before_the_tables() {
        let text = "# head\n\ndefault = \"ask\"\n\n# about a tool\n[tools.\"a/b\"]\nclass = \"read\"\n";
        let with = added(text, Effect::Deny, "read(.env*)");
        assert_eq!(
            with,
            "# head\n\ndefault = \"ask\"\ndeny = [\n  \"read(.env*)\",\n]\n\n# about a tool\n[tools.\"a/b\"]\nclass = \"read\"\n"
        );
        assert_eq!(added("", Effect::Allow, "read"), "allow = [\n  \"read\",\n]\n");
    }

    #[test]
    fn a_short_list_stays_on_its_line_and_a_long_one_is_broken() {
        assert_eq!(
            added("allow = [\"read(**)\"]\n", Effect::Allow, "edit(src/**)"),
            "allow = [\"read(**)\", \"edit(src/**)\"]\n"
        );
        let long = format!("allow = [\"shell({})\"]\n", "a".repeat(90));
        assert!(added(&long, Effect::Allow, "read").ends_with("\",\n  \"read\",\n]\n"));
    }

    #[test]
    fn what_stands_there_is_not_added_again() {
        let twice = NewRule::plain(Effect::Allow, "read(**)");
        assert_eq!(with_rule("allow = [\"read(**)\"]", &twice).unwrap(), None);
        assert_eq!(with_rule("allow = [{ rule = \"read(**)\" }]", &twice).unwrap(), None);
        assert!(with_rule("allow = [{ rule = \"read(**)\", unless = [\"x\"] }]", &twice).unwrap().is_some());
        assert!(with_rule("allow = \"read\"", &twice).is_err());
        assert!(with_rule("allow = [", &twice).is_err());
    }

    #[test]
    fn an_import_comes_last_and_once() {
        let new = NewImport { from: &["opencode.json".to_owned()], system: None, agent: Some("plan"), platform: None };
        let text = with_import("ask = [\"edit\"]\n", &new).unwrap().unwrap();
        assert_eq!(text, "ask = [\"edit\"]\n\n[[import]]\nfrom = \"opencode.json\"\nagent = \"plan\"\n");
        assert_eq!(with_import(&text, &new).unwrap(), None);
        let head = "# head\n\n";
        let plain = NewImport { agent: None, ..new.clone() };
        assert_eq!(with_import(head, &plain).unwrap().unwrap(), "# head\n\n[[import]]\nfrom = \"opencode.json\"\n");
        assert!(with_import("import = 3\n", &new).is_err());
    }

    #[test]
    fn the_head_of_a_new_file_stays_above() {
        let head = "# what agents may do\n\n";
        assert_eq!(added(head, Effect::Ask, "edit"), format!("{head}ask = [\n  \"edit\",\n]\n"));
        assert_eq!(added("# head", Effect::Ask, "edit"), "# head\nask = [\n  \"edit\",\n]\n");
    }

    #[test]
    fn a_rule_with_a_date() {
        let expires = Some("2027-01-01".parse().unwrap());
        let new = NewRule { expires, ..NewRule::plain(Effect::Allow, "read(**)") };
        assert_eq!(
            with_rule("allow = []\n", &new).unwrap().unwrap(),
            "allow = [{ rule = \"read(**)\", expires = 2027-01-01 }]\n"
        );
    }

    #[test]
    fn hostile_text_in_a_rule_stays_text() {
        let rule = "shell(echo \"\n]\ndefault = \"allow\"\n)";
        let text = added("allow = []\n", Effect::Allow, rule);
        let document: DocumentMut = text.parse().unwrap();
        assert_eq!(document.get("allow").unwrap().as_array().unwrap().get(0).unwrap().as_str(), Some(rule));
        assert!(document.get("default").is_none());
    }
}
