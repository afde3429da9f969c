//! Tasks that run when asked, on the thread that asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::{BoxFuture, Tasks};

/// Spawned futures wait for [`SimTasks::run`]; blocking work runs in place.
#[derive(Default)]
pub struct SimTasks {
    waiting: Mutex<Vec<Task>>,
}

struct Task {
    future: BoxFuture<'static, ()>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl SimTasks {
    /// Polls every task that was woken, in order of spawning, until none is. Answers how many remain.
    pub fn run(&self) -> usize {
        let mut running = Vec::new();
        loop {
            running.append(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            let mut progress = false;
            running.retain_mut(|task: &mut Task| {
                if !task.woken.0.swap(false, Ordering::AcqRel) {
                    return true;
                }
                progress = true;
                let waker = Waker::from(Arc::clone(&task.woken));
                task.future
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            });
            if !progress {
                let left = running.len();
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                running.append(&mut waiting);
                *waiting = running;
                return left;
            }
        }
    }
}

impl Tasks for SimTasks {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Task { future, woken });
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}
