//! `GroupMetadataValue`: a classic group as it is stored.

use bytes::Bytes;

use super::codec::{Reader, RecordError, Writer};

/// The newest version that can be read; version 3 is written.
const NEWEST: i16 = 4;

/// A classic group's stored state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassicMetadata {
    /// `consumer` for consumers, `connect` for Kafka Connect; empty when never joined.
    pub protocol_type: String,
    /// Generation.
    pub generation: i32,
    /// The assignor that all members agreed on.
    pub protocol: Option<String>,
    /// Member id of the leader.
    pub leader: Option<String>,
    /// When the group entered its state, ms since the epoch; -1 when unknown.
    pub state_ms: i64,
    /// Members; none means the group is empty.
    pub members: Vec<ClassicMember>,
}

/// A member of a stored classic group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassicMember {
    /// Member id.
    pub id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client address.
    pub client_host: String,
    /// Rebalance timeout, ms.
    pub rebalance_timeout_ms: i32,
    /// Session timeout, ms.
    pub session_timeout_ms: i32,
    /// The member's metadata for the chosen protocol.
    pub subscription: Bytes,
    /// What the leader assigned.
    pub assignment: Bytes,
}

impl ClassicMetadata {
    pub(crate) fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(3);
        w.string(false, &self.protocol_type)
            .i32(self.generation)
            .nullable_string(false, self.protocol.as_deref())
            .nullable_string(false, self.leader.as_deref())
            .i64(self.state_ms)
            .i32(i32::try_from(self.members.len()).unwrap_or(i32::MAX));
        for m in &self.members {
            w.string(false, &m.id)
                .nullable_string(false, m.instance_id.as_deref())
                .string(false, &m.client_id)
                .string(false, &m.client_host)
                .i32(m.rebalance_timeout_ms)
                .i32(m.session_timeout_ms)
                .bytes(&m.subscription)
                .bytes(&m.assignment);
        }
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes);
        let version = r.i16("version")?;
        if !(0..=NEWEST).contains(&version) {
            return Err(RecordError::Version {
                what: "a group's metadata",
                version,
            });
        }
        let flexible = version >= 4;
        Ok(Self {
            protocol_type: r.string(flexible, "protocol type")?,
            generation: r.i32("generation")?,
            protocol: r.nullable_string(flexible, "protocol")?,
            leader: r.nullable_string(flexible, "leader")?,
            state_ms: if version >= 2 {
                r.i64("state timestamp")?
            } else {
                -1
            },
            members: r.list(flexible, "members", |r| ClassicMember::decode(r, version))?,
        })
    }
}

impl ClassicMember {
    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, RecordError> {
        let flexible = version >= 4;
        let id = r.string(flexible, "member id")?;
        let instance_id = if version >= 3 {
            r.nullable_string(flexible, "group instance id")?
        } else {
            None
        };
        let client_id = r.string(flexible, "client id")?;
        let client_host = r.string(flexible, "client host")?;
        let rebalance_timeout_ms = if version >= 1 {
            Some(r.i32("rebalance timeout")?)
        } else {
            None
        };
        let session_timeout_ms = r.i32("session timeout")?;
        let member = Self {
            id,
            instance_id,
            client_id,
            client_host,
            rebalance_timeout_ms: rebalance_timeout_ms.unwrap_or(session_timeout_ms),
            session_timeout_ms,
            subscription: r.bytes(flexible, "subscription")?,
            assignment: r.bytes(flexible, "assignment")?,
        };
        if flexible {
            r.skip_tags()?;
        }
        Ok(member)
    }
}
