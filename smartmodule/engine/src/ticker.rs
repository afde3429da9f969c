//! The pulse at which running guests are looked at.
//!
//! A guest is interrupted at an epoch, which somebody must advance. A thread does, every few milliseconds, but only
//! while a guest runs: a server at rest does not wake up for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often running guests are looked at.
const PULSE: Duration = Duration::from_millis(2);

#[derive(Default)]
struct State {
    running: usize,
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Advances the epoch of an engine while guests run. Dropping it ends its thread.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

/// A guest that runs, until this is dropped.
pub(crate) struct Running {
    shared: Arc<Shared>,
}

impl Ticker {
    pub(crate) fn start(engine: wasmtime::Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Shared::default());
        let pulse = Arc::clone(&shared);
        thread::Builder::new()
            .name("smartmodule-pulse".to_owned())
            .spawn(move || run(&pulse, &engine))?;
        Ok(Ticker { shared })
    }

    /// Says that a guest begins to run.
    pub(crate) fn running(&self) -> Running {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running += 1;
        if state.running == 1 {
            self.shared.changed.notify_one();
        }
        Running {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopped = true;
        self.shared.changed.notify_one();
    }
}

fn run(shared: &Shared, engine: &wasmtime::Engine) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    while !state.stopped {
        if state.running == 0 {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(state);
        thread::sleep(PULSE);
        engine.increment_epoch();
        state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    }
}
