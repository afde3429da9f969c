//! Which records of a batch stay.

use bytes::Bytes;
use tidemill_wire::batch::{Batch, BatchError, BatchHeader};

use super::keys::LastOffsets;

/// Uncompressed bytes that a stored batch may unfold to; batches are checked against less when they
/// are taken in.
const MAX_UNCOMPRESSED: usize = 256 << 20;

/// What one pass knows when it looks at a batch.
pub(super) struct Filter<'a> {
    pub(super) keys: &'a LastOffsets,
    /// Records below are deleted.
    pub(super) start: i64,
    /// Batches from here on are not in `keys` and stay as they are.
    pub(super) end: i64,
    pub(super) now_ms: i64,
    pub(super) delete_retention_ms: i64,
    /// Batches that stay even without records.
    pub(super) must_stay: &'a dyn Fn(&BatchHeader) -> bool,
}

/// What becomes of a batch.
pub(super) enum Fate {
    /// It stays as it is.
    Stays,
    /// It stays, changed.
    Becomes(Bytes),
    /// It goes.
    Goes,
}

/// Shows every record with a key to `visit`, and answers whether that were all records.
///
/// # Errors
/// A sentence, when a record cannot be read.
pub(super) fn visit_keys(batch: &Batch, visit: &mut dyn FnMut(&[u8], i64)) -> Result<(), BatchError> {
    if batch.header.attributes.control() || batch.header.record_count == 0 {
        return Ok(());
    }
    let records = batch.records(MAX_UNCOMPRESSED)?;
    for record in records.iter() {
        let record = record?;
        if let Some(key) = record.key {
            visit(key, record.offset);
        }
    }
    Ok(())
}

impl Filter<'_> {
    /// Decides over `batch`, whose checksum was verified.
    pub(super) fn decide(&self, batch: &Batch) -> Result<Fate, BatchError> {
        let header = &batch.header;
        if header.base_offset >= self.end {
            return Ok(Fate::Stays);
        }
        // Any other control batch is a transaction's; its records have no key to be superseded by.
        if header.attributes.control() && !header.is_gap() {
            return Ok(Fate::Stays);
        }
        if header.record_count == 0 || header.is_gap() {
            return Ok(if (self.must_stay)(header) {
                Fate::Stays
            } else {
                Fate::Goes
            });
        }
        let records = batch.records(MAX_UNCOMPRESSED)?;
        let horizon = header.attributes.delete_horizon();
        let tombstones_go_at = match horizon {
            true => header.base_timestamp,
            false => self.now_ms.saturating_add(self.delete_retention_ms),
        };
        let (mut kept, mut tombstones) = (Vec::with_capacity(records.len().min(1 << 16)), false);
        for record in records.iter() {
            let record = record?;
            let last = record.key.and_then(|key| self.keys.last(key));
            let newest = record.key.is_some() && last.is_none_or(|last| record.offset >= last);
            let visible = record.value.is_some() || self.now_ms < tombstones_go_at;
            let keep = record.offset >= self.start && newest && visible;
            tombstones |= keep && record.value.is_none();
            kept.push(keep);
        }
        if !kept.contains(&true) {
            return Ok(match (self.must_stay)(header) {
                true => Fate::Becomes(batch.emptied()),
                false => Fate::Goes,
            });
        }
        // The first compaction that finds a tombstone starts its clock (KIP-534).
        let new_horizon = (tombstones && !horizon).then_some(tombstones_go_at);
        if !kept.contains(&false) && new_horizon.is_none() {
            return Ok(Fate::Stays);
        }
        batch.retain(&records, &kept, new_horizon).map(Fate::Becomes)
    }
}
