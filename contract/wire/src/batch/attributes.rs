//! The attributes field of a batch header.

use crate::codec::Compression;

use super::BatchError;

const CODEC_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const DELETE_HORIZON: i16 = 1 << 6;

/// The attributes of a batch, as they stand in its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    /// The codec of the batch's records.
    ///
    /// # Errors
    ///
    /// [`BatchError::UnknownCodec`] for the numbers 5 to 7, which no codec has.
    pub fn compression(self) -> Result<Compression, BatchError> {
        let number = self.0 & CODEC_MASK;
        Compression::from_number(number).ok_or(BatchError::UnknownCodec(number))
    }

    /// These attributes with another codec.
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Attributes {
        Attributes((self.0 & !CODEC_MASK) | compression.number())
    }

    /// True if the broker set the timestamps when it appended the batch, false if the producer set them.
    pub fn log_append_time(self) -> bool {
        self.0 & LOG_APPEND_TIME != 0
    }

    /// These attributes with timestamps marked as set by the broker (true) or the producer (false).
    #[must_use]
    pub fn with_log_append_time(self, on: bool) -> Attributes {
        self.with_flag(LOG_APPEND_TIME, on)
    }

    /// True if the batch belongs to a transaction (KIP-98).
    pub fn transactional(self) -> bool {
        self.0 & TRANSACTIONAL != 0
    }

    /// These attributes with the transactional mark set or cleared.
    #[must_use]
    pub fn with_transactional(self, on: bool) -> Attributes {
        self.with_flag(TRANSACTIONAL, on)
    }

    /// True if the batch holds a control record (a transaction marker), which consumers skip.
    pub fn control(self) -> bool {
        self.0 & CONTROL != 0
    }

    /// These attributes with the control mark set or cleared.
    #[must_use]
    pub fn with_control(self, on: bool) -> Attributes {
        self.with_flag(CONTROL, on)
    }

    /// True if the base timestamp field holds the time after which compaction may drop the batch's tombstones
    /// (KIP-534) instead of a timestamp.
    pub fn delete_horizon(self) -> bool {
        self.0 & DELETE_HORIZON != 0
    }

    /// These attributes with the delete horizon mark set or cleared.
    #[must_use]
    pub fn with_delete_horizon(self, on: bool) -> Attributes {
        self.with_flag(DELETE_HORIZON, on)
    }

    fn with_flag(self, flag: i16, on: bool) -> Attributes {
        Attributes(if on { self.0 | flag } else { self.0 & !flag })
    }
}
