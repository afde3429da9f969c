//! The way in: a client for one cluster, from which producers, consumers and the rest are made.

use std::sync::Arc;
use std::time::Duration;

use crate::admin::{ClusterAdmin, Configs, Groups, Topics};
use crate::cluster::Cluster;
use crate::connection::{Address, Dialing, Pool, parse_bootstrap};
use crate::consumer::ConsumerBuilder;
use crate::error::{Error, Result};
use crate::group::GroupBuilder;
use crate::objects::{Applied, Objects};
use crate::producer::ProducerBuilder;

/// The environment variable that names the bootstrap servers.
pub const BOOTSTRAP_VARIABLE: &str = "TIDEMILL_BOOTSTRAP";
const DEFAULT_BOOTSTRAP: &str = "127.0.0.1:9092";

/// A client of one cluster. Cheap to clone; clones share connections and metadata.
///
/// Every call must run inside a tokio runtime; the client never builds one. Dropping the last clone, and everything
/// made from it, closes its connections.
#[derive(Clone)]
pub struct Client {
    cluster: Arc<Cluster>,
    bootstrap: Arc<str>,
}

/// Hosts and ports of a bootstrap list: `host:port`, several separated by commas. A missing port is 9092; an IPv6
/// address stands in brackets, and is given without them.
///
/// # Errors
/// `InvalidArgument` for a list that does not parse.
pub fn bootstrap_addresses(list: &str) -> Result<Vec<(String, u16)>> {
    let addresses = parse_bootstrap(list)?.into_iter();
    Ok(addresses.map(|address| (address.host, address.port)).collect())
}

/// What all parts of a client share.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) bootstrap: Vec<Address>,
    pub(crate) client_id: String,
    pub(crate) admin_url: Option<String>,
    pub(crate) request_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) retry_timeout: Duration,
}

impl Settings {
    /// A new, empty pool of connections.
    pub(crate) fn pool(&self) -> Pool {
        Pool::new(Dialing {
            client_id: self.client_id.clone(),
            connect_timeout: self.connect_timeout,
        })
    }
}

/// How to reach the cluster. Made by [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    bootstrap: String,
    client_id: String,
    admin_url: Option<String>,
    request_timeout: Duration,
    connect_timeout: Duration,
    retry_timeout: Duration,
}

impl ClientBuilder {
    /// The name shown in the server's logs and metrics. Default `tidemill`.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = id.into();
        self
    }

    /// Where the control plane answers HTTP, such as `http://127.0.0.1:8092`. Default: asked of the broker.
    pub fn admin_url(mut self, url: impl Into<String>) -> Self {
        self.admin_url = Some(url.into());
        self
    }

    /// How long one request may take before its connection is given up. Default 30 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long opening one connection may take. Default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long metadata and admin calls are tried again while the cluster cannot answer. Default 60 s.
    pub fn retry_timeout(mut self, timeout: Duration) -> Self {
        self.retry_timeout = timeout;
        self
    }

    /// Connects to the first bootstrap server that answers and reads the cluster's brokers.
    ///
    /// # Errors
    /// `InvalidArgument` for an address that does not parse or a port that speaks another protocol, `Unavailable`
    /// when no server can be reached. It does not wait for a server to come up.
    ///
    /// Cancellation safe.
    pub async fn build(self) -> Result<Client> {
        let settings = Settings {
            bootstrap: parse_bootstrap(&self.bootstrap)?,
            client_id: self.client_id,
            admin_url: self.admin_url,
            request_timeout: self.request_timeout,
            connect_timeout: self.connect_timeout,
            retry_timeout: self.retry_timeout,
        };
        let cluster = Arc::new(Cluster::new(settings));
        // Fail at once and in plain words, rather than after the retry time.
        cluster.any_connection().await?;
        cluster.refresh(&[]).await?;
        Ok(Client {
            cluster,
            bootstrap: self.bootstrap.into(),
        })
    }
}

impl Client {
    /// A client for the cluster reached at `bootstrap`: `host:port`, several separated by commas.
    pub fn builder(bootstrap: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            bootstrap: bootstrap.into(),
            client_id: "tidemill".to_owned(),
            admin_url: None,
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retry_timeout: Duration::from_secs(60),
        }
    }

    /// Connects with default settings. Errors and cancellation as [`ClientBuilder::build`].
    pub async fn connect(bootstrap: impl Into<String>) -> Result<Self> {
        Self::builder(bootstrap).build().await
    }

    /// Connects to the servers that `TIDEMILL_BOOTSTRAP` names, `127.0.0.1:9092` if it is not set.
    ///
    /// Errors and cancellation as [`ClientBuilder::build`].
    pub async fn from_env() -> Result<Self> {
        match std::env::var(BOOTSTRAP_VARIABLE) {
            Ok(bootstrap) => Self::connect(bootstrap)
                .await
                .map_err(|error| error.context(BOOTSTRAP_VARIABLE)),
            Err(std::env::VarError::NotPresent) => Self::connect(DEFAULT_BOOTSTRAP).await,
            Err(error) => Err(Error::invalid(format!("{BOOTSTRAP_VARIABLE}: {error}"))),
        }
    }

    /// The bootstrap list this client was made with.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Starts the description of a producer.
    pub fn producer(&self) -> ProducerBuilder {
        ProducerBuilder::new(self.cluster.clone())
    }

    /// Starts the description of a consumer that reads partitions it names itself.
    pub fn consumer(&self) -> ConsumerBuilder {
        ConsumerBuilder::new(self.cluster.clone())
    }

    /// Starts the description of a consumer that shares partitions with the other members of group `id`.
    pub fn group(&self, id: impl Into<String>) -> GroupBuilder {
        GroupBuilder::new(self.cluster.clone(), id.into())
    }

    /// Topics: create, list, describe, delete.
    pub fn topics(&self) -> Topics {
        Topics::new(self.cluster.clone())
    }

    /// Consumer groups: list, describe, offsets.
    pub fn groups(&self) -> Groups {
        Groups::new(self.cluster.clone())
    }

    /// Settings of topics and brokers.
    pub fn configs(&self) -> Configs {
        Configs::new(self.cluster.clone())
    }

    /// Brokers, log directories, producers.
    pub fn cluster(&self) -> ClusterAdmin {
        ClusterAdmin::new(self.cluster.clone())
    }

    /// The control plane's objects, at the URL given to the builder or else the one the broker names.
    ///
    /// # Errors
    /// `NotFound` if the broker names no control plane (it is not a Tidemill server).
    ///
    /// Cancellation safe.
    pub async fn objects(&self) -> Result<Objects> {
        let objects = match &self.cluster.settings().admin_url {
            Some(url) => Objects::new(url)?,
            None => Objects::discover(&self.configs(), &self.cluster).await?,
        };
        Ok(objects.request_timeout(self.cluster.settings().request_timeout))
    }

    /// Makes the cluster match a document (YAML or JSON, one object or many). See [`Objects::apply`].
    pub async fn apply(&self, document: &str) -> Result<Applied> {
        self.objects().await?.apply(document).await
    }

    /// What [`Self::apply`] would change, changing nothing.
    pub async fn plan(&self, document: &str) -> Result<Applied> {
        self.objects().await?.plan(document).await
    }

    /// Closes the client's own connections. Producers and consumers made from it go on until closed themselves.
    /// Returns at once.
    pub async fn close(&self) {
        self.cluster.close();
    }
}
