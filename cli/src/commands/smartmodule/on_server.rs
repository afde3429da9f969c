//! SmartModules of a server: `tidemill smartmodule list|delete|rollback`, and how one is described.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::Objects;
use tidemill_resource::Kind;

use super::describe::{parameters, rows};
use crate::args::Connection;
use crate::error::Failure;
use crate::output::{Output, table};

/// Digits of a digest that people are shown.
const SHOWN: usize = 12;

/// The beginning of a digest, for people.
pub(super) fn short(digest: &str) -> &str {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    digits.get(..SHOWN).unwrap_or(digits)
}

fn plural() -> &'static str {
    Kind::SmartModule.plural()
}

/// Which modules to list.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn list(options: List) -> Result<()> {
    let modules = options.connection.objects().await?.list(plural()).await?;
    let row = |module: &Value| {
        let part = |pointer: &str| module.pointer(pointer).cloned().unwrap_or(Value::Null);
        let users = module.pointer("/status/usedBy").and_then(Value::as_array);
        json!({
            "name": part("/metadata/name"),
            "kind": part("/status/current/kind"),
            "language": part("/status/current/language"),
            "size": part("/status/current/size"),
            "version": part("/status/current/digest").as_str().map(short),
            "versions": module.pointer("/status/versions").and_then(Value::as_array).map(Vec::len),
            "usedBy": users.map_or(0, Vec::len),
            "ready": part("/status/conditions/0/status"),
            "description": part("/spec/description").as_str().or(part("/status/current/description").as_str()),
        })
    };
    let listed: Vec<Value> = modules.iter().map(row).collect();
    options.output.list(
        &listed,
        &[
            ("NAME", "/name"),
            ("KIND", "/kind"),
            ("LANGUAGE", "/language"),
            ("SIZE", "/size"),
            ("VERSION", "/version"),
            ("VERSIONS", "/versions"),
            ("USED BY", "/usedBy"),
            ("READY", "/ready"),
            ("DESCRIPTION", "/description"),
        ],
    )
}

/// Describes a module of the server.
pub(super) async fn describe(name: &str, output: &Output, connection: &Connection) -> Result<()> {
    let module = connection.objects().await?.get(plural(), name).await?;
    output.one(&module, people)
}

fn people(module: &Value) -> String {
    let text = |pointer: &str| module.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let description = match text("/spec/description") {
        "-" => text("/status/current/description"),
        given => given,
    };
    let users = module.pointer("/status/usedBy").and_then(Value::as_array);
    let users: Vec<&str> = users.into_iter().flatten().filter_map(Value::as_str).collect();
    let said = format!(
        "{} {}",
        text("/status/current/title"),
        text("/status/current/release")
    );
    let mut out = rows(&[
        ("name", text("/metadata/name")),
        ("kind", text("/status/current/kind")),
        ("description", description),
        ("calls itself", &said),
        ("language", text("/status/current/language")),
        ("built with", text("/status/current/sdk")),
        ("size", text("/status/current/size")),
        ("form", text("/status/current/carrier")),
        ("version", text("/status/current/digest")),
        ("used by", &users.join(", ")),
        ("ready", text("/status/conditions/0/status")),
        ("", text("/status/conditions/0/message")),
    ]);
    for (word, pointer) in [("limits", "/spec/limits"), ("grants", "/spec/grants")] {
        if let Some(given) = module.pointer(pointer) {
            let _ = write!(out, "{}", rows(&[(word, given.to_string().as_str())]));
        }
    }
    out.push_str(&parameters(module.pointer("/status/current/params")));
    let versions = module.pointer("/status/versions").and_then(Value::as_array);
    let columns = [
        ("VERSION", "/digest"),
        ("KIND", "/kind"),
        ("SIZE", "/size"),
        ("LOADED", "/createdAt"),
    ];
    let _ = write!(
        out,
        "\n\n{}",
        table(versions.map_or(&[], Vec::as_slice), &columns)
    );
    out
}

/// Which modules to delete.
#[derive(Args)]
pub(crate) struct Delete {
    /// Their names on the server
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn delete(options: Delete) -> Result<()> {
    let objects = options.connection.objects().await?;
    let mut done = Vec::with_capacity(options.names.len());
    for name in &options.names {
        objects.delete(plural(), name).await?;
        options.connection.say(format_args!("deleted SmartModule {name}"));
        done.push(json!({"name": name, "deleted": true}));
    }
    options.output.done(&Value::Array(done))
}

/// Which module goes back to a former version.
#[derive(Args)]
pub(crate) struct Rollback {
    /// Its name on the server
    name: String,
    /// The digest of the version, or its beginning; the one loaded before the current one by default
    #[arg(long, value_name = "DIGEST")]
    to: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn rollback(options: Rollback) -> Result<()> {
    let objects = options.connection.objects().await?;
    let version = match &options.to {
        Some(version) => version.clone(),
        None => version_before(&objects, &options.name).await?,
    };
    let patch = json!({"spec": {"version": version}});
    let module = objects.patch(plural(), &options.name, &patch).await?;
    let digest = module.pointer("/status/current/digest").and_then(Value::as_str);
    options.connection.say(format_args!(
        "SmartModule {} runs version {} now",
        options.name,
        short(digest.unwrap_or("?")),
    ));
    options.output.done(&module)
}

/// The version that was loaded before the current one.
async fn version_before(objects: &Objects, name: &str) -> Result<String> {
    let module = objects.get(plural(), name).await?;
    let current = module.pointer("/status/current/digest");
    let versions = module.pointer("/status/versions").and_then(Value::as_array);
    let digests = versions
        .into_iter()
        .flatten()
        .map(|version| version.get("digest"));
    let before = digests.skip_while(|digest| *digest != current).nth(1).flatten();
    match before.and_then(Value::as_str) {
        Some(digest) => Ok(digest.to_owned()),
        None => {
            let message = format!(
                "SmartModule {name} has no version that was loaded before the current one: name one with --to, see \
                 `tidemill smartmodule describe {name}`"
            );
            Err(Failure::new(Failure::NOT_FOUND, message).into())
        }
    }
}
