//! What applying documents changes, for people.

use std::fmt::Write as _;

use serde_json::Value;
use tidemill_client::Applied;

/// How many objects the answer counts under a fate: `created`, `updated`, `unchanged`.
fn sum(applied: &Applied, fate: &str) -> u64 {
    applied
        .answer
        .pointer(&format!("/summary/{fate}"))
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

/// Whether anything is or would be changed.
pub(crate) fn any(applied: &Applied) -> bool {
    sum(applied, "created") + sum(applied, "updated") > 0
}

/// One line an object with `+`, `~` or `=`, one line a field with its old and new value, and the sums.
pub(crate) fn describe(applied: &Applied) -> String {
    let mut text = String::new();
    let results = applied.answer.get("results").and_then(Value::as_array);
    for result in results.into_iter().flatten() {
        let part = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or("?");
        let mark = match part("action") {
            "created" => '+',
            "unchanged" => '=',
            _ => '~',
        };
        let _ = writeln!(text, "{mark} {} {}", part("kind"), part("name"));
        let changes = result.get("changes").and_then(Value::as_array);
        for change in changes.into_iter().flatten() {
            let _ = writeln!(text, "    {}", field(change));
        }
    }
    let dry_run = applied
        .answer
        .get("dryRun")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let [created, updated, unchanged] = ["created", "updated", "unchanged"].map(|fate| sum(applied, fate));
    let _ = if dry_run {
        write!(
            text,
            "{created} to create, {updated} to change, {unchanged} unchanged"
        )
    } else {
        write!(
            text,
            "{created} created, {updated} changed, {unchanged} unchanged"
        )
    };
    text
}

fn field(change: &Value) -> String {
    let path = change.get("path").and_then(Value::as_str).unwrap_or("?");
    match (change.get("before"), change.get("after")) {
        (None, Some(after)) => format!("+ {path}: {}", scalar(after)),
        (Some(before), None) => format!("- {path}: {}", scalar(before)),
        (Some(before), Some(after)) => format!("~ {path}: {} -> {}", scalar(before), scalar(after)),
        (None, None) => format!("~ {path}"),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_shows_what_it_was_and_becomes() {
        let answer = json!({
            "dryRun": true,
            "summary": {"created": 1, "updated": 1, "unchanged": 0},
            "results": [
                {"kind": "Topic", "name": "a", "action": "updated", "changes": [
                    {"path": "spec.partitions", "before": 1, "after": 3},
                    {"path": "spec.flush", "before": "os"},
                ]},
                {"kind": "Topic", "name": "b", "action": "created", "changes": [{"path": "spec.partitions", "after": 1}]},
            ],
        });
        let applied = Applied { answer };
        assert!(any(&applied));
        assert_eq!(
            describe(&applied),
            "~ Topic a\n    ~ spec.partitions: 1 -> 3\n    - spec.flush: os\n+ Topic b\n    + spec.partitions: 1\n\
             1 to create, 1 to change, 0 unchanged"
        );
    }
}
