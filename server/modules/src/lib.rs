//! The SmartModules of this server: their files, their compiled code, and the threads that they run on.
//!
//! **Purpose.** [`Modules`] keeps wasm files by what they contain, and compiles each once, however many use it. A
//! [`Stream`] is a chain of them, as it is attached somewhere; the [`Runner`] runs streams on few threads that may
//! block, and keeps the instances that are idle, within bounds.
//!
//! **Invariants.** What [`Modules::add`] answered survives a crash. A module neither compiles nor runs on the thread
//! of whoever asks. What is idle takes bounded memory, however many streams there are.
//!
//! **Must not know.** Topics, requests, metadata; which modules are in use is told to it.
#![deny(missing_docs)]

mod error;
mod idle;
mod modules;
mod runner;
mod store;
mod stream;

pub use error::{ModulesError, RunError};
pub use modules::{Modules, ModulesConfig};
pub use runner::{Done, Runner, RunnerConfig, Seat};
pub use stream::{LookBack, StepSpec, Stream};
