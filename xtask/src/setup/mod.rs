//! Set-up of foreign tools: idempotent, says what it does, and says what is missing where it may not install.
//!
//! Everything but Debian packages lands in `target/tools/`; deleting that directory undoes it.

mod debian;
mod maven;
mod node;
mod python;
mod stamp;

use anyhow::Result;
use clap::Args;

/// What to set up.
#[derive(Args)]
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
    /// The Python clients, in a virtual environment
    Python,
    /// The Node clients, and the data set of the demo
    Node,
    /// Kafka's server, tools and Java clients
    Kafka,
}

/// Everything, in the order in which it is installed.
pub(crate) const ALL: &[Part] = &[Part::Debian, Part::Python, Part::Node, Part::Kafka];

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

/// Installs the parts that are not there yet.
pub(crate) fn ensure(parts: &[Part]) -> Result<()> {
    for part in parts {
        match part {
            Part::Debian => debian::ensure(&["kcat"])?,
            Part::Python => python::ensure()?,
            Part::Node => node::ensure()?,
            Part::Kafka => maven::ensure()?,
        }
    }
    Ok(())
}
