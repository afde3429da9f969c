//! What is asked of a server: a topic and the records that go through it.

/// How durable an acknowledged record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk: flushed before it is acknowledged.
    Disk,
    /// In the page cache, flushed by and by. This is Kafka's default, and Tidemill's `flush: os`.
    PageCache,
    /// In the page cache, flushed at least every 10 ms. Kafka's `flush.ms` is looked at by a timer of at least a second.
    Interval,
}

impl Durability {
    /// In words, for the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "flushed before the acknowledgement",
            Self::PageCache => "flushed by the system",
            Self::Interval => "flushed every 10 ms",
        }
    }
}

/// One topic on one server, and what is sent to it.
#[derive(Debug, Clone)]
pub struct Load {
    /// `host:port` of the server.
    pub bootstrap: String,
    /// The topic. [`crate::client::tidemill::Tidemill::create`] makes it.
    pub topic: String,
    /// Its partitions.
    pub partitions: u32,
    /// How many records.
    pub records: u64,
    /// Bytes of each.
    pub record_size: u64,
}

/// The same for every client: bytes of the largest batch.
pub const BATCH_BYTES: u32 = 256 << 10;
/// The same for every client: how long a batch waits to fill, in ms.
pub const LINGER_MS: u32 = 5;

/// What one round of producing came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Produced {
    /// Records acknowledged a second.
    pub per_second: f64,
}

/// How long records took from their due time at the producer to the consumer, in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
}
