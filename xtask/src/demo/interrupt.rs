//! Ctrl-C: a flag that every wait looks at, so that what was started is also stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often a wait looks around.
const LOOK: Duration = Duration::from_millis(2);

/// Somebody wants the demo to end.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("interrupted; all that the demo started is stopped, its data removed")
    }
}

impl std::error::Error for Interrupted {}

fn flag() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(Arc::default)
}

/// From now on Ctrl-C, a closed terminal and SIGTERM raise the flag and do nothing else.
pub(crate) fn watch() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag())).context("cannot watch for Ctrl-C")?;
    }
    Ok(())
}

/// Fails once the flag is up.
pub(crate) fn check() -> Result<()> {
    if flag().load(Ordering::Relaxed) {
        return Err(Interrupted.into());
    }
    Ok(())
}

/// Waits until `ready` gives something; nothing when it gave nothing within `limit`.
pub(crate) fn wait<T>(limit: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let began = Instant::now();
    loop {
        check()?;
        if let Some(found) = ready()? {
            return Ok(Some(found));
        }
        if began.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}
