//! `tidemill smartmodule load`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::{file, on_server};
use crate::args::Connection;
use crate::output::Output;

/// What to load.
#[derive(Args)]
pub(crate) struct Options {
    /// Its name on the server
    name: String,
    /// The WebAssembly file
    file: PathBuf,
    /// What it is for; what the module says of itself by default
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> Result<()> {
    let wasm = file::read(&options.file)?;
    crate::commands::run(load(options, wasm))
}

async fn load(options: Options, wasm: Vec<u8>) -> Result<()> {
    let objects = options.connection.objects().await?;
    let description = options.description.as_deref();
    let module = objects.load_module(&options.name, wasm, description).await?;
    let text = |pointer: &str| module.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
    options.connection.say(format_args!(
        "loaded SmartModule {}: a {}, version {}",
        options.name,
        text("/status/current/kind"),
        on_server::short(text("/status/current/digest")),
    ));
    options.output.done(&module)
}
