//! The threads that streams run on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidemill_env::Env;
use tidemill_smartengine::{Chain, ChainError};
use tokio::sync::Semaphore;

use crate::error::RunError;
use crate::idle::{Bounds, Idle, Key};
use crate::stream::Stream;

/// How streams are run.
#[derive(Debug, Clone, Copy)]
pub struct RunnerConfig {
    /// Batches that are run at once.
    pub threads: usize,
    /// Idle chains that are kept.
    pub idle_chains: usize,
    /// Bytes of memory that idle chains may have.
    pub idle_memory: usize,
    /// How long one without state is kept.
    pub idle_time: Duration,
    /// How long one with state is kept.
    pub idle_time_with_state: Duration,
}

impl Default for RunnerConfig {
    /// Twice as many threads as processors, at least four; 256 idle chains with 64 MiB for a minute, with
    /// state for an hour.
    fn default() -> RunnerConfig {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        RunnerConfig {
            threads: (2 * processors).max(4),
            idle_chains: 256,
            idle_memory: 64 << 20,
            idle_time: Duration::from_secs(60),
            idle_time_with_state: Duration::from_secs(3_600),
        }
    }
}

/// Runs streams. Clones share threads and idle chains.
#[derive(Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env,
    turns: Arc<Semaphore>,
    bounds: Bounds,
    idle: Mutex<Idle>,
}

/// A stream's place: its chain, when one is idle that has come to this place.
pub struct Seat {
    stream: Arc<Stream>,
    partition: i32,
    chain: Option<Chain>,
}

/// What a piece of work comes to.
#[derive(Debug)]
pub struct Done<T> {
    /// The result.
    pub value: T,
    /// The offset that the chain has come to; `None` when it is of no more use.
    pub next: Option<i64>,
}

impl Runner {
    /// No thread runs yet.
    #[must_use]
    pub fn new(env: Env, config: &RunnerConfig) -> Runner {
        let turns = Arc::new(Semaphore::new(config.threads.max(1)));
        let bounds = Bounds {
            chains: config.idle_chains,
            memory: config.idle_memory,
            time: config.idle_time,
            time_with_state: config.idle_time_with_state,
        };
        let idle = Mutex::default();
        Runner {
            inner: Arc::new(Inner {
                env,
                turns,
                bounds,
                idle,
            }),
        }
    }

    /// A place from which `stream` is to go on at `offset` of a partition.
    #[must_use]
    pub fn seat(&self, stream: &Arc<Stream>, partition: i32, offset: i64) -> Seat {
        let key = key(stream, partition, offset);
        Seat {
            stream: Arc::clone(stream),
            partition,
            chain: self.inner.idle().take(key),
        }
    }

    /// Runs `work` with the seat's chain, which is started first if there is none, on a thread that may block. Waits
    /// for its turn.
    ///
    /// # Errors
    /// [`RunError`]: what `work` said, after which the chain is thrown away, or the chain did not start.
    ///
    /// # Cancellation
    /// Dropping the future does not stop work that has begun.
    pub async fn run<T, F>(&self, seat: Seat, work: F) -> Result<T, RunError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Chain) -> Result<Done<T>, ChainError> + Send + 'static,
    {
        let Seat {
            stream,
            partition,
            chain,
        } = seat;
        // Never closed. It is given back when the work is done, though nobody may wait for it any more.
        let turn = Arc::clone(&self.inner.turns).acquire_owned().await;
        let turn = turn.map_err(|_| RunError::Stopping)?;
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let _turn = turn;
            let mut chain = match chain {
                Some(chain) => chain,
                None => stream.start()?,
            };
            let Done { value, next } = work(&mut chain)?;
            if let Some(next) = next {
                inner.give_back(key(&stream, partition, next), chain);
            }
            Ok::<T, ChainError>(value)
        };
        let ran = self.inner.env.blocking(work).await;
        ran.map_err(|_| RunError::Stopping)?.map_err(RunError::from)
    }

    /// Lets go of what was idle for too long. To be called now and then.
    pub async fn sweep(&self) {
        let inner = Arc::clone(&self.inner);
        // Nothing is lost when the server is stopping.
        let _ = self.inner.env.blocking(move || inner.trim()).await;
    }

    /// Idle chains, and the bytes of memory that they have.
    #[must_use]
    pub fn idle(&self) -> (usize, usize) {
        let idle = self.inner.idle();
        (idle.len(), idle.memory())
    }
}

fn key(stream: &Stream, partition: i32, offset: i64) -> Key {
    Key {
        stream: stream.id(),
        at: stream.is_stateful().then_some((partition, offset)),
    }
}

impl Seat {
    /// Whether the chain starts anew: one with state must then be shown older records first.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.chain.is_none()
    }
}

impl Inner {
    fn give_back(&self, key: Key, chain: Chain) {
        let now = self.env.clock.monotonic();
        self.idle().put(key, chain, now);
        self.trim();
    }

    fn trim(&self) {
        let now = self.env.clock.monotonic();
        let excess = self.idle().excess(&self.bounds, now);
        drop(excess);
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // No code that holds the lock can leave it half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
