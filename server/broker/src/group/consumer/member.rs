//! One member of a consumer group.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Limits;
use crate::group::records::{CurrentAssignment, MemberMetadata};

/// A member of a consumer group.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) about: MemberMetadata,
    /// What `about` takes, nearly.
    pub(super) bytes: usize,
    pub(super) current: CurrentAssignment,
    /// Ids of the existing topics that it subscribes to; shared with those who subscribe to the same.
    pub(super) subscribed: Arc<BTreeSet<Uuid>>,
    pub(super) session_deadline: u64,
    /// While it has partitions to let go: when it is removed for not doing so.
    pub(super) revoke_deadline: Option<u64>,
    /// Of a classic member that was told to join again: when it is removed for not doing so.
    pub(super) join_deadline: Option<u64>,
    /// Of a classic member that has joined: when it is removed for not asking for its assignment.
    pub(super) sync_deadline: Option<u64>,
}

impl Member {
    /// A member whose session has yet to begin.
    pub(super) fn new(id: String, about: MemberMetadata, current: CurrentAssignment) -> Self {
        Self {
            id,
            bytes: about.bytes(),
            about,
            current,
            subscribed: Arc::default(),
            session_deadline: 0,
            revoke_deadline: None,
            join_deadline: None,
            sync_deadline: None,
        }
    }

    /// Speaks the classic protocol: JoinGroup and its kin.
    pub(super) fn is_classic(&self) -> bool {
        self.about.classic.is_some()
    }

    /// Starts the session anew: a classic member brings its own timeout, others have the group's.
    pub(super) fn touch(&mut self, now: u64, limits: Limits) {
        let session = match &self.about.classic {
            Some(classic) => u64::try_from(classic.session_timeout_ms).unwrap_or(0),
            None => limits.session_timeout_ms,
        };
        self.session_deadline = now.saturating_add(session);
    }

    /// When it has to have done what it was told to now.
    pub(super) fn rebalance_deadline(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(self.about.rebalance_timeout_ms).unwrap_or(0))
    }

    /// Nothing is expected of it but to be heard of.
    pub(super) fn wait_for_nothing(&mut self) {
        self.revoke_deadline = None;
        self.join_deadline = None;
        self.sync_deadline = None;
    }

    /// When the member is to be removed if it does nothing.
    pub(super) fn deadline(&self) -> u64 {
        let waits = [self.revoke_deadline, self.join_deadline, self.sync_deadline];
        waits.into_iter().flatten().fold(self.session_deadline, u64::min)
    }
}
