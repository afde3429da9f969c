//! Benchmarks: Tidemill and its peers side by side, in one run, on one machine, with equal durability.
//!
//! Every figure comes with a check for loss and duplicates; a run that fails it prints no figure. It may depend on
//! anything, and nothing depends on it.

pub mod client;
pub mod crowd;
pub mod load;
pub mod machine;
pub mod peer;
pub mod process;
pub mod report;
pub mod rest;
pub mod run;
pub mod table;
