//! Components: typed functions of byte lists.

use wasmtime::Store;
use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre, Linker, TypedFunc, types::ComponentItem,
};

use super::{CallError, Entry, Input, Reply, wasi};
use crate::engine::Engine;
use crate::error::SmartModuleError;
use crate::host::Host;
use crate::logs::Level;

/// The package that this host speaks; a guest names the one it was built for.
const GUEST: &str = "tidemill:smartmodule/guest@1.0.0";
const HOST: &str = "tidemill:smartmodule/host@1.0.0";

pub(crate) struct Prepared {
    pre: InstancePre<Host>,
    describe: ComponentExportIndex,
    init: ComponentExportIndex,
    process: ComponentExportIndex,
    look_back: ComponentExportIndex,
}

/// `func(list<u8>) -> result<list<u8>, list<u8>>`
type Bytes = TypedFunc<(Vec<u8>,), (Result<Vec<u8>, Vec<u8>>,)>;
/// `func(list<u8>) -> result<_, list<u8>>`
type Checked = TypedFunc<(Vec<u8>,), (Result<(), Vec<u8>>,)>;

pub(crate) struct Guest {
    describe: TypedFunc<(), (Vec<u8>,)>,
    init: Checked,
    process: Bytes,
    look_back: Checked,
}

pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    wasi::add_component(&mut linker)?;
    let mut host = linker.instance(HOST)?;
    host.func_wrap(
        "log",
        |store: wasmtime::StoreContextMut<'_, Host>, (level, text): (u8, String)| {
            store.data().log.line(Level::of(level.into()), text.as_bytes());
            Ok(())
        },
    )?;
    Ok(linker)
}

impl Prepared {
    pub(super) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Prepared, SmartModuleError> {
        let unusable = |error: wasmtime::Error| SmartModuleError::Unusable(format!("{error:#}"));
        let component = Component::new(engine.wasm(), wasm).map_err(unusable)?;
        let Some((ComponentItem::ComponentInstance(_), guest)) = component.get_export(None, GUEST) else {
            return Err(SmartModuleError::Unusable(format!("it exports no `{GUEST}`")));
        };
        let export = |name: &str| {
            component
                .get_export_index(Some(&guest), name)
                .ok_or_else(|| SmartModuleError::Unusable(format!("its `{GUEST}` has no `{name}`")))
        };
        let (describe, init) = (export("describe")?, export("init")?);
        let (process, look_back) = (export("process")?, export("look-back")?);
        let pre = engine
            .linkers()
            .component
            .instantiate_pre(&component)
            .map_err(unusable)?;
        Ok(Prepared {
            pre,
            describe,
            init,
            process,
            look_back,
        })
    }

    pub(super) fn instantiate(&self, store: &mut Store<Host>) -> Result<Guest, CallError> {
        let instance = self.pre.instantiate(&mut *store)?;
        Ok(Guest {
            describe: instance.get_typed_func(&mut *store, self.describe)?,
            init: instance.get_typed_func(&mut *store, self.init)?,
            process: instance.get_typed_func(&mut *store, self.process)?,
            look_back: instance.get_typed_func(&mut *store, self.look_back)?,
        })
    }
}

impl Guest {
    pub(super) fn call<T>(
        &mut self,
        store: &mut Store<Host>,
        entry: Entry,
        input: &Input<'_>,
        then: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, CallError> {
        let reply = match entry {
            Entry::Describe => Ok(self.describe.call(&mut *store, ())?.0),
            Entry::Init => self
                .init
                .call(&mut *store, (whole(input),))?
                .0
                .map(|()| Vec::new()),
            Entry::Process => self.process.call(&mut *store, (whole(input),))?.0,
            Entry::LookBack => self
                .look_back
                .call(&mut *store, (whole(input),))?
                .0
                .map(|()| Vec::new()),
        };
        Ok(then(match &reply {
            Ok(reply) => Reply::Ok(reply),
            Err(failure) => Reply::Failed(failure),
        }))
    }
}

fn whole(input: &Input<'_>) -> Vec<u8> {
    [input.head, input.body].concat()
}
