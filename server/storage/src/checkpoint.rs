//! Small files that are replaced whole: a crash leaves the old one or the new one.

use std::io::{self, IoSlice};
use std::path::Path;

use tidemill_env::{Disk, OpenMode};

/// Offset below which everything is durable, as of the last roll: a scan after a crash starts there.
pub(crate) const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// First offset, when it is not the first segment's.
pub(crate) const LOG_START: &str = "log-start-offset-checkpoint";
/// There after a write or sync failed, as far as the disk took it: the page cache is then not to be trusted.
pub(crate) const FAILED: &str = "failed";
/// Written by a clean close: end offset, and base offset and size of the last segment.
pub(crate) const CLEAN: &str = "clean-shutdown";

/// Replaces `dir/name`, durably.
pub(crate) fn write(disk: &dyn Disk, dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.new"));
    let file = disk.open(&temporary, OpenMode::Create)?;
    file.set_len(0)?;
    file.write_at(0, &[IoSlice::new(text.as_bytes())])?;
    file.sync_data()?;
    disk.rename(&temporary, &dir.join(name))?;
    disk.sync_dir(dir)
}

/// Leaves [`FAILED`] behind, if the disk still takes a name.
pub(crate) fn mark_failed(disk: &dyn Disk, dir: &Path) {
    // The log has failed for another reason, which its caller hears of.
    let _ = disk.open(&dir.join(FAILED), OpenMode::Create);
}

/// The text of `dir/name`; `None` when there is no such file.
pub(crate) fn read(disk: &dyn Disk, dir: &Path, name: &str) -> io::Result<Option<String>> {
    /// No checkpoint of ours comes near this; a larger file is not one.
    const MOST: usize = 4 << 20;
    match disk.open(&dir.join(name), OpenMode::Read) {
        Ok(file) => Ok(String::from_utf8(file.read_at(0, MOST)?.to_vec()).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A checkpoint that is one offset. Text that is none counts as no checkpoint.
pub(crate) fn read_offset(disk: &dyn Disk, dir: &Path, name: &str) -> io::Result<Option<i64>> {
    Ok(read(disk, dir, name)?.and_then(|text| text.trim().parse().ok()))
}
