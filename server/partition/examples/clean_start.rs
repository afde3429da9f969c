//! How long a partition takes to open: after a clean close, and after its process was killed.
//!
//! `cargo run --release -p tidemill-partition --example clean_start -- DIR GIB` fills DIR, which must not exist
//! yet, with GIB gibibytes, measures, and removes it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement on the machine's own clock, which may stop at errors"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tidemill_env::Env;
use tidemill_partition::{FlushPolicy, Partition, PartitionConfig, PartitionSpec, Partitions};
use tidemill_wire::batch::{BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use uuid::Uuid;

/// About a mebibyte of records of a kibibyte.
fn records() -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    for _ in 0..980 {
        builder.append(&RecordData {
            timestamp: 1_700_000_000_000,
            key: None,
            value: Some(&[7; 1024]),
            headers: &[],
        });
    }
    builder.build()
}

async fn open(dir: &Path) -> (Partitions, Arc<Partition>) {
    let partitions = Partitions::new(Env::real(), dir.to_owned(), Arc::new(()));
    let spec = PartitionSpec {
        topic_id: Uuid::from_u128(1),
        topic: "large".to_owned(),
        index: 0,
        leader_epoch: 0,
        config: PartitionConfig {
            flush: FlushPolicy::Os,
            ..PartitionConfig::default()
        },
    };
    let begin = Instant::now();
    let partition = partitions.open(spec).await.unwrap();
    let took = begin.elapsed();
    let gib = partition.size_bytes() as f64 / f64::from(1 << 30);
    println!("opened {gib:.2} GiB in {took:.2?}");
    (partitions, partition)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().unwrap());
    let gib: u64 = arguments.next().unwrap().parse().unwrap();
    assert!(!dir.exists(), "{} exists", dir.display());
    println!("an empty directory:");
    let (partitions, partition) = open(&dir).await;
    let batch = records();
    while partition.size_bytes() < gib << 30 {
        partition.append(batch.clone()).await.unwrap();
    }
    partition.maintain().await.unwrap();
    partitions.close_all().await;
    println!("after a clean close:");
    let (partitions, partition) = open(&dir).await;
    for _ in 0..100 {
        partition.append(batch.clone()).await.unwrap();
    }
    // Nothing is closed: what is here is what a killed process leaves.
    std::mem::forget((partitions, partition));
    println!("after a kill:");
    drop(open(&dir).await);
    std::fs::remove_dir_all(&dir).unwrap();
}
