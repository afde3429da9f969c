//! The system interface, such as a guest gets it: no files, no network, no environment, nothing to wait for.
//!
//! Components get wasmtime's own, bound to nothing. Core modules get the few calls of the older interface that
//! runtimes make when they start and print; all others answer that they are not there (`ENOSYS`). A guest that
//! sleeps goes on at once: it would hold a thread, which its budget does not count.

use std::time::{Duration, SystemTime};

use wasmtime::component::{Linker as ComponentLinker, Resource};
use wasmtime::{Caller, ExternType, Linker, Module, Val};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::random::Deterministic;

use super::output::Printed;
use crate::grants::Grants;
use crate::host::{Host, Wasi};
use crate::logs::{CallLog, Level};

/// The name under which the older interface is imported.
pub(super) const PREVIEW1: &str = "wasi_snapshot_preview1";
/// Numbers of its errors.
const SUCCESS: i32 = 0;
const BADF: i32 = 8;
const FAULT: i32 = 21;
const NOSYS: i32 = 52;
/// Bytes of a subscription and of an event of `poll_oneoff`.
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
/// How far a clock that stands still moves when it is looked at, in nanoseconds.
const STEP: u64 = 1000;
/// What guests without a grant get for randomness, over and over.
const SAME: [u8; 8] = [0x5e, 0xed, 0x15, 0x7e, 0x5a, 0x3e, 0x71, 0x1d];

/// Milliseconds since 1970.
pub(super) fn milliseconds() -> i64 {
    i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX)
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

/// Wall and monotonic clocks that stand still.
struct Still;

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        STEP
    }

    fn now(&self) -> u64 {
        0
    }
}

/// The context of one component.
pub(super) fn context(grants: Grants, log: &CallLog) -> Wasi {
    let printed = |level| Printed {
        log: log.clone(),
        level,
    };
    let mut ctx = WasiCtx::builder();
    ctx.stdout(printed(Level::Info)).stderr(printed(Level::Warn));
    ctx.allow_tcp(false).allow_udp(false);
    if !grants.clock {
        ctx.wall_clock(Still).monotonic_clock(Still);
    }
    if !grants.random {
        ctx.secure_random(Deterministic::new(SAME.to_vec()))
            .insecure_random(Deterministic::new(SAME.to_vec()))
            .insecure_random_seed(u128::from(u64::from_le_bytes(SAME)));
    }
    Wasi {
        ctx: ctx.build(),
        table: wasmtime::component::ResourceTable::new(),
    }
}

/// Links components. Waiting for a time is over at once.
pub(super) fn add_component(linker: &mut ComponentLinker<Host>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    // Every version that is out; a linker matches a guest's by its newest compatible one.
    let mut clock = linker.instance("wasi:clocks/monotonic-clock@0.2.6")?;
    for name in ["subscribe-duration", "subscribe-instant"] {
        clock.func_wrap(
            name,
            |mut store: wasmtime::StoreContextMut<'_, Host>, (_until,): (u64,)| {
                let at_once: Resource<DynPollable> =
                    monotonic_clock::Host::subscribe_duration(&mut store.data_mut().clocks(), 0)?;
                Ok((at_once,))
            },
        )?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// The calls of the older interface that do something.
const GIVEN: [&str; 14] = [
    "fd_write",
    "clock_time_get",
    "random_get",
    "poll_oneoff",
    "sched_yield",
    "proc_exit",
    "args_sizes_get",
    "environ_sizes_get",
    "args_get",
    "environ_get",
    "fd_close",
    "fd_sync",
    "fd_prestat_get",
    "fd_fdstat_get",
];

/// Links core modules.
pub(super) fn add_core(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(PREVIEW1, "fd_write", fd_write)?;
    linker.func_wrap(PREVIEW1, "clock_time_get", clock_time_get)?;
    linker.func_wrap(PREVIEW1, "random_get", random_get)?;
    linker.func_wrap(PREVIEW1, "poll_oneoff", poll_oneoff)?;
    linker.func_wrap(PREVIEW1, "sched_yield", || SUCCESS)?;
    linker.func_wrap(PREVIEW1, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg(format!(
            "the module ended itself with exit code {code}"
        )))
    })?;
    for name in ["args_sizes_get", "environ_sizes_get"] {
        linker.func_wrap(
            PREVIEW1,
            name,
            |mut caller: Caller<'_, Host>, count: u32, bytes: u32| {
                put(&mut caller, count, &[0; 4])
                    .and(put(&mut caller, bytes, &[0; 4]))
                    .map_or(FAULT, |()| SUCCESS)
            },
        )?;
    }
    for name in ["args_get", "environ_get"] {
        linker.func_wrap(PREVIEW1, name, |_: u32, _: u32| SUCCESS)?;
    }
    // There is no file but the three that are always open.
    for name in ["fd_close", "fd_sync"] {
        linker.func_wrap(PREVIEW1, name, |_: i32| BADF)?;
    }
    for name in ["fd_prestat_get", "fd_fdstat_get"] {
        linker.func_wrap(PREVIEW1, name, |_: i32, _: i32| BADF)?;
    }
    Ok(())
}

/// Whatever else of the interface `module` imports answers `ENOSYS`.
pub(super) fn add_missing(linker: &mut Linker<Host>, module: &Module) -> wasmtime::Result<()> {
    for import in module.imports().filter(|import| import.module() == PREVIEW1) {
        let ExternType::Func(function) = import.ty() else {
            continue;
        };
        if GIVEN.contains(&import.name()) {
            continue;
        }
        linker.func_new(PREVIEW1, import.name(), function, |_, _, results| {
            if let [result] = results {
                *result = Val::I32(NOSYS);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Writes into the guest's memory.
fn put(caller: &mut Caller<'_, Host>, at: u32, bytes: &[u8]) -> Option<()> {
    let memory = caller.get_export("memory")?.into_memory()?;
    memory.write(caller, at as usize, bytes).ok()
}

fn get(caller: &mut Caller<'_, Host>, at: u32, length: usize) -> Option<Vec<u8>> {
    let memory = caller.get_export("memory")?.into_memory()?;
    let begin = at as usize;
    Some(
        memory
            .data(&*caller)
            .get(begin..begin.checked_add(length)?)?
            .to_vec(),
    )
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

fn fd_write(mut caller: Caller<'_, Host>, fd: i32, parts: u32, count: u32, written: u32) -> i32 {
    let level = match fd {
        1 => Level::Info,
        2 => Level::Warn,
        _ => return BADF,
    };
    let mut total = 0u32;
    let mut print = || {
        for part in 0..count {
            let at = parts.checked_add(part.checked_mul(8)?)?;
            let place = get(&mut caller, at, 8)?;
            let length = word(&place[4..]);
            let bytes = get(&mut caller, word(&place), length as usize)?;
            caller.data().log.print(level, &bytes);
            total = total.saturating_add(length);
        }
        put(&mut caller, written, &total.to_le_bytes())
    };
    print().map_or(FAULT, |()| SUCCESS)
}

fn clock_time_get(mut caller: Caller<'_, Host>, _clock: i32, _precision: i64, time: u32) -> i32 {
    let now = if caller.data().grants.clock {
        u64::try_from(since_1970().as_nanos()).unwrap_or(u64::MAX)
    } else {
        caller.data_mut().still += STEP;
        caller.data().still
    };
    put(&mut caller, time, &now.to_le_bytes()).map_or(FAULT, |()| SUCCESS)
}

fn random_get(mut caller: Caller<'_, Host>, at: u32, length: u32) -> i32 {
    let granted = caller.data().grants.random;
    let Some(memory) = caller
        .get_export("memory")
        .and_then(wasmtime::Extern::into_memory)
    else {
        return FAULT;
    };
    let begin = at as usize;
    let Some(room) = memory
        .data_mut(&mut caller)
        .get_mut(begin..begin + length as usize)
    else {
        return FAULT;
    };
    if !granted {
        room.iter_mut()
            .zip(SAME.iter().cycle())
            .for_each(|(byte, same)| *byte = *same);
        return SUCCESS;
    }
    let mut rest = room;
    while !rest.is_empty() {
        match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(filled) => rest = &mut rest[filled..],
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return NOSYS,
        }
    }
    SUCCESS
}

/// Everything that is waited for has come.
fn poll_oneoff(
    mut caller: Caller<'_, Host>,
    subscriptions: u32,
    events: u32,
    count: u32,
    happened: u32,
) -> i32 {
    let mut answer = || {
        for at in 0..count {
            let from = subscriptions.checked_add(at.checked_mul(SUBSCRIPTION as u32)?)?;
            let subscription = get(&mut caller, from, SUBSCRIPTION)?;
            // What the guest told it apart by, no error, and of which kind it is.
            let mut event = [0; EVENT];
            event[..8].copy_from_slice(&subscription[..8]);
            event[10] = subscription[8];
            put(
                &mut caller,
                events.checked_add(at.checked_mul(EVENT as u32)?)?,
                &event,
            )?;
        }
        put(&mut caller, happened, &count.to_le_bytes())
    };
    answer().map_or(FAULT, |()| SUCCESS)
}
