//! How commands find the server, what they say when they do not, and what needs none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use program::{Outcome, Server, command, ended, printed, run};

/// Runs a command with a file of profiles, and perhaps a variable that names a server.
fn run_with(profiles: &Path, bootstrap: Option<&str>, arguments: &[&str]) -> Outcome {
    let mut command = command(arguments);
    command.env("TIDEMILL_CONFIG", profiles);
    if let Some(bootstrap) = bootstrap {
        command.env("TIDEMILL_BOOTSTRAP", bootstrap);
    }
    ended(
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

#[test]
fn a_flag_goes_before_the_environment_before_the_profile() {
    let server = Server::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settings/profiles.toml");
    let profile = |arguments: &[&str]| run_with(&path, None, &[&["profile"], arguments].concat());
    let list = ["topic", "list", "-o", "json"];

    assert_eq!(profile(&["list", "-o", "json"]).json(), json!([]));
    assert_eq!(profile(&["add", "here", "--bootstrap", &server.kafka]).code, 0);
    assert_eq!(profile(&["add", "gone", "--bootstrap", "127.0.0.1:1"]).code, 0);
    assert_eq!(
        run_with(&path, None, &list).json(),
        json!([]),
        "the first profile is in use"
    );
    run_with(&path, Some("127.0.0.1:1"), &list).failed(5, "127.0.0.1:1 comes from TIDEMILL_BOOTSTRAP");
    let flag = [&list[..], &["--bootstrap", &server.kafka]].concat();
    assert_eq!(run_with(&path, Some("127.0.0.1:1"), &flag).json(), json!([]));
    let named = [&list[..], &["--profile", "here"]].concat();
    assert_eq!(
        run_with(&path, Some("127.0.0.1:1"), &named).json(),
        json!([]),
        "who names a profile means it"
    );

    assert_eq!(profile(&["use", "gone"]).code, 0);
    run_with(&path, None, &list).failed(5, "127.0.0.1:1 comes from profile \"gone\"");
    let rows = profile(&["list"]);
    assert_eq!(
        printed(&rows)
            .lines()
            .nth(1)
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["gone", "yes", "127.0.0.1:1", "-"]
    );

    profile(&["add", "here", "-b", "x:1"]).failed(4, "--replace");
    profile(&["use", "her"]).failed(3, "did you mean \"here\"?");
    assert_eq!(profile(&["remove", "gone"]).code, 0);
    let left = profile(&["list", "-o", "json"]).json();
    assert_eq!(
        left,
        json!([{"name": "here", "inUse": false, "bootstrap": server.kafka, "adminUrl": null}])
    );
    assert_eq!(
        profile(&["add", "here", "-b", "x:1", "--replace", "--use"]).code,
        0
    );
    assert_eq!(profile(&["list", "-o", "json"]).json()[0]["bootstrap"], "x:1");

    std::fs::write(&path, "current = 5").unwrap();
    run_with(&path, None, &list).failed(2, "is not a file of profiles");
}

#[test]
fn a_wrong_port_or_address_is_told_with_the_mend() {
    let server = Server::start(&[]);
    let list = |bootstrap: &str| run(&["topic", "list", "--bootstrap", bootstrap]);
    let http = server.http.strip_prefix("http://").unwrap();
    list(http).failed(5, "it is an HTTP server. Use the Kafka port");
    list("127.0.0.1:1").failed(5, "nothing listens there. Start the server (tidemill serve)");
    list("http://127.0.0.1:9092").failed(2, "Write HOST:PORT");
    list("127.0.0.1:port").failed(2, "the port is not a number");
    let kafka = format!("http://{}", server.kafka);
    run(&["get", "topics", "--admin-url", &kafka]).failed(5, "HTTP port (8092 by default), not Kafka's");
    run(&["get", "topics", "--admin-url", "http://127.0.0.1:1"]).failed(5, "Check that the server runs");
    // The first server that answers will do.
    assert_eq!(list(&format!("127.0.0.1:1,{}", server.kafka)).code, 0);
}

/// Answers the first request of one connection with `answer`, and closes it.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer);
        }
    });
    address
}

#[test]
fn a_server_of_another_kind_is_recognised() {
    let list = |answer: &'static [u8]| run(&["topic", "list", "--bootstrap", &answering(answer)]);
    // An alert: protocol version.
    list(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]).failed(5, "it speaks TLS");
    list(b"SSH-2.0-OpenSSH_9.6\r\n").failed(5, "it is an SSH server");
    list(b"+PONG\r\n+PONG\r\n").failed(5, "its answer starts with");
    list(b"").failed(5, "does not ask for TLS");
}

#[test]
fn wrong_usage_is_told_before_anything_is_done() {
    for (arguments, part) in [
        (&["tpic"][..], "a similar subcommand exists: 'topic'"),
        (&["topic", "create"], "<NAME>"),
        (&["topic", "create", "a", "-p", "0"], "0 is not in"),
        (&["topic", "create", "a", "-c", "retention.ms"], "name=value"),
        (
            &["topic", "list", "-o", "xml"],
            "[possible values: table, json, yaml]",
        ),
        (&["consume", "a", "--from", "noon"], "no place in a topic"),
        (&["consume", "a", "-g", "g", "-p", "1"], "cannot be used with"),
        (&["produce", "a", "--rate", "0"], "`0` is no rate"),
        (
            &["get", "topics", "--profile", "x", "-b", "y"],
            "cannot be used with",
        ),
    ] {
        run(arguments).failed(2, part);
    }
}

#[test]
fn what_needs_no_server_needs_none() {
    assert_eq!(
        run(&["version"]).stdout,
        format!("tidemill {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        run(&["version", "-o", "json"]).json()["version"],
        env!("CARGO_PKG_VERSION")
    );
    assert!(printed(&run(&["--version"])).starts_with("tidemill "));
    assert!(printed(&run(&["--help"])).contains("Exit codes:"));
    for (shell, part) in [
        ("bash", "complete -F _tidemill"),
        ("zsh", "#compdef tidemill"),
        ("fish", "complete -c tidemill"),
    ] {
        let script = run(&["completions", shell]);
        assert!(printed(&script).contains(part), "{shell}");
        assert!(script.stdout.contains("reset-offsets"), "{shell}");
    }
}
