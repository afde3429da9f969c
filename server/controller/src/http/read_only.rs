//! The kinds that are only read.

use std::str::FromStr;

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use tidemill_resource::Kind;

use super::Api;
use super::objects::{Answer, items, not_found, object};
use super::params::Params;
use super::problem::Problem;
use crate::project;

/// Why this kind takes no writes.
pub(super) fn refuse(kind: Kind) -> Problem {
    let (why, allow) = match kind {
        Kind::Broker => (
            "a Broker says what a process told of itself: start or stop the process",
            "GET",
        ),
        Kind::Partition => ("a Partition follows from its Topic: change the topic", "GET"),
        Kind::ConsumerGroup => (
            "a ConsumerGroup is made by its members: only deleting an empty one is possible",
            "GET, DELETE",
        ),
        Kind::Topic => (
            "this path does not take this method: see /openapi.json",
            "GET, PUT, PATCH, DELETE",
        ),
    };
    Problem::read_only(why.to_owned(), allow)
}

/// `GET /v1/brokers`
pub(super) fn brokers(api: &Api, params: &Params) -> Answer {
    params.allow(&["watch"])?;
    let image = api.metadata.image();
    let objects: Vec<_> = image
        .brokers()
        .map(|broker| project::broker(&image, broker, api.live.as_ref()))
        .collect();
    Ok(items(Kind::Broker, image.version, &objects))
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
    Ok(object(
        StatusCode::OK,
        &project::broker(&image, found, api.live.as_ref()),
        headers,
    ))
}

/// `GET /v1/partitions`, of one topic with `?topic=`
pub(super) fn partitions(api: &Api, params: &Params) -> Answer {
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
    Ok(items(Kind::Partition, image.version, &objects))
}

/// `GET /v1/partitions/{topic}-{index}`. Without an ETag: its offsets change all the time.
pub(super) fn partition(api: &Api, name: &str) -> Answer {
    let image = api.metadata.image();
    match project::partition_named(&image, name, api.live.as_ref()) {
        Some(partition) => Ok(Json(partition).into_response()),
        None => Err(not_found(Kind::Partition, name, std::iter::empty())),
    }
}

/// `GET /v1/consumergroups`
pub(super) async fn groups(api: &Api, params: &Params) -> Answer {
    params.allow(&["watch"])?;
    let version = api.metadata.image().version;
    let objects: Vec<_> = api.live.groups().await.into_iter().map(project::group).collect();
    Ok(items(Kind::ConsumerGroup, version, &objects))
}

/// `GET /v1/consumergroups/{id}`. Without an ETag: its lag changes all the time.
pub(super) async fn group(api: &Api, name: &str) -> Answer {
    if let Some(facts) = api.live.group(name).await {
        return Ok(Json(project::group(facts)).into_response());
    }
    let groups = api.live.groups().await;
    Err(not_found(
        Kind::ConsumerGroup,
        name,
        groups.iter().map(|group| group.id.as_str()),
    ))
}
