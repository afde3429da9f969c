//! What the client knows of the cluster, and calls that go to the right broker of it.

mod calls;
mod committed;
mod nearest;
pub(crate) use nearest::nearest;
mod offsets;
mod snapshot;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tidemill_wire::kafka::messages::metadata_request::MetadataRequestTopic;
use tidemill_wire::kafka::messages::{MetadataRequest, MetadataResponse, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;

use crate::client::Settings;
use crate::connection::{Address, Backoff, Connection, Pool};
use crate::error::{Error, ErrorKind, Result};

pub(crate) use calls::{group_id, text, topic_name};
pub(crate) use committed::{Committed, Member};
pub(crate) use offsets::{EARLIEST, LATEST, OffsetQuery};
pub(crate) use snapshot::{Snapshot, TopicMetadata};

/// Shared by everything made from one client.
pub(crate) struct Cluster {
    settings: Settings,
    pool: Pool,
    snapshot: RwLock<Arc<Snapshot>>,
}

const UNKNOWN_TOPIC: i16 = 3;
/// How often an unknown topic is asked for again: a topic just created may take a moment to be known everywhere.
const UNKNOWN_TOPIC_ATTEMPTS: u32 = 3;

impl Cluster {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            pool: settings.pool(),
            settings,
            snapshot: RwLock::new(Arc::new(Snapshot::default())),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// The topic as last seen, without asking.
    pub(crate) fn known_topic(&self, name: &str) -> Option<Arc<TopicMetadata>> {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .topics
            .get(name)
            .cloned()
    }

    /// The topic, asked for if not known yet. `NotFound` (with the nearest name there is) if the cluster has none.
    pub(crate) async fn topic(&self, name: &str) -> Result<Arc<TopicMetadata>> {
        match self.known_topic(name) {
            Some(topic) if topic.partitions.iter().all(|partition| partition.leader >= 0) => Ok(topic),
            _ => self.ask_topic(name).await,
        }
    }

    /// The topic as the cluster says now.
    pub(crate) async fn ask_topic(&self, name: &str) -> Result<Arc<TopicMetadata>> {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(400));
        let mut attempt = 0;
        loop {
            let response = self.refresh(&[name]).await?;
            let code = response
                .topics
                .first()
                .map_or(UNKNOWN_TOPIC, |topic| topic.error_code);
            if code == 0
                && let Some(topic) = self.known_topic(name)
            {
                return Ok(topic);
            }
            attempt += 1;
            let error = Error::from_code(code, &format!("topic {name:?}"), None);
            if !error.is_retriable() {
                return Err(error);
            }
            if attempt >= UNKNOWN_TOPIC_ATTEMPTS {
                return Err(if error.kind() == ErrorKind::NotFound {
                    self.no_such_topic(name).await
                } else {
                    error
                });
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    /// The error for a topic that is not there, naming the nearest one that is.
    pub(crate) async fn no_such_topic(&self, name: &str) -> Error {
        let mend = match self.nearest_topic(name).await {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("create it first (tidemill topic create {name})"),
        };
        Error::new(ErrorKind::NotFound, format!("there is no topic {name:?}: {mend}"))
            .with_code(UNKNOWN_TOPIC)
    }

    /// The name most like `name` among the topics there are, if any is close.
    pub(crate) async fn nearest_topic(&self, name: &str) -> Option<String> {
        let response = self.ask_metadata(None).await.ok()?;
        let names = response
            .topics
            .iter()
            .filter_map(|topic| topic.name.as_ref())
            .map(|name| name.0.as_str());
        nearest(name, names).map(str::to_owned)
    }

    /// Asks about `topics` and takes the answer into the picture. Answers the response, for its error codes.
    pub(crate) async fn refresh(&self, topics: &[&str]) -> Result<MetadataResponse> {
        let response = self.ask_metadata(Some(topics)).await?;
        self.learn(&response);
        Ok(response)
    }

    /// Every topic there is, taken into the picture.
    pub(crate) async fn refresh_all(&self) -> Result<MetadataResponse> {
        let response = self.ask_metadata(None).await?;
        self.learn(&response);
        Ok(response)
    }

    fn learn(&self, response: &MetadataResponse) {
        let mut snapshot = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        *snapshot = Arc::new(snapshot.updated(response));
    }

    async fn ask_metadata(&self, topics: Option<&[&str]>) -> Result<MetadataResponse> {
        let topics = topics.map(|names| {
            let topic = |name: &&str| {
                let name = TopicName(StrBytes::from_string((*name).to_owned()));
                MetadataRequestTopic::default().with_name(Some(name))
            };
            names.iter().map(topic).collect()
        });
        let request = MetadataRequest::default()
            .with_topics(topics)
            .with_allow_auto_topic_creation(false);
        self.call_any(&request).await
    }

    /// A connection to any broker: those known first, then the bootstrap addresses.
    pub(crate) async fn any_connection(&self) -> Result<Arc<Connection>> {
        let snapshot = self.snapshot();
        let known = snapshot.brokers.values().map(|broker| &broker.address);
        let mut last = None;
        for address in known.chain(&self.settings.bootstrap) {
            match self.pool.get(address).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::invalid("no bootstrap address given")))
    }

    /// The address of broker `id`.
    pub(crate) async fn broker_address(&self, id: i32) -> Result<Address> {
        if let Some(broker) = self.snapshot().brokers.get(&id) {
            return Ok(broker.address.clone());
        }
        self.refresh(&[]).await?;
        match self.snapshot().brokers.get(&id) {
            Some(broker) => Ok(broker.address.clone()),
            None => Err(Error::unavailable(format!(
                "broker {id} is not part of the cluster now"
            ))),
        }
    }

    /// A connection to broker `id` in the client's own pool.
    pub(crate) async fn connection(&self, id: i32) -> Result<Arc<Connection>> {
        let address = self.broker_address(id).await?;
        self.pool.get(&address).await
    }
}
