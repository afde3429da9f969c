//! Projects that cargo-generate made beside ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{EXPECTED, name_of};
use crate::test::{Outcome, modules};
use crate::{process, setup, workspace};

/// Compares what both make of each template and kind. Without cargo-generate it says how to get it.
pub(super) fn compare(outcome: &mut Outcome, scratch: &Path, languages: &[String]) -> Result<()> {
    let Some(program) = setup::cargo_generate() else {
        println!(
            "{}: cargo-generate is not here, so its projects were not compared; `cargo xtask setup cargo-generate` builds it",
            outcome.suite
        );
        return Ok(());
    };
    let [theirs, ours] = ["theirs", "ours"].map(|name| scratch.join("compared").join(name));
    for dir in [&theirs, &ours] {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    for language in languages {
        let alike = EXPECTED
            .iter()
            .try_for_each(|(kind, ..)| same(&program, language, kind, &theirs, &ours));
        outcome.case(&format!("cargo-generate makes the same of {language}"), alike);
    }
    Ok(())
}

fn same(program: &Path, language: &str, kind: &str, theirs: &Path, ours: &Path) -> Result<()> {
    let name = name_of(language, kind);
    let mut other = Command::new(program);
    other.args(["generate", "--path"]);
    other.arg(workspace::root().join("smartmodule-templates").join(language));
    other.args([
        "--name",
        &name,
        "--vcs",
        "none",
        "--silent",
        "--no-workspace",
        "--destination",
    ]);
    other.arg(theirs);
    other.args(["--define", &format!("kind={kind}")]);
    process::capture(&mut other)?;
    let mut own = modules::tidemill("generate");
    own.args([name.as_str(), "--lang", language, "--kind", kind, "--path"]);
    process::capture(own.arg(ours))?;
    let [their_files, our_files] = [theirs, ours].map(|dir| files(&dir.join(&name)));
    let (their_files, our_files) = (their_files?, our_files?);
    for (path, content) in &our_files {
        match their_files.get(path) {
            None => bail!("{kind}: cargo-generate makes no {}", path.display()),
            Some(other) => ensure!(other == content, "{kind}: {} differs", path.display()),
        }
    }
    ensure!(
        their_files.len() == our_files.len(),
        "{kind}: cargo-generate makes {} files, and we {}",
        their_files.len(),
        our_files.len()
    );
    Ok(())
}

/// The files below a folder, by their path in it.
fn files(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else {
                let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                found.insert(path.strip_prefix(dir)?.to_owned(), content);
            }
        }
    }
    Ok(found)
}
