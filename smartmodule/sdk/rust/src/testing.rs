//! Unit tests without a sandbox: the module runs as it is, behind the same frames.

use serde_json::{Map, Value};
use tidemill_frame::{Answer, Body, Failure, FrameKind, FrameWriter, NewRecord};

use crate::describe::About;
use crate::error::{Error, Result};
use crate::run::{Exports, Run, test_header};

/// A type that `export!` or the attribute made a module of.
pub trait Exported {
    /// How it runs.
    #[doc(hidden)]
    type Run: Run;
    /// What it says of itself.
    #[doc(hidden)]
    const ABOUT: About;
}

/// A record to test with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRecord {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// A record of this value, without key or headers.
pub fn record(value: impl AsRef<[u8]>) -> TestRecord {
    TestRecord {
        value: Some(value.as_ref().to_vec()),
        ..TestRecord::default()
    }
}

impl TestRecord {
    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl AsRef<[u8]>) -> TestRecord {
        self.key = Some(key.as_ref().to_vec());
        self
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> TestRecord {
        self.headers
            .push((name.to_owned(), Some(value.as_ref().to_vec())));
        self
    }

    /// At this time.
    #[must_use]
    pub fn timestamp(mut self, timestamp: i64) -> TestRecord {
        self.timestamp = timestamp;
        self
    }
}

/// What came of some records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What goes on, each with the number of the record it came of.
    pub records: Vec<(usize, TestRecord)>,
    /// Which failed, and why.
    pub failed: Vec<(usize, String)>,
}

/// A module, started.
pub struct Runner<T: Exported> {
    exports: Exports<T::Run>,
    accumulator: Vec<u8>,
    offset: i64,
}

impl<T: Exported> Runner<T> {
    /// Starts the module with parameters by name.
    ///
    /// # Errors
    /// One is missing or wrong, or the module does not start.
    pub fn new(params: &[(&str, Value)]) -> Result<Runner<T>> {
        let values: Map<String, Value> = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        for name in values.keys() {
            if !T::Run::PARAMS.iter().any(|param| param.name == name) {
                return Err(Error::new(format!("the module has no parameter `{name}`")));
            }
        }
        let mut values = values;
        for param in T::Run::PARAMS {
            if let (Some(default), false) = (param.default, values.contains_key(param.name)) {
                values.insert(param.name.to_owned(), serde_json::from_str(default)?);
            }
        }
        let mut given = Map::new();
        given.insert("params".to_owned(), Value::Object(values));
        let mut exports = Exports::new();
        exports
            .init(Value::Object(given).to_string().as_bytes())
            .map_err(|bytes| told(&bytes))?;
        Ok(Runner {
            exports,
            accumulator: Vec::new(),
            offset: 0,
        })
    }

    /// Runs one batch. A join takes pairs.
    ///
    /// # Panics
    /// The module failed as a whole, which no module does.
    pub fn run(&mut self, records: &[TestRecord]) -> Outcome {
        let kind = match T::Run::KIND {
            "aggregate" => FrameKind::Aggregate,
            "join" => FrameKind::Join,
            _ => FrameKind::Records,
        };
        let frame = self.frame(kind, records);
        let bytes = match self.exports.process(&frame) {
            Ok(bytes) => bytes,
            Err(bytes) => panic!("the module failed: {}", told(&bytes)),
        };
        let answer =
            Answer::read(&bytes, records.len() as u32, 0).expect("this crate's own answers are valid");
        if let Some(accumulator) = answer.accumulator() {
            self.accumulator = accumulator.to_vec();
        }
        let failed: Vec<(usize, String)> = answer
            .failed()
            .map(|failed| (failed.index as usize, failed.message.to_owned()))
            .collect();
        let records = match answer.body() {
            Body::Selection(bits) => records
                .iter()
                .enumerate()
                .filter(|(index, _)| bits[index / 8] >> (index % 8) & 1 == 1)
                .map(|(index, record)| (index, record.clone()))
                .collect(),
            Body::Records(answered) => answered
                .map(|record| {
                    let headers = record.headers.iter();
                    let own = TestRecord {
                        key: record.key.map(<[u8]>::to_vec),
                        value: record.value.map(<[u8]>::to_vec),
                        headers: headers
                            .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
                            .collect(),
                        timestamp: record.timestamp,
                    };
                    (record.source as usize, own)
                })
                .collect(),
        };
        Outcome { records, failed }
    }

    /// Runs one batch, and gives the values that come out, as text.
    ///
    /// # Panics
    /// A record failed, or a value is not text.
    pub fn values(&mut self, records: &[TestRecord]) -> Vec<String> {
        let outcome = self.run(records);
        assert!(outcome.failed.is_empty(), "records failed: {:?}", outcome.failed);
        outcome
            .records
            .into_iter()
            .map(|(_, record)| {
                String::from_utf8(record.value.unwrap_or_default()).expect("the value is text")
            })
            .collect()
    }

    /// Shows older records.
    ///
    /// # Errors
    /// What the module says.
    pub fn look_back(&mut self, records: &[TestRecord]) -> Result<()> {
        let frame = self.frame(FrameKind::LookBack, records);
        self.exports
            .look_back(&frame)
            .map(drop)
            .map_err(|bytes| told(&bytes))
    }

    fn frame(&mut self, kind: FrameKind, records: &[TestRecord]) -> Vec<u8> {
        let accumulator: &[u8] = match kind {
            FrameKind::Aggregate => &self.accumulator,
            _ => &[],
        };
        let mut writer = FrameWriter::new(test_header(kind), accumulator);
        for record in records {
            let headers: Vec<(&str, Option<&[u8]>)> = record
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_deref()))
                .collect();
            let new = NewRecord::new(record.timestamp, record.key.as_deref(), record.value.as_deref());
            writer.push(self.offset, &new.with_headers(&headers));
            self.offset += 1;
        }
        writer.finish()
    }
}

fn told(bytes: &[u8]) -> Error {
    match Failure::read(bytes) {
        Ok(failure) => Error::new(failure.message),
        Err(error) => Error::new(error.to_string()),
    }
}
