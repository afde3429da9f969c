//! Record batches against the reference implementation: each side reads what the other writes.
#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

mod support;

use bytes::Bytes;
use proptest::prelude::*;
use support::{Plain, Spec, header_map, plain, read_theirs, spec};
use tidemill_wire::batch::{self, Batch, BatchError};

/// Far above what the specifications make.
const LIMIT: usize = 8 << 20;

/// Every record of the one batch in `bytes`: offset and content.
fn read_ours(mut bytes: Bytes) -> (Batch, Vec<(i64, Plain)>) {
    let batch = Batch::parse(&mut bytes).unwrap();
    assert!(bytes.is_empty(), "one batch was given");
    batch.verify_crc().unwrap();
    let records = batch.records(LIMIT).unwrap();
    let read = records.iter().map(|record| {
        let record = record.unwrap();
        (record.offset, plain(&record))
    });
    let read = read.collect();
    (batch, read)
}

fn expected(spec: &Spec) -> Vec<(i64, Plain)> {
    let record = |(record, delta): (&Plain, i32)| {
        let offset = spec.base_offset + i64::from(delta);
        (
            offset,
            Plain {
                gap: 0,
                ..record.clone()
            },
        )
    };
    spec.records.iter().zip(spec.deltas()).map(record).collect()
}

/// The header says of the batch what the specification does.
fn check_header(batch: &Batch, spec: &Spec) {
    let header = &batch.header;
    let (id, epoch, sequence) = spec.producer.unwrap_or((-1, -1, -1));
    assert_eq!(
        (header.producer_id, header.producer_epoch, header.base_sequence),
        (id, epoch, sequence)
    );
    assert_eq!(header.has_producer(), spec.producer.is_some());
    assert_eq!(header.base_offset, spec.base_offset);
    assert_eq!(header.partition_leader_epoch, spec.leader_epoch);
    assert_eq!(header.attributes.transactional(), spec.transactional);
    assert_eq!(header.attributes.control(), spec.control);
    assert_eq!(header.attributes.compression(), Ok(spec.codec));
    assert_eq!(header.record_count as usize, spec.records.len());
    let last = spec.base_offset + i64::from(*spec.deltas().last().unwrap());
    assert_eq!((header.last_offset(), header.next_offset()), (last, last + 1));
    // -1 stands for "none", so a batch of nothing but earlier times has no largest.
    let max = spec.records.iter().map(|record| record.timestamp).max().unwrap();
    assert!(header.max_timestamp == max || (max < -1 && header.max_timestamp == -1));
    assert_eq!(header.size(), batch.bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_reference_reads_what_we_write(spec in spec()) {
        let written = spec.ours();
        let read = read_theirs(written.clone());
        prop_assert_eq!(read.records, spec.reference());
        // Nothing is lost on our own way back, headers that repeat included.
        let (batch, records) = read_ours(written);
        check_header(&batch, &spec);
        prop_assert_eq!(records, expected(&spec));
    }

    #[test]
    fn we_read_what_the_reference_writes(spec in spec()) {
        let (batch, records) = read_ours(spec.theirs());
        check_header(&batch, &spec);
        let expected = expected(&spec);
        prop_assert_eq!(records.len(), expected.len());
        for ((offset, read), (due, written)) in records.into_iter().zip(expected) {
            prop_assert_eq!(offset, due);
            prop_assert_eq!(header_map(&read.headers), header_map(&written.headers));
            let headers = Vec::new();
            prop_assert_eq!(
                Plain { headers: headers.clone(), ..read },
                Plain { headers, ..written }
            );
        }
    }

    #[test]
    fn a_run_of_batches_is_split_where_they_meet(
        specs in prop::collection::vec(spec(), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let batches: Vec<Bytes> = specs
            .iter()
            .enumerate()
            .map(|(at, spec)| if at % 2 == 0 { spec.ours() } else { spec.theirs() })
            .collect();
        let run = Bytes::from(batches.concat());
        let cut = cut.index(run.len() + 1);
        let mut split = batch::split(run.slice(..cut));
        let (mut whole, mut end) = (Vec::new(), 0);
        for found in split.by_ref() {
            let found = found.unwrap();
            end += found.bytes.len();
            whole.push(found.bytes);
        }
        prop_assert_eq!(&whole[..], &batches[..whole.len()]);
        prop_assert_eq!(split.remainder().len(), cut - end);
        prop_assert!(batches.get(whole.len()).is_none_or(|next| end + next.len() > cut));
    }

    #[test]
    fn an_offset_and_epoch_set_by_a_leader_leave_the_rest_as_it_was(
        spec in spec(),
        offset in 0i64..1 << 60,
        epoch in 0i32..,
    ) {
        let mut moved = spec.ours().to_vec();
        batch::patch::set_base_offset_and_epoch(&mut moved, offset, epoch);
        let moved_spec = Spec { base_offset: offset, leader_epoch: epoch, ..spec };
        prop_assert_eq!(&moved[..], &moved_spec.ours()[..]);
    }

    /// Any one bit that flips where a checksum covers it is caught; where none does, the parse says so or the
    /// bit is of the base offset or the leader epoch.
    #[test]
    fn a_flipped_bit_is_caught(spec in spec(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = spec.ours().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let parsed = Batch::parse(&mut Bytes::from(bytes));
        match at {
            0..8 | 12..16 => parsed.unwrap().verify_crc().unwrap(),
            8..12 => assert!(parsed.is_err() || parsed.unwrap().verify_crc().is_err()),
            16 => assert!(matches!(parsed, Err(BatchError::UnsupportedMagic(_)))),
            _ => {
                // The sign of a count is looked at before the checksum.
                let refused = parsed.and_then(|batch| batch.verify_crc()).unwrap_err();
                assert!(matches!(refused, BatchError::CrcMismatch { .. } | BatchError::Corrupt(_)));
            }
        }
    }
}
