//! The exact difference between two objects, field by field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::meta::ObjectMeta;
use crate::strict::step;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The field, such as `spec.retention.time`.
    pub path: String,
    /// Its value before; absent when the field is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent when the field goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// The part of an object that users declare: labels, annotations and spec.
pub fn declared<S: Serialize>(metadata: &ObjectMeta, spec: &S) -> Value {
    let mut meta = Map::new();
    for (name, pairs) in [
        ("labels", &metadata.labels),
        ("annotations", &metadata.annotations),
    ] {
        if !pairs.is_empty() {
            meta.insert(name.to_owned(), json!(pairs));
        }
    }
    // A spec of this crate always serialises; `null` would show as a difference, not hide one.
    json!({"metadata": meta, "spec": serde_json::to_value(spec).unwrap_or(Value::Null)})
}

/// Every field that differs, in the order of the fields. Lists are compared as a whole.
pub fn diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let empty = Map::new();
    let fields = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned();
    match (fields(before), fields(after)) {
        (None, None) => {
            changes.push(Change {
                path: path.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
        // A scalar or list in the place of an object is one change; an object that comes or goes is one a field.
        (Some(_), None) if after.is_some() => {
            changes.push(Change {
                path: path.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
        (None, Some(_)) if before.is_some() => {
            changes.push(Change {
                path: path.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
        (old, new) => {
            let (old, new) = (old.unwrap_or_else(|| empty.clone()), new.unwrap_or(empty));
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                compare(&join(path, key), old.get(key), new.get(key), changes);
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    let step = step(key);
    if path.is_empty() || step.starts_with('[') {
        format!("{path}{step}")
    } else {
        format!("{path}.{step}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_exactly_what_differs() {
        let before = json!({"spec": {"partitions": 1, "retention": {"time": "7d"}, "cleanup": "delete"}});
        let after = json!({"spec": {
            "partitions": 3, "cleanup": ["delete", "compact"], "config": {"flush.ms": "5"}
        }});
        let changes = diff(&before, &after);
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "spec.partitions",
                "spec.retention.time",
                "spec.cleanup",
                "spec.config[\"flush.ms\"]"
            ]
        );
        assert_eq!(
            (&changes[1].before, &changes[1].after),
            (&Some(json!("7d")), &None)
        );
        assert_eq!(
            (&changes[3].before, &changes[3].after),
            (&None, &Some(json!("5")))
        );
        assert_eq!(diff(&before, &before), []);
    }
}
