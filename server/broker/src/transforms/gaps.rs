//! How a reader is led past records that a view leaves out.

use bytes::Bytes;
use tidemill_wire::batch::{Batch, gap_at, patch};

/// Uncompressed bytes that a batch may unfold to; it was checked against less.
const UNFOLDED: usize = 512 << 20;

/// A batch that leads a reader from wherever it is to `next`, when there is nothing before it.
pub(crate) fn gap(next: i64, leader_epoch: i32, timestamp: i64) -> Bytes {
    gap_at(next.saturating_sub(1), leader_epoch, timestamp)
}

/// Sees to it that a reader of `batches`, which are all that there is before `next`, goes on at `next`. Most clients
/// go on after a batch's last offset, but some after the last record that they saw; so if that is not the last before
/// `next`, a gap follows it.
pub(super) fn close(batches: &mut Vec<Bytes>, next: i64, leader_epoch: i32) {
    let Some(last) = batches.pop() else { return };
    let (Some(batch), timestamp) = ended(last.clone(), next) else {
        batches.push(last);
        return;
    };
    batches.push(batch);
    batches.push(gap(next, leader_epoch, timestamp));
}

/// The batch, ending with its last record, and its timestamp; `None` when that is the last before `next`, or nothing is
/// known of it.
fn ended(bytes: Bytes, next: i64) -> (Option<Bytes>, i64) {
    let Ok(batch) = Batch::parse(&mut bytes.clone()) else {
        return (None, -1);
    };
    let header = batch.header;
    let Ok(records) = batch.records(UNFOLDED) else {
        return (None, -1);
    };
    let Some(Ok(last)) = records.iter().last() else {
        return (None, -1);
    };
    if last.offset.saturating_add(1) >= next {
        return (None, -1);
    }
    let Ok(delta) = i32::try_from(last.offset.saturating_sub(header.base_offset)) else {
        return (None, -1);
    };
    if delta == header.last_offset_delta {
        return (Some(bytes), header.max_timestamp);
    }
    let mut bytes = bytes.to_vec();
    patch::set_last_offset_delta(&mut bytes, delta);
    (Some(bytes.into()), header.max_timestamp)
}
