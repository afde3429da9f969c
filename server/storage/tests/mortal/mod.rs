//! A machine that dies or fails where it is told to, and the search through all the places where it may: shared
//! by the tests that hold a log against a model.
#![allow(dead_code, reason = "each test takes its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use tidemill_env::sim::{self, FaultTarget, Faults, FaultyDisk, SimClock, SimDisk, Survival};
use tidemill_env::{Disk, Env};
use tidemill_storage::{Log, StorageError};

/// Histories of each kind in an ordinary run.
const SEEDS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Whether more was asked for than an ordinary run has time for.
pub(crate) fn thorough() -> bool {
    number("TIDEMILL_SIM_SEEDS").is_some()
}

/// Runs `history` for each seed, `times` as many as in an ordinary run, and names the seed that fails.
pub(crate) fn for_seeds(times: u64, history: impl Fn(u64) -> Result<()>) {
    let seeds = match number("TIDEMILL_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TIDEMILL_SIM_SEEDS").unwrap_or(SEEDS) * times,
    };
    for seed in seeds {
        if let Err(error) = history(seed) {
            panic!("TIDEMILL_SIM_SEED={seed}: {error:#}");
        }
    }
}

/// The directory of the log.
pub(crate) fn dir() -> PathBuf {
    PathBuf::from("/data/topic/0")
}

/// Why a step was not done.
pub(crate) enum Halt {
    /// The log refused.
    Refused(StorageError),
    /// The log broke a promise.
    Broken(anyhow::Error),
}

impl From<StorageError> for Halt {
    fn from(error: StorageError) -> Self {
        Self::Refused(error)
    }
}

impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

/// A promise of the log's.
pub(crate) fn promised(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Halt> {
    match holds {
        true => Ok(()),
        false => Err(Halt::Broken(anyhow::anyhow!(otherwise()))),
    }
}

/// The log begins and ends where it should.
pub(crate) fn spans(log: &Log, start: i64, end: i64) -> Result<()> {
    let found = log.offsets();
    ensure!(
        (found.start, found.end) == (start, end),
        "spans {} to {}, not {start} to {end}",
        found.start,
        found.end,
    );
    Ok(())
}

/// Nothing may be refused where nothing fails; `when` says when that is.
pub(crate) fn unrefused(done: Result<(), Halt>, when: &str) -> Result<()> {
    match done {
        Ok(()) => Ok(()),
        Err(Halt::Refused(error)) => bail!("refused {when}: {error}"),
        Err(Halt::Broken(error)) => Err(error.context(when.to_owned())),
    }
}

/// A disk, a clock, and what goes wrong.
pub(crate) struct Machine {
    pub(crate) disk: SimDisk,
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) env: Env,
    seed: u64,
}

impl Machine {
    /// An empty disk, on which the data directory is durable.
    pub(crate) fn new(seed: u64) -> Self {
        let disk = SimDisk::default();
        disk.create_dir_all(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let clock = Arc::new(SimClock::new(1_000_000));
        let faults = Arc::new(Faults::default());
        Self {
            env: env(&disk, &faults, &clock, seed),
            disk,
            faults,
            clock,
            seed,
        }
    }

    /// The power goes and comes back: what was not synced survives as `survival` says, and nothing fails any more.
    pub(crate) fn die(&mut self, survival: Survival, seed: u64) {
        self.disk.crash(survival, seed);
        self.reboot();
    }

    /// A new process on the same disk, without faults.
    pub(crate) fn reboot(&mut self) {
        self.faults = Arc::new(Faults::default());
        self.env = env(&self.disk, &self.faults, &self.clock, self.seed);
    }
}

fn env(disk: &SimDisk, faults: &Arc<Faults>, clock: &Arc<SimClock>, seed: u64) -> Env {
    let target: Arc<dyn FaultTarget> = Arc::new(disk.clone());
    let faulty = FaultyDisk::new(target, Arc::clone(faults));
    sim::env(Arc::new(faulty), Arc::clone(clock), seed).0
}

/// Whether the operation at which the machine dies takes effect, and what survives of what was not synced.
pub(crate) type Death = (bool, Survival);

/// The ways to die.
pub(crate) const DEATHS: [Death; 5] = [
    (false, Survival::Nothing),
    (true, Survival::Nothing),
    (true, Survival::Everything),
    (false, Survival::Some),
    (true, Survival::Some),
];

/// A log on a machine that may die.
pub(crate) trait Mortal: Sized {
    fn machine(&self) -> &Machine;
    /// Opens the log and compares it with what was promised.
    fn open(&mut self) -> Result<(), Halt>;
    /// Does every step of its history until one is refused, comparing nothing.
    fn play(&mut self) -> Result<(), Halt>;
    /// The power goes and comes back.
    fn die(&mut self, survival: Survival, seed: u64);

    /// Lets it die at operation `n` of its history.
    fn dead_at(mut self, n: u64, (applied, survival): Death) -> Result<Self> {
        self.machine().faults.crash_at(n, applied);
        match self.play() {
            Ok(()) if !self.machine().faults.crashed() => bail!("operation {n} did not come"),
            // The last step had already done what matters.
            Ok(()) | Err(Halt::Refused(_)) => {}
            Err(Halt::Broken(error)) => return Err(error),
        }
        self.die(survival, n);
        Ok(self)
    }

    /// Lets it die again at operation `m` of its recovery; false when that was over before.
    fn dies_in_recovery(&mut self, m: u64, applied: bool) -> Result<bool> {
        self.machine().faults.crash_at(m, applied);
        match self.open() {
            Ok(()) => Ok(self.machine().faults.crashed()),
            Err(Halt::Refused(_)) => Ok(true),
            Err(Halt::Broken(error)) => Err(error.context(format!("then at {m} of the recovery"))),
        }
    }
}
