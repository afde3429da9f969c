//! Commands on topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidemill_resource::topic_config;
use tidemill_resource::{
    ConfigError, ObjectMeta, ResourceVersion, TopicSpec, TopicStatus, check_label, check_topic_name,
};
use uuid::Uuid;

use super::attach;
use crate::command::{Command, TopicKey};
use crate::event::Change;
use crate::image::{Deletion, Image};
use crate::propose::Reply;
use crate::rejection::{Reason, Rejection};
use crate::topic_image::{PartitionImage, TopicImage};
use crate::{INTERNAL_TOPICS, MAX_PARTITIONS, placement};

type Labels = BTreeMap<String, String>;

/// What a user wants a topic to be.
pub(super) struct Wanted<'a> {
    pub(super) spec: &'a TopicSpec,
    pub(super) labels: &'a Labels,
    pub(super) annotations: &'a Labels,
}

pub(super) fn create(image: &mut Image, command: &Command) -> Result<Reply, Rejection> {
    let Command::CreateTopic {
        name,
        id,
        spec,
        labels,
        annotations,
        assignments,
        internal,
        at_ms,
    } = command
    else {
        return Ok(Reply::Done);
    };
    check_new_name(image, name, *internal)?;
    if is_taken(image, *id) {
        let message = format!("the topic id {id} was used before: make a random one");
        return Err(Rejection::new(Reason::InvalidRequest, message).at("metadata.uid"));
    }
    let mut spec = spec.clone();
    let partitions = place_new(image, &mut spec, assignments.as_deref())?;
    check_spec(&spec)?;
    check_labels(labels)?;
    let ingest = attach::ingest(image, &spec)?;
    let mut meta = ObjectMeta::named(name.clone());
    meta.uid = Some(*id);
    meta.labels = labels.clone();
    meta.annotations = annotations.clone();
    meta.generation = 1;
    meta.set_created_ms(*at_ms);
    let topic = TopicImage {
        id: *id,
        name: name.clone(),
        meta,
        spec,
        internal: *internal,
        partitions: Arc::new(partitions),
        status: TopicStatus::default(),
        config: BTreeMap::new(),
        resolved: Arc::default(),
        ingest,
    };
    Ok(store(image, topic, Change::Created))
}

/// Whether an id cannot be that of a new topic or view.
pub(super) fn is_taken(image: &Image, id: Uuid) -> bool {
    id.is_nil() || image.topic_by_id(id).is_some() || image.view_by_id(id).is_some() || image.is_deleted(id)
}

fn check_new_name(image: &Image, name: &str, internal: bool) -> Result<(), Rejection> {
    check_topic_name(name)
        .map_err(|message| Rejection::new(Reason::InvalidName, message).at("metadata.name"))?;
    if !internal && INTERNAL_TOPICS.contains(&name) {
        let message = format!("the topic name `{name}` belongs to the server: choose another");
        return Err(Rejection::new(Reason::InternalTopic, message).at("metadata.name"));
    }
    if image.topic(name).is_some() {
        let message = format!("the topic `{name}` exists already: alter it, or choose another name");
        return Err(Rejection::new(Reason::TopicExists, message).at("metadata.name"));
    }
    if image.view(name).is_some() {
        let message =
            format!("there is a view `{name}`, and clients take views for topics: choose another name");
        return Err(Rejection::new(Reason::ViewExists, message).at("metadata.name"));
    }
    Ok(())
}

/// The partitions of a new topic. Replicas that the caller chose overrule the numbers in the spec.
fn place_new(
    image: &Image,
    spec: &mut TopicSpec,
    assignments: Option<&[Vec<i32>]>,
) -> Result<Vec<PartitionImage>, Rejection> {
    let replicas = match assignments {
        Some(chosen) => {
            spec.partitions = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
            let factor = chosen.first().map_or(1, Vec::len);
            spec.replication_factor = u16::try_from(factor).unwrap_or(u16::MAX);
            check_partitions(spec.partitions)?;
            placement::check(image, chosen, factor)?;
            chosen.to_vec()
        }
        None => {
            check_partitions(spec.partitions)?;
            placement::place(image, spec.partitions, spec.replication_factor, image.version)?
        }
    };
    Ok(replicas.into_iter().map(PartitionImage::new).collect())
}

pub(super) fn update(image: &mut Image, key: &TopicKey, wanted: &Wanted<'_>) -> Result<Reply, Rejection> {
    let mut topic = open_for_change(image, key)?;
    check_spec(wanted.spec)?;
    check_labels(wanted.labels)?;
    topic.ingest = attach::ingest(image, wanted.spec)?;
    if wanted.spec.replication_factor != topic.spec.replication_factor {
        let message = format!(
            "the replication factor of topic `{}` is {} and cannot be changed yet: make a new topic",
            topic.name, topic.spec.replication_factor
        );
        return Err(Rejection::new(Reason::InvalidReplicationFactor, message).at("spec.replicationFactor"));
    }
    let (have, want) = (topic.partition_count(), wanted.spec.partitions);
    if want < have {
        let message = format!(
            "the topic `{}` has {have} partitions and cannot shrink to {want}: make a new topic and move the records",
            topic.name
        );
        return Err(Rejection::new(Reason::InvalidPartitions, message).at("spec.partitions"));
    }
    if want > have {
        grow(image, &mut topic, want, None)?;
    }
    topic.meta.labels.clone_from(wanted.labels);
    topic.meta.annotations.clone_from(wanted.annotations);
    topic.spec.clone_from(wanted.spec);
    Ok(store(image, topic, Change::Updated))
}

pub(super) fn add_partitions(
    image: &mut Image,
    key: &TopicKey,
    total: u32,
    assignments: Option<&[Vec<i32>]>,
) -> Result<Reply, Rejection> {
    let mut topic = open_for_change(image, key)?;
    let have = topic.partition_count();
    if total <= have {
        let message = format!(
            "the topic `{}` has {have} partitions already: ask for more than that, it cannot shrink",
            topic.name
        );
        return Err(Rejection::new(Reason::InvalidPartitions, message).at("spec.partitions"));
    }
    grow(image, &mut topic, total, assignments)?;
    Ok(store(image, topic, Change::Updated))
}

fn grow(
    image: &Image,
    topic: &mut TopicImage,
    total: u32,
    assignments: Option<&[Vec<i32>]>,
) -> Result<(), Rejection> {
    check_partitions(total)?;
    let factor = topic.spec.replication_factor;
    let added = total.saturating_sub(topic.partition_count());
    let replicas = match assignments {
        Some(chosen) => {
            if chosen.len() != added as usize {
                let message = format!(
                    "replicas are chosen for {} partitions of topic `{}`, and {added} are added: choose for each",
                    chosen.len(),
                    topic.name
                );
                return Err(Rejection::new(Reason::InvalidReplicaAssignment, message));
            }
            placement::check(image, chosen, usize::from(factor))?;
            chosen.to_vec()
        }
        None => placement::place(image, added, factor, image.version)?,
    };
    Arc::make_mut(&mut topic.partitions).extend(replicas.into_iter().map(PartitionImage::new));
    topic.spec.partitions = total;
    Ok(())
}

pub(super) fn delete(image: &mut Image, key: &TopicKey, at_ms: i64) -> Result<Reply, Rejection> {
    let topic = Arc::new(open_for_change(image, key)?);
    attach::check_unread(image, "topic", &topic.name)?;
    image.remove_topic(&topic);
    let deletion = Deletion {
        id: topic.id,
        name: topic.name.clone(),
        at_ms,
    };
    image.deletions.insert_mut(topic.id, Arc::new(deletion));
    Ok(Reply::TopicDeleted(topic.id))
}

pub(super) fn set_status(image: &mut Image, id: Uuid, status: &TopicStatus) -> Result<Reply, Rejection> {
    let Some(topic) = image.topic_by_id(id) else {
        let message = format!("there is no topic of id {id}: it was deleted meanwhile");
        return Err(Rejection::new(Reason::UnknownTopic, message));
    };
    let mut topic = TopicImage::clone(topic);
    topic.status = status.clone();
    Ok(store(image, topic, Change::Updated))
}

/// A copy of the topic, once it is sure that the caller may change it.
pub(super) fn open_for_change(image: &Image, key: &TopicKey) -> Result<TopicImage, Rejection> {
    let topic = image
        .topic(&key.name)
        .filter(|topic| key.id.is_none_or(|id| id == topic.id));
    let Some(topic) = topic else {
        return Err(Rejection::unknown_topic(&key.name));
    };
    if topic.internal {
        let message = format!(
            "the topic `{}` belongs to the server: it can only be read",
            topic.name
        );
        return Err(Rejection::new(Reason::InternalTopic, message).at("metadata.name"));
    }
    let current = topic.meta.resource_version.0;
    if let Some(seen) = key.version.filter(|seen| *seen != current) {
        let message = format!(
            "the topic `{}` is at resource version {current}, not {seen}: read it again and repeat the change",
            topic.name
        );
        return Err(
            Rejection::new(Reason::VersionConflict { current }, message).at("metadata.resourceVersion")
        );
    }
    Ok(TopicImage::clone(topic))
}

/// Puts a changed topic into the image, with its versions moved on. One that did not change is left alone.
pub(super) fn store(image: &mut Image, mut topic: TopicImage, change: Change) -> Reply {
    if let Some(before) = image.topic_by_id(topic.id) {
        if **before == topic {
            return Reply::Topic(before.clone());
        }
        if before.spec != topic.spec {
            topic.meta.generation += 1;
        }
    }
    topic.meta.resource_version = ResourceVersion(image.version);
    topic.refresh();
    let topic = Arc::new(topic);
    image.put_topic(topic.clone(), change);
    Reply::Topic(topic)
}

fn check_partitions(count: u32) -> Result<(), Rejection> {
    if (1..=MAX_PARTITIONS).contains(&count) {
        return Ok(());
    }
    let message = format!("the number of partitions is {count}: use 1 to {MAX_PARTITIONS}");
    Err(Rejection::new(Reason::InvalidPartitions, message).at("spec.partitions"))
}

pub(super) fn check_spec(spec: &TopicSpec) -> Result<(), Rejection> {
    check_partitions(spec.partitions)?;
    spec.check_ingest().map_err(attach::wrong_field)?;
    spec.check_configs().map_err(|error| invalid_config(&error))
}

pub(super) fn invalid_config(error: &ConfigError) -> Rejection {
    let field = match topic_config::find(&error.key).and_then(|key| key.spec_field) {
        Some(field) => format!("spec.{field}"),
        None => format!("spec.config.{}", error.key),
    };
    Rejection::new(
        Reason::InvalidConfig {
            key: error.key.clone(),
        },
        error.to_string(),
    )
    .at(field)
}

pub(super) fn check_labels(labels: &Labels) -> Result<(), Rejection> {
    let illegal = |message| Rejection::new(Reason::InvalidRequest, message).at("metadata.labels");
    labels
        .iter()
        .try_for_each(|(key, value)| check_label(key, value).map_err(illegal))
}
