//! What an instance's store holds: its limits while it runs, and what it may see of the world.

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::budget::Budget;
use crate::error::Limit;
use crate::grants::Grants;
use crate::logs::CallLog;

/// The state beside a guest.
pub(crate) struct Host {
    pub(crate) log: CallLog,
    pub(crate) grants: Grants,
    pub(crate) budget: Budget,
    /// Why the guest was stopped, if the host did it.
    pub(crate) stopped: Option<Limit>,
    /// For components only: it is not small.
    pub(crate) wasi: Option<Box<Wasi>>,
    /// What a clock that stands still answers: it counts up so that guests that wait for it come to an end.
    pub(crate) still: u64,
    memory_limit: usize,
    memory: usize,
}

/// The system interface of a component.
pub(crate) struct Wasi {
    pub(crate) ctx: WasiCtx,
    pub(crate) table: ResourceTable,
}

/// Bytes that a table's entry takes.
const TABLE_ENTRY: usize = 8;

impl Host {
    pub(crate) fn new(memory_limit: usize, grants: Grants, log: CallLog, wasi: Option<Box<Wasi>>) -> Host {
        Host {
            log,
            grants,
            budget: Budget::default(),
            stopped: None,
            wasi,
            still: 0,
            memory_limit,
            memory: 0,
        }
    }

    /// Bytes of memory that the guest has.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    fn grow(&mut self, by: usize) -> bool {
        let wanted = self.memory.saturating_add(by);
        if wanted > self.memory_limit {
            self.stopped = Some(Limit::Memory(self.memory_limit));
            return false;
        }
        self.memory = wanted;
        true
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ENTRY)))
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Only components are linked with it, and each of them is given one.
        #[allow(clippy::expect_used)]
        let wasi = self.wasi.as_mut().expect("a component has its system interface");
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut wasi.table,
        }
    }
}
