//! A record that came in.

use tidemill_frame::Headers;

use crate::error::{Error, Result};
use crate::output::Output;

/// A record of the stream, borrowed from the batch.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    inner: tidemill_frame::Record<'a>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(inner: tidemill_frame::Record<'a>) -> Record<'a> {
        Record { inner }
    }

    /// Its key; `None` is not the same as empty.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.inner.key
    }

    /// Its value; `None` (a tombstone) is not the same as empty.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.inner.value
    }

    /// Its value as text; `None` when there is none, or it is not UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.inner.value?).ok()
    }

    /// Its value as text.
    ///
    /// # Errors
    /// There is no value, or it is not UTF-8.
    pub fn require_text(&self) -> Result<&'a str> {
        let value = self
            .inner
            .value
            .ok_or_else(|| Error::new("the record has no value"))?;
        std::str::from_utf8(value)
            .map_err(|error| Error::new(format!("the value is not text (UTF-8): {error}")))
    }

    /// Its key as text; `None` when there is none, or it is not UTF-8.
    pub fn key_text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.inner.key?).ok()
    }

    /// Milliseconds since 1970; -1 when the producer gave none.
    pub fn timestamp(&self) -> i64 {
        self.inner.timestamp
    }

    /// Its offset in the partition; `None` on ingest, where it has none yet.
    pub fn offset(&self) -> Option<i64> {
        (self.inner.offset >= 0).then_some(self.inner.offset)
    }

    /// Its headers, in order; names may repeat.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        self.inner.headers.iter()
    }

    /// The value of the last header of that name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(other, _)| *other == name).last()?.1
    }

    /// This record, to be changed.
    pub fn to_output(&self) -> Output<'a> {
        Output::of(self)
    }

    /// This record with another value.
    pub fn with_value(&self, value: impl Into<Vec<u8>>) -> Output<'a> {
        self.to_output().value(value)
    }

    pub(crate) fn raw_headers(&self) -> Headers<'a> {
        self.inner.headers
    }
}
