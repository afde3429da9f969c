//! What a ConsumerGroupHeartbeat says, and its answer.

use std::collections::BTreeSet;

use tidemill_wire::kafka::error::ResponseError as Code;

use super::{Refusal, STATIC_LEAVE_EPOCH, assignor};
use crate::group::bounds::{MAX_ID_BYTES, MAX_REGEX_BYTES};
use crate::group::records::TopicPartitions;

/// A heartbeat. Absent fields have not changed since the last one.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeartbeatRequest {
    pub(crate) member_id: String,
    /// 0 joins, above 0 goes on, -1 leaves, -2 leaves for a while (static members).
    pub(crate) epoch: i32,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) rebalance_timeout_ms: Option<i32>,
    pub(crate) topics: Option<BTreeSet<String>>,
    /// `Some("")` ends a subscription by expression.
    pub(crate) regex: Option<String>,
    pub(crate) assignor: Option<String>,
    /// What the member owns.
    pub(crate) owned: Option<TopicPartitions>,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeartbeatReply {
    pub(crate) member_id: String,
    pub(crate) epoch: i32,
    pub(crate) heartbeat_interval_ms: i32,
    /// What the member shall own now; `None` when that has not changed.
    pub(crate) assignment: Option<TopicPartitions>,
}

impl HeartbeatRequest {
    pub(super) fn joins(&self) -> bool {
        self.epoch == 0
    }

    /// A client that lost track sends everything, and wants everything back.
    pub(super) fn is_full(&self) -> bool {
        self.joins()
            || (self.rebalance_timeout_ms.is_some()
                && (self.topics.is_some() || self.regex.is_some())
                && self.owned.is_some())
    }

    /// What can be said of a request without knowing the group.
    pub(crate) fn validate(&self) -> Result<(), Refusal> {
        let invalid = |message: &str| Err(Refusal::new(Code::InvalidRequest, message));
        let empty = |s: &Option<String>| s.as_ref().is_some_and(String::is_empty);
        if self.member_id.is_empty() {
            return invalid("MemberId must not be empty: the client makes it up before it joins.");
        }
        if empty(&self.instance_id) {
            return invalid("InstanceId must not be empty; leave it out for a dynamic member.");
        }
        if empty(&self.rack_id) {
            return invalid("RackId must not be empty; leave it out when there is none.");
        }
        if self.epoch < STATIC_LEAVE_EPOCH {
            return invalid("MemberEpoch must be -2 or more.");
        }
        if self.epoch == STATIC_LEAVE_EPOCH && self.instance_id.is_none() {
            return invalid("MemberEpoch -2 is for static members: InstanceId must be set.");
        }
        if self.joins() {
            if self.rebalance_timeout_ms.is_none_or(|ms| ms < 0) {
                return invalid("RebalanceTimeoutMs must be set when joining.");
            }
            if self.owned.as_ref().is_none_or(|owned| !owned.is_empty()) {
                return invalid("TopicPartitions must be empty when joining.");
            }
            if self.topics.is_none() && self.regex.as_ref().is_none_or(String::is_empty) {
                return invalid("SubscribedTopicNames or SubscribedTopicRegex must be set when joining.");
            }
        }
        if let Some(name) = &self.assignor
            && !assignor::NAMES.contains(&name.as_str())
        {
            let message = format!("ServerAssignor '{name}' is not supported. Use one of: uniform, range.");
            return Err(Refusal::new(Code::UnsupportedAssignor, message));
        }
        Ok(())
    }
    /// That nothing in it is beyond all measure.
    pub(crate) fn check_bounds(&self, max_bytes: usize) -> Result<(), Refusal> {
        let invalid = |message: String| Err(Refusal::new(Code::InvalidRequest, message));
        let ids = [
            Some(&self.member_id),
            self.instance_id.as_ref(),
            self.rack_id.as_ref(),
        ];
        if ids.into_iter().flatten().any(|id| id.len() > MAX_ID_BYTES) {
            return invalid(format!(
                "MemberId, InstanceId and RackId may have {MAX_ID_BYTES} bytes each."
            ));
        }
        if self
            .regex
            .as_ref()
            .is_some_and(|regex| regex.len() > MAX_REGEX_BYTES)
        {
            return invalid(format!("SubscribedTopicRegex may have {MAX_REGEX_BYTES} bytes."));
        }
        if self.bytes() > max_bytes {
            return invalid(format!(
                "The subscription of a member may take {max_bytes} bytes."
            ));
        }
        Ok(())
    }

    /// What its subscription takes.
    pub(super) fn bytes(&self) -> usize {
        let topics = self.topics.iter().flatten().map(String::len).sum::<usize>();
        topics + self.regex.as_ref().map_or(0, String::len)
    }
}
