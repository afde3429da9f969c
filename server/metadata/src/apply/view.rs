//! Commands on views.

use std::sync::Arc;

use tidemill_resource::{
    MAX_TRANSFORMS, ObjectMeta, ResourceVersion, ViewSpec, ViewStatus, check_topic_name, nearest,
};
use uuid::Uuid;

use super::attach::{self, wrong_field};
use super::module::check_seen;
use super::topic::{check_labels, is_taken};
use crate::INTERNAL_TOPICS;
use crate::command::Command;
use crate::event::Change;
use crate::image::Image;
use crate::propose::Reply;
use crate::rejection::{Reason, Rejection};
use crate::view_image::{ResolvedTransform, ViewImage};

/// Where a view's records come from and what is done to them.
pub(super) struct Source {
    id: Uuid,
    topic: String,
    chain: Vec<ResolvedTransform>,
}

impl ViewImage {
    pub(super) fn take(&mut self, source: Source) {
        self.source_id = source.id;
        self.source_topic = source.topic;
        self.chain = Arc::new(source.chain);
    }
}

pub(super) fn put(image: &mut Image, command: &Command) -> Result<Reply, Rejection> {
    let Command::PutView {
        name,
        id,
        spec,
        labels,
        annotations,
        seen,
        at_ms,
    } = command
    else {
        return Ok(Reply::Done);
    };
    spec.check().map_err(wrong_field)?;
    check_labels(labels)?;
    let before = image.view(name).cloned();
    let current = before.as_ref().map_or(0, |view| view.meta.resource_version.0);
    check_seen("view", name, *seen, current)?;
    let mut view = match &before {
        Some(view) => ViewImage::clone(view),
        None => new(image, name, *id, spec, *at_ms)?,
    };
    view.meta.labels.clone_from(labels);
    view.meta.annotations.clone_from(annotations);
    view.spec.clone_from(spec);
    if spec.lease.is_some() {
        check_kept(image, &view)?;
    }
    view.take(resolve(image, name, spec)?);
    view.renewed_at_ms = *at_ms;
    let change = if before.is_some() {
        Change::Updated
    } else {
        Change::Created
    };
    let stored = store(image, view, change);
    if before.is_some() {
        attach::refresh_readers(image, name)?;
    }
    Ok(Reply::View(stored))
}

/// Refuses a lease on a view that others read: they would go away with it.
fn check_kept(image: &Image, view: &ViewImage) -> Result<(), Rejection> {
    attach::check_unread(image, "view", &view.name).map_err(|error| {
        let message = format!("spec.lease: {}, or leave the lease out", error.message);
        Rejection::new(error.reason, message).at("spec.lease")
    })
}

fn new(image: &Image, name: &str, id: Uuid, spec: &ViewSpec, at_ms: i64) -> Result<ViewImage, Rejection> {
    check_topic_name(name)
        .map_err(|message| Rejection::new(Reason::InvalidName, message).at("metadata.name"))?;
    if INTERNAL_TOPICS.contains(&name) || image.topic(name).is_some() {
        let message =
            format!("there is a topic `{name}`, and clients take views for topics: choose another name");
        return Err(Rejection::new(Reason::TopicExists, message).at("metadata.name"));
    }
    if is_taken(image, id) {
        let message = format!("the id {id} was used before: make a random one");
        return Err(Rejection::new(Reason::InvalidRequest, message).at("metadata.uid"));
    }
    let mut meta = ObjectMeta::named(name);
    meta.uid = Some(id);
    meta.generation = 1;
    meta.set_created_ms(at_ms);
    Ok(ViewImage {
        id,
        name: name.to_owned(),
        meta,
        spec: spec.clone(),
        source_id: Uuid::nil(),
        source_topic: String::new(),
        chain: Arc::default(),
        renewed_at_ms: at_ms,
        status: ViewStatus::default(),
    })
}

/// Finds the topic that a view's records are stored in, and all that is done to them.
pub(super) fn resolve(image: &Image, name: &str, spec: &ViewSpec) -> Result<Source, Rejection> {
    let mut source = find_source(image, name, spec)?;
    let own = attach::resolve(image, &spec.transforms, spec.place(), "spec.transforms")?;
    source.chain.extend(own);
    if source.chain.len() > MAX_TRANSFORMS {
        let message = format!(
            "spec.transforms: there are {} with those of the views it reads: use at most {MAX_TRANSFORMS}",
            source.chain.len()
        );
        return Err(Rejection::new(Reason::InvalidTransform, message).at("spec.transforms"));
    }
    Ok(source)
}

fn find_source(image: &Image, name: &str, spec: &ViewSpec) -> Result<Source, Rejection> {
    let wanted = spec.source.as_str();
    let refuse = |message: String| {
        let message = format!("spec.source: {message}");
        Err(Rejection::new(Reason::InvalidSource, message).at("spec.source"))
    };
    if let Some(topic) = image.topic(wanted) {
        if topic.internal {
            return refuse(format!(
                "the topic `{wanted}` belongs to the server: choose another"
            ));
        }
        return Ok(Source {
            id: topic.id,
            topic: topic.name.clone(),
            chain: Vec::new(),
        });
    }
    if let Some(path) = cycle(image, name, wanted) {
        return refuse(format!(
            "the views would read each other in a circle, {path}: read a topic"
        ));
    }
    let Some(view) = image.view(wanted) else {
        let topics = image.topics().filter(|topic| !topic.internal);
        let names = topics
            .map(|topic| topic.name.as_str())
            .chain(image.views().map(|view| view.name.as_str()));
        let mend = match nearest(wanted, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "create the topic first".to_owned(),
        };
        return refuse(format!("there is no topic or view `{wanted}`: {mend}"));
    };
    if view.spec.lease.is_some() {
        return refuse(format!(
            "the view `{wanted}` has a lease and goes away: read what it reads"
        ));
    }
    Ok(Source {
        id: view.source_id,
        topic: view.source_topic.clone(),
        chain: view.chain.to_vec(),
    })
}

/// The way from `source` back to `name`, if there is one.
fn cycle(image: &Image, name: &str, source: &str) -> Option<String> {
    let mut path = name.to_owned();
    let mut at = source;
    loop {
        path = format!("{path} -> {at}");
        if at == name {
            return Some(path);
        }
        // Ends at a topic: the views that are stored have no circle among them.
        at = image.view(at)?.spec.source.as_str();
    }
}

pub(super) fn renew(image: &mut Image, name: &str, at_ms: i64) -> Result<Reply, Rejection> {
    let Some(before) = image.view(name) else {
        return Err(unknown(image, name));
    };
    let mut view = ViewImage::clone(before);
    view.renewed_at_ms = view.renewed_at_ms.max(at_ms);
    let view = Arc::new(view);
    image.put_view_unseen(view.clone());
    Ok(Reply::View(view))
}

pub(super) fn delete(
    image: &mut Image,
    name: &str,
    id: Option<Uuid>,
    seen: Option<u64>,
) -> Result<Reply, Rejection> {
    let found = image.view(name).filter(|view| id.is_none_or(|id| id == view.id));
    let Some(view) = found.cloned() else {
        return Err(unknown(image, name));
    };
    check_seen("view", name, seen, view.meta.resource_version.0)?;
    attach::check_unread(image, "view", name)?;
    image.remove_view(&view);
    Ok(Reply::Done)
}

pub(super) fn expire(image: &mut Image, id: Uuid, renewed_at_ms: i64) -> Result<Reply, Rejection> {
    let view = image.view_by_id(id).cloned();
    if let Some(view) = view.filter(|view| view.renewed_at_ms == renewed_at_ms && view.spec.lease.is_some()) {
        attach::check_unread(image, "view", &view.name)?;
        image.remove_view(&view);
    }
    Ok(Reply::Done)
}

pub(super) fn set_status(image: &mut Image, id: Uuid, status: &ViewStatus) -> Result<Reply, Rejection> {
    let Some(view) = image.view_by_id(id) else {
        let message = format!("there is no view of id {id}: it was deleted meanwhile");
        return Err(Rejection::new(Reason::UnknownView, message));
    };
    let mut view = ViewImage::clone(view);
    view.status = status.clone();
    Ok(Reply::View(store(image, view, Change::Updated)))
}

fn unknown(image: &Image, name: &str) -> Rejection {
    let shown = name.escape_debug();
    let mend = match nearest(name, image.views().map(|view| view.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "list those there are".to_owned(),
    };
    let message = format!("there is no view `{shown}`: {mend}");
    Rejection::new(Reason::UnknownView, message)
}

/// Puts a changed view into the image, with its versions moved on. Of one that was only renewed nothing is told.
pub(super) fn store(image: &mut Image, mut view: ViewImage, change: Change) -> Arc<ViewImage> {
    if let Some(before) = image.view_by_id(view.id) {
        let renewed = ViewImage {
            renewed_at_ms: view.renewed_at_ms,
            ..ViewImage::clone(before)
        };
        if renewed == view {
            let view = Arc::new(view);
            image.put_view_unseen(view.clone());
            return view;
        }
        if before.spec != view.spec {
            view.meta.generation += 1;
        }
    }
    view.meta.resource_version = ResourceVersion(image.version);
    let view = Arc::new(view);
    image.put_view(view.clone(), change);
    view
}
