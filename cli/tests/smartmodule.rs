//! SmartModules tried out by the real program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use program::run;

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
