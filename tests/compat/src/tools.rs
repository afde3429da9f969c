//! What Kafka publishes beside its libraries: command-line tools and verifiable clients.

use anyhow::Result;

use crate::case::Results;
use crate::java;
use crate::program::run_suite;
use crate::suite::Target;

/// Runs them all, but for those that start a broker.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    run_suite(&mut java::program(target, "ToolsSuite")?, results)
}
