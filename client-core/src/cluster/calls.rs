//! Calls that find their broker and are tried again while that can help.

use std::future::Future;
use std::sync::Arc;

use tidemill_wire::kafka::messages::{FindCoordinatorRequest, GroupId, TopicName};
use tidemill_wire::kafka::protocol::{Request, StrBytes};
use tokio::time::Instant;

use super::Cluster;
use crate::connection::{Backoff, Connection, after};
use crate::error::{Error, Result};

impl Cluster {
    /// Runs `attempt` until it succeeds, fails for good, or the retry time is over.
    pub(crate) async fn retrying<T, F, Fut>(&self, mut attempt: F) -> Result<T>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let until = after(self.settings().retry_timeout);
        let mut backoff = Backoff::for_brokers();
        loop {
            let error = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let delay = backoff.next_delay();
            if !error.is_retriable() || Instant::now() + delay >= until {
                return Err(error);
            }
            tracing::debug!(%error, ?delay, "trying again");
            tokio::time::sleep(delay).await;
        }
    }

    /// Sends `request` to any broker that can be reached.
    pub(crate) async fn call_any<R: Request>(&self, request: &R) -> Result<R::Response> {
        self.retrying(|| async {
            let connection = self.any_connection().await?;
            connection.call(request, self.settings().request_timeout).await
        })
        .await
    }

    /// As [`Self::call_any`]; `fit` adapts the request to the version that will be spoken.
    pub(crate) async fn call_any_version<R: Request + Clone>(
        &self,
        request: &R,
        fit: impl Fn(&mut R, i16),
    ) -> Result<R::Response> {
        self.retrying(|| async {
            let connection = self.any_connection().await?;
            let version = connection.versions().pick::<R>()?;
            let mut request = request.clone();
            fit(&mut request, version);
            connection
                .call_version(&request, version, self.settings().request_timeout)
                .await
        })
        .await
    }

    /// Sends `request` to broker `id`, once.
    pub(crate) async fn call_broker<R: Request>(&self, id: i32, request: &R) -> Result<R::Response> {
        let connection = self.connection(id).await?;
        connection.call(request, self.settings().request_timeout).await
    }

    /// Asks once for the coordinator of `group`.
    pub(crate) async fn find_coordinator(&self, group: &str) -> Result<i32> {
        let connection = self.any_connection().await?;
        let version = connection.versions().pick::<FindCoordinatorRequest>()?;
        let key = StrBytes::from_string(group.to_owned());
        // From version 4 on several keys are asked for at once (KIP-699).
        let request = if version >= 4 {
            FindCoordinatorRequest::default().with_coordinator_keys(vec![key])
        } else {
            FindCoordinatorRequest::default().with_key(key)
        };
        let response = connection
            .call_version(&request, version, self.settings().request_timeout)
            .await?;
        let what = || format!("finding the coordinator of group {group:?}");
        if version < 4 {
            return match response.error_code {
                0 => Ok(response.node_id.0),
                code => Err(Error::from_code(code, &what(), response.error_message.as_deref())),
            };
        }
        match response.coordinators.first() {
            Some(found) if found.error_code == 0 => Ok(found.node_id.0),
            Some(found) => Err(Error::from_code(
                found.error_code,
                &what(),
                found.error_message.as_deref(),
            )),
            None => Err(Error::corrupt(format!("{}: the answer names none", what()))),
        }
    }

    /// Runs `attempt` against the coordinator of `group`, finding it anew each time one fails in a way that passes.
    pub(crate) async fn with_coordinator<T, F, Fut>(&self, group: &str, attempt: F) -> Result<T>
    where
        F: Fn(Arc<Connection>) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        self.retrying(|| async {
            let id = self.find_coordinator(group).await?;
            attempt(self.connection(id).await?).await
        })
        .await
    }
}

/// `value` in the codec's own string type.
pub(crate) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

pub(crate) fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}
