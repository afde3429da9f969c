//! Modules to test with: the Rust SDK's examples, built once, and batches.

#![allow(dead_code)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use serde_json::Value;
use tidemill_smartengine::{
    Engine, EngineConfig, Grants, Limits, LogLine, LogSink, Module, OnError, Params, Setting, Step,
};
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

/// One engine for all tests of a program.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&EngineConfig::default()).unwrap())
}

/// Builds the examples of the Rust SDK and gives the directory that they are in.
fn examples() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let house = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house.join("target"), PathBuf::from);
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--release", "--examples", "--target", "wasm32-unknown-unknown"])
            .arg("--manifest-path")
            .arg(house.join("smartmodule/sdk/rust/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .env_remove("RUSTFLAGS")
            .status()
            .expect("cargo can be run");
        assert!(
            status.success(),
            "the examples of the Rust SDK do not build; is the target there? `rustup target add wasm32-unknown-unknown`"
        );
        target.join("wasm32-unknown-unknown/release/examples")
    })
}

/// The wasm of an example.
pub(crate) fn example_wasm(name: &str) -> Vec<u8> {
    std::fs::read(examples().join(format!("{name}.wasm"))).unwrap()
}

pub(crate) fn example(name: &str) -> Arc<Module> {
    engine().load(&example_wasm(name)).unwrap()
}

/// Keeps the lines that modules log.
#[derive(Default)]
pub(crate) struct Lines(pub(crate) Mutex<Vec<LogLine>>);

impl LogSink for Lines {
    fn lines(&self, lines: Vec<LogLine>, _dropped: u64) {
        self.0.lock().unwrap().extend(lines);
    }
}

pub(crate) fn setting(params: &[(&str, Value)]) -> Setting {
    Setting {
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect::<Params>(),
        limits: Limits::default(),
        grants: Grants::default(),
        place: "a test".to_owned(),
        log: Arc::new(Lines::default()),
    }
}

pub(crate) fn step(module: &Arc<Module>, on_error: OnError) -> Step {
    Step {
        module: Arc::clone(module),
        setting: setting(&[]),
        on_error,
    }
}

/// A batch of these values at offset 500, from an idempotent producer.
pub(crate) fn batch_in(codec: Compression, values: &[&str]) -> Batch {
    let mut builder = BatchBuilder::new(codec);
    for (at, value) in values.iter().enumerate() {
        builder.append(&RecordData {
            timestamp: 1_000 + at as i64,
            key: Some(format!("k{at}").as_bytes()),
            value: Some(value.as_bytes()),
            headers: &[(b"from", Some(b"a test"))],
        });
    }
    let built = builder.with_producer(7, 3, 11).with_place(500, 9).build();
    Batch::parse(&mut built.clone()).unwrap()
}

pub(crate) fn batch(values: &[&str]) -> Batch {
    batch_in(Compression::None, values)
}

/// Offsets and values of a batch, whose checksum must hold.
pub(crate) fn read(bytes: &Bytes) -> Vec<(i64, String)> {
    let batch = Batch::parse(&mut bytes.clone()).unwrap();
    batch.verify_crc().unwrap();
    let records = batch.records(1 << 30).unwrap();
    let read = records.iter().map(|record| {
        let record = record.unwrap();
        (
            record.offset,
            String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap(),
        )
    });
    read.collect()
}
