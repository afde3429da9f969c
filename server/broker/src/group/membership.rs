//! Requests of the classic protocol.

use tidemill_wire::kafka::error::ResponseError;

use super::bounds::client_id;
use super::classic::{JoinReply, JoinRequest, LeaveIdentity, SyncReply, SyncRequest, Token};
use super::coordinator::Coordinator;
use super::migration::Answer;
use super::shard::{Active, Moment};
use super::state::{Group, Kind};
use super::topics::Topics;

/// A reply to a parked request did not come: the shard stopped being served.
const LOST: ResponseError = ResponseError::NotCoordinator;

impl Coordinator {
    /// JoinGroup: answers once the generation begins. `request.token` and `new_member_id` are filled in here.
    pub(crate) async fn join(&self, group: &str, mut request: JoinRequest) -> JoinReply {
        let member_id = request.member_id.clone();
        let fail = |error| JoinReply::error(error, member_id.clone());
        let timeouts = self.config.min_session_timeout_ms..=self.config.max_session_timeout_ms;
        if !timeouts.contains(&request.session_timeout_ms) {
            return fail(ResponseError::InvalidSessionTimeout);
        }
        if let Err(error) = request.check_bounds(self.config.max_member_bytes) {
            return fail(error);
        }
        request.client_id = client_id(&request.client_id);
        let base = request.instance_id.as_deref().unwrap_or(&request.client_id);
        let uuid = uuid::Uuid::from_bytes(self.env.random.uuid_bytes());
        request.new_member_id = format!("{base}-{uuid}");
        let answer = self.with_room(group, |active, moment| {
            self.begin_join(active, (group, moment), request)
        });
        match answer {
            Ok(answer) => answer.committed(LOST).await.unwrap_or_else(fail),
            Err(error) => fail(error),
        }
    }

    /// Hands a JoinGroup to the group, of whichever protocol it is.
    pub(super) fn begin_join(
        &self,
        active: &mut Active,
        (group, moment): (&str, Moment),
        mut request: JoinRequest,
    ) -> Result<Answer<JoinReply>, ResponseError> {
        if let Some(joined) = self.join_consumer(active, (group, moment), &request) {
            return joined.map(Answer::Now);
        }
        self.make_classic(active, group, &request.member_id)?;
        let (token, receive) = active.park_join();
        request.token = token;
        let stepped = active.step_classic(group, moment, |classic, now, effects| {
            classic.join(now, request, effects)
        });
        if stepped.is_none() {
            active.unpark(token);
        }
        active.forget_unused(group);
        Ok(Answer::Later(receive))
    }

    /// Makes sure that the group exists and is of the classic protocol.
    fn make_classic(&self, active: &mut Active, id: &str, member_id: &str) -> Result<(), ResponseError> {
        match active.groups.get(id) {
            None => {
                if !member_id.is_empty() {
                    return Err(ResponseError::UnknownMemberId);
                }
                if active.groups.len() >= self.config.max_groups_per_partition {
                    return Err(ResponseError::CoordinatorNotAvailable);
                }
                active.groups.insert(id.to_owned(), Group::classic(&self.config));
            }
            Some(group) => {
                if let Kind::Consumer(consumer) = &group.kind {
                    if !consumer.is_empty() {
                        return Err(ResponseError::InconsistentGroupProtocol);
                    }
                    if !member_id.is_empty() {
                        return Err(ResponseError::UnknownMemberId);
                    }
                    self.convert(active, id, Group::classic(&self.config));
                }
            }
        }
        Ok(())
    }

    /// SyncGroup: answers once the leader has assigned.
    pub(crate) async fn sync(&self, group: &str, request: SyncRequest) -> SyncReply {
        let answer = self.with_room(group, |active, moment| {
            self.begin_sync(active, (group, moment), request)
        });
        match answer {
            Ok(answer) => answer.committed(LOST).await.unwrap_or_else(SyncReply::error),
            Err(error) => SyncReply::error(error),
        }
    }

    /// Hands a SyncGroup to the group, of whichever protocol it is.
    pub(super) fn begin_sync(
        &self,
        active: &mut Active,
        (group, moment): (&str, Moment),
        mut request: SyncRequest,
    ) -> Result<Answer<SyncReply>, ResponseError> {
        if let Some(synced) = self.sync_consumer(active, (group, moment), &request) {
            return synced.map(Answer::Now);
        }
        let (token, receive) = active.park_sync();
        request.token = token;
        let stepped = active.step_classic(group, moment, |classic, now, effects| {
            classic.sync(now, request, effects)
        });
        if stepped.is_none() {
            active.unpark(token);
        }
        let later = stepped.map(|()| Answer::Later(receive));
        later.ok_or(ResponseError::UnknownMemberId)
    }

    /// Heartbeat. While the groups are being read every member is told that all is well, as Kafka does:
    /// clients know of no other answer that lets them wait, and their sessions start anew afterwards.
    pub(crate) fn heartbeat(
        &self,
        group: &str,
        member: (&str, Option<&str>),
        generation: i32,
    ) -> Result<(), ResponseError> {
        let result = self.glance(group, |active, moment| {
            hear(active, (group, moment), member, generation)
        });
        match result {
            Err(ResponseError::CoordinatorLoadInProgress) => Ok(()),
            other => other?,
        }
    }

    /// LeaveGroup: a result for each who leaves. Completes when the departure is stored.
    pub(crate) async fn leave(
        &self,
        group: &str,
        who: &[LeaveIdentity],
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let (results, ticket) = self.with(group, |active, moment| {
            let topics = self.topics.current();
            let results = leave_all(active, (group, moment), who, topics.as_ref());
            (results, active.ticket(group))
        })?;
        ticket.committed().await?;
        Ok(results)
    }
}

/// A heartbeat of the classic protocol, to a group of either.
pub(super) fn hear(
    active: &mut Active,
    (group, moment): (&str, Moment),
    member: (&str, Option<&str>),
    generation: i32,
) -> Result<(), ResponseError> {
    if let Some(consumer) = active.consumer(group) {
        let heard = consumer.classic_heartbeat(moment.now, member, generation);
        if heard.is_err() {
            // The member may have to do something in time now.
            active.schedule(group);
        }
        return heard;
    }
    active
        .step_classic(group, moment, |classic, now, _| {
            classic.heartbeat(now, member, generation)
        })
        .unwrap_or(Err(ResponseError::UnknownMemberId))
}

pub(super) fn leave_all(
    active: &mut Active,
    (group, moment): (&str, Moment),
    who: &[LeaveIdentity],
    topics: &dyn Topics,
) -> Vec<Result<(), ResponseError>> {
    if let Some(consumer) = active.consumer(group) {
        // Classic members leave by it, and an operator removes members of either protocol.
        let mut records = Vec::new();
        let results = who
            .iter()
            .map(|who| consumer.remove(&who.member_id, who.instance_id.as_deref(), &mut records))
            .collect();
        active.write_consumer((group, moment), records, topics);
        return results;
    }
    who.iter()
        .map(|who| {
            active
                .step_classic(group, moment, |classic, now, effects| {
                    classic.leave(now, who, effects)
                })
                .unwrap_or(Err(ResponseError::UnknownMemberId))
        })
        .collect()
}

/// Stands in a request until the shard gives it a token.
pub(crate) const NO_TOKEN: Token = Token(0);
