use super::*;
use crate::{ByteSize, Flush, Limit};

fn errors(text: &str) -> Vec<String> {
    parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

const ORDERS: &str = "
apiVersion: tidemill.dev/v1
kind: Topic
metadata:
  name: orders
  labels: {team: shop}
spec:
  partitions: 6
  retention: {time: 7d, bytes: 10GiB}
  cleanup: [delete, compact]
  flush: interval(5ms)
  config:
    min.insync.replicas: 1
";

#[test]
fn reads_many_documents_and_what_it_prints() {
    let text = format!(
        "{ORDERS}---\n# nothing here\n---\napiVersion: tidemill.dev/v1\nkind: Topic\nmetadata: {{name: plain}}\n"
    );
    let objects = parse(&text).unwrap();
    assert_eq!(objects.len(), 2);
    let Declared::Topic(orders) = &objects[0] else {
        panic!("a topic is a topic")
    };
    assert_eq!(orders.spec.partitions, 6);
    let retention = orders.spec.retention.unwrap();
    assert_eq!(retention.bytes, Some(Limit::AtMost(ByteSize(10 << 30))));
    assert!(matches!(orders.spec.flush, Some(Flush::Interval(Some(span))) if span.ms() == 5));
    let yaml = serde_saphyr::to_string(orders).unwrap();
    assert_eq!(parse(&yaml).unwrap(), objects[..1], "{yaml}");
    let json = serde_json::to_string_pretty(&[orders]).unwrap();
    assert_eq!(parse(&json).unwrap(), objects[..1], "{json}");
    assert_eq!(parse("").unwrap(), []);
}

#[test]
fn what_the_server_printed_can_be_applied_again() {
    let text = format!("{ORDERS}status:\n  anything: goes\n").replace(
        "  name: orders",
        "  name: orders\n  uid: 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n  resourceVersion: \"12\"\n  generation: 3\n  creationTimestamp: 2024-05-01T00:00:00Z",
    );
    let objects = parse(&text).unwrap();
    assert_eq!(objects[0].metadata().resource_version.0, 12);
}

#[test]
fn errors_name_document_object_field_and_mend() {
    let bad = ORDERS.replace("time: 7d", "time: 7 fortnights");
    let text = format!(
        "{ORDERS}---{}---{bad}",
        ORDERS
            .replace("orders", "more")
            .replace("partitions", "partitons")
    );
    let errors = errors(&text);
    assert_eq!(
        errors[0],
        "document 2 (Topic `more`): spec.partitons: unknown field: did you mean `partitions`?"
    );
    assert!(errors[1].starts_with("document 3 (Topic `orders`): spec.retention.time: `7 fortnights` is not"));
    assert_eq!(errors.len(), 2);
}

#[test]
fn the_same_object_twice_is_refused() {
    let errors = errors(&format!("{ORDERS}---{ORDERS}"));
    assert_eq!(
        errors,
        ["document 2 (Topic `orders`): metadata.name: document 1 declares the same object: keep one of them"]
    );
}

#[test]
fn envelopes_are_checked() {
    for (from, to, field, hint) in [
        (
            "apiVersion: tidemill.dev/v1",
            "apiVersion: v1",
            "apiVersion",
            "use tidemill.dev/v1",
        ),
        (
            "apiVersion:",
            "apiversion:",
            "apiVersion",
            "in place of `apiversion`",
        ),
        ("kind: Topic", "kind: Topik", "kind", "did you mean `Topic`"),
        ("kind: Topic", "kind: Broker", "kind", "can only be read"),
        ("kind: Topic", "king: Topic", "kind", "missing"),
        (
            "name: orders",
            "nam: orders",
            "metadata.nam",
            "did you mean `name`",
        ),
        ("name: orders", "name: a b", "metadata.name", "use only"),
        ("team: shop", "'te am': shop", "metadata.labels", "not legal"),
        (
            "min.insync.replicas: 1",
            "retention.ms: 1",
            "spec.config[\"retention.ms\"]",
            "spec.retention.time",
        ),
        (
            "min.insync.replicas: 1",
            "no.such.thing: 1",
            "spec.config[\"no.such.thing\"]",
            "unknown config",
        ),
        (
            "cleanup: [delete, compact]",
            "maxMessageBytes: 4GiB",
            "spec.maxMessageBytes",
            "at most",
        ),
    ] {
        let text = ORDERS.replace(from, to);
        let errors = parse(&text).unwrap_err();
        assert_eq!(errors[0].error.path, field, "{to}: {errors:?}");
        assert!(errors[0].error.message.contains(hint), "{to}: {errors:?}");
    }
}

#[test]
fn text_that_is_no_document_is_refused() {
    assert!(errors("{unclosed: [")[0].contains("neither YAML nor JSON"));
    assert!(errors("just words")[0].contains("expected an object"));
    let twice = ORDERS.replace("  partitions: 6", "  partitions: 6\n  partitions: 7");
    assert!(parse(&twice).is_err(), "a key given twice");
}
