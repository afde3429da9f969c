//! From what a user declares to the command that makes it so, with the exact difference.

use serde::Serialize;
use serde_json::{Value, json};
use tidemill_env::Env;
use tidemill_metadata::{Command, Image, Reply, TopicKey};
use tidemill_resource::diff::{Change, declared, diff};
use tidemill_resource::document::Declared;
use tidemill_resource::{Object, ObjectMeta, SmartModuleSpec, Spec, TopicSpec, ViewSpec};
use utoipa::ToSchema;
use uuid::Uuid;

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// It is new.
    Created,
    /// It changes.
    Updated,
    /// It is so already.
    Unchanged,
}

/// What is to be done for one object.
pub(super) struct Declaration {
    pub(super) action: Action,
    pub(super) changes: Vec<Change>,
    /// The command; for an unchanged object too, so that its preconditions are checked.
    pub(super) command: Command,
}

impl Declaration {
    /// The difference of what is wanted to what is there, and the command that makes it.
    fn new<S: Serialize>(
        before: Option<(&ObjectMeta, &S)>,
        after: (&ObjectMeta, &S),
        command: Command,
    ) -> Self {
        let is_new = before.is_none();
        let nothing = json!({"metadata": {}, "spec": {}});
        let before: Value = before.map_or(nothing, |(metadata, spec)| declared(metadata, spec));
        let changes = diff(&before, &declared(after.0, after.1));
        let action = match (is_new, changes.is_empty()) {
            (true, _) => Action::Created,
            (false, true) => Action::Unchanged,
            (false, false) => Action::Updated,
        };
        Self {
            action,
            changes,
            command,
        }
    }
}

/// A kind that users write.
pub(super) trait Stored: Spec + Serialize + Sized {
    /// What it is called in messages.
    const WORD: &'static str;

    /// Every object, by name; `internal`: those of the server itself, too.
    fn all(image: &Image, internal: bool) -> Vec<Object<Self>>;

    /// The object of this name.
    fn find(image: &Image, name: &str) -> Option<Object<Self>>;

    /// The names of all objects.
    fn names(image: &Image) -> impl Iterator<Item = &str>;

    /// Compares an object with what is there. `seen` is the resource version that the caller has seen (0: none), if it
    /// is to be checked.
    fn declare(image: &Image, env: &Env, wanted: &Object<Self>, seen: Option<u64>) -> Declaration;

    /// The command that deletes an object.
    fn deletion(metadata: &ObjectMeta, seen: Option<u64>, at_ms: i64) -> Command;

    /// The object in a document.
    fn of_declared(declared: Declared) -> Option<Object<Self>>;

    /// The object in an answer of the metadata.
    fn of_reply(reply: &Reply) -> Option<Object<Self>>;
}

/// The object in an answer of the metadata, as JSON.
pub(super) fn shown(reply: &Reply) -> Option<Value> {
    let value = match reply {
        Reply::Topic(topic) => serde_json::to_value(topic.object()),
        Reply::SmartModule(module) => serde_json::to_value(module.object()),
        Reply::View(view) => serde_json::to_value(view.object()),
        _ => return None,
    };
    value.ok()
}

/// Compares a document with what is there. The command holds only for the state that is looked at.
pub(super) fn document(image: &Image, env: &Env, document: &Declared) -> Declaration {
    let seen = |version: Option<u64>| Some(version.unwrap_or(0));
    match document {
        Declared::Topic(topic) => {
            let current = image.topic(&topic.metadata.name);
            let version = current.map(|current| current.meta.resource_version.0);
            TopicSpec::declare(image, env, topic, version)
        }
        Declared::SmartModule(module) => {
            let current = image.smart_module(&module.metadata.name);
            let version = current.map(|current| current.meta.resource_version.0);
            SmartModuleSpec::declare(image, env, module, seen(version))
        }
        Declared::View(view) => {
            let current = image.view(&view.metadata.name);
            let version = current.map(|current| current.meta.resource_version.0);
            ViewSpec::declare(image, env, view, seen(version))
        }
    }
}

impl Stored for TopicSpec {
    const WORD: &'static str = "topic";

    fn all(image: &Image, internal: bool) -> Vec<Object<Self>> {
        let topics = image.topics().filter(|topic| internal || !topic.internal);
        topics.map(|topic| topic.object()).collect()
    }

    fn find(image: &Image, name: &str) -> Option<Object<Self>> {
        image.topic(name).map(|topic| topic.object())
    }

    fn names(image: &Image) -> impl Iterator<Item = &str> {
        image.topics().map(|topic| topic.name.as_str())
    }

    fn declare(image: &Image, env: &Env, wanted: &Object<Self>, seen: Option<u64>) -> Declaration {
        let metadata = &wanted.metadata;
        let current = image.topic(&metadata.name);
        let command = match current {
            None => Command::CreateTopic {
                name: metadata.name.clone(),
                id: Uuid::from_bytes(env.random.uuid_bytes()),
                spec: wanted.spec.clone(),
                labels: metadata.labels.clone(),
                annotations: metadata.annotations.clone(),
                assignments: None,
                internal: false,
                at_ms: env.clock.wall_ms(),
            },
            Some(current) => Command::UpdateTopic {
                topic: TopicKey {
                    name: metadata.name.clone(),
                    id: Some(current.id),
                    version: seen,
                },
                spec: wanted.spec.clone(),
                labels: metadata.labels.clone(),
                annotations: metadata.annotations.clone(),
            },
        };
        let before = current.map(|current| (&current.meta, &current.spec));
        Declaration::new(before, (metadata, &wanted.spec), command)
    }

    fn deletion(metadata: &ObjectMeta, seen: Option<u64>, at_ms: i64) -> Command {
        let topic = TopicKey {
            name: metadata.name.clone(),
            id: metadata.uid,
            version: seen,
        };
        Command::DeleteTopic { topic, at_ms }
    }

    fn of_declared(declared: Declared) -> Option<Object<Self>> {
        match declared {
            Declared::Topic(topic) => Some(topic),
            _ => None,
        }
    }

    fn of_reply(reply: &Reply) -> Option<Object<Self>> {
        match reply {
            Reply::Topic(topic) => Some(topic.object()),
            _ => None,
        }
    }
}

impl Stored for SmartModuleSpec {
    const WORD: &'static str = "SmartModule";

    fn all(image: &Image, _internal: bool) -> Vec<Object<Self>> {
        image.smart_modules().map(|module| module.object()).collect()
    }

    fn find(image: &Image, name: &str) -> Option<Object<Self>> {
        image.smart_module(name).map(|module| module.object())
    }

    fn names(image: &Image) -> impl Iterator<Item = &str> {
        image.smart_modules().map(|module| module.name.as_str())
    }

    fn declare(image: &Image, env: &Env, wanted: &Object<Self>, seen: Option<u64>) -> Declaration {
        let metadata = &wanted.metadata;
        let current = image.smart_module(&metadata.name);
        let command = Command::PutSmartModule {
            name: metadata.name.clone(),
            id: Uuid::from_bytes(env.random.uuid_bytes()),
            spec: wanted.spec.clone(),
            labels: metadata.labels.clone(),
            annotations: metadata.annotations.clone(),
            seen,
            at_ms: env.clock.wall_ms(),
        };
        let before = current.map(|current| (&current.meta, &current.spec));
        Declaration::new(before, (metadata, &wanted.spec), command)
    }

    fn deletion(metadata: &ObjectMeta, seen: Option<u64>, _at_ms: i64) -> Command {
        let name = metadata.name.clone();
        Command::DeleteSmartModule { name, seen }
    }

    fn of_declared(declared: Declared) -> Option<Object<Self>> {
        match declared {
            Declared::SmartModule(module) => Some(module),
            _ => None,
        }
    }

    fn of_reply(reply: &Reply) -> Option<Object<Self>> {
        match reply {
            Reply::SmartModule(module) => Some(module.object()),
            _ => None,
        }
    }
}

impl Stored for ViewSpec {
    const WORD: &'static str = "view";

    fn all(image: &Image, _internal: bool) -> Vec<Object<Self>> {
        image.views().map(|view| view.object()).collect()
    }

    fn find(image: &Image, name: &str) -> Option<Object<Self>> {
        image.view(name).map(|view| view.object())
    }

    fn names(image: &Image) -> impl Iterator<Item = &str> {
        image.views().map(|view| view.name.as_str())
    }

    fn declare(image: &Image, env: &Env, wanted: &Object<Self>, seen: Option<u64>) -> Declaration {
        let metadata = &wanted.metadata;
        let current = image.view(&metadata.name);
        let command = Command::PutView {
            name: metadata.name.clone(),
            id: Uuid::from_bytes(env.random.uuid_bytes()),
            spec: wanted.spec.clone(),
            labels: metadata.labels.clone(),
            annotations: metadata.annotations.clone(),
            seen,
            at_ms: env.clock.wall_ms(),
        };
        let before = current.map(|current| (&current.meta, &current.spec));
        Declaration::new(before, (metadata, &wanted.spec), command)
    }

    fn deletion(metadata: &ObjectMeta, seen: Option<u64>, _at_ms: i64) -> Command {
        Command::DeleteView {
            name: metadata.name.clone(),
            id: metadata.uid,
            seen,
        }
    }

    fn of_declared(declared: Declared) -> Option<Object<Self>> {
        match declared {
            Declared::View(view) => Some(view),
            _ => None,
        }
    }

    fn of_reply(reply: &Reply) -> Option<Object<Self>> {
        match reply {
            Reply::View(view) => Some(view.object()),
            _ => None,
        }
    }
}
