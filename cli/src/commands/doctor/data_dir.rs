//! A server's data directory, looked at from the machine it is on.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, StatVfs};

use super::finding::Report;
use crate::output;

/// Less free space than this stops writing soon.
const LEAST_FREE: u64 = 64 << 20;
/// Less than this is worth a word.
const LITTLE_FREE: u64 = 1 << 30;
/// Fewer free inodes than this are worth a word: a segment takes a few.
const LITTLE_INODES: u64 = 1_000;
/// A flush that takes longer than this, at the median, holds back every acknowledged batch.
const SLOW_FLUSH: Duration = Duration::from_millis(10);
const FLUSHES: usize = 64;
const BLOCK: [u8; 4096] = [0; 4096];

/// Checks that a server can work in `dir`, and whether one does.
pub(super) fn check(report: &mut Report, dir: &Path) {
    let found = match dir.metadata() {
        Ok(found) if found.is_dir() => found,
        Ok(_) => {
            let mend = "name the directory that `tidemill serve --data-dir` uses";
            return report.fail("data dir", format!("{} is no directory", dir.display()), mend);
        }
        Err(error) => {
            let mend = "correct the path; a server makes the directory when it first starts";
            return report.fail("data dir", format!("{}: {error}", dir.display()), mend);
        }
    };
    check_lock(report, dir);
    check_space(report, dir);
    check_kind(report, dir);
    if check_permissions(report, dir, &found) {
        check_flush(report, dir);
    } else {
        report.skip("flush", "the directory cannot be written to");
    }
}

/// Whether a server runs on the directory: it holds a lock, which the system lets go of when it ends.
fn check_lock(report: &mut Report, dir: &Path) {
    let path = dir.join("lock");
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return report.ok("lock", format!("no server has used {}", dir.display()));
        }
        Err(error) => {
            let mend = "run the doctor as the user that runs the server";
            return report.warn("lock", format!("{}: {error}", path.display()), mend);
        }
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => report.ok("lock", format!("no server runs on {}", dir.display())),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut owner = String::new();
            // Without its id it is still a server.
            let _ = file.read_to_string(&mut owner);
            report.ok(
                "lock",
                format!("{} is in use by process {}", dir.display(), owner.trim()),
            );
        }
        Err(error) => report.warn(
            "lock",
            format!("{}: {error}", path.display()),
            "put the directory on a file system with locks, so that two servers cannot use it at once",
        ),
    }
}

fn check_space(report: &mut Report, dir: &Path) {
    let space = match rustix::fs::statvfs(dir) {
        Ok(space) => space,
        Err(error) => {
            let mend = "see that the file system is mounted";
            return report.warn("space", format!("{}: {error}", dir.display()), mend);
        }
    };
    let StatVfs {
        f_bavail,
        f_blocks,
        f_frsize,
        ..
    } = space;
    let (free, whole) = (
        f_bavail.saturating_mul(f_frsize),
        f_blocks.saturating_mul(f_frsize),
    );
    let detail = format!("{} of {} free", output::bytes(free), output::bytes(whole));
    let mend =
        "free space, give topics a shorter retention (retention.ms, retention.bytes), or use a larger disk";
    if free < LEAST_FREE {
        report.fail("space", detail, mend);
    } else if free < LITTLE_FREE || free < whole / 20 {
        report.warn("space", detail, mend);
    } else {
        report.ok("space", detail);
    }
    // Some file systems do not count them.
    if space.f_files > 0 && space.f_favail < LITTLE_INODES {
        let detail = format!("{} inodes free", space.f_favail);
        report.warn(
            "space",
            detail,
            "delete small files, or make the file system anew with more inodes",
        );
    }
}

/// File systems on which what is flushed may be gone or slow.
#[cfg(target_os = "linux")]
fn check_kind(report: &mut Report, dir: &Path) {
    // From linux/magic.h and the file systems' own sources.
    const VOLATILE: [(u64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];
    const REMOTE: [(u64, &str); 4] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x6573_5546, "FUSE"),
    ];
    let Ok(found) = rustix::fs::statfs(dir) else {
        return;
    };
    // The field is signed on some machines and 32 bits wide on others.
    let magic = (found.f_type as u64) & 0xffff_ffff;
    let named = |kinds: &[(u64, &'static str)]| kinds.iter().find(|kind| kind.0 == magic).map(|kind| kind.1);
    if let Some(name) = named(&VOLATILE) {
        let mend = "use a directory on a disk: this one does not outlive a restart of the machine";
        report.warn(
            "file system",
            format!("{} is in memory ({name})", dir.display()),
            mend,
        );
    } else if let Some(name) = named(&REMOTE) {
        let mend = "use a local disk: flushes over a network are slow, and may not be what they say";
        report.warn("file system", format!("{} is on {name}", dir.display()), mend);
    }
}

#[cfg(not(target_os = "linux"))]
fn check_kind(_: &mut Report, _: &Path) {}

/// Whether this user can do what a server must; and whether others can, who should not.
fn check_permissions(report: &mut Report, dir: &Path, found: &Metadata) -> bool {
    let mode = found.permissions().mode();
    let (user, mend) = (
        rustix::process::geteuid().as_raw(),
        format!(
            "give the directory to the user that runs the server: chown -R USER {}",
            dir.display()
        ),
    );
    if let Err(error) = dir.read_dir() {
        report.fail(
            "permissions",
            format!("user {user} cannot list {}: {error}", dir.display()),
            mend,
        );
        return false;
    }
    if let Err(error) = tempfile::tempfile_in(dir) {
        report.fail(
            "permissions",
            format!("user {user} cannot write to {}: {error}", dir.display()),
            mend,
        );
        return false;
    }
    for part in ["metadata", "topics"] {
        let path = dir.join(part);
        if path.exists()
            && let Err(error) = tempfile::tempfile_in(&path)
        {
            report.fail(
                "permissions",
                format!("user {user} cannot write to {}: {error}", path.display()),
                mend,
            );
            return false;
        }
    }
    if mode & 0o002 == 0 {
        report.ok(
            "permissions",
            format!("user {user} can read and write {}", dir.display()),
        );
    } else {
        let detail = format!("anyone on this machine can write to {}", dir.display());
        report.warn("permissions", detail, format!("chmod o-w {}", dir.display()));
    }
    true
}

/// How long it takes until what was written is on the disk.
fn check_flush(report: &mut Report, dir: &Path) {
    match flush_times(dir) {
        Ok(mut times) => {
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            let longest = times.last().copied().unwrap_or_default();
            let detail = format!(
                "4 KiB reach the disk in {} at the median, {} at most",
                output::duration(median),
                output::duration(longest)
            );
            if median > SLOW_FLUSH {
                let mend = "use a faster disk, or tidemill.flush=interval where losing the last moments is acceptable";
                report.warn("flush", detail, mend);
            } else {
                report.ok("flush", detail);
            }
        }
        Err(error) => report.fail(
            "flush",
            format!("cannot write and flush a file in {}: {error}", dir.display()),
            "check the disk (dmesg) and its free space",
        ),
    }
}

/// Appends and flushes as the log does, to a file that is gone afterwards.
fn flush_times(dir: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = tempfile::tempfile_in(dir)?;
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let begun = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(times)
}
