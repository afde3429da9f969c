//! [`GroupLog`] over the partitions hosted here.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tidemill_env::{BoxFuture, Env};
use tidemill_metadata::Metadata;
use tidemill_partition::{Partition, Partitions};
use tidemill_wire::batch::{self, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use super::OFFSETS_TOPIC;
use super::log::{Committed, GroupLog, LogError, RawRecord, Visitor};

/// Bytes asked for in one read of a replay.
const READ_BYTES: usize = 4 << 20;
/// Most that one batch of the topic may hold once decompressed.
const BATCH_LIMIT: usize = 256 << 20;

/// The real log.
pub(crate) struct PartitionLog {
    pub(crate) env: Env,
    pub(crate) metadata: Metadata,
    pub(crate) partitions: Arc<Partitions>,
}

impl PartitionLog {
    fn get(&self, index: i32) -> Option<Arc<Partition>> {
        let topic = self.metadata.image().topic(OFFSETS_TOPIC)?.id;
        self.partitions.get(topic, index).filter(|p| !p.is_closed())
    }
}

fn fail(error: impl std::fmt::Display) -> LogError {
    LogError(error.to_string())
}

fn not_open(index: i32) -> LogError {
    LogError(format!("{OFFSETS_TOPIC}-{index} is not open on this broker"))
}

impl GroupLog for PartitionLog {
    fn is_open(&self, partition: i32) -> bool {
        self.get(partition).is_some()
    }

    fn append(&self, index: i32, records: Vec<RawRecord>) -> BoxFuture<'static, Result<Committed, LogError>> {
        let partition = self.get(index);
        let timestamp = self.env.clock.wall_ms();
        Box::pin(async move {
            let partition = partition.ok_or_else(|| not_open(index))?;
            let accepted = partition.append(build(&records, timestamp)).await.map_err(fail)?;
            Ok(Box::pin(async move { accepted.commit.await.map_err(fail) }) as Committed)
        })
    }

    fn replay(&self, index: i32, visitor: Visitor) -> BoxFuture<'static, Result<(), LogError>> {
        let partition = self.get(index);
        Box::pin(async move {
            let partition = partition.ok_or_else(|| not_open(index))?;
            replay(&partition, visitor).await
        })
    }
}

fn build(records: &[RawRecord], timestamp: i64) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    for (key, value) in records {
        builder.append(&RecordData {
            timestamp,
            key: Some(key),
            value: value.as_deref(),
            headers: &[],
        });
    }
    builder.build()
}

async fn replay(partition: &Partition, mut visitor: Visitor) -> Result<(), LogError> {
    let mut from = partition.offsets().log_start;
    loop {
        let fetched = partition.fetch(from, READ_BYTES).await.map_err(fail)?;
        if fetched.batches.next_offset <= from {
            return Ok(());
        }
        // Batches may span chunks: join what was read.
        let mut bytes = BytesMut::with_capacity(fetched.batches.bytes);
        for chunk in &fetched.batches.chunks {
            bytes.extend_from_slice(chunk);
        }
        visit(bytes.freeze(), from, &mut visitor)?;
        from = fetched.batches.next_offset;
        // A long replay lets others run.
        tokio::task::yield_now().await;
    }
}

fn visit(bytes: Bytes, from: i64, visitor: &mut Visitor) -> Result<(), LogError> {
    for batch in batch::split(bytes) {
        let batch = batch.map_err(fail)?;
        if batch.header.attributes.control() {
            continue;
        }
        let records = batch.records(BATCH_LIMIT).map_err(fail)?;
        for record in records.iter() {
            let record = record.map_err(fail)?;
            if let Some(key) = record.key.filter(|_| record.offset >= from) {
                visitor(key, record.value);
            }
        }
    }
    Ok(())
}
