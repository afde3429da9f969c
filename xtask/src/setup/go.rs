//! franz-go, pinned in `tests/compat/go/go.mod`: its own tests, compiled into one program, and ours with it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// The package whose tests talk to a broker.
const PACKAGE: &str = "github.com/twmb/franz-go/pkg/kgo";

/// Compiles `target/tools/go/kgo.test` and `target/tools/go/views`.
pub(crate) fn ensure() -> Result<()> {
    let dir = workspace::tools().join("go");
    let module = workspace::root().join("tests/compat/go");
    let stamp = Stamp::new(&dir, &module.join("go.mod"))?;
    if !stamp.is_fresh() {
        debian::ensure(&["go"])?;
        published(&dir, &module)?;
        stamp.write()?;
    }
    // Ours may have changed; Go knows what to do again.
    let mut go = Command::new("go");
    go.current_dir(&module).args(["build", "-mod=readonly", "-o"]);
    go.arg(dir.join("views")).arg("./views");
    process::run(&mut go).context("cannot compile the suite of views in Go")
}

fn published(dir: &Path, module: &Path) -> Result<()> {
    eprintln!("fetching and compiling franz-go's tests into {}", dir.display());
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut go = Command::new("go");
    go.current_dir(module).args(["test", "-c", "-mod=readonly", "-o"]);
    go.arg(dir.join("kgo.test")).arg(PACKAGE);
    process::run(&mut go).with_context(|| {
        format!(
            "cannot compile franz-go's tests. They need the Go release that {} names, or one that can fetch it (1.21 or newer)",
            module.join("go.mod").display()
        )
    })
}
