//! A topic's spec as Kafka configs and back. Both say the same thing, so each is made from the other without loss.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::bytesize::ByteSize;
use crate::limit::Limit;
use crate::span::TimeSpan;
use crate::topic::{Cleanup, Flush, Retention, Segment, TopicSpec};
use crate::topic_config::{ConfigError, check_all, find};

type Configs = BTreeMap<String, String>;

impl TopicSpec {
    /// The Kafka configs that this spec sets; those left to their defaults are absent. Not checked.
    pub fn configs(&self) -> Configs {
        let mut configs = self.config.clone();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                configs.insert(name.to_owned(), value);
            }
        };
        let retention = self.retention.unwrap_or_default();
        let segment = self.segment.unwrap_or_default();
        set(
            "retention.ms",
            retention
                .time
                .map(|time| bound_text(time.bound().map(TimeSpan::ms))),
        );
        set(
            "retention.bytes",
            retention
                .bytes
                .map(|bytes| bound_text(bytes.bound().map(|size| size.0))),
        );
        set("segment.bytes", segment.bytes.map(|size| size.0.to_string()));
        set("segment.ms", segment.age.map(|age| age.ms().to_string()));
        set(
            "max.message.bytes",
            self.max_message_bytes.map(|size| size.0.to_string()),
        );
        set("cleanup.policy", self.cleanup.map(|cleanup| cleanup.to_string()));
        set(
            "message.timestamp.type",
            self.timestamp_type.map(|kind| kind.to_string()),
        );
        set(
            "compression.type",
            self.compression
                .map(|codec| codec.to_string().replace("none", "uncompressed")),
        );
        let (flush, interval) = match self.flush {
            None => (None, None),
            Some(Flush::Always) => (Some("always"), None),
            Some(Flush::Os) => (Some("os"), None),
            Some(Flush::Interval(span)) => (Some("interval"), span),
        };
        set("tidemill.flush", flush.map(str::to_owned));
        set(
            "tidemill.flush.interval.ms",
            interval.map(|span| span.ms().to_string()),
        );
        configs
    }

    /// The same spec with its configs replaced: each goes to its field, the others to `config`.
    ///
    /// # Errors
    /// When a name is unknown or a value is not legal.
    pub fn with_configs(&self, mut configs: Configs) -> Result<Self, ConfigError> {
        check_all(&configs)?;
        let mut spec = Self {
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            // No Kafka configs: clients that alter configs leave them as they are.
            ingest: self.ingest.clone(),
            dedup: self.dedup.clone(),
            ..Self::default()
        };
        let retention = Retention {
            time: take_bound(&mut configs, "retention.ms")?.map(|bound| bound_map(bound, TimeSpan::from_ms)),
            bytes: take_bound(&mut configs, "retention.bytes")?
                .map(|bound| bound_map(bound, |bytes| ByteSize(bytes.unsigned_abs()))),
        };
        let segment = Segment {
            bytes: take(&mut configs, "segment.bytes")?.map(ByteSize),
            age: take(&mut configs, "segment.ms")?.map(TimeSpan::from_ms),
        };
        spec.retention = Some(retention).filter(|it| *it != Retention::default());
        spec.segment = Some(segment).filter(|it| *it != Segment::default());
        spec.max_message_bytes = take(&mut configs, "max.message.bytes")?.map(ByteSize);
        spec.timestamp_type = take(&mut configs, "message.timestamp.type")?;
        spec.compression = take(&mut configs, "compression.type")?;
        spec.cleanup = match configs.remove("cleanup.policy") {
            None => None,
            Some(value) => Some(
                Cleanup::from_names(value.split(','))
                    .map_err(|reason| ConfigError::new("cleanup.policy", reason))?,
            ),
        };
        spec.flush = match configs.remove("tidemill.flush").as_deref() {
            Some("always") => Some(Flush::Always),
            Some("os") => Some(Flush::Os),
            Some(_) => {
                let interval = take(&mut configs, "tidemill.flush.interval.ms")?;
                Some(Flush::Interval(interval.map(TimeSpan::from_ms)))
            }
            None => None,
        };
        spec.config = configs;
        Ok(spec)
    }

    /// A spec made of Kafka's `CreateTopics` parts.
    ///
    /// # Errors
    /// When a name is unknown or a value is not legal.
    pub fn from_configs(
        partitions: u32,
        replication_factor: u16,
        configs: Configs,
    ) -> Result<Self, ConfigError> {
        Self {
            partitions,
            replication_factor,
            ..Self::default()
        }
        .with_configs(configs)
    }

    /// Checks that every config is known and legal, and that `config` does not say what a field of its own says.
    ///
    /// # Errors
    /// The first config that is wrong.
    pub fn check_configs(&self) -> Result<(), ConfigError> {
        for name in self.config.keys() {
            let field = find(name).and_then(|key| key.spec_field);
            // The interval may wait in `config` while the flush policy is another.
            let interval_alone =
                name == "tidemill.flush.interval.ms" && !matches!(self.flush, Some(Flush::Interval(_)));
            if let Some(field) = field
                && !interval_alone
            {
                let reason = format!("it has a field of its own: write it in spec.{field}");
                return Err(ConfigError::new(name, reason));
            }
        }
        check_all(&self.configs())
    }
}

fn bound_text<T: ToString>(bound: Option<T>) -> String {
    bound.map_or_else(|| "-1".to_owned(), |bound| bound.to_string())
}

fn take<T: FromStr>(configs: &mut Configs, name: &str) -> Result<Option<T>, ConfigError> {
    let Some(value) = configs.remove(name) else {
        return Ok(None);
    };
    let parsed = value.trim().parse();
    parsed
        .map(Some)
        .map_err(|_| ConfigError::new(name, format!("the value `{value}` is not legal")))
}

fn take_bound(configs: &mut Configs, name: &str) -> Result<Option<Limit<i64>>, ConfigError> {
    let number: Option<i64> = take(configs, name)?;
    Ok(number.map(|number| {
        if number < 0 {
            Limit::Unlimited
        } else {
            Limit::AtMost(number)
        }
    }))
}

fn bound_map<T>(bound: Limit<i64>, make: impl Fn(i64) -> T) -> Limit<T> {
    bound
        .bound()
        .map_or(Limit::Unlimited, |number| Limit::AtMost(make(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic_config::KEYS;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn every_config_alone_comes_back_as_it_was() {
        for key in KEYS {
            let before = configs(&[(key.name, key.default)]);
            let spec = TopicSpec::default().with_configs(before.clone()).unwrap();
            assert_eq!(spec.configs(), before);
            assert_eq!(spec.check_configs(), Ok(()), "{}", key.name);
            let printed = serde_json::to_string(&spec).unwrap();
            assert_eq!(
                serde_json::from_str::<TopicSpec>(&printed).unwrap(),
                spec,
                "{printed}"
            );
        }
    }

    #[test]
    fn all_together_fill_the_fields() {
        let before = configs(&[
            ("cleanup.policy", "delete,compact"),
            ("retention.ms", "-1"),
            ("retention.bytes", "10737418240"),
            ("tidemill.flush", "interval"),
            ("tidemill.flush.interval.ms", "20"),
            ("compression.type", "uncompressed"),
            ("min.insync.replicas", "1"),
        ]);
        let spec = TopicSpec::from_configs(3, 1, before.clone()).unwrap();
        assert_eq!(
            serde_json::to_value(&spec).unwrap(),
            serde_json::json!({
                "partitions": 3, "replicationFactor": 1,
                "retention": {"time": "unlimited", "bytes": "10GiB"},
                "cleanup": ["delete", "compact"], "flush": "interval(20ms)", "compression": "none",
                "config": {"min.insync.replicas": "1"},
            })
        );
        assert_eq!(spec.configs(), before);
    }

    #[test]
    fn a_config_with_a_field_of_its_own_is_sent_there() {
        let spec = TopicSpec {
            config: configs(&[("retention.ms", "5")]),
            ..TopicSpec::default()
        };
        let error = spec.check_configs().unwrap_err();
        assert!(error.reason.contains("spec.retention.time"), "{error}");
    }

    #[test]
    fn a_field_out_of_kafkas_range_is_refused_by_name() {
        let spec = TopicSpec {
            max_message_bytes: Some(ByteSize(1 << 40)),
            ..TopicSpec::default()
        };
        assert_eq!(spec.check_configs().unwrap_err().key, "max.message.bytes");
    }
}
