//! The examination passes modules that honour the contract, and finds out those that do not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use support::{engine, example_wasm, setting};
use tidemill_smartengine::{Check, Verdict, conform};

fn examine(wasm: &[u8]) -> Vec<Check> {
    conform(engine(), wasm, &setting(&[])).unwrap()
}

#[test]
fn every_example_of_the_rust_sdk_honours_the_contract() {
    for name in [
        "filter",
        "map",
        "filter_map",
        "flat_map",
        "validate",
        "aggregate",
        "join",
        "dedup",
    ] {
        for check in examine(&example_wasm(name)) {
            let bad = matches!(check.verdict, Verdict::Failed(_) | Verdict::Advised(_));
            assert!(!bad, "{name}: {check:?}");
        }
    }
}

#[test]
fn a_module_that_takes_every_frame_for_good_is_found_out() {
    let description = r#"{\"abi\":1,\"kind\":\"filter\"}"#;
    // It answers each call with a selection of three.
    let text = format!(
        r#"(module
            (memory (export "memory") 40)
            (data (i32.const 16) "{description}")
            (data (i32.const 1024) "\01\00\00\00\03\00\00\00\00\00\00\00\00\00\00\00\07")
            (func (export "tm_alloc") (param i32) (result i32) (i32.const 4096))
            (func (export "tm_free") (param i32 i32))
            (func (export "tm_describe") (result i64) (i64.const {}))
            (func (export "tm_init") (param i32 i32) (result i64) (i64.const 0))
            (func (export "tm_process") (param i32 i32) (result i64) (i64.const {})))"#,
        16u64 << 32 | 25,
        1024u64 << 32 | 17,
    );
    let checks = examine(&wat::parse_str(text).unwrap());
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| matches!(check.verdict, Verdict::Failed(_)))
        .map(|check| check.what)
        .collect();
    assert!(
        failed.contains(&"it fails a frame that is none, and goes on"),
        "{checks:?}"
    );
    assert!(failed.contains(&"it answers ten thousand records"), "{checks:?}");
    assert!(matches!(&checks[0].verdict, Verdict::Advised(what) if what.contains("no name, version")));
}
