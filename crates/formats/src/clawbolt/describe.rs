//! What the tools that come with clawbolt say of a call.

use serde_json::Value;

use super::extract::{Tool, entities};

/// How a tool describes its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Describes {
    /// What happens to a file.
    File(&'static str),
    /// What happens to an entity of the books, with its lines where it has some.
    Books(&'static str),
    Query,
    Send,
    CreateEvent,
    UpdateEvent,
    DeleteEvent,
    JobNote,
}

pub(super) fn description(tool: &Tool, args: &Value) -> String {
    let given = |name: &str, or: &str| args.get(name).map_or_else(|| or.to_owned(), python_text);
    match tool.describes {
        Describes::File(does) => format!("{does} {}", given("path", "file")),
        Describes::Books(does) => books(does, args),
        Describes::Query => format!("Look up {} in QuickBooks", looked_up(&given("query", ""))),
        Describes::Send => {
            format!("Send {} to {} via QuickBooks", given("entity_type", "entity"), given("email", "recipient"))
        }
        Describes::CreateEvent => format!("Create calendar event: {}", given("title", "event")),
        Describes::UpdateEvent => match args.get("title").filter(|title| is_true(title)) {
            Some(title) => format!("Update calendar event: {}", python_text(title)),
            None => "Update a calendar event".to_owned(),
        },
        Describes::DeleteEvent => "Delete a calendar event".to_owned(),
        Describes::JobNote => {
            let pinned = if args.get("pin_to_top").is_some_and(is_true) { " (pinned)" } else { "" };
            format!("Add note to ServiceTitan job {}{pinned}", given("job_id", "?"))
        }
    }
}

/// Entities whose plural is not their name with an `s`.
const PLURALS: [(&str, &str); 5] = [
    ("SALESRECEIPT", "sales receipts"),
    ("CREDITMEMO", "credit memos"),
    ("PURCHASEORDER", "purchase orders"),
    ("TIMEACTIVITY", "time entries"),
    ("JOURNALENTRY", "journal entries"),
];

fn looked_up(query: &str) -> String {
    let found = entities(query);
    let Some(entity) = found.first() else { return "data".to_owned() };
    let plural = PLURALS.into_iter().find(|(name, _)| *name == entity.to_uppercase());
    plural.map_or_else(|| format!("{}s", entity.to_lowercase()), |(_, plural)| plural.to_owned())
}

/// An entry of the books: what happens to it, then a line for each of its lines, with the sum in the first.
fn books(does: &str, args: &Value) -> String {
    let entity = args.get("entity_type").filter(|entity| is_true(entity)).map_or("entity".to_owned(), python_text);
    let data = args.get("data");
    let id = data.and_then(|data| data.get("Id")).filter(|id| does == "Update" && is_true(id));
    let id = id.map(|id| format!(" #{}", python_text(id))).unwrap_or_default();
    let head = format!("{does} {entity}{id} in QuickBooks");
    let lines = data.and_then(|data| data.get("Line")).and_then(Value::as_array);
    let lines = lines.filter(|lines| !lines.is_empty() && (entity == "Invoice" || entity == "Estimate"));
    let Some(lines) = lines.and_then(|lines| lines.iter().map(line).collect::<Option<Vec<_>>>()) else { return head };
    let sum: f64 = lines.iter().map(|(_, amount)| amount).sum();
    let mut out = format!("{head} for ${}", money(sum));
    for (at, (text, amount)) in (1..).zip(lines) {
        out.push_str(&format!("\n  {at}. {text}${}", money(amount)));
    }
    out
}

/// A line of an entry up to its amount, and the amount; `None` where it is not shaped like one.
fn line(line: &Value) -> Option<(String, f64)> {
    const WIDTH: usize = 80;
    let line = line.as_object()?;
    let amount = line.get("Amount").filter(|amount| is_true(amount)).map_or(Some(0.0), float)?;
    let text = line.get("Description").filter(|text| is_true(text)).map_or("(no description)".to_owned(), python_text);
    let text = match text.chars().count() {
        ..=WIDTH => text,
        _ => text.chars().take(WIDTH - 3).collect::<String>() + "...",
    };
    let detail = |name: &str| line.get("SalesItemLineDetail")?.get(name).filter(|value| !value.is_null());
    let count = match (detail("Qty").map(float), detail("UnitPrice").map(float)) {
        (Some(Some(quantity)), Some(Some(price))) => format!("qty {} x ${} = ", general(quantity), money(price)),
        _ => String::new(),
    };
    Some((format!("{text} | {count}"), amount))
}

/// Whether Python takes a value for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// A value as a text of Python's; of lists and objects, which no tool takes there, as JSON.
fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An amount with two digits behind the point and a comma at each thousand.
fn money(amount: f64) -> String {
    let written = format!("{amount:.2}");
    let (sign, digits) = written.strip_prefix('-').map_or(("", &*written), |digits| ("-", digits));
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if cents.is_empty() { written } else { format!("{out}.{cents}") }
}

/// A number in six digits at most, without zeros at its end.
fn general(value: f64) -> String {
    let (mantissa, exponent) = scientific(&format!("{value:.5e}"));
    let shortened = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    match usize::try_from(5 - exponent) {
        Ok(behind) if exponent >= -4 => shortened(&format!("{value:.behind$}")),
        _ => with_exponent(&shortened(&mantissa), exponent),
    }
}

/// A number as Python writes it: the shortest text that reads back.
pub(super) fn python_float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    let (mantissa, exponent) = scientific(&format!("{value:e}"));
    if (-4..16).contains(&exponent) { format!("{value:?}") } else { with_exponent(&mantissa, exponent) }
}

fn scientific(written: &str) -> (String, i32) {
    let (mantissa, exponent) = written.split_once('e').unwrap_or((written, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Tool, general, money};

    #[test]
    fn the_lines_of_an_entry_are_shown_with_their_sum() {
        let lines = json!([
            {"Amount": 1200, "Description": "Deck", "SalesItemLineDetail": {"Qty": 1.5, "UnitPrice": 800}},
            {"Amount": "34.5", "Description": "x".repeat(81)},
            {"Description": ""},
        ]);
        let args = json!({"entity_type": "Invoice", "data": {"Id": "7", "Line": lines}});
        insta::assert_snapshot!(Tool::named("qb_update").unwrap().description(&args));
        let args = json!({"entity_type": "Invoice", "data": {"Line": [{"Amount": "much"}]}});
        assert_eq!(Tool::named("qb_create").unwrap().description(&args), "Create Invoice in QuickBooks");
    }

    #[test]
    fn numbers_as_python_writes_them() {
        assert_eq!(
            [money(1_234_567.891), money(-999.5), money(0.0), money(f64::NAN)],
            ["1,234,567.89", "-999.50", "0.00", "NaN"]
        );
        assert_eq!(
            [general(5.0), general(1.5), general(1e6), general(1234567.0), general(0.00001), general(f64::INFINITY)],
            ["5", "1.5", "1e+06", "1.23457e+06", "1e-05", "inf"]
        );
    }
}
