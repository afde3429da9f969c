//! One whole batch: its header, and its bytes, shared and never copied.

use bytes::Bytes;

use super::{BatchError, BatchHeader, CRC_START};

/// One whole record batch. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The header, as it stands at the front of `bytes`.
    pub header: BatchHeader,
    /// The whole batch, header included.
    pub bytes: Bytes,
}

impl Batch {
    /// Splits one batch off the front of `bytes`. Neither checksum nor records are looked at.
    ///
    /// # Errors
    ///
    /// As [`BatchHeader::parse`], and [`BatchError::Incomplete`] if the bytes end before the batch does.
    /// `bytes` is left as it was.
    #[inline]
    pub fn parse(bytes: &mut Bytes) -> Result<Batch, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let needed = header.size();
        if bytes.len() < needed {
            return Err(BatchError::Incomplete {
                needed,
                have: bytes.len(),
            });
        }
        Ok(Batch {
            header,
            bytes: bytes.split_to(needed),
        })
    }

    /// Compares the checksum in the header with the bytes.
    ///
    /// # Errors
    ///
    /// [`BatchError::CrcMismatch`].
    pub fn verify_crc(&self) -> Result<(), BatchError> {
        let body = self.bytes.get(CRC_START..).unwrap_or_default();
        let computed = crc32c::crc32c(body);
        if computed == self.header.crc {
            return Ok(());
        }
        Err(BatchError::CrcMismatch {
            stored: self.header.crc,
            computed,
        })
    }
}
