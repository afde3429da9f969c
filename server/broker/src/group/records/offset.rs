//! `OffsetCommitValue`.

use bytes::Bytes;
use uuid::Uuid;

use super::codec::{Reader, RecordError, Writer};

/// The newest version that can be read; version 3 is written, which every tool understands.
const NEWEST: i16 = 4;

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset that the group will read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 when the client did not say.
    pub leader_epoch: i32,
    /// Whatever the client wished to remember.
    pub metadata: String,
    /// When it was committed, ms since the epoch.
    pub commit_ms: i64,
    /// When it expires by the client's own wish (OffsetCommit up to version 4), ms since the epoch.
    pub expire_ms: Option<i64>,
    /// The topic that it was committed for, to tell it from a later topic of the same name. Not written,
    /// but read where Kafka wrote it (version 4); nil when not known.
    pub topic_id: Uuid,
}

impl CommittedOffset {
    /// Kafka's bytes: version 3, or version 1 when there is an expiry (which version 3 cannot hold).
    pub(crate) fn encode(&self) -> Bytes {
        let version = if self.expire_ms.is_some() { 1 } else { 3 };
        let mut w = Writer::versioned(version);
        w.i64(self.offset);
        if version == 3 {
            w.i32(self.leader_epoch);
        }
        w.string(false, &self.metadata).i64(self.commit_ms);
        if let Some(expire_ms) = self.expire_ms {
            w.i64(expire_ms);
        }
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes);
        let version = r.i16("version")?;
        if !(0..=NEWEST).contains(&version) {
            return Err(RecordError::Version {
                what: "a committed offset",
                version,
            });
        }
        let offset = r.i64("offset")?;
        let leader_epoch = if version >= 3 { r.i32("leader epoch")? } else { -1 };
        let metadata = r.string(version >= 4, "metadata")?;
        let commit_ms = r.i64("commit timestamp")?;
        let expire_ms = if version == 1 {
            Some(r.i64("expire timestamp")?).filter(|ms| *ms >= 0)
        } else {
            None
        };
        let mut topic_id = Uuid::nil();
        if version >= 4 {
            r.tags(|tag, bytes| {
                if let (0, Ok(id)) = (tag, Uuid::from_slice(bytes)) {
                    topic_id = id;
                }
            })?;
        }
        Ok(Self {
            offset,
            leader_epoch,
            metadata,
            commit_ms,
            expire_ms,
            topic_id,
        })
    }
}
