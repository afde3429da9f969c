//! A bound that may be lifted.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// At most `T`, or no bound at all. No bound is written `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit<T> {
    /// No bound.
    Unlimited,
    /// At most this much.
    AtMost(T),
}

const UNLIMITED: &str = "unlimited";

impl<T> Limit<T> {
    /// The bound, or `None` when there is none.
    pub fn bound(self) -> Option<T> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(bound) => Some(bound),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str(UNLIMITED),
            Self::AtMost(bound) => bound.fmt(f),
        }
    }
}

impl<T: FromStr<Err = String>> FromStr for Limit<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == UNLIMITED {
            return Ok(Self::Unlimited);
        }
        text.parse()
            .map(Self::AtMost)
            .map_err(|error| format!("{error}, or `{UNLIMITED}`"))
    }
}

impl<T: fmt::Display> Serialize for Limit<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr<Err = String> + Deserialize<'de>> Deserialize<'de> for Limit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: FromStr<Err = String> + Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Limit<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bound such as 7d or 10GiB, or `unlimited`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit<T>, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Limit<T>, E> {
                T::deserialize(de::value::U64Deserializer::new(number)).map(Limit::AtMost)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Limit<T>, E> {
                Err(E::custom(format!(
                    "{number} is negative: write `{UNLIMITED}` for no bound"
                )))
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}
