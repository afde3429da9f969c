//! Modules from files, and how they are attached here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;
use tidemill_smartengine::{
    Engine, EngineConfig, Grants, Limits, LogLine, LogSink, Module, Params, Setting, SmartModuleError,
};

use crate::error::Failure;
use crate::output;

/// Parameters and grants of the modules of a command.
#[derive(Args, Debug)]
pub(crate) struct Attached {
    /// A parameter, for every module that takes one of this name; may be given again
    #[arg(long = "param", short = 'e', value_name = "NAME=VALUE", value_parser = parameter)]
    params: Vec<(String, String)>,
    /// Let modules see the time of day
    #[arg(long)]
    allow_clock: bool,
    /// Let modules have random numbers
    #[arg(long)]
    allow_random: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is NAME=VALUE".to_owned()),
    }
}

/// Where compiled modules are kept: one with an interpreter in it takes half a minute to compile.
const CACHE: &str = "TIDEMILL_CACHE";

/// An engine for one command. Where nothing can be kept, it compiles anew each time.
pub(super) fn engine() -> Result<Engine> {
    let config = EngineConfig {
        cache: cache(),
        instances: 100,
        ..EngineConfig::default()
    };
    Ok(Engine::new(&config)?)
}

fn cache() -> Option<PathBuf> {
    let named = std::env::var_os(CACHE).filter(|value| !value.is_empty());
    let base = named.map_or_else(
        || dirs::cache_dir().map(|base| base.join("tidemill")),
        |named| std::path::absolute(named).ok(),
    );
    base.map(|base| base.join("smartmodules"))
        .filter(|dir| fs::create_dir_all(dir).is_ok())
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Failure::NOT_FOUND, format!("there is no file {}", path.display())).into()
        }
        _ => anyhow::Error::from(error).context(format!("cannot read {}", path.display())),
    })
}

/// Compiles a module; one that is none is the user's mistake.
pub(super) fn load(engine: &Engine, path: &Path) -> Result<Arc<Module>> {
    let wasm = read(path)?;
    engine.load(&wasm).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &SmartModuleError) -> anyhow::Error {
    let message = format!("{}: {error}", path.display());
    match error {
        SmartModuleError::Engine(_) => anyhow::Error::msg(message),
        _ => Failure::usage(message).into(),
    }
}

impl Attached {
    /// How each module is attached. A parameter that none of them takes is an error.
    pub(super) fn settings(&self, modules: &[Arc<Module>]) -> Result<Vec<Setting>> {
        let takes =
            |module: &Module, name: &str| module.description().params.iter().any(|param| param.name == name);
        let unknown = self
            .params
            .iter()
            .find(|(name, _)| !modules.iter().any(|module| takes(module, name)));
        if let (Some((name, _)), [module]) = (unknown, modules) {
            let params = Params::from_iter([(name.clone(), Value::Null)]);
            module
                .check_params(&params)
                .map_err(|error| Failure::usage(error.to_string()))?;
        }
        if let Some((name, _)) = unknown {
            return Err(Failure::usage(format!("no module of the chain takes a parameter `{name}`")).into());
        }
        let setting = |module: &Arc<Module>| Setting {
            params: self
                .params
                .iter()
                .filter(|(name, _)| takes(module, name))
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect(),
            limits: Limits::default(),
            grants: Grants {
                clock: self.allow_clock,
                random: self.allow_random,
            },
            place: "the command line".to_owned(),
            log: Arc::new(ToStandardError),
        };
        Ok(modules.iter().map(setting).collect())
    }
}

/// Shows what modules log.
struct ToStandardError;

impl LogSink for ToStandardError {
    fn lines(&self, lines: Vec<LogLine>, dropped: u64) {
        for line in lines {
            output::tell(format_args!("{}: {}", line.level.name(), line.text));
        }
        if dropped > 0 {
            output::tell(format_args!("{dropped} more lines in one call were dropped"));
        }
    }
}

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{} is not text (UTF-8)", path.display()))
}
