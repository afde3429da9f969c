//! ConsumerGroupHeartbeat (KIP-848).

use tidemill_wire::kafka::error::ResponseError;

use super::bounds::client_id;
use super::consumer::{HeartbeatReply, HeartbeatRequest, Refusal};
use super::coordinator::Coordinator;
use super::shard::{Active, Moment};
use super::state::{Group, Kind};

impl Coordinator {
    /// Takes a heartbeat; answers once what it changed is stored. An empty member id (version 0 of the
    /// API) is filled in.
    pub(crate) async fn consumer_heartbeat(
        &self,
        group: &str,
        mut request: HeartbeatRequest,
    ) -> Result<HeartbeatReply, Refusal> {
        if request.member_id.is_empty() && request.epoch == 0 {
            request.member_id = uuid::Uuid::from_bytes(self.env.random.uuid_bytes()).to_string();
        }
        request.client_id = client_id(&request.client_id);
        let plain = |code: ResponseError| Refusal::new(code, code.to_string());
        let stepped = self.glance_with_room(group, |active, moment| {
            Ok(self
                .step_consumer(active, group, moment, &request)
                .map(|reply| (reply, active.ticket(group))))
        });
        let (reply, ticket) = stepped.map_err(plain)??;
        ticket.committed().await.map_err(plain)?;
        Ok(reply)
    }

    pub(super) fn step_consumer(
        &self,
        active: &mut Active,
        id: &str,
        moment: Moment,
        request: &HeartbeatRequest,
    ) -> Result<HeartbeatReply, Refusal> {
        request.validate()?;
        request.check_bounds(self.config.max_member_bytes)?;
        if let Some(upgraded) = self.upgrade(active, (id, moment), request) {
            return upgraded;
        }
        self.make_consumer(active, id, request)?;
        let topics = self.topics.current();
        let mut records = Vec::new();
        let consumer = active.consumer(id).ok_or_else(|| not_found(id))?;
        let result = consumer.heartbeat(moment.now, request, topics.as_ref(), &mut records);
        if !records.is_empty() {
            active.write_consumer((id, moment), records, topics.as_ref());
            // A heartbeat that changes nothing brings no deadline forward.
            active.schedule(id);
        }
        active.forget_unused(id);
        result
    }

    /// Makes sure that the group exists and is of this protocol.
    fn make_consumer(
        &self,
        active: &mut Active,
        id: &str,
        request: &HeartbeatRequest,
    ) -> Result<(), Refusal> {
        let joins = request.epoch == 0;
        match active.groups.get(id).map(|group| &group.kind) {
            Some(Kind::Consumer(_)) => Ok(()),
            // Only one that joins makes such a group go over.
            Some(Kind::Classic(classic)) if !classic.is_empty() => Err(not_found(id)),
            _ if !joins => Err(not_found(id)),
            Some(Kind::Classic(_)) => {
                self.convert(active, id, Group::consumer(id, &self.config));
                Ok(())
            }
            None if active.groups.len() >= self.config.max_groups_per_partition => {
                let message =
                    "this coordinator holds as many groups as it may; delete some that are not used";
                Err(Refusal::new(ResponseError::CoordinatorNotAvailable, message))
            }
            None => {
                active
                    .groups
                    .insert(id.to_owned(), Group::consumer(id, &self.config));
                Ok(())
            }
        }
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(
        ResponseError::GroupIdNotFound,
        format!("There is no consumer group {id}."),
    )
}
