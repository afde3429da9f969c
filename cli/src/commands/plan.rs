//! `tidemill plan`.

use anyhow::{Result, bail};
use clap::Args;

use super::changes;
use super::documents::Documents;
use crate::args::Connection;
use crate::error::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  tidemill plan -f topics.yaml
  tidemill plan -f deploy/ --exit-code || echo 'there is something to apply'";

/// What to compare.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    documents: Documents,
    /// End with code 10 when there is something to change
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> Result<()> {
    let text = options.documents.read()?;
    super::run(plan(options, text))
}

async fn plan(options: Options, text: String) -> Result<()> {
    let planned = options.connection.objects().await?.plan(&text).await?;
    options
        .output
        .one(&planned.answer, |_| changes::describe(&planned))?;
    if options.exit_code && changes::any(&planned) {
        bail!(Failure::silent(Failure::CHANGES));
    }
    Ok(())
}
