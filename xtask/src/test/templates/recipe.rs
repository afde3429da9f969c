//! How the projects of each language are tested and built here: with the SDKs of this checkout, and caches that they share.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{process, setup, workspace};

/// How a language is dealt with.
pub(super) struct Recipe {
    pub(super) language: &'static str,
    /// The folder of its SDK, where a project does not carry it.
    pub(super) sdk: Option<&'static str>,
    /// The commands that run a project's own tests.
    pub(super) tests: &'static [&'static [&'static str]],
    /// The one kind that the quick suite builds, where a build takes long.
    pub(super) quick: Option<&'static str>,
}

/// Zig as the set-up has it.
const ZIG: &str = "ZIG=python3 -m ziglang";

pub(super) const RECIPES: &[Recipe] = &[
    Recipe {
        language: "rust",
        sdk: Some("smartmodule/sdk/rust"),
        tests: &[
            &["cargo", "fmt", "--check"],
            &["cargo", "test", "--quiet", "--offline"],
        ],
        quick: None,
    },
    Recipe {
        language: "go",
        sdk: Some("smartmodule/sdk/go"),
        tests: &[&["go", "vet", "./..."], &["go", "test", "./..."]],
        quick: None,
    },
    Recipe {
        language: "assemblyscript",
        sdk: None,
        tests: &[&["npm", "test", "--silent"]],
        quick: None,
    },
    Recipe {
        language: "c",
        sdk: None,
        tests: &[&["make", "--no-print-directory", ZIG, "test"]],
        quick: None,
    },
    Recipe {
        language: "zig",
        sdk: None,
        tests: &[&["make", "--no-print-directory", ZIG, "test"]],
        quick: None,
    },
    Recipe {
        language: "javascript",
        sdk: Some("smartmodule/sdk/javascript"),
        tests: &[&["npm", "test", "--silent"]],
        quick: Some("filter"),
    },
    Recipe {
        language: "typescript",
        sdk: Some("smartmodule/sdk/javascript"),
        tests: &[&["npm", "test", "--silent"]],
        quick: Some("map"),
    },
    Recipe {
        language: "python",
        sdk: Some("smartmodule/sdk/python"),
        tests: &[&["python3", "-m", "mypy"], &["python3", "-m", "pytest", "-q"]],
        quick: Some("filter"),
    },
    Recipe {
        language: "ruby",
        sdk: Some("smartmodule/sdk/ruby"),
        tests: &[&["rake", "test"]],
        quick: Some("filter"),
    },
];

impl Recipe {
    /// Gives a project what installing would give it.
    pub(super) fn prepare(&self, dir: &Path) -> Result<()> {
        match self.language {
            // What the SDK is locked to is there; the newest releases may not be.
            "rust" => {
                let lock = workspace::root().join("smartmodule/sdk/rust/Cargo.lock");
                fs::copy(lock, dir.join("Cargo.lock")).context("cannot copy the SDK's lock file")?;
                Ok(())
            }
            "assemblyscript" => {
                let pins = workspace::root().join("xtask/templates/assemblyscript/package.json");
                let pin = |file: &Path| -> Result<Option<String>> {
                    let text = fs::read_to_string(file)
                        .with_context(|| format!("cannot read {}", file.display()))?;
                    let pin = text.lines().find(|line| line.contains("\"assemblyscript\":"));
                    Ok(pin.map(|line| line.trim().to_owned()))
                };
                ensure!(
                    pin(&pins)? == pin(&dir.join("package.json"))?,
                    "the template pins another compiler than {}",
                    pins.display()
                );
                link(&setup::assemblyscript(), &dir.join("node_modules"))
            }
            "ruby" if !ruby_runtime().is_file() => {
                let mut make = self.command(&workspace::root().join("smartmodule/sdk/ruby"), "ruby");
                fs::create_dir_all(workspace::target().join("sdk-ruby"))?;
                make.args(["-I", "lib", "runtime/build.rb"]);
                process::run(make.arg(setup::ruby()).arg(ruby_runtime()))
            }
            // Filled by the set-up of the SDK.
            "javascript" | "typescript" => link(
                &workspace::tools().join("sdk-javascript/node_modules"),
                &dir.join("node_modules"),
            ),
            _ => Ok(()),
        }
    }

    /// A command in the folder of a project.
    pub(super) fn command(&self, dir: &Path, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir);
        self.environment(&mut command);
        command
    }

    /// Where tool chains are, and the caches that projects share.
    pub(super) fn environment(&self, command: &mut Command) {
        let caches = workspace::target().join("templates-cache");
        match self.language {
            "rust" => {
                command.env("CARGO_TARGET_DIR", workspace::target());
            }
            "go" => {
                command.env("GOPROXY", "off");
            }
            "c" | "zig" => {
                command
                    .env("PATH", path_with(setup::zig()))
                    .env("ZIG_GLOBAL_CACHE_DIR", caches.join("zig"))
                    .env("ZIG_LOCAL_CACHE_DIR", caches.join("zig"));
            }
            "python" => {
                let sdk = workspace::root().join("smartmodule/sdk/python/src");
                command
                    .env("PATH", path_with(setup::python_sdk().join("bin")))
                    .env("PYTHONPATH", &sdk)
                    .env("MYPYPATH", &sdk);
            }
            "ruby" => {
                let sdk = workspace::root().join("smartmodule/sdk/ruby/lib");
                command
                    .env("RUBYLIB", sdk)
                    .env("TIDEMILL_RUBY_RUNTIME", ruby_runtime());
            }
            _ => {}
        }
    }
}

/// The runtime that modules in Ruby are made of, where the SDK's own suite makes it too.
fn ruby_runtime() -> PathBuf {
    workspace::target().join("sdk-ruby/runtime.wasm")
}

/// The `PATH`, with a folder before all others.
fn path_with(first: PathBuf) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(first).chain(env::split_paths(&path));
    env::join_paths(dirs).unwrap_or(path)
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    std::os::unix::fs::symlink(from, to).with_context(|| format!("cannot link {}", to.display()))
}

#[cfg(not(unix))]
fn link(_: &Path, to: &Path) -> Result<()> {
    anyhow::bail!("cannot link {}: this system is not Unix", to.display())
}
