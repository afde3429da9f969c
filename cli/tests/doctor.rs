//! The doctor: that it is content with a server that works, and names what is wrong and the mend of it otherwise.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use program::{Outcome, Server, run, text};

/// The findings of a check, as status and everything that was said.
fn findings(report: &Value, check: &str) -> Vec<(String, String)> {
    let checks = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["check"] == check);
    let said = |found: &Value, name: &str| found[name].as_str().unwrap_or_default().to_owned();
    checks
        .map(|found| {
            (
                said(found, "status"),
                format!("{} -> {}", said(found, "detail"), said(found, "mend")),
            )
        })
        .collect()
}

/// Sees that a check failed, that the program says so, and that `parts` are told.
fn failed(outcome: &Outcome, code: i32, check: &str, parts: &[&str]) {
    assert_eq!(outcome.code, code, "{outcome:?}");
    let report = outcome.printed();
    assert_eq!(report["ok"], false);
    let found = findings(&report, check);
    let (_, said) = found
        .iter()
        .find(|(status, _)| status == "failed")
        .unwrap_or_else(|| panic!("{outcome:?}"));
    for part in parts {
        assert!(said.contains(part), "{part:?} is not said: {said}");
    }
}

/// An address where nothing listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

#[test]
fn a_server_that_works_passes_every_check() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders", "--partitions", "3"]);
    let dir = server.data_dir();
    let report = server
        .run(&["doctor", "--round-trip", "--data-dir", text(&dir), "-o", "json"])
        .json();
    assert_eq!(
        (report["ok"].as_bool(), report["failed"].as_u64()),
        (Some(true), Some(0)),
        "{report}"
    );
    let passed = [
        "profile",
        "name",
        "connect",
        "kafka",
        "requests",
        "cluster",
        "advertised",
        "control plane",
        "health",
        "ready",
        "version",
        "clock",
        "topics",
        "round trip",
        "lock",
        "permissions",
    ];
    for check in passed {
        let found = findings(&report, check);
        assert!(
            !found.is_empty() && found.iter().all(|(status, _)| status == "ok"),
            "{check}: {found:?}"
        );
    }
    assert!(findings(&report, "topics")[0].1.contains("1 topic, 3 partitions"));
    assert!(
        findings(&report, "lock")[0]
            .1
            .contains(&format!("in use by process {}", server.pid()))
    );
    assert!(!findings(&report, "flush").is_empty() && !findings(&report, "space").is_empty());
    let topics = server.run(&["topic", "list", "-o", "json"]).json();
    assert_eq!(
        topics.as_array().unwrap().len(),
        1,
        "the topic of the round trip is gone: {topics}"
    );
    let people = server.run(&["doctor"]);
    assert!(
        people.code == 0 && people.stdout.contains("0 failed"),
        "{people:?}"
    );
}

#[test]
fn the_port_of_the_control_plane_is_told_from_kafkas() {
    let server = Server::start(&[]);
    let http = server.http.strip_prefix("http://").unwrap();
    let outcome = run(&["doctor", "--bootstrap", http, "-o", "json"]);
    failed(
        &outcome,
        5,
        "kafka",
        &["HTTP server", &format!("its Kafka port is {}", server.kafka)],
    );
}

#[test]
fn a_port_that_speaks_tls_is_recognised() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut hello) = (stream.unwrap(), [0; 1024]);
            let size = stream.read(&mut hello).unwrap_or(0);
            // To anything but a handshake it says nothing, as Java's TLS does.
            if hello[..size].starts_with(&[0x16, 0x03]) {
                let _ = stream.write_all(b"\x15\x03\x03\x00\x02\x02\x28");
            }
        }
    });
    let outcome = run(&["doctor", "--bootstrap", &address, "-o", "json"]);
    failed(&outcome, 5, "kafka", &["it speaks TLS", "plain-text listener"]);
}

#[test]
fn a_server_that_is_not_there_is_named_with_the_mend() {
    let nobody = nobody();
    let outcome = run(&[
        "doctor",
        "--bootstrap",
        &format!("{nobody},no-such-host.invalid"),
        "-o",
        "json",
    ]);
    failed(&outcome, 5, "connect", &[&nobody, "tidemill serve"]);
    failed(&outcome, 5, "name", &["no-such-host.invalid", "/etc/hosts"]);
    assert_eq!(findings(&outcome.printed(), "cluster")[0].0, "skipped");
    let people = run(&["doctor", "--bootstrap", &nobody]);
    assert!(
        people.code == 5 && people.stdout.contains("mend: start the server"),
        "{people:?}"
    );
}

#[test]
fn wrong_words_are_told_apart_from_a_wrong_network() {
    let outcome = run(&["doctor", "--bootstrap", "http://127.0.0.1:9092", "-o", "json"]);
    failed(&outcome, 2, "address", &["HOST:PORT"]);
    let outcome = run(&["doctor", "--profile", "nowhere", "-o", "json"]);
    failed(&outcome, 2, "profile", &["nowhere", "tidemill profile add"]);
}

#[test]
fn an_advertised_address_that_leads_nowhere_or_elsewhere_is_found() {
    let nobody = nobody();
    let lost = Server::start(&["--advertise", &nobody]);
    let outcome = lost.run(&["doctor", "--round-trip", "-o", "json"]);
    failed(&outcome, 5, "advertised", &[&nobody, "--advertise"]);
    let report = outcome.printed();
    for check in ["control plane", "topics", "round trip"] {
        assert_eq!(findings(&report, check)[0].0, "skipped", "{check}");
    }
    let outcome = lost.run(&["doctor", "--admin-url", &lost.http, "-o", "json"]);
    assert_eq!(findings(&outcome.printed(), "ready")[0].0, "ok", "{outcome:?}");

    let other = Server::start(&[]);
    let mistaken = Server::start(&["--advertise", &other.kafka]);
    let outcome = mistaken.run(&["doctor", "-o", "json"]);
    failed(&outcome, 5, "advertised", &[&other.kafka, "another cluster"]);

    let both = format!("{},{}", other.kafka, lost.kafka);
    let outcome = run(&["doctor", "--bootstrap", &both, "-o", "json"]);
    failed(&outcome, 5, "cluster", &["of another cluster"]);
}

#[test]
fn a_control_plane_that_does_not_answer_fails() {
    let server = Server::start(&[]);
    let outcome = server.run(&[
        "doctor",
        "--admin-url",
        &format!("http://{}", nobody()),
        "-o",
        "json",
    ]);
    failed(&outcome, 5, "health", &["/healthz", "--admin-url"]);
    assert_eq!(
        findings(&outcome.printed(), "topics")[0].0,
        "ok",
        "the brokers are fine"
    );
}

#[test]
fn a_data_directory_is_looked_at_without_a_server() {
    let server = Server::start(&[]);
    let (_kept, dir) = server.kill();
    let report = run(&["doctor", "--offline", "--data-dir", text(&dir), "-o", "json"]).json();
    assert!(
        findings(&report, "lock")[0].1.contains("no server runs"),
        "{report}"
    );
    assert!(findings(&report, "connect").is_empty(), "{report}");

    let missing = dir.join("missing");
    let outcome = run(&["doctor", "--offline", "--data-dir", text(&missing), "-o", "json"]);
    failed(&outcome, 1, "data dir", &[text(&missing), "correct the path"]);
    let file = dir.join("lock");
    let outcome = run(&["doctor", "--offline", "--data-dir", text(&file), "-o", "json"]);
    failed(&outcome, 1, "data dir", &["is no directory"]);
    assert_eq!(
        run(&["doctor", "--offline"]).code,
        2,
        "there is nothing to look at"
    );
}
