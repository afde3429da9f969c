//! `tidemill smartmodule generate`.

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;

use crate::error::Failure;
use crate::output::{Output, tell};
use crate::templates::{self, Project, Rendered, Template};

const EXPLAINED: &str = "\
The project has a module that works, tests, sample records and a README. `cargo generate` makes the same one of a folder of
smartmodule-templates. On a terminal it asks for what was not given.

Examples:
  tidemill smartmodule generate errors-only --lang rust --kind filter
  cd errors-only && tidemill smartmodule build";

/// Other names of languages.
const ALIASES: &[(&str, &str)] = &[
    ("javascript", "js"),
    ("typescript", "ts"),
    ("python", "py"),
    ("ruby", "rb"),
    ("rust", "rs"),
];

/// Which project to make.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// Its name: small letters, digits and hyphens
    name: Option<String>,
    /// The language of the module
    #[arg(long, short, value_parser = languages())]
    lang: Option<String>,
    /// What the module does with records; every template offers `filter`
    #[arg(long, short)]
    kind: Option<String>,
    /// The folder in which the project gets a folder of its own
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    path: PathBuf,
    /// The folder of the language's SDK, to use in the place of the published one
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn languages() -> PossibleValuesParser {
    let value = |language: &'static str| {
        let aliases = ALIASES.iter().filter(move |(name, _)| *name == language);
        PossibleValue::new(language).aliases(aliases.map(|(_, alias)| *alias))
    };
    PossibleValuesParser::new(templates::languages().into_iter().map(value))
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let language = match &options.lang {
        Some(language) => aliased(language).to_owned(),
        None => choose("--lang", "language", &templates::languages())?,
    };
    let template = Template::of(&language)?;
    let kind = kind(options, &language, &template)?;
    let name = match &options.name {
        Some(name) => name.clone(),
        None => ask("the name of the project", "Name")?,
    };
    check_name(&name)?;
    let sdk = sdk(options, &language, &template)?;
    let project = Project {
        name: &name,
        kind: &kind,
        sdk: sdk.as_deref(),
    };
    let files = template.render(&project)?;
    let dir = options.path.join(&name);
    write(&dir, &files)?;
    tell(format_args!(
        "{} is a module of kind {kind} in {language}; its README.md says what to do next. To build it:\n  \
         tidemill smartmodule build {}",
        dir.display(),
        dir.display()
    ));
    options.output.done(&json!({
        "path": dir,
        "name": name,
        "language": language,
        "kind": kind,
        "files": files.iter().map(|(path, _)| path).collect::<Vec<_>>(),
    }))
}

/// The language that a word means: clap lets aliases pass as they were typed.
fn aliased(word: &str) -> &str {
    ALIASES
        .iter()
        .find(|(_, alias)| *alias == word)
        .map_or(word, |(name, _)| *name)
}

fn kind(options: &Options, language: &str, template: &Template) -> Result<String> {
    let kinds: Vec<&str> = template.kinds().iter().map(String::as_str).collect();
    let Some(kind) = &options.kind else {
        return choose("--kind", "kind", &kinds);
    };
    let kind = kind.replace('-', "_");
    if kinds.contains(&kind.as_str()) {
        return Ok(kind);
    }
    Err(Failure::usage(format!(
        "the template for {language} has no kind `{kind}`; it has {}",
        kinds.join(", ")
    ))
    .into())
}

/// Names that cargo-generate, cargo, npm, Go and Python all take as they are.
fn check_name(name: &str) -> Result<()> {
    let word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('-').all(word) && name.len() <= 63 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "a project cannot be called `{name}`: a name is up to 63 small letters and digits, begins with a letter, and may have \
         single hyphens between them, such as `errors-only`"
    ))
    .into())
}

/// The SDK's folder, as a path that holds from anywhere.
fn sdk(options: &Options, language: &str, template: &Template) -> Result<Option<PathBuf>> {
    let Some(path) = &options.sdk_path else {
        return Ok(None);
    };
    if !template.takes_sdk() {
        return Err(Failure::usage(format!(
            "--sdk-path says nothing to a project in {language}, which carries its SDK with it: leave it out"
        ))
        .into());
    }
    if !path.is_dir() {
        let message = format!("there is no folder {} for --sdk-path", path.display());
        return Err(Failure::new(Failure::NOT_FOUND, message).into());
    }
    let path = path
        .canonicalize()
        .with_context(|| format!("cannot tell where {} is", path.display()))?;
    Ok(Some(path))
}

fn write(dir: &Path, files: &[Rendered]) -> Result<()> {
    let taken = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file();
    if taken {
        let message = format!(
            "{} is there already and is not empty: choose another name, or another folder with --path",
            dir.display()
        );
        return Err(Failure::new(Failure::CONFLICT, message).into());
    }
    for (path, content) in files {
        let path = dir.join(path);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Has somebody choose, by name or by number.
fn choose(option: &str, what: &str, choices: &[&str]) -> Result<String> {
    let listed: Vec<String> = (1..)
        .zip(choices)
        .map(|(number, choice)| format!("{number} {choice}"))
        .collect();
    let missing = format!("{option}, one of {}", choices.join(", "));
    loop {
        let answer = ask(&missing, &format!("Which {what}? ({})", listed.join(", ")))?;
        let by_number = answer
            .parse::<usize>()
            .ok()
            .and_then(|number| choices.get(number.checked_sub(1)?));
        let chosen = by_number.or_else(|| choices.iter().find(|choice| **choice == aliased(&answer)));
        if let Some(chosen) = chosen {
            return Ok((*chosen).to_owned());
        }
        tell(format_args!("`{answer}` is none of them"));
    }
}

/// Asks for a line. Where nobody sits at a terminal, what is missing is an error.
fn ask(missing: &str, question: &str) -> Result<String> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(format!("nobody is there to be asked; give {missing}")).into());
    }
    let mut out = io::stderr().lock();
    write!(out, "{question} ").and_then(|()| out.flush())?;
    drop(out);
    let mut line = String::new();
    let read = io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read the answer")?;
    if read == 0 {
        return Err(Failure::usage(format!("the input ended; give {missing}")).into());
    }
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_those_that_every_tool_chain_takes() {
        for good in ["a", "errors-only", "v2-x1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2a",
            "A",
            "a_b",
            "a--b",
            "-a",
            "a-",
            "a b",
            "../a",
            "ä",
            &"a".repeat(64),
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
