//! A module: compiled once, used everywhere.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::carrier::Prepared;
use crate::description::Description;
use crate::engine::Engine;
use crate::error::SmartModuleError;
use crate::instance::{Instance, Setting};
use crate::limits::Limits;

/// What a wasm file is known by: the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a file.
    #[must_use]
    pub fn of(wasm: &[u8]) -> Digest {
        Digest(Sha256::digest(wasm).into())
    }

    /// From its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// As `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut text = "sha256:".to_owned();
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// The form that a module has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A core module.
    Core,
    /// A component.
    Component,
}

/// A compiled module.
pub struct Module {
    engine: Engine,
    digest: Digest,
    size: usize,
    description: Description,
    prepared: Prepared,
}

impl Module {
    pub(crate) fn load(engine: &Engine, wasm: &[u8]) -> Result<Module, SmartModuleError> {
        let prepared = Prepared::compile(engine, wasm)?;
        let description = Instance::describe(engine, &prepared, &Limits::default())?;
        Ok(Module {
            engine: engine.clone(),
            digest: Digest::of(wasm),
            size: wasm.len(),
            description,
            prepared,
        })
    }

    /// What its file is known by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of its file.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The form that it has.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        if self.prepared.is_component() {
            Carrier::Component
        } else {
            Carrier::Core
        }
    }

    /// Brings it into being, with its parameters.
    ///
    /// # Errors
    /// [`SmartModuleError::Parameter`], or whatever a module may do wrong when it starts.
    pub fn instantiate(self: &Arc<Module>, setting: &Setting) -> Result<Instance, SmartModuleError> {
        Instance::start(self, setting)
    }

    /// Checks parameters without starting it: what a spec is held to before it is taken.
    ///
    /// # Errors
    /// [`SmartModuleError::Parameter`].
    pub fn check_params(&self, given: &crate::Params) -> Result<(), SmartModuleError> {
        crate::params::resolve(&self.description, given).map(drop)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.prepared
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("digest", &self.digest)
            .field("kind", &self.description.kind)
            .finish_non_exhaustive()
    }
}
