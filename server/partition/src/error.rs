//! Why an append or a fetch is refused, cut by what the client is told.

use tidemill_raft::ReplicateError;

/// Why records were not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The bytes are not whole batches, or a checksum does not match: damaged on the way; send again.
    #[error("records are damaged: {0}; send them again")]
    Corrupt(String),
    /// A record breaks a rule. Nothing of the request was stored.
    #[error("record {index} of the batch is refused: {reason}")]
    InvalidRecord {
        /// Which record of the batch, from 0.
        index: usize,
        /// The rule and the mend.
        reason: String,
    },
    /// Records without a key were sent to a compacted topic. Nothing of the request was stored.
    #[error(
        "{} of the batch have no key, and the topic is compacted: give every record a key",
        records(indexes)
    )]
    MissingKeys {
        /// Which records of the batch, from 0; the first thousand.
        indexes: Vec<usize>,
    },
    /// A record's time is outside what the topic allows.
    #[error(
        "record {index} has timestamp {timestamp}, outside {from} to {to}; see message.timestamp.before.max.ms and message.timestamp.after.max.ms"
    )]
    InvalidTimestamp {
        /// Which record of the batch, from 0.
        index: usize,
        /// The time it bears, in milliseconds since 1970.
        timestamp: i64,
        /// Earliest time allowed.
        from: i64,
        /// Latest time allowed.
        to: i64,
    },
    /// A batch is larger than the topic takes.
    #[error(
        "a batch of {size} bytes is over max.message.bytes = {max}; send smaller batches or raise the topic's limit"
    )]
    TooLarge {
        /// Its size as sent.
        size: usize,
        /// The topic's limit.
        max: usize,
    },
    /// The batch's magic is not 2: sent by a client older than Kafka 0.11.
    #[error(
        "record format {magic} is not supported; use a client that writes format 2 (Kafka 0.11 or later)"
    )]
    UnsupportedFormat {
        /// The format byte.
        magic: i8,
    },
    /// An idempotent producer skipped or mixed up sequence numbers.
    #[error("producer {producer_id} sent sequence {sequence} where {expected} was due")]
    OutOfOrderSequence {
        /// Whose batch it is.
        producer_id: i64,
        /// First sequence of the batch.
        sequence: i32,
        /// The sequence that would continue.
        expected: i32,
    },
    /// A newer producer with the same id took over.
    #[error("producer {producer_id} with epoch {epoch} was fenced by epoch {current}")]
    FencedProducer {
        /// Whose batch it is.
        producer_id: i64,
        /// The epoch that it bears.
        epoch: i16,
        /// The epoch in force.
        current: i16,
    },
    /// The topic's transforms did not let it through. Nothing of the request was stored.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The records could not be ordered or committed.
    #[error(transparent)]
    Replicate(#[from] ReplicateError),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// Why a topic's transforms did not let a batch through.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// Records are not what the topic asks for: mend them.
    #[error("{} refused by the topic's transforms: {}", count(records), records.first().map_or("", |(_, why)| why.as_str()))]
    Rejected {
        /// Which records of the batch, from 0, and why.
        records: Vec<(usize, String)>,
    },
    /// A transform failed, and the topic asks to fail with it: mend the transform, or what it is given.
    #[error("a transform of the topic failed: {reason}")]
    Failed {
        /// At which record of the batch, from 0, where that is known.
        index: Option<usize>,
        /// What it says.
        reason: String,
    },
    /// The transforms cannot run at the moment: try again.
    #[error("the topic's transforms cannot run now: {0}")]
    Unavailable(String),
}

fn count(records: &[(usize, String)]) -> String {
    match records {
        [(index, _)] => format!("record {index} of the batch is"),
        records => format!("{} records of the batch are", records.len()),
    }
}

fn records(indexes: &[usize]) -> String {
    match indexes {
        [one] => format!("record {one}"),
        [first, ..] => format!("{} records, the first of them {first},", indexes.len()),
        [] => "records".to_owned(),
    }
}

/// Why nothing could be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// The offset is not in the log.
    #[error("offset {offset} is outside the log, which spans {start} to {end}")]
    OutOfRange {
        /// The offset asked for.
        offset: i64,
        /// Log start offset.
        start: i64,
        /// Log end offset.
        end: i64,
    },
    /// The disk failed while reading.
    #[error("reading the log failed: {0}")]
    Storage(String),
    /// The partition was removed or the server is stopping.
    #[error("the partition is closed")]
    Closed,
}

/// Why a partition could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("partition {topic}-{index} cannot be opened from {dir}: {reason}")]
pub struct OpenError {
    /// Topic name.
    pub topic: String,
    /// Partition index.
    pub index: i32,
    /// Its directory.
    pub dir: String,
    /// What failed.
    pub reason: String,
}
