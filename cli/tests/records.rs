//! `tidemill produce` and `tidemill consume`: records in every shape, from everywhere, to every end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use rustix::process::Signal;
use serde_json::{Value, json};

use program::{Outcome, Server, command, ended, feed, lines, piped, printed, run, signal};

fn server() -> Server {
    let server = Server::start(&[]);
    assert_eq!(server.run(&["topic", "create", "t"]).code, 0);
    server
}

fn consume(server: &Server, more: &[&str]) -> Outcome {
    server.run(&[&["consume", "t", "--until-end"], more].concat())
}

/// The records as JSON, without what the time of the test decides.
fn records(server: &Server) -> Vec<Value> {
    let all = consume(server, &["--format", "json"]);
    let parse = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&record["topic"], &record["partition"]), (&json!("t"), &json!(0)));
        for name in ["topic", "partition", "timestamp", "offset"] {
            record.as_object_mut().unwrap().remove(name);
        }
        record
    };
    printed(&all).lines().map(parse).collect()
}

#[test]
fn lines_become_records_and_records_lines() {
    let server = server();
    let sent = feed(
        &server,
        &["produce", "t"],
        "first\r\n\nlast, without an end: é".as_bytes(),
    );
    assert_eq!(sent.code, 0, "{sent:?}");
    assert!(sent.stderr.starts_with("3 records sent, "), "{sent:?}");
    assert_eq!(sent.stdout, "");
    assert_eq!(
        printed(&consume(&server, &[])),
        "first\n\nlast, without an end: é\n"
    );
    assert_eq!(
        printed(&consume(&server, &["--format", "raw"])),
        "firstlast, without an end: é"
    );
}

#[test]
fn keys_headers_and_tombstones_arrive() {
    let server = server();
    let shape = [
        "produce", "t", "-K", "::", "--null", "NIL", "-H", "a=1", "--header", "b=x=y",
    ];
    feed(&server, &shape, b"k::v::w\nno key\ngone::NIL\n::\n");
    let headers = json!({"a": "1", "b": "x=y"});
    let record = |key: Value, value: Value| json!({"key": key, "value": value, "headers": headers});
    assert_eq!(
        records(&server),
        [
            record(json!("k"), json!("v::w")),
            record(Value::Null, json!("no key")),
            record(json!("gone"), Value::Null),
            record(json!(""), json!("")),
        ]
    );
    let text = consume(&server, &["-K", "::", "--null", "NIL"]);
    assert_eq!(printed(&text), "k::v::w\nNIL::no key\ngone::NIL\n::\n");
    let template = consume(
        &server,
        &[
            "-n",
            "3",
            "--null",
            "-",
            "--template",
            r"%t/%p@%o %k(%K)=%s(%S) [%h] 100%%\x21\n",
        ],
    );
    assert_eq!(
        printed(&template),
        "t/0@0 k(1)=v::w(4) [a=1,b=x=y] 100%!\nt/0@1 -(-1)=no key(6) [a=1,b=x=y] 100%!\n\
         t/0@2 gone(4)=-(-1) [a=1,b=x=y] 100%!\n"
    );
}

#[test]
fn json_lines_go_in_as_they_come_out() {
    let server = server();
    let input = r#"{"key":"k","value":{"a":[1,2]},"headers":{"h":"x","n":null},"timestamp":1700000000123}

{"keyBase64":"/wA=","valueBase64":"gA==","headers":[{"name":"r","value":"1"},{"name":"r","valueBase64":"/w=="}]}
{"key":"gone"}
"#;
    let sent = feed(&server, &["produce", "t", "--json-lines"], input.as_bytes());
    assert!(sent.stderr.starts_with("3 records sent, "), "{sent:?}");
    let first = records(&server);
    assert_eq!(
        first,
        [
            json!({"key": "k", "value": "{\"a\":[1,2]}", "headers": {"h": "x", "n": null}}),
            json!({"keyBase64": "/wA=", "valueBase64": "gA==",
                "headers": [{"name": "r", "value": "1"}, {"name": "r", "valueBase64": "/w=="}]}),
            json!({"key": "gone", "value": null, "headers": {}}),
        ]
    );
    let out = consume(&server, &["--format", "json"]);
    assert!(printed(&out).contains("\"timestamp\":1700000000123"), "{out:?}");

    server.run(&["topic", "delete", "t"]);
    server.run(&["topic", "create", "t"]);
    feed(&server, &["produce", "t", "--json-lines"], out.stdout.as_bytes());
    assert_eq!(
        consume(&server, &["--format", "json"]).stdout,
        out.stdout,
        "what came out went in again unchanged"
    );
}

#[test]
fn a_wrong_line_is_named_and_those_before_it_are_sent() {
    let server = server();
    let sent = feed(
        &server,
        &["produce", "t", "--json-lines"],
        b"{\"value\":\"a\"}\n\n{\"vlaue\":1}\n{\"value\":\"c\"}\n",
    );
    assert_eq!(sent.code, 2, "{sent:?}");
    assert!(sent.stderr.contains("1 record sent"), "{sent:?}");
    assert!(
        sent.stderr
            .contains("standard input, line 3: unknown field \"vlaue\": did you mean \"value\"?"),
        "{sent:?}"
    );
    assert_eq!(printed(&consume(&server, &[])), "a\n");

    // The third record is more than a topic takes.
    let large = [b"b\nc\n".as_slice(), &[b'x'; 2 << 20], b"\n"].concat();
    let sent = feed(&server, &["produce", "t"], &large);
    assert_eq!(sent.code, 2, "{sent:?}");
    assert!(sent.stderr.contains("record 3 of the input: "), "{sent:?}");
    assert!(sent.stderr.contains("max.message.bytes"), "{sent:?}");
    assert!(sent.stderr.contains("1 NOT acknowledged"), "{sent:?}");
}

#[test]
fn files_are_lines_or_whole_records_in_every_codec() {
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "one\ntwo\n").unwrap();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let sent = server.run(&["produce", "t", file, "--compression", codec]);
        assert!(sent.stderr.starts_with("2 records sent, 8 B"), "{sent:?}");
    }
    assert_eq!(printed(&consume(&server, &[])), "one\ntwo\n".repeat(5));

    let sent = server.run(&["produce", "t", "--file", file, "--key", "k", "--acks", "leader"]);
    assert!(sent.stderr.starts_with("1 record sent, 8 B"), "{sent:?}");
    let last = consume(&server, &["--last", "1", "-f", "json"]);
    let last: Value = serde_json::from_str(printed(&last)).unwrap();
    assert_eq!(
        (&last["key"], &last["value"], &last["offset"]),
        (&json!("k"), &json!("one\ntwo\n"), &json!(10))
    );

    server
        .run(&["produce", "t", "/nonexistent/file"])
        .failed(1, "cannot read /nonexistent/file");
}

#[test]
fn reading_begins_and_ends_where_it_is_told() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "t", "--partitions", "2"]);
    let timed = |partition: i32| {
        let line = |n: i32| {
            format!(
                "{{\"value\":\"p{partition}-{n}\",\"timestamp\":{},\"partition\":{partition}}}\n",
                1000 * n
            )
        };
        (0..5).map(line).collect::<String>()
    };
    feed(
        &server,
        &["produce", "t", "--json-lines"],
        (timed(0) + &timed(1)).as_bytes(),
    );
    let read = |more: &[&str]| {
        let out = consume(&server, more);
        let mut lines: Vec<String> = printed(&out).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(
        read(&[]).len(),
        10,
        "until the end means from the beginning, if nothing else is said"
    );
    assert_eq!(
        read(&["--from", "earliest", "-p", "1"]),
        ["p1-0", "p1-1", "p1-2", "p1-3", "p1-4"]
    );
    assert_eq!(read(&["--from-beginning", "-p", "1"]).len(), 5);
    assert_eq!(read(&["--offset", "3"]), ["p0-3", "p0-4", "p1-3", "p1-4"]);
    assert_eq!(read(&["--from", "4", "-p", "0"]), ["p0-4"]);
    assert_eq!(read(&["--from", "@3000"]), ["p0-3", "p0-4", "p1-3", "p1-4"]);
    assert_eq!(read(&["--time", "1970-01-01T00:00:03.5Z"]), ["p0-4", "p1-4"]);
    assert_eq!(read(&["--last", "1"]), ["p0-4", "p1-4"]);
    assert_eq!(read(&["--from", "latest"]), [""; 0]);
    assert_eq!(read(&["-p", "1", "--count", "2"]), ["p1-0", "p1-1"]);

    consume(&server, &["--offset", "9"]).failed(2, "offset 9 is outside topic \"t\" partition 0");
    consume(&server, &["-p", "7"]).failed(3, "no partition 7: it has 2");
    server
        .run(&["consume", "tt", "--until-end"])
        .failed(3, "did you mean \"t\"?");
    consume(&server, &["--from", "1", "--last", "1"]).failed(2, "cannot be used with");
    consume(&server, &["--template", "%q"]).failed(2, "%q stands for nothing");
    let idle = server.run(&["consume", "t", "--idle", "100ms"]);
    assert_eq!(printed(&idle), "", "nothing new comes");
}

#[test]
fn a_table_keeps_each_record_in_its_line() {
    let server = server();
    feed(
        &server,
        &["produce", "t", "--json-lines"],
        br#"{"key":"a-key-of-more-than-twenty-letters","value":"x\ny","timestamp":0}"#,
    );
    let table = consume(&server, &["--format", "table"]);
    assert_eq!(
        printed(&table),
        "PARTITION      OFFSET  TIME                      KEY                   VALUE\n        \
         0           0  1970-01-01T00:00:00.000Z  a-key-of-more-than-…  x\\ny\n"
    );
}

#[test]
fn a_follower_prints_at_once_and_stops_at_ctrl_c() {
    let server = server();
    let mut follower = server.spawn(&["consume", "t", "--from", "earliest"]);
    let mut lines = lines(&mut follower);
    for word in ["one", "two"] {
        feed(&server, &["produce", "t"], word.as_bytes());
        assert_eq!(lines.next().unwrap().unwrap(), word);
    }
    signal(&follower, Signal::INT);
    assert!(lines.next().is_none(), "nothing is printed twice");
    let ended = ended(follower);
    assert_eq!((ended.code, ended.stderr.as_str()), (130, ""));
}

#[test]
fn who_has_read_enough_ends_it_quietly() {
    let server = server();
    feed(&server, &["produce", "t"], b"one\ntwo\n");
    // There is nothing more to write: only the closed pipe can tell.
    let mut follower = server.spawn(&["consume", "t", "--from", "earliest"]);
    assert_eq!(lines(&mut follower).next().unwrap().unwrap(), "one");
    let end = ended(follower);
    assert_eq!((end.code, end.stderr.as_str()), (0, ""));

    let many: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    feed(&server, &["produce", "t"], many.as_bytes());
    let mut reader = server.spawn(&["consume", "t", "--until-end"]);
    assert_eq!(lines(&mut reader).next().unwrap().unwrap(), "one");
    let end = ended(reader);
    assert_eq!((end.code, end.stderr.as_str()), (0, ""));
}

#[test]
fn a_paced_producer_sends_bit_by_bit_and_stops_at_ctrl_c() {
    let server = server();
    let mut producer = piped(&mut command(&[
        "produce",
        "t",
        "--rate",
        "1",
        "-b",
        &server.kafka,
    ]));
    let mut input = producer.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, "line\n".repeat(1_000).as_bytes()).unwrap();
    // The first is there although the rest waits.
    let first = server.run(&["consume", "t", "--from", "earliest", "-n", "1"]);
    assert_eq!(printed(&first), "line\n");
    signal(&producer, Signal::INT);
    let end = ended(producer);
    assert_eq!(end.code, 130, "{end:?}");
    let sent: usize = end.stderr.split(' ').next().unwrap().parse().unwrap();
    assert!((1..100).contains(&sent), "{end:?}");
    assert_eq!(
        printed(&consume(&server, &[])).lines().count(),
        sent,
        "the summary tells what was stored"
    );
}

#[test]
fn a_producer_that_cannot_send_says_why() {
    let server = server();
    feed(&server, &["produce", "tt"], b"x").failed(3, "did you mean \"t\"?");
    feed(&server, &["produce", "t", "-p", "3"], b"x").failed(3, "no partition 3: it has 1");
    feed(&server, &["produce", "t", "-K", ""], b"x").failed(2, "--key-separator");
    run(&["produce", "t", "-b", "127.0.0.1:1"]).failed(5, "nothing listens there");
}
