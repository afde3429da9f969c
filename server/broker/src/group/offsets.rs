//! The committed offsets of one group.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::records::{CommittedOffset, Key, Record, Value};

/// Committed offsets by topic name and partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offsets(BTreeMap<String, BTreeMap<i32, CommittedOffset>>);

impl Offsets {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        self.0.get(topic)?.get(&partition)
    }

    pub(crate) fn set(&mut self, topic: &str, partition: i32, offset: CommittedOffset) {
        match self.0.get_mut(topic) {
            Some(partitions) => {
                partitions.insert(partition, offset);
            }
            None => {
                self.0
                    .insert(topic.to_owned(), BTreeMap::from([(partition, offset)]));
            }
        }
    }

    /// Removes one; answers whether it was there.
    pub(crate) fn remove(&mut self, topic: &str, partition: i32) -> bool {
        let Some(partitions) = self.0.get_mut(topic) else {
            return false;
        };
        let removed = partitions.remove(&partition).is_some();
        if partitions.is_empty() {
            self.0.remove(topic);
        }
        removed
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i32, &CommittedOffset)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions
                .iter()
                .map(move |(partition, offset)| (topic.as_str(), *partition, offset))
        })
    }

    /// Notes for which topic each offset is, where that is not known.
    pub(crate) fn stamp(&mut self, id_of: impl Fn(&str) -> Option<Uuid>) {
        for (topic, partitions) in &mut self.0 {
            let Some(id) = id_of(topic) else { continue };
            for offset in partitions.values_mut().filter(|offset| offset.topic_id.is_nil()) {
                offset.topic_id = id;
            }
        }
    }

    /// Removes those that `gone` picks, with a tombstone for each.
    pub(crate) fn remove_where(
        &mut self,
        group: &str,
        gone: impl Fn(&str, i32, &CommittedOffset) -> bool,
        out: &mut Vec<Record>,
    ) {
        self.0.retain(|topic, partitions| {
            partitions.retain(|partition, offset| {
                let goes = gone(topic, *partition, offset);
                if goes {
                    out.push(Record::tombstone(offset_key(group, topic, *partition)));
                }
                !goes
            });
            !partitions.is_empty()
        });
    }
}

pub(crate) fn offset_key(group: &str, topic: &str, partition: i32) -> Key {
    Key::Offset {
        group: group.to_owned(),
        topic: topic.to_owned(),
        partition,
    }
}

pub(crate) fn offset_record(group: &str, topic: &str, partition: i32, offset: CommittedOffset) -> Record {
    Record::put(offset_key(group, topic, partition), Value::Offset(offset))
}
