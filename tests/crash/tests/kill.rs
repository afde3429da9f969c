//! `kill -9` under load, at random moments: no acknowledged record is lost, none of an idempotent
//! producer is doubled or out of order, and the server starts again without help.
//!
//! `TIDEMILL_KILLS` sets how often (default 6, 100 for the whole proof), `TIDEMILL_SEED` the moments.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidemill_client::{Client, Delivery, NewTopic, Record, Start};
use tidemill_crash::{Ledger, Server, Verdict};

const TOPIC: &str = "under-fire";
const PARTITIONS: i32 = 3;
const IN_FLIGHT: usize = 2_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// A small generator (xorshift): the moments only need to differ from run to run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(20 + self.0 % 400)
    }
}

/// Writes numbered records until told to stop; answers how many were acknowledged, which must be all.
async fn write(bootstrap: String, writer: u32, stop: Arc<AtomicBool>) -> u64 {
    let client = Client::connect(bootstrap).await.unwrap();
    let producer = client
        .producer()
        .delivery_timeout(Duration::from_secs(300))
        .build()
        .await
        .unwrap();
    let partition = i32::try_from(writer).unwrap() % PARTITIONS;
    let mut waiting = std::collections::VecDeque::<Delivery>::new();
    let mut acknowledged = 0;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let value = Ledger::value(writer, number);
        let record = Record::to(TOPIC).value(&value).partition(partition);
        waiting.push_back(producer.enqueue(record).await.unwrap());
        if waiting.len() >= IN_FLIGHT {
            waiting.pop_front().unwrap().await.unwrap();
            acknowledged += 1;
        }
    }
    for delivery in waiting {
        delivery.await.unwrap();
        acknowledged += 1;
    }
    producer.close(Duration::from_secs(60)).await.unwrap();
    acknowledged
}

async fn read_all(bootstrap: &str, ledger: &mut Ledger) {
    let client = Client::connect(bootstrap).await.unwrap();
    let mut consumer = client
        .consumer()
        .topic(TOPIC)
        .start(Start::Earliest)
        .stop_at_end(true)
        .build()
        .await
        .unwrap();
    while !consumer.finished() {
        let records = consumer
            .next_batch(100_000, Duration::from_secs(30))
            .await
            .unwrap();
        records
            .for_each(|record| assert!(ledger.read(record.value.unwrap()), "a record is damaged"))
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (kills, seed) = (setting("TIDEMILL_KILLS", 6), setting("TIDEMILL_SEED", clock | 1));
    eprintln!("{kills} kills, TIDEMILL_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(&dir.path().join("data")).unwrap();
    let bootstrap = server.kafka().to_owned();
    let admin = Client::connect(bootstrap.as_str()).await.unwrap();
    admin
        .topics()
        .create(NewTopic::new(TOPIC).partitions(PARTITIONS))
        .await
        .unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(write(bootstrap.clone(), writer, stop.clone())))
        .collect();
    let mut moments = Moments(seed);
    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        tokio::time::sleep(moments.next()).await;
        server = tokio::task::spawn_blocking(move || {
            let mut server = server;
            server.kill_and_restart().map(|()| server)
        })
        .await
        .unwrap()
        .unwrap();
        slowest = slowest.max(server.started_in());
    }
    // Some load after the last kill, too.
    tokio::time::sleep(moments.next()).await;
    stop.store(true, Ordering::Relaxed);

    let mut ledger = Ledger::default();
    for (writer, task) in writers.into_iter().enumerate() {
        ledger.acknowledged(u32::try_from(writer).unwrap(), task.await.unwrap());
    }
    read_all(&bootstrap, &mut ledger).await;
    eprintln!("{} records read; slowest start {slowest:?}", ledger.count());
    assert_eq!(ledger.verdict(), Verdict::default(), "TIDEMILL_SEED={seed}");
    assert!(ledger.count() > 1_000, "the load was too small to prove anything");
}
