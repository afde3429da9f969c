//! What a SmartModule and its host say to each other, byte for byte.
//!
//! The host hands a guest a [`Frame`]: a batch of records. The guest answers with an [`Answer`]: which of them it
//! keeps, or new records in their stead, and which of them failed and why. A call that failed as a whole is answered
//! with a [`Failure`]. Both sides use this crate; so do the tests that hold other languages to it. The layout is
//! written down in `docs/smartmodule-abi.md`.
//!
//! Records are laid out as in Kafka's record batch, version 2, so a host copies them out of a stored batch instead
//! of writing each anew.
//!
//! Everything that is read is checked against the bytes that are there: neither side trusts the other. Reading
//! allocates nothing. The crate knows no wasm, no IO and no clock, and needs only `alloc`.

#![no_std]
#![deny(missing_docs)]

extern crate alloc;

mod answer;
mod error;
mod failure;
mod frame;
mod packed;
mod raw;
mod record;
mod selection;
mod varint;
mod write;

pub use answer::{Answer, AnswerRecord, AnswerRecords, Body, FailedRecord, FailedRecords};
pub use error::FrameError;
pub use failure::Failure;
pub use frame::{Frame, FrameHeader, FrameKind, Frames};
pub use packed::Packed;
pub use raw::{RawRecord, RawRecords, put_raw};
pub use record::{Headers, Record};
pub use selection::Selection;
pub use write::{AnswerWriter, FrameWriter, NewRecord};

/// The version of frame and answer that this crate writes, and the newest that it reads.
pub const VERSION: u8 = 1;

/// Bytes before the records of a frame.
pub const FRAME_HEADER: usize = 32;

/// Bytes before the body of an answer.
pub const ANSWER_HEADER: usize = 16;
