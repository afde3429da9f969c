//! `tidemill get|describe|plan|apply|watch|delete`: objects of the control plane.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use program::{Server, ended, feed, lines, printed, signal, text};

fn topic(name: &str, partitions: u32) -> String {
    format!(
        "apiVersion: tidemill.dev/v1\nkind: Topic\nmetadata: {{name: {name}}}\nspec: {{partitions: {partitions}}}\n"
    )
}

fn file(dir: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn documents_are_planned_then_applied_then_unchanged() {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let path = file(
        &dir,
        "topics.yaml",
        &[topic("orders", 2), topic("notes", 1)].join("---\n"),
    );
    let with = |verb: &str, more: &[&str]| server.run(&[&[verb, "-f", text(&path)], more].concat());

    let planned = with("plan", &[]);
    assert!(
        printed(&planned).contains("+ Topic orders\n    + spec.partitions: 2\n"),
        "{planned:?}"
    );
    assert!(
        planned
            .stdout
            .ends_with("2 to create, 0 to change, 0 unchanged\n"),
        "{planned:?}"
    );
    assert_eq!(with("plan", &["--exit-code"]).code, 10);
    server.run(&["get", "topic", "orders"]).failed(3, "orders");

    let applied = with("apply", &[]);
    assert!(
        printed(&applied).ends_with("2 created, 0 changed, 0 unchanged\n"),
        "{applied:?}"
    );
    assert_eq!(with("plan", &["--exit-code"]).code, 0);
    let again = with("apply", &["-o", "json"]).json();
    assert_eq!(
        again["summary"],
        json!({"created": 0, "updated": 0, "unchanged": 2})
    );

    std::fs::write(&path, topic("orders", 5)).unwrap();
    assert_eq!(
        printed(&with("plan", &[])),
        "~ Topic orders\n    ~ spec.partitions: 2 -> 5\n0 to create, 1 to change, 0 unchanged\n"
    );
    assert!(printed(&with("apply", &["-o", "yaml"])).contains("updated: 1"));
    assert_eq!(
        server.run(&["topic", "list", "-o", "json"]).json()[1]["partitions"],
        5
    );
}

#[test]
fn what_was_waited_for_is_ready() {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let path = file(&dir, "topics.yaml", &topic("wide", 40));
    for partitions in [40, 60] {
        std::fs::write(&path, topic("wide", partitions)).unwrap();
        let applied = server
            .run(&["apply", "-f", text(&path), "--wait", "-o", "json"])
            .json();
        assert_eq!(applied["results"][0]["name"], "wide");
        let status = &server.run(&["get", "topic", "wide", "-o", "json"]).json()["status"];
        assert_eq!(
            (&status["conditions"][0]["status"], &status["readyPartitions"]),
            (&json!("True"), &json!(partitions)),
            "{status}"
        );
    }
}

#[test]
fn documents_come_from_directories_and_standard_input() {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    file(&dir, "a.yaml", &topic("a", 1));
    file(
        &dir,
        "b.json",
        r#"{"apiVersion":"tidemill.dev/v1","kind":"Topic","metadata":{"name":"b"},"spec":{"partitions":1}}"#,
    );
    file(&dir, "notes.txt", "no document");
    let applied = server.run(&["apply", "--file", text(dir.path())]);
    assert!(
        printed(&applied).ends_with("2 created, 0 changed, 0 unchanged\n"),
        "{applied:?}"
    );
    let applied = feed(&server, &["apply", "-f", "-"], topic("c", 1).as_bytes());
    assert!(
        printed(&applied).ends_with("1 created, 0 changed, 0 unchanged\n"),
        "{applied:?}"
    );

    // What was got can be applied.
    let got = server.run(&["get", "topics", "-o", "yaml"]);
    let applied = feed(&server, &["apply", "-f", "-"], printed(&got).as_bytes());
    assert!(
        printed(&applied).ends_with("0 created, 0 changed, 3 unchanged\n"),
        "{applied:?}"
    );

    let empty = tempfile::tempdir().unwrap();
    server
        .run(&["apply", "-f", text(empty.path())])
        .failed(2, "has no .yaml, .yml or .json files");
    server
        .run(&["apply", "-f", "/nonexistent.yaml"])
        .failed(1, "cannot read /nonexistent.yaml");
    server.run(&["apply"]).failed(2, "--file");
}

#[test]
fn every_wrong_document_is_named_and_none_is_applied() {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let wrong = [
        topic("good", 1),
        topic("bad", 1).replace("Topic", "Topc"),
        topic("worse", 1).replace("partitions", "partitons"),
    ]
    .join("---\n");
    let path = file(&dir, "wrong.yaml", &wrong);
    let refused = server.run(&["apply", "-f", text(&path)]);
    refused.failed(2, "document 2 (Topc `bad`): kind: ");
    refused.failed(
        2,
        "document 3 (Topic `worse`): spec.partitons: unknown field: did you mean `partitions`?",
    );
    assert_eq!(server.run(&["get", "topics", "-o", "json"]).json(), json!([]));
    feed(&server, &["plan", "-f", "-"], b"a: [").failed(2, "neither YAML nor JSON");
}

#[test]
fn objects_are_shown() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders", "-p", "2"]);
    // Its status is there once a broker has opened the partitions.
    let mut watch = server.spawn(&["watch", "topics", "-o", "json"]);
    assert!(lines(&mut watch).any(|line| line.unwrap().contains("\"reason\":\"Serving\"")));
    signal(&watch, Signal::TERM);
    let _ = watch.wait().unwrap();
    let topics = server.run(&["get", "topics"]);
    assert!(
        printed(&topics)
            .starts_with("NAME    PARTITIONS  REPLICAS  READY  REASON   VERSION\norders           2"),
        "{topics:?}"
    );
    let one = server.run(&["get", "topic", "orders", "-o", "json"]).json();
    assert_eq!(
        (&one["kind"], &one["spec"]["partitions"]),
        (&json!("Topic"), &json!(2))
    );
    let described = server.run(&["describe", "topic", "orders"]);
    assert!(
        printed(&described).contains("\nCONDITION  STATUS  REASON   MESSAGE\nReady      True    Serving"),
        "{described:?}"
    );
    let brokers = server.run(&["get", "brokers", "-o", "json"]).json();
    assert_eq!(brokers.as_array().unwrap().len(), 1);
    let partitions = server.run(&["get", "partitions"]);
    assert_eq!(
        printed(&partitions)
            .lines()
            .filter(|line| line.starts_with("orders "))
            .count(),
        2
    );
    assert_eq!(
        server.run(&["get", "consumergroups", "-o", "json"]).json(),
        json!([])
    );

    server
        .run(&["get", "topic", "ordrs"])
        .failed(3, "did you mean `orders`?");
    server.run(&["get", "topcs"]).failed(2, "did you mean");
    // Where the control plane is known, Kafka's port is not needed.
    let direct = program::run(&[
        "get",
        "topics",
        "--admin-url",
        &server.http,
        "-b",
        "127.0.0.1:1",
        "-o",
        "json",
    ]);
    assert_eq!(direct.json().as_array().unwrap().len(), 1);
}

#[test]
fn changes_are_watched_as_they_happen() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "first"]);
    let mut watch = server.spawn(&["watch", "topics", "-o", "json"]);
    let mut lines = lines(&mut watch);
    let mut until = |event: &str, name: &str| loop {
        let line = lines.next().expect("the watch goes on").unwrap();
        let seen: Value = serde_json::from_str(&line).unwrap();
        if seen["event"] == event && seen["object"]["metadata"]["name"] == name {
            return seen["resourceVersion"].as_str().map(str::to_owned);
        }
    };
    assert_eq!(until("created", "first"), None, "others may be untold yet");
    server.run(&["topic", "create", "second"]);
    let version = until("created", "second").unwrap();
    server.run(&["topic", "delete", "second"]);
    until("deleted", "second");
    signal(&watch, Signal::INT);
    let end = ended(watch);
    assert_eq!((end.code, end.stderr.as_str()), (130, ""));

    let since = server.run(&[
        "watch", "topics", "--since", &version, "--count", "1", "-o", "json",
    ]);
    let seen: Value = serde_json::from_str(printed(&since)).unwrap();
    assert_eq!(
        seen["object"]["metadata"]["name"], "second",
        "what came before is not told again"
    );
    let people = server.run(&["watch", "topics", "-n", "1"]);
    assert!(
        printed(&people).starts_with("created  Topic first  version "),
        "{people:?}"
    );
    server
        .run(&["watch", "partitions"])
        .failed(2, "cannot be watched");
}

#[test]
fn objects_are_deleted_by_name_or_document() {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let path = file(&dir, "topics.yaml", &[topic("a", 1), topic("b", 1)].join("---\n"));
    let from = |path: &Path, more: &[&str]| server.run(&[&["delete", "-f", text(path)], more].concat());
    let empty = file(&dir, "empty.yaml", "# nothing yet\n---\n");
    server
        .run(&["apply", "-f", text(&empty)])
        .failed(2, "there is no document in");
    server.run(&["apply", "-f", text(&path)]);
    let deleted = server.run(&["delete", "topic", "a"]);
    assert_eq!((deleted.code, deleted.stderr.as_str()), (0, "deleted Topic a\n"));
    from(&path, &[]).failed(3, "`a`");
    let deleted = from(&path, &["--ignore-not-found"]);
    assert_eq!(
        (deleted.code, deleted.stderr.as_str()),
        (0, "there is no Topic a\ndeleted Topic b\n")
    );
    server.run(&["apply", "-f", text(&path)]);
    let done = from(&path, &["-o", "json"]).json();
    assert_eq!(done[1], json!({"kind": "Topic", "name": "b", "deleted": true}));
    server.run(&["delete", "topic"]).failed(2, "which?");
    server
        .run(&["delete", "broker", "1"])
        .failed(2, "stop the process");
}
