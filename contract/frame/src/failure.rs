//! A call that failed as a whole.

use alloc::string::String;
use alloc::vec::Vec;

use crate::FrameError;
use crate::varint::Reader;

/// Why a guest could not answer, and at which record if it was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which record of the frame; `None` for the call itself.
    pub index: Option<u32>,
    /// What happened, for people.
    pub message: String,
}

/// How "no record" is written.
const NONE: u32 = u32::MAX;

impl Failure {
    /// As it is written: the index (little-endian, all ones for none), then the message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.message.len());
        bytes.extend_from_slice(&self.index.unwrap_or(NONE).to_le_bytes());
        bytes.extend_from_slice(self.message.as_bytes());
        bytes
    }

    /// Reads one. A message that is not UTF-8 is mended: a guest that fails may well fail at this too.
    ///
    /// # Errors
    /// [`FrameError::Cut`] when there is no index.
    pub fn read(bytes: &[u8]) -> Result<Failure, FrameError> {
        let mut reader = Reader::new(bytes, 0);
        let index = reader.u32("the index of a failure")?;
        let message = bytes.get(4..).unwrap_or_default();
        Ok(Failure {
            index: (index != NONE).then_some(index),
            message: String::from_utf8_lossy(message).into_owned(),
        })
    }
}
