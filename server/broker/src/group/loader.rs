//! From the records of a partition to its groups.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::classic::ClassicGroup;
use super::config::GroupConfig;
use super::consumer::{ConsumerGroup, StoredConsumerGroup};
use super::offsets::Offsets;
use super::records::{ClassicMetadata, Key, Record, RecordError, Value};
use super::state::{Group, Kind, classic_limits, consumer_limits};

/// What was read so far of one group.
#[derive(Default)]
struct Stored {
    classic: Option<ClassicMetadata>,
    consumer: StoredConsumerGroup,
    offsets: Offsets,
}

/// Collects records, the later ones winning.
#[derive(Default)]
pub(crate) struct Replay {
    groups: BTreeMap<String, Stored>,
    /// Records that could not be read, and the first reason.
    pub(crate) unreadable: Option<(u64, RecordError)>,
}

impl Replay {
    /// Takes one record. One that cannot be read is counted and passed over: the others still count.
    pub(crate) fn take(&mut self, key: &[u8], value: Option<&[u8]>) {
        match Record::decode(key, value) {
            Ok(Some(record)) => self.apply(record),
            Ok(None) => {}
            Err(error) => {
                let (count, _) = self.unreadable.get_or_insert((0, error));
                *count += 1;
            }
        }
    }

    fn apply(&mut self, Record { key, value }: Record) {
        let Some(group) = key.group() else { return };
        let stored = match self.groups.get_mut(group) {
            Some(stored) => stored,
            None => self.groups.entry(group.to_owned()).or_default(),
        };
        let consumer = &mut stored.consumer;
        match (key, value) {
            (Key::Offset { topic, partition, .. }, Some(Value::Offset(offset))) => {
                stored.offsets.set(&topic, partition, offset);
            }
            (Key::Offset { topic, partition, .. }, _) => {
                stored.offsets.remove(&topic, partition);
            }
            (Key::Classic { .. }, Some(Value::Classic(metadata))) => stored.classic = Some(metadata),
            (Key::Classic { .. }, _) => stored.classic = None,
            (Key::Consumer { .. }, Some(Value::Consumer(metadata))) => consumer.metadata = Some(metadata),
            (Key::Consumer { .. }, _) => consumer.metadata = None,
            (Key::Member { member, .. }, Some(Value::Member(about))) => {
                consumer.members.insert(member, about);
            }
            (Key::Member { member, .. }, _) => {
                consumer.members.remove(&member);
            }
            (Key::TargetEpoch { .. }, Some(Value::TargetEpoch(epoch))) => consumer.target_epoch = epoch,
            (Key::TargetEpoch { .. }, _) => consumer.target_epoch = 0,
            (Key::Target { member, .. }, Some(Value::Target(target))) => {
                consumer.targets.insert(member, target);
            }
            (Key::Target { member, .. }, _) => {
                consumer.targets.remove(&member);
            }
            (Key::Current { member, .. }, Some(Value::Current(current))) => {
                consumer.currents.insert(member, current);
            }
            (Key::Current { member, .. }, _) => {
                consumer.currents.remove(&member);
            }
            (Key::Other(_), _) => {}
        }
    }

    /// The groups that there are in the end.
    pub(crate) fn finish(self, config: &GroupConfig, now: u64) -> FxHashMap<String, Group> {
        let mut groups = FxHashMap::default();
        for (id, stored) in self.groups {
            let is_consumer = stored.consumer.metadata.is_some() || !stored.consumer.members.is_empty();
            let has_record = is_consumer || stored.classic.is_some();
            if !has_record && stored.offsets.is_empty() {
                continue;
            }
            let kind = if is_consumer {
                let group = ConsumerGroup::restore(id.clone(), consumer_limits(config), stored.consumer, now);
                Kind::Consumer(Box::new(group))
            } else if let Some(metadata) = stored.classic {
                Kind::Classic(Box::new(ClassicGroup::restore(
                    classic_limits(config),
                    metadata,
                    now,
                )))
            } else {
                Kind::Classic(Box::new(ClassicGroup::new(classic_limits(config))))
            };
            let mut group = Group::new(kind);
            group.offsets = stored.offsets;
            group.stored = has_record;
            groups.insert(id, group);
        }
        groups
    }
}
