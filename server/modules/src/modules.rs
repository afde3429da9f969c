//! Modules by digest: stored, compiled once, shared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tidemill_env::Env;
use tidemill_smartengine::{Digest, Engine, EngineConfig, Module};
use tokio::sync::Semaphore;

use crate::error::ModulesError;
use crate::store::Store;

/// How modules are kept.
#[derive(Debug, Clone)]
pub struct ModulesConfig {
    /// Where compiled code is kept between starts of the server; `None` compiles again. It is written through the
    /// machine's file system, whatever the environment: what is lost of it is compiled anew.
    pub cache: Option<PathBuf>,
    /// Modules that stay compiled though nobody uses them at the moment.
    pub recent: usize,
    /// Modules that are compiled at once.
    pub compiling: usize,
    /// Most instances at once.
    pub instances: u32,
}

impl Default for ModulesConfig {
    /// No cache; 16 recent modules; one is compiled at a time, on all processors; 4,000 instances.
    fn default() -> ModulesConfig {
        ModulesConfig {
            cache: None,
            recent: 16,
            compiling: 1,
            instances: 4_000,
        }
    }
}

/// A module that was stored stays for so long though nobody is known to use it: whoever stored it is about to.
const FRESH_FOR: Duration = Duration::from_secs(600);

/// The modules of this server. Clones share them.
#[derive(Clone)]
pub struct Modules {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env,
    store: Store,
    engine: Engine,
    recent: usize,
    compiling: Semaphore,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// One place a module, so that it is compiled once though many ask at once.
    places: BTreeMap<Digest, Arc<Place>>,
    /// Last used last.
    recent: VecDeque<Arc<Module>>,
    /// When they were stored, on the monotonic clock.
    fresh: BTreeMap<Digest, Duration>,
}

type Place = tokio::sync::Mutex<Weak<Module>>;

impl Modules {
    /// The modules in `dir`, which is made when the first one is added.
    ///
    /// # Errors
    /// [`ModulesError::Module`]: the machine does not give what the engine needs, or the cache cannot be used.
    pub fn new(dir: PathBuf, env: Env, config: &ModulesConfig) -> Result<Modules, ModulesError> {
        let engine = Engine::new(&EngineConfig {
            cache: config.cache.clone(),
            instances: config.instances,
            ..EngineConfig::default()
        })?;
        Ok(Modules {
            inner: Arc::new(Inner {
                store: Store::new(Arc::clone(&env.disk), dir),
                engine,
                recent: config.recent,
                compiling: Semaphore::new(config.compiling.max(1)),
                known: Mutex::default(),
                env,
            }),
        })
    }

    /// Compiles a file, asks it what it is, and stores it durably.
    ///
    /// # Errors
    /// [`ModulesError::Module`] when it is no module, and then nothing is stored; [`ModulesError::Disk`].
    ///
    /// # Cancellation
    /// Dropping the future may leave the file stored; [`Modules::retain`] removes it later.
    pub async fn add(&self, wasm: Bytes) -> Result<Arc<Module>, ModulesError> {
        let hashed = {
            let wasm = wasm.clone();
            self.inner.env.blocking(move || Digest::of(&wasm)).await
        };
        let digest = hashed.map_err(|_| ModulesError::Stopping)?;
        // Before it is on disk, so that it cannot be removed in between.
        let now = self.inner.env.clock.monotonic();
        self.known().fresh.insert(digest, now);
        let place = self.place(digest);
        let mut place = place.lock().await;
        let module = match place.upgrade() {
            Some(module) => module,
            None => self.compile(wasm.clone()).await?,
        };
        let inner = Arc::clone(&self.inner);
        let stored = self
            .inner
            .env
            .blocking(move || inner.store.put(digest, &wasm))
            .await;
        stored.map_err(|_| ModulesError::Stopping)??;
        *place = Arc::downgrade(&module);
        self.used(&module);
        Ok(module)
    }

    /// The module of this digest, from memory or from its file.
    ///
    /// # Errors
    /// [`ModulesError`].
    ///
    /// # Cancellation
    /// Dropping the future loses nothing but the work.
    pub async fn get(&self, digest: Digest) -> Result<Arc<Module>, ModulesError> {
        let place = self.place(digest);
        let mut place = place.lock().await;
        let module = match place.upgrade() {
            Some(module) => module,
            None => {
                let wasm = self.bytes(digest).await?;
                let module = self.compile(wasm).await?;
                *place = Arc::downgrade(&module);
                module
            }
        };
        self.used(&module);
        Ok(module)
    }

    /// The file of this digest.
    ///
    /// # Errors
    /// [`ModulesError::Unknown`], [`ModulesError::Disk`].
    pub async fn bytes(&self, digest: Digest) -> Result<Bytes, ModulesError> {
        let inner = Arc::clone(&self.inner);
        let read = self.inner.env.blocking(move || inner.store.get(digest)).await;
        read.map_err(|_| ModulesError::Stopping)?
    }

    /// Removes the files that are not in `in_use`, save those that were added in the last minutes. Blocks on disk.
    pub fn retain(&self, in_use: &BTreeSet<Digest>) {
        let now = self.inner.env.clock.monotonic();
        let keep = {
            let mut known = self.known();
            known
                .fresh
                .retain(|_, since| now.saturating_sub(*since) < FRESH_FOR);
            known
                .places
                .retain(|digest, place| in_use.contains(digest) || Arc::strong_count(place) > 1);
            known.recent.retain(|module| in_use.contains(&module.digest()));
            known.fresh.keys().chain(in_use).copied().collect()
        };
        if let Err(error) = self.inner.store.retain(&keep) {
            tracing::warn!(%error, "files of modules that nobody uses remain; they go at the next start");
        }
    }

    fn place(&self, digest: Digest) -> Arc<Place> {
        Arc::clone(self.known().places.entry(digest).or_default())
    }

    async fn compile(&self, wasm: Bytes) -> Result<Arc<Module>, ModulesError> {
        // Never closed.
        let turn = self.inner.compiling.acquire().await;
        let _turn = turn.map_err(|_| ModulesError::Stopping)?;
        let engine = self.inner.engine.clone();
        let loaded = self.inner.env.blocking(move || engine.load(&wasm)).await;
        loaded
            .map_err(|_| ModulesError::Stopping)?
            .map_err(ModulesError::from)
    }

    /// Keeps it compiled for a while.
    fn used(&self, module: &Arc<Module>) {
        let mut known = self.known();
        known.recent.retain(|other| !Arc::ptr_eq(other, module));
        known.recent.push_back(Arc::clone(module));
        // What falls out may be freed here: its users hold it, or it is only code to be unmapped.
        while known.recent.len() > self.inner.recent.max(1) {
            known.recent.pop_front();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code that holds the lock can leave it half changed.
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Modules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Modules").finish_non_exhaustive()
    }
}
