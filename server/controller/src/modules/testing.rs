//! A store in memory over the real engine, and small modules to load.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use jiff::Timestamp;
use tidemill_env::BoxFuture;
use tidemill_resource::{ByteSize, ModuleCarrier, ModuleDigest, ModuleVersion};
use tidemill_smartengine::{Carrier, Engine, EngineConfig};

use super::{ModuleStore, ModuleStoreError, Modules, version_of};

/// Keeps files in memory.
#[derive(Default)]
pub(crate) struct InMemory {
    files: Mutex<BTreeMap<ModuleDigest, Bytes>>,
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&EngineConfig::default()).unwrap())
}

/// Takes files of up to 64 KiB, two at once.
pub(crate) fn modules() -> Arc<Modules> {
    Arc::new(Modules::new(Arc::new(InMemory::default()), 64 << 10, 2))
}

impl ModuleStore for InMemory {
    fn add(&self, wasm: Bytes, at: Timestamp) -> BoxFuture<'_, Result<ModuleVersion, ModuleStoreError>> {
        Box::pin(async move {
            let module = engine()
                .load(&wasm)
                .map_err(|error| ModuleStoreError::Refused(error.to_string()))?;
            let digest: ModuleDigest = module.digest().to_text().parse().unwrap();
            let carrier = match module.carrier() {
                Carrier::Core => ModuleCarrier::Core,
                Carrier::Component => ModuleCarrier::Component,
            };
            let size = ByteSize(wasm.len() as u64);
            self.files.lock().unwrap().insert(digest, wasm);
            let description = serde_json::to_value(module.description()).unwrap();
            Ok(version_of(&description, (digest, size), carrier, at).unwrap())
        })
    }

    fn bytes(&self, digest: ModuleDigest) -> BoxFuture<'_, Result<Bytes, ModuleStoreError>> {
        let found = self.files.lock().unwrap().get(&digest).cloned();
        Box::pin(async move { found.ok_or(ModuleStoreError::NotFound(digest)) })
    }

    fn has(&self, digest: ModuleDigest) -> bool {
        self.files.lock().unwrap().contains_key(&digest)
    }

    fn retain(&self, in_use: BTreeSet<ModuleDigest>) -> BoxFuture<'_, ()> {
        self.files
            .lock()
            .unwrap()
            .retain(|digest, _| in_use.contains(digest));
        Box::pin(async {})
    }
}

/// A module that says it is of a kind. The number makes it another file.
pub(crate) fn wasm(kind: &str, number: u32) -> Vec<u8> {
    let description = format!(
        r#"{{"abi":1,"kind":"{kind}","name":"small","version":"0.{number}.0","language":"wat",
            "params":[{{"name":"text","type":"string"}}]}}"#
    );
    let text = format!(
        r#"(module
            (memory (export "memory") 2)
            (data (i32.const 16) "{}")
            (func (export "tm_alloc") (param i32) (result i32) (i32.const 4096))
            (func (export "tm_free") (param i32 i32))
            (func (export "tm_describe") (result i64) (i64.const {}))
            (func (export "tm_init") (param i32 i32) (result i64) (i64.const 0))
            (func (export "tm_process") (param i32 i32) (result i64) (i64.const 0)))"#,
        description.replace('"', "\\\"").replace('\n', ""),
        16_u64 << 32 | description.replace('\n', "").len() as u64,
    );
    wat::parse_str(text).unwrap()
}
