//! The latest changes, for watchers that ask "what happened since".

use std::sync::Arc;

use rpds::QueueSync;

use crate::image::BrokerImage;
use crate::module_image::SmartModuleImage;
use crate::topic_image::TopicImage;
use crate::view_image::ViewImage;

/// How many changes are kept.
const KEPT: usize = 1024;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It was there before.
    Updated,
    /// It is gone; the event has its last state.
    Deleted,
}

/// The object that changed.
#[derive(Debug, Clone, PartialEq)]
pub enum EventObject {
    /// A topic.
    Topic(Arc<TopicImage>),
    /// A broker.
    Broker(Arc<BrokerImage>),
    /// A SmartModule.
    SmartModule(Arc<SmartModuleImage>),
    /// A view.
    View(Arc<ViewImage>),
}

/// One change of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The image version in which it happened. Several events may share one.
    pub version: u64,
    /// What happened.
    pub change: Change,
    /// To what.
    pub object: EventObject,
}

/// The version asked for is older than what is kept (or newer than what is known): list again, and watch from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "changes after version {asked} are no longer known: list again and watch from the version of the list"
)]
pub struct Gone {
    /// The version asked for.
    pub asked: u64,
}

/// A bounded log of changes. Not part of snapshots: an image read from one starts a new log at its version.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    /// Every change after this version is in `events`.
    floor: u64,
    events: QueueSync<Event>,
}

impl EventLog {
    pub(crate) fn starting_at(version: u64) -> Self {
        Self {
            floor: version,
            events: QueueSync::new_sync(),
        }
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.events.enqueue_mut(event);
        if self.events.len() > KEPT
            && let Some(dropped) = self.events.peek().map(|event| event.version)
        {
            self.floor = dropped;
            self.events.dequeue_mut();
        }
    }

    pub(crate) fn since(&self, version: u64, current: u64) -> Result<Vec<Event>, Gone> {
        if version < self.floor || version > current {
            return Err(Gone { asked: version });
        }
        Ok(self
            .events
            .iter()
            .filter(|event| event.version > version)
            .cloned()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(version: u64) -> Event {
        let broker = BrokerImage {
            id: 1,
            incarnation: uuid::Uuid::nil(),
            epoch: 0,
            endpoints: Vec::new(),
            rack: None,
            registered_at_ms: 0,
        };
        Event {
            version,
            change: Change::Created,
            object: EventObject::Broker(Arc::new(broker)),
        }
    }

    #[test]
    fn tells_what_happened_since_or_that_it_forgot() {
        let mut log = EventLog::starting_at(10);
        assert_eq!(log.since(9, 10), Err(Gone { asked: 9 }));
        assert_eq!(log.since(10, 10), Ok(Vec::new()));
        assert_eq!(
            log.since(11, 10),
            Err(Gone { asked: 11 }),
            "a version from another history"
        );
        let last = 10 + KEPT as u64 + 5;
        for version in 11..=last {
            log.push(event(version));
        }
        assert_eq!(log.since(14, last), Err(Gone { asked: 14 }));
        assert_eq!(log.since(15, last).unwrap().len(), KEPT);
        let versions: Vec<u64> = log
            .since(last - 2, last)
            .unwrap()
            .iter()
            .map(|e| e.version)
            .collect();
        assert_eq!(versions, [last - 1, last]);
    }

    #[test]
    fn never_gives_half_of_the_events_of_one_version() {
        let mut log = EventLog::starting_at(0);
        for _ in 0..KEPT + 1 {
            log.push(event(1));
        }
        assert_eq!(log.since(0, 1), Err(Gone { asked: 0 }));
    }
}
