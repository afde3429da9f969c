//! How a producer is described.

use std::sync::Arc;
use std::time::Duration;

use tidemill_wire::codec::Compression;

use super::accumulator::Batching;
use super::partitioner::Partitioner;
use super::{Producer, sender};
use crate::cluster::Cluster;
use crate::error::{Error, Result};

/// Which servers must have a record before it counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// None: records are handed to the network and forgotten. Fast, and lossy.
    None,
    /// The leader alone.
    Leader,
    /// The leader and every replica in sync. The default; needed for idempotence.
    #[default]
    All,
}

/// The settings of a producer. Made by [`crate::Client::producer`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ProducerBuilder {
    cluster: Arc<Cluster>,
    idempotent: Option<bool>,
    buffer_memory: usize,
    pub(super) settings: ProducerSettings,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ProducerSettings {
    pub(super) acks: Acks,
    pub(super) idempotent: bool,
    pub(super) batching: Batching,
    pub(super) linger: Duration,
    pub(super) most_in_flight: usize,
    pub(super) delivery_timeout: Duration,
    pub(super) request_timeout: Duration,
    pub(super) max_request_size: usize,
    pub(super) partitioner: Partitioner,
}

impl ProducerBuilder {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        let settings = ProducerSettings {
            acks: Acks::All,
            idempotent: true,
            batching: Batching {
                size: 256 << 10,
                compression: Compression::None,
                level: None,
            },
            linger: Duration::ZERO,
            most_in_flight: 5,
            delivery_timeout: Duration::from_secs(120),
            request_timeout: cluster.settings().request_timeout,
            max_request_size: 16 << 20,
            partitioner: Partitioner::default(),
        };
        Self {
            cluster,
            idempotent: None,
            buffer_memory: 64 << 20,
            settings,
        }
    }

    /// When a record counts as stored. Default [`Acks::All`].
    pub fn acks(mut self, acks: Acks) -> Self {
        self.settings.acks = acks;
        self
    }

    /// Whether retries may never store a record twice or out of order. Default: yes with [`Acks::All`].
    pub fn idempotent(mut self, on: bool) -> Self {
        self.idempotent = Some(on);
        self
    }

    /// How batches are compressed. Default: not at all.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.batching.compression = compression;
        self
    }

    /// How hard to compress, in the codec's own scale.
    pub fn compression_level(mut self, level: i32) -> Self {
        self.settings.batching.level = Some(level);
        self
    }

    /// How long a batch that is not full waits for more records. Default 0: it leaves as soon as nothing else is on
    /// its way to the same broker, so that batches grow with the load by themselves.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = linger;
        self
    }

    /// Bytes, before compression, at which a batch is full. Default 256 KiB. Larger records get a batch of their own.
    pub fn batch_size(mut self, bytes: usize) -> Self {
        self.settings.batching.size = bytes;
        self
    }

    /// Bytes of records that may wait for the server; beyond that, enqueueing waits. Default 64 MiB.
    pub fn buffer_memory(mut self, bytes: usize) -> Self {
        self.buffer_memory = bytes;
        self
    }

    /// Batches of one partition, and requests to one broker, under way at a time: 1 to 5. Default 5.
    pub fn max_in_flight(mut self, count: usize) -> Self {
        self.settings.most_in_flight = count;
        self
    }

    /// How long a record may take from enqueueing to its last retry. Default 120 s.
    pub fn delivery_timeout(mut self, timeout: Duration) -> Self {
        self.settings.delivery_timeout = timeout;
        self
    }

    /// How long one request may take. Default: the client's.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// The largest record, and the most bytes of batches in one request. Default 16 MiB; a topic may allow less.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.settings.max_request_size = bytes;
        self
    }

    /// How partitions are chosen. Default [`Partitioner::Murmur2Sticky`].
    pub fn partitioner(mut self, partitioner: Partitioner) -> Self {
        self.settings.partitioner = partitioner;
        self
    }

    /// Starts the producer. It connects when the first record is enqueued.
    ///
    /// # Errors
    /// `InvalidArgument` for settings that do not go together. Cancellation safe.
    pub async fn build(mut self) -> Result<Producer> {
        let settings = &mut self.settings;
        settings.idempotent = self.idempotent.unwrap_or(settings.acks == Acks::All);
        if settings.idempotent && settings.acks != Acks::All {
            return Err(Error::invalid(
                "an idempotent producer needs acks all: drop one of the two settings",
            ));
        }
        if !(1..=5).contains(&settings.most_in_flight) {
            return Err(Error::invalid("max_in_flight must be 1 to 5"));
        }
        if self.buffer_memory == 0
            || self.buffer_memory > tokio::sync::Semaphore::MAX_PERMITS.min(u32::MAX as usize)
        {
            return Err(Error::invalid("buffer_memory must be 1 byte to 4 GiB"));
        }
        Ok(sender::start(self.cluster, self.settings, self.buffer_memory))
    }
}
