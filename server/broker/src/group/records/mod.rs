//! Records of the internal topic `__consumer_offsets`, in Kafka's own binary formats, so that
//! Kafka's tools can read the topic and a Kafka topic can be read here.
//!
//! Source: the schemas `OffsetCommitKey/Value`, `GroupMetadataKey/Value` and
//! `ConsumerGroup*Key/Value` of Apache Kafka; KIP-848, KIP-915.

mod classic;
mod codec;
mod consumer;
mod key;
mod offset;

use bytes::Bytes;

pub use classic::{ClassicMember, ClassicMetadata};
pub use codec::RecordError;
pub(crate) use codec::clip;
pub use consumer::{
    ClassicMemberMetadata, ConsumerMetadata, CurrentAssignment, MemberMetadata, TopicPartitions,
};
pub use key::Key;
pub use offset::CommittedOffset;

/// The value of a coordinator record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// For [`Key::Offset`].
    Offset(CommittedOffset),
    /// For [`Key::Classic`].
    Classic(ClassicMetadata),
    /// For [`Key::Consumer`].
    Consumer(ConsumerMetadata),
    /// For [`Key::Member`].
    Member(MemberMetadata),
    /// For [`Key::TargetEpoch`].
    TargetEpoch(i32),
    /// For [`Key::Target`].
    Target(TopicPartitions),
    /// For [`Key::Current`].
    Current(CurrentAssignment),
}

/// One record: a key, and a value or a tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub key: Key,
    /// `None` deletes.
    pub value: Option<Value>,
}

impl Record {
    /// A record that sets a value.
    #[must_use]
    pub fn put(key: Key, value: Value) -> Self {
        Self {
            key,
            value: Some(value),
        }
    }

    /// A record that deletes a key.
    #[must_use]
    pub fn tombstone(key: Key) -> Self {
        Self { key, value: None }
    }

    /// Key and value as they go into the log.
    #[must_use]
    pub fn encode(&self) -> (Bytes, Option<Bytes>) {
        (self.key.encode(), self.value.as_ref().map(Value::encode))
    }

    /// Reads a record. `Ok(None)` for kinds that are passed over.
    ///
    /// # Errors
    /// [`RecordError`] when key or value are not what the key's kind promises.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, RecordError> {
        let key = Key::decode(key)?;
        let Some(bytes) = value else {
            return Ok((!matches!(key, Key::Other(_))).then(|| Self::tombstone(key)));
        };
        let value = match &key {
            Key::Offset { .. } => Value::Offset(CommittedOffset::decode(bytes)?),
            Key::Classic { .. } => Value::Classic(ClassicMetadata::decode(bytes)?),
            Key::Consumer { .. } => Value::Consumer(ConsumerMetadata::decode(bytes)?),
            Key::Member { .. } => Value::Member(MemberMetadata::decode(bytes)?),
            Key::TargetEpoch { .. } => Value::TargetEpoch(consumer::decode_target_epoch(bytes)?),
            Key::Target { .. } => Value::Target(consumer::decode_target(bytes)?),
            Key::Current { .. } => Value::Current(CurrentAssignment::decode(bytes)?),
            Key::Other(_) => return Ok(None),
        };
        Ok(Some(Self::put(key, value)))
    }
}

impl Value {
    fn encode(&self) -> Bytes {
        match self {
            Self::Offset(v) => v.encode(),
            Self::Classic(v) => v.encode(),
            Self::Consumer(v) => v.encode(),
            Self::Member(v) => v.encode(),
            Self::TargetEpoch(epoch) => consumer::encode_target_epoch(*epoch),
            Self::Target(partitions) => consumer::encode_target(partitions),
            Self::Current(v) => v.encode(),
        }
    }
}

#[cfg(test)]
mod tests;
