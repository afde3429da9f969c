//! A chain of modules, as it is attached somewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidemill_smartengine::{Digest, Kind, OnError, Place, Setting, Step};

use crate::error::ModulesError;
use crate::modules::Modules;

/// One module of a stream, and how it is attached.
#[derive(Clone)]
pub struct StepSpec {
    /// Its name, for messages and counters.
    pub name: String,
    /// Which version.
    pub digest: Digest,
    /// Parameters, limits, grants, where its lines go.
    pub setting: Setting,
    /// What happens to records that it fails.
    pub on_error: OnError,
    /// Which older records it sees first.
    pub look_back: Option<LookBack>,
}

/// Which older records a module sees first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookBack {
    /// So many.
    Last(u64),
    /// Those of so many milliseconds before the newest.
    WindowMs(i64),
}

/// A chain of modules, ready to run. Whoever has one has its modules compiled.
pub struct Stream {
    id: u64,
    place: Place,
    names: Vec<String>,
    steps: Vec<Step>,
    look_back: Vec<LookBack>,
    stateful: bool,
}

impl Stream {
    /// Loads the modules of `steps`, and checks that each fits `place` and takes its parameters.
    ///
    /// # Errors
    /// [`ModulesError`].
    pub async fn load(modules: &Modules, steps: Vec<StepSpec>, place: Place) -> Result<Stream, ModulesError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut stream = Stream {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            place,
            names: Vec::with_capacity(steps.len()),
            steps: Vec::with_capacity(steps.len()),
            look_back: Vec::new(),
            stateful: false,
        };
        for spec in steps {
            let module = modules.get(spec.digest).await?;
            let description = module.description();
            place.check(description.kind)?;
            module.check_params(&spec.setting.params)?;
            stream.stateful |= description.look_back || description.kind == Kind::Aggregate;
            stream
                .look_back
                .extend(spec.look_back.filter(|_| description.look_back));
            stream.names.push(spec.name);
            stream.steps.push(Step {
                module,
                setting: spec.setting,
                on_error: spec.on_error,
            });
        }
        Ok(stream)
    }

    /// Whether what becomes of a record depends on those before it.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.stateful
    }

    /// Which older records are to be shown to it when it starts.
    #[must_use]
    pub fn look_back(&self) -> &[LookBack] {
        &self.look_back
    }

    /// Name and version of a step.
    #[must_use]
    pub fn module(&self, step: usize) -> Option<(&str, Digest)> {
        let name = self.names.get(step)?;
        Some((name, self.steps.get(step)?.module.digest()))
    }

    /// Number of its modules.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it has none: records go on as they are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn start(
        self: &Arc<Self>,
    ) -> Result<tidemill_smartengine::Chain, tidemill_smartengine::ChainError> {
        tidemill_smartengine::Chain::start(&self.steps, self.place)
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("modules", &self.names)
            .finish_non_exhaustive()
    }
}
