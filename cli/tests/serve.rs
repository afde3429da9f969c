//! `tidemill serve`: how it starts, stops, and says why it does not start.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use program::{Server, command, ended, printed, run, signal, text};

const FREE: &str = "127.0.0.1:0";

/// Starts a server that logs JSON lines; answers it, and the line that says it is ready.
fn start(kafka: &str, dir: &Path, more: &[&str]) -> (Child, Value) {
    let mut command = command(&["serve", "--kafka", kafka, "--http", FREE, "--log-format", "json"]);
    command
        .arg("--data-dir")
        .arg(dir)
        .args(more)
        .stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let ready = lines
        .by_ref()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .find(|line| line["fields"]["message"] == "ready")
        .expect("it gets ready");
    std::thread::spawn(move || lines.for_each(drop));
    (server, ready)
}

fn stop(server: Child, way: Signal) {
    signal(&server, way);
    assert_eq!(ended(server).code, 0);
}

#[test]
fn it_stops_cleanly_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let ready_file = dir.path().join("ready.json");
    let data = dir.path().join("deep/data");
    for (round, way) in [Signal::TERM, Signal::INT].into_iter().enumerate() {
        // What an earlier server left behind must not be taken for this one's.
        std::fs::write(&ready_file, "old").unwrap();
        let (server, ready) = start(FREE, &data, &["--ready-file", text(&ready_file)]);
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&ready_file).unwrap()).unwrap();
        assert_eq!(file["kafka"], ready["fields"]["kafka"]);
        assert_eq!(file["http"], ready["fields"]["http"]);
        assert_eq!(file["pid"], server.id());
        let kafka = file["kafka"].as_str().unwrap();
        if round == 0 {
            assert_eq!(run(&["topic", "create", "t", "-b", kafka]).code, 0);
        }
        assert_eq!(run(&["produce", "t", text(&ready_file), "-b", kafka]).code, 0);
        stop(server, way);
    }
    let (server, ready) = start(FREE, &data, &[]);
    let kafka = ready["fields"]["kafka"].as_str().unwrap();
    let read = run(&["consume", "t", "--until-end", "-b", kafka]);
    assert_eq!(printed(&read).lines().count(), 2);
    stop(server, Signal::TERM);
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let server = Server::start(&[]);
    let data = server.data_dir();
    let second = run(&[
        "serve",
        "--data-dir",
        text(&data),
        "--kafka",
        FREE,
        "--http",
        FREE,
    ]);
    second.failed(1, &format!("is in use by process {}", server.pid()));
    second.failed(1, "another --data-dir");
    assert_eq!(
        server.run(&["topic", "list"]).code,
        0,
        "the first is not disturbed"
    );
}

#[test]
fn what_keeps_it_from_starting_is_told_with_the_mend() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let taken = TcpListener::bind(FREE).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = |more: &[&str]| run(&[&["serve", "--data-dir", text(&data)], more].concat());
    serve(&["--kafka", &address, "--http", FREE]).failed(1, "another address with --kafka");
    serve(&["--kafka", FREE, "--http", &address]).failed(1, "another address with --http");
    serve(&["--kafka", "0.0.0.0:0", "--http", FREE]).failed(1, "--insecure-listen");
    serve(&["--kafka", "9092"]).failed(2, "write HOST:PORT");
    serve(&["--log", "a=b=c"]).failed(2, "no log filter");
    serve(&["--config", "/nonexistent.toml"]).failed(2, "/nonexistent.toml");

    let file = dir.path().join("settings.toml");
    std::fs::write(&file, "kafak = '127.0.0.1:0'").unwrap();
    serve(&["--config", text(&file)]).failed(2, "did you mean `kafka`?");
    run(&[
        "serve",
        "--data-dir",
        text(&file),
        "--kafka",
        FREE,
        "--http",
        FREE,
    ])
    .failed(1, "choose another with --data-dir");
    let ready = dir.path().join("none/ready.json");
    serve(&["--kafka", FREE, "--http", FREE, "--ready-file", text(&ready)])
        .failed(1, "cannot write ready file");
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, "kafka = 'nowhere:1'\n").unwrap();
    let serve = |variable: &str| {
        let mut command = command(&["serve", "--http", FREE, "--config", text(&file)]);
        command
            .arg("--data-dir")
            .arg(dir.path())
            .env("TIDEMILL_KAFKA", variable);
        ended(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    };
    serve("127.0.0.1:0").failed(2, "settings.toml");
    let taken = TcpListener::bind(FREE).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(&file, "kafka = '0.0.0.0:0'\n").unwrap();
    serve(&address).failed(1, &format!("cannot listen on {address}"));
    let (server, _) = start(FREE, &dir.path().join("data"), &["--config", text(&file)]);
    stop(server, Signal::TERM);
}

#[test]
fn it_listens_on_names_too() {
    let dir = tempfile::tempdir().unwrap();
    let (server, ready) = start("localhost:0", dir.path(), &[]);
    let kafka = ready["fields"]["kafka"].as_str().unwrap().to_owned();
    assert!(
        kafka.starts_with("127.0.0.1:") || kafka.starts_with("[::1]:"),
        "{kafka}"
    );
    assert_eq!(run(&["topic", "list", "-b", &kafka]).code, 0);
    stop(server, Signal::TERM);
}
