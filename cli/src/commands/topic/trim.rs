//! `tidemill topic trim`.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tidemill_client::Start;

use crate::args::{Connection, parse_position};
use crate::error::Failure;
use crate::output::Output;

/// What to trim.
#[derive(Args)]
pub(crate) struct Options {
    /// The topic's name
    name: String,
    /// Delete the records before this place: latest (all of them), an offset, or @TIME
    #[arg(long, value_name = "PLACE", value_parser = parse_position)]
    before: Start,
    /// Only of this partition; may be given again
    #[arg(long, short = 'p', value_name = "N", allow_negative_numbers = true)]
    partition: Vec<i32>,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let topics = connection.open().await?.topics();
    let starts = topics.offsets(&options.name, Start::Earliest).await?;
    let ends = topics.offsets(&options.name, Start::Latest).await?;
    let count = i32::try_from(starts.len())?;
    if let Some(none) = options
        .partition
        .iter()
        .find(|partition| !(0..count).contains(*partition))
    {
        bail!(Failure::new(
            Failure::NOT_FOUND,
            format!(
                "topic {:?} has no partition {none}: it has {count}, numbered from 0",
                options.name
            )
        ));
    }
    let mut places = topics.offsets(&options.name, options.before).await?;
    for (place, end) in places.iter_mut().zip(&ends) {
        // No record is that young: all of them are older.
        if place.offset < 0 {
            place.offset = end.offset;
        }
    }
    let wanted = |partition: i32| options.partition.is_empty() || options.partition.contains(&partition);
    let before: Vec<(i32, i64)> = places
        .iter()
        .filter(|place| wanted(place.partition))
        .map(|place| (place.partition, place.offset))
        .collect();
    let after = if options.dry_run {
        before
    } else {
        topics.delete_records(&options.name, &before).await?
    };
    let rows: Vec<_> = after
        .iter()
        .map(|&(partition, start)| {
            let old = starts.iter().find(|found| found.partition == partition).map_or(start, |found| found.offset);
            json!({"partition": partition, "before": old, "logStartOffset": start, "deleted": (start - old).max(0)})
        })
        .collect();
    let deleted = if options.dry_run {
        "WOULD DELETE"
    } else {
        "DELETED"
    };
    options.output.list(
        &rows,
        &[
            ("PARTITION", "/partition"),
            ("START WAS", "/before"),
            ("START", "/logStartOffset"),
            (deleted, "/deleted"),
        ],
    )
}
