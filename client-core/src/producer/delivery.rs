//! Telling many records of one batch how it went, without a channel or an allocation a record.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use super::record::RecordMetadata;
use crate::error::Result;

/// The outcome of one batch, shared by all its records.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) number: u64,
    topic: Arc<str>,
    partition: i32,
    outcome: OnceLock<Result<Stored>>,
    wakers: Mutex<Vec<Waker>>,
}

/// What the server said of a stored batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// Offset of the batch's first record; -1 if not told.
    pub(crate) base_offset: i64,
    /// The server's timestamp for the whole batch; -1 if the records keep their own.
    pub(crate) log_append_time: i64,
}

impl Completion {
    pub(crate) fn new(number: u64, topic: Arc<str>, partition: i32) -> Arc<Self> {
        Arc::new(Self {
            number,
            topic,
            partition,
            outcome: OnceLock::new(),
            wakers: Mutex::default(),
        })
    }

    /// Settles the batch. Only the first call counts; answers whether this was it.
    pub(crate) fn complete(&self, outcome: Result<Stored>) -> bool {
        let first = self.outcome.set(outcome).is_ok();
        let wakers = std::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
        first
    }

    pub(crate) fn is_done(&self) -> bool {
        self.outcome.get().is_some()
    }

    /// The delivery of the record at `index` in the batch.
    pub(crate) fn delivery(self: &Arc<Self>, index: u32, timestamp: i64) -> Delivery {
        Delivery {
            completion: self.clone(),
            index,
            timestamp,
            waker: None,
        }
    }
}

/// Resolves once the record is stored, or has failed for good. Dropping it does not take the record back.
#[derive(Debug)]
#[must_use = "the record is sent anyway, but only this tells whether it was stored"]
pub struct Delivery {
    completion: Arc<Completion>,
    index: u32,
    timestamp: i64,
    waker: Option<usize>,
}

impl Delivery {
    /// The outcome, if it is known already.
    pub fn try_get(&self) -> Option<Result<RecordMetadata>> {
        let outcome = self.completion.outcome.get()?;
        Some(
            outcome
                .as_ref()
                .map(|stored| self.metadata(*stored))
                .map_err(Clone::clone),
        )
    }

    fn metadata(&self, stored: Stored) -> RecordMetadata {
        let offset = if stored.base_offset < 0 {
            -1
        } else {
            stored.base_offset + i64::from(self.index)
        };
        let timestamp = if stored.log_append_time < 0 {
            self.timestamp
        } else {
            stored.log_append_time
        };
        RecordMetadata {
            topic: self.completion.topic.clone(),
            partition: self.completion.partition,
            offset,
            timestamp,
        }
    }
}

impl Future for Delivery {
    type Output = Result<RecordMetadata>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.try_get() {
            return Poll::Ready(outcome);
        }
        let completion = self.completion.clone();
        let mut wakers = completion.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        // The batch may have been settled, and its wakers taken, since the look above.
        if let Some(outcome) = self.try_get() {
            return Poll::Ready(outcome);
        }
        match self.waker.and_then(|at| wakers.get_mut(at)) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                self.waker = Some(wakers.len());
                wakers.push(context.waker().clone());
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn every_record_of_a_batch_learns_its_own_offset() {
        let completion = Completion::new(1, Arc::from("t"), 3);
        let first = completion.delivery(0, 10);
        let third = completion.delivery(2, 12);
        assert!(first.try_get().is_none());
        let waiting = tokio::spawn(third);
        tokio::task::yield_now().await;
        assert!(completion.complete(Ok(Stored {
            base_offset: 40,
            log_append_time: -1
        })));
        assert!(
            !completion.complete(Err(Error::cancelled("late"))),
            "the first outcome stands"
        );
        let metadata = waiting.await.unwrap().unwrap();
        assert_eq!(
            (metadata.partition, metadata.offset, metadata.timestamp),
            (3, 42, 12)
        );
        assert_eq!(first.await.unwrap().offset, 40);
    }

    #[tokio::test]
    async fn an_unknown_offset_stays_unknown_and_the_servers_clock_wins() {
        let completion = Completion::new(1, Arc::from("t"), 0);
        completion.complete(Ok(Stored {
            base_offset: -1,
            log_append_time: 99,
        }));
        let metadata = completion.delivery(7, 5).await.unwrap();
        assert_eq!((metadata.offset, metadata.timestamp), (-1, 99));
    }
}
