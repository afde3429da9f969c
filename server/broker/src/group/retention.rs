//! Offsets that go: of deleted topics, and of topics that a group does not use any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::coordinator::Coordinator;
use super::records::CommittedOffset;
use super::shard::{Judge, Shard};
use super::state::{Group, Kind};
use super::topics::Topics;

impl Coordinator {
    /// Removes offsets of topics that are gone, or were made again after the commit.
    pub(crate) fn drop_offsets_of_missing_topics(&self, shard: &Shard) {
        let topics = self.topics.current();
        let stale = |topic: &str, offset: &CommittedOffset| match topics.topic(topic) {
            None => true,
            Some(info) => !offset.topic_id.is_nil() && offset.topic_id != info.id,
        };
        let removed = shard.with(|active| active.sweep(|_| Some(Box::new(&stale))));
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
        let topics = self.topics.current();
        for shard in self.shards().iter() {
            let removed = shard.with(|active| {
                for group in active.groups.values_mut() {
                    let since = group.is_empty().then(|| group.empty_since_ms.unwrap_or(now));
                    group.empty_since_ms = since;
                }
                let removed = active.sweep(|group| self.expiry(group, &topics, now));
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

    /// Which offsets of a group are past their time. It runs from the commit, or from when the group
    /// became empty if that is later. While there are members, only what they do not subscribe to
    /// expires (KIP-211); when that is not known, nothing does.
    fn expiry(&self, group: &Group, topics: &Arc<dyn Topics>, now: i64) -> Option<Judge<'_>> {
        let retention = self.config.offsets_retention_ms;
        let mut used = BTreeSet::new();
        let mut since = i64::MIN;
        match &group.kind {
            Kind::Classic(classic) if classic.is_empty() => since = classic.state_ms,
            // Not stored: known from the first look at it after it became empty.
            Kind::Consumer(consumer) if consumer.is_empty() => since = group.empty_since_ms.unwrap_or(now),
            Kind::Classic(classic) => used = classic.subscriptions()?,
            Kind::Consumer(consumer) => used = consumer.subscriptions(&**topics),
        }
        Some(Box::new(move |topic, offset| {
            if used.contains(topic) {
                return false;
            }
            match offset.expire_ms {
                Some(at) => at <= now,
                None => now.saturating_sub(offset.commit_ms.max(since)) >= retention,
            }
        }))
    }
}
