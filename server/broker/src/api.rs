//! One file an API key, and the switch between them.

mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod api_versions;
mod authorized;
mod cluster;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod repeats;
mod sync_group;

use std::sync::Arc;

use bytes::Bytes;
use tidemill_env::BoxFuture;
use tidemill_wire::api::{self, Checked, Request, RequestError};
use tidemill_wire::kafka::messages::{ApiKey, RequestKind, ResponseKind};

use crate::broker::Broker;
use crate::net::Frames;

/// What a request is answered in: who asks, and in which version.
#[derive(Clone)]
pub struct Cx {
    /// The broker that answers.
    pub broker: Arc<Broker>,
    /// The request's version.
    pub version: i16,
    /// What the response must bear.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Arc<str>,
    /// The peer's address.
    pub client_host: Arc<str>,
}

impl Cx {
    /// For a connection from `client_host`.
    #[must_use]
    pub fn new(broker: Arc<Broker>, client_host: &str) -> Self {
        let (client_id, client_host) = (Arc::from(""), Arc::from(client_host));
        Self {
            broker,
            version: 0,
            correlation_id: 0,
            client_id,
            client_host,
        }
    }
}

/// How a request is answered.
pub enum Answer {
    /// With this.
    Now(Frames),
    /// Later; the connection's next request waits for it.
    Parked(BoxFuture<'static, Option<Frames>>),
    /// Later; the next request may begin, as this one's order is settled.
    Ordered(BoxFuture<'static, Option<Frames>>),
    /// Not at all (`acks=0`).
    Nothing,
    /// By closing the connection.
    Close(String),
}

/// Looks at one frame, before anything is made of it; the answer to one that is no request is there at once.
pub fn check(cx: &mut Cx, frame: Bytes) -> Result<Checked, Answer> {
    api::check_request(frame).map_err(|error| refuse(cx, &error))
}

/// Decodes and answers one request.
pub async fn dispatch(cx: &mut Cx, request: Checked) -> Answer {
    let request = match request.decode() {
        Ok(request) => request,
        Err(error) => return refuse(cx, &error),
    };
    let Request {
        key,
        version,
        correlation_id,
        client_id,
        body,
    } = request;
    cx.version = version;
    cx.correlation_id = correlation_id;
    if let Some(client_id) = client_id.filter(|client_id| **client_id != *cx.client_id) {
        cx.client_id = Arc::from(&*client_id);
    }
    match body {
        RequestKind::Produce(request) => produce::answer(cx, request).await,
        RequestKind::Fetch(request) => Answer::Parked(Box::pin(fetch::answer(cx.clone(), request))),
        other => Answer::Parked(Box::pin(answer(cx.clone(), key, other))),
    }
}

/// Everything but Produce and Fetch, whose data paths are their own.
async fn answer(cx: Cx, key: ApiKey, request: RequestKind) -> Option<Frames> {
    let begin = cx.broker.env.clock.monotonic();
    let response = match request {
        RequestKind::ApiVersions(request) => {
            ResponseKind::ApiVersions(api_versions::handle(api_versions::check(&cx, &request)))
        }
        RequestKind::Metadata(request) => ResponseKind::Metadata(metadata::handle(&cx, request).await),
        RequestKind::ListOffsets(request) => {
            ResponseKind::ListOffsets(list_offsets::handle(&cx, request).await)
        }
        RequestKind::OffsetForLeaderEpoch(request) => {
            ResponseKind::OffsetForLeaderEpoch(offset_for_leader_epoch::handle(&cx, request).await)
        }
        RequestKind::InitProducerId(request) => {
            ResponseKind::InitProducerId(init_producer_id::handle(&cx, request).await)
        }
        other => administer(&cx, other).await?,
    };
    let took = cx.broker.env.clock.monotonic().saturating_sub(begin);
    cx.broker.metrics.answered(key, took);
    encode(&cx, key, &response)
}

/// What administrators ask.
async fn administer(cx: &Cx, request: RequestKind) -> Option<ResponseKind> {
    use RequestKind as Asked;
    use ResponseKind as Told;
    Some(match request {
        Asked::CreateTopics(request) => Told::CreateTopics(create_topics::handle(cx, request).await),
        Asked::DeleteTopics(request) => Told::DeleteTopics(delete_topics::handle(cx, request).await),
        Asked::CreatePartitions(request) => {
            Told::CreatePartitions(create_partitions::handle(cx, request).await)
        }
        Asked::DeleteRecords(request) => Told::DeleteRecords(delete_records::handle(cx, request).await),
        Asked::DescribeConfigs(request) => Told::DescribeConfigs(describe_configs::handle(cx, request)),
        Asked::AlterConfigs(request) => Told::AlterConfigs(alter_configs::handle(cx, request).await),
        Asked::IncrementalAlterConfigs(request) => {
            Told::IncrementalAlterConfigs(incremental_alter_configs::handle(cx, request).await)
        }
        Asked::DescribeCluster(request) => Told::DescribeCluster(describe_cluster::handle(cx, &request)),
        Asked::DescribeTopicPartitions(request) => {
            Told::DescribeTopicPartitions(describe_topic_partitions::handle(cx, request))
        }
        Asked::DescribeProducers(request) => Told::DescribeProducers(describe_producers::handle(cx, request)),
        Asked::DescribeLogDirs(request) => {
            Told::DescribeLogDirs(describe_log_dirs::handle(cx, request).await)
        }
        other => match cluster::tell(cx, other) {
            Ok(response) => response,
            Err(other) => groups::coordinate(cx, *other).await?,
        },
    })
}

/// A response that cannot be encoded is a fault of ours; the client is told by a closed connection.
pub(crate) fn encode(cx: &Cx, key: ApiKey, response: &ResponseKind) -> Option<Frames> {
    match api::encode_response(key, cx.version, cx.correlation_id, response) {
        Ok(frame) => Some(vec![frame.into()]),
        Err(error) => {
            tracing::error!(%error, "a response could not be encoded");
            None
        }
    }
}

fn refuse(cx: &mut Cx, error: &RequestError) -> Answer {
    if let RequestError::UnsupportedVersion {
        key: ApiKey::ApiVersions,
        correlation_id,
        ..
    } = error
    {
        // The one request that a client sends without knowing what is served (KIP-511).
        cx.version = 0;
        cx.correlation_id = *correlation_id;
        let response = ResponseKind::ApiVersions(api_versions::handle(api_versions::UNSUPPORTED_VERSION));
        return encode(cx, ApiKey::ApiVersions, &response).map_or(Answer::Nothing, Answer::Now);
    }
    let reason = match error {
        RequestError::Truncated => "truncated",
        RequestError::UnknownApi { .. } => "unknown api",
        RequestError::UnsupportedVersion { .. } => "unsupported version",
        RequestError::Malformed { .. } => "malformed",
    };
    cx.broker.metrics.refused(reason);
    Answer::Close(error.to_string())
}
