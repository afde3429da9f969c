//! `tidemill apply`.

use anyhow::Result;
use clap::Args;

use super::changes;
use super::documents::Documents;
use crate::args::Connection;
use crate::output::Output;

const EXAMPLES: &str = "\
All documents are applied, or none is.

Examples:
  tidemill apply -f topics.yaml
  tidemill apply -f deploy/ -o json
  generate | tidemill apply -f -";

/// What to apply.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    documents: Documents,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> Result<()> {
    let text = options.documents.read()?;
    super::run(async move {
        let applied = options.connection.objects().await?.apply(&text).await?;
        options
            .output
            .one(&applied.answer, |_| changes::describe(&applied))
    })
}
