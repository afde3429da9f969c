//! A partition on a simulated disk: what each flush mode survives, what a disk error ends, what the log says.
#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

use std::io::{IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tidemill_env::sim::{
    self, Fault, FaultTarget, Faults, FaultyDisk, Op, SimClock, SimDisk, SimTasks, Survival,
};
use tidemill_env::{Disk, Env, OpenMode};
use tidemill_partition::{
    AppendError, FlushPolicy, Partition, PartitionConfig, PartitionHooks, PartitionSpec, Partitions,
    ReplicateError,
};
use tidemill_wire::batch::{BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use uuid::Uuid;

const TOPIC: Uuid = Uuid::from_u128(7);

#[derive(Default)]
struct Failures(AtomicUsize);

impl PartitionHooks for Failures {
    fn failed(&self, _topic_id: Uuid, _index: i32) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Machine {
    disk: SimDisk,
    faults: Arc<Faults>,
    clock: Arc<SimClock>,
    tasks: Arc<SimTasks>,
    env: Env,
    failures: Arc<Failures>,
}

impl Machine {
    fn new() -> Self {
        let disk = SimDisk::default();
        disk.create_dir_all(Path::new("/topics")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let faults = Arc::new(Faults::default());
        let clock = Arc::new(SimClock::new(1_000_000));
        let target: Arc<dyn FaultTarget> = Arc::new(disk.clone());
        let faulty = FaultyDisk::new(target, Arc::clone(&faults));
        let (env, tasks) = sim::env(Arc::new(faulty), Arc::clone(&clock), 0);
        Self {
            disk,
            faults,
            clock,
            tasks,
            env,
            failures: Arc::default(),
        }
    }

    /// A new process.
    fn partitions(&self) -> Partitions {
        let hooks: Arc<dyn PartitionHooks> = Arc::clone(&self.failures) as _;
        Partitions::new(self.env.clone(), PathBuf::from("/topics"), hooks)
    }

    async fn open(&self, index: i32, flush: FlushPolicy) -> Arc<Partition> {
        let mut config = PartitionConfig {
            flush,
            ..PartitionConfig::default()
        };
        config.log.segment_bytes = 500;
        let spec = PartitionSpec {
            topic_id: TOPIC,
            topic: "orders".into(),
            index,
            leader_epoch: 3,
            config,
        };
        self.partitions().open(spec).await.unwrap()
    }

    fn log_path(&self, index: i32, base: i64) -> PathBuf {
        PathBuf::from(format!("/topics/{TOPIC}/{index}/{base:020}.log"))
    }
}

fn record() -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(&RecordData {
        timestamp: 1_000,
        key: None,
        value: Some(b"value"),
        headers: &[],
    });
    builder.build()
}

async fn committed(partition: &Partition) -> Result<i64, AppendError> {
    let accepted = partition.append(record()).await?;
    accepted.commit.await?;
    Ok(accepted.base_offset)
}

/// Lines that are logged while `work` runs on this thread.
async fn logged(work: impl Future<Output = ()>) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn a_commit_with_flush_always_survives_a_power_cut() {
    let machine = Machine::new();
    let partition = machine.open(0, FlushPolicy::Always).await;
    assert_eq!(committed(&partition).await.unwrap(), 0);
    machine.disk.crash(Survival::Nothing, 0);
    assert_eq!(machine.open(0, FlushPolicy::Always).await.offsets().end, 1);
}

#[tokio::test]
async fn a_commit_with_flush_interval_survives_a_power_cut_once_the_interval_is_over() {
    let machine = Machine::new();
    let flush = FlushPolicy::Interval(Duration::from_millis(50));
    let partition = machine.open(0, flush).await;
    for pass in [50, 49] {
        committed(&partition).await.unwrap();
        // The interval begins.
        machine.tasks.run();
        machine.clock.advance(Duration::from_millis(pass));
        machine.tasks.run();
    }
    assert_eq!(partition.offsets().high_watermark, 2, "both are served");
    machine.disk.crash(Survival::Nothing, 0);
    assert_eq!(machine.open(0, flush).await.offsets().end, 1);
}

#[tokio::test]
async fn a_commit_with_flush_os_survives_the_end_of_the_process_only() {
    let machine = Machine::new();
    let partition = machine.open(0, FlushPolicy::Os).await;
    committed(&partition).await.unwrap();
    machine.clock.advance(Duration::from_secs(3600));
    machine.tasks.run();
    let killed = machine.disk.fork();
    killed.crash(Survival::Everything, 0);
    let kept = killed.contents(&machine.log_path(0, 0)).unwrap();
    assert_eq!(kept.len() as u64, partition.size_bytes());
    machine.disk.crash(Survival::Nothing, 0);
    assert_eq!(machine.open(0, FlushPolicy::Os).await.offsets().end, 0);
}

#[tokio::test]
async fn a_log_that_is_cut_says_so() {
    let machine = Machine::new();
    let partition = machine.open(0, FlushPolicy::Always).await;
    committed(&partition).await.unwrap();
    drop(partition);
    let path = machine.log_path(0, 0);
    let file = machine.disk.open(&path, OpenMode::Write).unwrap();
    let len = file.len().unwrap();
    file.write_at(len, &[IoSlice::new(b"half a batch")]).unwrap();
    let lines = logged(async {
        let partition = machine.open(0, FlushPolicy::Always).await;
        assert_eq!(partition.offsets().end, 1);
    })
    .await;
    let line = lines.lines().find(|line| line.contains("torn")).unwrap();
    for said in [
        "WARN",
        "orders",
        "bytes=12",
        &format!("at byte {len}"),
        &path.display().to_string(),
    ] {
        assert!(line.contains(said), "{said} is not in {line}");
    }
    let quiet = logged(async { drop(machine.open(0, FlushPolicy::Always).await) }).await;
    assert!(!quiet.contains("torn"), "{quiet}");
}

#[tokio::test]
async fn a_failed_sync_ends_one_partition_and_its_name_is_logged() {
    let machine = Machine::new();
    let struck = machine.open(0, FlushPolicy::Always).await;
    let spared = machine.open(1, FlushPolicy::Always).await;
    committed(&struck).await.unwrap();
    machine.faults.fail_where(Op::Sync, "/0/", Fault::Io);
    let lines = logged(async {
        for _ in 0..3 {
            let error = committed(&struck).await.unwrap_err();
            assert!(
                matches!(error, AppendError::Replicate(ReplicateError::Failed { .. })),
                "{error}"
            );
        }
    })
    .await;
    let told: Vec<&str> = lines
        .lines()
        .filter(|line| line.contains("failed until a restart"))
        .collect();
    assert_eq!(told.len(), 1, "{lines}");
    assert!(
        told[0].contains("ERROR") && told[0].contains("orders-0"),
        "{lines}"
    );
    assert_eq!(machine.failures.0.load(Ordering::Relaxed), 1);
    assert!(struck.failed().is_some());
    assert_eq!(
        struck.offsets().high_watermark,
        1,
        "what was not made durable is not served"
    );
    assert_eq!(committed(&spared).await.unwrap(), 0);
}

#[tokio::test]
async fn a_start_after_a_kill_reads_only_what_follows_the_last_maintenance() {
    let machine = Machine::new();
    let partition = machine.open(0, FlushPolicy::Always).await;
    for _ in 0..30 {
        committed(&partition).await.unwrap();
    }
    partition.maintain().await.unwrap();
    let last = partition.segments().last().unwrap().base_offset;
    assert!(last > 20);
    drop(partition);
    for base in 0..last {
        if machine.disk.exists(&machine.log_path(0, base)) {
            let path = machine.log_path(0, base).display().to_string();
            machine.faults.fail_where(Op::Read, &path, Fault::Io);
            let partition = machine.open(0, FlushPolicy::Always).await;
            assert_eq!(partition.offsets().end, 30);
        }
    }
}

/// Does one thing while a flush is still under way.
#[derive(Default)]
struct Meanwhile(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl PartitionHooks for Meanwhile {
    fn flushed(&self, _bytes: u64, _took: Duration) {
        if let Some(work) = self.0.lock().unwrap().take() {
            work();
        }
    }
}

#[tokio::test]
async fn a_record_whose_interval_ends_while_another_flush_runs_is_flushed_too() {
    let machine = Arc::new(Machine::new());
    let hook = Arc::new(Meanwhile::default());
    let (every, hooks) = (Duration::from_millis(50), Arc::clone(&hook));
    let partitions = Partitions::new(machine.env.clone(), PathBuf::from("/topics"), hooks);
    let spec = PartitionSpec {
        topic_id: TOPIC,
        topic: "orders".into(),
        index: 0,
        leader_epoch: 3,
        config: PartitionConfig {
            flush: FlushPolicy::Interval(every),
            ..PartitionConfig::default()
        },
    };
    let partition = partitions.open(spec).await.unwrap();
    let pass = move |machine: &Machine| {
        machine.tasks.run();
        machine.clock.advance(every);
        machine.tasks.run();
    };
    let (late, world) = (Arc::clone(&partition), Arc::clone(&machine));
    *hook.0.lock().unwrap() = Some(Box::new(move || {
        futures_util::future::FutureExt::now_or_never(committed(&late))
            .unwrap()
            .unwrap();
        pass(&world);
    }));
    committed(&partition).await.unwrap();
    pass(&machine);
    assert_eq!(partition.offsets().end, 2);
    machine.disk.crash(Survival::Nothing, 0);
    assert_eq!(machine.open(0, FlushPolicy::Os).await.offsets().end, 2);
}

#[tokio::test]
async fn what_was_refused_stays_unseen_when_the_flush_policy_is_weakened_later() {
    let machine = Machine::new();
    let partition = machine.open(0, FlushPolicy::Always).await;
    committed(&partition).await.unwrap();
    machine.faults.fail_where(Op::Sync, "/0/", Fault::Io);
    committed(&partition).await.unwrap_err();
    partition.set_config(PartitionConfig {
        flush: FlushPolicy::Os,
        ..PartitionConfig::default()
    });
    assert_eq!(partition.offsets().high_watermark, 1);
}

fn numbered(sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(&RecordData {
        timestamp: 1_000,
        key: None,
        value: Some(b"value"),
        headers: &[],
    });
    builder.with_producer(9, 0, sequence).build()
}

#[tokio::test]
async fn a_producer_is_not_told_of_a_duplicate_of_what_a_failed_disk_lost() {
    let machine = Machine::new();
    let partitions = machine.partitions();
    let spec = PartitionSpec {
        topic_id: TOPIC,
        topic: "orders".into(),
        index: 0,
        leader_epoch: 3,
        config: PartitionConfig::default(),
    };
    let partition = partitions.open(spec).await.unwrap();
    partition.append(numbered(0)).await.unwrap().commit.await.unwrap();
    machine.faults.fail_where(Op::Sync, ".log", Fault::Io);
    let lost = partition.append(numbered(1)).await.unwrap();
    lost.commit.await.unwrap_err();
    drop(partition);
    partitions.close_all().await;
    machine.faults.fail_where(Op::Sync, "nothing", Fault::Io);

    let partition = machine.open(0, FlushPolicy::Always).await;
    assert_eq!(partition.offsets().end, 1);
    assert_eq!(committed(&partition).await.unwrap(), 1);
    drop(partition);
    let partition = machine.open(0, FlushPolicy::Always).await;
    let again = partition.append(numbered(1)).await.unwrap();
    assert!(!again.duplicate, "it was never stored");
    assert_eq!(again.base_offset, 2);
}

#[tokio::test]
async fn producer_state_that_could_not_be_saved_is_saved_the_next_time() {
    let machine = Machine::new();
    let partition = machine.open(0, FlushPolicy::Always).await;
    partition.append(numbered(0)).await.unwrap().commit.await.unwrap();
    machine
        .faults
        .fail_where(Op::Write, "producers.snapshot", Fault::Full);
    partition.maintain().await.unwrap_err();
    machine.faults.fail_where(Op::Write, "nothing", Fault::Io);
    partition.maintain().await.unwrap();
    let saved = partition.dir().join("producers.snapshot");
    assert!(machine.disk.exists(&saved));
}
