//! Offsets that go: of deleted topics, and of groups that nobody uses any more.

use super::coordinator::Coordinator;
use super::records::CommittedOffset;
use super::shard::Shard;
use super::state::{Group, Kind};

impl Coordinator {
    /// Removes offsets of topics that are gone, or were made again after the commit.
    pub(crate) fn drop_offsets_of_missing_topics(&self, shard: &Shard) {
        let topics = self.topics.current();
        let stale = |topic: &str, offset: &CommittedOffset| match topics.topic(topic) {
            None => true,
            Some(info) => !offset.topic_id.is_nil() && offset.topic_id != info.id,
        };
        let removed = shard.with(|active| {
            active.sweep(
                |group| {
                    group
                        .offsets
                        .iter()
                        .any(|(topic, _, offset)| stale(topic, offset))
                },
                |_, topic, offset| stale(topic, offset),
            )
        });
        if let Ok(removed @ 1..) = removed {
            tracing::info!(
                removed,
                partition = shard.partition,
                "offsets of deleted topics were removed"
            );
        }
    }

    /// Removes offsets past their retention, and groups of which nothing is left.
    pub(crate) fn expire_offsets(&self) {
        let now = self.moment().wall_ms;
        for shard in self.shards().iter() {
            let removed = shard.with(|active| {
                for group in active.groups.values_mut() {
                    let since = group.is_empty().then(|| group.empty_since_ms.unwrap_or(now));
                    group.empty_since_ms = since;
                }
                let removed = active.sweep(Group::is_empty, |group, _, offset| {
                    self.is_expired(group, offset, now)
                });
                active.forget_idle();
                removed
            });
            if let Ok(removed @ 1..) = removed {
                tracing::info!(
                    removed,
                    partition = shard.partition,
                    "expired offsets were removed"
                );
            }
        }
    }

    /// Time runs from the commit, or from when the group became empty if that is later.
    fn is_expired(&self, group: &Group, offset: &CommittedOffset, now: i64) -> bool {
        if let Some(expire_ms) = offset.expire_ms {
            return expire_ms <= now;
        }
        let empty_since = match &group.kind {
            Kind::Classic(classic) => classic.state_ms,
            // Not stored: known from the first look at it after it became empty.
            Kind::Consumer(_) => group.empty_since_ms.unwrap_or(now),
        };
        let since = offset.commit_ms.max(empty_since);
        now.saturating_sub(since) >= self.config.offsets_retention_ms
    }
}
