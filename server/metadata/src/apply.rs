//! `image + command -> image`.

use std::sync::Arc;

use crate::command::Command;
use crate::image::{BrokerImage, Image};
use crate::propose::Reply;
use crate::rejection::{Reason, Rejection};

mod attach;
mod config;
mod module;
mod topic;
mod view;

#[cfg(test)]
mod attach_tests;
#[cfg(test)]
mod tests;

/// The image after `command`, which stands at `index` of the log, and what to answer.
///
/// Pure and deterministic. An accepted command always gives an image of version `index`, also when it changed
/// nothing.
///
/// # Errors
/// When the command is not legal for this image; nothing is changed then.
pub fn apply(image: &Image, index: u64, command: &Command) -> Result<(Image, Reply), Rejection> {
    let mut next = image.clone();
    next.version = index;
    let reply = match command {
        Command::Batch { commands } => apply_batch(&mut next, commands)?,
        single => apply_single(&mut next, single)?,
    };
    Ok((next, reply))
}

fn apply_batch(image: &mut Image, commands: &[Command]) -> Result<Reply, Rejection> {
    let mut replies = Vec::with_capacity(commands.len());
    for (position, command) in commands.iter().enumerate() {
        let reply = apply_single(image, command).map_err(|rejection| Rejection {
            command: Some(position),
            ..rejection
        })?;
        replies.push(reply);
    }
    Ok(Reply::Batch(replies))
}

fn apply_single(image: &mut Image, command: &Command) -> Result<Reply, Rejection> {
    match command {
        Command::FormCluster { cluster_id } => {
            if !image.cluster_id.is_nil() && image.cluster_id != *cluster_id {
                let message = format!(
                    "the cluster has the id {}, not {cluster_id}: use the data directory of one cluster only",
                    image.cluster_id
                );
                return Err(Rejection::new(Reason::ClusterMismatch, message));
            }
            image.cluster_id = *cluster_id;
            Ok(Reply::Done)
        }
        Command::RegisterBroker {
            id,
            incarnation,
            endpoints,
            rack,
            at_ms,
        } => {
            let epoch = image.version;
            let broker = BrokerImage {
                id: *id,
                incarnation: *incarnation,
                epoch,
                endpoints: endpoints.clone(),
                rack: rack.clone(),
                registered_at_ms: *at_ms,
            };
            image.put_broker(Arc::new(broker));
            Ok(Reply::BrokerRegistered { epoch })
        }
        Command::AllocateProducerIds { broker, count } => allocate_producer_ids(image, *broker, *count),
        Command::FinishDeletion { id } => {
            image.deletions.remove_mut(id);
            Ok(Reply::Done)
        }
        Command::CreateTopic { .. } => topic::create(image, command),
        Command::UpdateTopic {
            topic,
            spec,
            labels,
            annotations,
        } => topic::update(
            image,
            topic,
            &topic::Wanted {
                spec,
                labels,
                annotations,
            },
        ),
        Command::AlterTopicConfigs { topic, changes } => config::alter(image, topic, changes),
        Command::ReplaceTopicConfigs { topic, configs } => config::replace(image, topic, configs.clone()),
        Command::AddPartitions {
            topic,
            total,
            assignments,
        } => topic::add_partitions(image, topic, *total, assignments.as_deref()),
        Command::DeleteTopic { topic, at_ms } => topic::delete(image, topic, *at_ms),
        Command::SetTopicStatus { id, status } => topic::set_status(image, *id, status),
        Command::PutSmartModule { .. } => module::put(image, command),
        Command::LoadSmartModule { .. } => module::load(image, command),
        Command::DeleteSmartModule { name, seen } => module::delete(image, name, *seen),
        Command::SetSmartModuleStatus {
            id,
            used_by,
            conditions,
        } => module::set_status(image, *id, used_by, conditions),
        Command::PutView { .. } => view::put(image, command),
        Command::RenewView { name, at_ms } => view::renew(image, name, *at_ms),
        Command::DeleteView { name, id, seen } => view::delete(image, name, *id, *seen),
        Command::ExpireView { id, renewed_at_ms } => view::expire(image, *id, *renewed_at_ms),
        Command::SetViewStatus { id, status } => view::set_status(image, *id, status),
        Command::Batch { .. } => {
            let message = "a batch of commands holds another batch: put its commands in the outer one";
            Err(Rejection::new(Reason::InvalidRequest, message))
        }
    }
}

fn allocate_producer_ids(image: &mut Image, broker: i32, count: u32) -> Result<Reply, Rejection> {
    if image.broker(broker).is_none() {
        let message =
            format!("broker {broker} asks for producer ids and is not registered: register it first");
        return Err(Rejection::new(Reason::UnknownBroker, message));
    }
    let first = image.next_producer_id;
    let Some(next) = first.checked_add(i64::from(count)).filter(|_| count > 0) else {
        let message = format!("{count} producer ids cannot be given: ask for 1 or more");
        return Err(Rejection::new(Reason::InvalidRequest, message));
    };
    image.next_producer_id = next;
    Ok(Reply::ProducerIds { first, count })
}
