//! Requests of group members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::consumer_group_heartbeat_request::TopicPartitions;
use tidemill_wire::kafka::messages::join_group_request::JoinGroupRequestProtocol;
use tidemill_wire::kafka::messages::leave_group_request::MemberIdentity;
use tidemill_wire::kafka::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use tidemill_wire::kafka::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use tidemill_wire::kafka::messages::offset_fetch_response::OffsetFetchResponseGroup;
use tidemill_wire::kafka::messages::sync_group_request::SyncGroupRequestAssignment;
use tidemill_wire::kafka::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, FindCoordinatorRequest, GroupId,
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest, SyncGroupResponse,
};
use uuid::Uuid;

use super::{Client, Node, text, topic};

pub type Owned = BTreeMap<Uuid, BTreeSet<i32>>;

pub fn group(id: &str) -> GroupId {
    GroupId(text(id))
}

/// What a consumer of topic `name` says of itself (`ConsumerProtocolSubscription`, version 0).
pub fn subscription(name: &str) -> Bytes {
    let length = i16::try_from(name.len()).unwrap().to_be_bytes();
    Bytes::from([&[0, 0, 0, 0, 0, 1][..], &length, name.as_bytes(), &[0xff; 4]].concat())
}

pub fn join_request(id: &str, member_id: &str, metadata: Bytes) -> JoinGroupRequest {
    let range = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(metadata);
    JoinGroupRequest::default()
        .with_group_id(group(id))
        .with_member_id(text(member_id))
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![range])
}

pub fn sync_request(id: &str, member_id: &str, generation: i32, parts: &[(&str, &str)]) -> SyncGroupRequest {
    let part = |(member, part): &(&str, &str)| {
        SyncGroupRequestAssignment::default()
            .with_member_id(text(member))
            .with_assignment(Bytes::copy_from_slice(part.as_bytes()))
    };
    SyncGroupRequest::default()
        .with_group_id(group(id))
        .with_generation_id(generation)
        .with_member_id(text(member_id))
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(parts.iter().map(part).collect())
}

/// Who commits: member id, and generation or epoch.
pub type Who<'a> = (&'a str, i32);
/// A consumer that assigns its own partitions.
pub const NOBODY: Who<'static> = ("", -1);

pub fn commit_request(
    id: &str,
    (member, epoch): Who<'_>,
    offsets: &[(&str, i32, i64)],
) -> OffsetCommitRequest {
    let one = |(name, partition, offset): &(&str, i32, i64)| {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(*partition)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text("noted")));
        OffsetCommitRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition])
    };
    OffsetCommitRequest::default()
        .with_group_id(group(id))
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(epoch)
        .with_topics(offsets.iter().map(one).collect())
}

/// Asks for partition 0 of these topics, or for all there is.
pub fn asks_for(id: &str, names: Option<&[&str]>) -> OffsetFetchRequestGroup {
    let one = |name: &&str| {
        OffsetFetchRequestTopics::default()
            .with_name(topic(name))
            .with_partition_indexes(vec![0])
    };
    OffsetFetchRequestGroup::default()
        .with_group_id(group(id))
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(names.map(|names| names.iter().map(one).collect()))
}

/// Topic, partition, offset.
pub fn offsets_of(group: &OffsetFetchResponseGroup) -> Vec<(String, i32, i64)> {
    let mut all = Vec::new();
    for found in &group.topics {
        for partition in &found.partitions {
            assert_eq!(partition.error_code, 0);
            all.push((
                found.name.to_string(),
                partition.partition_index,
                partition.committed_offset,
            ));
        }
    }
    all.sort();
    all
}

impl Node {
    /// A client, once the coordinator of these groups answers.
    pub async fn member(&self, groups: &[&str]) -> Client {
        let mut client = self.client().await;
        let request = FindCoordinatorRequest::default()
            .with_coordinator_keys(groups.iter().map(|id| text(id)).collect());
        let response = client.call(4, request).await;
        for found in &response.coordinators {
            assert_eq!(found.error_code, 0, "{:?}", found.error_message);
            assert_eq!(found.port, i32::from(self.running.kafka_addr().port()));
        }
        client
    }
}

impl Client {
    /// Joins as a new member does: it asks for an id, and joins with it.
    pub async fn join(&mut self, id: &str, name: &str) -> JoinGroupResponse {
        let first = self.call(9, join_request(id, "", subscription(name))).await;
        assert_eq!(first.error_code, ResponseError::MemberIdRequired.code());
        self.call(9, join_request(id, &first.member_id, subscription(name)))
            .await
    }

    pub async fn sync(
        &mut self,
        id: &str,
        member: &str,
        generation: i32,
        parts: &[(&str, &str)],
    ) -> SyncGroupResponse {
        self.call(5, sync_request(id, member, generation, parts)).await
    }

    /// A classic group of one stable member; answers its id.
    pub async fn classic(&mut self, id: &str, name: &str) -> String {
        let joined = self.join(id, name).await;
        assert_eq!((joined.error_code, joined.generation_id), (0, 1));
        let member = joined.member_id.to_string();
        let synced = self.sync(id, &member, 1, &[(&member, "all")]).await;
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all"[..]));
        member
    }

    pub async fn heartbeat(&mut self, id: &str, member: &str, generation: i32) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group(id))
            .with_member_id(text(member))
            .with_generation_id(generation);
        self.call(4, request).await.error_code
    }

    pub async fn leave(&mut self, id: &str, member: &str) -> i16 {
        let who = MemberIdentity::default().with_member_id(text(member));
        let request = LeaveGroupRequest::default()
            .with_group_id(group(id))
            .with_members(vec![who]);
        let response = self.call(5, request).await;
        assert_eq!(response.error_code, 0);
        response.members[0].error_code
    }

    /// Commits; answers each error.
    pub async fn commit(&mut self, id: &str, who: Who<'_>, offsets: &[(&str, i32, i64)]) -> Vec<i16> {
        let response = self.call(9, commit_request(id, who, offsets)).await;
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|partition| partition.error_code).collect()
    }

    pub async fn offsets(&mut self, asked: Vec<OffsetFetchRequestGroup>) -> Vec<OffsetFetchResponseGroup> {
        let request = OffsetFetchRequest::default()
            .with_require_stable(true)
            .with_groups(asked);
        self.call(9, request).await.groups
    }

    /// All committed offsets of a group.
    pub async fn all_offsets(&mut self, id: &str) -> Vec<(String, i32, i64)> {
        let groups = self.offsets(vec![asks_for(id, None)]).await;
        assert_eq!(groups[0].error_code, 0);
        offsets_of(&groups[0])
    }
}

/// A member of a KIP-848 group.
pub struct NextGen {
    pub id: String,
    pub epoch: i32,
    pub owned: Owned,
    pub client: Client,
}

impl NextGen {
    pub async fn join(node: &Node, id: &str, name: &str) -> Self {
        let mut client = node.member(&[id]).await;
        static MEMBERS: AtomicU32 = AtomicU32::new(0);
        let member = format!("member-{}", MEMBERS.fetch_add(1, Ordering::Relaxed));
        let request = Self::request(id, &member, 0)
            .with_rebalance_timeout_ms(30_000)
            .with_subscribed_topic_names(Some(vec![topic(name)]))
            .with_topic_partitions(Some(Vec::new()));
        let response = client.call(1, request).await;
        assert_eq!(response.error_code, 0, "{:?}", response.error_message);
        let mut joined = Self {
            id: member,
            epoch: 0,
            owned: Owned::new(),
            client,
        };
        joined.take(&response);
        joined
    }

    pub fn request(id: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group(id))
            .with_member_id(text(member))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(-1)
            .with_topic_partitions(None)
            .with_subscribed_topic_names(None)
    }

    fn take(&mut self, response: &ConsumerGroupHeartbeatResponse) {
        self.epoch = response.member_epoch;
        if let Some(assignment) = &response.assignment {
            let topics = assignment.topic_partitions.iter();
            self.owned = topics
                .map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect()))
                .collect();
        }
    }

    /// A heartbeat that tells what it owns; answers the error.
    pub async fn beat(&mut self, id: &str) -> i16 {
        let owned = self.owned.iter().map(|(topic, partitions)| {
            TopicPartitions::default()
                .with_topic_id(*topic)
                .with_partitions(partitions.iter().copied().collect())
        });
        let request = Self::request(id, &self.id, self.epoch).with_topic_partitions(Some(owned.collect()));
        let response = self.client.call(1, request).await;
        if response.error_code == 0 {
            self.take(&response);
        }
        response.error_code
    }

    pub async fn leave(mut self, id: &str) {
        let response = self.client.call(1, Self::request(id, &self.id, -1)).await;
        assert_eq!((response.error_code, response.member_epoch), (0, -1));
    }

    pub fn count(&self) -> usize {
        self.owned.values().map(BTreeSet::len).sum()
    }
}
