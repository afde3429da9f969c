//! Producer state on disk: a clean restart reads this instead of the log.
//!
//! Little-endian: magic, offset below which it holds, then the producers, then a CRC-32C of all
//! before. A file that does not check is as good as none: the log is scanned instead.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::path::Path;

use bytes::{Buf, BufMut};
use tidemill_env::{Disk, OpenMode};

use super::{Producer, Producers, REMEMBERED, Stored};

const NAME: &str = "producers.snapshot";
const MAGIC: u64 = 0x0001_646f_7270_6d74; // "tmprod", version 1

/// Writes an encoded state, replacing the former one whole.
pub(crate) fn save(disk: &dyn Disk, dir: &Path, bytes: &[u8]) -> io::Result<()> {
    let (temporary, path) = (dir.join(format!("{NAME}.new")), dir.join(NAME));
    let file = disk.open(&temporary, OpenMode::Create)?;
    file.set_len(0)?;
    file.write_at(0, &[IoSlice::new(bytes)])?;
    file.sync_data()?;
    disk.rename(&temporary, &path)?;
    disk.sync_dir(dir)
}

/// The saved state and its offset; `None` when there is none that can be trusted.
pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> Option<(Producers, i64)> {
    let file = disk.open(&dir.join(NAME), OpenMode::Read).ok()?;
    let len = usize::try_from(file.len().ok()?).ok()?;
    decode(&file.read_at(0, len).ok()?)
}

/// Removes the saved state, durably.
pub(crate) fn discard(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    disk.remove_file(&dir.join(NAME))?;
    disk.sync_dir(dir)
}

/// The state as of `offset`: every record below it is in the state, and durable before it is saved.
pub(crate) fn encode(producers: &Producers, offset: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + producers.by_id.len() * 64);
    out.put_u64_le(MAGIC);
    out.put_i64_le(offset);
    out.put_u32_le(u32::try_from(producers.by_id.len()).unwrap_or(u32::MAX));
    for (id, producer) in &producers.by_id {
        out.put_i64_le(*id);
        out.put_i16_le(producer.epoch);
        out.put_i64_le(producer.seen_ms);
        out.put_u8(u8::try_from(producer.batches.len()).unwrap_or(0));
        for stored in &producer.batches {
            out.put_i32_le(stored.first_sequence);
            out.put_i32_le(stored.last_sequence);
            out.put_i64_le(stored.base_offset);
            out.put_i64_le(stored.next_offset);
            out.put_i64_le(stored.timestamp);
        }
    }
    let crc = tidemill_wire::batch::crc32c(&out);
    out.put_u32_le(crc);
    out
}

fn decode(bytes: &[u8]) -> Option<(Producers, i64)> {
    let (body, mut crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    if crc.get_u32_le() != tidemill_wire::batch::crc32c(body) {
        return None;
    }
    let mut body = body;
    if body.try_get_u64_le().ok()? != MAGIC {
        return None;
    }
    let offset = body.try_get_i64_le().ok()?;
    let mut producers = Producers::default();
    for _ in 0..body.try_get_u32_le().ok()? {
        let id = body.try_get_i64_le().ok()?;
        let epoch = body.try_get_i16_le().ok()?;
        let seen_ms = body.try_get_i64_le().ok()?;
        let mut batches = VecDeque::with_capacity(REMEMBERED);
        for _ in 0..body.try_get_u8().ok()? {
            batches.push_back(Stored {
                first_sequence: body.try_get_i32_le().ok()?,
                last_sequence: body.try_get_i32_le().ok()?,
                base_offset: body.try_get_i64_le().ok()?,
                next_offset: body.try_get_i64_le().ok()?,
                timestamp: body.try_get_i64_le().ok()?,
            });
        }
        producers.by_id.insert(
            id,
            Producer {
                epoch,
                seen_ms,
                batches,
            },
        );
    }
    Some((producers, offset))
}
