//! Set-up of foreign tools: idempotent, says what it does, and says what is missing where it may not install.
//!
//! Everything but Debian packages lands in `target/tools/`; deleting that directory undoes it.

mod cargo_generate;
pub(crate) mod debian;
mod go;
mod maven;
mod node;
mod python;
mod stamp;

use anyhow::Result;
use clap::Args;

use crate::guests;
pub(crate) use cargo_generate::program as cargo_generate;
pub(crate) use node::{assemblyscript, data, ruby};
pub(crate) use python::{sdk as python_sdk, zig};

const EXPLAINED: &str = "\
Every other command does its own set-up; this one is for preparing a machine beforehand. It does nothing that is done \
already. Debian packages are installed where it runs as root; all else lands in target/tools.";

/// What to set up.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// Only these parts; all of them when none is named
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// A part of the set-up.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Programs from Debian packages: kcat, and the tools that install the rest
    Debian,
    /// The Python clients, in a virtual environment, and the tests that kafka-python publishes
    Python,
    /// What the Python SDK of SmartModules is built and tested with, in a virtual environment of its own
    SdkPython,
    /// What the Ruby SDK of SmartModules is built and tested with: Ruby, ruby.wasm, and what merges WebAssembly
    SdkRuby,
    /// The Node clients
    Node,
    /// The data set of the demo
    Data,
    /// Kafka's server, tools and Java clients
    Kafka,
    /// The tests that franz-go publishes
    Go,
    /// The target of the Rust toolchain that SmartModules are built for
    Wasm,
    /// What projects of the templates are built with: Zig (a C compiler too), and the AssemblyScript compiler
    Templates,
    /// cargo-generate, for the suite that compares its projects with ours. Its build takes minutes: only when named
    CargoGenerate,
}

/// Everything that is not for opting in, in the order in which it is installed.
pub(crate) const ALL: &[Part] = &[
    Part::Debian,
    Part::Python,
    Part::SdkPython,
    Part::SdkRuby,
    Part::Node,
    Part::Data,
    Part::Kafka,
    Part::Go,
    Part::Wasm,
    Part::Templates,
];

/// `cargo xtask setup`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let parts = if options.parts.is_empty() {
        ALL
    } else {
        &options.parts
    };
    ensure(parts)?;
    println!("set-up is complete");
    Ok(())
}

/// What builds C and C++ code.
pub(crate) fn compiler() -> Result<()> {
    debian::ensure(&["cc", "c++"])
}

/// Installs the parts that are not there yet.
pub(crate) fn ensure(parts: &[Part]) -> Result<()> {
    for part in parts {
        match part {
            Part::Debian => debian::ensure(&["kcat"])?,
            Part::Python => python::ensure()?,
            Part::SdkPython => python::ensure_sdk()?,
            Part::SdkRuby => node::ensure_ruby()?,
            Part::Node => node::ensure()?,
            Part::Data => node::ensure_data()?,
            Part::Kafka => maven::ensure()?,
            Part::Go => go::ensure()?,
            Part::Wasm => guests::ensure_target()?,
            Part::Templates => {
                debian::ensure(&["go"])?;
                python::ensure_zig()?;
                node::ensure_assemblyscript()?;
            }
            Part::CargoGenerate => cargo_generate::ensure()?,
        }
    }
    Ok(())
}
