//! The kinds of objects.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::suggest::nearest;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Kind {
    /// A topic. Written by users.
    Topic,
    /// A SmartModule. Written by users.
    SmartModule,
    /// A view of a topic. Written by users.
    View,
    /// A broker of the cluster. Read only.
    Broker,
    /// A partition of a topic. Read only.
    Partition,
    /// A consumer group. Read only, but may be deleted when empty.
    ConsumerGroup,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Topic,
        Self::SmartModule,
        Self::View,
        Self::Broker,
        Self::Partition,
        Self::ConsumerGroup,
    ];

    /// As written in `kind:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "Topic",
            Self::SmartModule => "SmartModule",
            Self::View => "View",
            Self::Broker => "Broker",
            Self::Partition => "Partition",
            Self::ConsumerGroup => "ConsumerGroup",
        }
    }

    /// As written in a URL: `/v1/{plural}`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Topic => "topics",
            Self::SmartModule => "smartmodules",
            Self::View => "views",
            Self::Broker => "brokers",
            Self::Partition => "partitions",
            Self::ConsumerGroup => "consumergroups",
        }
    }

    /// Whether users write objects of this kind, as opposed to only reading them.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Topic | Self::SmartModule | Self::View)
    }

    /// The kind with this plural, as in a URL.
    pub fn from_plural(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    /// Reads a kind's name, plural or a usual short form, in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        let folded = text.to_ascii_lowercase().replace(['-', '_'], "");
        let found = Self::ALL.into_iter().find(|kind| {
            folded == kind.plural()
                || folded == kind.name().to_ascii_lowercase()
                || matches!(
                    (kind, folded.as_str()),
                    (Self::ConsumerGroup, "group" | "groups") | (Self::SmartModule, "sm")
                )
        });
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            match nearest(text, names.into_iter().chain(Self::ALL.map(Self::plural))) {
                Some(near) => format!("unknown kind `{text}`: did you mean `{near}`?"),
                None => format!("unknown kind `{text}`: the kinds are {}", names.join(", ")),
            }
        })
    }
}
