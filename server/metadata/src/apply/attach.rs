//! Attaching SmartModules: which version a transform runs, and whether it can work where it is.

use std::collections::VecDeque;
use std::sync::Arc;

use tidemill_resource::{
    FieldError, ModuleVersion, TopicSpec, Transform, TransformPlace, nearest, resolve_params,
};

use super::{topic, view};
use crate::event::Change;
use crate::image::Image;
use crate::module_image::SmartModuleImage;
use crate::rejection::{Reason, Rejection};
use crate::topic_image::TopicImage;
use crate::view_image::{ResolvedTransform, ViewImage};

/// A refusal of the spec as such.
pub(super) fn wrong_field(error: FieldError) -> Rejection {
    let message = error.to_string();
    Rejection::new(Reason::InvalidRequest, message).at(error.path)
}

/// What happens to a topic's records before they are stored.
pub(super) fn ingest(image: &Image, spec: &TopicSpec) -> Result<Arc<Vec<ResolvedTransform>>, Rejection> {
    let transforms = spec.ingest.as_ref().map_or(&[][..], |ingest| &ingest.transforms);
    resolve(
        image,
        transforms,
        TransformPlace::Ingest,
        "spec.ingest.transforms",
    )
    .map(Arc::new)
}

/// Finds the version of every transform and checks that it fits.
pub(super) fn resolve(
    image: &Image,
    transforms: &[Transform],
    place: TransformPlace,
    field: &str,
) -> Result<Vec<ResolvedTransform>, Rejection> {
    let resolve = |(at, transform)| resolve_one(image, transform, place, &format!("{field}[{at}]"));
    transforms.iter().enumerate().map(resolve).collect()
}

fn resolve_one(
    image: &Image,
    transform: &Transform,
    place: TransformPlace,
    field: &str,
) -> Result<ResolvedTransform, Rejection> {
    let refuse = |name: &str, message: String| {
        let field = format!("{field}.{name}");
        Rejection::new(Reason::InvalidTransform, format!("{field}: {message}")).at(field)
    };
    let module = find(image, &transform.module).map_err(|message| refuse("module", message))?;
    let version = match &transform.version {
        Some(prefix) => named_version(module, prefix).map_err(|message| refuse("version", message))?,
        None => module
            .current()
            .ok_or_else(|| refuse("module", no_wasm(module)))?,
    };
    place
        .check(version.kind)
        .map_err(|message| refuse("module", format!("SmartModule `{}`: {message}", module.name)))?;
    if transform.look_back.is_some() && !version.look_back {
        let message = format!("SmartModule `{}` does not look back: remove it", module.name);
        return Err(refuse("lookBack", message));
    }
    let params = resolve_params(&version.params, &transform.params).map_err(|error| {
        let message = format!("SmartModule `{}`: {}", module.name, error.problem);
        refuse(&format!("params.{}", error.name), message)
    })?;
    Ok(ResolvedTransform {
        module: module.name.clone(),
        digest: version.digest,
        params,
        on_error: transform.on_error,
        look_back: transform.look_back,
        limits: module.spec.limits.unwrap_or_default(),
        grants: module.spec.grants,
    })
}

fn find<'a>(image: &'a Image, name: &str) -> Result<&'a Arc<SmartModuleImage>, String> {
    image.smart_module(name).ok_or_else(|| {
        let mend = match nearest(name, image.smart_modules().map(|module| module.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "load it with `tidemill smartmodule load {} FILE`",
                name.escape_debug()
            ),
        };
        format!("there is no SmartModule `{}`: {mend}", name.escape_debug())
    })
}

fn no_wasm(module: &SmartModuleImage) -> String {
    let name = &module.name;
    format!("SmartModule `{name}` has no wasm yet: load it with `tidemill smartmodule load {name} FILE`")
}

/// The one version whose digest begins so.
pub(super) fn named_version<'a>(
    module: &'a SmartModuleImage,
    prefix: &'a str,
) -> Result<&'a Arc<ModuleVersion>, String> {
    let mut matching = module.matching(prefix);
    let (name, shown) = (&module.name, prefix.escape_debug());
    match (matching.next(), matching.next()) {
        (Some(version), None) => Ok(version),
        (Some(_), Some(_)) => Err(format!(
            "several versions of SmartModule `{name}` begin with `{shown}`: write more digits"
        )),
        (None, _) if module.versions.is_empty() => Err(no_wasm(module)),
        (None, _) => {
            let versions = module.versions.iter().rev();
            let known: Vec<String> = versions.map(|version| version.digest.short()).collect();
            let known = known.join(", ");
            Err(format!(
                "SmartModule `{name}` has no version `{shown}`: use one of {known}"
            ))
        }
    }
}

/// Resolves everything anew that uses a module, after it changed.
///
/// # Errors
/// What uses it could not work any more.
pub(super) fn refresh_users(image: &mut Image, module: &str) -> Result<(), Rejection> {
    let using = image.topics().filter(|topic| topic.uses_module(module));
    let topics: Vec<Arc<TopicImage>> = using.cloned().collect();
    for before in topics {
        let ingest =
            ingest(image, &before.spec).map_err(|error| breaks(&error, module, "Topic", &before.name))?;
        let mut after = TopicImage::clone(&before);
        after.ingest = ingest;
        topic::store(image, after, Change::Updated);
    }
    let using = image.views().filter(|view| view.uses_module(module));
    let views = using.map(|view| view.name.clone()).collect();
    refresh_views(image, views).map_err(|(error, view)| breaks(&error, module, "View", &view))
}

/// Resolves the views that read a view anew, after it changed.
///
/// # Errors
/// One of them could not work any more.
pub(super) fn refresh_readers(image: &mut Image, source: &str) -> Result<(), Rejection> {
    let readers = names_of_readers(image, source);
    refresh_views(image, readers).map_err(|(error, view)| {
        let message = format!(
            "View/{view} reads view `{source}` and could not any more: {}",
            error.message
        );
        Rejection::new(error.reason, message)
    })
}

fn names_of_readers(image: &Image, source: &str) -> VecDeque<String> {
    let readers = image.views().filter(|view| view.spec.source == source);
    readers.map(|view| view.name.clone()).collect()
}

fn breaks(error: &Rejection, module: &str, kind: &str, user: &str) -> Rejection {
    let message = format!(
        "{kind}/{user} uses SmartModule `{module}` and would not work any more: {}",
        error.message
    );
    Rejection::new(Reason::InUse, message)
}

/// Resolves views anew, and those that read them, until nothing changes. Ends since no view reads itself.
fn refresh_views(image: &mut Image, mut names: VecDeque<String>) -> Result<(), (Rejection, String)> {
    while let Some(name) = names.pop_front() {
        let Some(before) = image.view(&name).cloned() else {
            continue;
        };
        let source = view::resolve(image, &name, &before.spec).map_err(|error| (error, name.clone()))?;
        let mut after = ViewImage::clone(&before);
        after.take(source);
        if after != *before {
            view::store(image, after, Change::Updated);
            names.extend(names_of_readers(image, &name));
        }
    }
    Ok(())
}

/// Refuses when a view reads this topic or view.
pub(super) fn check_unread(image: &Image, what: &str, name: &str) -> Result<(), Rejection> {
    let readers = image.readers_of(name);
    if readers.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the {what} `{name}` is read by {}: delete those first",
        listed(&readers)
    );
    Err(Rejection::new(Reason::InUse, message))
}

/// The first ten, and how many more.
pub(super) fn listed(users: &[String]) -> String {
    let first = users.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    match users.len().saturating_sub(10) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
