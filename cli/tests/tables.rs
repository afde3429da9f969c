//! What the control plane refuses and what the engine refuses is the same: where kinds of modules may run, and which
//! parameters fit.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tidemill_resource::{ModuleKind, ModuleParam, TransformPlace, resolve_params};
use tidemill_smartengine::{Engine, EngineConfig, Kind, Module, Params, Place};

#[test]
fn kinds_may_run_in_the_same_places_for_the_same_reasons() {
    for kind in ModuleKind::ALL {
        let of_engine: Kind = serde_json::from_value(json!(kind)).unwrap();
        for (ours, theirs) in [
            (TransformPlace::Ingest, Place::Ingest),
            (TransformPlace::View, Place::View),
            (TransformPlace::Session, Place::Session),
        ] {
            let refused = theirs.check(of_engine).map_err(|error| error.to_string());
            assert_eq!(ours.check(kind), refused, "{kind} in {ours:?}");
        }
    }
}

/// A module that describes itself so.
fn module(description: &Value) -> Arc<Module> {
    let description = description.to_string();
    let text = format!(
        r#"(module
            (memory (export "memory") 2)
            (data (i32.const 16) "{}")
            (func (export "tm_alloc") (param i32) (result i32) (i32.const 4096))
            (func (export "tm_free") (param i32 i32))
            (func (export "tm_describe") (result i64) (i64.const {}))
            (func (export "tm_init") (param i32 i32) (result i64) (i64.const 0))
            (func (export "tm_process") (param i32 i32) (result i64) (i64.const 0)))"#,
        description.replace('"', "\\\""),
        16_u64 << 32 | description.len() as u64,
    );
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::new(&EngineConfig::default()).unwrap());
    engine.load(&wat::parse_str(text).unwrap()).unwrap()
}

#[test]
fn the_same_parameters_fit() {
    let types = ["string", "integer", "number", "boolean", "stringList", "json"];
    let values = [
        json!("x"),
        json!("5"),
        json!("-1.5"),
        json!("NaN"),
        json!("1e999"),
        json!(" 7 "),
        json!("true"),
        json!("a,b"),
        json!("{\"a\": [1]}"),
        json!(""),
        json!(5),
        json!(-3),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!(null),
        json!([]),
        json!(["a"]),
        json!([1]),
        json!({"a": 1}),
    ];
    for kind in types {
        for (required, one_of) in [
            (false, json!([])),
            (true, json!([])),
            (false, json!(["x", 5, true, ["a"]])),
        ] {
            let params = json!([{"name": "p", "type": kind, "required": required, "oneOf": one_of}]);
            let module = module(&json!({"abi": 1, "kind": "filter", "params": params}));
            let schema: Vec<ModuleParam> = serde_json::from_value(params.clone()).unwrap();
            let given = values.iter().map(|value| json!({"p": value}));
            for given in given.chain([json!({}), json!({"q": 1})]) {
                let theirs: Params = serde_json::from_value(given.clone()).unwrap();
                let ours = resolve_params(&schema, &theirs.clone().into_iter().collect());
                let fits = module.check_params(&theirs);
                assert_eq!(ours.is_ok(), fits.is_ok(), "{params} {given}: {ours:?}, {fits:?}");
            }
        }
    }
}
