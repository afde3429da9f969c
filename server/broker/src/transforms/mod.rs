//! SmartModules on the data path: what topics do to records before they are stored, and views before they are read.
//!
//! Modules run on threads of their own, never on those that serve connections, and in bounds that their attachment
//! sets. What a module fails becomes an error of its stream alone, a line in the log, and a condition of the object.

mod dead_letters;
mod gaps;
mod ingest;
mod logs;
mod look_back;
mod own_topics;
mod streams;
mod view;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tidemill_env::Env;
use tidemill_modules::{Modules, ModulesError, RunError, Runner, RunnerConfig};
use tidemill_smartengine::{ChainError, SmartModuleError};
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

use crate::broker::Broker;
use crate::errors::Failure;

pub use dead_letters::DEAD_LETTERS;
pub(crate) use gaps::gap;
pub(crate) use ingest::of;
pub use logs::{LOGS_TOPIC, store as store_logs};
pub(crate) use view::{Wanted, read};

/// How long a failure is told, at least.
const STANDS: Duration = Duration::from_secs(10);
/// A stream that nobody used for so long lets go of its modules.
const UNUSED_FOR: Duration = Duration::from_secs(600);

/// What runs transforms.
pub struct Transforms {
    /// The modules of this server.
    pub modules: Modules,
    pub(crate) runner: Runner,
    streams: streams::Streams,
    pub(crate) logs: logs::Logs,
    dead: dead_letters::DeadLetters,
    /// What is wrong with a stream, by the id of its topic or view, and since when it was last seen to be.
    failures: Mutex<FxHashMap<Uuid, (String, Duration)>>,
}

impl Transforms {
    pub(crate) fn new(env: &Env, modules: Modules) -> Self {
        Self {
            modules,
            runner: Runner::new(env.clone(), &RunnerConfig::default()),
            streams: streams::Streams::default(),
            logs: logs::Logs::new(env.clone()),
            dead: dead_letters::DeadLetters::default(),
            failures: Mutex::default(),
        }
    }

    /// What is wrong with the transforms of a topic or view, if its records cannot go through them.
    #[must_use]
    pub fn failure(&self, id: Uuid) -> Option<String> {
        self.failures().get(&id).map(|(failure, _)| failure.clone())
    }

    /// Chains that nobody runs at the moment, and the bytes of memory that they have.
    #[must_use]
    pub fn idle(&self) -> (usize, usize) {
        self.runner.idle()
    }

    /// Lets go of what nobody used for long. To be called now and then.
    pub async fn sweep(&self, env: &Env) {
        self.streams.sweep(env.clock.monotonic(), UNUSED_FOR);
        self.runner.sweep().await;
    }

    fn failures(&self) -> MutexGuard<'_, FxHashMap<Uuid, (String, Duration)>> {
        // No code that holds the lock can leave it half changed.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// Notes how a stream fares, for its object; answers whether that is news. A failure stands for a while though
    /// other readers get on: what they say in turn must not become a flood of changes.
    fn fares(&self, id: Uuid, failure: Option<&str>) -> bool {
        let now = self.env.clock.monotonic();
        let news = {
            let mut failures = self.transforms.failures();
            let stands = failures
                .get(&id)
                .is_some_and(|(_, since)| now.saturating_sub(*since) < STANDS);
            match failure {
                _ if stands => false,
                // Mostly there is nothing to forget.
                None => !failures.is_empty() && failures.remove(&id).is_some(),
                Some(failure) => failures
                    .insert(id, (failure.to_owned(), now))
                    .is_none_or(|(old, _)| old != failure),
            }
        };
        if news {
            self.host.note_change();
        }
        news
    }
}

/// What a reader is told: that a module does not let it go on, or that it may try again.
///
/// The code for a module's failure is `INVALID_RECORD`: of the codes that a client may meet in a fetch, it is one that
/// none takes for passing, so that all of them show it. `UNKNOWN_SERVER_ERROR` would be truer, and Java's client only
/// logs it and asks again.
pub(crate) fn failure(error: &ModulesError) -> Failure {
    let code = match error {
        ModulesError::Module(error) => code(error),
        ModulesError::Unknown(_) | ModulesError::Disk { .. } => ResponseError::KafkaStorageError,
        ModulesError::Stopping => ResponseError::NotLeaderOrFollower,
    };
    Failure::new(code, error.to_string())
}

fn chain_failure(error: &ChainError) -> Failure {
    Failure::new(code(&error.error), error.to_string())
}

fn run_failure(error: &RunError) -> Failure {
    match error {
        RunError::Chain(error) => chain_failure(error),
        RunError::Stopping => Failure::new(ResponseError::NotLeaderOrFollower, error.to_string()),
    }
}

fn code(error: &SmartModuleError) -> ResponseError {
    match error {
        SmartModuleError::Engine(_) => ResponseError::KafkaStorageError,
        _ => ResponseError::InvalidRecord,
    }
}
