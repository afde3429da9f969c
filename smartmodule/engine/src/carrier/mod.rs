//! The two forms that a module may come in, behind one face.

mod component;
mod core;
mod output;
mod wasi;

use wasmtime::Store;

use crate::engine::Engine;
use crate::error::SmartModuleError;
use crate::grants::Grants;
use crate::host::{Host, Wasi};
use crate::logs::CallLog;

/// What links guests with the host.
pub(crate) struct Linkers {
    core: wasmtime::Linker<Host>,
    component: wasmtime::component::Linker<Host>,
}

impl Linkers {
    pub(crate) fn new(engine: &wasmtime::Engine) -> wasmtime::Result<Linkers> {
        Ok(Linkers {
            core: core::linker(engine)?,
            component: component::linker(engine)?,
        })
    }
}

/// Compiled, linked and ready to be instantiated.
pub(crate) enum Prepared {
    Core(core::Prepared),
    Component(component::Prepared),
}

/// In being.
pub(crate) enum Guest {
    Core(Box<core::Guest>),
    Component(component::Guest),
}

/// A frame in two parts, so that records are copied once.
pub(crate) struct Input<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

/// What a call came back with, while it is still in the guest's memory.
pub(crate) enum Reply<'a> {
    Ok(&'a [u8]),
    Failed(&'a [u8]),
}

/// Fails with a wasmtime error, or with one that is plain already.
pub(crate) enum CallError {
    Wasm(wasmtime::Error),
    Plain(SmartModuleError),
}

impl From<wasmtime::Error> for CallError {
    fn from(error: wasmtime::Error) -> CallError {
        CallError::Wasm(error)
    }
}

impl Prepared {
    /// Compiles `wasm`; its first bytes tell which form it has.
    pub(crate) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Prepared, SmartModuleError> {
        match wasm.get(..8) {
            Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {
                core::Prepared::compile(engine, wasm).map(Prepared::Core)
            }
            Some([0, b'a', b's', b'm', _, 0, 1, 0]) => {
                component::Prepared::compile(engine, wasm).map(Prepared::Component)
            }
            Some([0, b'a', b's', b'm', ..]) => Err(SmartModuleError::Unusable(
                "it is WebAssembly of a version that is not known here".to_owned(),
            )),
            _ => Err(SmartModuleError::Unusable(
                "it is not WebAssembly (a wasm file begins with the bytes 00 61 73 6d)".to_owned(),
            )),
        }
    }

    pub(crate) fn is_component(&self) -> bool {
        matches!(self, Prepared::Component(_))
    }

    /// The system interface that an instance needs beside it.
    pub(crate) fn wasi(&self, grants: Grants, log: &CallLog) -> Option<Box<Wasi>> {
        self.is_component().then(|| Box::new(wasi::context(grants, log)))
    }

    pub(crate) fn instantiate(&self, store: &mut Store<Host>) -> Result<Guest, CallError> {
        match self {
            Prepared::Core(core) => core.instantiate(store).map(Box::new).map(Guest::Core),
            Prepared::Component(component) => component.instantiate(store).map(Guest::Component),
        }
    }
}

/// What to call.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    Describe,
    Init,
    Process,
    LookBack,
}

impl Guest {
    /// Calls the guest; `then` sees the reply where it lies.
    pub(crate) fn call<T>(
        &mut self,
        store: &mut Store<Host>,
        entry: Entry,
        input: &Input<'_>,
        then: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, CallError> {
        match self {
            Guest::Core(guest) => guest.call(store, entry, input, then),
            Guest::Component(guest) => guest.call(store, entry, input, then),
        }
    }
}
