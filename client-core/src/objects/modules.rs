//! SmartModules and views: what is done to them beside writing their objects.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::{Objects, problem};
use crate::error::Result;

/// The least that loading may take: the server compiles the file before it answers.
const LOADING: Duration = Duration::from_secs(300);

impl Objects {
    /// Loads a wasm file as the current version of a SmartModule, which is made if there is none. Answers with the
    /// object once the file is checked, compiled and durable; that may take longer than other requests.
    ///
    /// # Errors
    /// `InvalidArgument`: the file is no SmartModule, or what uses the module would not work any more. `TooLarge`.
    /// `Unavailable` when too many are being loaded.
    ///
    /// The change may happen also if the future is dropped.
    pub async fn load_module(
        &self,
        name: &str,
        wasm: impl Into<Bytes>,
        description: Option<&str>,
    ) -> Result<Value> {
        let mut request = self
            .http
            .put(self.address(&["smartmodules", name, "wasm"])?)
            .header("content-type", "application/wasm")
            .body(wasm.into());
        if let Some(description) = description {
            request = request.query(&[("description", description)]);
        }
        let patient = self.clone().request_timeout(self.request_timeout.max(LOADING));
        patient
            .json(request, &format!("loading SmartModule {name}"))
            .await
    }

    /// The wasm of a SmartModule: of its current version, or of the one whose digest begins with `version`.
    /// `NotFound` if there is none. Cancellation safe.
    pub async fn module_wasm(&self, name: &str, version: Option<&str>) -> Result<Bytes> {
        let mut request = self.http.get(self.address(&["smartmodules", name, "wasm"])?);
        if let Some(version) = version {
            request = request.query(&[("version", version)]);
        }
        let what = format!("reading the wasm of SmartModule {name}");
        let whole = async {
            let response = self.send(request, &what).await?;
            let bytes = response.bytes().await;
            bytes.map_err(|error| problem::unreachable(error, &what, &self.url))
        };
        self.in_time(whole, &what).await
    }

    /// Renews the lease of a view, and answers with the object.
    ///
    /// # Errors
    /// `NotFound` when there is no such view (any more), `InvalidArgument` when it has no lease.
    pub async fn renew_view(&self, name: &str) -> Result<Value> {
        let request = self
            .http
            .post(self.address(&["views", &format!("{name}:renew")])?);
        self.json(request, &format!("renewing view {name}")).await
    }

    /// Changes some fields of an object: a JSON merge patch (RFC 7396), in which `null` takes a field away.
    ///
    /// # Errors
    /// `NotFound` if there is none, `InvalidArgument` naming the field. The change may happen also if the future is
    /// dropped.
    pub async fn patch(&self, plural: &str, name: &str, patch: &Value) -> Result<Value> {
        let request = self.http.patch(self.address(&[plural, name])?).json(patch);
        self.json(request, &format!("changing {plural}/{name}")).await
    }
}
