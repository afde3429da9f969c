//! Documents given with `-f`: files, directories, standard input.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::error::Failure;

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Where the documents are.
#[derive(Args, Debug, Clone)]
pub(crate) struct Documents {
    /// A file of YAML or JSON documents, a directory of such files, or - for standard input; may be given again
    #[arg(long = "file", short = 'f', value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
}

impl Documents {
    /// Reads them all into one stream of documents, in the order given; a directory's files in order of name.
    pub(crate) fn read(&self) -> Result<String> {
        let text = read(&self.files)?;
        let says_something = |line: &str| !(line.is_empty() || line.starts_with('#') || line == "---");
        if !text.lines().map(str::trim).any(says_something) {
            let names: Vec<String> = self.files.iter().map(|path| path.display().to_string()).collect();
            bail!(Failure::usage(format!(
                "there is no document in {}: write one, or name another file",
                names.join(", ")
            )));
        }
        Ok(text)
    }
}

/// As [`Documents::read`].
pub(crate) fn read(paths: &[PathBuf]) -> Result<String> {
    let mut parts = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("cannot read standard input")?;
            parts.push(text);
        } else if path.is_dir() {
            for file in files_of(path)? {
                parts.push(text_of(&file)?);
            }
        } else {
            parts.push(text_of(path)?);
        }
    }
    Ok(parts.join("\n---\n"))
}

fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(dir).with_context(|| format!("cannot read directory {}", dir.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read directory {}", dir.display()))?
            .path();
        let ending = path.extension().unwrap_or_default();
        if path.is_file() && ENDINGS.iter().any(|known| ending == *known) {
            files.push(path);
        }
    }
    if files.is_empty() {
        let message = format!("directory {} has no .yaml, .yml or .json files", dir.display());
        bail!(Failure::usage(message));
    }
    files.sort();
    Ok(files)
}

fn text_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
