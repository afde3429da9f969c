//! Crashes over some records: to see what a stream does then.

use tidemill_smartmodule::{Record, smartmodule};

/// Keeps every record, save that it crashes over `boom`.
#[smartmodule(filter)]
pub fn crash(record: &Record) -> bool {
    assert!(record.text() != Some("boom"), "this record is too much");
    true
}
