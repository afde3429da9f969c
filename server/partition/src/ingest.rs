//! What happens to a batch between a producer and the log.
//!
//! One batch of a partition at a time: a module that remembers what went by sees them in the order in which they are
//! stored. Whether a producer sends a batch again is found out first, so that nothing is shown to a module twice.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use tidemill_env::BoxFuture;
use tidemill_wire::batch::Batch;

use crate::append::Accepted;
use crate::config::PartitionConfig;
use crate::dedup::Seen;
use crate::error::{AppendError, IngestError};
use crate::partition::Partition;
use crate::producer::Sequence;
use crate::validate;

/// Changes batches before they are stored.
pub trait Ingest: Send + Sync {
    /// What is to be stored in the stead of `batch`, which was checked. It must keep the batch's place in its
    /// producer's sequence: producer id and epoch, base sequence, last offset delta.
    ///
    /// The calls for one partition come one after the other, in the order of the log. `next_offset` is where the batch
    /// will begin, unless another is stored meanwhile by a caller without transforms.
    fn transform<'a>(
        &'a self,
        partition: &'a Partition,
        batch: &'a Batch,
        next_offset: i64,
    ) -> BoxFuture<'a, Result<Ingested, IngestError>>;
}

/// What is to be stored.
#[derive(Debug)]
pub enum Ingested {
    /// The batch as it is.
    Same,
    /// Another in its stead.
    Batch(Bytes),
    /// None of its records.
    Nothing,
}

impl Partition {
    /// Takes in a checked batch that goes through transforms, or of which doubles are left out.
    pub(crate) async fn order_through(
        &self,
        batch: Batch,
        ingest: Option<&dyn Ingest>,
        config: &Arc<PartitionConfig>,
        (log_append_time, now_ms): (i64, i64),
    ) -> Result<Accepted, AppendError> {
        let mut seen = self.ingest_turn().lock().await;
        if let Some(stored) = self.stored_before(&batch, log_append_time)? {
            return Ok(stored);
        }
        let mut batch = match ingest {
            None => batch,
            Some(ingest) => {
                let next_offset = self.offsets().end;
                let ingested = ingest.transform(self, &batch, next_offset).await?;
                let changed = !matches!(ingested, Ingested::Same);
                let batch = put_in_stead(batch, ingested)?;
                if changed {
                    validate::after_ingest(&batch, config)?;
                }
                batch
            }
        };
        let news = match &config.dedup {
            None => {
                *seen = None;
                None
            }
            Some(dedup) => {
                if seen.as_ref().is_none_or(|seen| !seen.is_of(dedup)) {
                    *seen = Some(self.rebuild_seen(dedup).await?);
                }
                let seen = seen.as_ref();
                let (left, news) = seen
                    .map(|seen| seen.leave_out_doubles(&batch))
                    .transpose()?
                    .unzip();
                if let Some(left) = left.flatten() {
                    batch = parsed(left)?;
                }
                news
            }
        };
        let accepted = self.order(batch, log_append_time, now_ms)?;
        if let (Some(seen), Some(news), false) = (seen.as_mut(), news, accepted.duplicate) {
            seen.adopt(news);
        }
        Ok(accepted)
    }

    /// What was answered when the producer sent the batch first, if it did.
    fn stored_before(&self, batch: &Batch, log_append_time: i64) -> Result<Option<Accepted>, AppendError> {
        if batch.header.producer_id < 0 {
            return Ok(None);
        }
        let producers = self.producers.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = producers.check(&batch.header)?;
        drop(producers);
        Ok(match sequence {
            Sequence::Next => None,
            Sequence::Duplicate {
                base_offset,
                next_offset,
                timestamp,
            } => Some(self.accepted_before(
                base_offset,
                next_offset,
                (log_append_time >= 0).then_some(timestamp),
            )),
        })
    }

    /// What the log says of the doubles of before.
    async fn rebuild_seen(&self, dedup: &crate::config::Dedup) -> Result<Seen, AppendError> {
        let log = Arc::clone(self.replicator().log());
        let (dedup, secret) = (dedup.clone(), self.env().random.uuid_bytes());
        let rebuilt = self
            .env()
            .blocking(move || Seen::rebuild(&log, dedup, secret))
            .await;
        let rebuilt = rebuilt.map_err(|_| AppendError::Stopping)?;
        rebuilt.map_err(|reason| IngestError::Unavailable(reason).into())
    }
}

/// The batch to be stored.
fn put_in_stead(batch: Batch, ingested: Ingested) -> Result<Batch, AppendError> {
    let bytes = match ingested {
        Ingested::Same => return Ok(batch),
        Ingested::Batch(bytes) => bytes,
        // Not nothing: the offsets that the producer is told, and its sequence, are used up.
        Ingested::Nothing => batch.gap(),
    };
    parsed(bytes)
}

fn parsed(mut bytes: Bytes) -> Result<Batch, AppendError> {
    Batch::parse(&mut bytes).map_err(|error| AppendError::Corrupt(error.to_string()))
}
