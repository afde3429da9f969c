//! Standard output for many records: nothing is written until a good deal has come together, or nothing more is at hand.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::closed;
use crate::error::OutputClosed;

/// Written once this many bytes have come together.
const ENOUGH: usize = 128 << 10;

/// Standard output with a large buffer, past the line buffer of the standard library.
pub(crate) struct Stream {
    file: File,
    buffer: Vec<u8>,
    /// Something was not written.
    failed: bool,
}

impl Stream {
    /// Standard output.
    pub(crate) fn stdout() -> Result<Self> {
        let handle = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .context("cannot open the output")?;
        Ok(Self {
            file: File::from(handle),
            buffer: Vec::with_capacity(2 * ENOUGH),
            failed: false,
        })
    }

    /// Where to append; call [`Self::spill`] now and then.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes what has come together, if it is enough.
    ///
    /// # Errors
    /// [`OutputClosed`] when nobody reads any more.
    pub(crate) fn spill(&mut self) -> Result<()> {
        if self.buffer.len() < ENOUGH {
            Ok(())
        } else {
            self.flush()
        }
    }

    /// Writes all there is. Errors as [`Self::spill`]; after one, every call fails.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.failed {
            bail!(OutputClosed);
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        self.failed = written.is_err();
        closed(written)
    }

    /// Whether a person looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    /// Columns of the terminal, if it is one.
    pub(crate) fn width(&self) -> Option<usize> {
        if !self.is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(&self.file).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }

    /// Whether the reader of a pipe has gone away. A write would tell, but there may be nothing to write for long.
    pub(crate) fn is_closed(&self) -> bool {
        let mut polled = [PollFd::new(&self.file, PollFlags::empty())];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let any = poll(&mut polled, Some(&now)).unwrap_or(0) > 0;
        any && polled
            .iter()
            .any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::NVAL))
    }
}
