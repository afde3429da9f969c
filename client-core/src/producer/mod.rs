//! Sending records: batched by partition, compressed, retried in order, stored exactly once.
//!
//! A record is encoded straight into the open batch of its partition by the caller's own task; one sender task puts
//! batches on the wire. What waits is bounded: enqueueing awaits space, and never fails for want of it.

mod accumulator;
mod builder;
mod delivery;
mod lane;
mod partitioner;
mod record;
mod request;
mod sender;
mod sequencer;
mod shared;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidemill_wire::batch::RecordData;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};

pub use builder::{Acks, ProducerBuilder};
pub use delivery::Delivery;
pub use partitioner::Partitioner;
pub use record::{Header, Record, RecordMetadata};
pub use shared::ProducerStats;

use accumulator::{PartitionQueue, TopicQueues};
use shared::Shared;

/// Sends records. Cheap to clone; clones share buffers and connections.
///
/// When the last clone is dropped without [`Self::close`], what was enqueued is still sent, in the background.
#[derive(Clone)]
pub struct Producer {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop_when_empty();
    }
}

impl Producer {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            handle: Arc::new(Handle { shared }),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Sends `record` and waits until it is stored.
    ///
    /// # Errors
    /// As [`Self::enqueue`]; then whatever kept the record from being stored within the delivery timeout.
    /// `Timeout` leaves open whether it was.
    ///
    /// Not cancellation safe in this: once enqueued, the record is sent also if the future is dropped.
    pub async fn send(&self, record: Record<'_>) -> Result<RecordMetadata> {
        self.enqueue(record).await?.await
    }

    /// Puts `record` in line, waiting only for buffer space and, the first time, for the topic's metadata.
    ///
    /// # Errors
    /// `NotFound` for an unknown topic or partition, `TooLarge` for a record that can never be sent, `Cancelled`
    /// after close, `Unavailable` if the cluster cannot be asked about the topic.
    ///
    /// Cancellation safe: a dropped future has enqueued nothing.
    pub async fn enqueue(&self, record: Record<'_>) -> Result<Delivery> {
        loop {
            if let Some(delivery) = self.try_enqueue(&record)? {
                return Ok(delivery);
            }
            self.make_way(&record).await?;
        }
    }

    /// Puts `record` in line if that needs no waiting. `None`: no buffer space now, or the topic is not known yet;
    /// use [`Self::enqueue`]. Errors as there.
    pub fn try_enqueue(&self, record: &Record<'_>) -> Result<Option<Delivery>> {
        let shared = self.shared();
        let size = record.size_bound();
        shared.admit(size)?;
        // A topic or partition that is not known, perhaps because the topic has grown: let the waiting path ask.
        let delivery = shared.with_topic(record.topic, |topic| {
            topic.with_queue(record, size, |queue| self.put(queue, record, size))
        });
        Ok(delivery.flatten().flatten())
    }

    /// Adds `record`, of at most `size` bytes, to the open batch of `queue`, if there is space.
    #[inline]
    fn put(&self, queue: &Arc<PartitionQueue>, record: &Record<'_>, size: usize) -> Option<Delivery> {
        let shared = self.shared();
        if !shared.try_reserve(size) {
            return None;
        }
        let timestamp = record.timestamp.unwrap_or_else(now_ms);
        let appended = with_headers(record.headers, |headers| {
            let data = RecordData {
                timestamp,
                key: record.key,
                value: record.value,
                headers,
            };
            queue.append(&data, size, shared.settings.batching, |queue| {
                shared.open_completion(queue)
            })
        });
        if queue.introduce() {
            shared.introduce(queue.clone());
        }
        if appended.wake {
            shared.wake.notify_one();
        }
        Some(appended.delivery)
    }

    /// Waits for whatever kept [`Self::try_enqueue`] from succeeding.
    async fn make_way(&self, record: &Record<'_>) -> Result<()> {
        let shared = self.shared();
        let topic = match shared.known_topic(record.topic) {
            Some(topic) => topic,
            None => shared.learn_topic(record.topic).await?,
        };
        if let Some(partition) = record.partition {
            self.require_partition(&topic, partition).await?;
        }
        shared.wait_for_space(record.size_bound()).await
    }

    async fn require_partition(&self, topic: &TopicQueues, partition: i32) -> Result<()> {
        let exists = |count: usize| usize::try_from(partition).is_ok_and(|partition| partition < count);
        if exists(topic.partition_count()) {
            return Ok(());
        }
        let fresh = self.shared().cluster.ask_topic(&topic.name).await?;
        topic.grow(fresh.partition_count());
        if exists(topic.partition_count()) {
            return Ok(());
        }
        let count = topic.partition_count();
        let message = format!(
            "topic {:?} has no partition {partition}: it has {count}, numbered from 0",
            topic.name
        );
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Waits until every record enqueued before the call is stored or has failed; how each went is told by its
    /// [`Delivery`].
    ///
    /// # Errors
    /// `Timeout` if some are still under way after `timeout`; they go on.
    ///
    /// Cancellation safe.
    pub async fn flush(&self, timeout: Duration) -> Result<()> {
        self.shared().flush(timeout).await
    }

    /// Flushes, then stops. What is not stored within `timeout` fails as `Cancelled`.
    ///
    /// # Errors
    /// `Timeout` if some records were given up. Never takes much longer than `timeout`, also when no broker answers.
    pub async fn close(self, timeout: Duration) -> Result<()> {
        let shared = self.shared();
        let until = crate::connection::after(timeout);
        shared.refuse_more();
        let flushed = shared.flush(timeout).await;
        shared.stop_now();
        shared
            .stopped(until.max(Instant::now() + Duration::from_millis(100)))
            .await;
        flushed
    }

    /// What this producer has done so far.
    pub fn stats(&self) -> ProducerStats {
        self.shared().stats()
    }
}

/// Gives `act` the headers in the form the batch takes them, without allocating for the usual few.
fn with_headers<T>(headers: &[Header<'_>], act: impl FnOnce(&[(&[u8], Option<&[u8]>)]) -> T) -> T {
    const FEW: usize = 8;
    fn pair<'a>(header: &Header<'a>) -> (&'a [u8], Option<&'a [u8]>) {
        (header.name.as_bytes(), header.value)
    }
    if headers.is_empty() {
        return act(&[]);
    }
    if headers.len() <= FEW {
        let mut few: [(&[u8], Option<&[u8]>); FEW] = [(&[], None); FEW];
        few.iter_mut()
            .zip(headers)
            .for_each(|(slot, header)| *slot = pair(header));
        return act(few.get(..headers.len()).unwrap_or_default());
    }
    act(&headers.iter().map(pair).collect::<Vec<_>>())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
