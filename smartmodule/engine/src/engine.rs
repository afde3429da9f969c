//! The engine: one a process.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::{Cache, CacheConfig, Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::SmartModuleError;
use crate::module::Module;
use crate::ticker::{Running, Ticker};

/// How an engine is made.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where compiled code is kept, by content and version of the engine; `None` compiles at every start.
    pub cache: Option<PathBuf>,
    /// Most instances at once.
    pub instances: u32,
    /// The largest memory that any module's limits may ask for, in bytes.
    pub memory: usize,
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        EngineConfig {
            cache: None,
            instances: 4000,
            memory: 1 << 30,
        }
    }
}

/// Compiles modules. Cloning shares it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasm: wasmtime::Engine,
    ticker: Ticker,
    carriers: crate::carrier::Linkers,
}

/// Calls within calls may take this much stack: less than a thread has.
const STACK: usize = 1 << 20;
/// A component of an interpreter is made of several core modules.
const PARTS: u32 = 16;
/// Entries of a table: an interpreter has tens of thousands of functions.
const TABLE_ENTRIES: usize = 100_000;
/// Memory that a freed slot keeps ready for the next instance, in bytes.
const KEPT_RESIDENT: usize = 64 << 10;
/// Freed slots that keep it.
const WARM_SLOTS: u32 = 64;

impl Engine {
    /// Makes an engine. Memory is reserved as addresses only; it is taken when it is used.
    ///
    /// # Errors
    /// [`SmartModuleError::Engine`]: the cache cannot be used, or the machine gives no address space.
    pub fn new(config: &EngineConfig) -> Result<Engine, SmartModuleError> {
        let failed = |what: &str| {
            let what = what.to_owned();
            move |error: wasmtime::Error| SmartModuleError::Engine(format!("{what}: {error:#}"))
        };
        let mut wasm = Config::new();
        wasm.epoch_interruption(true)
            .max_wasm_stack(STACK)
            .async_stack_size(2 * STACK)
            .wasm_component_model(true)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
        if let Some(directory) = &config.cache {
            let mut cache = CacheConfig::new();
            let what = format!("cannot use {} for compiled modules", directory.display());
            // The cache takes no relative one.
            let directory = std::path::absolute(directory)
                .map_err(|error| SmartModuleError::Engine(format!("{what}: {error}")))?;
            cache.with_directory(directory);
            wasm.cache(Some(Cache::new(cache).map_err(failed(&what))?));
        }
        let wasm = wasmtime::Engine::new(&wasm).map_err(failed("cannot start"))?;
        let ticker = Ticker::start(wasm.clone())
            .map_err(|error| SmartModuleError::Engine(format!("cannot start a thread: {error}")))?;
        let carriers = crate::carrier::Linkers::new(&wasm).map_err(failed("cannot link"))?;
        Ok(Engine {
            inner: Arc::new(Inner {
                wasm,
                ticker,
                carriers,
            }),
        })
    }

    /// Compiles a module and asks it what it is. Takes seconds for a large one that was never seen before: call it
    /// where blocking is allowed.
    ///
    /// # Errors
    /// [`SmartModuleError::Unusable`] when it is not wasm or does not honour the contract, and what a module that
    /// describes itself may do wrong.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<Module>, SmartModuleError> {
        Module::load(self, wasm).map(Arc::new)
    }

    pub(crate) fn wasm(&self) -> &wasmtime::Engine {
        &self.inner.wasm
    }

    pub(crate) fn linkers(&self) -> &crate::carrier::Linkers {
        &self.inner.carriers
    }

    pub(crate) fn running(&self) -> Running {
        self.inner.ticker.running()
    }
}

fn pool(config: &EngineConfig) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(config.instances)
        .total_component_instances(config.instances)
        .total_memories(config.instances)
        .total_tables(config.instances)
        .max_core_instances_per_component(PARTS)
        .max_memories_per_component(4)
        .max_tables_per_component(PARTS)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .table_elements(TABLE_ENTRIES)
        .max_memory_size(config.memory)
        .max_unused_warm_slots(WARM_SLOTS)
        .linear_memory_keep_resident(KEPT_RESIDENT)
        .table_keep_resident(KEPT_RESIDENT);
    pool
}
