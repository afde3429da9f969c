//! A run of batches, one after the other, as a fetch answers or a producer sends.

use bytes::Bytes;

use super::{Batch, BatchError};

/// Iterates over the batches in `bytes`, sharing their memory.
///
/// A batch cut short at the end ends the iteration silently, as a fetch may cut one;
/// [`Batches::remainder`] tells. Any other error is yielded once and ends it.
pub fn split(bytes: Bytes) -> Batches {
    Batches {
        rest: bytes,
        done: false,
    }
}

/// The iterator of [`split`].
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
    done: bool,
}

impl Batches {
    /// What has not been yielded: empty after a run of whole batches, else the start of a cut or bad batch.
    pub fn remainder(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done || self.rest.is_empty() {
            return None;
        }
        match Batch::parse(&mut self.rest) {
            Ok(batch) => Some(Ok(batch)),
            Err(error) => {
                self.done = true;
                match error {
                    BatchError::Incomplete { .. } => None,
                    error => Some(Err(error)),
                }
            }
        }
    }
}
