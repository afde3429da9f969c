//! Whether a config's name and value are legal.

use std::collections::BTreeMap;

use super::table::{ConfigKey, KEYS, find};
use crate::suggest::nearest;
use crate::topic_settings::not_one_of;

/// The types of configs that `DescribeConfigs` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// 32-bit whole number.
    Int,
    /// 64-bit whole number.
    Long,
    /// Floating point.
    Double,
    /// Comma-separated words.
    List,
}

/// What values a config takes. Bounds are inclusive.
#[derive(Debug)]
pub(super) enum Check {
    Int { min: i64, max: i64 },
    Long { min: i64, max: i64 },
    Double { min: f64, max: f64 },
    OneOf(&'static [&'static str]),
    SetOf(&'static [&'static str]),
    Fixed(&'static str, ConfigType),
}

impl Check {
    pub(super) fn config_type(&self) -> ConfigType {
        match self {
            Self::Int { .. } => ConfigType::Int,
            Self::Long { .. } => ConfigType::Long,
            Self::Double { .. } => ConfigType::Double,
            Self::OneOf(_) => ConfigType::String,
            Self::SetOf(_) => ConfigType::List,
            Self::Fixed(_, kind) => *kind,
        }
    }

    fn check(&self, value: &str) -> Result<(), String> {
        match self {
            Self::Int { min, max } | Self::Long { min, max } => {
                let range = || format!("use a whole number of at least {min} and at most {max}");
                let number: i64 = value.parse().map_err(|_| range())?;
                if (*min..=*max).contains(&number) {
                    Ok(())
                } else {
                    Err(range())
                }
            }
            Self::Double { min, max } => match value.parse::<f64>() {
                Ok(number) if (*min..=*max).contains(&number) => Ok(()),
                _ => Err(format!("use a number of at least {min} and at most {max}")),
            },
            Self::OneOf(all) if all.contains(&value) => Ok(()),
            Self::OneOf(all) => Err(not_one_of("known value", value, all)),
            Self::SetOf(all) => {
                let mut words = value.split(',').map(str::trim);
                match words.find(|word| !all.contains(word)) {
                    None => Ok(()),
                    Some(word) => Err(not_one_of("known value", word, all)),
                }
            }
            Self::Fixed(only, _) if value == *only => Ok(()),
            Self::Fixed(only, _) => Err(format!("the only value supported is {only}")),
        }
    }
}

/// A config that is not known, or whose value is not legal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("topic config {key}: {reason}")]
pub struct ConfigError {
    /// The config's Kafka name, as given.
    pub key: String,
    /// What is wrong, and the mend.
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn new(key: &str, reason: impl Into<String>) -> Self {
        Self {
            key: key.escape_debug().to_string(),
            reason: reason.into(),
        }
    }
}

/// Checks one config.
///
/// # Errors
/// When the name is unknown or the value is not legal for it.
pub fn check(name: &str, value: &str) -> Result<&'static ConfigKey, ConfigError> {
    let Some(key) = find(name) else {
        let reason = match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(near) => format!("unknown config: did you mean `{near}`?"),
            None => "unknown config: see DescribeConfigs for those there are".to_owned(),
        };
        return Err(ConfigError::new(name, reason));
    };
    match key.check.check(value) {
        Ok(()) => Ok(key),
        Err(reason) => {
            let value = value.escape_debug();
            Err(ConfigError::new(
                name,
                format!("the value `{value}` is not legal: {reason}"),
            ))
        }
    }
}

/// Checks every config of a map, and that they agree with each other.
///
/// # Errors
/// The first that is wrong.
pub fn check_all(configs: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    for (name, value) in configs {
        check(name, value)?;
    }
    let number = |name| {
        configs
            .get(name)
            .and_then(|value: &String| value.parse::<i64>().ok())
    };
    if let (Some(min), Some(max)) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"))
        && min > max
    {
        let reason = format!("{min} is more than max.compaction.lag.ms ({max}): make it smaller");
        return Err(ConfigError::new("min.compaction.lag.ms", reason));
    }
    Ok(())
}
