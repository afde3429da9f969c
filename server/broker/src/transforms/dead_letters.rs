//! Records that were put aside, in topics of their own, with what there is to say of them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashSet;
use tidemill_modules::Stream;
use tidemill_smartengine::DeadLetter;
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use uuid::Uuid;

use super::own_topics;
use crate::broker::Broker;
use crate::errors::Failure;

/// Topics of dead letters are called so, and as what put them aside.
pub const DEAD_LETTERS: &str = "_deadletter.";

/// Longest name of a topic.
const LONGEST_NAME: usize = 249;
/// Uncompressed bytes that a batch may unfold to; it was checked against less.
const UNFOLDED: usize = 512 << 20;
/// Dead letters of views that are remembered, so that each reader does not put the same ones aside again.
const REMEMBERED: usize = 100_000;
/// Bytes of one batch of dead letters.
const BATCH_BYTES: usize = 8 << 20;

/// Which records of views were put aside lately: view, partition, offset.
#[derive(Default)]
pub(super) struct DeadLetters {
    known: Mutex<(FxHashSet<Known>, VecDeque<Known>)>,
}

type Known = (Uuid, i32, i64);

impl DeadLetters {
    fn contains(&self, known: &Known) -> bool {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .contains(known)
    }

    fn remember(&self, new: Vec<Known>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, order) = &mut *known;
        for one in new {
            if set.insert(one) {
                order.push_back(one);
            }
        }
        while order.len() > REMEMBERED
            && let Some(oldest) = order.pop_front()
        {
            set.remove(&oldest);
        }
    }
}

/// Where dead letters come from.
pub(super) struct Source<'a> {
    /// Name of the topic or view whose transforms put them aside.
    pub(super) stream: &'a str,
    /// Its id.
    pub(super) id: Uuid,
    /// The topic that the records are stored in, or were sent to.
    pub(super) topic: &'a str,
    /// Its partition.
    pub(super) partition: i32,
}

/// The topic of the dead letters of a topic or view.
fn topic_of(stream: &str) -> String {
    let name = format!("{DEAD_LETTERS}{stream}");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    // Cut short, and told from its likes by a checksum.
    let sum = tidemill_wire::batch::crc32c(stream.as_bytes());
    format!("{}-{sum:08x}", &name[..LONGEST_NAME - 9])
}

/// Stores dead letters durably. `base_offset` is that of their batch.
///
/// On ingest each is stored once for each time that its batch is sent; in a view, once, as long as it is remembered.
pub(super) async fn put(
    broker: &Broker,
    source: &Source<'_>,
    stream: &Stream,
    (batch, base_offset, dead): (&Batch, i64, &[DeadLetter]),
) -> Result<(), Failure> {
    let known = |letter: &DeadLetter| (source.id, source.partition, base_offset + letter.offset_delta);
    let fresh = |letter: &&DeadLetter| !broker.transforms.dead.contains(&known(letter));
    let fresh: Vec<&DeadLetter> = dead.iter().filter(fresh).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let unreadable = |error: tidemill_wire::batch::BatchError| {
        let message = format!("a batch with dead letters cannot be read: {error}");
        Failure::new(
            tidemill_wire::kafka::error::ResponseError::KafkaStorageError,
            message,
        )
    };
    let records = batch.records(UNFOLDED).map_err(unreadable)?;
    let topic = topic_of(source.stream);
    let now = broker.env.clock.wall_ms();
    let mut builder = BatchBuilder::new(Compression::None);
    let mut letters = fresh.iter().peekable();
    for (index, record) in (0_u32..).zip(records.iter()) {
        let Some(letter) = letters.next_if(|letter| letter.index == index) else {
            continue;
        };
        let record = record.map_err(unreadable)?;
        let (name, digest) = stream
            .module(letter.step)
            .map_or(("", letter.module), |module| module);
        let told = [
            ("tidemill.source.topic", source.topic.to_owned()),
            ("tidemill.source.partition", source.partition.to_string()),
            (
                "tidemill.source.offset",
                (base_offset + letter.offset_delta).to_string(),
            ),
            ("tidemill.source.timestamp", record.timestamp.to_string()),
            ("tidemill.stream", source.stream.to_owned()),
            ("tidemill.module", name.to_owned()),
            ("tidemill.module.digest", digest.to_text()),
            ("tidemill.error", letter.error.clone()),
        ];
        let mut headers: Vec<(&[u8], Option<&[u8]>)> = record.headers.iter().collect();
        headers.extend(
            told.iter()
                .map(|(name, value)| (name.as_bytes(), Some(value.as_bytes()))),
        );
        builder.append(&RecordData {
            timestamp: now,
            key: record.key,
            value: record.value,
            headers: &headers,
        });
        if builder.estimated_size() > BATCH_BYTES {
            let full = std::mem::replace(&mut builder, BatchBuilder::new(Compression::None));
            own_topics::append(broker, &topic, full.build()).await?;
        }
    }
    if !builder.is_empty() {
        own_topics::append(broker, &topic, builder.build()).await?;
    }
    if source.stream != source.topic {
        broker
            .transforms
            .dead
            .remember(fresh.into_iter().map(known).collect());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        assert_eq!(topic_of("orders"), "_deadletter.orders");
        let (one, other) = ("x".repeat(248) + "a", "x".repeat(248) + "b");
        assert_eq!(topic_of(&one).len(), LONGEST_NAME);
        assert_ne!(topic_of(&one), topic_of(&other));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let dead = DeadLetters::default();
        for offset in 0..i64::try_from(REMEMBERED).unwrap() + 10 {
            dead.remember(vec![(Uuid::nil(), 0, offset)]);
        }
        assert!(!dead.contains(&(Uuid::nil(), 0, 9)) && dead.contains(&(Uuid::nil(), 0, 10)));
        assert_eq!(dead.known.lock().unwrap().0.len(), REMEMBERED);
    }
}
