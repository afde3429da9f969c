//! A static member that comes back under a new member id (KIP-345).

use std::collections::BTreeSet;

use bytes::Bytes;
use tidemill_wire::consumer_protocol::decode_subscription;
use tidemill_wire::kafka::error::ResponseError;

use super::{ClassicGroup, Effect, Effects, JoinReply, JoinRequest, Member, SyncReply};

impl ClassicGroup {
    /// Gives the place of the instance to a new member id and fences the old one. In a stable group
    /// whose subscription does not change, that is all: no rebalance, the assignment stays.
    pub(super) fn replace_static(
        &mut self,
        now: u64,
        instance: &str,
        mut request: JoinRequest,
        effects: &mut Effects,
    ) {
        let new_id = request.new_member_id.clone();
        let Some(old_id) = self.instances.insert(instance.to_owned(), new_id.clone()) else {
            return;
        };
        let Some(mut member) = self.members.remove(&old_id) else {
            return;
        };
        fence(&mut member, effects);
        let same_topics = self.same_subscription(&member, &request);
        let was_leader = self.leader.as_deref() == Some(old_id.as_str());
        if was_leader {
            self.leader = Some(new_id.clone());
        }
        self.unsynced.rename(&old_id, &new_id);
        member.id.clone_from(&new_id);
        member.touch(now);
        self.members.insert(new_id.clone(), member);
        request.member_id = new_id.clone();
        let (token, knows_skip) = (request.token, request.knows_skip);
        self.update_member(request, effects);
        if !self.is_stable() || !same_topics || self.select_protocol() != self.protocol {
            self.prepare_rebalance(now, effects);
            return;
        }
        if let Some(member) = self.members.get_mut(&new_id) {
            member.join = None;
        }
        let mut reply = self.current_reply(&new_id);
        if was_leader && knows_skip {
            reply.skip_assignment = true;
        } else if was_leader {
            // An older client that sees itself as leader would compute an assignment that nobody
            // asks for: let it believe that the leader is someone else.
            reply.leader = old_id;
            reply.members.clear();
        }
        effects.push(Effect::Store);
        effects.push(Effect::Joined(token, Box::new(reply)));
    }

    /// Whether the new join subscribes to the topics of the old one under the chosen protocol.
    fn same_subscription(&self, member: &Member, request: &JoinRequest) -> bool {
        let Some(protocol) = &self.protocol else {
            return false;
        };
        let new = request
            .protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map(|(_, m)| m.clone());
        let (Some(old), Some(new)) = (member.metadata(protocol), new) else {
            return false;
        };
        if old == new || self.protocol_type() != "consumer" {
            return old == new;
        }
        // Sticky assignors put what they own into the metadata: only the topics count.
        match (subscribed_topics(&old), subscribed_topics(&new)) {
            (Some(old), Some(new)) => old == new,
            _ => false,
        }
    }
}

/// Answers what the old member id had parked.
fn fence(member: &mut Member, effects: &mut Effects) {
    if let Some(token) = member.join.take() {
        let reply = JoinReply::error(ResponseError::FencedInstanceId, member.id.clone());
        effects.push(Effect::Joined(token, Box::new(reply)));
    }
    if let Some(token) = member.sync.take() {
        effects.push(Effect::Synced(
            token,
            SyncReply::error(ResponseError::FencedInstanceId),
        ));
    }
}

/// The topics of a consumer's metadata, sorted; `None` when it is not a consumer's metadata.
pub(crate) fn subscribed_topics(metadata: &Bytes) -> Option<Vec<String>> {
    let subscription = decode_subscription(metadata.clone()).ok()?;
    let mut topics: Vec<String> = subscription
        .topics
        .iter()
        .map(|t| t.as_str().to_owned())
        .collect();
    topics.sort();
    topics.dedup();
    Some(topics)
}

impl ClassicGroup {
    /// Whether a member subscribes to the topic. Of a group that is not of consumers, nothing is
    /// known: `None`.
    pub(crate) fn subscribes_to(&self, topic: &str) -> Option<bool> {
        if self.is_empty() {
            return Some(false);
        }
        if self.protocol_type() != "consumer" {
            return None;
        }
        Some(self.members().any(|m| {
            m.protocols
                .iter()
                .filter_map(|(_, metadata)| subscribed_topics(metadata))
                .any(|topics| topics.iter().any(|t| t == topic))
        }))
    }

    /// The topics of all members; `None` while that is not known for sure.
    pub(crate) fn subscriptions(&self) -> Option<BTreeSet<String>> {
        if self.protocol_type() != "consumer" || !self.is_stable() {
            return None;
        }
        let mut all = BTreeSet::new();
        for (_, metadata) in self.members().flat_map(|m| &m.protocols) {
            all.extend(subscribed_topics(metadata)?);
        }
        Some(all)
    }
}
