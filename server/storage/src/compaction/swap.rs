//! Putting a compacted segment in the place of those it was made of, so that a crash leaves the old ones
//! or the new one.
//!
//! 1. The new segment's files are whole and durable as `{base offset}.log.new` and so on.
//! 2. A note, `compaction-swap`, says which segments they replace. Once it is durable the swap is decided.
//! 3. The new files take the first old segment's names; the files of the others go. All durable.
//! 4. The note goes.
//!
//! Recovery that finds the note does 3 and 4 again, which is safe however far they had come; without
//! a note, it removes the new files.

use std::io::{self, IoSlice};
use std::path::Path;

use tidemill_env::{Disk, OpenMode};

use crate::checkpoint;
use crate::segment::file_path;

/// Says that a swap was decided: base offsets, that of the new segment first.
const NOTE: &str = "compaction-swap";
/// The files of a segment. The log comes last when they are removed: without it the others are nothing.
const SUFFIXES: [&str; 3] = ["index", "timeindex", "log"];

/// Why a swap did not happen, cut by what the caller does.
pub(super) enum Undecided {
    /// It was not decided: the old segments stand.
    Not(io::Error),
    /// It may have been decided: only recovery can tell.
    Unknown(io::Error),
}

/// Decides to put the new segment in the place of those with `bases` (its own is the first). Its files are
/// durable.
pub(super) fn decide(disk: &dyn Disk, dir: &Path, bases: &[i64]) -> Result<(), Undecided> {
    let temporary = dir.join(format!("{NOTE}.new"));
    let write = || {
        // The names of the new files must not be lost when the note is not.
        disk.sync_dir(dir)?;
        let lines: String = bases.iter().map(|base| format!("{base}\n")).collect();
        let file = disk.open(&temporary, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_at(0, &[IoSlice::new(lines.as_bytes())])?;
        file.sync_data()
    };
    write().map_err(Undecided::Not)?;
    let publish = || {
        disk.rename(&temporary, &dir.join(NOTE))?;
        disk.sync_dir(dir)
    };
    publish().map_err(Undecided::Unknown)
}

/// Gives the new files their names, as far as that was not done.
pub(super) fn rename(disk: &dyn Disk, dir: &Path, base: i64) -> io::Result<()> {
    for suffix in SUFFIXES {
        let path = file_path(dir, base, suffix);
        let new = file_path(dir, base, &format!("{suffix}.new"));
        if disk.exists(&new) {
            disk.rename(&new, &path)?;
        }
    }
    Ok(())
}

/// Removes the files of the segments that were replaced, and the note.
pub(super) fn clear(disk: &dyn Disk, dir: &Path, replaced: &[i64]) -> io::Result<()> {
    for base in replaced {
        for suffix in SUFFIXES {
            match disk.remove_file(&file_path(dir, *base, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    // The note outlives what it speaks of.
    disk.sync_dir(dir)?;
    disk.remove_file(&dir.join(NOTE))?;
    disk.sync_dir(dir)
}

/// Finishes a swap that a crash cut short.
pub(crate) fn finish_swap(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    if !disk.exists(&dir.join(NOTE)) {
        return Ok(());
    }
    let text = checkpoint::read(disk, dir, NOTE)?.unwrap_or_default();
    let bases: Result<Vec<i64>, _> = text.lines().map(str::parse).collect();
    let Some((base, replaced)) = bases
        .ok()
        .as_deref()
        .and_then(<[i64]>::split_first)
        .map(|(base, rest)| (*base, rest.to_vec()))
    else {
        let reason = format!(
            "{NOTE} is damaged; remove it if every segment of the log has its .log, .index and .timeindex"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    };
    rename(disk, dir, base)?;
    clear(disk, dir, &replaced)
}
