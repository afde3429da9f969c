//! Streams by what they belong to, loaded when they are first used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tidemill_metadata::ResolvedTransform;
use tidemill_modules::{LookBack, ModulesError, StepSpec, Stream};
use tidemill_resource::{LookBack as Asked, ModuleLimits, OnError as Policy};
use tidemill_smartengine::{Digest, Grants, Limits, OnError, Place, Setting};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Transforms;

/// Streams that are in use, by the id of their topic or view.
#[derive(Default)]
pub(super) struct Streams {
    known: Mutex<FxHashMap<Uuid, Known>>,
}

struct Known {
    chain: Arc<Vec<ResolvedTransform>>,
    stream: Arc<OnceCell<Arc<Stream>>>,
    used: Duration,
}

impl Streams {
    /// The cell of the stream with this chain; a changed chain gets a new one.
    fn cell(
        &self,
        id: Uuid,
        chain: &Arc<Vec<ResolvedTransform>>,
        now: Duration,
    ) -> Arc<OnceCell<Arc<Stream>>> {
        let mut known = self.lock();
        let fresh = || Known {
            chain: Arc::clone(chain),
            stream: Arc::default(),
            used: now,
        };
        let entry = known.entry(id).or_insert_with(fresh);
        if !Arc::ptr_eq(&entry.chain, chain) && entry.chain != *chain {
            *entry = fresh();
        }
        entry.used = now;
        Arc::clone(&entry.stream)
    }

    pub(super) fn sweep(&self, now: Duration, unused_for: Duration) {
        self.lock()
            .retain(|_, known| now.saturating_sub(known.used) < unused_for);
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<Uuid, Known>> {
        // No code that holds the lock can leave it half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a chain is attached.
pub(super) struct Attached<'a> {
    /// Id of the topic or view.
    pub(super) id: Uuid,
    /// In words that a module may log.
    pub(super) label: String,
    pub(super) place: Place,
    pub(super) chain: &'a Arc<Vec<ResolvedTransform>>,
}

impl Transforms {
    /// The stream of a chain, with its modules loaded.
    pub(super) async fn stream(
        &self,
        attached: &Attached<'_>,
        now: Duration,
    ) -> Result<Arc<Stream>, ModulesError> {
        let cell = self.streams.cell(attached.id, attached.chain, now);
        let stream = cell.get_or_try_init(|| async {
            let steps = attached.chain.iter().map(|step| self.step(step, &attached.label));
            Stream::load(&self.modules, steps.collect(), attached.place)
                .await
                .map(Arc::new)
        });
        stream.await.map(Arc::clone)
    }

    fn step(&self, transform: &ResolvedTransform, label: &str) -> StepSpec {
        let digest = Digest::from_bytes(transform.digest.0);
        StepSpec {
            name: transform.module.clone(),
            digest,
            setting: Setting {
                params: transform.params.clone(),
                limits: limits(&transform.limits),
                grants: Grants {
                    clock: transform.grants.clock,
                    random: transform.grants.random,
                },
                place: label.to_owned(),
                log: self.logs.sink(&transform.module, digest, label),
            },
            on_error: match transform.on_error {
                Policy::Fail => OnError::Fail,
                Policy::Skip => OnError::Skip,
                Policy::Pass => OnError::Pass,
                Policy::DeadLetter => OnError::DeadLetter,
            },
            look_back: transform.look_back.map(|asked| match asked {
                Asked::Last(count) => LookBack::Last(count),
                Asked::Window(window) => LookBack::WindowMs(window.ms()),
            }),
        }
    }
}

fn limits(asked: &ModuleLimits) -> Limits {
    let default = Limits::default();
    let time = |asked: Option<tidemill_resource::TimeSpan>, default| {
        asked.map_or(default, |span| {
            Duration::from_millis(u64::try_from(span.ms()).unwrap_or(0))
        })
    };
    let size = |asked: Option<tidemill_resource::ByteSize>, default| {
        asked.map_or(default, |size| usize::try_from(size.0).unwrap_or(usize::MAX))
    };
    Limits {
        memory: size(asked.memory, default.memory),
        cpu_per_batch: time(asked.cpu_per_batch, default.cpu_per_batch),
        cpu_per_record: time(asked.cpu_per_record, default.cpu_per_record),
        cpu_to_start: time(asked.cpu_to_start, default.cpu_to_start),
        output: size(asked.output, default.output),
    }
}
