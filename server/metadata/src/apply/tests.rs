use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidemill_resource::{Cleanup, ConditionStatus, TopicSpec, TopicStatus};
use uuid::Uuid;

use super::apply;
use crate::testing::{one_broker, with_brokers};
use crate::{Change, Command, ConfigChange, ConfigOp, Image, Reason, Rejection, Reply, TopicKey};

fn run(image: &Image, command: &Command) -> Result<(Image, Reply), Rejection> {
    apply(image, image.version + 1, command)
}

fn ok(image: &Image, command: &Command) -> Image {
    run(image, command).unwrap().0
}

fn reason(image: &Image, command: &Command) -> Reason {
    run(image, command).unwrap_err().reason
}

fn create(name: &str, id: u128, partitions: u32) -> Command {
    create_spec(
        name,
        id,
        TopicSpec {
            partitions,
            ..TopicSpec::default()
        },
    )
}

fn create_spec(name: &str, id: u128, spec: TopicSpec) -> Command {
    Command::CreateTopic {
        name: name.to_owned(),
        id: Uuid::from_u128(id),
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        assignments: None,
        internal: false,
        at_ms: 1_700_000_000_000,
    }
}

fn update(key: TopicKey, spec: TopicSpec) -> Command {
    Command::UpdateTopic {
        topic: key,
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

fn delete(name: &str) -> Command {
    Command::DeleteTopic {
        topic: TopicKey::named(name),
        at_ms: 5,
    }
}

#[test]
fn a_created_topic_is_placed_and_led() {
    let image = ok(
        &with_brokers(&[1, 2, 3]),
        &create_spec(
            "t",
            7,
            TopicSpec {
                partitions: 6,
                replication_factor: 3,
                ..TopicSpec::default()
            },
        ),
    );
    let topic = image.topic("t").unwrap();
    assert_eq!(topic.meta.generation, 1);
    assert_eq!(topic.meta.resource_version.0, image.version);
    let mut leads = BTreeMap::new();
    for partition in topic.partitions.iter() {
        assert_eq!(partition.replicas.iter().collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(partition.leader, partition.replicas[0]);
        *leads.entry(partition.leader).or_insert(0) += 1;
    }
    assert_eq!(
        leads,
        BTreeMap::from([(1, 2), (2, 2), (3, 2)]),
        "leaders are spread evenly"
    );
}

#[test]
fn illegal_topics_are_refused_with_field_and_mend() {
    let image = ok(&one_broker(), &create("there", 1, 1));
    assert_eq!(reason(&image, &create("there", 2, 1)), Reason::TopicExists);
    assert_eq!(reason(&image, &create("a b", 2, 1)), Reason::InvalidName);
    assert_eq!(reason(&image, &create("x", 2, 0)), Reason::InvalidPartitions);
    assert_eq!(reason(&image, &create("x", 2, 10_001)), Reason::InvalidPartitions);
    assert_eq!(
        reason(&image, &create("__consumer_offsets", 2, 1)),
        Reason::InternalTopic
    );
    assert_eq!(reason(&image, &create("x", 1, 1)), Reason::InvalidRequest);
    let replicated = TopicSpec {
        replication_factor: 2,
        ..TopicSpec::default()
    };
    let rejection = run(&image, &create_spec("x", 2, replicated)).unwrap_err();
    assert_eq!(rejection.reason, Reason::InvalidReplicationFactor);
    assert_eq!(rejection.field.as_deref(), Some("spec.replicationFactor"));
    let config = BTreeMap::from([("retention.mss".to_owned(), "1".to_owned())]);
    let rejection = run(
        &image,
        &create_spec(
            "x",
            2,
            TopicSpec {
                config,
                ..TopicSpec::default()
            },
        ),
    )
    .unwrap_err();
    assert_eq!(
        rejection.reason,
        Reason::InvalidConfig {
            key: "retention.mss".to_owned()
        }
    );
    assert!(
        rejection.message.contains("did you mean `retention.ms`"),
        "{rejection}"
    );
}

#[test]
fn chosen_replicas_are_taken_or_refused() {
    let image = with_brokers(&[1, 2]);
    let chosen = |replicas: Vec<Vec<i32>>| match create("t", 1, 1) {
        Command::CreateTopic {
            name,
            id,
            spec,
            labels,
            annotations,
            internal,
            at_ms,
            ..
        } => {
            let assignments = Some(replicas);
            Command::CreateTopic {
                name,
                id,
                spec,
                labels,
                annotations,
                assignments,
                internal,
                at_ms,
            }
        }
        other => other,
    };
    let next = ok(&image, &chosen(vec![vec![2], vec![1], vec![2]]));
    let topic = next.topic("t").unwrap();
    assert_eq!(topic.spec.partitions, 3);
    assert_eq!(
        topic.partitions.iter().map(|p| p.leader).collect::<Vec<_>>(),
        [2, 1, 2]
    );
    for bad in [
        vec![vec![]],
        vec![vec![3]],
        vec![vec![1, 1]],
        vec![vec![1, 2], vec![1]],
    ] {
        assert_eq!(reason(&image, &chosen(bad)), Reason::InvalidReplicaAssignment);
    }
    assert_eq!(reason(&image, &chosen(vec![])), Reason::InvalidPartitions);
}

#[test]
fn updates_move_the_versions_only_when_something_changed() {
    let image = ok(&one_broker(), &create("t", 1, 1));
    let seen = image.version;
    let spec = TopicSpec {
        partitions: 3,
        cleanup: Some(Cleanup {
            delete: false,
            compact: true,
        }),
        ..TopicSpec::default()
    };
    let image = ok(
        &image,
        &update(
            TopicKey {
                version: Some(seen),
                ..TopicKey::named("t")
            },
            spec.clone(),
        ),
    );
    let topic = image.topic("t").unwrap();
    assert_eq!((topic.meta.generation, topic.partitions.len()), (2, 3));
    assert_eq!(
        topic.config.get("cleanup.policy").map(String::as_str),
        Some("compact")
    );
    assert!(topic.resolved.cleanup.compact);
    let same = ok(&image, &update(TopicKey::named("t"), spec.clone()));
    assert_eq!(same.topic("t").unwrap(), topic);
    assert_eq!(same.events_since(image.version), Ok(Vec::new()));
    let stale = TopicKey {
        version: Some(seen),
        ..TopicKey::named("t")
    };
    assert_eq!(
        reason(&image, &update(stale, spec.clone())),
        Reason::VersionConflict {
            current: image.version
        }
    );
    let shrunk = TopicSpec {
        partitions: 2,
        ..spec
    };
    assert_eq!(
        reason(&image, &update(TopicKey::named("t"), shrunk)),
        Reason::InvalidPartitions
    );
}

#[test]
fn kafka_and_documents_change_the_same_configs() {
    let image = ok(&one_broker(), &create("t", 1, 1));
    let change = |key: &str, op, value: Option<&str>| ConfigChange {
        key: key.to_owned(),
        op,
        value: value.map(str::to_owned),
    };
    let alter = |changes| Command::AlterTopicConfigs {
        topic: TopicKey::named("t"),
        changes,
    };
    let image = ok(
        &image,
        &alter(vec![
            change("retention.ms", ConfigOp::Set, Some("3600000")),
            change("cleanup.policy", ConfigOp::Append, Some("compact")),
        ]),
    );
    let spec = serde_json::to_value(&image.topic("t").unwrap().spec).unwrap();
    assert_eq!(spec["retention"]["time"], "1h");
    assert_eq!(spec["cleanup"], serde_json::json!(["delete", "compact"]));
    let image = ok(
        &image,
        &alter(vec![
            change("cleanup.policy", ConfigOp::Subtract, Some("delete")),
            change("retention.ms", ConfigOp::Delete, None),
        ]),
    );
    assert_eq!(
        image.topic("t").unwrap().config,
        BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())])
    );
    for bad in [
        change("retention.ms", ConfigOp::Append, Some("1")),
        change("retention.ms", ConfigOp::Set, None),
        change("retention.ms", ConfigOp::Set, Some("soon")),
        change("no.such", ConfigOp::Delete, None),
        change("cleanup.policy", ConfigOp::Subtract, Some("compact")),
    ] {
        let key = bad.key.clone();
        assert_eq!(reason(&image, &alter(vec![bad])), Reason::InvalidConfig { key });
    }
}

#[test]
fn a_deleted_topic_can_be_made_again_at_once() {
    let image = ok(&one_broker(), &create("t", 1, 4));
    let image = ok(&image, &delete("t"));
    assert!(image.topic("t").is_none() && image.is_deleted(Uuid::from_u128(1)));
    let image = ok(&image, &create("t", 2, 1));
    assert_eq!(image.topic("t").unwrap().partitions.len(), 1);
    let old = TopicKey {
        id: Some(Uuid::from_u128(1)),
        ..TopicKey::named("t")
    };
    assert_eq!(
        reason(&image, &Command::DeleteTopic { topic: old, at_ms: 6 }),
        Reason::UnknownTopic
    );
    let image = ok(
        &image,
        &Command::FinishDeletion {
            id: Uuid::from_u128(1),
        },
    );
    assert_eq!(image.deletions().count(), 0);
    assert!(image.topic("t").is_some());
}

#[test]
fn internal_topics_are_out_of_users_reach() {
    let mut command = create("__consumer_offsets", 1, 4);
    if let Command::CreateTopic { internal, .. } = &mut command {
        *internal = true;
    }
    let image = ok(&one_broker(), &command);
    assert_eq!(
        reason(&image, &delete("__consumer_offsets")),
        Reason::InternalTopic
    );
    let key = TopicKey::named("__consumer_offsets");
    assert_eq!(
        reason(&image, &update(key, TopicSpec::default())),
        Reason::InternalTopic
    );
}

#[test]
fn a_batch_is_applied_whole_or_not_at_all() {
    let image = one_broker();
    let good = Command::Batch {
        commands: vec![create("a", 1, 1), create("b", 2, 1)],
    };
    assert_eq!(ok(&image, &good).topic_count(), 2);
    let bad = Command::Batch {
        commands: vec![create("a", 1, 1), create("a", 2, 1)],
    };
    let rejection = run(&image, &bad).unwrap_err();
    assert_eq!(
        (rejection.reason, rejection.command),
        (Reason::TopicExists, Some(1))
    );
}

#[test]
fn watchers_learn_of_every_change_in_order() {
    let start = one_broker();
    let image = ok(&start, &create("t", 1, 1));
    let status = TopicStatus {
        observed_generation: 1,
        ..TopicStatus::default()
    };
    let image = ok(
        &image,
        &Command::SetTopicStatus {
            id: Uuid::from_u128(1),
            status,
        },
    );
    let image = ok(&image, &delete("t"));
    let changes: Vec<Change> = image
        .events_since(start.version)
        .unwrap()
        .iter()
        .map(|e| e.change)
        .collect();
    assert_eq!(changes, [Change::Created, Change::Updated, Change::Deleted]);
}

#[test]
fn producer_ids_are_never_given_twice() {
    let image = one_broker();
    let ask = |count| Command::AllocateProducerIds { broker: 1, count };
    let (image, first) = run(&image, &ask(1000)).unwrap();
    let (image, second) = run(&image, &ask(10)).unwrap();
    assert_eq!(
        first,
        Reply::ProducerIds {
            first: 0,
            count: 1000
        }
    );
    assert_eq!(
        second,
        Reply::ProducerIds {
            first: 1000,
            count: 10
        }
    );
    assert_eq!(reason(&image, &ask(0)), Reason::InvalidRequest);
    let stranger = Command::AllocateProducerIds { broker: 9, count: 1 };
    assert_eq!(reason(&image, &stranger), Reason::UnknownBroker);
}

#[test]
fn a_data_directory_of_another_cluster_is_refused() {
    let image = one_broker();
    let again = Command::FormCluster {
        cluster_id: image.cluster_id,
    };
    assert!(run(&image, &again).is_ok());
    let other = Command::FormCluster {
        cluster_id: Uuid::from_u128(99),
    };
    assert_eq!(reason(&image, &other), Reason::ClusterMismatch);
}

fn any_command() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c.d")];
    prop_oneof![
        3 => (name.clone(), 1..20u128, 0..5u32).prop_map(|(name, id, count)| create(name, id, count)),
        2 => (name.clone(), 1..6u32).prop_map(|(name, partitions)| {
            update(TopicKey::named(name), TopicSpec { partitions, ..TopicSpec::default() })
        }),
        1 => (name.clone(), 1..6u32).prop_map(|(name, total)| {
            Command::AddPartitions { topic: TopicKey::named(name), total, assignments: None }
        }),
        2 => name.prop_map(delete),
        1 => (1..20u128).prop_map(|id| Command::FinishDeletion { id: Uuid::from_u128(id) }),
        1 => (1..20u128, 0..3u32).prop_map(|(id, ready_partitions)| Command::SetTopicStatus {
            id: Uuid::from_u128(id),
            status: TopicStatus { ready_partitions, ..TopicStatus::default() },
        }),
    ]
}

proptest! {
    /// Whatever is asked for: an image read back from disk and replayed commands give the same state, names and ids
    /// agree, and events tell the whole difference.
    #[test]
    fn any_history_can_be_kept_and_replayed(commands in prop::collection::vec(any_command(), 0..60)) {
        let start = with_brokers(&[1, 2, 3]);
        let mut image = start.clone();
        let mut log = Vec::new();
        for command in commands {
            if let Ok((next, _)) = run(&image, &command) {
                log.push(serde_json::to_string(&command).unwrap());
                image = next;
            }
        }
        let mut replayed = start.clone();
        for text in &log {
            replayed = ok(&replayed, &serde_json::from_str(text).unwrap());
        }
        prop_assert_eq!(&replayed, &image);
        let kept: Image = serde_json::from_str(&serde_json::to_string(&image).unwrap()).unwrap();
        prop_assert_eq!(&kept, &image);
        for topic in image.topics() {
            prop_assert_eq!(image.topic_by_id(topic.id), Some(topic));
            prop_assert_eq!(topic.partitions.len(), topic.spec.partitions as usize);
            prop_assert!(!image.is_deleted(topic.id));
        }
        let mut names: BTreeMap<String, Uuid> = BTreeMap::new();
        for event in image.events_since(start.version).unwrap() {
            let crate::EventObject::Topic(topic) = event.object else { continue };
            match event.change {
                Change::Deleted => prop_assert_eq!(names.remove(&topic.name), Some(topic.id)),
                _ => { names.insert(topic.name.clone(), topic.id); }
            }
        }
        let there: BTreeMap<String, Uuid> = image.topics().map(|t| (t.name.clone(), t.id)).collect();
        prop_assert_eq!(names, there);
    }
}

#[test]
fn conditions_are_kept_as_given() {
    let image = ok(&one_broker(), &create("t", 1, 1));
    let fresh = image.topic("t").unwrap().object().status.unwrap();
    assert_eq!(
        (fresh.conditions[0].status, fresh.conditions[0].message.as_str()),
        (ConditionStatus::False, "0 of 1 partitions are open"),
        "nobody has looked at it yet"
    );
    let ready =
        tidemill_resource::Condition::ready(true, "Serving", "all 1 partitions are ready".to_owned(), 1);
    let status = TopicStatus {
        partitions: 1,
        ready_partitions: 1,
        conditions: vec![ready],
        ..TopicStatus::default()
    };
    let image = ok(
        &image,
        &Command::SetTopicStatus {
            id: Uuid::from_u128(1),
            status,
        },
    );
    let object = image.topic("t").unwrap().object();
    let condition = &object.status.unwrap().conditions[0];
    assert_eq!(
        (condition.status, object.metadata.generation),
        (ConditionStatus::True, 1)
    );
    let mut grown = (**image.topic("t").unwrap()).clone();
    grown.partitions = std::sync::Arc::new(vec![grown.partitions[0].clone(); 3]);
    let status = grown.object().status.unwrap();
    assert_eq!(
        (status.conditions[0].status, status.conditions[0].message.as_str()),
        (ConditionStatus::False, "1 of 3 partitions are open")
    );
}
