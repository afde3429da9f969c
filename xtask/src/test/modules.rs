//! What the suites of SmartModules have in common: the real program, run on modules.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{process, workspace};

/// What comes of some records.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Came {
    /// The values that go on, in order.
    pub(super) values: Vec<String>,
    /// Why records were refused.
    pub(super) refused: Vec<String>,
}

impl Came {
    pub(super) fn of(values: &[&str], refused: &[&str]) -> Came {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Came {
            values: owned(values),
            refused: owned(refused),
        }
    }
}

/// `tidemill smartmodule <command>`. What it compiles is kept for the next command.
pub(super) fn tidemill(command: &str) -> Command {
    let mut tidemill = process::plain(workspace::binary("debug"));
    tidemill.args(["smartmodule", command]);
    tidemill.env("TIDEMILL_CACHE", workspace::target().join("cache"));
    tidemill
}

/// Whether a module honours the contract.
pub(super) fn conform(wasm: &Path) -> Result<()> {
    process::capture(tidemill("conform").arg(wasm)).map(drop)
}

/// Runs records through a module, as `more` arguments of `tidemill smartmodule test` give them.
pub(super) fn try_out(wasm: &Path, more: impl FnOnce(&mut Command), wanted: &Came) -> Result<()> {
    let mut command = tidemill("test");
    command.arg(wasm).args(["-o", "json"]);
    more(&mut command);
    let document: Value = serde_json::from_str(&process::capture(&mut command)?)
        .context("`tidemill smartmodule test -o json` printed no JSON")?;
    let texts = |list: &str, name: &str| -> Vec<String> {
        let list = document[list].as_array().map_or(&[][..], Vec::as_slice);
        let texts = list.iter().filter_map(|each| each[name].as_str());
        texts.map(str::to_owned).collect()
    };
    let came = Came {
        values: texts("records", "value"),
        refused: texts("rejected", "reason"),
    };
    ensure!(came == *wanted, "{came:?} came out, not {wanted:?}");
    Ok(())
}
