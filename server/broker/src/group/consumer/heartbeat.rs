//! ConsumerGroupHeartbeat.

use tidemill_wire::kafka::error::ResponseError as Code;

use super::{ConsumerGroup, HeartbeatReply, HeartbeatRequest, LEAVE_EPOCH, Refusal, STATIC_LEAVE_EPOCH};
use crate::group::records::{MemberMetadata, Record, Value};
use crate::group::topics::Topics;

impl ConsumerGroup {
    /// Takes a heartbeat. When it answers an error, nothing has changed.
    pub(crate) fn heartbeat(
        &mut self,
        now: u64,
        request: &HeartbeatRequest,
        topics: &dyn Topics,
        out: &mut Vec<Record>,
    ) -> Result<HeartbeatReply, Refusal> {
        request.validate()?;
        if matches!(request.epoch, LEAVE_EPOCH | STATIC_LEAVE_EPOCH) {
            return self.leave(now, request, out);
        }
        let pattern = request.regex.as_deref().filter(|r| !r.is_empty());
        let compiled = pattern.map(|p| self.check_pattern(p)).transpose()?.flatten();
        self.check_size(request)?;
        let mut changed = self.admit(request, out)?;
        if let (Some(pattern), Some(regex)) = (pattern, compiled) {
            self.patterns.keep(pattern, regex);
        }
        changed |= self.update_about(request, out);
        self.settle(changed, topics, out);
        let owns_other = self.step_member(now, &request.member_id, request.owned.as_ref(), out);
        Ok(self.reply(request, request.is_full() || owns_other))
    }

    fn reply(&self, request: &HeartbeatRequest, tells: bool) -> HeartbeatReply {
        let current = self.members.get(&request.member_id).map(|m| &m.current);
        HeartbeatReply {
            member_id: request.member_id.clone(),
            epoch: current.map_or(0, |current| current.epoch),
            heartbeat_interval_ms: self.limits.heartbeat_interval_ms,
            assignment: current.filter(|_| tells).map(|current| current.assigned.clone()),
        }
    }

    /// That the group stays within its bounds with what the member says.
    fn check_size(&self, request: &HeartbeatRequest) -> Result<(), Refusal> {
        if request.topics.is_none() && request.regex.is_none() {
            return Ok(());
        }
        let bytes = self.bytes_of_others(&request.member_id) + request.bytes();
        if bytes <= self.limits.max_bytes {
            return Ok(());
        }
        let message = format!(
            "The subscriptions of group {} would take {bytes} bytes, and {} are the most allowed.",
            self.id, self.limits.max_bytes
        );
        Err(Refusal::new(Code::GroupMaxSizeReached, message))
    }

    /// What the members but this one say of themselves takes.
    pub(super) fn bytes_of_others(&self, member_id: &str) -> usize {
        let others = self.members.values().filter(|m| m.id != member_id);
        others.map(|m| m.bytes).sum()
    }

    /// Takes over what the member says of itself. Answers whether its subscription changed.
    fn update_about(&mut self, request: &HeartbeatRequest, out: &mut Vec<Record>) -> bool {
        let Some(member) = self.members.get(&request.member_id) else {
            return false;
        };
        let mut about = member.about.clone();
        about.classic = None;
        about.client_id.clone_from(&request.client_id);
        about.client_host.clone_from(&request.client_host);
        if let Some(rack) = &request.rack_id {
            about.rack_id = Some(rack.clone());
        }
        if let Some(ms) = request.rebalance_timeout_ms {
            about.rebalance_timeout_ms = ms;
        }
        if let Some(topics) = &request.topics {
            about.topics.clone_from(topics);
        }
        if let Some(regex) = &request.regex {
            about.regex = Some(regex.clone()).filter(|r| !r.is_empty());
        }
        if let Some(assignor) = &request.assignor {
            about.assignor = Some(assignor.clone());
        }
        self.set_about(&request.member_id, about, out)
    }

    /// Changes what is known of a member. Answers whether its subscription changed.
    pub(super) fn set_about(&mut self, id: &str, about: MemberMetadata, out: &mut Vec<Record>) -> bool {
        let key = self.member_key(id);
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        if member.about == about {
            return false;
        }
        let before = &member.about;
        let changed =
            about.topics != before.topics || about.regex != before.regex || about.assignor != before.assignor;
        out.push(Record::put(key, Value::Member(about.clone())));
        member.bytes = about.bytes();
        member.about = about;
        changed
    }
}
