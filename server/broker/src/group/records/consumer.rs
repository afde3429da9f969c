//! The values of KIP-848: group epoch, member subscription, target and current assignment.
//! All are version 0, and flexible.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use uuid::Uuid;

use super::codec::{Reader, RecordError, Writer};

/// Partitions by topic id.
pub type TopicPartitions = BTreeMap<Uuid, BTreeSet<i32>>;

/// `ConsumerGroupMetadataValue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerMetadata {
    /// Group epoch.
    pub epoch: i32,
    /// Hash of the subscribed topics' ids and partition counts; 0 when not known.
    pub metadata_hash: i64,
}

/// `ConsumerGroupMemberMetadataValue`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberMetadata {
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Rack.
    pub rack_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client address.
    pub client_host: String,
    /// Topics subscribed by name.
    pub topics: BTreeSet<String>,
    /// Topics subscribed by regular expression.
    pub regex: Option<String>,
    /// How long the member may take to let go of partitions, ms.
    pub rebalance_timeout_ms: i32,
    /// The server-side assignor it asked for.
    pub assignor: Option<String>,
    /// Of a member that speaks the classic protocol: what it said of itself in JoinGroup.
    pub classic: Option<ClassicMemberMetadata>,
}

/// `ClassicMemberMetadata` of a consumer group's member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassicMemberMetadata {
    /// How long nothing may be heard of the member, ms.
    pub session_timeout_ms: i32,
    /// Assignors by preference, each with the member's metadata for it.
    pub protocols: Vec<(String, Bytes)>,
}

/// `ConsumerGroupCurrentMemberAssignmentValue`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrentAssignment {
    /// The epoch expected in the member's heartbeats.
    pub epoch: i32,
    /// The epoch before, accepted when an answer was lost.
    pub previous_epoch: i32,
    /// 0 stable, 1 has partitions to revoke, 2 waits for partitions of others.
    pub state: i8,
    /// Partitions that the member owns.
    pub assigned: TopicPartitions,
    /// Partitions that the member must let go.
    pub revoking: TopicPartitions,
}

fn read_version(r: &mut Reader<'_>, what: &'static str) -> Result<(), RecordError> {
    match r.i16("version")? {
        0 => Ok(()),
        version => Err(RecordError::Version { what, version }),
    }
}

fn write_partitions(w: &mut Writer, partitions: &TopicPartitions) {
    w.compact_length(partitions.len());
    for (topic, indexes) in partitions {
        w.uuid(*topic).compact_length(indexes.len());
        for index in indexes {
            w.i32(*index);
        }
        w.no_tags();
    }
}

fn read_partitions(r: &mut Reader<'_>, field: &'static str) -> Result<TopicPartitions, RecordError> {
    let topics = r.list(true, field, |r| {
        let topic = r.uuid("topic id")?;
        let indexes = r.list(true, "partitions", |r| r.i32("partition"))?;
        r.skip_tags()?;
        Ok((topic, indexes.into_iter().collect()))
    })?;
    Ok(topics.into_iter().collect())
}

impl ConsumerMetadata {
    pub(crate) fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(0);
        w.i32(self.epoch);
        if self.metadata_hash == 0 {
            w.no_tags();
        } else {
            // One tagged field: number 0, eight bytes.
            w.unsigned_varint(1)
                .unsigned_varint(0)
                .unsigned_varint(8)
                .i64(self.metadata_hash);
        }
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes);
        read_version(&mut r, "a consumer group's epoch")?;
        let epoch = r.i32("epoch")?;
        let mut metadata_hash = 0;
        r.tags(|tag, bytes| {
            if let (0, Ok(bytes)) = (tag, bytes.try_into()) {
                metadata_hash = i64::from_be_bytes(bytes);
            }
        })?;
        Ok(Self { epoch, metadata_hash })
    }
}

impl MemberMetadata {
    /// What the subscription takes.
    pub(crate) fn bytes(&self) -> usize {
        let topics = self.topics.iter().map(String::len).sum::<usize>();
        let protocols = self.classic.iter().flat_map(|classic| &classic.protocols);
        let protocols = protocols.map(|(name, metadata)| name.len() + metadata.len());
        topics + self.regex.as_ref().map_or(0, String::len) + protocols.sum::<usize>()
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(0);
        w.nullable_string(true, self.instance_id.as_deref())
            .nullable_string(true, self.rack_id.as_deref())
            .string(true, &self.client_id)
            .string(true, &self.client_host)
            .compact_length(self.topics.len());
        for topic in &self.topics {
            w.string(true, topic);
        }
        w.nullable_string(true, self.regex.as_deref())
            .i32(self.rebalance_timeout_ms)
            .nullable_string(true, self.assignor.as_deref());
        match &self.classic {
            None => w.no_tags(),
            Some(classic) => w.tag(0, &classic.encode()),
        };
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes);
        read_version(&mut r, "a consumer group member")?;
        let mut member = Self {
            instance_id: r.nullable_string(true, "instance id")?,
            rack_id: r.nullable_string(true, "rack id")?,
            client_id: r.string(true, "client id")?,
            client_host: r.string(true, "client host")?,
            topics: r
                .list(true, "topic names", |r| r.string(true, "topic name"))?
                .into_iter()
                .collect(),
            regex: r.nullable_string(true, "topic regex")?,
            rebalance_timeout_ms: r.i32("rebalance timeout")?,
            assignor: r.nullable_string(true, "assignor")?,
            classic: None,
        };
        let mut classic = None;
        r.tags(|tag, bytes| {
            if tag == 0 {
                classic = Some(ClassicMemberMetadata::decode(bytes));
            }
        })?;
        member.classic = classic.transpose()?.flatten();
        Ok(member)
    }
}

impl ClassicMemberMetadata {
    /// As a tagged field: a struct that may be null begins with a byte that says whether it is.
    fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        w.i8(1)
            .i32(self.session_timeout_ms)
            .compact_length(self.protocols.len());
        for (name, metadata) in &self.protocols {
            w.string(true, name).compact_bytes(metadata).no_tags();
        }
        w.no_tags();
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Option<Self>, RecordError> {
        let mut r = Reader::new(bytes);
        if r.i8("classic member metadata")? < 0 {
            return Ok(None);
        }
        let session_timeout_ms = r.i32("session timeout")?;
        let protocols = r.list(true, "supported protocols", |r| {
            let name = r.string(true, "protocol name")?;
            let metadata = r.bytes(true, "protocol metadata")?;
            r.skip_tags()?;
            Ok((name, metadata))
        })?;
        r.skip_tags()?;
        Ok(Some(Self {
            session_timeout_ms,
            protocols,
        }))
    }
}

impl CurrentAssignment {
    pub(crate) fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(0);
        w.i32(self.epoch).i32(self.previous_epoch).i8(self.state);
        write_partitions(&mut w, &self.assigned);
        write_partitions(&mut w, &self.revoking);
        w.no_tags();
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes);
        read_version(&mut r, "a member's current assignment")?;
        let current = Self {
            epoch: r.i32("member epoch")?,
            previous_epoch: r.i32("previous member epoch")?,
            state: r.i8("state")?,
            assigned: read_partitions(&mut r, "assigned partitions")?,
            revoking: read_partitions(&mut r, "partitions pending revocation")?,
        };
        r.skip_tags()?;
        Ok(current)
    }
}

pub(crate) fn encode_target_epoch(epoch: i32) -> Bytes {
    let mut w = Writer::versioned(0);
    w.i32(epoch).no_tags();
    w.finish()
}

pub(crate) fn decode_target_epoch(bytes: &[u8]) -> Result<i32, RecordError> {
    let mut r = Reader::new(bytes);
    read_version(&mut r, "a target assignment's epoch")?;
    let epoch = r.i32("assignment epoch")?;
    r.skip_tags()?;
    Ok(epoch)
}

pub(crate) fn encode_target(partitions: &TopicPartitions) -> Bytes {
    let mut w = Writer::versioned(0);
    write_partitions(&mut w, partitions);
    w.no_tags();
    w.finish()
}

pub(crate) fn decode_target(bytes: &[u8]) -> Result<TopicPartitions, RecordError> {
    let mut r = Reader::new(bytes);
    read_version(&mut r, "a member's target assignment")?;
    let partitions = read_partitions(&mut r, "topic partitions")?;
    r.skip_tags()?;
    Ok(partitions)
}
