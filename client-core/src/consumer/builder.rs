//! How a consumer is described.

use std::sync::Arc;
use std::time::Duration;

use super::state::State;
use super::{Consumer, fetcher};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind, Result};

/// Where to begin reading a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the first record there is.
    Earliest,
    /// After the last record there is.
    #[default]
    Latest,
    /// At this offset.
    Offset(i64),
    /// At the first record whose timestamp, in milliseconds since the epoch, is this or later; after the last
    /// record if none is.
    Timestamp(i64),
    /// This many records before the end of each partition (fewer if there are fewer, or offsets have gaps).
    Last(u64),
}

/// Which records of transactions are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// All of them.
    #[default]
    ReadUncommitted,
    /// Nothing beyond the first transaction that is still open.
    ReadCommitted,
}

/// What to do when the position is no longer in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetReset {
    /// Go on at the first record there is. The default: nothing that is left is skipped.
    #[default]
    Earliest,
    /// Go on after the last record.
    Latest,
    /// Fail with `OutOfRange`.
    Error,
}

/// The settings of fetching, shared by both kinds of consumer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchSettings {
    pub(crate) isolation: Isolation,
    pub(crate) offset_reset: OffsetReset,
    pub(crate) max_bytes: usize,
    pub(crate) partition_max_bytes: usize,
    pub(crate) min_bytes: i32,
    pub(crate) max_wait: Duration,
    pub(crate) check_crcs: bool,
    pub(crate) prefetch_bytes: usize,
    pub(crate) stop_at_end: bool,
    pub(crate) request_timeout: Duration,
}

impl FetchSettings {
    pub(crate) fn new(request_timeout: Duration) -> Self {
        Self {
            isolation: Isolation::default(),
            offset_reset: OffsetReset::default(),
            max_bytes: 8 << 20,
            partition_max_bytes: 4 << 20,
            min_bytes: 1,
            max_wait: Duration::from_millis(500),
            check_crcs: true,
            prefetch_bytes: 32 << 20,
            stop_at_end: false,
            request_timeout,
        }
    }
}

/// The settings of a consumer without a group. Made by [`crate::Client::consumer`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ConsumerBuilder {
    cluster: Arc<Cluster>,
    topics: Vec<String>,
    partitions: Vec<(String, i32)>,
    start: Start,
    start_at: Vec<(String, i32, Start)>,
    settings: FetchSettings,
}

/// The setters that [`ConsumerBuilder`] and [`crate::group::GroupBuilder`] share.
macro_rules! fetch_setters {
    () => {
        /// Which records of transactions are read. Default: all.
        pub fn isolation(mut self, isolation: $crate::consumer::Isolation) -> Self {
            self.settings.isolation = isolation;
            self
        }

        /// What to do when the position is no longer in the log. Default: go on at the earliest record.
        pub fn offset_reset(mut self, reset: $crate::consumer::OffsetReset) -> Self {
            self.settings.offset_reset = reset;
            self
        }

        /// The most bytes of one answer. Default 8 MiB. A larger batch still arrives whole.
        pub fn max_bytes(mut self, bytes: usize) -> Self {
            self.settings.max_bytes = bytes;
            self
        }

        /// The most bytes of one partition in one answer. Default 4 MiB. A larger batch still arrives whole.
        pub fn partition_max_bytes(mut self, bytes: usize) -> Self {
            self.settings.partition_max_bytes = bytes;
            self
        }

        /// The server answers once it has this many bytes, or `max_wait` is over. Default 1.
        pub fn min_bytes(mut self, bytes: i32) -> Self {
            self.settings.min_bytes = bytes;
            self
        }

        /// How long the server may wait for `min_bytes`. Default 500 ms.
        pub fn max_wait(mut self, wait: ::std::time::Duration) -> Self {
            self.settings.max_wait = wait;
            self
        }

        /// Whether each batch's checksum is verified. Default: yes.
        pub fn check_crcs(mut self, on: bool) -> Self {
            self.settings.check_crcs = on;
            self
        }

        /// Bytes to hold ready ahead of the reader. Default 32 MiB.
        pub fn prefetch_bytes(mut self, bytes: usize) -> Self {
            self.settings.prefetch_bytes = bytes;
            self
        }
    };
}
pub(crate) use fetch_setters;

impl ConsumerBuilder {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        let settings = FetchSettings::new(cluster.settings().request_timeout);
        Self {
            cluster,
            topics: Vec::new(),
            partitions: Vec::new(),
            start: Start::default(),
            start_at: Vec::new(),
            settings,
        }
    }

    fetch_setters!();

    /// Reads all partitions of `topic`, as many as it has when the consumer is built. May be repeated.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topics.push(topic.into());
        self
    }

    /// Reads this partition. May be repeated.
    pub fn partition(mut self, topic: impl Into<String>, partition: i32) -> Self {
        self.partitions.push((topic.into(), partition));
        self
    }

    /// Where to begin. Default [`Start::Latest`].
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Where to begin in one partition, other than [`Self::start`] says.
    pub fn start_at(mut self, topic: impl Into<String>, partition: i32, start: Start) -> Self {
        self.start_at.push((topic.into(), partition, start));
        self
    }

    /// Stops at the end each partition has when reading begins; see [`Consumer::finished`]. Default: no.
    pub fn stop_at_end(mut self, on: bool) -> Self {
        self.settings.stop_at_end = on;
        self
    }

    /// Looks up the start positions and begins to prefetch.
    ///
    /// # Errors
    /// `InvalidArgument` if no topic is named, `NotFound` for unknown topics and partitions, `Unavailable` and
    /// `Timeout` if the cluster does not answer.
    ///
    /// Cancellation safe.
    pub async fn build(self) -> Result<Consumer> {
        let mut wanted: Vec<(Arc<str>, i32)> = Vec::new();
        for name in &self.topics {
            let topic = self.cluster.ask_topic(name).await?;
            wanted.extend((0..topic.partition_count()).map(|partition| (topic.name.clone(), partition)));
        }
        for (name, partition) in &self.partitions {
            let topic = self.cluster.topic(name).await?;
            if *partition < 0 || *partition >= topic.partition_count() {
                let count = topic.partition_count();
                let message =
                    format!("topic {name:?} has no partition {partition}: it has {count}, numbered from 0");
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            wanted.push((topic.name.clone(), *partition));
        }
        if wanted.is_empty() {
            return Err(Error::invalid(
                "the consumer has nothing to read: name a topic or a partition",
            ));
        }
        wanted.sort();
        wanted.dedup();
        let mut state = State::default();
        for (topic, partition) in wanted {
            let special = self
                .start_at
                .iter()
                .find(|(t, p, _)| **t == *topic && *p == partition);
            let start = special.map_or(self.start, |(.., start)| *start);
            state.assign(topic, partition, start);
        }
        let consumer = Consumer::new(fetcher::start(self.cluster, self.settings, state));
        // Fails here, not at the first read, if a start position cannot be looked up.
        consumer.shared().resolve_all().await?;
        Ok(consumer)
    }
}
