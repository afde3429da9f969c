//! From "earliest", "two hours ago" or "the last ten" to offsets.

use std::sync::Arc;

use super::builder::{FetchSettings, Isolation, Start};
use super::state::State;
use crate::cluster::{Cluster, EARLIEST, LATEST, OffsetQuery};
use crate::error::Result;

/// A start to look up.
pub(super) struct Wanted {
    topic: Arc<str>,
    partition: i32,
    generation: u64,
    start: Start,
}

/// Where it is, and where the partition ends now if that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolved {
    offset: i64,
    end: Option<i64>,
}

/// The starts to look up.
pub(super) fn wanted(state: &State) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for assigned in &state.partitions {
        if let Some(start) = assigned.start {
            let (topic, partition) = (assigned.topic.clone(), assigned.partition);
            wanted.push(Wanted {
                topic,
                partition,
                generation: assigned.generation,
                start,
            });
        }
    }
    wanted
}

/// Takes in what was found; `found` is empty if nothing was.
pub(super) fn take_in(state: &mut State, wanted: &[Wanted], found: &[Resolved]) {
    for (at, wanted) in wanted.iter().enumerate() {
        let Some(assigned) = state.find_current(&wanted.topic, wanted.partition, wanted.generation) else {
            continue;
        };
        if let (Some(found), Some(_)) = (found.get(at), assigned.start) {
            assigned.resolved(found.offset, found.end);
        }
    }
}

pub(super) async fn resolve(
    cluster: &Cluster,
    settings: &FetchSettings,
    wanted: &[Wanted],
) -> Result<Vec<Resolved>> {
    let needs_latest = |start: Start| {
        settings.stop_at_end || matches!(start, Start::Latest | Start::Last(_) | Start::Timestamp(_))
    };
    let first = |start: Start| match start {
        Start::Timestamp(timestamp) => Some(timestamp.max(0)),
        Start::Earliest | Start::Last(_) => Some(EARLIEST),
        Start::Latest | Start::Offset(_) => None,
    };
    let latest = ask(cluster, settings, wanted, |start| {
        needs_latest(start).then_some(LATEST)
    })
    .await?;
    let others = ask(cluster, settings, wanted, first).await?;
    let resolved = wanted
        .iter()
        .zip(latest.into_iter().zip(others))
        .map(|(wanted, (latest, other))| {
            let end = latest.unwrap_or(-1);
            let offset = match (wanted.start, other) {
                (Start::Offset(offset), _) => offset,
                (Start::Last(count), Some(earliest)) => end
                    .saturating_sub(i64::try_from(count).unwrap_or(i64::MAX))
                    .max(earliest),
                // No record is that young: go on with those to come.
                (Start::Timestamp(_), Some(found)) if found < 0 => end,
                (_, Some(found)) => found,
                (_, None) => end,
            };
            Resolved {
                offset,
                end: settings.stop_at_end.then_some(end),
            }
        });
    Ok(resolved.collect())
}

async fn ask(
    cluster: &Cluster,
    settings: &FetchSettings,
    wanted: &[Wanted],
    timestamp: impl Fn(Start) -> Option<i64>,
) -> Result<Vec<Option<i64>>> {
    let mut found = vec![None; wanted.len()];
    let asked: Vec<(usize, OffsetQuery)> = wanted
        .iter()
        .enumerate()
        .filter_map(|(at, wanted)| {
            let timestamp = timestamp(wanted.start)?;
            Some((
                at,
                OffsetQuery {
                    topic: wanted.topic.clone(),
                    partition: wanted.partition,
                    timestamp,
                },
            ))
        })
        .collect();
    if asked.is_empty() {
        return Ok(found);
    }
    let queries: Vec<OffsetQuery> = asked.iter().map(|(_, query)| query.clone()).collect();
    let committed = settings.isolation == Isolation::ReadCommitted;
    let answers = cluster.list_offsets(&queries, committed).await?;
    for ((at, _), answer) in asked.iter().zip(answers) {
        if let Some(slot) = found.get_mut(*at) {
            *slot = Some(answer.offset);
        }
    }
    Ok(found)
}
