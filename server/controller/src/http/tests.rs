//! Drives the router in process, as a client would.

#![allow(clippy::disallowed_methods, reason = "tests run on the real clock")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidemill_env::{BoxFuture, Env};
use tidemill_metadata::testing::InMemory;
use tidemill_metadata::{Command, Metadata};
use tidemill_resource::{ByteSize, ConsumerGroupSpec, ConsumerGroupStatus, TopicSpec};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::{Api, Bounds, router};
use crate::live::{BrokerFacts, DeleteGroupError, GroupFacts, GroupsLoading, Live, PartitionFacts};
use crate::modules::testing;

mod apply;
mod bounds;
mod modules;
mod refusals;
mod rest;
mod serving;
mod views;
mod watching;

/// A data plane on which every partition is open and holds 10 records.
struct Healthy {
    not_ready: Vec<String>,
    changes: watch::Sender<u64>,
}

impl Live for Healthy {
    fn partition(&self, _topic: Uuid, _index: u32) -> Option<PartitionFacts> {
        Some(PartitionFacts {
            log_start_offset: 0,
            high_watermark: 10,
            size_bytes: 1024,
            failed: None,
        })
    }

    fn topics_on_disk(&self) -> BTreeSet<Uuid> {
        BTreeSet::new()
    }

    fn broker(&self, _id: i32) -> Option<BrokerFacts> {
        Some(BrokerFacts {
            version: "0.1.0".to_owned(),
            log_size: ByteSize(2048),
            not_ready: Vec::new(),
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn not_ready(&self) -> Vec<String> {
        self.not_ready.clone()
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<GroupFacts>, GroupsLoading>> {
        Box::pin(async {
            match self.not_ready.is_empty() {
                true => Ok(vec![group_facts()]),
                false => Err(GroupsLoading),
            }
        })
    }

    fn group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<GroupFacts>, GroupsLoading>> {
        Box::pin(async move {
            match self.not_ready.is_empty() {
                true => Ok((id == "readers").then(group_facts)),
                false => Err(GroupsLoading),
            }
        })
    }

    fn delete_group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), DeleteGroupError>> {
        Box::pin(async move {
            match id {
                "empty" => Ok(()),
                "readers" => Err(DeleteGroupError::NotEmpty(id.to_owned())),
                _ => Err(DeleteGroupError::NotFound(id.to_owned())),
            }
        })
    }

    fn answered(&self, _request: &super::Answered<'_>) {}

    fn metrics(&self) -> String {
        "# EOF\n".to_owned()
    }
}

fn group_facts() -> GroupFacts {
    GroupFacts {
        id: "readers".to_owned(),
        spec: ConsumerGroupSpec {
            protocol: "classic".to_owned(),
        },
        status: ConsumerGroupStatus {
            state: "Stable".to_owned(),
            assignor: Some("range".to_owned()),
            coordinator: 1,
            members: Vec::new(),
            offsets: Vec::new(),
            total_lag: 7,
        },
    }
}

/// A server in this process.
struct Server {
    metadata: Metadata,
    api: Arc<Api>,
}

/// What a server answered.
struct Answer {
    status: StatusCode,
    etag: String,
    body: Value,
}

impl Server {
    fn start() -> Self {
        Self::with_reasons(Vec::new())
    }

    fn with_reasons(not_ready: Vec<String>) -> Self {
        Self::with(not_ready, Bounds::default())
    }

    fn with(not_ready: Vec<String>, bounds: Bounds) -> Self {
        let metadata = InMemory::one_broker();
        let live = Arc::new(Healthy {
            not_ready,
            changes: watch::Sender::new(0),
        });
        let api = Api {
            metadata: metadata.clone(),
            live,
            env: Env::real(),
            stop: CancellationToken::new(),
            bounds,
            modules: testing::modules(),
        };
        Self {
            metadata,
            api: Arc::new(api),
        }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        router(self.api.clone()).oneshot(request).await.unwrap()
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.call_with(method, path, &[], body).await
    }

    async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.send(request.body(body.into()).unwrap()).await;
        let status = response.status();
        let etag = response
            .headers()
            .get(header::ETAG)
            .map(|tag| tag.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)))
        };
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(body["status"], status.as_u16(), "a problem document: {body}");
        }
        Answer {
            status,
            etag: etag.unwrap_or_default(),
            body,
        }
    }

    async fn create(&self, name: &str, partitions: u32) -> Answer {
        let spec = json!({"spec": {"partitions": partitions}});
        let answer = self
            .call("PUT", &format!("/v1/topics/{name}"), spec.to_string())
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer
    }
}

/// As Kafka's `CreateTopics` does it.
fn create_command(name: &str, id: u128) -> Command {
    Command::CreateTopic {
        name: name.to_owned(),
        id: Uuid::from_u128(id),
        spec: TopicSpec::default(),
        labels: Default::default(),
        annotations: Default::default(),
        assignments: None,
        internal: name.starts_with("__"),
        at_ms: 0,
    }
}
