//! Runs SmartModules.
//!
//! A [`Module`] is a wasm file that honours the contract of `docs/smartmodule-abi.md`, compiled once and shared. An
//! [`Instance`] is one in being, with its parameters and its own memory. A [`Chain`] runs instances over record
//! batches, one after the other, and says what comes out.
//!
//! A guest is not trusted. It has no files, no network and no environment; its memory, its time on a processor, its
//! answer and its log lines each have a ceiling; every address, length and count that it gives is checked. One that
//! loops, grows or lies is stopped with an error that says so, and disturbs nothing else.
//!
//! Compiling and running block: call them from threads that may. Nothing here knows of topics or offsets beyond what
//! a batch says of itself, nor of the control plane.

#![deny(missing_docs)]

mod budget;
mod carrier;
mod chain;
mod conform;
mod description;
mod engine;
mod error;
mod grants;
mod host;
mod instance;
mod limits;
mod logs;
mod module;
mod params;
mod ticker;

pub use chain::{Chain, ChainError, DeadLetter, OnError, Outcome, Output, Place, Rejected, Step, StepReport};
pub use conform::{Check, Verdict, conform, examine};
pub use description::{Description, Kind, Param, ParamType};
pub use engine::{Engine, EngineConfig};
pub use error::{Limit, SmartModuleError};
pub use grants::Grants;
pub use instance::{Call, Instance, Setting};
pub use limits::Limits;
pub use logs::{Level, LogLine, LogSink};
pub use module::{Carrier, Digest, Module};
pub use params::Params;
