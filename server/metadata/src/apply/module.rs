//! Commands on SmartModules.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidemill_resource::{
    Condition, ModuleDigest, ModuleVersion, ObjectMeta, ResourceVersion, SmartModuleSpec, check_module_name,
    nearest,
};
use uuid::Uuid;

use super::attach::{self, wrong_field};
use super::topic::check_labels;
use crate::KEPT_VERSIONS;
use crate::command::Command;
use crate::event::Change;
use crate::image::Image;
use crate::module_image::SmartModuleImage;
use crate::propose::Reply;
use crate::rejection::{Reason, Rejection};

pub(super) fn put(image: &mut Image, command: &Command) -> Result<Reply, Rejection> {
    let Command::PutSmartModule {
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
    let mut module = open(image, name, *seen)?.map_or_else(|| new(image, name, *id, *at_ms), Ok)?;
    module.meta.labels.clone_from(labels);
    module.meta.annotations.clone_from(annotations);
    module.spec.clone_from(spec);
    if let Some(prefix) = &spec.version {
        attach::named_version(&module, prefix).map_err(|message| {
            let message = format!("spec.version: {message}");
            Rejection::new(Reason::InvalidTransform, message).at("spec.version")
        })?;
    }
    store_and_refresh(image, module)
}

pub(super) fn load(image: &mut Image, command: &Command) -> Result<Reply, Rejection> {
    let Command::LoadSmartModule {
        name,
        id,
        version,
        description,
        seen,
        at_ms,
    } = command
    else {
        return Ok(Reply::Done);
    };
    let mut module = open(image, name, *seen)?.map_or_else(|| new(image, name, *id, *at_ms), Ok)?;
    if let Some(description) = description {
        module.spec.description = Some(description.clone());
        module.spec.check().map_err(wrong_field)?;
    }
    // What was just loaded is what shall run, whatever was pinned before.
    module.spec.version = None;
    match module
        .versions
        .iter()
        .position(|known| known.digest == version.digest)
    {
        Some(known) => {
            let known = module.versions.remove(known);
            module.versions.push(known);
        }
        None => module.versions.push(Arc::new(version.clone())),
    }
    store_and_refresh(image, module)?;
    forget_versions(image, name)
}

/// Drops the oldest versions that nothing uses, where there are many.
fn forget_versions(image: &mut Image, name: &str) -> Result<Reply, Rejection> {
    let Some(module) = image.smart_module(name) else {
        return Err(unknown(image, name));
    };
    let mut surplus = module.versions.len().saturating_sub(KEPT_VERSIONS);
    if surplus == 0 {
        return Ok(Reply::SmartModule(module.clone()));
    }
    let in_use = versions_in_use(image, name);
    let mut module = SmartModuleImage::clone(module);
    let current = module.current().map(|version| version.digest);
    module.versions.retain(|version| {
        let goes = surplus > 0 && Some(version.digest) != current && !in_use.contains(&version.digest);
        surplus -= usize::from(goes);
        !goes
    });
    Ok(store(image, module))
}

fn versions_in_use(image: &Image, name: &str) -> BTreeSet<ModuleDigest> {
    let ingests = image.topics().map(|topic| &topic.ingest);
    let chains = ingests.chain(image.views().map(|view| &view.chain));
    let transforms = chains.flat_map(|chain| chain.iter());
    let of_module = transforms.filter(|transform| transform.module == name);
    of_module.map(|transform| transform.digest).collect()
}

pub(super) fn delete(image: &mut Image, name: &str, seen: Option<u64>) -> Result<Reply, Rejection> {
    let Some(module) = open(image, name, seen)? else {
        return Err(unknown(image, name));
    };
    let users = image.users_of_module(name);
    if !users.is_empty() {
        let users = attach::listed(&users);
        let message = format!("the SmartModule `{name}` is used by {users}: take it out there first");
        return Err(Rejection::new(Reason::InUse, message));
    }
    image.remove_module(&Arc::new(module));
    Ok(Reply::Done)
}

pub(super) fn set_status(
    image: &mut Image,
    id: Uuid,
    used_by: &[String],
    conditions: &[Condition],
) -> Result<Reply, Rejection> {
    let Some(module) = image.smart_modules().find(|module| module.id == id) else {
        let message = format!("there is no SmartModule of id {id}: it was deleted meanwhile");
        return Err(Rejection::new(Reason::UnknownSmartModule, message));
    };
    let mut module = SmartModuleImage::clone(module);
    module.used_by = used_by.to_vec();
    module.conditions = conditions.to_vec();
    Ok(store(image, module))
}

fn new(image: &Image, name: &str, id: Uuid, at_ms: i64) -> Result<SmartModuleImage, Rejection> {
    check_module_name(name)
        .map_err(|message| Rejection::new(Reason::InvalidName, message).at("metadata.name"))?;
    if id.is_nil() || image.smart_modules().any(|module| module.id == id) {
        let message = format!("the id {id} was used before: make a random one");
        return Err(Rejection::new(Reason::InvalidRequest, message).at("metadata.uid"));
    }
    let mut meta = ObjectMeta::named(name);
    meta.uid = Some(id);
    meta.generation = 1;
    meta.set_created_ms(at_ms);
    Ok(SmartModuleImage {
        id,
        name: name.to_owned(),
        meta,
        spec: SmartModuleSpec::default(),
        versions: Vec::<Arc<ModuleVersion>>::new(),
        used_by: Vec::new(),
        conditions: Vec::new(),
    })
}

/// A copy of the module if there is one, once it is sure that the caller may change it.
fn open(image: &Image, name: &str, seen: Option<u64>) -> Result<Option<SmartModuleImage>, Rejection> {
    let module = image.smart_module(name);
    let current = module.map_or(0, |module| module.meta.resource_version.0);
    check_seen("SmartModule", name, seen, current)?;
    Ok(module.map(|module| SmartModuleImage::clone(module)))
}

/// Refuses a change by somebody who saw another state. Version 0 is that of what does not exist.
pub(super) fn check_seen(kind: &str, name: &str, seen: Option<u64>, current: u64) -> Result<(), Rejection> {
    let Some(seen) = seen.filter(|seen| *seen != current) else {
        return Ok(());
    };
    let message = match (seen, current) {
        (0, _) => format!("the {kind} `{name}` exists already: read it again and repeat the change"),
        (_, 0) => format!("the {kind} `{name}` does not exist any more: read again and repeat the change"),
        _ => format!(
            "the {kind} `{name}` is at resource version {current}, not {seen}: read it again and repeat the change"
        ),
    };
    Err(Rejection::new(Reason::VersionConflict { current }, message).at("metadata.resourceVersion"))
}

fn unknown(image: &Image, name: &str) -> Rejection {
    let shown = name.escape_debug();
    let mend = match nearest(name, image.smart_modules().map(|module| module.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "list those there are".to_owned(),
    };
    let message = format!("there is no SmartModule `{shown}`: {mend}");
    Rejection::new(Reason::UnknownSmartModule, message)
}

fn store_and_refresh(image: &mut Image, module: SmartModuleImage) -> Result<Reply, Rejection> {
    let name = module.name.clone();
    let reply = store(image, module);
    attach::refresh_users(image, &name)?;
    Ok(reply)
}

/// Puts a changed module into the image, with its versions moved on. One that did not change is left alone.
fn store(image: &mut Image, mut module: SmartModuleImage) -> Reply {
    let before = image.smart_module(&module.name);
    let change = if before.is_some() {
        Change::Updated
    } else {
        Change::Created
    };
    if let Some(before) = before {
        if **before == module {
            return Reply::SmartModule(before.clone());
        }
        if before.spec != module.spec {
            module.meta.generation += 1;
        }
    }
    module.meta.resource_version = ResourceVersion(image.version);
    let module = Arc::new(module);
    image.put_module(module.clone(), change);
    Reply::SmartModule(module)
}
