#![allow(clippy::disallowed_methods, reason = "tests run on the real clock")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tidemill_env::{BoxFuture, Env};
use tidemill_metadata::testing::{InMemory, one_broker};
use tidemill_metadata::{Command, Image, Metadata, Propose, ProposeError, Proposed, Reply, TopicKey, apply};
use tidemill_resource::{ConditionStatus, TopicSpec};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Observed, plan, run};
use crate::live::{BrokerFacts, DeleteGroupError, GroupFacts, Live, PartitionFacts};
use crate::modules::testing;

mod modules;

fn create(name: &str, id: u128, partitions: u32) -> Command {
    Command::CreateTopic {
        name: name.to_owned(),
        id: Uuid::from_u128(id),
        spec: TopicSpec {
            partitions,
            ..TopicSpec::default()
        },
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        assignments: None,
        internal: false,
        at_ms: 0,
    }
}

fn step(image: &Image, command: &Command) -> Image {
    apply(image, image.version + 1, command).unwrap().0
}

/// The image after everything that was planned is done.
fn settle(image: &Image, observed: &Observed) -> Image {
    plan(image, observed)
        .iter()
        .fold(image.clone(), |image, command| step(&image, command))
}

fn open(id: u128, partitions: u32) -> Observed {
    let partitions = (0..partitions).map(|index| ((Uuid::from_u128(id), index), PartitionFacts::default()));
    Observed {
        partitions: partitions.collect(),
        topics_on_disk: BTreeSet::from([Uuid::from_u128(id)]),
        ..Observed::default()
    }
}

fn ready(image: &Image, name: &str) -> (ConditionStatus, String, u32) {
    let status = &image.topic(name).unwrap().status;
    let condition = &status.conditions[0];
    (
        condition.status,
        condition.reason.clone(),
        status.ready_partitions,
    )
}

#[test]
fn a_topic_is_ready_once_every_partition_is_open() {
    let image = step(&one_broker(), &create("t", 1, 3));
    let image = settle(&image, &open(1, 2));
    assert_eq!(
        ready(&image, "t"),
        (ConditionStatus::False, "PartitionsOpening".to_owned(), 2)
    );
    let image = settle(&image, &open(1, 3));
    assert_eq!(
        ready(&image, "t"),
        (ConditionStatus::True, "Serving".to_owned(), 3)
    );
}

#[test]
fn a_failed_replica_is_named() {
    let image = step(&one_broker(), &create("t", 1, 2));
    let mut observed = open(1, 2);
    let failed = PartitionFacts {
        failed: Some("no space left".to_owned()),
        ..PartitionFacts::default()
    };
    observed.partitions.insert((Uuid::from_u128(1), 1), failed);
    let image = settle(&image, &observed);
    assert_eq!(
        ready(&image, "t"),
        (ConditionStatus::False, "ReplicaFailed".to_owned(), 1)
    );
    let message = &image.topic("t").unwrap().status.conditions[0].message;
    assert_eq!(message, "partition 1 failed: no space left");
}

#[test]
fn a_change_of_spec_is_observed_anew() {
    let image = settle(&step(&one_broker(), &create("t", 1, 1)), &open(1, 1));
    let more = Command::AddPartitions {
        topic: TopicKey::named("t"),
        total: 2,
        assignments: None,
    };
    let image = settle(&step(&image, &more), &open(1, 2));
    let topic = image.topic("t").unwrap();
    assert_eq!((topic.status.observed_generation, topic.meta.generation), (2, 2));
    assert_eq!((topic.status.partitions, topic.status.ready_partitions), (2, 2));
}

#[test]
fn a_deletion_ends_when_the_data_is_gone() {
    let image = step(&one_broker(), &create("t", 1, 1));
    let delete = Command::DeleteTopic {
        topic: TopicKey::named("t"),
        at_ms: 0,
    };
    let image = step(&image, &delete);
    let image = settle(&image, &open(1, 1));
    assert_eq!(image.deletions().count(), 1, "data is still on the disk");
    let image = settle(&image, &Observed::default());
    assert_eq!(image.deletions().count(), 0);
}

fn any_observed() -> impl Strategy<Value = Observed> {
    let facts = prop::option::of(prop::bool::ANY).prop_map(|open| {
        open.map(|failed| PartitionFacts {
            failed: failed.then(|| "broken".to_owned()),
            ..PartitionFacts::default()
        })
    });
    let partitions = prop::collection::btree_map((1..6u128, 0..4u32), facts, 0..12);
    let on_disk = prop::collection::btree_set(1..6u128, 0..5);
    (partitions, on_disk).prop_map(|(partitions, on_disk)| Observed {
        partitions: partitions
            .into_iter()
            .filter_map(|((id, index), facts)| Some(((Uuid::from_u128(id), index), facts?)))
            .collect(),
        topics_on_disk: on_disk.into_iter().map(Uuid::from_u128).collect(),
        ..Observed::default()
    })
}

proptest! {
    /// Whatever is seen, and whatever was recorded before: one round of planning is accepted as it is, and then there
    /// is nothing left to plan.
    #[test]
    fn planning_converges_from_any_state(
        topics in prop::collection::btree_map(1..6u128, (1..4u32, prop::bool::ANY), 0..5),
        before in any_observed(),
        now in any_observed(),
    ) {
        let mut image = one_broker();
        for (id, (partitions, deleted)) in topics {
            image = step(&image, &create(&format!("t{id}"), id, partitions));
            if deleted {
                let topic = TopicKey::named(format!("t{id}"));
                image = step(&image, &Command::DeleteTopic { topic, at_ms: 0 });
            }
        }
        let image = settle(&settle(&image, &before), &now);
        prop_assert_eq!(plan(&image, &now), Vec::new());
    }
}

/// A data plane whose facts a test sets.
struct Facts {
    observed: Mutex<Observed>,
    changes: watch::Sender<u64>,
}

impl Facts {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            observed: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    fn set(&self, observed: Observed) {
        *self.observed.lock().unwrap() = observed;
        self.changes.send_modify(|change| *change += 1);
    }
}

impl Live for Facts {
    fn partition(&self, topic: Uuid, index: u32) -> Option<PartitionFacts> {
        self.observed
            .lock()
            .unwrap()
            .partitions
            .get(&(topic, index))
            .cloned()
    }

    fn topics_on_disk(&self) -> BTreeSet<Uuid> {
        self.observed.lock().unwrap().topics_on_disk.clone()
    }

    fn broker(&self, _id: i32) -> Option<BrokerFacts> {
        None
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn not_ready(&self) -> Vec<String> {
        Vec::new()
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<GroupFacts>, crate::live::GroupsLoading>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn group<'a>(
        &'a self,
        _id: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupFacts>, crate::live::GroupsLoading>> {
        Box::pin(async { Ok(None) })
    }

    fn delete_group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), DeleteGroupError>> {
        Box::pin(async { Err(DeleteGroupError::NotFound(id.to_owned())) })
    }

    fn answered(&self, _request: &crate::http::Answered<'_>) {}

    fn metrics(&self) -> String {
        String::new()
    }
}

/// A proposer that refuses the first few proposals.
struct Flaky {
    inner: Metadata,
    failures: Mutex<u32>,
}

impl Propose for Flaky {
    fn propose(&self, command: Command) -> Proposed<'_> {
        Box::pin(async move {
            let fails = {
                let mut left = self.failures.lock().unwrap();
                *left = left.saturating_sub(1);
                *left > 0
            };
            if fails {
                return Err(ProposeError::Unavailable("the disk is slow".to_owned()));
            }
            self.inner.propose(command).await
        })
    }
}

async fn until(metadata: &Metadata, holds: impl Fn(&Image) -> bool) {
    let mut images = metadata.watch();
    let wait = images.wait_for(|image| holds(image));
    tokio::time::timeout(std::time::Duration::from_secs(30), wait)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_loop_follows_both_sides_and_outlives_failures() {
    let inner = InMemory::one_broker();
    let flaky = Arc::new(Flaky {
        inner: inner.clone(),
        failures: Mutex::new(3),
    });
    let metadata = Metadata::new(flaky, inner.watch());
    let facts = Facts::new();
    let stop = CancellationToken::new();
    let running = tokio::spawn(run(
        metadata,
        (facts.clone(), testing::modules()),
        Env::real(),
        stop.clone(),
    ));
    let reply = inner.propose(create("t", 1, 2)).await.unwrap();
    assert!(matches!(reply, Reply::Topic(_)));
    until(&inner, |image| {
        image
            .topic("t")
            .is_some_and(|topic| !topic.status.conditions.is_empty())
    })
    .await;
    facts.set(open(1, 2));
    until(&inner, |image| {
        image
            .topic("t")
            .is_some_and(|topic| topic.status.ready_partitions == 2)
    })
    .await;
    let delete = Command::DeleteTopic {
        topic: TopicKey::named("t"),
        at_ms: 0,
    };
    inner.propose(delete).await.unwrap();
    facts.set(Observed::default());
    until(&inner, |image| image.deletions().count() == 0).await;
    stop.cancel();
    running.await.unwrap();
}
