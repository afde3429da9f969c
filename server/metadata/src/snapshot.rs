//! An image in the form that is kept on disk.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync as Map;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::EventLog;
use crate::image::{BrokerImage, Deletion, Image};
use crate::module_image::SmartModuleImage;
use crate::topic_image::TopicImage;
use crate::view_image::ViewImage;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Snapshot {
    version: u64,
    cluster_id: Uuid,
    next_producer_id: i64,
    topics: Vec<Arc<TopicImage>>,
    brokers: Vec<Arc<BrokerImage>>,
    deletions: Vec<Arc<Deletion>>,
    #[serde(default)]
    smart_modules: Vec<Arc<SmartModuleImage>>,
    #[serde(default)]
    views: Vec<Arc<ViewImage>>,
}

impl From<Image> for Snapshot {
    fn from(image: Image) -> Self {
        Self {
            version: image.version,
            cluster_id: image.cluster_id,
            next_producer_id: image.next_producer_id,
            topics: image.topics.values().cloned().collect(),
            brokers: image.brokers.values().cloned().collect(),
            deletions: image.deletions.values().cloned().collect(),
            smart_modules: image.modules.values().cloned().collect(),
            views: image.views.values().cloned().collect(),
        }
    }
}

impl From<Snapshot> for Image {
    fn from(snapshot: Snapshot) -> Self {
        let mut topics = Map::new_sync();
        let mut by_id = Map::new_sync();
        for topic in snapshot.topics {
            let mut topic = Arc::unwrap_or_clone(topic);
            topic.refresh();
            let topic = Arc::new(topic);
            topics.insert_mut(topic.name.clone(), topic.clone());
            by_id.insert_mut(topic.id, topic);
        }
        Self {
            version: snapshot.version,
            cluster_id: snapshot.cluster_id,
            next_producer_id: snapshot.next_producer_id,
            topics,
            by_id,
            brokers: snapshot
                .brokers
                .into_iter()
                .map(|broker| (broker.id, broker))
                .collect(),
            deletions: snapshot
                .deletions
                .into_iter()
                .map(|deletion| (deletion.id, deletion))
                .collect(),
            modules: snapshot
                .smart_modules
                .into_iter()
                .map(|module| (module.name.clone(), module))
                .collect(),
            views_by_id: snapshot
                .views
                .iter()
                .map(|view| (view.id, view.clone()))
                .collect(),
            views: snapshot
                .views
                .into_iter()
                .map(|view| (view.name.clone(), view))
                .collect(),
            events: EventLog::starting_at(snapshot.version),
        }
    }
}
