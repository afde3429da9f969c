//! A topic's configs with the defaults filled in, typed.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::DEFAULT_FLUSH_INTERVAL_MS;
use super::check::{ConfigError, check_all};
use super::table::find;
use crate::topic_settings::{Cleanup, Compression, TimestampType};

/// When acknowledged records are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushPolicy {
    /// Before the acknowledgement.
    Always,
    /// At least every `ms` milliseconds.
    Interval {
        /// 1 to 60,000.
        ms: i64,
    },
    /// When the operating system likes.
    Os,
}

/// Every topic config that has an effect, typed, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy`
    pub cleanup: Cleanup,
    /// `retention.ms`; `None` keeps for ever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes` of one partition; `None` keeps all.
    pub retention_bytes: Option<u64>,
    /// `segment.bytes`
    pub segment_bytes: u64,
    /// `segment.ms`
    pub segment_ms: i64,
    /// `index.interval.bytes`
    pub index_interval_bytes: u32,
    /// `max.message.bytes`: the largest batch, as sent.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`
    pub timestamp_after_max_ms: i64,
    /// `min.insync.replicas`
    pub min_insync_replicas: u32,
    /// `compression.type`
    pub compression: Compression,
    /// `delete.retention.ms`
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`, 0 to 1.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`
    pub max_compaction_lag_ms: i64,
    /// `tidemill.flush` with its interval.
    pub flush: FlushPolicy,
    /// `flush.messages`
    pub flush_messages: u64,
    /// `flush.ms`
    pub flush_ms: i64,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self::from_checked(&BTreeMap::new())
    }
}

impl TopicConfig {
    /// Fills in the defaults around `overrides` (Kafka names to values).
    ///
    /// # Errors
    /// When a name is unknown or a value is not legal.
    pub fn resolve(overrides: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        check_all(overrides)?;
        Ok(Self::from_checked(overrides))
    }

    /// As [`TopicConfig::resolve`], for overrides that were checked before. One that is illegal after all counts
    /// as its default.
    pub fn from_checked(overrides: &BTreeMap<String, String>) -> Self {
        let values = Values(overrides);
        Self {
            cleanup: values.cleanup(),
            retention_ms: Some(values.number("retention.ms", 604_800_000)).filter(|ms| *ms >= 0),
            retention_bytes: u64::try_from(values.number("retention.bytes", -1_i64)).ok(),
            segment_bytes: values.number("segment.bytes", 1 << 30),
            segment_ms: values.number("segment.ms", 604_800_000),
            index_interval_bytes: values.number("index.interval.bytes", 4096),
            max_message_bytes: values.number("max.message.bytes", 1_048_588),
            timestamp_type: values.number("message.timestamp.type", TimestampType::CreateTime),
            timestamp_before_max_ms: values.number("message.timestamp.before.max.ms", i64::MAX),
            timestamp_after_max_ms: values.number("message.timestamp.after.max.ms", 3_600_000),
            min_insync_replicas: values.number("min.insync.replicas", 1),
            compression: values.number("compression.type", Compression::Producer),
            delete_retention_ms: values.number("delete.retention.ms", 86_400_000),
            min_cleanable_dirty_ratio: values.number("min.cleanable.dirty.ratio", 0.5),
            min_compaction_lag_ms: values.number("min.compaction.lag.ms", 0),
            max_compaction_lag_ms: values.number("max.compaction.lag.ms", i64::MAX),
            flush: values.flush(),
            flush_messages: values.number("flush.messages", i64::MAX as u64),
            flush_ms: values.number("flush.ms", i64::MAX),
        }
    }
}

struct Values<'a>(&'a BTreeMap<String, String>);

impl Values<'_> {
    fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(value) => value,
            None => find(name).map_or("", |key| key.default),
        }
    }

    fn number<T: FromStr>(&self, name: &str, default: T) -> T {
        self.text(name).parse().unwrap_or(default)
    }

    fn cleanup(&self) -> Cleanup {
        let names = self.text("cleanup.policy").split(',');
        Cleanup::from_names(names).unwrap_or(Cleanup {
            delete: true,
            compact: false,
        })
    }

    fn flush(&self) -> FlushPolicy {
        match self.text("tidemill.flush") {
            "os" => FlushPolicy::Os,
            "interval" => FlushPolicy::Interval {
                ms: self.number("tidemill.flush.interval.ms", DEFAULT_FLUSH_INTERVAL_MS),
            },
            _ => FlushPolicy::Always,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic_config::{KEYS, check};

    fn resolve(pairs: &[(&str, &str)]) -> Result<TopicConfig, ConfigError> {
        let overrides = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        TopicConfig::resolve(&overrides)
    }

    #[test]
    fn every_default_in_the_table_is_legal_and_is_what_resolves() {
        let all: BTreeMap<String, String> = KEYS
            .iter()
            .map(|key| (key.name.to_owned(), key.default.to_owned()))
            .collect();
        for key in KEYS {
            check(key.name, key.default).unwrap();
        }
        assert_eq!(TopicConfig::resolve(&all).unwrap(), TopicConfig::default());
    }

    #[test]
    fn overrides_are_typed() {
        let config = resolve(&[
            ("retention.ms", "-1"),
            ("retention.bytes", "1000"),
            ("cleanup.policy", "compact, delete"),
            ("tidemill.flush", "interval"),
            ("message.timestamp.type", "LogAppendTime"),
            ("compression.type", "uncompressed"),
        ])
        .unwrap();
        assert_eq!(config.retention_ms, None);
        assert_eq!(config.retention_bytes, Some(1000));
        assert!(config.cleanup.compact && config.cleanup.delete);
        assert_eq!(config.flush, FlushPolicy::Interval { ms: 5 });
        assert_eq!(config.timestamp_type, TimestampType::LogAppendTime);
        assert_eq!(config.compression, Compression::None);
    }

    #[test]
    fn refusals_name_the_config_and_the_mend() {
        let error = resolve(&[("retention.msec", "1")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "topic config retention.msec: unknown config: did you mean `retention.ms`?"
        );
        for (key, value) in [
            ("segment.bytes", "3000000000"),
            ("segment.bytes", "x"),
            ("cleanup.policy", ""),
            ("cleanup.policy", "delete,shred"),
            ("min.cleanable.dirty.ratio", "NaN"),
            ("unclean.leader.election.enable", "true"),
            ("retention.ms", "-2"),
        ] {
            assert_eq!(resolve(&[(key, value)]).unwrap_err().key, key, "{key}={value}");
        }
        assert!(resolve(&[("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "8")]).is_err());
    }
}
