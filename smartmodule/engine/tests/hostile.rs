//! Modules that loop, grow, crash and lie. Each is stopped with an error that says so, and nothing else is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use support::{Lines, batch, engine, example, setting, step};
use tidemill_smartengine::{
    Chain, Limit, Limits, Module, OnError, Output, Place, Setting, SmartModuleError, Step,
};

const DESCRIPTION: &str = r#"{"abi":1,"kind":"filter"}"#;

/// A module whose memory begins with its description, at 16, and an answer, at 1024.
fn module_of(process: &str, answer: &[u8], more: &str) -> Arc<Module> {
    let hex: String = answer.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module
            (import "tidemill" "log" (func $log (param i32 i32 i32)))
            (memory (export "memory") 2)
            (data (i32.const 16) "{}")
            (data (i32.const 1024) "{hex}")
            (func (export "tm_alloc") (param i32) (result i32) (i32.const 4096))
            (func (export "tm_free") (param i32 i32))
            (func (export "tm_describe") (result i64) (i64.const {}))
            (func (export "tm_init") (param i32 i32) (result i64) (i64.const 0))
            (func $process (export "tm_process") (param i32 i32) (result i64) {process})
            {more}
        )"#,
        DESCRIPTION.replace('"', "\\\""),
        16u64 << 32 | DESCRIPTION.len() as u64,
    );
    engine().load(&wat::parse_str(text).unwrap()).unwrap()
}

fn module(process: &str) -> Arc<Module> {
    module_of(process, &[], "")
}

/// Runs three records through it.
fn error_of(module: &Arc<Module>, setting: Setting) -> SmartModuleError {
    let step = Step {
        module: Arc::clone(module),
        setting,
        on_error: OnError::Fail,
    };
    let mut chain = Chain::start(&[step], Place::View).unwrap();
    let error = chain.run(&batch(&["a", "b", "c"])).unwrap_err().error;
    // It is in the way of nobody: others run, and it starts again.
    let mut other = Chain::start(&[support::step(&example("filter"), OnError::Fail)], Place::View).unwrap();
    assert_eq!(other.run(&batch(&["error"])).unwrap().output, Output::Same);
    let again = chain.run(&batch(&["a", "b", "c"])).unwrap_err().error;
    assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&error));
    error
}

fn tight() -> Setting {
    let limits = Limits {
        memory: 4 << 20,
        cpu_per_batch: Duration::from_millis(20),
        cpu_per_record: Duration::ZERO,
        output: 1000,
        ..Limits::default()
    };
    Setting {
        limits,
        ..setting(&[])
    }
}

#[test]
fn one_that_loops_is_stopped() {
    let error = error_of(&module("(loop $l (br $l)) (i64.const 0)"), tight());
    assert_eq!(
        error,
        SmartModuleError::Stopped(Limit::Cpu(Duration::from_millis(20)))
    );
    assert_eq!(
        error.to_string(),
        "the module was stopped: it took more than 20ms of processor time for one batch"
    );
}

#[test]
fn one_that_grows_is_stopped() {
    let grows = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    assert_eq!(
        error_of(&module(grows), tight()),
        SmartModuleError::Stopped(Limit::Memory(4 << 20))
    );
}

#[test]
fn one_that_calls_itself_without_end_is_stopped() {
    let error = error_of(&module("(call $process (local.get 0) (local.get 1))"), tight());
    assert_eq!(error, SmartModuleError::Stopped(Limit::Stack));
}

#[test]
fn one_that_answers_without_end_is_stopped() {
    let long = 1024u64 << 32 | 1001;
    assert_eq!(
        error_of(&module(&format!("(i64.const {long})")), tight()),
        SmartModuleError::Stopped(Limit::Output(1000))
    );
}

#[test]
fn one_that_crashes_says_how() {
    let error = error_of(&module("(unreachable)"), tight());
    assert!(
        matches!(&error, SmartModuleError::Trapped(how) if how.contains("unreachable")),
        "{error}"
    );
    let error = error_of(&module("(i64.load (i32.const -8))"), tight());
    assert!(
        error.to_string().contains("out of bounds memory access"),
        "{error}"
    );
}

#[test]
fn one_that_points_outside_of_its_memory_is_told() {
    for (pointer, length) in [
        (0u64, 1u64 << 30),
        (131_072, 1),
        (131_071, 2),
        (u64::from(u32::MAX), 0x7fff_ffff),
    ] {
        let packed = (pointer << 32 | length) as i64;
        let error = error_of(&module(&format!("(i64.const {packed})")), setting(&[]));
        assert!(
            matches!(&error, SmartModuleError::Answer(what) if what.contains("is not within the module's memory")),
            "{error}"
        );
    }
}

#[test]
fn one_whose_room_is_not_its_own_is_told() {
    for room in ["0", "131072", "-1", "131060"] {
        let text = format!(
            r#"(module
                (memory (export "memory") 2)
                (data (i32.const 16) "{}")
                (func (export "tm_alloc") (param i32) (result i32) (i32.const {room}))
                (func (export "tm_free") (param i32 i32))
                (func (export "tm_describe") (result i64) (i64.const {}))
                (func (export "tm_init") (param i32 i32) (result i64) (i64.const 0))
                (func (export "tm_process") (param i32 i32) (result i64) (i64.const 0)))"#,
            DESCRIPTION.replace('"', "\\\""),
            16u64 << 32 | DESCRIPTION.len() as u64,
        );
        let module = engine().load(&wat::parse_str(text).unwrap()).unwrap();
        let started = Chain::start(&[step(&module, OnError::Fail)], Place::View);
        let error = started.err().expect("its parameters have no room").error;
        assert!(
            error.to_string().contains("the room that `tm_alloc` gave"),
            "{error}"
        );
    }
}

#[test]
fn one_that_logs_without_end_is_cut_short() {
    let logs = r#"(local $i i32)
        (loop $l
            (call $log (i32.const 2) (i32.const 16) (i32.const 24))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 5000))))
        (i64.const 0)"#;
    let lines = Arc::new(Lines::default());
    let mut step = step(&module(logs), OnError::Fail);
    step.setting.log = lines.clone();
    let mut chain = Chain::start(&[step], Place::View).unwrap();
    chain.run(&batch(&["a"])).unwrap_err();
    assert_eq!(lines.0.lock().unwrap().len(), 100);
    let error = error_of(
        &module("(call $log (i32.const 0) (i32.const -1) (i32.const 9)) (i64.const 0)"),
        tight(),
    );
    assert!(
        error.to_string().contains("logs text from outside of its memory"),
        "{error}"
    );
}

#[test]
fn one_that_wants_what_the_host_does_not_give_is_refused() {
    let text = r#"(module (import "env" "open" (func)) (memory (export "memory") 1)
        (func (export "tm_alloc") (param i32) (result i32) (i32.const 0))
        (func (export "tm_free") (param i32 i32))
        (func (export "tm_describe") (result i64) (i64.const 0))
        (func (export "tm_init") (param i32 i32) (result i64) (i64.const 0))
        (func (export "tm_process") (param i32 i32) (result i64) (i64.const 0)))"#;
    let error = engine().load(&wat::parse_str(text).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a SmartModule: it imports `env.open`, which the host does not give"
    );
}

#[test]
fn a_crash_over_one_record_costs_that_record_alone_where_the_stream_says_so() {
    let module = example("crash");
    let values = ["a", "boom", "c", "d", "boom", "f", "g"];
    let kept = |on_error| {
        let mut chain = Chain::start(&[step(&module, on_error)], Place::View).unwrap();
        let outcome = chain.run(&batch(&values)).unwrap();
        let Output::Batch(bytes) = &outcome.output else {
            panic!("some records go on")
        };
        let values: Vec<String> = support::read(bytes).into_iter().map(|(_, value)| value).collect();
        (values, outcome)
    };
    let (values_kept, outcome) = kept(OnError::DeadLetter);
    assert_eq!(values_kept, ["a", "c", "d", "f", "g"]);
    let dead: Vec<u32> = outcome.dead.iter().map(|dead| dead.index).collect();
    assert_eq!(dead, [1, 4]);
    assert!(
        outcome.dead[0].error.contains("crashed"),
        "{}",
        outcome.dead[0].error
    );
    assert!(outcome.steps[0].crashes >= 2);
    let mut chain = Chain::start(&[step(&module, OnError::Fail)], Place::View).unwrap();
    assert!(matches!(
        chain.run(&batch(&values)).unwrap_err().error,
        SmartModuleError::Trapped(_)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a module answers, wherever it says that it lies, the host comes to no harm.
    #[test]
    fn any_answer_at_all_is_read_without_harm(
        mut answer in proptest::collection::vec(any::<u8>(), 0..200),
        valid: bool,
        pointer in prop_oneof![Just(1024u64), any::<u32>().prop_map(u64::from)],
        length in prop_oneof![0u64..250, any::<u32>().prop_map(u64::from)],
    ) {
        if valid && answer.len() > 8 {
            let kind = answer[1] & 1;
            let count = answer[4] % 4;
            answer[..8].copy_from_slice(&[1, kind, 0, 0, count, 0, 0, 0]);
        }
        let packed = (pointer << 32 | length) as i64;
        let module = module_of(&format!("(i64.const {packed})"), &answer, "");
        for on_error in [OnError::Fail, OnError::Skip, OnError::Pass, OnError::DeadLetter] {
            let mut chain = Chain::start(&[step(&module, on_error)], Place::View).unwrap();
            if let Ok(outcome) = chain.run(&batch(&["a", "b", "c"]))
                && let Output::Batch(bytes) = &outcome.output
            {
                let kept = support::read(bytes);
                prop_assert!(kept.iter().all(|(offset, _)| (500..503).contains(offset)));
            }
        }
    }
}
