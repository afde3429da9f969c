//! `tidemill`: the server and its tools in one binary.
//!
//! It parses what was asked, calls `tidemill-server` or `tidemill-client`, and prints. It knows no protocol and keeps
//! no policy of its own: what a command can do, a program can do with the client library.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod error;
mod interrupt;
mod logging;
mod memory;
mod output;
mod profile;
mod templates;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    memory::take_small_pages();
    let arguments = args::Arguments::parse();
    match commands::dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}
