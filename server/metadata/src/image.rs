//! One state of the metadata.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync as Map;
use serde::{Deserialize, Serialize};
use tidemill_resource::Endpoint;
use uuid::Uuid;

use crate::event::{Change, Event, EventLog, EventObject, Gone};
use crate::module_image::SmartModuleImage;
use crate::snapshot::Snapshot;
use crate::topic_image::TopicImage;
use crate::view_image::ViewImage;

/// A broker as the metadata knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerImage {
    /// Kafka node id.
    pub id: i32,
    /// New for every start of the process.
    pub incarnation: Uuid,
    /// Grows with every registration, across brokers.
    pub epoch: u64,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// Rack or zone.
    pub rack: Option<String>,
    /// When it was last registered.
    pub registered_at_ms: i64,
}

/// A deleted topic that may have data left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// The topic's id.
    pub id: Uuid,
    /// The name it had.
    pub name: String,
    /// When it was deleted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// One immutable state of the metadata. Clones share everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Snapshot", into = "Snapshot")]
pub struct Image {
    /// Index of the last command in it; 0 before the first.
    pub version: u64,
    /// The cluster's id; nil before [`crate::Command::FormCluster`].
    pub cluster_id: Uuid,
    /// First producer id that was not handed out.
    pub next_producer_id: i64,
    pub(crate) topics: Map<String, Arc<TopicImage>>,
    pub(crate) by_id: Map<Uuid, Arc<TopicImage>>,
    pub(crate) brokers: Map<i32, Arc<BrokerImage>>,
    pub(crate) deletions: Map<Uuid, Arc<Deletion>>,
    pub(crate) modules: Map<String, Arc<SmartModuleImage>>,
    pub(crate) views: Map<String, Arc<ViewImage>>,
    pub(crate) views_by_id: Map<Uuid, Arc<ViewImage>>,
    pub(crate) events: EventLog,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            version: 0,
            cluster_id: Uuid::nil(),
            next_producer_id: 0,
            topics: Map::new_sync(),
            by_id: Map::new_sync(),
            brokers: Map::new_sync(),
            deletions: Map::new_sync(),
            modules: Map::new_sync(),
            views: Map::new_sync(),
            views_by_id: Map::new_sync(),
            events: EventLog::starting_at(0),
        }
    }
}

/// Equal when the same commands made them; the event log does not count.
impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
            && self.cluster_id == other.cluster_id
            && self.next_producer_id == other.next_producer_id
            && self.topics == other.topics
            && self.brokers == other.brokers
            && self.deletions == other.deletions
            && self.modules == other.modules
            && self.views == other.views
    }
}

impl Image {
    /// Every topic, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> + use<'_> {
        self.topics.values()
    }

    /// Number of topics.
    pub fn topic_count(&self) -> usize {
        self.topics.size()
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(name)
    }

    /// The topic of this id. `None` for deleted ones.
    pub fn topic_by_id(&self, id: Uuid) -> Option<&Arc<TopicImage>> {
        self.by_id.get(&id)
    }

    /// Every registered broker, by id.
    pub fn brokers(&self) -> impl Iterator<Item = &Arc<BrokerImage>> + use<'_> {
        self.brokers.values()
    }

    /// The broker of this id.
    pub fn broker(&self, id: i32) -> Option<&Arc<BrokerImage>> {
        self.brokers.get(&id)
    }

    /// Deleted topics that may have data left. Data may be removed only for ids that are listed here.
    pub fn deletions(&self) -> impl Iterator<Item = &Arc<Deletion>> + use<'_> {
        self.deletions.values()
    }

    /// Whether the topic of this id was deleted and may have data left.
    pub fn is_deleted(&self, id: Uuid) -> bool {
        self.deletions.contains_key(&id)
    }

    /// Every SmartModule, by name.
    pub fn smart_modules(&self) -> impl Iterator<Item = &Arc<SmartModuleImage>> + use<'_> {
        self.modules.values()
    }

    /// The SmartModule of this name.
    pub fn smart_module(&self, name: &str) -> Option<&Arc<SmartModuleImage>> {
        self.modules.get(name)
    }

    /// Every view, by name.
    pub fn views(&self) -> impl Iterator<Item = &Arc<ViewImage>> + use<'_> {
        self.views.values()
    }

    /// The view of this name. No topic has the name of a view.
    pub fn view(&self, name: &str) -> Option<&Arc<ViewImage>> {
        self.views.get(name)
    }

    /// The view of this id. No topic has the id of a view.
    pub fn view_by_id(&self, id: Uuid) -> Option<&Arc<ViewImage>> {
        self.views_by_id.get(&id)
    }

    /// What uses a SmartModule, as `Topic/orders` and `View/errors`.
    pub fn users_of_module(&self, name: &str) -> Vec<String> {
        let topics = self.topics().filter(|topic| topic.uses_module(name));
        let views = self.views().filter(|view| view.uses_module(name));
        let topics = topics.map(|topic| format!("Topic/{}", topic.name));
        topics
            .chain(views.map(|view| format!("View/{}", view.name)))
            .collect()
    }

    /// The views that read a topic or view directly, as `View/errors`.
    pub fn readers_of(&self, source: &str) -> Vec<String> {
        let readers = self.views().filter(|view| view.spec.source == source);
        readers.map(|view| format!("View/{}", view.name)).collect()
    }

    /// What changed after `version`, oldest first.
    ///
    /// # Errors
    /// [`Gone`] when that is no longer known.
    pub fn events_since(&self, version: u64) -> Result<Vec<Event>, Gone> {
        self.events.since(version, self.version)
    }

    pub(crate) fn put_topic(&mut self, topic: Arc<TopicImage>, change: Change) {
        self.topics.insert_mut(topic.name.clone(), topic.clone());
        self.by_id.insert_mut(topic.id, topic.clone());
        self.record(change, EventObject::Topic(topic));
    }

    pub(crate) fn remove_topic(&mut self, topic: &Arc<TopicImage>) {
        self.topics.remove_mut(&topic.name);
        self.by_id.remove_mut(&topic.id);
        self.record(Change::Deleted, EventObject::Topic(topic.clone()));
    }

    pub(crate) fn put_broker(&mut self, broker: Arc<BrokerImage>) {
        let known = self.brokers.contains_key(&broker.id);
        self.brokers.insert_mut(broker.id, broker.clone());
        let change = if known { Change::Updated } else { Change::Created };
        self.record(change, EventObject::Broker(broker));
    }

    pub(crate) fn put_module(&mut self, module: Arc<SmartModuleImage>, change: Change) {
        self.modules.insert_mut(module.name.clone(), module.clone());
        self.record(change, EventObject::SmartModule(module));
    }

    pub(crate) fn remove_module(&mut self, module: &Arc<SmartModuleImage>) {
        self.modules.remove_mut(&module.name);
        self.record(Change::Deleted, EventObject::SmartModule(module.clone()));
    }

    pub(crate) fn put_view(&mut self, view: Arc<ViewImage>, change: Change) {
        self.put_view_unseen(view.clone());
        self.record(change, EventObject::View(view));
    }

    /// Puts a view of which nothing changed that its object shows.
    pub(crate) fn put_view_unseen(&mut self, view: Arc<ViewImage>) {
        self.views_by_id.insert_mut(view.id, view.clone());
        self.views.insert_mut(view.name.clone(), view);
    }

    pub(crate) fn remove_view(&mut self, view: &Arc<ViewImage>) {
        self.views.remove_mut(&view.name);
        self.views_by_id.remove_mut(&view.id);
        self.record(Change::Deleted, EventObject::View(view.clone()));
    }

    fn record(&mut self, change: Change, object: EventObject) {
        self.events.push(Event {
            version: self.version,
            change,
            object,
        });
    }
}
