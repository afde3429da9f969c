//! Requests of the classic protocol.

use tidemill_wire::kafka::error::ResponseError;

use super::bounds::client_id;
use super::classic::{JoinReply, JoinRequest, LeaveIdentity, SyncReply, SyncRequest, Token};
use super::coordinator::Coordinator;
use super::shard::{Active, Moment};
use super::state::{Group, Kind};

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
        let parked = self.with_room(group, |active, moment| {
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
            Ok(receive)
        });
        match parked {
            Err(error) => fail(error),
            Ok(receive) => match receive.await {
                Err(_) => fail(LOST),
                Ok((reply, ticket)) => match ticket.committed().await {
                    Ok(()) => reply,
                    Err(error) => fail(error),
                },
            },
        }
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

    /// Turns an empty group into one of the other protocol. Its offsets stay.
    pub(crate) fn convert(&self, active: &mut Active, id: &str, mut into: Group) {
        let Some(old) = active.groups.get_mut(id) else {
            return;
        };
        let mut records = Vec::new();
        old.tombstones(id, &mut records);
        into.offsets = std::mem::take(&mut old.offsets);
        into.last_write = old.last_write;
        into.scheduled = old.scheduled;
        active.groups.insert(id.to_owned(), into);
        active.write(id, records);
    }

    /// SyncGroup: answers once the leader has assigned.
    pub(crate) async fn sync(&self, group: &str, mut request: SyncRequest) -> SyncReply {
        let parked = self.with_room(group, |active, moment| {
            let (token, receive) = active.park_sync();
            request.token = token;
            let stepped = active.step_classic(group, moment, |classic, now, effects| {
                classic.sync(now, request, effects)
            });
            if stepped.is_none() {
                active.unpark(token);
            }
            stepped.map(|()| receive).ok_or(ResponseError::UnknownMemberId)
        });
        match parked {
            Err(error) => SyncReply::error(error),
            Ok(receive) => match receive.await {
                Err(_) => SyncReply::error(LOST),
                Ok((reply, ticket)) => match ticket.committed().await {
                    Ok(()) => reply,
                    Err(error) => SyncReply::error(error),
                },
            },
        }
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
            active
                .step_classic(group, moment, |classic, now, _| {
                    classic.heartbeat(now, member, generation)
                })
                .unwrap_or(Err(ResponseError::UnknownMemberId))
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
            (leave_all(active, group, moment, who), active.ticket(group))
        })?;
        ticket.committed().await?;
        Ok(results)
    }
}

fn leave_all(
    active: &mut Active,
    group: &str,
    moment: Moment,
    who: &[LeaveIdentity],
) -> Vec<Result<(), ResponseError>> {
    if let Some(Group {
        kind: Kind::Consumer(consumer),
        ..
    }) = active.groups.get_mut(group)
    {
        // An operator removes members of either protocol with the same request.
        let mut records = Vec::new();
        let results = who
            .iter()
            .map(|who| consumer.remove(&who.member_id, who.instance_id.as_deref(), &mut records))
            .collect();
        if !records.is_empty() {
            active.write(group, records);
        }
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
