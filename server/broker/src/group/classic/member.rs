//! One member of a classic group.

use bytes::Bytes;

use super::Token;
use super::join::protocol_bytes;

/// A new member that waits in a join may have a client that is gone: it is dropped after this.
const NEW_MEMBER_JOIN_TIMEOUT_MS: u64 = 300_000;

/// A member of a classic group.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    /// Assignors by preference, each with the member's metadata for it.
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// What the leader gave it.
    pub(crate) assignment: Bytes,
    /// Whether its client understands `skip_assignment` (JoinGroup 9, KIP-814).
    pub(super) knows_skip: bool,
    /// A parked JoinGroup.
    pub(super) join: Option<Token>,
    /// A parked SyncGroup.
    pub(super) sync: Option<Token>,
    /// When the session ends, unless a request is parked.
    pub(super) session_deadline: u64,
    /// While it waits in its first join: when to give it up.
    pub(super) first_join_deadline: Option<u64>,
}

impl Member {
    /// The member's metadata for a protocol.
    pub(crate) fn metadata(&self, protocol: &str) -> Option<Bytes> {
        self.protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map(|(_, metadata)| metadata.clone())
    }

    /// What it makes the group remember, nearly.
    pub(super) fn bytes(&self) -> usize {
        let ids = self.id.len() + self.instance_id.as_ref().map_or(0, String::len);
        ids + self.client_id.len() + protocol_bytes(&self.protocols) + self.assignment.len()
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// Starts the session anew.
    pub(super) fn touch(&mut self, now: u64) {
        self.session_deadline = now.saturating_add(u64::try_from(self.session_timeout_ms).unwrap_or(0));
    }

    pub(super) fn start_first_join(&mut self, now: u64) {
        self.first_join_deadline = Some(now.saturating_add(NEW_MEMBER_JOIN_TIMEOUT_MS));
    }

    /// When the member is to be removed if nothing is heard of it; `None` while it waits for us.
    pub(super) fn deadline(&self) -> Option<u64> {
        match (self.join, self.sync) {
            (Some(_), _) => self.first_join_deadline,
            (None, Some(_)) => None,
            (None, None) => Some(self.session_deadline),
        }
    }
}
