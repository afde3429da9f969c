//! `tidemill group`, and `tidemill consume` as a member of one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use rustix::process::Signal;
use serde_json::{Value, json};

use program::{Outcome, Server, ended, feed, lines, printed, signal};

/// A server whose topic `t` has five records in each of two partitions.
fn server() -> Server {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "t", "--partitions", "2"]);
    for partition in ["0", "1"] {
        feed(&server, &["produce", "t", "-p", partition], b"a\nb\nc\nd\ne\n");
    }
    server
}

fn member(server: &Server, more: &[&str]) -> Outcome {
    server.run(&[&["consume", "t", "--group", "g", "--from", "earliest"], more].concat())
}

/// What the group has committed of each partition.
fn committed(server: &Server) -> Vec<Value> {
    let group = server.run(&["group", "describe", "g", "-o", "json"]).json();
    group["offsets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|offset| offset["committed"].clone())
        .collect()
}

#[test]
fn a_group_goes_on_where_it_left_off() {
    for protocol in ["classic", "consumer"] {
        let server = server();
        let read = |more: &[&str]| {
            let outcome = member(&server, &[&["--group-protocol", protocol], more].concat());
            assert!(outcome.stderr.contains("assigned t/0, t/1"), "{outcome:?}");
            printed(&outcome).lines().count()
        };
        assert_eq!(read(&["--count", "3"]), 3);
        assert_eq!(read(&["--until-end"]), 7, "only what the first had not printed");
        assert_eq!(read(&["--until-end"]), 0);
        assert_eq!(committed(&server), [5, 5]);

        let listed = server.run(&["group", "list", "-o", "json"]).json();
        assert_eq!(
            listed,
            json!([{"group": "g", "state": "Empty", "kind": protocol, "protocolType": "consumer"}])
        );
    }
}

#[test]
fn a_member_that_is_stopped_has_committed_what_it_printed() {
    let server = server();
    for way in [Signal::INT, Signal::TERM] {
        let mut member = server.spawn(&["consume", "t", "--group", "g", "--from", "earliest"]);
        let mut lines = lines(&mut member);
        if way == Signal::INT {
            assert!((0..10).all(|_| lines.next().is_some()));
        } else {
            feed(&server, &["produce", "t", "-p", "0"], b"f\n");
            assert_eq!(
                lines.next().unwrap().unwrap(),
                "f",
                "what was committed does not come again"
            );
        }
        let described = server.run(&["group", "describe", "g", "-o", "json"]).json();
        assert_eq!(
            (
                &described["state"],
                described["members"].as_array().unwrap().len()
            ),
            (&json!("Stable"), 1)
        );
        assert_eq!(described["members"][0]["partitions"], json!(["t/0", "t/1"]));
        server.run(&["group", "delete", "g"]).failed(4, "g");
        let reset = [
            "group",
            "reset-offsets",
            "g",
            "-t",
            "t",
            "--to",
            "earliest",
            "--execute",
        ];
        server.run(&reset).failed(4, "Stop its consumers");
        signal(&member, way);
        let end = ended(member);
        assert_eq!(end.code, if way == Signal::INT { 130 } else { 143 }, "{end:?}");
        // It left: the next one need not wait for its session to time out.
        assert_eq!(
            server.run(&["group", "describe", "g", "-o", "json"]).json()["state"],
            "Empty"
        );
    }
    assert_eq!(committed(&server), [6, 5]);
}

#[test]
fn what_could_not_be_printed_comes_again() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "t"]);
    let many: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
    feed(&server, &["produce", "t"], many.as_bytes());
    let mut member = server.spawn(&["consume", "t", "-g", "g", "--from", "earliest", "--until-end"]);
    assert_eq!(lines(&mut member).next().unwrap().unwrap(), "line 0");
    assert_eq!(ended(member).code, 0);
    let rest = self::member(&server, &["--until-end"]);
    let first: usize = printed(&rest)
        .lines()
        .next()
        .unwrap()
        .strip_prefix("line ")
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        first < 50_000 && printed(&rest).lines().count() == 50_000 - first,
        "{first}"
    );
    assert_eq!(
        printed(&rest).lines().last(),
        Some("line 49999"),
        "nothing is missing"
    );
}

#[test]
fn offsets_are_reset_only_when_told() {
    let server = server();
    member(&server, &["--until-end"]);
    let reset = |more: &[&str]| {
        let rows = server
            .run(&[&["group", "reset-offsets", "g", "-o", "json"], more].concat())
            .json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| (row["before"].clone(), row["offset"].clone()))
            .collect::<Vec<_>>()
    };
    let row = |before: i64, offset: i64| (json!(before), json!(offset));
    assert_eq!(reset(&["--to", "earliest"]), [row(5, 0), row(5, 0)]);
    let dry = server.run(&["group", "reset-offsets", "g", "--to", "earliest"]);
    assert!(
        dry.stdout.contains("WOULD BE") && dry.stderr.contains("nothing was changed"),
        "{dry:?}"
    );
    assert_eq!(committed(&server), [5, 5], "a dry run changes nothing");

    assert_eq!(
        reset(&["--topic", "t", "--to", "2", "--execute"]),
        [row(5, 2), row(5, 2)]
    );
    assert_eq!(reset(&["--shift", "1", "-p", "1", "--execute"]), [row(2, 3)]);
    assert_eq!(committed(&server), [2, 3]);
    assert_eq!(
        reset(&["--shift", "-9", "--execute"]),
        [row(2, 0), row(3, 0)],
        "never out of the log"
    );
    assert_eq!(
        reset(&["--to", "@2100-01-01", "--execute"]),
        [row(0, 5), row(0, 5)],
        "no record is that young"
    );
    assert_eq!(reset(&["--to", "@0", "--execute"]), [row(5, 0), row(5, 0)]);
    assert_eq!(printed(&member(&server, &["--until-end"])).lines().count(), 10);

    // A group may be told where to begin before it has any member.
    let other = ["group", "reset-offsets", "new", "--to", "latest", "--execute"];
    server.run(&other).failed(3, "name a topic with --topic");
    let made = server.run(&[&other[..], &["-t", "t"]].concat());
    assert!(printed(&made).contains("NOW"), "{made:?}");
    server
        .run(&["group", "reset-offsets", "g", "--execute"])
        .failed(2, "--to");
    server
        .run(&["group", "reset-offsets", "g", "-t", "tt", "--to", "1"])
        .failed(3, "did you mean \"t\"?");
}

#[test]
fn groups_are_shown_and_deleted() {
    let server = server();
    member(&server, &["--count", "10"]);
    feed(&server, &["produce", "t", "-p", "1"], b"f\ng\n");
    let shown = server.run(&["group", "describe", "g"]);
    let rows: Vec<Vec<&str>> = printed(&shown)
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0].join(" "),
        "group g state Empty kind classic coordinator 1 lag 2"
    );
    assert_eq!(rows[2], ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG"]);
    assert_eq!(rows[3..], [["t", "0", "5", "5", "0"], ["t", "1", "5", "7", "2"]]);
    let yaml = server.run(&["group", "describe", "g", "-o", "yaml"]);
    assert!(printed(&yaml).ends_with("totalLag: 2\n"), "{yaml:?}");

    server
        .run(&["group", "describe", "gg"])
        .failed(3, "did you mean \"g\"?");
    server
        .run(&["group", "delete", "nope"])
        .failed(3, "no consumer group \"nope\"");
    let deleted = server.run(&["group", "delete", "g", "-o", "json"]);
    assert_eq!(deleted.stderr, "deleted group g\n");
    assert_eq!(deleted.json(), json!([{"group": "g", "deleted": true}]));
    assert_eq!(server.run(&["group", "list", "-o", "json"]).json(), json!([]));
}
