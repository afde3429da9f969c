//! Keeps one shard served: reads its partition, writes what its journal has, starts again on failure.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesOrdered, StreamExt};
use tokio::sync::watch;

use super::coordinator::Coordinator;
use super::journal::{Journal, Progress, size};
use super::loader::Replay;
use super::log::{Committed, LogError, RawRecord};
use super::shard::Shard;
use super::state::Kind;

/// Pause before a partition that failed, or is not open yet, is tried again.
const RETRY: Duration = Duration::from_millis(50);
/// Batches that may wait for their commit at once.
const IN_FLIGHT: usize = 64;
/// Bytes of keys and values in one batch; a larger record has a batch of its own. With what a batch
/// adds to each record this stays under the 1 MiB that topics take by default.
const BATCH_BYTES: usize = 512 << 10;
/// Records in one batch.
const BATCH_RECORDS: usize = 10_000;

/// Serves a shard for good. Ends when dropped.
pub(crate) async fn keep(coordinator: Arc<Coordinator>, shard: Arc<Shard>) {
    let mut told = false;
    loop {
        if !coordinator.log.is_open(shard.partition) {
            coordinator.env.clock.sleep(RETRY).await;
            continue;
        }
        let (progress, watched) = watch::channel(Progress::Committed(0));
        let outcome = match load(&coordinator, &shard, watched).await {
            Ok(()) => {
                told = false;
                write(&coordinator, &shard, &progress).await
            }
            Err(error) => error,
        };
        shard.deactivate();
        progress.send_replace(Progress::Failed);
        coordinator.changed();
        if !told {
            tracing::warn!(partition = shard.partition, error = %outcome, "the groups of this partition are read again");
            told = true;
        }
        coordinator.env.clock.sleep(RETRY).await;
    }
}

async fn load(
    coordinator: &Coordinator,
    shard: &Shard,
    progress: watch::Receiver<Progress>,
) -> Result<(), LogError> {
    let begin = coordinator.moment().now;
    let replay = Arc::new(Mutex::new(Replay::default()));
    let taking = Arc::clone(&replay);
    let visitor = move |key: &[u8], value: Option<&[u8]>| {
        taking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(key, value);
    };
    coordinator.log.replay(shard.partition, Box::new(visitor)).await?;
    let replay = std::mem::take(&mut *replay.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some((count, first)) = &replay.unreadable {
        tracing::error!(
            partition = shard.partition,
            count,
            error = %first,
            "some coordinator records cannot be read and are passed over"
        );
    }
    let now = coordinator.moment().now;
    let mut groups = replay.finish(&coordinator.config, now);
    let topics = coordinator.topics.current();
    for group in groups.values_mut() {
        if let Kind::Consumer(consumer) = &mut group.kind {
            consumer.refresh(&*topics);
        }
        group
            .offsets
            .stamp(|name| topics.topic(name).map(|topic| topic.id));
    }
    tracing::debug!(
        partition = shard.partition,
        groups = groups.len(),
        ms = now - begin,
        "groups were read"
    );
    shard.activate(groups, Journal::new(progress, Arc::clone(&shard.wake)));
    coordinator.drop_offsets_of_missing_topics(shard);
    coordinator.changed();
    Ok(())
}

/// Writes batch after batch; many may wait for one flush. Ends with what went wrong.
async fn write(coordinator: &Coordinator, shard: &Shard, progress: &watch::Sender<Progress>) -> LogError {
    let mut commits = FuturesOrdered::new();
    loop {
        if commits.len() < IN_FLIGHT {
            match shard.with(|active| active.journal.drain()) {
                Err(_) => return LogError("the coordinator is stopping".to_owned()),
                Ok(None) => {}
                Ok(Some((records, number))) => {
                    match append(coordinator, shard.partition, records).await {
                        Ok(waits) => commits.push_back(async move {
                            for wait in waits {
                                wait.await?;
                            }
                            Ok::<u64, LogError>(number)
                        }),
                        Err(error) => return error,
                    }
                    continue;
                }
            }
        }
        tokio::select! {
            Some(done) = commits.next(), if !commits.is_empty() => match done {
                Ok(number) => {
                    progress.send_replace(Progress::Committed(number));
                }
                Err(error) => return error,
            },
            () = shard.wake.notified() => {}
        }
    }
}

async fn append(
    coordinator: &Coordinator,
    partition: i32,
    records: Vec<RawRecord>,
) -> Result<Vec<Committed>, LogError> {
    let mut waits = Vec::new();
    for batch in batches(records) {
        waits.push(coordinator.log.append(partition, batch).await?);
    }
    Ok(waits)
}

/// Cuts records into batches that the log takes, in order.
fn batches(records: Vec<RawRecord>) -> Vec<Vec<RawRecord>> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for record in records {
        let more = size(&record);
        if !batch.is_empty() && (bytes + more > BATCH_BYTES || batch.len() >= BATCH_RECORDS) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += more;
        batch.push(record);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}
