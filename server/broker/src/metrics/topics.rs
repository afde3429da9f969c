//! Counters by topic, in bounded number.

use std::sync::{PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use rustc_hash::FxHashMap;
use uuid::Uuid;

/// Topics that are counted by name. Those after share one line: a scrape must stay small.
const MOST: usize = 1_000;
/// The line that they share; no topic can be named so.
const OTHERS: &str = "(others)";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TopicLabel {
    topic: String,
}

type ByTopic = Family<TopicLabel, Counter>;

#[derive(Default)]
pub(super) struct Topics {
    records_in: ByTopic,
    bytes_in: ByTopic,
    records_out: ByTopic,
    bytes_out: ByTopic,
    /// So that a request costs a look-up by id and no more.
    known: RwLock<FxHashMap<Uuid, TopicCounters>>,
}

/// Counters of one topic.
#[derive(Clone)]
pub(super) struct TopicCounters {
    name: String,
    pub(super) records_in: Counter,
    pub(super) bytes_in: Counter,
    pub(super) records_out: Counter,
    pub(super) bytes_out: Counter,
}

impl Topics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("records_produced", "Records stored", self.records_in.clone());
        registry.register_with_unit(
            "produced",
            "Record batches stored",
            Unit::Bytes,
            self.bytes_in.clone(),
        );
        registry.register("records_fetched", "Records sent", self.records_out.clone());
        registry.register_with_unit(
            "fetched",
            "Record batches sent",
            Unit::Bytes,
            self.bytes_out.clone(),
        );
    }

    /// Counts something for a topic.
    pub(super) fn of(&self, id: Uuid, name: &str, count: impl FnOnce(&TopicCounters)) {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(topic) = known.get(&id) {
                return count(topic);
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            count(known.entry(id).or_insert_with(|| self.counters(name)));
        } else {
            drop(known);
            count(&self.counters(OTHERS));
        }
    }

    fn counters(&self, name: &str) -> TopicCounters {
        let label = TopicLabel {
            topic: name.to_owned(),
        };
        TopicCounters {
            name: name.to_owned(),
            records_in: self.records_in.get_or_create_owned(&label),
            bytes_in: self.bytes_in.get_or_create_owned(&label),
            records_out: self.records_out.get_or_create_owned(&label),
            bytes_out: self.bytes_out.get_or_create_owned(&label),
        }
    }

    /// A topic that is gone makes room.
    pub(super) fn forget(&self, id: Uuid) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(gone) = known.remove(&id) else { return };
        // A namesake made since counts on from there.
        if !known.values().any(|topic| topic.name == gone.name) {
            let label = TopicLabel { topic: gone.name };
            self.records_in.remove(&label);
            self.bytes_in.remove(&label);
            self.records_out.remove(&label);
            self.bytes_out.remove(&label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_past_the_bound_share_a_line_and_gone_ones_make_room() {
        let topics = Topics::default();
        for id in 0..MOST as u128 {
            topics.of(Uuid::from_u128(id), &format!("t{id}"), |_| {});
        }
        topics.of(Uuid::from_u128(9_999), "late", |topic| {
            let _ = topic.bytes_in.inc_by(5);
        });
        assert_eq!(topics.counters(OTHERS).bytes_in.get(), 5);
        topics.forget(Uuid::from_u128(0));
        topics.of(Uuid::from_u128(9_999), "late", |topic| {
            let _ = topic.bytes_in.inc_by(7);
        });
        assert_eq!(topics.counters("late").bytes_in.get(), 7);
    }
}
