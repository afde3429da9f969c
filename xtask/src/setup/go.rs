//! franz-go's own tests, pinned in `tests/compat/go/go.mod`, compiled into one program.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// The package whose tests talk to a broker.
const PACKAGE: &str = "github.com/twmb/franz-go/pkg/kgo";

/// Compiles `target/tools/go/kgo.test`.
pub(crate) fn ensure() -> Result<()> {
    let dir = workspace::tools().join("go");
    let module = workspace::root().join("tests/compat/go");
    let stamp = Stamp::new(&dir, &module.join("go.mod"))?;
    if stamp.is_fresh() {
        return Ok(());
    }
    debian::ensure(&["go"])?;
    eprintln!("fetching and compiling franz-go's tests into {}", dir.display());
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut go = Command::new("go");
    go.current_dir(&module)
        .args(["test", "-c", "-mod=readonly", "-o"]);
    go.arg(dir.join("kgo.test")).arg(PACKAGE);
    process::run(&mut go).with_context(|| {
        format!(
            "cannot compile franz-go's tests. They need the Go release that {} names, or one that can fetch it (1.21 or newer)",
            module.join("go.mod").display()
        )
    })?;
    stamp.write()
}
