//! The wasm of SmartModules: kept and compiled by the server, loaded and forgotten by the control plane.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tidemill_env::{BoxFuture, Env};
use tidemill_metadata::{Command, Image, Metadata, ProposeError, Reply, SmartModuleImage};
use tidemill_resource::{ByteSize, ModuleCarrier, ModuleDigest, ModuleParam, ModuleVersion};
use tokio::sync::{Mutex, RwLock, Semaphore};
use uuid::Uuid;

#[cfg(test)]
pub(crate) mod testing;

/// Why a wasm file was not kept, or is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleStoreError {
    /// It is no SmartModule, or one that cannot be used. The same file will fare no better.
    #[error("{0}")]
    Refused(String),
    /// There is no file of that digest here.
    #[error("the wasm of {0} is not on this server: load it again")]
    NotFound(ModuleDigest),
    /// The disk or the engine failed.
    #[error("{0}")]
    Failed(String),
}

/// Keeps wasm files and knows what they are. The server implements it over the engine.
pub trait ModuleStore: Send + Sync {
    /// Checks a file, compiles it off the network threads and keeps it. It is durable when this answers.
    ///
    /// The version says `created_at` as it is given.
    fn add(
        &self,
        wasm: Bytes,
        created_at: Timestamp,
    ) -> BoxFuture<'_, Result<ModuleVersion, ModuleStoreError>>;

    /// The file of this digest.
    fn bytes(&self, digest: ModuleDigest) -> BoxFuture<'_, Result<Bytes, ModuleStoreError>>;

    /// Whether there is a file of this digest. Must not touch the disk: it is asked at every turn of the reconciler.
    fn has(&self, digest: ModuleDigest) -> bool;

    /// Forgets all files but these.
    fn retain(&self, in_use: BTreeSet<ModuleDigest>) -> BoxFuture<'_, ()>;
}

/// A version of a module from the description that it gives of itself, as `docs/smartmodule-abi.md` has it.
///
/// # Errors
/// The description is not as it should be.
pub fn version_of(
    description: &Value,
    (digest, size): (ModuleDigest, ByteSize),
    carrier: ModuleCarrier,
    created_at: Timestamp,
) -> Result<ModuleVersion, serde_json::Error> {
    let text = |name: &str| {
        description
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let part = |name: &str| description.get(name).cloned().unwrap_or(Value::Null);
    Ok(ModuleVersion {
        digest,
        size,
        kind: serde_json::from_value(part("kind"))?,
        carrier,
        language: text("language"),
        sdk: text("sdk"),
        title: text("name"),
        release: text("version"),
        description: text("description"),
        params: serde_json::from_value::<Option<Vec<ModuleParam>>>(part("params"))?.unwrap_or_default(),
        look_back: part("lookBack").as_bool().unwrap_or(false),
        created_at,
    })
}

/// Where SmartModules come in: a store, and who may use it at once.
pub struct Modules {
    store: Arc<dyn ModuleStore>,
    most_bytes: usize,
    uploads: Semaphore,
    /// Held for reading from when a file is kept until the metadata names it, for writing while files are forgotten:
    /// a file is never forgotten on its way in.
    loading: RwLock<()>,
    /// What was kept when files were last forgotten.
    swept: Mutex<Option<BTreeSet<ModuleDigest>>>,
}

/// Why a module was not loaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// Its file.
    #[error(transparent)]
    Store(#[from] ModuleStoreError),
    /// The metadata.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The metadata answered with something else.
    #[error("the metadata gave an answer of another kind: report it with the log")]
    Reply,
}

/// What to load and under which name.
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) wasm: Bytes,
    pub(crate) description: Option<String>,
    pub(crate) seen: Option<u64>,
    pub(crate) dry_run: bool,
}

impl Modules {
    /// Takes files of at most `most_bytes`, and `uploads` of them at once.
    pub fn new(store: Arc<dyn ModuleStore>, most_bytes: usize, uploads: usize) -> Self {
        Self {
            store,
            most_bytes,
            uploads: Semaphore::new(uploads.clamp(1, Semaphore::MAX_PERMITS)),
            loading: RwLock::new(()),
            swept: Mutex::new(None),
        }
    }

    /// Most bytes of a file.
    pub(crate) fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    /// A place for an upload, if there is one.
    pub(crate) fn place(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.uploads.try_acquire().ok()
    }

    /// Whether there is a file of this digest.
    pub(crate) fn has(&self, digest: ModuleDigest) -> bool {
        self.store.has(digest)
    }

    /// The file of this digest.
    pub(crate) async fn bytes(&self, digest: ModuleDigest) -> Result<Bytes, ModuleStoreError> {
        self.store.bytes(digest).await
    }

    /// Keeps a file and makes it the current version of a module.
    pub(crate) async fn load(
        &self,
        metadata: &Metadata,
        env: &Env,
        load: Load,
    ) -> Result<Arc<SmartModuleImage>, LoadError> {
        let _on_its_way = self.loading.read().await;
        let at_ms = env.clock.wall_ms();
        let created_at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
        let version = self.store.add(load.wasm, created_at).await?;
        let command = Command::LoadSmartModule {
            name: load.name,
            id: Uuid::from_bytes(env.random.uuid_bytes()),
            version,
            description: load.description,
            seen: load.seen,
            at_ms,
        };
        let reply = if load.dry_run {
            metadata.validate(&command).map_err(ProposeError::Rejected)?
        } else {
            metadata.propose(command).await?
        };
        match reply {
            Reply::SmartModule(module) => Ok(module),
            _ => Err(LoadError::Reply),
        }
    }

    /// Forgets the files that the image does not name. Does nothing while one is on its way in: there will be
    /// another image then.
    pub(crate) async fn sweep(&self, metadata: &Metadata) {
        let Ok(_nothing_comes_in) = self.loading.try_write() else {
            return;
        };
        let named = named(&metadata.image());
        let mut swept = self.swept.lock().await;
        if swept.as_ref() != Some(&named) {
            self.store.retain(named.clone()).await;
            *swept = Some(named);
        }
    }
}

/// Every version of every module.
fn named(image: &Image) -> BTreeSet<ModuleDigest> {
    let versions = image.smart_modules().flat_map(|module| module.versions.iter());
    versions.map(|version| version.digest).collect()
}
