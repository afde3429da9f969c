//! The control plane's declarative objects, over HTTP.

mod modules;
mod problem;
mod watch;

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use crate::admin::Configs;
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind, Result};

pub use watch::{Watch, WatchEvent};

/// The broker setting that names the control plane's URL.
const ADMIN_URL: &str = "tidemill.admin.url";

/// Operations on objects. Made by [`crate::Client::objects`], or for a known URL by [`Objects::new`].
///
/// Objects are JSON documents with `apiVersion`, `kind`, `metadata`, `spec` and `status`; `plural` is the lower-case
/// plural of a kind: `topics`, `smartmodules`, `views`, `brokers`, `consumergroups`.
#[derive(Clone, Debug)]
pub struct Objects {
    http: reqwest::Client,
    url: String,
    request_timeout: Duration,
}

/// What applying a document changed, or would change: the server's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The whole answer, object by object with the exact difference of each.
    pub answer: Value,
}

impl Objects {
    /// The control plane at `url`, such as `http://127.0.0.1:8092`. Does not connect.
    ///
    /// # Errors
    /// `InvalidArgument` for a URL that does not parse or is not `http`.
    pub fn new(url: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::invalid(format!(
                "control plane URL {url:?}: {why}. Write it as http://HOST:PORT"
            ))
        };
        let parsed = reqwest::Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if parsed.scheme() != "http" {
            return Err(wrong("only http is spoken so far"));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(std::time::Duration::from_secs(5))
            .no_proxy()
            .build()
            .map_err(|error| Error::internal("cannot set up HTTP").with_source(error))?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            request_timeout: Duration::from_secs(30),
        })
    }

    /// How long one request may take; a watch, until it begins. Default 30 s; [`crate::Client::objects`] sets the
    /// client's.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The control plane that a broker of the cluster names.
    pub(crate) async fn discover(configs: &Configs, cluster: &Cluster) -> Result<Self> {
        let mut brokers: Vec<i32> = cluster.snapshot().brokers.keys().copied().collect();
        brokers.sort_unstable();
        for broker in brokers {
            let entry = configs
                .broker(broker)
                .await?
                .into_iter()
                .find(|entry| entry.name == ADMIN_URL);
            if let Some(url) = entry.and_then(|entry| entry.value).filter(|url| !url.is_empty()) {
                return Self::new(&url);
            }
        }
        Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "no broker names a control plane ({ADMIN_URL}). Is this a Tidemill server? If so give its URL"
            ),
        ))
    }

    /// The URL of the control plane.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One object. `NotFound` if there is none. Cancellation safe.
    pub async fn get(&self, plural: &str, name: &str) -> Result<Value> {
        let request = self.http.get(self.address(&[plural, name])?);
        self.json(request, &format!("getting {plural}/{name}")).await
    }

    /// All objects of a kind. Cancellation safe.
    pub async fn list(&self, plural: &str) -> Result<Vec<Value>> {
        let answer: Value = self
            .json(
                self.http.get(self.address(&[plural])?),
                &format!("listing {plural}"),
            )
            .await?;
        match answer {
            Value::Array(items) => Ok(items),
            Value::Object(mut list) => match list.remove("items") {
                Some(Value::Array(items)) => Ok(items),
                _ => Err(Error::corrupt(format!(
                    "listing {plural}: the answer has no items"
                ))),
            },
            _ => Err(Error::corrupt(format!("listing {plural}: the answer is no list"))),
        }
    }

    /// Creates or replaces an object; with `if_match`, only if its resource version is that.
    ///
    /// # Errors
    /// `Conflict` if the version differs, `InvalidArgument` naming the field.
    ///
    /// The change may happen also if the future is dropped.
    pub async fn put(
        &self,
        plural: &str,
        name: &str,
        object: &Value,
        if_match: Option<&str>,
    ) -> Result<Value> {
        let mut request = self.http.put(self.address(&[plural, name])?).json(object);
        if let Some(version) = if_match {
            request = request.header("if-match", format!("\"{}\"", version.trim_matches('"')));
        }
        self.json(request, &format!("putting {plural}/{name}")).await
    }

    /// Deletes an object. `NotFound` if there is none. The change may happen also if the future is dropped.
    pub async fn delete(&self, plural: &str, name: &str) -> Result<()> {
        let what = format!("deleting {plural}/{name}");
        let request = self.http.delete(self.address(&[plural, name])?);
        self.in_time(self.send(request, &what), &what).await.map(drop)
    }

    /// Makes the cluster match a document (YAML or JSON; many objects separated by `---`): all of it or nothing.
    ///
    /// # Errors
    /// `InvalidArgument` naming the object and the field. The change may happen also if the future is dropped.
    pub async fn apply(&self, document: &str) -> Result<Applied> {
        self.apply_or_plan(document, "false", "applying the document")
            .await
    }

    /// What [`Self::apply`] would change, changing nothing. Errors as there; cancellation safe.
    pub async fn plan(&self, document: &str) -> Result<Applied> {
        self.apply_or_plan(document, "true", "planning the document")
            .await
    }

    async fn apply_or_plan(&self, document: &str, dry_run: &str, what: &str) -> Result<Applied> {
        let request = self
            .http
            .post(self.address(&["apply"])?)
            .query(&[("dryRun", dry_run)])
            .header("content-type", "application/yaml")
            .body(document.to_owned());
        Ok(Applied {
            answer: self.json(request, what).await?,
        })
    }

    /// Follows the objects of a kind: first what there is, then every change; after `since` (a resource version)
    /// only the changes. Cancellation safe.
    pub async fn watch(&self, plural: &str, since: Option<&str>) -> Result<Watch> {
        let mut request = self
            .http
            .get(self.address(&[plural])?)
            .query(&[("watch", "true")]);
        if let Some(since) = since {
            request = request
                .header("last-event-id", since)
                .query(&[("resourceVersion", since)]);
        }
        let request = request.header("accept", "text/event-stream");
        let what = format!("watching {plural}");
        let begun = self.in_time(self.send(request, &what), &what).await?;
        Ok(Watch::new(begun, since))
    }

    fn address(&self, path: &[&str]) -> Result<reqwest::Url> {
        let wrong = || Error::invalid(format!("control plane URL {:?} cannot be extended", self.url));
        let mut url = reqwest::Url::parse(&self.url).map_err(|_| wrong())?;
        url.path_segments_mut()
            .map_err(|()| wrong())?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        Ok(url)
    }

    async fn send(&self, request: reqwest::RequestBuilder, what: &str) -> Result<reqwest::Response> {
        let response = request
            .send()
            .await
            .map_err(|error| problem::unreachable(error, what, &self.url))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(problem::refused(response, what).await)
    }

    /// What `work` answers, unless that takes too long.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>, what: &str) -> Result<T> {
        let (url, patience) = (&self.url, self.request_timeout);
        let late = |_| {
            Error::timeout(format!(
                "{what}: the control plane at {url} did not answer within {patience:?}. Check the server's load"
            ))
        };
        tokio::time::timeout(patience, work).await.map_err(late)?
    }

    async fn json(&self, request: reqwest::RequestBuilder, what: &str) -> Result<Value> {
        let whole = async {
            let response = self.send(request, what).await?;
            let bytes = response.bytes().await;
            bytes.map_err(|error| problem::unreachable(error, what, &self.url))
        };
        let bytes = self.in_time(whole, what).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::corrupt(format!(
                "{what}: the answer is not JSON. Is {} Tidemill's control plane?",
                self.url
            ))
            .with_source(error)
        })
    }
}
