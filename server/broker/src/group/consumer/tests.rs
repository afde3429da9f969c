//! What members of a KIP-848 group notice, and what must hold whatever they do.

mod big;
mod epochs;
mod movement;
mod property;
mod static_members;
mod subscriptions;

use tidemill_wire::kafka::error::ResponseError as E;

use super::*;
use crate::group::GroupConfig;
use crate::group::loader::Replay;
use crate::group::log::RawRecord;
use crate::group::state::Kind;
use crate::group::tests::Cluster;
use crate::group::topics::Topics;

const SESSION: u64 = 45_000;
const REBALANCE: i32 = 60_000;

/// A group, its topics, the time, and the log that its records went to.
struct World {
    group: ConsumerGroup,
    cluster: Cluster,
    now: u64,
    log: Vec<RawRecord>,
}

fn config() -> GroupConfig {
    GroupConfig {
        max_members: 4,
        max_group_bytes: 1_000,
        consumer_session_timeout_ms: SESSION,
        consumer_heartbeat_interval_ms: 5_000,
        ..GroupConfig::default()
    }
}

fn limits() -> Limits {
    crate::group::state::consumer_limits(&config())
}

/// The first heartbeat of a member.
fn joins(member: &str, topics: &[&str]) -> HeartbeatRequest {
    HeartbeatRequest {
        member_id: member.to_owned(),
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        rebalance_timeout_ms: Some(REBALANCE),
        topics: Some(topics.iter().map(|topic| (*topic).to_owned()).collect()),
        owned: Some(TopicPartitions::new()),
        ..HeartbeatRequest::default()
    }
}

/// A heartbeat that says nothing new.
fn goes_on(member: &str, epoch: i32) -> HeartbeatRequest {
    HeartbeatRequest {
        member_id: member.to_owned(),
        epoch,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        ..HeartbeatRequest::default()
    }
}

/// A heartbeat that tells what the member owns.
fn owning(member: &str, epoch: i32, owned: &TopicPartitions) -> HeartbeatRequest {
    HeartbeatRequest {
        owned: Some(owned.clone()),
        ..goes_on(member, epoch)
    }
}

impl World {
    /// With one topic, `t`.
    fn new(partitions: i32) -> Self {
        let mut cluster = Cluster::default();
        cluster.set("t", partitions);
        Self {
            group: ConsumerGroup::new("g".to_owned(), limits()),
            cluster,
            now: 1_000,
            log: Vec::new(),
        }
    }

    fn log(&mut self, records: &[Record]) {
        self.log.extend(records.iter().map(Record::encode));
    }

    fn beat(&mut self, request: &HeartbeatRequest) -> Result<HeartbeatReply, Refusal> {
        let before = self.shape();
        let mut records = Vec::new();
        let result = self
            .group
            .heartbeat(self.now, request, &self.cluster, &mut records);
        self.log(&records);
        if result.is_err() {
            assert!(records.is_empty(), "an error, and yet something was stored");
            assert_eq!(self.shape(), before, "an error, and yet something changed");
        }
        result
    }

    #[track_caller]
    fn ok(&mut self, request: &HeartbeatRequest) -> HeartbeatReply {
        self.beat(request).unwrap()
    }

    /// The error of a heartbeat.
    #[track_caller]
    fn refused(&mut self, request: &HeartbeatRequest) -> E {
        self.beat(request).unwrap_err().code
    }

    fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now += ms;
        let mut records = Vec::new();
        let gone = self.group.tick(self.now, &mut records);
        self.log(&records);
        gone
    }

    /// Everything that shows, and whether all is settled.
    fn shape(&self) -> String {
        format!(
            "{} {} {} {:?}",
            self.group.epoch(),
            self.group.target_epoch(),
            self.group.state_name(),
            self.group.member_views()
        )
    }

    /// The group as another coordinator reads it from the log.
    fn replayed(&self) -> ConsumerGroup {
        let mut replay = Replay::default();
        for (key, value) in &self.log {
            replay.take(key, value.as_deref());
        }
        assert_eq!(replay.unreadable, None);
        match replay
            .finish(&config(), self.now)
            .remove("g")
            .map(|group| group.kind)
        {
            Some(Kind::Consumer(group)) => *group,
            _ => ConsumerGroup::new("g".to_owned(), limits()),
        }
    }

    /// Another coordinator takes over.
    fn restart(&mut self) {
        let before = self.shape();
        self.group = self.replayed();
        assert_eq!(self.shape(), before, "what was stored is not what was shown");
    }
}

/// The partitions of topic `t` (or any other) in an answer; `None` when it tells of no change.
fn part(reply: &HeartbeatReply) -> Option<Vec<i32>> {
    let assignment = reply.assignment.as_ref()?;
    Some(each(assignment).map(|(_, index)| index).collect())
}
