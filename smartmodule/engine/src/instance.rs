//! One module in being: its memory, its parameters, and what it may still take.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tidemill_frame::{Answer, FRAME_HEADER, Failure, Frame, FrameHeader};
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::budget::Budget;
use crate::carrier::{CallError, Entry, Guest, Input, Prepared, Reply};
use crate::description::Description;
use crate::engine::Engine;
use crate::error::{Limit, SmartModuleError};
use crate::grants::Grants;
use crate::host::Host;
use crate::limits::Limits;
use crate::logs::{CallLog, LogSink};
use crate::module::Module;
use crate::params::{self, Params};

/// Where and how a module is attached.
#[derive(Clone)]
pub struct Setting {
    /// Its parameters.
    pub params: Params,
    /// What it may take.
    pub limits: Limits,
    /// What it may ask of the world.
    pub grants: Grants,
    /// Where it is attached, in words that a module may log: `ingest of orders`, say.
    pub place: String,
    /// Where its log lines go.
    pub log: Arc<dyn LogSink>,
}

/// A module in being. Calls change its memory, so an instance serves one stream. One that failed in any way but by
/// its own answer is of no more use: drop it and start another.
pub struct Instance {
    module: Arc<Module>,
    store: Store<Host>,
    guest: Guest,
    limits: Limits,
    log: CallLog,
    sink: Arc<dyn LogSink>,
}

/// What one call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Processor time.
    pub cpu: Duration,
    /// Bytes of memory that the instance has after it.
    pub memory: usize,
}

/// Pulses until a running guest is first looked at.
const PULSES: u64 = 1;

fn store(
    engine: &Engine,
    prepared: &Prepared,
    limits: &Limits,
    grants: Grants,
    log: &CallLog,
) -> Store<Host> {
    let wasi = prepared.wasi(grants, log);
    let mut store = Store::new(engine.wasm(), Host::new(limits.memory, grants, log.clone(), wasi));
    store.limiter(|host| host);
    store.epoch_deadline_callback(|mut store| {
        let host = store.data_mut();
        if host.budget.is_spent() {
            host.stopped = Some(Limit::Cpu(host.budget.allowed()));
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::Continue(PULSES))
    });
    store
}

/// Runs `work` within `allowed` processor time.
fn within<T>(
    engine: &Engine,
    store: &mut Store<Host>,
    allowed: Duration,
    work: impl FnOnce(&mut Store<Host>) -> Result<T, CallError>,
) -> Result<T, SmartModuleError> {
    let _running = engine.running();
    store.data_mut().budget = Budget::begin(allowed);
    store.data_mut().stopped = None;
    store.set_epoch_deadline(PULSES);
    work(store).map_err(|error| plain(store.data(), error))
}

/// Why a call ended early, in words.
fn plain(host: &Host, error: CallError) -> SmartModuleError {
    let error = match error {
        CallError::Plain(error) => return error,
        CallError::Wasm(error) => error,
    };
    match (host.stopped, error.downcast_ref::<Trap>()) {
        (Some(limit), _) => SmartModuleError::Stopped(limit),
        (None, Some(Trap::StackOverflow)) => SmartModuleError::Stopped(Limit::Stack),
        (None, Some(trap)) => {
            // The first line names the trap; what follows is a back trace, for the log.
            tracing::debug!(%trap, trace = %format!("{error:#}"), "a module crashed");
            let said = host
                .log
                .last_error()
                .map_or_else(String::new, |said| format!("; it said: {said}"));
            SmartModuleError::Trapped(format!("{trap}{said}"))
        }
        (None, None)
            if error
                .downcast_ref::<wasmtime::PoolConcurrencyLimitError>()
                .is_some() =>
        {
            SmartModuleError::Engine("too many modules run at once; raise the number of instances".to_owned())
        }
        (None, None) => SmartModuleError::Trapped(format!("{:#}", error.root_cause())),
    }
}

impl Instance {
    pub(crate) fn describe(
        engine: &Engine,
        prepared: &Prepared,
        limits: &Limits,
    ) -> Result<Description, SmartModuleError> {
        let log = CallLog::default();
        let mut store = store(engine, prepared, limits, Grants::default(), &log);
        let described = within(engine, &mut store, limits.cpu_to_start, |store| {
            let mut guest = prepared.instantiate(store)?;
            guest.call(store, Entry::Describe, &NOTHING, |reply| match reply {
                Reply::Ok(bytes) => Description::parse(bytes),
                Reply::Failed(bytes) => Err(failed(bytes)),
            })
        });
        described?.map_err(|error| match error {
            unusable @ SmartModuleError::Unusable(_) => unusable,
            other => SmartModuleError::Unusable(format!("it cannot describe itself: {other}")),
        })
    }

    pub(crate) fn start(module: &Arc<Module>, setting: &Setting) -> Result<Instance, SmartModuleError> {
        let params = params::resolve(module.description(), &setting.params)?;
        let engine = module.engine();
        let log = CallLog::default();
        let mut store = store(engine, module.prepared(), &setting.limits, setting.grants, &log);
        let init = json!({ "params": params, "place": setting.place }).to_string();
        let guest = within(engine, &mut store, setting.limits.cpu_to_start, |store| {
            let mut guest = module.prepared().instantiate(store)?;
            let input = Input {
                head: init.as_bytes(),
                body: &[],
            };
            guest
                .call(store, Entry::Init, &input, checked)?
                .map_err(CallError::Plain)?;
            Ok(guest)
        });
        log.drain(setting.log.as_ref());
        Ok(Instance {
            module: Arc::clone(module),
            guest: guest?,
            store,
            limits: setting.limits,
            log,
            sink: Arc::clone(&setting.log),
        })
    }

    /// The module that it is an instance of.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// Hands it a batch of records: a frame whose header is `header` and whose accumulator and records, as they are
    /// written in a record batch, are `body`. `then` sees the checked answer where it lies.
    ///
    /// # Errors
    /// [`SmartModuleError::Failed`] when the module says so: it can go on. All others end the instance.
    pub fn process<T>(
        &mut self,
        header: &FrameHeader,
        body: &[u8],
        then: impl FnOnce(&Answer<'_>) -> T,
    ) -> Result<(T, Call), SmartModuleError> {
        let output = self.limits.output;
        let answered = |reply: Reply<'_>| match reply {
            Reply::Ok(bytes) if bytes.len() > output => Err(SmartModuleError::Stopped(Limit::Output(output))),
            Reply::Ok(bytes) => {
                let answer = Answer::read(bytes, header.count, header.base_timestamp)?;
                Ok(then(&answer))
            }
            Reply::Failed(bytes) => Err(failed(bytes)),
        };
        self.call(Entry::Process, header, body, answered)
    }

    /// Shows it older records, oldest first, to rebuild its state from.
    ///
    /// # Errors
    /// As [`Instance::process`].
    pub fn look_back(&mut self, header: &FrameHeader, body: &[u8]) -> Result<Call, SmartModuleError> {
        self.call(Entry::LookBack, header, body, checked)
            .map(|((), call)| call)
    }

    /// As [`Instance::process`], with a whole frame.
    pub(crate) fn process_frame<T>(
        &mut self,
        frame: &[u8],
        then: impl FnOnce(&Answer<'_>) -> T,
    ) -> Result<(T, Call), SmartModuleError> {
        let header = *Frame::read(frame)?.header();
        self.process(&header, frame.get(FRAME_HEADER..).unwrap_or_default(), then)
    }

    /// Calls with any bytes.
    pub(crate) fn raw<T>(
        &mut self,
        entry: Entry,
        input: &Input<'_>,
        then: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, SmartModuleError> {
        let guest = &mut self.guest;
        let allowed = self.limits.cpu(0);
        within(self.module.engine(), &mut self.store, allowed, |store| {
            guest.call(store, entry, input, then)
        })
    }

    /// Bytes of memory that it has.
    pub(crate) fn memory(&self) -> usize {
        self.store.data().memory()
    }

    fn call<T>(
        &mut self,
        entry: Entry,
        header: &FrameHeader,
        body: &[u8],
        then: impl FnOnce(Reply<'_>) -> Result<T, SmartModuleError>,
    ) -> Result<(T, Call), SmartModuleError> {
        let guest = &mut self.guest;
        let input = Input {
            head: &header.to_bytes(),
            body,
        };
        let allowed = self.limits.cpu(header.count);
        let result = within(self.module.engine(), &mut self.store, allowed, |store| {
            guest.call(store, entry, &input, then)
        });
        let call = Call {
            cpu: self.store.data().budget.used(),
            memory: self.store.data().memory(),
        };
        self.log.drain(self.sink.as_ref());
        Ok((result??, call))
    }
}

const NOTHING: Input<'_> = Input { head: &[], body: &[] };

fn checked(reply: Reply<'_>) -> Result<(), SmartModuleError> {
    match reply {
        Reply::Ok(_) => Ok(()),
        Reply::Failed(bytes) => Err(failed(bytes)),
    }
}

fn failed(bytes: &[u8]) -> SmartModuleError {
    match Failure::read(bytes) {
        Ok(Failure { index, message }) => SmartModuleError::Failed { index, message },
        Err(error) => SmartModuleError::Answer(format!("its failure is not valid: {error}")),
    }
}
