//! The coordinator as requests see it, over a log and a clock that tests hold in their hands.

mod cluster;
mod conversions;
mod durability;
mod migration;
mod mixed;
mod offsets;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tidemill_env::{BoxFuture, Clock, Env};
use tidemill_wire::kafka::error::ResponseError as E;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use cluster::Cluster;

use super::classic::{JoinReply, JoinRequest, SyncReply, SyncRequest, Token};
use super::commits::{Commit, Committer, PartitionResult};
use super::consumer::{HeartbeatReply, HeartbeatRequest, Refusal};
use super::log::{Committed, RawRecord, Visitor};
use super::*;

/// Far more than anything takes.
const SOON: Duration = Duration::from_secs(30);
/// When the clock starts, ms since the epoch.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// A clock that moves when it is told to, in ms.
struct Hands(watch::Sender<u64>);

impl Clock for Hands {
    fn wall_ms(&self) -> i64 {
        EPOCH_MS + i64::try_from(*self.0.borrow()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(*self.0.borrow())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut now = self.0.subscribe();
        let until = *self.0.borrow() + u64::try_from(duration.as_millis()).unwrap();
        Box::pin(async move {
            // The clock is gone at the end of a test.
            let _ = now.wait_for(|now| *now >= until).await;
        })
    }
}

/// A log in memory. It may hold commits back, or refuse records.
#[derive(Default)]
struct Paper {
    batches: Mutex<Vec<Vec<RawRecord>>>,
    refusing: watch::Sender<bool>,
    holding: watch::Sender<bool>,
}

impl GroupLog for Paper {
    fn is_open(&self, _: i32) -> bool {
        true
    }

    fn append(&self, _: i32, records: Vec<RawRecord>) -> BoxFuture<'static, Result<Committed, LogError>> {
        if *self.refusing.borrow() {
            return Box::pin(async { Err(LogError("the disk is full".to_owned())) });
        }
        self.batches.lock().unwrap().push(records);
        let mut holding = self.holding.subscribe();
        let committed: Committed = Box::pin(async move {
            let _ = holding.wait_for(|holding| !holding).await;
            Ok(())
        });
        Box::pin(async move { Ok(committed) })
    }

    fn replay(&self, _: i32, mut visitor: Visitor) -> BoxFuture<'static, Result<(), LogError>> {
        for (key, value) in self.batches.lock().unwrap().iter().flatten() {
            visitor(key, value.as_deref());
        }
        Box::pin(async { Ok(()) })
    }
}

/// The newest topics.
#[derive(Default)]
struct Newest(Mutex<Cluster>);

impl TopicSource for Newest {
    fn current(&self) -> Arc<dyn Topics> {
        Arc::new(self.0.lock().unwrap().clone())
    }
}

/// A coordinator that runs, and all that it stands on.
struct Desk {
    groups: Arc<Coordinator>,
    config: GroupConfig,
    clock: Arc<Hands>,
    log: Arc<Paper>,
    topics: Arc<Newest>,
    changes: watch::Sender<u64>,
    stop: CancellationToken,
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("in time")
}

/// Lets others run until it is so.
async fn until(is_so: impl Fn() -> bool) {
    soon(async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn joining(member_id: &str) -> JoinRequest {
    JoinRequest {
        token: Token(0),
        member_id: member_id.to_owned(),
        new_member_id: String::new(),
        instance_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![(
            "range".to_owned(),
            Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff"),
        )],
        require_member_id: false,
        knows_skip: true,
    }
}

fn beating(member_id: &str, epoch: i32) -> HeartbeatRequest {
    HeartbeatRequest {
        member_id: member_id.to_owned(),
        epoch,
        rebalance_timeout_ms: Some(60_000),
        topics: Some(["t".to_owned()].into()),
        owned: Some(BTreeMap::new()),
        ..HeartbeatRequest::default()
    }
}

impl Desk {
    /// With a topic `t` of two partitions, and groups that do not wait for more members.
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut GroupConfig)) -> Self {
        let mut config = GroupConfig {
            initial_rebalance_delay_ms: 0,
            ..GroupConfig::default()
        };
        change(&mut config);
        let topics = Arc::new(Newest::default());
        topics.0.lock().unwrap().set(OFFSETS_TOPIC, 1);
        topics.0.lock().unwrap().set("t", 2);
        let clock = Arc::new(Hands(watch::Sender::new(1_000)));
        Self::run(config, clock, Arc::default(), topics).await
    }

    async fn run(config: GroupConfig, clock: Arc<Hands>, log: Arc<Paper>, topics: Arc<Newest>) -> Self {
        let env = Env {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..Env::real()
        };
        let (shown, known): (Arc<dyn GroupLog>, Arc<dyn TopicSource>) = (log.clone(), topics.clone());
        let groups = Arc::new(Coordinator::new(env, config.clone(), shown, known));
        let (changes, watched) = watch::channel(0);
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&groups).run(watched, stop.clone()));
        let desk = Self {
            groups,
            config,
            clock,
            log,
            topics,
            changes,
            stop,
        };
        desk.ready().await;
        desk
    }

    async fn ready(&self) {
        assert!(soon(self.groups.ready("g", SOON)).await);
    }

    /// Another coordinator takes over from the same log.
    async fn restart(self) -> Self {
        self.stop.cancel();
        until(|| self.groups.describe("g").is_err()).await;
        Self::run(self.config, self.clock, self.log, self.topics).await
    }

    fn pass(&self, ms: u64) {
        self.clock.0.send_modify(|now| *now += ms);
    }

    fn topic<R>(&self, change: impl FnOnce(&mut Cluster) -> R) {
        change(&mut self.topics.0.lock().unwrap());
        self.changes.send_modify(|round| *round += 1);
    }

    async fn join(&self, group: &str, request: JoinRequest) -> JoinReply {
        soon(self.groups.join(group, request)).await
    }

    async fn sync(&self, group: &str, member_id: &str, generation: i32) -> SyncReply {
        let request = SyncRequest {
            token: Token(0),
            generation,
            member_id: member_id.to_owned(),
            instance_id: None,
            protocol_type: None,
            protocol: None,
            assignments: vec![(member_id.to_owned(), Bytes::from_static(b"part"))],
        };
        soon(self.groups.sync(group, request)).await
    }

    /// Makes a stable classic group of one member; answers its id.
    async fn classic(&self, group: &str) -> String {
        let reply = self.join(group, joining("")).await;
        assert_eq!(reply.error, None);
        let synced = self.sync(group, &reply.member_id, reply.generation).await;
        assert_eq!((synced.error, &synced.assignment[..]), (None, &b"part"[..]));
        reply.member_id
    }

    async fn beat(&self, group: &str, request: HeartbeatRequest) -> Result<HeartbeatReply, Refusal> {
        soon(self.groups.consumer_heartbeat(group, request)).await
    }

    async fn commit_all(
        &self,
        group: &str,
        who: &Committer,
        offsets: &[(&str, i32, i64)],
    ) -> Result<Vec<PartitionResult>, E> {
        let commit = |(topic, partition, offset): &(&str, i32, i64)| Commit {
            topic: (*topic).to_owned(),
            partition: *partition,
            offset: *offset,
            leader_epoch: -1,
            metadata: String::new(),
        };
        let commits = offsets.iter().map(commit).collect();
        soon(self.groups.commit_offsets(group, who, commits)).await
    }

    /// A commit of someone who is no member.
    async fn commit(&self, group: &str, topic: &str, partition: i32, offset: i64) -> PartitionResult {
        self.commit_all(group, &nobody(), &[(topic, partition, offset)])
            .await?[0]
    }

    async fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let wanted = Some(vec![(topic.to_owned(), partition)]);
        let found = soon(self.groups.fetch_offsets(group, None, wanted))
            .await
            .unwrap();
        found[0].2.as_ref().map(|offset| offset.offset)
    }

    fn overview(&self) -> Vec<(String, &'static str, &'static str)> {
        let all = self.groups.groups_overview().unwrap();
        all.into_iter()
            .map(|group| (group.id, group.group_type, group.state))
            .collect()
    }
}

fn nobody() -> Committer {
    Committer {
        epoch: -1,
        ..Committer::default()
    }
}

fn member(id: &str, epoch: i32) -> Committer {
    Committer {
        member_id: id.to_owned(),
        epoch,
        knows_epochs: true,
        ..Committer::default()
    }
}
