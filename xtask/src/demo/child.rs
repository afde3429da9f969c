//! Programs that the demo starts and stops.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process;

/// How long a program may take to end by itself once told.
const PATIENCE: Duration = Duration::from_secs(15);

/// A program that is running. Dropping it stops it.
pub(crate) struct Running {
    name: String,
    child: Child,
    /// Nobody stops it.
    left: bool,
}

impl Running {
    /// Starts a program in a process group of its own: Ctrl-C goes to the demo alone, which then stops what it
    /// started in its order.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Running> {
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        Ok(Running {
            name: name.to_owned(),
            child,
            left: false,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("cannot look after {}", self.name))
    }

    /// Asks it to end, waits for that, and answers how it ended. One that does not end is killed.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        process::terminate(self.child.id());
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill()
    }

    /// Lets it run on after the demo.
    pub(crate) fn leave(mut self) {
        self.left = true;
    }

    /// Ends it at once (SIGKILL).
    pub(crate) fn kill(&mut self) -> Result<ExitStatus> {
        // One that has just ended cannot be killed, which is as well.
        let _ = self.child.kill();
        self.child
            .wait()
            .with_context(|| format!("cannot wait for {}", self.name))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.left
            && let Err(error) = self.stop()
        {
            eprintln!("warning: {error:#}");
        }
    }
}
