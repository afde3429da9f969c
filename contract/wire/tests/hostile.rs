//! Batches that lie: about their counts, their lengths, and how far they unfold.
#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

mod support;

use bytes::Bytes;
use proptest::prelude::*;
use support::{pack, spec};
use tidemill_wire::batch::{
    Batch, BatchBuilder, BatchError, CRC_START, HEADER_LEN, LENGTH_END, RecordData, patch,
};
use tidemill_wire::codec::{self, CodecError, Compression};

const LIMIT: usize = 1 << 20;

/// Looks at everything that a reader may look at. Answers how many records could be read.
fn read_all(bytes: Bytes) -> Result<usize, BatchError> {
    let batch = Batch::parse(&mut bytes.clone())?;
    let records = batch.records(LIMIT)?;
    let mut read = 0;
    for record in records.iter() {
        let record = record?;
        let sizes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        let headers = record.headers.iter();
        let sizes = headers.fold(sizes, |sum, (name, value)| {
            sum + name.len() + value.map_or(0, <[u8]>::len)
        });
        assert_eq!(record.headers.iter().count(), record.headers.len());
        assert!(sizes <= records.body().len(), "parts share the body");
        read += 1;
    }
    assert!(read <= records.len() && read <= records.body().len());
    batch.validate(LIMIT).map(|()| read)
}

/// The batch cut to `keep` bytes, with a length and a checksum that say it is whole.
fn cut_and_sealed(batch: &[u8], keep: usize) -> Bytes {
    let mut cut = batch[..keep].to_vec();
    let length = (keep - LENGTH_END) as i32;
    cut[8..12].copy_from_slice(&length.to_be_bytes());
    patch::set_crc(&mut cut);
    cut.into()
}

fn small(codec: Compression) -> Bytes {
    let headers: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"1")), (b"h", None)];
    let mut builder = BatchBuilder::new(codec).with_producer(7, 0, 0);
    for value in 0..5u8 {
        builder.append(&RecordData {
            timestamp: 1_700_000_000_000,
            key: Some(b"key"),
            value: Some(&[value; 40]),
            headers: &headers,
        });
    }
    builder.build()
}

#[test]
fn a_batch_cut_anywhere_is_incomplete() {
    for codec in Compression::ALL {
        let whole = small(codec);
        for cut in 0..whole.len() {
            let mut bytes = whole.slice(..cut);
            let parsed = Batch::parse(&mut bytes);
            assert!(
                matches!(parsed, Err(BatchError::Incomplete { .. })),
                "{codec:?} cut at {cut}"
            );
            assert_eq!(bytes.len(), cut, "what was not taken is left");
        }
    }
}

#[test]
fn a_batch_cut_anywhere_and_sealed_again_loses_nothing_in_silence() {
    /// LZ4's end mark carries no data; our reader does without it, as many do.
    const END_MARK: usize = 4;
    for codec in Compression::ALL {
        let whole = small(codec);
        assert_eq!(read_all(whole.clone()), Ok(5));
        for keep in HEADER_LEN..whole.len() {
            let read = read_all(cut_and_sealed(&whole, keep));
            let only_the_mark = codec == Compression::Lz4 && keep >= whole.len() - END_MARK;
            assert!(
                read.is_err() || (only_the_mark && read == Ok(5)),
                "{codec:?} kept {keep}"
            );
        }
    }
}

#[test]
fn counts_and_deltas_that_lie_are_refused() {
    for (at, value) in [
        (57, i32::MAX),
        (57, -1),
        (57, 0),
        (57, 6),
        (23, -1),
        (23, i32::MAX),
        (23, 3),
    ] {
        let mut bytes = small(Compression::None).to_vec();
        bytes[at..at + 4].copy_from_slice(&i32::to_be_bytes(value));
        patch::set_crc(&mut bytes);
        assert!(read_all(bytes.into()).is_err(), "{value} at {at}");
    }
}

/// A record of `body` under a header that counts one.
fn one_record(body: &[u8]) -> Bytes {
    let mut bytes = small(Compression::None)[..HEADER_LEN].to_vec();
    bytes.extend_from_slice(body);
    bytes[57..61].copy_from_slice(&1i32.to_be_bytes());
    bytes[23..27].copy_from_slice(&0i32.to_be_bytes());
    let keep = bytes.len();
    cut_and_sealed(&bytes, keep)
}

#[test]
fn lengths_inside_a_record_that_lie_are_refused() {
    // length, attributes, timestamp delta, offset delta, key -1, value -1, no headers.
    assert_eq!(read_all(one_record(&[12, 0, 0, 0, 1, 1, 0])), Ok(1));
    let lies: [&[u8]; 9] = [
        // A record longer than the body, of no bytes, of a negative length, of a length that overflows.
        &[14, 0, 0, 0, 1, 1, 0],
        &[0, 0, 0, 0, 1, 1, 0],
        &[1, 0, 0, 0, 1, 1, 0],
        &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        // A key and a value longer than the record; a key of length -2.
        &[12, 0, 0, 0, 0x7e, 1, 0],
        &[12, 0, 0, 0, 1, 0x7e, 0],
        &[12, 0, 0, 0, 3, 1, 0],
        // Headers that are not there; a count that is negative.
        &[20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f],
        &[12, 0, 0, 0, 1, 1, 1],
    ];
    for lie in lies {
        assert!(read_all(one_record(lie)).is_err(), "{lie:?}");
    }
}

/// A few bytes that unfold to 16 MiB.
fn bomb(codec: Compression) -> Vec<u8> {
    pack(codec, &vec![0; 16 << 20])
}

#[test]
fn a_bomb_unfolds_to_the_limit_and_no_further() {
    for codec in [
        Compression::Gzip,
        Compression::Lz4,
        Compression::Zstd,
        Compression::Snappy,
    ] {
        let mut bytes = small(codec)[..HEADER_LEN].to_vec();
        bytes.extend(bomb(codec));
        let keep = bytes.len();
        let bomb = cut_and_sealed(&bytes, keep);
        assert_eq!(
            read_all(bomb),
            Err(BatchError::Codec(CodecError::TooLarge { codec, limit: LIMIT }))
        );
    }
}

#[test]
fn frames_one_after_the_other_are_bounded_together() {
    for codec in [Compression::Gzip, Compression::Zstd] {
        let many = pack(codec, &[7; 4096]).repeat(1024);
        let refused = codec::decompress(codec, &many, LIMIT);
        assert_eq!(
            refused,
            Err(CodecError::TooLarge { codec, limit: LIMIT }),
            "4 MiB in all"
        );
    }
}

proptest! {
    /// Bytes changed anywhere behind the checksum, which is then set right: never a panic, never more than is there.
    #[test]
    fn a_sealed_lie_never_panics(
        spec in spec(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = spec.ours().to_vec();
        let behind = bytes.len() - CRC_START;
        for (at, value) in changes {
            bytes[CRC_START + at.index(behind)] = value;
        }
        patch::set_crc(&mut bytes);
        let _ = read_all(bytes.into());
    }

    #[test]
    fn noise_under_a_sound_header_never_panics(
        codec in prop::sample::select(&Compression::ALL[..]),
        noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = small(codec)[..HEADER_LEN].to_vec();
        bytes.extend(noise);
        let keep = bytes.len();
        let _ = read_all(cut_and_sealed(&bytes, keep));
    }

    #[test]
    fn noise_is_no_batch_and_no_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_all(noise.into());
    }
}
