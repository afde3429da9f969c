//! SmartModules tried out by the real program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use program::{Server, feed, lines, printed, run};
use serde_json::json;

/// An example of the Rust SDK, built.
fn wasm(name: &str) -> String {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let dir = BUILT.get_or_init(|| {
        let house = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house.join("target"), PathBuf::from);
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--release",
                "--examples",
                "--target",
                "wasm32-unknown-unknown",
            ])
            .arg("--manifest-path")
            .arg(house.join("smartmodule/sdk/rust/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .status()
            .unwrap();
        assert!(
            built.success(),
            "is the target there? `rustup target add wasm32-unknown-unknown`"
        );
        target.join("wasm32-unknown-unknown/release/examples")
    });
    dir.join(format!("{name}.wasm")).to_str().unwrap().to_owned()
}

#[test]
fn a_module_is_described() {
    let described = run(&["smartmodule", "describe", &wasm("filter"), "-o", "json"]).json();
    assert_eq!(described["description"]["kind"], "filter");
    assert_eq!(described["form"], "core");
    assert!(described["digest"].as_str().unwrap().starts_with("sha256:"));
    let people = run(&["smartmodule", "describe", &wasm("filter")]);
    assert!(
        people
            .stdout
            .contains("Keeps records whose value contains a text."),
        "{people:?}"
    );
    assert!(people.stdout.contains("What to look for"), "{people:?}");
}

#[test]
fn records_run_through_a_chain() {
    let (filter, map) = (wasm("filter"), wasm("map"));
    let came = run(&[
        "smartmodule",
        "test",
        &filter,
        &map,
        "-e",
        "text=o",
        "--record",
        "one",
        "--record",
        "three",
        "--record",
        "two",
        "-o",
        "json",
    ])
    .json();
    let values: Vec<&str> = came["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["ONE", "TWO"]);
    assert_eq!(came["records"][1]["offset"], 2, "offsets are those of the source");
    assert_eq!(came["steps"][0]["recordsOut"], 2);
}

#[test]
fn refused_records_and_their_reasons_are_shown() {
    let came = run(&[
        "smartmodule",
        "test",
        &wasm("validate"),
        "--record",
        "7",
        "--record",
        "x",
    ]);
    assert_eq!(came.code, 0, "{came:?}");
    assert!(
        came.stdout.contains("record 1 is refused: `x` is not a number"),
        "{came:?}"
    );
}

#[test]
fn a_chain_that_stops_says_where_and_why() {
    let came = run(&[
        "smartmodule",
        "test",
        &wasm("crash"),
        "--record",
        "a",
        "--record",
        "boom",
    ]);
    assert_eq!(came.code, 7, "{came:?}");
    assert!(came.stderr.contains("crash.wasm: the module crashed"), "{came:?}");
    assert!(
        came.stderr.contains("this record is too much"),
        "what it said last is shown: {came:?}"
    );
    let aside = run(&[
        "smartmodule",
        "test",
        &wasm("crash"),
        "--record",
        "a",
        "--record",
        "boom",
        "--on-error",
        "dead-letter",
    ]);
    assert!(aside.stdout.contains("record 1 is put aside"), "{aside:?}");
}

#[test]
fn what_is_no_module_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("m.wasm");
    std::fs::write(&text, "not wasm").unwrap();
    let refused = run(&["smartmodule", "describe", text.to_str().unwrap()]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("m.wasm: not a SmartModule: it is not WebAssembly"),
        "{refused:?}"
    );
    let missing = run(&["smartmodule", "test", "nowhere.wasm", "--record", "a"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    let unknown = run(&[
        "smartmodule",
        "test",
        &wasm("filter"),
        "-e",
        "txet=a",
        "--record",
        "a",
    ]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("it takes text, invert"), "{unknown:?}");
}

#[test]
fn modules_are_examined() {
    let good = run(&["smartmodule", "conform", &wasm("map")]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(
        good.stdout.contains("passed   it answers ten thousand records"),
        "{good:?}"
    );
    let bad = run(&["smartmodule", "conform", &wasm("crash"), "-o", "json"]);
    assert_eq!(bad.code, 0, "it crashes over one word alone: {bad:?}");
}

/// Three records in partition 0 and one in partition 1.
fn with_records() -> Server {
    let server = Server::start(&[]);
    assert_eq!(server.run(&["topic", "create", "t", "--partitions", "2"]).code, 0);
    let first = b"fine\nan error\nthe last error\n";
    assert_eq!(feed(&server, &["produce", "t", "-p", "0"], first).code, 0);
    assert_eq!(
        feed(&server, &["produce", "t", "-p", "1"], b"another error\n").code,
        0
    );
    server
}

#[test]
fn a_module_is_tried_on_records_of_a_topic() {
    let server = with_records();
    let test = |more: &[&str]| {
        let filter = wasm("filter");
        let arguments = ["smartmodule", "test", &filter, "--topic", "t", "-o", "json"];
        let came = server.run(&[&arguments, more].concat()).json();
        let records = came["records"].as_array().unwrap().clone();
        let mut seen: Vec<(i64, i64, String)> = records
            .iter()
            .map(|record| {
                let number = |name: &str| record[name].as_i64().unwrap();
                let value = record["value"].as_str().unwrap().to_owned();
                (number("partition"), number("offset"), value)
            })
            .collect();
        seen.sort();
        (seen, came["steps"][0]["recordsIn"].as_i64().unwrap())
    };
    let of = |partition, offset, value: &str| (partition, offset, value.to_owned());
    let [one, last, other] = [
        of(0, 1, "an error"),
        of(0, 2, "the last error"),
        of(1, 0, "another error"),
    ];
    assert_eq!(test(&[]), (vec![one.clone(), last.clone(), other], 4));
    assert_eq!(test(&["-p", "0", "-n", "2"]), (vec![one], 2));
    assert_eq!(test(&["-p", "0", "--offset", "2"]), (vec![last], 1));
    let none = server.run(&["smartmodule", "test", &wasm("filter"), "--topic", "nowhere"]);
    assert_eq!(none.code, 3, "{none:?}");
    let both = [
        "smartmodule",
        "test",
        &wasm("filter"),
        "--topic",
        "t",
        "--record",
        "a",
    ];
    server.run(&both).failed(2, "not both at once");
    let place = [
        "smartmodule",
        "test",
        &wasm("filter"),
        "--record",
        "a",
        "--offset",
        "1",
    ];
    server.run(&place).failed(2, "name it with --topic");
}

#[test]
fn versions_are_compared_before_one_takes_the_others_place() {
    let server = with_records();
    let (filter, map, validate) = (wasm("filter"), wasm("map"), wasm("validate"));
    let diff = |old: &str, new: &str, more: &[&str]| {
        let arguments = ["smartmodule", "diff", old, new, "--topic", "t"];
        server.run(&[&arguments, more].concat())
    };
    let same = diff(&filter, &filter, &["--exit-code", "-o", "json"]).json();
    assert_eq!((&same["same"], &same["different"]), (&4.into(), &0.into()));
    let other = diff(&filter, &map, &["--exit-code", "-o", "json", "--show", "2"]);
    assert_eq!(other.code, 10, "{other:?}");
    let other = other.printed();
    assert_eq!((&other["changed"], &other["added"]), (&3.into(), &1.into()));
    assert_eq!(other["differences"].as_array().unwrap().len(), 2);
    assert_eq!(other["old"]["recordsOut"], 3);
    let people = diff(&filter, &map, &[]);
    assert_eq!(people.code, 0, "{people:?}");
    assert!(people.stdout.contains("THE LAST ERROR"), "{people:?}");
    assert!(
        people.stdout.contains("4 records: 0 the same, 4 differ"),
        "{people:?}"
    );
    let refusing = diff(&map, &validate, &["-o", "json"]).json();
    assert_eq!(refusing["failsNow"], 4, "{refusing}");
}

#[test]
fn a_server_keeps_modules_and_their_versions() {
    let server = Server::start(&[]);
    let sm = |arguments: &[&str]| server.run(&[&["smartmodule"], arguments].concat());
    let loaded = sm(&["load", "keep", &wasm("filter"), "--description", "Keeps some"]);
    assert_eq!(loaded.code, 0, "{loaded:?}");
    assert!(
        loaded.stderr.contains("loaded SmartModule keep: a filter"),
        "{loaded:?}"
    );
    let first = sm(&["load", "keep", &wasm("map"), "-o", "json"]).json();
    let versions = first["status"]["versions"].as_array().unwrap();
    assert_eq!(
        (versions[0]["kind"].as_str(), versions[1]["kind"].as_str()),
        (Some("map"), Some("filter"))
    );

    let listed = sm(&["list", "-o", "json"]).json();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["kind"]),
        (&json!("keep"), &json!("map"))
    );
    assert_eq!(
        (&listed[0]["versions"], &listed[0]["description"]),
        (&json!(2), &json!("Keeps some"))
    );
    assert!(printed(&sm(&["list"])).contains("LANGUAGE"));

    let back = sm(&["rollback", "keep"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(sm(&["list", "-o", "json"]).json()[0]["kind"], "filter");
    sm(&["rollback", "keep"]).failed(3, "no version that was loaded before");
    let to = versions[0]["digest"].as_str().unwrap();
    assert_eq!(sm(&["rollback", "keep", "--to", &to[..16]]).code, 0);
    assert_eq!(sm(&["list", "-o", "json"]).json()[0]["kind"], "map");
    sm(&["rollback", "keep", "--to", "ffff"]).failed(2, "has no version `ffff`");

    let people = sm(&["describe", "keep"]);
    assert!(
        printed(&people).contains("Keeps some") && people.stdout.contains(to),
        "{people:?}"
    );
    sm(&["describe", "kep"]).failed(3, "did you mean `keep`?");
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.wasm");
    std::fs::write(&none, "not wasm").unwrap();
    sm(&["load", "keep", none.to_str().unwrap()]).failed(2, "it is not WebAssembly");
    assert_eq!(sm(&["delete", "keep"]).code, 0);
    sm(&["delete", "keep"]).failed(3, "there is no SmartModule `keep`");
}

#[test]
fn views_are_applied_with_their_modules_and_deleted_in_order() {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let loaded = server.run(&["smartmodule", "load", "keep", &wasm("filter")]);
    assert_eq!(loaded.code, 0, "{loaded:?}");
    let documents = dir.path().join("views.yaml");
    let text = |lease: &str| {
        format!(
            "apiVersion: tidemill.dev/v1\nkind: View\nmetadata: {{name: two}}\nspec: {{source: one{lease}}}\n---\n\
             apiVersion: tidemill.dev/v1\nkind: View\nmetadata: {{name: one}}\n\
             spec: {{source: orders, transforms: [{{module: keep, params: {{text: a}}}}]}}\n---\n\
             apiVersion: tidemill.dev/v1\nkind: Topic\nmetadata: {{name: orders}}\nspec: {{partitions: 2}}\n"
        )
    };
    std::fs::write(&documents, text("")).unwrap();
    let path = documents.to_str().unwrap();
    let applied = server.run(&["apply", "-f", path, "--wait"]);
    assert!(
        printed(&applied).ends_with("3 created, 0 changed, 0 unchanged\n"),
        "{applied:?}"
    );
    let view = server.run(&["get", "view", "two", "-o", "json"]).json();
    assert_eq!(
        (&view["status"]["sourceTopic"], &view["status"]["partitions"]),
        (&json!("orders"), &json!(2))
    );
    assert!(printed(&server.run(&["get", "views"])).contains("SOURCE"));
    let described = server.run(&["describe", "view", "one"]);
    assert!(
        printed(&described).contains("View/two"),
        "it says who reads it: {described:?}"
    );
    server
        .run(&["delete", "view", "one"])
        .failed(4, "is read by View/two");
    server
        .run(&["smartmodule", "delete", "keep"])
        .failed(4, "is used by View/one");

    let mut watch = server.spawn(&["watch", "views", "-n", "4", "-o", "json"]);
    let mut told = lines(&mut watch);
    assert!(told.next().unwrap().unwrap().contains("created"));
    let deleted = server.run(&["delete", "-f", path]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    assert!(told.any(|line| line.unwrap().contains("deleted")));
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(server.run(&["smartmodule", "delete", "keep"]).code, 0);
}

#[test]
fn modules_and_views_outlive_a_restart() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "orders"]);
    server.run(&["smartmodule", "load", "keep", &wasm("filter")]);
    let dir = tempfile::tempdir().unwrap();
    let documents = dir.path().join("view.yaml");
    let text = "apiVersion: tidemill.dev/v1\nkind: View\nmetadata: {name: one}\n\
                spec: {source: orders, transforms: [{module: keep, params: {text: a}}]}\n";
    std::fs::write(&documents, text).unwrap();
    let path = documents.to_str().unwrap();
    assert_eq!(server.run(&["apply", "-f", path, "--wait"]).code, 0);
    let server = server.restarted();
    assert_eq!(
        server.run(&["apply", "-f", path, "--wait", "-o", "json"]).json()["summary"]["unchanged"],
        1
    );
    let module = server.run(&["get", "smartmodule", "keep", "-o", "json"]).json();
    assert_eq!(module["status"]["conditions"][0]["status"], "True", "{module}");
}
