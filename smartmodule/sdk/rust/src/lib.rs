//! Write SmartModules for Tidemill in Rust.
//!
//! A SmartModule is called with batches of records, in a sandbox, wherever its stream flows: when records are
//! written, when they are read, in a pipeline, in a test. This crate puts a typed face on it.
//!
//! ```
//! use tidemill_smartmodule::{Record, smartmodule};
//!
//! /// Keeps what mentions an error.
//! #[smartmodule(filter)]
//! pub fn only_errors(record: &Record) -> bool {
//!     record.text().is_some_and(|text| text.contains("error"))
//! }
//! # fn main() {
//! use tidemill_smartmodule::testing::{Runner, record};
//! let mut runner = Runner::<OnlyErrors>::new(&[]).unwrap();
//! let kept = runner.values(&[record("all is well"), record("an error")]);
//! assert_eq!(kept, ["an error"]);
//! # }
//! ```
//!
//! Build it with `crate-type = ["cdylib", "rlib"]` and `--target wasm32-unknown-unknown`, or let
//! `tidemill smartmodule build` do it.
//!
//! # Kinds
//!
//! | attribute | the function | what it does |
//! |---|---|---|
//! | `#[smartmodule(filter)]` | `fn(&Record) -> bool` | keeps some records |
//! | `#[smartmodule(map)]` | `fn(&Record) -> Output` | makes one record of each |
//! | `#[smartmodule(filter_map)]` | `fn(&Record) -> Option<Output>` | makes one record, or none, of each |
//! | `#[smartmodule(flat_map)]` | `fn(&Record) -> Vec<Output>` | makes any number of each |
//! | `#[smartmodule(validate)]` | `fn(&Record) -> Result<()>` | refuses bad records, with a reason for their producer |
//! | `#[smartmodule(aggregate)]` | `fn(&[u8], &Record) -> Vec<u8>` | folds records into an accumulator |
//! | `#[smartmodule(join)]` | `fn(&Record, &Record) -> Option<Output>` | makes one record, or none, of a left and a right one |
//!
//! Each may return [`Result`] of that instead; what then happens to a record that fails is said where the module is
//! attached. Each may take parameters as one more argument, `&P`, where `P` derives [`Params`]:
//!
//! ```
//! use tidemill_smartmodule::{Params, Record, smartmodule};
//!
//! #[derive(Params)]
//! pub struct Wanted {
//!     /// What to look for
//!     text: String,
//!     /// Keep what does not have it
//!     #[param(default = false)]
//!     invert: bool,
//! }
//!
//! #[smartmodule(filter)]
//! fn contains(record: &Record, params: &Wanted) -> bool {
//!     record.text().is_some_and(|text| text.contains(&params.text)) != params.invert
//! }
//! # fn main() {}
//! ```
//!
//! A module with state is a type of its own: implement [`Filter`], [`Map`] or another of the traits, and name it in
//! [`export!`].

#![deny(missing_docs)]

extern crate self as tidemill_smartmodule;

#[doc(hidden)]
pub mod describe;
mod error;
pub mod host;
mod kinds;
mod output;
mod params;
mod record;
#[doc(hidden)]
pub mod run;
pub mod testing;

pub use error::{Error, Result};
pub use kinds::{Aggregate, Filter, FilterMap, FlatMap, Join, Map, Validate};
pub use output::Output;
pub use params::{NoParams, ParamInfo, ParamValue, Params};
pub use record::Record;
pub use tidemill_smartmodule_macro::{Params, smartmodule};

#[doc(hidden)]
pub use serde_json;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
