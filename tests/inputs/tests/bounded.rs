//! The bounded share of fuzzing: on every run, each target takes its seeds, what the fuzzer once found, and seeds
//! with bytes changed.
#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tidemill_inputs::{ALL, Target};

/// One change to an input.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    /// The number at this place becomes an extreme one.
    Extreme(prop::sample::Index, i32),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let extremes = vec![i32::MAX, i32::MIN, -1, 0, 1, 0x00ff_ffff, 0x7fff_0000];
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), 1usize..40).prop_map(|(at, count)| Change::Remove(at, count)),
        (at(), 1usize..200).prop_map(|(at, count)| Change::Repeat(at, count)),
        (at(), prop::sample::select(extremes)).prop_map(|(at, number)| Change::Extreme(at, number)),
        at().prop_map(Change::Cut),
    ]
}

fn apply(input: &mut Vec<u8>, change: &Change) {
    if input.is_empty() {
        input.push(0);
    }
    let length = input.len();
    let end = |at: usize, count: usize| length.min(at + count);
    match change {
        Change::Set(at, byte) => input[at.index(length)] = *byte,
        Change::Flip(at, bit) => input[at.index(length)] ^= 1 << bit,
        Change::Insert(at, bytes) => {
            let at = at.index(length + 1);
            input.splice(at..at, bytes.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = at.index(length);
            input.drain(at..end(at, *count));
        }
        Change::Repeat(at, count) => {
            let at = at.index(length);
            input.extend_from_within(at..end(at, *count));
        }
        Change::Extreme(at, number) => {
            let at = at.index(length);
            let bytes = number.to_be_bytes();
            let upto = end(at, bytes.len());
            input[at..upto].copy_from_slice(&bytes[..upto - at]);
        }
        Change::Cut(at) => input.truncate(at.index(length)),
    }
}

/// Runs one target over its seeds, its regressions, and `cases` inputs made from seeds.
fn run(target: &Target, cases: u32) {
    let seeds = (target.seeds)();
    for seed in &seeds {
        (target.run)(seed);
    }
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("regressions")
        .join(target.name);
    if let Ok(entries) = fs::read_dir(found) {
        for entry in entries {
            (target.run)(&fs::read(entry.unwrap().path()).unwrap());
        }
    }
    let made = (prop::sample::select(seeds), prop::collection::vec(change(), 1..6)).prop_map(
        |(mut input, changes)| {
            changes.iter().for_each(|change| apply(&mut input, change));
            input
        },
    );
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&made, |input| {
            (target.run)(&input);
            Ok(())
        })
        .unwrap();
}

#[test]
fn frames() {
    run(&tidemill_inputs::FRAMES, 2000);
}

#[test]
fn requests() {
    run(&tidemill_inputs::REQUESTS, 8000);
}

#[test]
fn responses() {
    run(&tidemill_inputs::RESPONSES, 8000);
}

#[test]
fn members() {
    run(&tidemill_inputs::MEMBERS, 2000);
}

#[test]
fn batches() {
    run(&tidemill_inputs::BATCHES, 4000);
}

#[test]
fn recovery() {
    run(&tidemill_inputs::RECOVERY, 300);
}

#[test]
fn group_records() {
    run(&tidemill_inputs::GROUP_RECORDS, 4000);
}

#[test]
fn every_target_has_a_name_of_its_own_and_is_fuzzed() {
    let fuzzed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    for target in ALL {
        assert!(
            fuzzed.join(format!("{}.rs", target.name)).is_file(),
            "{}",
            target.name
        );
        assert_eq!(tidemill_inputs::target(target.name).unwrap().name, target.name);
        assert!(!(target.seeds)().is_empty());
    }
}
