//! Core modules: a memory, and functions of numbers.

use tidemill_frame::Packed;
use wasmtime::{Caller, Extern, InstancePre, Memory, Store, TypedFunc};

use super::{CallError, Entry, Input, Reply, wasi};
use crate::engine::Engine;
use crate::error::SmartModuleError;
use crate::host::Host;
use crate::logs::Level;

pub(crate) struct Prepared {
    pre: InstancePre<Host>,
}

pub(crate) struct Guest {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    describe: TypedFunc<(), u64>,
    init: TypedFunc<(u32, u32), u64>,
    process: TypedFunc<(u32, u32), u64>,
    look_back: Option<TypedFunc<(u32, u32), u64>>,
    /// Where the last input was put, and how much room it has: the next one goes there too if it fits.
    input: Option<(u32, u32)>,
}

/// Room for an input is rounded up to this, so that batches of about one size share it.
const ROUNDED: usize = 4096;

/// The host's own functions, under the name of their module.
const HOST: &str = "tidemill";
const HOST_GIVES: [&str; 2] = ["log", "now"];

pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<wasmtime::Linker<Host>> {
    let mut linker = wasmtime::Linker::new(engine);
    linker.func_wrap(HOST, "log", log)?;
    linker.func_wrap(HOST, "now", |caller: Caller<'_, Host>| {
        let granted = caller.data().grants.clock;
        granted.then(wasi::milliseconds).ok_or_else(|| {
            wasmtime::Error::msg(
                "the module asks for the time, which its limits do not grant (`clock: true`)",
            )
        })
    })?;
    wasi::add_core(&mut linker)?;
    Ok(linker)
}

fn log(mut caller: Caller<'_, Host>, level: u32, pointer: u32, length: u32) -> wasmtime::Result<()> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(wasmtime::Error::msg("the module has no memory to log from"));
    };
    let (data, host) = memory.data_and_store_mut(&mut caller);
    let end = pointer as usize + length as usize;
    let text = data
        .get(pointer as usize..end)
        .ok_or_else(|| wasmtime::Error::msg("the module logs text from outside of its memory"))?;
    host.log.line(Level::of(level), text);
    Ok(())
}

/// The functions of the contract, and what each takes and gives.
const EXPORTS: [(&str, &str); 5] = [
    ("tm_alloc", "(i32) -> i32"),
    ("tm_free", "(i32, i32)"),
    ("tm_describe", "() -> i64"),
    ("tm_init", "(i32, i32) -> i64"),
    ("tm_process", "(i32, i32) -> i64"),
];

impl Prepared {
    pub(super) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Prepared, SmartModuleError> {
        let module = wasmtime::Module::new(engine.wasm(), wasm)
            .map_err(|error| SmartModuleError::Unusable(format!("{error:#}")))?;
        check_exports(&module)?;
        let mut linker = engine.linkers().core.clone();
        // What else of the system interface it imports answers that it is not there.
        wasi::add_missing(&mut linker, &module)
            .map_err(|error| SmartModuleError::Engine(format!("{error:#}")))?;
        let given = |module: &str, name: &str| {
            module == wasi::PREVIEW1 || module == HOST && HOST_GIVES.contains(&name)
        };
        if let Some(import) = module
            .imports()
            .find(|import| !given(import.module(), import.name()))
        {
            return Err(SmartModuleError::Unusable(format!(
                "it imports `{}.{}`, which the host does not give",
                import.module(),
                import.name()
            )));
        }
        let pre = linker
            .instantiate_pre(&module)
            .map_err(|error| SmartModuleError::Unusable(format!("{error:#}")))?;
        Ok(Prepared { pre })
    }

    pub(super) fn instantiate(&self, store: &mut Store<Host>) -> Result<Guest, CallError> {
        let instance = self.pre.instantiate(&mut *store)?;
        let wrong =
            |name: &str| CallError::Plain(SmartModuleError::Unusable(format!("its `{name}` is not right")));
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
            initialize.call(&mut *store, ())?;
        }
        let memory = instance
            .get_memory(&mut *store, "memory")
            .ok_or_else(|| wrong("memory"))?;
        Ok(Guest {
            memory,
            alloc: instance.get_typed_func(&mut *store, "tm_alloc")?,
            free: instance.get_typed_func(&mut *store, "tm_free")?,
            describe: instance.get_typed_func(&mut *store, "tm_describe")?,
            init: instance.get_typed_func(&mut *store, "tm_init")?,
            process: instance.get_typed_func(&mut *store, "tm_process")?,
            look_back: instance.get_typed_func(&mut *store, "tm_look_back").ok(),
            input: None,
        })
    }
}

fn check_exports(module: &wasmtime::Module) -> Result<(), SmartModuleError> {
    let unusable = |what: String| Err(SmartModuleError::Unusable(what));
    match module.get_export("memory") {
        Some(wasmtime::ExternType::Memory(memory)) if !memory.is_64() && !memory.is_shared() => {}
        Some(_) => {
            return unusable("its export `memory` is not a memory of 32 bits that it alone uses".to_owned());
        }
        None => return unusable("it exports no `memory`".to_owned()),
    }
    for (name, shape) in EXPORTS {
        match module.get_export(name) {
            Some(wasmtime::ExternType::Func(function)) if shape_of(&function) == shape => {}
            Some(wasmtime::ExternType::Func(function)) => {
                return unusable(format!(
                    "its function `{name}` is {}, not {shape}",
                    shape_of(&function)
                ));
            }
            _ => {
                let hint = match module.get_export("alloc").or_else(|| module.get_export("_start")) {
                    Some(_) => "; is it a program, or a module for another platform?",
                    None => "",
                };
                return unusable(format!("it exports no function `{name}` {shape}{hint}"));
            }
        }
    }
    Ok(())
}

fn shape_of(function: &wasmtime::FuncType) -> String {
    let list = |types: &mut dyn Iterator<Item = wasmtime::ValType>| {
        types.map(|kind| kind.to_string()).collect::<Vec<_>>().join(", ")
    };
    let results = list(&mut function.results());
    let params = list(&mut function.params());
    match results.as_str() {
        "" => format!("({params})"),
        results => format!("({params}) -> {results}"),
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
        let packed = match entry {
            Entry::Describe => self.describe.call(&mut *store, ())?,
            Entry::Init => {
                let place = self.put(store, input)?;
                self.init.call(&mut *store, place)?
            }
            Entry::Process => {
                let place = self.put(store, input)?;
                self.process.call(&mut *store, place)?
            }
            Entry::LookBack => {
                let place = self.put(store, input)?;
                let Some(look_back) = &self.look_back else {
                    return Err(CallError::Plain(SmartModuleError::Misplaced(
                        "the module cannot look back: it exports no `tm_look_back`".to_owned(),
                    )));
                };
                look_back.call(&mut *store, place)?
            }
        };
        let packed = Packed::from_bits(packed);
        let begin = packed.pointer as usize;
        let reply = self
            .memory
            .data(&*store)
            .get(begin..begin + packed.length as usize)
            .ok_or_else(|| outside("its answer", packed.pointer, packed.length))?;
        let result = then(if packed.failed {
            Reply::Failed(reply)
        } else {
            Reply::Ok(reply)
        });
        if packed.length > 0 {
            self.free.call(&mut *store, (packed.pointer, packed.length))?;
        }
        Ok(result)
    }

    /// Copies the input into the guest's memory.
    fn put(&mut self, store: &mut Store<Host>, input: &Input<'_>) -> Result<(u32, u32), CallError> {
        let length = input.head.len() + input.body.len();
        let too_long = || {
            CallError::Plain(SmartModuleError::Engine(
                "a batch is longer than 2 GiB".to_owned(),
            ))
        };
        let length32 = u32::try_from(length)
            .ok()
            .filter(|length| *length < 1 << 31)
            .ok_or_else(too_long)?;
        let pointer = match self.input {
            Some((pointer, room)) if room >= length32 => pointer,
            smaller => {
                if let Some(place) = smaller {
                    self.input = None;
                    self.free.call(&mut *store, place)?;
                }
                let room = length32.next_multiple_of(ROUNDED as u32);
                let pointer = self.alloc.call(&mut *store, room)?;
                self.input = Some((pointer, room));
                pointer
            }
        };
        let begin = pointer as usize;
        let memory = self
            .memory
            .data_mut(&mut *store)
            .get_mut(begin..begin + length)
            .filter(|_| pointer != 0)
            .ok_or_else(|| outside("the room that `tm_alloc` gave", pointer, length32))?;
        let (head, body) = memory.split_at_mut(input.head.len());
        head.copy_from_slice(input.head);
        body.copy_from_slice(input.body);
        Ok((pointer, length32))
    }
}

fn outside(what: &str, pointer: u32, length: u32) -> CallError {
    CallError::Plain(SmartModuleError::Answer(format!(
        "{what} ({length} bytes at {pointer}) is not within the module's memory"
    )))
}
