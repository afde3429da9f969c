//! Compacting the logs of compacted topics: the dirtiest first, a few at a time, off the network threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};
use tidemill_partition::{Dirtiness, Partition};
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;

/// Looks for logs to compact and compacts them, again and again, until `stop` is cancelled. A run that is in
/// progress then ends within a batch.
pub async fn run(broker: Arc<Broker>, stop: CancellationToken) {
    let ending = Arc::new(AtomicBool::new(false));
    let rounds = async {
        loop {
            broker.env.clock.sleep(broker.config.compaction.backoff).await;
            round(&broker, &ending).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        () = stop.cancelled() => ending.store(true, Ordering::Release),
    }
}

/// Compacts each log for which it pays, once.
async fn round(broker: &Arc<Broker>, stop: &Arc<AtomicBool>) {
    let compacted = |partition: &Arc<Partition>| partition.config().log.compact;
    let mut partitions = broker.partitions.all();
    partitions.retain(compacted);
    let looked = broker.env.blocking(move || look(partitions)).await;
    let Ok((due, stopped)) = looked else { return };
    broker.metrics.compaction.stopped(stopped);
    let config = &broker.config.compaction;
    let at_once = config.at_once.max(1);
    let compactions = due
        .into_iter()
        .map(|(partition, found)| compact(broker, partition, found, stop));
    stream::iter(compactions)
        .buffer_unordered(at_once)
        .collect::<Vec<()>>()
        .await;
}

/// The logs to compact, those that have waited too long and the dirtiest first, and how many cannot be.
fn look(partitions: Vec<Arc<Partition>>) -> (Vec<(Arc<Partition>, Dirtiness)>, usize) {
    let mut due = Vec::new();
    let mut stopped = 0;
    for partition in partitions {
        stopped += usize::from(partition.compaction_stopped().is_some());
        match partition.dirtiness() {
            Ok(found) if found.due => due.push((partition, found)),
            Ok(_) => {}
            // One that failed or is being deleted has said so.
            Err(_) if partition.is_closed() || partition.failed().is_some() => {}
            Err(error) => {
                tracing::error!(
                    partition = partition.name(),
                    error,
                    "cannot tell whether the log needs compaction; it is looked at again"
                );
            }
        }
    }
    due.sort_by(|(_, a), (_, b)| b.overdue.cmp(&a.overdue).then(b.ratio().total_cmp(&a.ratio())));
    (due, stopped)
}

async fn compact(broker: &Broker, partition: Arc<Partition>, found: Dirtiness, stop: &Arc<AtomicBool>) {
    let config = &broker.config.compaction;
    let share = config.map_bytes / config.at_once.max(1);
    let begin = broker.env.clock.monotonic();
    let done = partition.compact(share, Arc::clone(stop)).await;
    let took = broker.env.clock.monotonic().saturating_sub(begin);
    match done {
        Ok(done) => {
            broker.metrics.compaction.done(&done, found.ratio(), took);
            tracing::info!(
                partition = partition.name(),
                ratio = found.ratio(),
                before = done.bytes_before,
                after = done.bytes_after,
                segments_before = done.segments_before,
                segments_after = done.segments_after,
                passes = done.passes,
                interrupted = done.interrupted,
                ms = took.as_millis(),
                "a log was compacted"
            );
        }
        Err(_) if partition.is_closed() => {}
        Err(error) => match partition.compaction_stopped() {
            Some(_) => tracing::error!(
                partition = partition.name(),
                error,
                "a segment cannot be read, so this log is not compacted any more and grows; restore the partition's \
                 files or let consumers pass the damaged offsets and delete the records up to there, then restart"
            ),
            None => tracing::error!(
                partition = partition.name(),
                error,
                "compaction failed; it is tried again"
            ),
        },
    }
}
