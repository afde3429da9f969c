//! Keys of coordinator records. The leading 16-bit number tells the kind.

use bytes::Bytes;

use super::codec::{Reader, RecordError, Writer};

/// What a record of `__consumer_offsets` is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A committed offset (`OffsetCommitKey`, kinds 0 and 1).
    Offset {
        /// Group.
        group: String,
        /// Topic name.
        topic: String,
        /// Partition index.
        partition: i32,
    },
    /// A classic group's members and generation (`GroupMetadataKey`, kind 2).
    Classic {
        /// Group.
        group: String,
    },
    /// A consumer group's epoch (`ConsumerGroupMetadataKey`, kind 3).
    Consumer {
        /// Group.
        group: String,
    },
    /// A consumer group member's subscription (`ConsumerGroupMemberMetadataKey`, kind 5).
    Member {
        /// Group.
        group: String,
        /// Member id.
        member: String,
    },
    /// The epoch of a consumer group's target assignment (kind 6).
    TargetEpoch {
        /// Group.
        group: String,
    },
    /// What a member shall own in the end (kind 7).
    Target {
        /// Group.
        group: String,
        /// Member id.
        member: String,
    },
    /// What a member owns now (kind 8).
    Current {
        /// Group.
        group: String,
        /// Member id.
        member: String,
    },
    /// A kind that this program neither writes nor needs: kept in the log, passed over when read.
    Other(i16),
}

impl Key {
    /// The key as Kafka writes it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(self.kind());
        match self {
            Self::Offset {
                group,
                topic,
                partition,
            } => {
                w.string(false, group).string(false, topic).i32(*partition);
            }
            Self::Classic { group } | Self::Consumer { group } | Self::TargetEpoch { group } => {
                w.string(false, group);
            }
            Self::Member { group, member }
            | Self::Target { group, member }
            | Self::Current { group, member } => {
                w.string(false, group).string(false, member);
            }
            Self::Other(_) => {}
        }
        w.finish()
    }

    fn kind(&self) -> i16 {
        match self {
            Self::Offset { .. } => 1,
            Self::Classic { .. } => 2,
            Self::Consumer { .. } => 3,
            Self::Member { .. } => 5,
            Self::TargetEpoch { .. } => 6,
            Self::Target { .. } => 7,
            Self::Current { .. } => 8,
            Self::Other(kind) => *kind,
        }
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`RecordError`] when the bytes are not a coordinator key.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes);
        let kind = r.i16("key kind")?;
        if !matches!(kind, 0..=3 | 5..=8) {
            return Ok(Self::Other(kind));
        }
        let group = r.string(false, "group id")?;
        Ok(match kind {
            0 | 1 => {
                let topic = r.string(false, "topic")?;
                Self::Offset {
                    group,
                    topic,
                    partition: r.i32("partition")?,
                }
            }
            2 => Self::Classic { group },
            3 => Self::Consumer { group },
            5 => Self::Member {
                group,
                member: r.string(false, "member id")?,
            },
            6 => Self::TargetEpoch { group },
            7 => Self::Target {
                group,
                member: r.string(false, "member id")?,
            },
            _ => Self::Current {
                group,
                member: r.string(false, "member id")?,
            },
        })
    }

    /// The group that the record belongs to; `None` for kinds that are passed over.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Offset { group, .. }
            | Self::Classic { group }
            | Self::Consumer { group }
            | Self::Member { group, .. }
            | Self::TargetEpoch { group }
            | Self::Target { group, .. }
            | Self::Current { group, .. } => Some(group),
            Self::Other(_) => None,
        }
    }
}
