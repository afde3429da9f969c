//! Consumers that share the partitions of topics.
//!
//! A member's records are its own until the reader asks for more: asking again says that what was handed out before is
//! processed, and only between two such calls are partitions given up. Commits never run ahead of processing.

mod assignor;
mod builder;
mod classic;
mod membership;
mod next_generation;
mod protocol;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use crate::admin::{TopicPartition, TopicPartitionOffset};
use crate::connection::after;
use crate::consumer::{Consumer, Position, Records, Start};
use crate::error::Result;

pub use assignor::Assignor;
pub use builder::GroupBuilder;

use shared::Shared;

/// Which protocol a group speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupProtocol {
    /// Members meet, one of them divides the partitions. The default; every Kafka broker serves it.
    #[default]
    Classic,
    /// The broker divides the partitions, member by member, without a stop (KIP-848).
    Consumer,
}

/// What happened to a member's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// These are read from now on.
    Assigned(Vec<TopicPartition>),
    /// These were given up, after their processed records were committed (with auto-commit).
    Revoked(Vec<TopicPartition>),
    /// These were taken away while this member was out of the group; another may have read on.
    Lost(Vec<TopicPartition>),
}

/// A member of a consumer group. Dropping it leaves the group in the background; [`Self::close`] also commits and waits.
pub struct GroupConsumer {
    consumer: Consumer,
    shared: Arc<Shared>,
}

impl GroupConsumer {
    /// The next records, all of one partition: at most `max_records`, and none if none came within `timeout`.
    ///
    /// Calling it says that everything handed out before is processed. Between calls that handed out records the
    /// member keeps its partitions, for up to the rebalance timeout.
    ///
    /// # Errors
    /// As [`Consumer::next_batch`]; `Conflict` if another member took this one's instance id.
    ///
    /// Cancellation safe: a dropped future has taken nothing.
    pub async fn next_batch(&mut self, max_records: usize, timeout: Duration) -> Result<Records> {
        let until = after(timeout);
        self.shared.processed_all();
        let consumer = self.consumer.shared().clone();
        loop {
            let arrived = consumer.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(records) = self.shared.hand_out(&mut self.consumer, max_records)? {
                return Ok(records);
            }
            if tokio::time::timeout_at(until, arrived).await.is_err() {
                return Ok(Records::empty());
            }
        }
    }

    /// Commits everything handed out so far.
    ///
    /// # Errors
    /// `Conflict` if the partitions are no longer this member's; `Unavailable`, `Timeout`.
    ///
    /// The commit may happen also if the future is dropped.
    pub async fn commit(&mut self) -> Result<()> {
        self.shared.commit(&self.shared.handed_out()).await
    }

    /// Commits these offsets: of each partition the next to be read. Errors and cancellation as [`Self::commit`].
    pub async fn commit_offsets(&mut self, offsets: &[TopicPartitionOffset]) -> Result<()> {
        let offsets: Vec<_> = offsets
            .iter()
            .map(|o| {
                (
                    TopicPartition {
                        topic: Arc::from(o.topic.as_str()),
                        partition: o.partition,
                    },
                    o.offset,
                )
            })
            .collect();
        self.shared.commit(&offsets).await
    }

    /// What the group has committed for the partitions of this member. Cancellation safe.
    pub async fn committed(&self) -> Result<Vec<TopicPartitionOffset>> {
        let partitions: Vec<_> = self
            .assignment()
            .into_iter()
            .map(|p| (p.topic, p.partition))
            .collect();
        let committed = self
            .shared
            .cluster
            .committed(&self.shared.settings.id, Some(&partitions))
            .await?;
        let offsets = committed.into_iter().map(|committed| TopicPartitionOffset {
            topic: committed.topic.to_string(),
            partition: committed.partition,
            offset: committed.offset,
        });
        Ok(offsets.collect())
    }

    /// The next thing that happened to the partitions, if anything did that was not told yet. Never waits.
    pub fn next_event(&mut self) -> Option<GroupEvent> {
        self.shared.lock().events.pop_front()
    }

    /// The partitions this member reads now, in order.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.shared.lock().owned.iter().cloned().collect()
    }

    /// The id the coordinator knows this member by; empty until it joined.
    pub fn member_id(&self) -> String {
        self.shared.lock().member.id.clone()
    }

    /// How far each partition has been read.
    pub fn positions(&self) -> Vec<Position> {
        self.consumer.positions()
    }

    /// As [`Consumer::seek`].
    pub async fn seek(&mut self, topic: &str, partition: i32, to: Start) -> Result<()> {
        self.consumer.seek(topic, partition, to).await
    }

    /// As [`Consumer::pause`].
    pub fn pause(&mut self, topic: &str, partition: i32) -> Result<()> {
        self.consumer.pause(topic, partition)
    }

    /// As [`Consumer::resume`].
    pub fn resume(&mut self, topic: &str, partition: i32) -> Result<()> {
        self.consumer.resume(topic, partition)
    }

    /// Commits everything handed out (with auto-commit) and leaves the group.
    ///
    /// # Errors
    /// What kept the commit from succeeding. Never takes much longer than `timeout`.
    pub async fn close(self, timeout: Duration) -> Result<()> {
        self.shared.processed_all();
        self.leave(timeout).await
    }

    /// As [`Self::close`], but the records handed out last count as not processed: whoever reads on gets them again.
    pub async fn abandon(self, timeout: Duration) -> Result<()> {
        self.shared.unprocessed_last();
        self.leave(timeout).await
    }

    async fn leave(self, timeout: Duration) -> Result<()> {
        let until = after(timeout);
        let outcome = match self.shared.settings.auto_commit {
            Some(_) => {
                let commit = self.shared.commit_processed();
                tokio::time::timeout_at(until, commit).await.unwrap_or_else(|_| {
                    Err(crate::Error::timeout(format!(
                        "closing: the last commit took longer than {timeout:?}"
                    )))
                })
            }
            None => Ok(()),
        };
        self.shared.stop();
        self.shared.stopped(until).await;
        outcome
    }
}

impl Drop for GroupConsumer {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
