//! LeaveGroup, and members that are removed for other reasons.

use tidemill_wire::kafka::error::ResponseError;

use super::{ClassicGroup, Effect, Effects, JoinReply, State, SyncReply};

/// Who leaves: by member id, by instance id, or by both.
#[derive(Debug, Clone)]
pub(crate) struct LeaveIdentity {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
}

impl ClassicGroup {
    /// Removes a member at its own or an operator's wish.
    pub(crate) fn leave(
        &mut self,
        now: u64,
        who: &LeaveIdentity,
        effects: &mut Effects,
    ) -> Result<(), ResponseError> {
        let member_id = match &who.instance_id {
            None => who.member_id.clone(),
            Some(instance) => {
                let holder = self
                    .instances
                    .get(instance)
                    .ok_or(ResponseError::UnknownMemberId)?;
                if !who.member_id.is_empty() && *holder != who.member_id {
                    return Err(ResponseError::FencedInstanceId);
                }
                holder.clone()
            }
        };
        if self.pending.remove(&member_id).is_some() {
            self.try_complete_join(now, effects);
            return Ok(());
        }
        if !self.members.contains_key(&member_id) {
            return Err(ResponseError::UnknownMemberId);
        }
        self.remove_member(now, &member_id, effects);
        Ok(())
    }

    /// Takes a member out, answers what it had parked, and starts or goes on with a rebalance.
    pub(super) fn remove_member(&mut self, now: u64, member_id: &str, effects: &mut Effects) {
        if !self.drop_member(member_id, effects) {
            return;
        }
        match self.state {
            State::Stable | State::Completing => self.prepare_rebalance(now, effects),
            State::Preparing(_) => self.try_complete_join(now, effects),
            State::Empty => {}
        }
    }

    /// Takes a member out and nothing else. Answers whether it was there.
    pub(super) fn drop_member(&mut self, member_id: &str, effects: &mut Effects) -> bool {
        let Some(member) = self.members.remove(member_id) else {
            return false;
        };
        if let Some(instance) = &member.instance_id
            && self.instances.get(instance) == Some(&member.id)
        {
            self.instances.remove(instance);
        }
        if let Some(token) = member.join {
            let reply = JoinReply::error(ResponseError::UnknownMemberId, member.id.clone());
            effects.push(Effect::Joined(token, Box::new(reply)));
        }
        if let Some(token) = member.sync {
            effects.push(Effect::Synced(
                token,
                SyncReply::error(ResponseError::UnknownMemberId),
            ));
        }
        self.unsynced.remove(member_id);
        if self.leader.as_deref() == Some(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        true
    }
}
