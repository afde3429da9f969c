//! A topic's transforms, between a producer and the log.

use std::sync::Arc;

use tidemill_env::BoxFuture;
use tidemill_metadata::TopicImage;
use tidemill_modules::{Done, RunError};
use tidemill_partition::{Ingest, IngestError, Ingested, Partition};
use tidemill_smartengine::{Chain, ChainError, Outcome, Output, Place, SmartModuleError};
use tidemill_wire::batch::{Batch, BatchHeader};

use super::streams::Attached;
use super::{dead_letters, look_back};
use crate::broker::Broker;

/// The transforms of a topic.
pub(crate) struct TopicIngest<'a> {
    pub(crate) broker: &'a Broker,
    pub(crate) topic: &'a TopicImage,
}

impl Ingest for TopicIngest<'_> {
    fn transform<'a>(
        &'a self,
        partition: &'a Partition,
        batch: &'a Batch,
        next_offset: i64,
    ) -> BoxFuture<'a, Result<Ingested, IngestError>> {
        Box::pin(async move {
            let transformed = self.run(partition, batch, next_offset).await;
            // Records that are refused are no fault of the transforms.
            let failed = match &transformed {
                Ok(_) | Err(IngestError::Rejected { .. }) => None,
                Err(error) => Some(error.to_string()),
            };
            if self.broker.fares(self.topic.id, failed.as_deref())
                && let Some(failed) = &failed
            {
                tracing::warn!(
                    topic = self.topic.name,
                    failed,
                    "records cannot go through a topic's transforms"
                );
            }
            transformed
        })
    }
}

impl TopicIngest<'_> {
    async fn run(
        &self,
        partition: &Partition,
        batch: &Batch,
        next_offset: i64,
    ) -> Result<Ingested, IngestError> {
        let unavailable = |reason: String| IngestError::Unavailable(reason);
        let (broker, topic) = (self.broker, self.topic);
        let transforms = &broker.transforms;
        let attached = Attached {
            id: topic.id,
            label: format!("ingest of {}", topic.name),
            place: Place::Ingest,
            chain: &topic.ingest,
        };
        let stream = transforms.stream(&attached, broker.env.clock.monotonic()).await;
        let stream = stream.map_err(|error| unavailable(error.to_string()))?;
        let seat = transforms.runner.seat(&stream, partition.index(), next_offset);
        let older = match seat.is_fresh() {
            true => look_back::older(partition, &stream, next_offset).await,
            false => Ok(Vec::new()),
        };
        let older = older.map_err(|failure| unavailable(failure.message))?;
        let sent = without_offset(batch);
        let end = next_offset.saturating_add(i64::from(batch.header.last_offset_delta) + 1);
        let stateful = stream.is_stateful();
        let work = move |chain: &mut Chain| {
            for batch in &older {
                chain.look_back(batch)?;
            }
            let outcome = chain.run(&sent)?;
            // A chain that remembers records which are then not stored must not go on.
            let kept = outcome.rejected.is_empty() || !stateful;
            Ok(Done {
                value: outcome,
                next: kept.then_some(end),
            })
        };
        let outcome = transforms.runner.run(seat, work).await.map_err(|error| {
            if let RunError::Chain(error) = &error {
                broker.metrics.smartmodules.failed(&stream, error);
            }
            refused(&error)
        })?;
        broker.metrics.smartmodules.ran(&stream, &outcome.steps);
        if !outcome.rejected.is_empty() {
            return Err(rejected(&outcome));
        }
        if !outcome.dead.is_empty() {
            let source = dead_letters::Source {
                stream: &topic.name,
                id: topic.id,
                topic: &topic.name,
                partition: partition.index(),
            };
            // Before the batch itself: after a crash in between the producer sends it again, and nothing is lost.
            let put = dead_letters::put(broker, &source, &stream, (batch, next_offset, &outcome.dead)).await;
            put.map_err(|failure| unavailable(failure.message))?;
        }
        Ok(match outcome.output {
            Output::Same => Ingested::Same,
            Output::Batch(bytes) => Ingested::Batch(bytes),
            Output::Nothing => Ingested::Nothing,
        })
    }
}

/// The batch as modules see it: its records have no offsets yet.
fn without_offset(batch: &Batch) -> Batch {
    Batch {
        header: BatchHeader {
            base_offset: -1,
            ..batch.header
        },
        bytes: batch.bytes.clone(),
    }
}

fn rejected(outcome: &Outcome) -> IngestError {
    let rejected = outcome.rejected.iter();
    IngestError::Rejected {
        records: rejected
            .map(|record| (record.index as usize, record.reason.clone()))
            .collect(),
    }
}

fn refused(error: &RunError) -> IngestError {
    match error {
        RunError::Chain(ChainError {
            error: SmartModuleError::Engine(reason),
            ..
        }) => IngestError::Unavailable(reason.clone()),
        RunError::Chain(error) => IngestError::Failed {
            index: error.offset_delta.and_then(|delta| usize::try_from(delta).ok()),
            reason: error.to_string(),
        },
        RunError::Stopping => IngestError::Unavailable(error.to_string()),
    }
}

/// The transforms of `topic`, if it has any.
pub(crate) fn of<'a>(broker: &'a Broker, topic: &'a Arc<TopicImage>) -> Option<TopicIngest<'a>> {
    (!topic.ingest.is_empty()).then_some(TopicIngest { broker, topic })
}
