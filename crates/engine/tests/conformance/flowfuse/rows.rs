//! What the settings show.

use countersign_formats::flowfuse::{Membership, Row, Section, sections};
use serde_json::{Value, json};

use super::{
    BROKEN_BOUND, CONTRADICTION, INHERITED, UNKNOWN_VERSION, UNLISTED, catalog, has_broken_bound, is_known, state,
    team, version,
};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "rows",
        compares: "the sections of the settings with their defaults, counts and rows: status, active and other versions, control, hints, what is kept, what was chosen for this chat",
        replay,
        rules: vec![
            Rule { explains: |case, difference| difference.of == "row" && !is_known(version(case)), ..UNKNOWN_VERSION },
            Rule {
                explains: |case, difference| difference.of == "row" && entries(case).any(has_broken_bound),
                ..BROKEN_BOUND
            },
            Rule { explains: |_, difference| difference.of == "policy", ..INHERITED },
            Rule {
                explains: |case, difference| {
                    difference.of == "policy" && entries(case).any(|entry| entry["key"].is_null())
                },
                ..UNLISTED
            },
            Rule {
                explains: |case, _| {
                    entries(case).any(|entry| entry["toolClass"] == "read" && entry["destructive"] == true)
                },
                ..CONTRADICTION
            },
        ],
    }
}

fn entries(case: &Case) -> impl Iterator<Item = &Value> {
    case.context["catalog"].as_array().into_iter().flatten()
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let catalog = catalog(folder, &case.context["catalog"]);
    let may_write = Membership::read(&case.context["membership"]).may_write(None);
    let in_editor = case.context["inEditor"] == true;
    let ours = sections(&state(&case.policy), &catalog, team(case), version(case), may_write, in_editor);
    if case.expect.get("raised").is_some() {
        return vec![Difference::stricter("crash", "throws", "read-only")];
    }
    let mut differences = Vec::new();
    if case.expect["canUseWriteTools"] != may_write {
        differences.push(Difference::looser(
            "role",
            case.expect["canUseWriteTools"].to_string(),
            may_write.to_string(),
        ));
    }
    let theirs = case.expect["sections"].as_array().unwrap();
    for (theirs, ours) in theirs.iter().zip(&ours) {
        let head = head(ours);
        for key in ["key", "title", "counts", "defaults"] {
            if theirs[key] != head[key] {
                differences.push(Difference::looser("section", theirs[key].to_string(), head[key].to_string()));
            }
        }
        let rows: Vec<Value> = ours.rows.iter().map(row).collect();
        let their_rows = theirs["tools"].as_array().unwrap();
        if rows.len() != their_rows.len() {
            differences.push(Difference::looser("rows", theirs["tools"].to_string(), json!(rows).to_string()));
        }
        differences.extend(their_rows.iter().zip(&rows).filter_map(|(theirs, ours)| difference(theirs, ours)));
    }
    differences
}

fn difference(theirs: &Value, ours: &Value) -> Option<Difference> {
    let differ: Vec<&str> = ours
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|key| theirs.get(key).unwrap_or(&Value::Null) != &ours[*key])
        .collect();
    if differ.is_empty() {
        return None;
    }
    let rank = |effect: &Value| ["allow", "ask", "deny"].iter().position(|word| effect == word);
    let (says, of) =
        (|row: &Value| rank(&row["shown_policy"]), if differ == ["shown_policy"] { "policy" } else { "row" });
    // A choice where they have none is looser; so is the same row that says less.
    let gained = ours["control"] == "toggle" && theirs["control"] != "toggle";
    let gentler = of == "policy" && says(ours) < says(theirs);
    let of_another = theirs["familyKey"] != ours["familyKey"] || theirs["variantKeys"] != ours["variantKeys"];
    let side = if gained || gentler || of_another { Difference::looser } else { Difference::stricter };
    Some(side(of, theirs.to_string(), ours.to_string()))
}

fn head(section: &Section) -> Value {
    let [read, write, delete] = section.counts;
    let [on_read, on_write, on_delete] = section.defaults;
    json!({
        "key": section.group,
        "title": section.title,
        "counts": { "read": read, "write": write, "delete": delete },
        "defaults": { "read": on_read, "write": on_write, "delete": on_delete },
    })
}

fn row(row: &Row) -> Value {
    json!({
        "familyKey": row.family,
        "displayName": row.display_name,
        "toolClass": row.class,
        "status": row.status.word(),
        "activeKey": row.active,
        "variantKeys": row.variants,
        "control": row.control.word(),
        "statusLabel": row.control.label(),
        "statusHint": row.control.hint(),
        "shown_policy": row.policy,
        "sessionNote": row.session_note,
    })
}
