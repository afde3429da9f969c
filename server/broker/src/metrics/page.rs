//! The page that Prometheus reads: what was counted, and what is looked up when it asks.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use tidemill_partition::FlushPolicy;

use super::process;
use crate::broker::Broker;

/// Topics, and groups, that are shown at most, largest and furthest behind first.
const MOST: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Topic {
    topic: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupTopic {
    group: String,
    topic: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Durability {
    flush: &'static str,
}

impl Broker {
    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn metrics_page(&self) -> String {
        let mut page = String::new();
        // Writing into a string cannot fail.
        let _ = self.write_page(&mut page);
        page
    }

    fn write_page(&self, page: &mut String) -> fmt::Result {
        encode_registry(page, &self.metrics.registry)?;
        let mut now = Registry::with_prefix("tidemill");
        self.look_at_logs(&mut now);
        self.look_at_groups(&mut now);
        encode_registry(page, &now)?;
        encode_registry(page, &process::registry())?;
        encode_eof(page)
    }

    fn look_at_logs(&self, now: &mut Registry) {
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        let partitions = self.partitions.all();
        for partition in &partitions {
            *sizes.entry(partition.topic().to_owned()).or_default() += partition.size_bytes();
        }
        let mut sizes: Vec<(String, u64)> = sizes.into_iter().collect();
        sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let by_topic = Family::<Topic, Gauge>::default();
        for (topic, size) in sizes.into_iter().take(MOST) {
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            by_topic.get_or_create(&Topic { topic }).set(size);
        }
        let open = Family::<Durability, Gauge>::default();
        for partition in &partitions {
            let flush = match partition.config().flush {
                FlushPolicy::Always => "always",
                FlushPolicy::Interval(_) => "interval",
                FlushPolicy::Os => "os",
            };
            open.get_or_create(&Durability { flush }).inc();
        }
        now.register_with_unit("log_size", "Log files by topic", Unit::Bytes, by_topic);
        now.register(
            "partitions",
            "Partitions open on this broker, by durability: when a record is synced to the disk",
            open,
        );
    }

    fn look_at_groups(&self, now: &mut Registry) {
        let mut lags: Vec<(GroupTopic, i64)> = Vec::new();
        let groups = self.groups.groups_read();
        for group in &groups {
            let mut by_topic: BTreeMap<String, i64> = BTreeMap::new();
            for position in self.group_positions(&group.id) {
                *by_topic.entry(position.topic).or_default() += position.lag.unwrap_or(0);
            }
            let of_group = |(topic, lag)| {
                (
                    GroupTopic {
                        group: group.id.clone(),
                        topic,
                    },
                    lag,
                )
            };
            lags.extend(by_topic.into_iter().map(of_group));
        }
        lags.sort_by_key(|(_, lag)| std::cmp::Reverse(*lag));
        let by_group = Family::<GroupTopic, Gauge>::default();
        for (label, lag) in lags.into_iter().take(MOST) {
            by_group.get_or_create(&label).set(lag);
        }
        let count = Gauge::<i64>::default();
        count.set(i64::try_from(groups.len()).unwrap_or(i64::MAX));
        now.register("group_lag", "Records that a group has not yet read", by_group);
        now.register("groups", "Consumer groups", count);
    }
}
