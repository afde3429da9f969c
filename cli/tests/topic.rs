//! `tidemill topic`: what it prints, how it fails, what it ends with.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use serde_json::{Value, json};

use program::{Server, feed, printed};

#[test]
fn a_topic_is_created_listed_and_deleted() {
    let server = Server::start(&[]);
    let created = server.run(&["topic", "create", "orders", "--partitions", "3"]);
    assert_eq!(printed(&created), "created topic orders with 3 partitions\n");
    let created = server
        .run(&[
            "topic",
            "create",
            "notes",
            "-o",
            "json",
            "-c",
            "retention.ms=1000",
        ])
        .json();
    assert_eq!(
        (&created["name"], &created["partitions"]),
        (&json!("notes"), &json!(1))
    );

    let listed = server.run(&["topic", "list"]);
    let rows: Vec<Vec<&str>> = printed(&listed)
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["NAME", "PARTITIONS", "REPLICAS", "ID"]);
    assert_eq!(rows[1][..3], ["notes", "1", "1"]);
    assert_eq!(rows[2][..3], ["orders", "3", "1"]);
    let listed = server.run(&["topic", "list", "-o", "json"]).json();
    assert_eq!(listed[1]["partitions"], 3);
    let yaml = server.run(&["topic", "list", "-o", "yaml"]);
    assert!(
        printed(&yaml).starts_with("- name: notes\n  partitions: 1\n"),
        "{yaml:?}"
    );

    let deleted = server.run(&["topic", "delete", "orders", "notes"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    assert_eq!(deleted.stderr, "deleted topic orders\ndeleted topic notes\n");
    assert_eq!(server.run(&["topic", "list", "-o", "json"]).json(), json!([]));
}

#[test]
fn what_is_there_or_is_not_is_told() {
    let server = Server::start(&[]);
    let create = ["topic", "create", "orders"];
    assert_eq!(server.run(&create).code, 0);
    server.run(&create).failed(4, "exists already");
    assert_eq!(server.run(&[&create[..], &["--if-not-exists"]].concat()).code, 0);
    server
        .run(&["topic", "describe", "ordrs"])
        .failed(3, "did you mean \"orders\"?");
    server.run(&["topic", "delete", "payments"]).failed(3, "payments");
    assert_eq!(
        server.run(&["topic", "delete", "payments", "--if-exists"]).code,
        0
    );
    server.run(&["topic", "create", "no/slash"]).failed(2, "no/slash");
    server
        .run(&["topic", "create", "big", "-c", "retention.mss=1"])
        .failed(2, "did you mean `retention.ms`?");
    let checked = server.run(&["topic", "create", "dry", "--dry-run"]);
    assert_eq!(printed(&checked), "could create topic dry with 1 partition\n");
    server
        .run(&["topic", "describe", "dry"])
        .failed(3, "no topic \"dry\"");
}

#[test]
fn settings_are_changed_and_put_back() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders"]);
    let describe = || server.run(&["topic", "describe", "orders", "-o", "json"]).json();
    assert_eq!(describe()["configs"], json!([]));

    let set = [
        "topic",
        "alter",
        "orders",
        "--config",
        "retention.ms=3600000",
        "-c",
        "cleanup.policy=compact",
    ];
    assert_eq!(server.run(&set).stderr, "changed topic orders\n");
    let configs = describe()["configs"].clone();
    let value = |name: &str| {
        let configs = configs.as_array().unwrap();
        configs
            .iter()
            .find(|config| config["name"] == name)
            .map(|config| config["value"].clone())
    };
    assert_eq!(value("retention.ms"), Some(json!("3600000")));
    assert_eq!(value("cleanup.policy"), Some(json!("compact")));

    let more = server.run(&[
        "topic",
        "alter",
        "orders",
        "--append",
        "cleanup.policy=delete",
        "--unset",
        "retention.ms",
    ]);
    assert_eq!(more.code, 0, "{more:?}");
    let configs = describe()["configs"].clone();
    assert_eq!(configs.as_array().unwrap().len(), 1, "{configs}");
    assert_eq!(configs[0]["value"], "delete,compact");
    let all = server.run(&["topic", "describe", "orders", "--all-configs"]);
    assert!(printed(&all).contains("max.message.bytes"), "{all:?}");

    server
        .run(&["topic", "alter", "orders"])
        .failed(2, "nothing to change");
    server
        .run(&["topic", "alter", "orders", "-c", "retention.ms=soon"])
        .failed(2, "retention.ms");
}

#[test]
fn a_topic_grows_but_never_shrinks() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders", "-p", "2"]);
    let grown = server.run(&["topic", "add-partitions", "orders", "--total", "3"]);
    assert_eq!(grown.stderr, "topic orders has 3 partitions\n");
    let described = server.run(&["topic", "describe", "orders"]);
    assert_eq!(
        printed(&described)
            .lines()
            .filter(|line| line.trim_start().starts_with(['0', '1', '2']))
            .count(),
        3
    );
    server
        .run(&["topic", "add-partitions", "orders", "--total", "2"])
        .failed(2, "cannot shrink");
}

#[test]
fn the_oldest_records_are_trimmed() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders"]);
    feed(&server, &["produce", "orders"], b"a\nb\nc\nd\n");
    let trim = |more: &[&str]| {
        let rows = server
            .run(&[&["topic", "trim", "orders", "-o", "json"], more].concat())
            .json();
        rows[0].clone()
    };
    let row = |before: i64, start: i64| json!({"partition": 0, "before": before, "logStartOffset": start, "deleted": start - before});
    assert_eq!(trim(&["--before", "3", "--dry-run"]), row(0, 3));
    assert_eq!(trim(&["--before", "3"]), row(0, 3), "the dry run changed nothing");
    assert_eq!(printed(&server.run(&["consume", "orders", "--until-end"])), "d\n");
    assert_eq!(trim(&["--before", "latest"]), row(3, 4));
    server.run(&["topic", "trim", "orders"]).failed(2, "--before");
    server
        .run(&["topic", "trim", "orders", "--before", "noon"])
        .failed(2, "no place in a topic");
    server
        .run(&["topic", "trim", "orders", "--before", "1", "--partition", "7"])
        .failed(3, "no partition 7: it has 1");
}

#[test]
fn what_was_done_is_told_to_programs_too() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders"]);
    let run = |arguments: &[&str]| {
        server
            .run(&[&["topic"], arguments, &["-o", "json"]].concat())
            .json()
    };
    assert_eq!(
        run(&["alter", "orders", "-c", "retention.ms=1000"]),
        json!({"name": "orders", "changes": 1})
    );
    assert_eq!(
        run(&["add-partitions", "orders", "--total", "2"]),
        json!({"name": "orders", "partitions": 2})
    );
    assert_eq!(
        run(&["delete", "orders", "none", "--if-exists"]),
        json!([{"name": "orders", "deleted": true}, {"name": "none", "deleted": false}])
    );
}

#[test]
fn a_mistake_is_told_with_the_mend_that_fits_and_no_other() {
    let server = Server::start(&[]);
    for number in ["-1", "0"] {
        server
            .run(&["topic", "create", "orders", "--partitions", number])
            .failed(2, "is not in 1..");
    }
    let refused = server.run(&["topic", "create", "orders", "-r", "3"]);
    let said = "the replication factor is 3, and there is one broker: use 1, or add brokers";
    assert!(refused.stderr.contains(said), "{refused:?}");
    assert!(!refused.stderr.contains("Ask for"), "{refused:?}");
}

#[test]
fn quiet_says_nothing_but_results() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders"]);
    let deleted = server.run(&["topic", "delete", "orders", "--quiet"]);
    assert_eq!(
        (deleted.code, deleted.stdout.as_str(), deleted.stderr.as_str()),
        (0, "", "")
    );
    let list: Value = server.run(&["topic", "list", "-q", "-o", "json"]).json();
    assert_eq!(list, json!([]));
}
