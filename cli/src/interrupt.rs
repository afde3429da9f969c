//! Ctrl-C and SIGTERM as a wish to stop cleanly; a second one ends the process at once.

use std::future::pending;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::Failure;

/// Hears whether the process is to stop. Clones hear the same.
#[derive(Clone)]
pub(crate) struct Interrupt {
    /// The exit code of the signal that came; 0 until then.
    code: watch::Receiver<u8>,
}

impl Interrupt {
    /// Begins to listen, on the current runtime, until the process ends.
    pub(crate) fn listen() -> Result<Self> {
        let place = "cannot listen for signals";
        let mut interrupt = signal(SignalKind::interrupt()).context(place)?;
        let mut terminate = signal(SignalKind::terminate()).context(place)?;
        let (sender, code) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let code = tokio::select! {
                    _ = interrupt.recv() => Failure::INTERRUPTED,
                    _ = terminate.recv() => Failure::TERMINATED,
                };
                if sender.send_replace(code) != 0 {
                    // The clean end takes too long for whoever waits.
                    std::process::exit(i32::from(code));
                }
            }
        });
        Ok(Self { code })
    }

    /// The code to end with, if a signal has come.
    pub(crate) fn code(&self) -> Option<u8> {
        Some(*self.code.borrow()).filter(|code| *code != 0)
    }

    /// Waits for a signal; answers the code to end with. Cancellation safe.
    pub(crate) async fn received(&self) -> u8 {
        let mut code = self.code.clone();
        match code.wait_for(|code| *code != 0).await.as_deref() {
            Ok(code) => *code,
            // The listener went away with the runtime: no signal will be heard.
            Err(_) => pending().await,
        }
    }
}
