//! Reading documents: many in one YAML stream, or JSON (one object, a list, or one after the other).
//!
//! All documents are checked before any is used. Errors name the document, the object, the field and the mend.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::kind::Kind;
use crate::meta::ObjectMeta;
use crate::name::{check_annotations, check_label, check_module_name, check_topic_name};
use crate::object::API_VERSION;
use crate::smart_module::SmartModule;
use crate::strict::{FieldError, from_value};
use crate::suggest::nearest;
use crate::text::documents;
use crate::topic::Topic;
use crate::topic_config;
use crate::view::View;

/// An object that a user declared.
#[derive(Debug, Clone, PartialEq)]
pub enum Declared {
    /// A topic.
    Topic(Topic),
    /// A SmartModule.
    SmartModule(SmartModule),
    /// A view.
    View(View),
}

impl Declared {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Topic(topic) => topic.kind,
            Self::SmartModule(module) => module.kind,
            Self::View(view) => view.kind,
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Topic(topic) => &topic.metadata,
            Self::SmartModule(module) => &module.metadata,
            Self::View(view) => &view.metadata,
        }
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DocumentError {
    /// Which document, from 1. `None` when the text could not be split into documents.
    pub document: Option<usize>,
    /// The object's `kind`, if it has one.
    pub kind: Option<String>,
    /// The object's `metadata.name`, if it has one.
    pub name: Option<String>,
    /// The field and what is wrong with it.
    pub error: FieldError,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(document) = self.document {
            write!(f, "document {document}")?;
            match (&self.kind, &self.name) {
                (Some(kind), Some(name)) => write!(f, " ({kind} `{}`)", name.escape_debug())?,
                (Some(kind), None) => write!(f, " ({kind})")?,
                _ => {}
            }
            f.write_str(": ")?;
        }
        self.error.fmt(f)
    }
}

/// Reads every document of a text. Empty documents are skipped.
///
/// # Errors
/// Everything that is wrong, at most one error a document: syntax, unknown fields, illegal values, kinds that can
/// only be read, an object declared twice.
pub fn parse(text: &str) -> Result<Vec<Declared>, Vec<DocumentError>> {
    let values = split(text).map_err(|message| {
        vec![DocumentError {
            document: None,
            kind: None,
            name: None,
            error: FieldError::new("", message),
        }]
    })?;
    let mut seen: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    let mut objects = Vec::new();
    let mut errors = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let position = index + 1;
        let read = read(&value).and_then(|object| {
            let key = (object.kind(), object.metadata().name.clone());
            match seen.insert(key, position) {
                None => Ok(object),
                Some(first) => {
                    let message = format!("document {first} declares the same object: keep one of them");
                    Err(FieldError::new("metadata.name", message))
                }
            }
        });
        match read {
            Ok(object) => objects.push(object),
            Err(error) => errors.push(locate(position, &value, error)),
        }
    }
    if errors.is_empty() {
        Ok(objects)
    } else {
        Err(errors)
    }
}

fn locate(position: usize, value: &Value, error: FieldError) -> DocumentError {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    DocumentError {
        document: Some(position),
        kind: text("/kind"),
        name: text("/metadata/name"),
        error,
    }
}

/// Splits a text into documents; lists at the top count as their items.
fn split(text: &str) -> Result<Vec<Value>, String> {
    let items = documents(text)?.into_iter().flat_map(|document| match document {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        other => vec![other],
    });
    Ok(items.collect())
}

/// Reads a text that holds exactly one value, YAML or JSON.
///
/// # Errors
/// A sentence: neither YAML nor JSON, or more or less than one document.
pub fn value(text: &str) -> Result<Value, String> {
    let mut values = documents(text)?;
    values.retain(|value| !value.is_null());
    match values.as_mut_slice() {
        [one] => Ok(one.take()),
        many => Err(format!(
            "there are {} documents where one is expected: send one",
            many.len()
        )),
    }
}

/// Reads one object. `status` is dropped: only the server says what is. A missing `spec` is one of defaults.
///
/// # Errors
/// The first field that is wrong.
pub fn read(value: &Value) -> Result<Declared, FieldError> {
    let Some(fields) = value.as_object() else {
        return Err(FieldError::new(
            "",
            "expected an object with apiVersion, kind, metadata and spec",
        ));
    };
    let kind = check_envelope(value)?;
    let mut fields = fields.clone();
    fields.remove("status");
    fields
        .entry("spec")
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    let value = Value::Object(fields);
    let declared = match kind {
        Kind::SmartModule => Declared::SmartModule(from_value(&value)?),
        Kind::View => Declared::View(from_value(&value)?),
        // `check_envelope` let through only kinds that can be written.
        _ => Declared::Topic(from_value(&value)?),
    };
    check(&declared)?;
    Ok(declared)
}

fn check_envelope(value: &Value) -> Result<Kind, FieldError> {
    let text = |field: &str, example: &str| match value.get(field) {
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(FieldError::new(
            field,
            format!("expected a word, such as {example}"),
        )),
        None => {
            let near = value
                .as_object()
                .and_then(|fields| nearest(field, fields.keys().map(String::as_str)));
            let hint = near
                .map(|near| format!(" (in place of `{near}`?)"))
                .unwrap_or_default();
            Err(FieldError::new(
                field,
                format!("the field is missing: add `{field}: {example}`{hint}"),
            ))
        }
    };
    let version = text("apiVersion", API_VERSION)?;
    if version != API_VERSION {
        let message = format!("`{}` is not known: use {API_VERSION}", version.escape_debug());
        return Err(FieldError::new("apiVersion", message));
    }
    let name = text("kind", "Topic")?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    match kind {
        Some(kind) if kind.is_writable() => Ok(kind),
        Some(kind) => Err(FieldError::new(
            "kind",
            format!("a {kind} can only be read: remove the document"),
        )),
        None => {
            let writable = Kind::ALL.iter().filter(|kind| kind.is_writable());
            let known: Vec<&str> = writable.map(|kind| kind.name()).collect();
            let message = match nearest(name, known.iter().copied()) {
                Some(near) => format!("unknown kind: did you mean `{near}`?"),
                None => format!(
                    "unknown kind: the kinds that can be written are {}",
                    known.join(", ")
                ),
            };
            Err(FieldError::new("kind", message))
        }
    }
}

fn check(declared: &Declared) -> Result<(), FieldError> {
    let metadata = declared.metadata();
    let named = match declared {
        Declared::Topic(_) | Declared::View(_) => check_topic_name(&metadata.name),
        Declared::SmartModule(_) => check_module_name(&metadata.name),
    };
    named.map_err(|message| FieldError::new("metadata.name", message))?;
    for (key, value) in &metadata.labels {
        check_label(key, value).map_err(|message| FieldError::new("metadata.labels", message))?;
    }
    check_annotations(&metadata.annotations)
        .map_err(|message| FieldError::new("metadata.annotations", message))?;
    match declared {
        Declared::Topic(topic) => check_topic(topic),
        Declared::SmartModule(module) => module.spec.check(),
        Declared::View(view) => view.spec.check(),
    }
}

fn check_topic(topic: &Topic) -> Result<(), FieldError> {
    topic.spec.check_ingest()?;
    topic.spec.check_configs().map_err(|error| {
        let field = topic_config::find(&error.key).and_then(|key| key.spec_field);
        match field {
            Some(field) if !topic.spec.config.contains_key(&error.key) => {
                FieldError::new(format!("spec.{field}"), error.reason)
            }
            _ => FieldError::new(format!("spec.config[{:?}]", error.key), error.reason),
        }
    })
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
