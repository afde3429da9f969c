//! What is sent, and what is known of it once it is stored.

use std::sync::Arc;

/// A record to send, borrowed from the caller: its bytes are copied once, into the open batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition; `None` leaves the choice to the partitioner.
    pub partition: Option<i32>,
    /// The key; equal keys go to the same partition.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone, which removes the key from a compacted topic.
    pub value: Option<&'a [u8]>,
    /// Headers, in order; names may repeat.
    pub headers: &'a [Header<'a>],
    /// When the record came about, in milliseconds since the epoch; `None` means now.
    pub timestamp: Option<i64>,
}

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name.
    pub name: &'a str,
    /// The value, possibly null.
    pub value: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// An empty record for `topic`.
    pub fn to(topic: &'a str) -> Self {
        Self {
            topic,
            ..Self::default()
        }
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: &'a [u8]) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: &'a [u8]) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets the headers.
    #[must_use]
    pub fn headers(mut self, headers: &'a [Header<'a>]) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the partition.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the timestamp, in milliseconds since the epoch.
    #[must_use]
    pub fn timestamp(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// The most bytes this record can take in a batch: its data, and every length and delta at its widest.
    pub(crate) fn size_bound(&self) -> usize {
        // attributes 1; length, offset delta, key length, value length, header count 5 each; timestamp delta 10.
        const FIXED: usize = 36;
        const PER_HEADER: usize = 10;
        let headers: usize = self
            .headers
            .iter()
            .map(|h| PER_HEADER + h.name.len() + h.value.map_or(0, <[u8]>::len))
            .sum();
        FIXED + self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len) + headers
    }
}

/// Where a record was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset; -1 where the server does not tell (acks none, or a batch found stored already after a retry).
    pub offset: i64,
    /// The timestamp stored with it, in milliseconds since the epoch.
    pub timestamp: i64,
}
