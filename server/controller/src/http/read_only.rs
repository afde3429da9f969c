//! The kinds that are only read.

use std::str::FromStr;

use axum::http::{HeaderMap, header};
use tidemill_resource::Kind;

use super::Api;
use super::kinds::ErrorKind;
use super::objects::{Answer, facts, items, not_found};
use super::params::Params;
use super::problem::Problem;
use crate::project;

/// Why this kind takes no writes.
pub(super) fn refuse(kind: Kind) -> Problem {
    let why = match kind {
        Kind::Broker => "a Broker says what a process told of itself: start or stop the process",
        Kind::Partition => "a Partition follows from its Topic: change the topic",
        Kind::ConsumerGroup => {
            "a ConsumerGroup is made by its members: only deleting an empty one is possible"
        }
        Kind::Topic | Kind::SmartModule | Kind::View => {
            "this path does not take this method: see /openapi.json"
        }
    };
    Problem::method(why.to_owned(), methods(kind))
}

/// The methods that an object of this kind takes.
pub(super) fn methods(kind: Kind) -> &'static str {
    match kind {
        Kind::Broker | Kind::Partition => "GET, HEAD, OPTIONS",
        Kind::ConsumerGroup => "GET, HEAD, DELETE, OPTIONS",
        Kind::Topic | Kind::SmartModule | Kind::View => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
    }
}

/// Refuses a precondition that could not be checked, rather than passing over it.
pub(super) fn without_precondition(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::IF_MATCH) || headers.contains_key(header::IF_NONE_MATCH) {
        let message = "a ConsumerGroup has no version to compare: leave out If-Match and If-None-Match";
        return Err(Problem::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

/// `GET /v1/brokers`
pub(super) fn brokers(api: &Api, params: &Params, headers: &HeaderMap) -> Answer {
    params.allow(&["watch"])?;
    let image = api.metadata.image();
    let objects: Vec<_> = image
        .brokers()
        .map(|broker| project::broker(&image, broker, api.live.as_ref()))
        .collect();
    items(Kind::Broker, image.version, &objects, headers)
}

/// `GET /v1/brokers/{id}`
pub(super) fn broker(api: &Api, name: &str, headers: &HeaderMap) -> Answer {
    let image = api.metadata.image();
    let found = i32::from_str(name)
        .ok()
        .filter(|id| id.to_string() == name)
        .and_then(|id| image.broker(id));
    let Some(found) = found else {
        let ids: Vec<String> = image.brokers().map(|broker| broker.id.to_string()).collect();
        return Err(not_found(Kind::Broker, name, ids.iter().map(String::as_str)));
    };
    facts(&project::broker(&image, found, api.live.as_ref()), headers)
}

/// `GET /v1/partitions`, of one topic with `?topic=`
pub(super) fn partitions(api: &Api, params: &Params, headers: &HeaderMap) -> Answer {
    params.allow(&["watch", "topic"])?;
    let image = api.metadata.image();
    let objects: Vec<_> = match params.text("topic") {
        None => image
            .topics()
            .flat_map(|topic| project::partitions(topic, api.live.as_ref()))
            .collect(),
        Some(name) => {
            let names = || image.topics().map(|topic| topic.name.as_str());
            let topic = image
                .topic(name)
                .ok_or_else(|| not_found(Kind::Topic, name, names()))?;
            project::partitions(topic, api.live.as_ref())
        }
    };
    items(Kind::Partition, image.version, &objects, headers)
}

/// `GET /v1/partitions/{topic}-{index}`
pub(super) fn partition(api: &Api, name: &str, headers: &HeaderMap) -> Answer {
    let image = api.metadata.image();
    match project::partition_named(&image, name, api.live.as_ref()) {
        Some(partition) => facts(&partition, headers),
        None => Err(not_found(Kind::Partition, name, std::iter::empty())),
    }
}

/// `GET /v1/consumergroups`
pub(super) async fn groups(api: &Api, params: &Params, headers: &HeaderMap) -> Answer {
    params.allow(&["watch"])?;
    let version = api.metadata.image().version;
    let objects: Vec<_> = api.live.groups().await?.into_iter().map(project::group).collect();
    items(Kind::ConsumerGroup, version, &objects, headers)
}

/// `GET /v1/consumergroups/{id}`
pub(super) async fn group(api: &Api, name: &str, headers: &HeaderMap) -> Answer {
    if let Some(group) = api.live.group(name).await? {
        return facts(&project::group(group), headers);
    }
    let groups = api.live.groups().await?;
    Err(not_found(
        Kind::ConsumerGroup,
        name,
        groups.iter().map(|group| group.id.as_str()),
    ))
}
