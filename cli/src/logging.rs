//! Where log lines go.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::error::Failure;

/// Shape of log lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Logs to standard error. `level` is a filter such as `info` or `tidemill_broker=debug,info`.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start(format: Format, level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level).map_err(|error| {
        let message = format!("--log {level:?} is no log filter ({error}); say info, debug or warn");
        Failure::usage(message)
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        Format::Text => lines.with_ansi(false).init(),
        Format::Json => lines.json().init(),
    }
    Ok(())
}
