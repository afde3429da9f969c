//! Real modules over real batches.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::json;
use support::{batch, batch_in, engine, example, read, setting, step};
use tidemill_smartengine::{
    Carrier, Chain, Kind, OnError, Outcome, Output, ParamType, Place, SmartModuleError, Step,
};
use tidemill_wire::batch::Batch;
use tidemill_wire::codec::Compression;

fn run(steps: &[Step], place: Place, batch: &Batch) -> Outcome {
    Chain::start(steps, place).unwrap().run(batch).unwrap()
}

fn out(outcome: &Outcome) -> Vec<(i64, String)> {
    match &outcome.output {
        Output::Batch(bytes) => read(bytes),
        other => panic!("no batch came out: {other:?}"),
    }
}

fn pairs(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected
        .iter()
        .map(|(offset, value)| (*offset, (*value).to_owned()))
        .collect()
}

#[test]
fn a_module_says_what_it_is_and_which_parameters_it_takes() {
    let module = example("filter");
    let description = module.description();
    assert_eq!(module.carrier(), Carrier::Core);
    assert_eq!(description.kind, Kind::Filter);
    assert_eq!(description.language, "rust");
    assert_eq!(
        description.description,
        "Keeps records whose value contains a text."
    );
    let [text, invert] = description.params.as_slice() else {
        panic!("it takes two parameters")
    };
    assert_eq!(
        (text.name.as_str(), text.kind, text.required),
        ("text", ParamType::String, false)
    );
    assert_eq!(text.default, Some(json!("error")));
    assert_eq!(
        (invert.kind, &invert.default),
        (ParamType::Boolean, &Some(json!(false)))
    );
    assert!(!description.look_back);
    assert!(example("dedup").description().look_back);
}

#[test]
fn a_filter_keeps_records_as_they_are_in_every_codec() {
    let filter = example("filter");
    for codec in Compression::ALL {
        let before = batch_in(codec, &["an error", "fine", "no error", "fine", "fine", "error"]);
        let outcome = run(&[step(&filter, OnError::Fail)], Place::View, &before);
        assert_eq!(
            out(&outcome),
            pairs(&[(500, "an error"), (502, "no error"), (505, "error")])
        );
        let Output::Batch(bytes) = &outcome.output else {
            unreachable!()
        };
        let after = Batch::parse(&mut bytes.clone()).unwrap().header;
        assert_eq!(
            (after.producer_id, after.base_sequence),
            (7, 11),
            "the producer's sequence stays"
        );
        assert_eq!(
            (after.base_offset, after.last_offset_delta),
            (500, 5),
            "its place in the log stays"
        );
        assert_eq!((after.record_count, after.max_timestamp), (3, 1_005));
        assert_eq!(after.attributes, before.header.attributes);
        let report = &outcome.steps[0];
        assert_eq!(
            (report.records_in, report.records_out, report.records_failed),
            (6, 3, 0)
        );
    }
}

#[test]
fn all_or_none_of_a_batch_is_not_written_anew() {
    let filter = example("filter");
    let steps = [step(&filter, OnError::Fail)];
    assert_eq!(
        run(&steps, Place::View, &batch(&["error", "errors"])).output,
        Output::Same
    );
    assert_eq!(
        run(&steps, Place::View, &batch(&["a", "b"])).output,
        Output::Nothing
    );
    assert_eq!(run(&[], Place::View, &batch(&["a"])).output, Output::Same);
}

#[test]
fn parameters_of_any_spelling_reach_the_module() {
    let filter = example("filter");
    for invert in [json!(true), json!("true")] {
        let mut step = step(&filter, OnError::Fail);
        step.setting = setting(&[("text", json!("b")), ("invert", invert)]);
        let outcome = run(&[step], Place::Ingest, &batch(&["a", "b", "c"]));
        assert_eq!(out(&outcome), pairs(&[(500, "a"), (502, "c")]));
    }
}

#[test]
fn wrong_parameters_are_refused_with_what_would_be_right() {
    let filter = example("filter");
    let refused = |name: &str, value| {
        let mut step = step(&filter, OnError::Fail);
        step.setting = setting(&[(name, value)]);
        let error = Chain::start(&[step], Place::View).err().unwrap().error;
        assert!(matches!(error, SmartModuleError::Parameter { .. }), "{error:?}");
        error.to_string()
    };
    assert_eq!(
        refused("txet", json!("x")),
        "parameter `txet`: the module has no such parameter; it takes text, invert"
    );
    assert_eq!(
        refused("invert", json!("yes")),
        "parameter `invert`: must be true or false, not \"yes\""
    );
}

#[test]
fn every_kind_does_what_it_says() {
    let numbers = batch(&["1", "two", "3"]);
    let map = run(&[step(&example("map"), OnError::Fail)], Place::View, &numbers);
    assert_eq!(out(&map), pairs(&[(500, "1"), (501, "TWO"), (502, "3")]));
    let filter_map = run(
        &[step(&example("filter_map"), OnError::Fail)],
        Place::View,
        &numbers,
    );
    assert_eq!(out(&filter_map), pairs(&[(500, "2"), (502, "6")]));
    let flat_map = run(
        &[step(&example("flat_map"), OnError::Fail)],
        Place::Session,
        &batch(&["a b", "", "c"]),
    );
    assert_eq!(out(&flat_map), pairs(&[(500, "a"), (500, "b"), (502, "c")]));
    let join = run(
        &[step(&example("join"), OnError::Fail)],
        Place::Pipeline,
        &batch(&["a", "b"]),
    );
    assert_eq!(join.output, Output::Nothing, "the keys of the two differ");
}

#[test]
fn a_map_keeps_keys_headers_and_times_that_it_does_not_change() {
    let outcome = run(
        &[step(&example("map"), OnError::Fail)],
        Place::View,
        &batch(&["a"]),
    );
    let Output::Batch(bytes) = outcome.output else {
        panic!("a batch comes out")
    };
    let batch = Batch::parse(&mut bytes.clone()).unwrap();
    let records = batch.records(1 << 20).unwrap();
    let record = records.iter().next().unwrap().unwrap();
    assert_eq!((record.timestamp, record.key), (1_000, Some(&b"k0"[..])));
    let headers: Vec<_> = record.headers.iter().collect();
    assert_eq!(headers.len(), 2);
    assert_eq!(headers[1].1, Some(&b"in capitals"[..]));
}

#[test]
fn a_validating_module_says_which_records_are_bad_and_why() {
    let module = example("validate");
    for on_error in [OnError::Fail, OnError::Skip, OnError::Pass, OnError::DeadLetter] {
        let outcome = run(
            &[step(&module, on_error)],
            Place::Ingest,
            &batch(&["5", "x", "101", "100"]),
        );
        assert_eq!(out(&outcome), pairs(&[(500, "5"), (503, "100")]));
        let told: Vec<_> = outcome
            .rejected
            .iter()
            .map(|bad| (bad.index, bad.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [(1, "`x` is not a number"), (2, "101 is not from 0 to 100")]
        );
        assert!(outcome.dead.is_empty());
    }
}

#[test]
fn an_aggregate_goes_on_from_batch_to_batch() {
    let mut chain = Chain::start(&[step(&example("aggregate"), OnError::Skip)], Place::Session).unwrap();
    let first = chain.run(&batch(&["1", "2", "x", "3"])).unwrap();
    assert_eq!(out(&first), pairs(&[(500, "1"), (501, "3"), (503, "6")]));
    let second = chain.run(&batch(&["10"])).unwrap();
    assert_eq!(out(&second), pairs(&[(500, "16")]));
}

#[test]
fn what_happens_to_a_record_that_fails_is_the_stream_s_choice() {
    let map = example("map");
    let mut bytes = batch(&["a", "b", "c"]).bytes.to_vec();
    // The value of the second record becomes bytes that are no text.
    let at = bytes.iter().rposition(|byte| *byte == b'b').unwrap();
    bytes[at] = 0xff;
    tidemill_wire::batch::patch::set_crc(&mut bytes);
    let before = Batch::parse(&mut bytes.into()).unwrap();

    let error = Chain::start(&[step(&map, OnError::Fail)], Place::View)
        .unwrap()
        .run(&before)
        .unwrap_err();
    assert_eq!((error.step, error.offset_delta), (0, Some(1)));
    assert!(error.to_string().contains("the value is not text"), "{error}");

    let skipped = run(&[step(&map, OnError::Skip)], Place::View, &before);
    assert_eq!(out(&skipped), pairs(&[(500, "A"), (502, "C")]));
    assert!(skipped.dead.is_empty());

    let aside = run(&[step(&map, OnError::DeadLetter)], Place::View, &before);
    assert_eq!(out(&aside), pairs(&[(500, "A"), (502, "C")]));
    let [dead] = aside.dead.as_slice() else {
        panic!("one record is put aside")
    };
    assert_eq!(
        (dead.index, dead.offset_delta, dead.step, dead.module),
        (1, 1, 0, map.digest())
    );

    let passed = run(&[step(&map, OnError::Pass)], Place::View, &before);
    let Output::Batch(bytes) = passed.output else {
        panic!("a batch comes out")
    };
    let batch = Batch::parse(&mut bytes.clone()).unwrap();
    let values: Vec<Vec<u8>> = batch
        .records(1 << 20)
        .unwrap()
        .iter()
        .map(|record| record.unwrap().value.unwrap().to_vec())
        .collect();
    assert_eq!(values, [b"A".to_vec(), vec![0xff], b"C".to_vec()]);
}

#[test]
fn a_chain_hands_on_from_step_to_step_and_names_records_as_they_came() {
    let steps = [
        step(&example("filter_map"), OnError::Fail),
        step(&example("validate"), OnError::Fail),
        step(&example("map"), OnError::Fail),
    ];
    let outcome = run(&steps, Place::Ingest, &batch(&["no", "10", "80", "no", "7"]));
    assert_eq!(out(&outcome), pairs(&[(501, "20"), (504, "14")]));
    assert_eq!(outcome.rejected.len(), 1);
    assert_eq!(
        (outcome.rejected[0].index, outcome.rejected[0].offset_delta),
        (2, 2)
    );
    assert_eq!(outcome.steps.len(), 3);
}

#[test]
fn state_is_rebuilt_by_looking_back() {
    let mut chain = Chain::start(&[step(&example("dedup"), OnError::Fail)], Place::View).unwrap();
    assert!(chain.looks_back());
    chain.look_back(&batch(&["a", "b"])).unwrap();
    assert_eq!(
        out(&chain.run(&batch(&["b", "c", "c", "a", "d"])).unwrap()),
        pairs(&[(501, "c"), (504, "d")])
    );
}

#[test]
fn a_module_runs_only_where_its_kind_has_a_meaning() {
    let refused = |name: &str, place| {
        let error = Chain::start(&[step(&example(name), OnError::Fail)], place)
            .err()
            .unwrap();
        assert!(matches!(error.error, SmartModuleError::Misplaced(_)));
        error.error.to_string()
    };
    assert_eq!(
        refused("flat_map", Place::Ingest),
        "a module of kind `flat_map` cannot run on ingest: there each record has one offset; use a pipeline"
    );
    refused("aggregate", Place::View);
    refused("validate", Place::View);
    refused("join", Place::Session);
    assert!(Chain::start(&[step(&example("flat_map"), OnError::Fail)], Place::Session).is_ok());
}

#[test]
fn files_that_are_no_modules_are_refused_with_what_is_wrong() {
    let refused = |bytes: &[u8]| match engine().load(bytes) {
        Err(SmartModuleError::Unusable(what)) => what,
        other => panic!("it is no module: {other:?}"),
    };
    assert_eq!(
        refused(b"#!/bin/sh"),
        "it is not WebAssembly (a wasm file begins with the bytes 00 61 73 6d)"
    );
    assert_eq!(
        refused(&wat::parse_str("(module)").unwrap()),
        "it exports no `memory`"
    );
    let other = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "alloc")))"#).unwrap();
    assert!(refused(&other).starts_with("it exports no function `tm_alloc` (i32) -> i32; is it a program"));
    assert!(refused(&wat::parse_str("(component)").unwrap()).contains("tidemill:smartmodule/guest@1.0.0"));
}
