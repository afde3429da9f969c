//! `?watch=true`: changes as server-sent events.
//!
//! Events are `created`, `updated`, `deleted` (data: the object) and `bookmark` (data: only the version). The event
//! id is the resource version to resume from (`Last-Event-ID` or `?resourceVersion=`); of several changes in one
//! version only the last carries it, so that resuming never skips any. A watch that starts without a version
//! begins with `created` for every object there is. One that has fallen too far behind ends with `gone`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Sent, Sse};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use serde_json::json;
use tidemill_metadata::{BrokerImage, Change, Event, EventObject, Image};
use tidemill_resource::{Kind, ResourceVersion};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch::Receiver;

use super::Api;
use super::bounds::{Seat, last};
use super::kinds::ErrorKind;
use super::objects::Answer;
use super::params::Params;
use super::problem::Problem;
use crate::project;

/// A quiet watch says this often up to where it has seen everything, which also keeps the connection alive.
const BOOKMARK_EVERY: Duration = Duration::from_secs(15);

/// Starts a watch of a kind, or of one object of it.
pub(super) fn watch(
    api: Arc<Api>,
    kind: Kind,
    name: Option<String>,
    (params, headers): (&Params, &HeaderMap),
    seat: Option<&Seat>,
) -> Answer {
    if !can_be_watched(kind) {
        let message =
            format!("a {kind} cannot be watched, its facts change all the time: read it when needed");
        return Err(Problem::new(ErrorKind::InvalidArgument, message).at("watch"));
    }
    let images = api.metadata.watch();
    let since = resume_from(params, headers)?;
    let image = api.metadata.image();
    let place = api.bounds.watch(seat)?;
    let mut watch = Watch {
        _place: place,
        api,
        kind,
        name,
        images,
        seen: since.unwrap_or(image.version),
        queue: VecDeque::new(),
        ended: false,
    };
    match since {
        Some(version) => {
            image.events_since(version)?;
        }
        None => watch.queue_existing(&image),
    }
    Ok(last(Sse::new(watch.into_stream()).into_response()))
}

fn resume_from(params: &Params, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let Some(text) = last.or(params.text("resourceVersion")) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let message = format!(
            "`{}` is not a resource version: use the id of the last event, or that of a list",
            text.escape_debug()
        );
        Problem::new(ErrorKind::InvalidArgument, message).at("resourceVersion")
    })
}

struct Watch {
    /// Given back when the watch ends.
    _place: OwnedSemaphorePermit,
    api: Arc<Api>,
    kind: Kind,
    name: Option<String>,
    images: Receiver<Arc<Image>>,
    /// Everything up to this version is sent or queued.
    seen: u64,
    queue: VecDeque<Sent>,
    ended: bool,
}

impl Watch {
    fn into_stream(self) -> impl Stream<Item = Result<Sent, Infallible>> {
        stream::unfold(self, |mut watch| async {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let image = self.images.borrow_and_update().clone();
            self.queue_changes(&image);
            if !self.queue.is_empty() {
                continue;
            }
            let stop = self.api.stop.clone();
            tokio::select! {
                changed = self.images.changed() => self.ended = changed.is_err(),
                () = stop.cancelled() => self.ended = true,
                () = self.api.env.clock.sleep(BOOKMARK_EVERY) => self.queue_bookmark(),
            }
        }
    }

    /// Every object there is, as if it was created just now.
    fn queue_existing(&mut self, image: &Image) {
        let mut objects: Vec<EventObject> = match self.kind {
            Kind::Topic => image
                .topics()
                .filter(|topic| !topic.internal)
                .cloned()
                .map(EventObject::Topic)
                .collect(),
            Kind::SmartModule => image
                .smart_modules()
                .cloned()
                .map(EventObject::SmartModule)
                .collect(),
            Kind::View => image.views().cloned().map(EventObject::View).collect(),
            _ => image.brokers().cloned().map(EventObject::Broker).collect(),
        };
        objects.retain(|object| self.is_wanted(object));
        for object in objects {
            let sent = self.sent(image, Change::Created, &object);
            self.queue.push_back(sent);
        }
        self.queue_bookmark();
    }

    fn queue_changes(&mut self, image: &Image) {
        let events = match image.events_since(self.seen) {
            Ok(events) => events,
            Err(gone) => {
                let sent = Sent::default()
                    .event("gone")
                    .data(text(&Problem::from(gone).document()));
                self.queue.push_back(sent);
                self.ended = true;
                return;
            }
        };
        let wanted: Vec<&Event> = events
            .iter()
            .filter(|event| self.is_wanted(&event.object))
            .collect();
        for (position, event) in wanted.iter().enumerate() {
            let next = wanted.get(position + 1).map(|next| next.version);
            let mut sent = self.sent(image, event.change, &event.object);
            if next != Some(event.version) {
                sent = sent.id(event.version.to_string());
            }
            self.queue.push_back(sent);
        }
        self.seen = image.version;
    }

    fn queue_bookmark(&mut self) {
        let version = ResourceVersion(self.seen);
        let data = json!({"metadata": {"resourceVersion": version}});
        self.queue.push_back(
            Sent::default()
                .event("bookmark")
                .id(version.to_string())
                .data(data.to_string()),
        );
    }

    fn is_wanted(&self, object: &EventObject) -> bool {
        let named = |name: &str| self.name.as_deref().is_none_or(|wanted| wanted == name);
        match (object, self.kind) {
            (EventObject::Topic(topic), Kind::Topic) => {
                named(&topic.name) && (!topic.internal || self.name.is_some())
            }
            (EventObject::SmartModule(module), Kind::SmartModule) => named(&module.name),
            (EventObject::View(view), Kind::View) => named(&view.name),
            (EventObject::Broker(broker), Kind::Broker) => named(&broker.id.to_string()),
            _ => false,
        }
    }

    fn sent(&self, image: &Image, change: Change, object: &EventObject) -> Sent {
        let name = match change {
            Change::Created => "created",
            Change::Updated => "updated",
            Change::Deleted => "deleted",
        };
        let data = match object {
            EventObject::Topic(topic) => text(&topic.object()),
            EventObject::SmartModule(module) => text(&module.object()),
            EventObject::View(view) => text(&view.object()),
            EventObject::Broker(broker) => text(&self.broker_object(image, broker)),
        };
        Sent::default().event(name).data(data)
    }

    fn broker_object(&self, image: &Image, broker: &BrokerImage) -> tidemill_resource::Broker {
        project::broker(image, broker, self.api.live.as_ref())
    }
}

/// Whether the metadata tells of every change of this kind.
pub(super) fn can_be_watched(kind: Kind) -> bool {
    matches!(kind, Kind::Topic | Kind::SmartModule | Kind::View | Kind::Broker)
}

/// JSON on one line, as an event's data must be.
fn text<T: Serialize>(object: &T) -> String {
    serde_json::to_string(object).unwrap_or_default()
}
