//! A record that goes out.

use std::borrow::Cow;

use tidemill_frame::{Headers, NewRecord};

use crate::record::Record;

/// A record to write: a changed one, or a new one. What it keeps of the one that came in is not copied.
#[derive(Clone, Debug)]
pub struct Output<'a> {
    timestamp: i64,
    key: Option<Cow<'a, [u8]>>,
    value: Option<Cow<'a, [u8]>>,
    headers: Kept<'a>,
}

/// A header that was taken over, or made.
type OwnHeader<'a> = (Cow<'a, str>, Option<Cow<'a, [u8]>>);

#[derive(Clone, Debug)]
enum Kept<'a> {
    As(Headers<'a>),
    New(Vec<OwnHeader<'a>>),
}

impl<'a> Output<'a> {
    /// The same record.
    pub fn of(record: &Record<'a>) -> Output<'a> {
        Output {
            timestamp: record.timestamp(),
            key: record.key().map(Cow::Borrowed),
            value: record.value().map(Cow::Borrowed),
            headers: Kept::As(record.raw_headers()),
        }
    }

    /// With this value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Vec<u8>>) -> Output<'a> {
        self.value = Some(Cow::Owned(value.into()));
        self
    }

    /// With part of the record that came in as its value.
    #[must_use]
    pub fn value_from(mut self, value: &'a [u8]) -> Output<'a> {
        self.value = Some(Cow::Borrowed(value));
        self
    }

    /// Without a value: a tombstone.
    #[must_use]
    pub fn without_value(mut self) -> Output<'a> {
        self.value = None;
        self
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Output<'a> {
        self.key = Some(Cow::Owned(key.into()));
        self
    }

    /// Without a key.
    #[must_use]
    pub fn without_key(mut self) -> Output<'a> {
        self.key = None;
        self
    }

    /// At this time, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, timestamp: i64) -> Output<'a> {
        self.timestamp = timestamp;
        self
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Output<'a> {
        let added = (Cow::Owned(name.into()), Some(Cow::Owned(value.into())));
        self.own_headers().push(added);
        self
    }

    /// Without the headers of that name.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Output<'a> {
        self.own_headers().retain(|(other, _)| other != name);
        self
    }

    fn own_headers(&mut self) -> &mut Vec<OwnHeader<'a>> {
        if let Kept::As(headers) = &self.headers {
            let own = headers
                .iter()
                .map(|(name, value)| (Cow::Borrowed(name), value.map(Cow::Borrowed)));
            self.headers = Kept::New(own.collect());
        }
        match &mut self.headers {
            Kept::New(headers) => headers,
            Kept::As(_) => unreachable!("they were made its own above"),
        }
    }

    /// Shows the record as it is to be written.
    pub(crate) fn write<T>(&self, then: impl FnOnce(&NewRecord<'_>) -> T) -> T {
        let record = NewRecord::new(self.timestamp, self.key.as_deref(), self.value.as_deref());
        match &self.headers {
            Kept::As(headers) => then(&record.with_headers_of(*headers)),
            Kept::New(headers) => {
                let headers: Vec<(&str, Option<&[u8]>)> = headers
                    .iter()
                    .map(|(name, value)| (name.as_ref(), value.as_deref()))
                    .collect();
                then(&record.with_headers(&headers))
            }
        }
    }
}

impl<'a> From<&Record<'a>> for Output<'a> {
    fn from(record: &Record<'a>) -> Output<'a> {
        Output::of(record)
    }
}
