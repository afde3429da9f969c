//! The files of SmartModules, as the control plane asks for them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use tidemill_controller::modules::{ModuleStore, ModuleStoreError, Modules as Loader, version_of};
use tidemill_env::{BoxFuture, Env};
use tidemill_modules::{Modules, ModulesConfig, ModulesError};
use tidemill_resource::{ByteSize, ModuleCarrier, ModuleDigest, ModuleVersion};
use tidemill_smartengine::{Carrier, Digest, Module, SmartModuleError};

use crate::config::ServerConfig;

/// What a file's name ends with; before that are the 64 digits of its digest.
const WASM: &str = ".wasm";

/// Where the files are, in the data directory.
const DIR: &str = "smartmodules";
/// Where their compiled code is, in that directory.
const COMPILED: &str = "compiled";

/// Opens the modules of a data directory: for the data path, and for the control plane.
pub(crate) fn open(env: &Env, config: &ServerConfig) -> Result<(Modules, Arc<Loader>), String> {
    let dir = config.data_dir.join(DIR);
    let settings = ModulesConfig {
        cache: Some(dir.join(COMPILED)),
        ..ModulesConfig::default()
    };
    let modules = Modules::new(dir.clone(), env.clone(), &settings).map_err(|error| {
        let dir = dir.display();
        format!("cannot use the SmartModules in {dir}: {error}")
    })?;
    let files = Files::new(modules.clone(), env.clone(), &dir)?;
    let loader = Loader::new(files, config.smartmodule_max_bytes, config.http_max_uploads);
    Ok((modules, Arc::new(loader)))
}

/// The modules of this server behind the control plane's seam.
struct Files {
    modules: Modules,
    env: Env,
    /// What is on the disk.
    there: Mutex<BTreeSet<ModuleDigest>>,
}

impl Files {
    /// Lists `dir`, where the files are.
    fn new(modules: Modules, env: Env, dir: &Path) -> Result<Arc<Self>, String> {
        let there = match env.disk.exists(dir) {
            true => env
                .disk
                .list(dir)
                .map_err(|error| format!("cannot list the SmartModules in {}: {error}", dir.display()))?,
            false => Vec::new(),
        };
        let digest_of = |name: &str| name.strip_suffix(WASM)?.parse().ok();
        let there = there.iter().filter_map(|entry| digest_of(&entry.name)).collect();
        Ok(Arc::new(Self {
            modules,
            env,
            there: Mutex::new(there),
        }))
    }

    fn there(&self) -> MutexGuard<'_, BTreeSet<ModuleDigest>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModuleStore for Files {
    fn add(
        &self,
        wasm: Bytes,
        created_at: Timestamp,
    ) -> BoxFuture<'_, Result<ModuleVersion, ModuleStoreError>> {
        Box::pin(async move {
            let module = self.modules.add(wasm).await.map_err(refused)?;
            let version = version(&module, created_at)?;
            self.there().insert(version.digest);
            Ok(version)
        })
    }

    fn bytes(&self, digest: ModuleDigest) -> BoxFuture<'_, Result<Bytes, ModuleStoreError>> {
        Box::pin(async move {
            let found = self.modules.bytes(Digest::from_bytes(digest.0)).await;
            found.map_err(refused)
        })
    }

    fn has(&self, digest: ModuleDigest) -> bool {
        self.there().contains(&digest)
    }

    fn retain(&self, in_use: BTreeSet<ModuleDigest>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let modules = self.modules.clone();
            let keep: BTreeSet<Digest> = in_use.iter().map(|digest| Digest::from_bytes(digest.0)).collect();
            let removed = self.env.blocking(move || modules.retain(&keep)).await;
            // A server that stops leaves them to the next start.
            if removed.is_ok() {
                self.there().retain(|digest| in_use.contains(digest));
            }
        })
    }
}

fn version(module: &Module, created_at: Timestamp) -> Result<ModuleVersion, ModuleStoreError> {
    let carrier = match module.carrier() {
        Carrier::Core => ModuleCarrier::Core,
        Carrier::Component => ModuleCarrier::Component,
    };
    let file = (
        ModuleDigest(module.digest().to_bytes()),
        ByteSize(module.size() as u64),
    );
    // Both sides were read from the same description; a difference is a mistake of ours.
    let strange = |error: serde_json::Error| {
        ModuleStoreError::Failed(format!("the module's description cannot be kept: {error}"))
    };
    let description = serde_json::to_value(module.description()).map_err(strange)?;
    version_of(&description, file, carrier, created_at).map_err(strange)
}

fn refused(error: ModulesError) -> ModuleStoreError {
    match error {
        ModulesError::Unknown(digest) => ModuleStoreError::NotFound(ModuleDigest(digest.to_bytes())),
        ModulesError::Module(error @ SmartModuleError::Engine(_)) => {
            ModuleStoreError::Failed(error.to_string())
        }
        ModulesError::Module(error) => ModuleStoreError::Refused(error.to_string()),
        other => ModuleStoreError::Failed(other.to_string()),
    }
}
