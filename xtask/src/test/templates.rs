//! The templates of SmartModules: a project of each is made, tested, built, and run on its samples by the real program.
//!
//! The modules of all languages do the same to the same samples, so one table says what has to come out. Where cargo-generate
//! is there, its projects have to be ours, file by file.

mod cargo_generate;
mod recipe;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Outcome;
use super::modules::{self, Came};
use crate::{process, workspace};
use recipe::{RECIPES, Recipe};

/// Each kind, and what comes of its samples: the values, and why records are refused.
type Expected = (&'static str, &'static [&'static str], &'static [&'static str]);

const EXPECTED: &[Expected] = &[
    ("filter", &["an error: the disk is full", "another error"], &[]),
    ("map", &["ONE", "TWO", "THREE 3"], &[]),
    ("filter_map", &["42", "-8"], &[]),
    ("flat_map", &["to", "be", "or", "not", "to", "be"], &[]),
    (
        "validate",
        &["50", "0"],
        &["101 is not from 0 to 100", "`many` is not a whole number"],
    ),
    ("aggregate", &["1", "21", "-279"], &[]),
    ("join", &["order of a lamp Ada"], &[]),
];

/// `cargo xtask test --suite templates`: the kinds that a recipe names, which are not all where building takes long.
pub(super) fn run() -> Result<Outcome> {
    suite("templates", |recipe, kind| {
        recipe.quick.is_none_or(|quick| quick == kind)
    })
}

/// `cargo xtask test --suite templates-full`: every kind of every language.
pub(super) fn run_full() -> Result<Outcome> {
    suite("templates-full", |_, _| true)
}

fn suite(name: &str, wanted: fn(&Recipe, &str) -> bool) -> Result<Outcome> {
    let mut outcome = Outcome {
        suite: name.to_owned(),
        ..Outcome::default()
    };
    let languages = languages()?;
    let scratch = workspace::target().join(name);
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    outcome.case("every language has the same samples", same_samples(&languages));
    for language in &languages {
        let Some(recipe) = RECIPES.iter().find(|recipe| recipe.language == language) else {
            outcome.case(
                language,
                Err(anyhow::anyhow!("the suite does not know how it is tested")),
            );
            continue;
        };
        let begun = Instant::now();
        for expected in EXPECTED.iter().filter(|(kind, ..)| wanted(recipe, kind)) {
            let label = format!("{language} {}", expected.0);
            outcome.case(&label, project(&scratch, recipe, expected));
        }
        println!("{name}: {language} took {:.1} s", begun.elapsed().as_secs_f64());
    }
    cargo_generate::compare(&mut outcome, &scratch, &languages)?;
    Ok(outcome)
}

/// The languages that have a template.
fn languages() -> Result<Vec<String>> {
    let dir = workspace::root().join("smartmodule-templates");
    let mut languages = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        if entry.path().join("cargo-generate.toml").is_file() {
            languages.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    languages.sort();
    ensure!(languages.len() > 1, "there are no templates in {}", dir.display());
    Ok(languages)
}

fn same_samples(languages: &[String]) -> Result<()> {
    let samples = |language: &str| {
        let file = workspace::root().join(format!("smartmodule-templates/{language}/samples.jsonl"));
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    let first = samples("rust")?;
    for language in languages {
        ensure!(
            samples(language)? == first,
            "those of {language} are not those of rust"
        );
    }
    Ok(())
}

/// Makes a project, and does with it what its README says.
fn project(scratch: &Path, recipe: &Recipe, expected: &Expected) -> Result<()> {
    let (kind, values, refused) = expected;
    let dir = generate(scratch, recipe, kind)?;
    recipe.prepare(&dir)?;
    for command in recipe.tests {
        let mut tests = recipe.command(&dir, command[0]);
        process::run(tests.args(&command[1..])).context("its own tests fail")?;
    }
    let wasm = build(&dir, recipe, kind)?;
    modules::conform(&wasm)?;
    let samples = |command: &mut Command| {
        command
            .arg("--records")
            .arg(dir.join("samples.jsonl"))
            .arg("--json-lines");
    };
    modules::try_out(&wasm, samples, &Came::of(values, refused))
}

/// The folder of a project that the command line made.
fn generate(scratch: &Path, recipe: &Recipe, kind: &str) -> Result<PathBuf> {
    let name = name_of(recipe.language, kind);
    let mut generate = modules::tidemill("generate");
    generate.args([name.as_str(), "--lang", recipe.language, "--kind", kind, "--path"]);
    generate.arg(scratch);
    if let Some(sdk) = recipe.sdk {
        generate.arg("--sdk-path").arg(workspace::root().join(sdk));
    }
    process::capture(&mut generate)?;
    Ok(scratch.join(name))
}

fn name_of(language: &str, kind: &str) -> String {
    format!("{language}-{}", kind.replace('_', "-"))
}

fn build(dir: &Path, recipe: &Recipe, kind: &str) -> Result<PathBuf> {
    let mut build = modules::tidemill("build");
    build.arg(dir).args(["-o", "json"]);
    recipe.environment(&mut build);
    let document: Value = serde_json::from_str(&process::capture(&mut build)?)
        .context("`tidemill smartmodule build -o json` printed no JSON")?;
    let text = |name: &str| document[name].as_str().unwrap_or_default();
    ensure!(text("kind") == kind, "it is of kind {}, not {kind}", text("kind"));
    ensure!(
        text("language") == recipe.language,
        "it was taken for {}, not {}",
        text("language"),
        recipe.language
    );
    let name = name_of(recipe.language, kind);
    ensure!(text("name") == name, "it is called {}, not {name}", text("name"));
    match text("file") {
        "" => bail!("it does not say which file it built"),
        file => Ok(PathBuf::from(file)),
    }
}
