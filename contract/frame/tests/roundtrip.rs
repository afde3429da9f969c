//! What is written is what is read, and nothing that is not a frame is taken for one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tidemill_frame::{
    Answer, AnswerWriter, Body, Failure, Frame, FrameHeader, FrameKind, FrameWriter, NewRecord, Packed,
    Selection,
};

type OwnHeaders = Vec<(String, Option<Vec<u8>>)>;

#[derive(Clone, Debug)]
struct Own {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: OwnHeaders,
}

fn record() -> impl Strategy<Value = Own> {
    let bytes = || option::of(vec(any::<u8>(), 0..200));
    (any::<i64>(), bytes(), bytes(), vec((".{0,8}", bytes()), 0..4)).prop_map(
        |(timestamp, key, value, headers)| Own {
            timestamp,
            key,
            value,
            headers,
        },
    )
}

fn kind() -> impl Strategy<Value = FrameKind> {
    prop_oneof![
        Just(FrameKind::Records),
        Just(FrameKind::LookBack),
        Just(FrameKind::Aggregate),
        Just(FrameKind::Join)
    ]
}

fn borrowed(headers: &OwnHeaders) -> Vec<(&str, Option<&[u8]>)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect()
}

fn written(header: FrameHeader, accumulator: &[u8], records: &[Own]) -> Vec<u8> {
    let mut writer = FrameWriter::new(header, accumulator);
    for (index, record) in records.iter().enumerate() {
        let headers = borrowed(&record.headers);
        let new = NewRecord::new(record.timestamp, record.key.as_deref(), record.value.as_deref());
        writer.push(header.base_offset + index as i64 * 3, &new.with_headers(&headers));
    }
    writer.finish()
}

proptest! {
    #[test]
    fn a_frame_is_read_as_it_was_written(
        kind in kind(),
        base_offset in -1i64..1 << 60,
        base_timestamp: i64,
        stamped: bool,
        accumulator in vec(any::<u8>(), 0..40),
        records in vec(record(), 0..20),
    ) {
        let header = FrameHeader { kind, count: 0, accumulator: 0, base_offset, base_timestamp, stamped };
        let bytes = written(header, &accumulator, &records);
        let frame = Frame::read(&bytes).unwrap();
        prop_assert_eq!(frame.accumulator(), &accumulator[..]);
        prop_assert_eq!(frame.len(), records.len());
        let read: Vec<_> = frame.records().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read.len(), records.len());
        for (index, (got, own)) in read.iter().zip(&records).enumerate() {
            let offset = if base_offset < 0 { -1 } else { base_offset + index as i64 * 3 };
            prop_assert_eq!(got.offset, offset);
            prop_assert_eq!(got.timestamp, if stamped { base_timestamp } else { own.timestamp });
            prop_assert_eq!(got.key, own.key.as_deref());
            prop_assert_eq!(got.value, own.value.as_deref());
            prop_assert_eq!(got.headers.iter().collect::<Vec<_>>(), borrowed(&own.headers));
        }
        // Cut anywhere, it is never taken for a whole one.
        for end in 0..bytes.len() {
            let whole = Frame::read(&bytes[..end])
                .and_then(|frame| frame.records().collect::<Result<Vec<_>, _>>())
                .is_ok_and(|read| read.len() == records.len());
            prop_assert!(!whole, "cut at {end}");
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(
        records in vec((0u32..50, record()), 0..20),
        failed in proptest::collection::btree_map(0u32..50, ".{0,20}", 0..6),
        accumulator in option::of(vec(any::<u8>(), 0..40)),
        base_timestamp: i64,
    ) {
        let mut records = records;
        records.sort_by_key(|(source, _)| *source);
        let frame = FrameHeader { kind: FrameKind::Records, count: 50, accumulator: 0, base_offset: 7, base_timestamp, stamped: false };
        let mut writer = AnswerWriter::new(&frame);
        for (source, own) in &records {
            let headers = borrowed(&own.headers);
            let new = NewRecord::new(own.timestamp, own.key.as_deref(), own.value.as_deref());
            writer.record(*source, &new.with_headers(&headers));
        }
        for (index, message) in &failed {
            writer.fail(*index, message);
        }
        let bytes = writer.records(accumulator.as_deref());
        let answer = Answer::read(&bytes, 50, base_timestamp).unwrap();
        prop_assert_eq!(answer.accumulator(), accumulator.as_deref());
        let Body::Records(read) = answer.body() else { panic!("records were written") };
        prop_assert_eq!(read.len(), records.len());
        for (got, (source, own)) in read.zip(&records) {
            prop_assert_eq!(got.source, *source);
            prop_assert_eq!(got.timestamp, own.timestamp);
            prop_assert_eq!(got.key, own.key.as_deref());
            prop_assert_eq!(got.value, own.value.as_deref());
            prop_assert_eq!(got.headers.iter().collect::<Vec<_>>(), borrowed(&own.headers));
        }
        let told: Vec<_> = answer.failed().map(|failed| (failed.index, failed.message.to_owned())).collect();
        prop_assert_eq!(told, failed.into_iter().collect::<Vec<_>>());
        for end in 0..bytes.len() {
            prop_assert!(Answer::read(&bytes[..end], 50, base_timestamp).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_selection_is_read_as_it_was_written(kept in vec(any::<bool>(), 0..70)) {
        let count = kept.len();
        let mut selection = Selection::none(count);
        let mut inverse = Selection::all(count);
        for (index, kept) in kept.iter().enumerate() {
            if *kept {
                selection.keep(index);
            } else {
                inverse.drop_at(index);
            }
        }
        prop_assert_eq!(&selection, &inverse);
        let frame = FrameHeader { kind: FrameKind::Records, count: count as u32, accumulator: 0, base_offset: 0, base_timestamp: 0, stamped: false };
        let bytes = AnswerWriter::new(&frame).selection(&selection);
        let answer = Answer::read(&bytes, count as u32, 0).unwrap();
        let Body::Selection(bits) = answer.body() else { panic!("a selection was written") };
        for (index, kept) in kept.iter().enumerate() {
            prop_assert_eq!(bits[index / 8] >> (index % 8) & 1 == 1, *kept);
        }
        prop_assert!(Answer::read(&bytes, count as u32 + 1, 0).is_err(), "a selection is of the frame's records");
    }

    #[test]
    fn any_bytes_at_all_are_read_without_harm(bytes in vec(any::<u8>(), 0..300), count: u32) {
        if let Ok(frame) = Frame::read(&bytes) {
            frame.records().for_each(|record| { let _ = record.map(|record| record.headers.iter().count()); });
        }
        let mut versioned = bytes.clone();
        if versioned.len() > 3 {
            versioned[..4].copy_from_slice(&[1, bytes[1] & 1, bytes[2] & 1, 0]);
        }
        for bytes in [&bytes, &versioned] {
            let _ = Answer::read(bytes, count % 64, 0);
            let _ = Failure::read(bytes);
        }
    }

    #[test]
    fn a_place_fits_in_a_number(bits: u64) {
        prop_assert_eq!(Packed::from_bits(bits).to_bits(), bits);
    }
}

#[test]
fn a_failure_tells_its_record_and_reason() {
    for index in [None, Some(0), Some(70_000)] {
        let message = "no such field: größe".to_owned();
        let failure = Failure { index, message };
        assert_eq!(Failure::read(&failure.to_bytes()).unwrap(), failure);
    }
    let mended = Failure::read(&[1, 0, 0, 0, 0xff, b'x']).unwrap();
    assert_eq!(mended.index, Some(1));
    assert_eq!(mended.message, "\u{fffd}x");
    assert!(Failure::read(&[1, 0]).is_err());
}
