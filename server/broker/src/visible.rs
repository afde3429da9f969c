//! What clients see: topics, and views, which look like topics.

use std::sync::Arc;

use tidemill_metadata::{Image, TopicImage, ViewImage};
use tidemill_partition::Partition;
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

use crate::broker::{Broker, Place};
use crate::errors::Failure;

/// A topic, or a view with the topic that its records are stored in.
#[derive(Clone)]
pub(crate) struct Visible {
    /// The topic that holds the records.
    pub(crate) topic: Arc<TopicImage>,
    /// The view, when it is one.
    pub(crate) view: Option<Arc<ViewImage>>,
}

impl Visible {
    /// A view; `None` while its source is not known.
    fn view(image: &Image, view: &Arc<ViewImage>) -> Option<Self> {
        Some(Self {
            topic: image.topic_by_id(view.source_id)?.clone(),
            view: Some(Arc::clone(view)),
        })
    }

    /// The one of this name.
    pub(crate) fn named(image: &Image, name: &str) -> Option<Self> {
        if let Some(topic) = image.topic(name) {
            return Some(topic.into());
        }
        Self::view(image, image.view(name)?)
    }

    /// The one of this id.
    pub(crate) fn with_id(image: &Image, id: Uuid) -> Option<Self> {
        if let Some(topic) = image.topic_by_id(id) {
            return Some(topic.into());
        }
        Self::view(image, image.view_by_id(id)?)
    }

    /// All there are, in name order.
    pub(crate) fn all(image: &Image) -> Vec<Self> {
        let views = image.views().filter_map(|view| Self::view(image, view));
        let mut all: Vec<Self> = image.topics().map(Self::from).chain(views).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.view.as_ref().map_or(&self.topic.name, |view| &view.name)
    }

    /// Its id.
    pub(crate) fn id(&self) -> Uuid {
        self.view.as_ref().map_or(self.topic.id, |view| view.id)
    }

    /// Whether it is one of the server's own.
    pub(crate) fn internal(&self) -> bool {
        self.view.is_none() && self.topic.internal
    }
}

impl From<&Arc<TopicImage>> for Visible {
    fn from(topic: &Arc<TopicImage>) -> Self {
        Self {
            topic: Arc::clone(topic),
            view: None,
        }
    }
}

impl Broker {
    /// What a request names by `id` (newer clients) or `name`.
    pub(crate) fn visible(&self, name: &str, id: Uuid) -> Option<Visible> {
        let image = self.metadata.image();
        match id.is_nil() {
            true => Visible::named(&image, name),
            false => Visible::with_id(&image, id),
        }
    }

    /// The partition that is read at `place`, led here under `epoch`, and the view through which it is read.
    pub(crate) fn readable(
        &self,
        place: &Place<'_>,
        epoch: i32,
    ) -> Result<(Arc<Partition>, Option<Arc<ViewImage>>), Failure> {
        let Some(visible) = self.visible(place.name, place.id) else {
            // The same words as for what is written to.
            return self.led_here(place, epoch).map(|partition| (partition, None));
        };
        let partition = self.led(&visible.topic, place.index, epoch)?;
        Ok((partition, visible.view))
    }

    /// Refuses what cannot be done to a view.
    pub(crate) fn refuse_view(&self, name: &str, id: Uuid, instead: &str) -> Result<(), Failure> {
        let image = self.metadata.image();
        let view = if id.is_nil() {
            image.view(name)
        } else {
            image.view_by_id(id)
        };
        let Some(view) = view else { return Ok(()) };
        let message = format!(
            "{:?} is a view of topic {:?} and stores nothing: {instead}",
            view.name, view.source_topic
        );
        Err(Failure::new(ResponseError::InvalidTopicException, message))
    }
}
