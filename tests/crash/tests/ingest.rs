//! `kill -9` under a topic that transforms what it is sent: what an idempotent producer had acknowledged comes to exactly
//! what the transform makes of it, no more, no less, in order.
//!
//! `TIDEMILL_INGEST_RECORDS` sets how many records are sent (default 60,000; 1,000,000 for the whole proof),
//! `TIDEMILL_KILLS` how often the server is killed while they are (default 3, 20 for the whole proof).
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tidemill_client::{Client, Delivery, Record, Start};
use tidemill_crash::Server;
use tokio::sync::watch;

const TOPIC: &str = "kept";
const IN_FLIGHT: usize = 2_000;

fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The filter among the examples of the Rust SDK, which keeps values with `error` in them.
fn filter() -> Vec<u8> {
    let house = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house.join("target"), PathBuf::from);
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--release", "--example", "filter"])
        .args(["--target", "wasm32-unknown-unknown", "--manifest-path"])
        .arg(house.join("smartmodule/sdk/rust/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .status()
        .unwrap();
    assert!(
        status.success(),
        "the example does not build; is the target there? `rustup target add wasm32-unknown-unknown`"
    );
    std::fs::read(target.join("wasm32-unknown-unknown/release/examples/filter.wasm")).unwrap()
}

/// Every third record is kept, and there are stretches of which none is.
fn is_kept(number: u64) -> bool {
    number.is_multiple_of(3) && (number / 5_000) % 4 != 2
}

fn value(number: u64) -> String {
    let word = if is_kept(number) { "error" } else { "fine" };
    format!("{word} {number}")
}

/// Sends the records in order; `acknowledged` counts them.
async fn write(bootstrap: String, records: u64, acknowledged: watch::Sender<u64>) {
    let client = Client::connect(bootstrap).await.unwrap();
    let producer = client
        .producer()
        .delivery_timeout(Duration::from_secs(300))
        .build()
        .await
        .unwrap();
    let mut waiting = VecDeque::<Delivery>::new();
    for number in 0..records {
        let value = value(number);
        let record = Record::to(TOPIC).value(value.as_bytes()).partition(0);
        waiting.push_back(producer.enqueue(record).await.unwrap());
        if waiting.len() >= IN_FLIGHT {
            waiting.pop_front().unwrap().await.unwrap();
            acknowledged.send_modify(|count| *count += 1);
        }
    }
    for delivery in waiting {
        delivery.await.unwrap();
        acknowledged.send_modify(|count| *count += 1);
    }
    producer.close(Duration::from_secs(60)).await.unwrap();
}

async fn read_all(client: &Client) -> Vec<String> {
    let builder = client.consumer().topic(TOPIC).start(Start::Earliest);
    let mut consumer = builder.stop_at_end(true).build().await.unwrap();
    let mut read = Vec::new();
    while !consumer.finished() {
        let records = consumer
            .next_batch(100_000, Duration::from_secs(30))
            .await
            .unwrap();
        records
            .for_each(|record| read.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap()))
            .unwrap();
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transform_keeps_is_there_exactly_once_in_order_whatever_is_killed() {
    let records = setting("TIDEMILL_INGEST_RECORDS", 60_000);
    let kills = setting("TIDEMILL_KILLS", 3);
    let wasm = filter();
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(&dir.path().join("data")).unwrap();
    let bootstrap = server.kafka().to_owned();
    let client = Client::connect(bootstrap.as_str()).await.unwrap();
    let objects = client.objects().await.unwrap();
    objects.load_module("filter", wasm, None).await.unwrap();
    let topic = format!(
        "apiVersion: tidemill.dev/v1\nkind: Topic\nmetadata: {{name: {TOPIC}}}\nspec: {{ingest: {{transforms: [{{module: filter}}]}}}}\n"
    );
    objects.apply(&topic).await.unwrap();

    let (count, mut acknowledged) = watch::channel(0);
    let writer = tokio::spawn(write(bootstrap, records, count));
    for kill in 1..=kills {
        // Spread over the load, each while batches are under way.
        let at = records * kill / (kills + 1);
        // It ends when the writer does, at the latest.
        let _ = acknowledged.wait_for(|count| *count >= at).await;
        server = tokio::task::spawn_blocking(move || {
            let mut server = server;
            server.kill_and_restart().map(|()| server)
        })
        .await
        .unwrap()
        .unwrap();
    }
    writer.await.unwrap();
    let expected: Vec<String> = (0..records)
        .filter(|number| is_kept(*number))
        .map(value)
        .collect();
    let found = read_all(&client).await;
    eprintln!("{kills} kills, {records} records sent, {} kept", found.len());
    let wrong = expected
        .iter()
        .zip(&found)
        .position(|(wanted, found)| wanted != found);
    assert_eq!(wrong, None, "the first that differs");
    assert_eq!(found.len(), expected.len());
    drop(server);
}
