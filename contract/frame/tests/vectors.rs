//! The vectors that every language is held to. They are written by another program, from the specification alone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;
use tidemill_frame::{
    Answer, AnswerWriter, Body, Frame, FrameHeader, FrameKind, FrameWriter, NewRecord, Selection,
};

fn vectors(group: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../vectors/vectors.json")).unwrap();
    let group = all[group].as_array().unwrap().clone();
    assert!(group.len() > 5);
    group
}

fn hex(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    Some((0..text.len()).step_by(2).map(digit).collect())
}

type Headers = Vec<(String, Option<Vec<u8>>)>;

fn headers(value: &Value) -> Headers {
    let pairs = value.as_array().unwrap().iter();
    pairs
        .map(|pair| (pair[0].as_str().unwrap().to_owned(), hex(&pair[1])))
        .collect()
}

/// Calls `then` with the record that `value` tells of.
fn with_record<T>(value: &Value, then: impl FnOnce(&NewRecord<'_>) -> T) -> T {
    let (key, content, headers) = (
        hex(&value["key"]),
        hex(&value["value"]),
        headers(&value["headers"]),
    );
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    let record = NewRecord::new(
        value["timestamp"].as_i64().unwrap(),
        key.as_deref(),
        content.as_deref(),
    );
    then(&record.with_headers(&headers))
}

fn same(read: tidemill_frame::Headers<'_>, value: &Value) -> bool {
    let read: Headers = read
        .iter()
        .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
        .collect();
    read == headers(value)
}

#[test]
fn frames_say_what_they_should() {
    for vector in vectors("frames") {
        let name = vector["name"].as_str().unwrap();
        let bytes = hex(&vector["hex"]).unwrap();
        let frame = Frame::read(&bytes).unwrap();
        let kind = match vector["kind"].as_str().unwrap() {
            "records" => FrameKind::Records,
            "look_back" => FrameKind::LookBack,
            "aggregate" => FrameKind::Aggregate,
            _ => FrameKind::Join,
        };
        let expected = vector["records"].as_array().unwrap();
        let header = FrameHeader {
            kind,
            count: expected.len() as u32,
            accumulator: frame.accumulator().len() as u32,
            base_offset: vector["baseOffset"].as_i64().unwrap(),
            base_timestamp: vector["baseTimestamp"].as_i64().unwrap(),
            stamped: vector["stamped"].as_bool().unwrap(),
        };
        assert_eq!(*frame.header(), header, "{name}");
        assert_eq!(
            frame.accumulator(),
            hex(&vector["accumulator"]).unwrap(),
            "{name}"
        );
        let read: Vec<_> = frame.records().map(Result::unwrap).collect();
        assert_eq!(read.len(), expected.len(), "{name}");
        for (read, expected) in read.iter().zip(expected) {
            assert_eq!(read.offset, expected["offset"].as_i64().unwrap(), "{name}");
            assert_eq!(read.timestamp, expected["timestamp"].as_i64().unwrap(), "{name}");
            assert_eq!(read.key, hex(&expected["key"]).as_deref(), "{name}");
            assert_eq!(read.value, hex(&expected["value"]).as_deref(), "{name}");
            assert!(same(read.headers, &expected["headers"]), "{name}");
        }
        // A stamped frame, and one without offsets, says less than its bytes hold.
        if !header.stamped && header.base_offset >= 0 {
            let mut writer = FrameWriter::new(header, frame.accumulator());
            for record in expected {
                with_record(record, |new| writer.push(record["offset"].as_i64().unwrap(), new));
            }
            assert_eq!(writer.finish(), bytes, "{name}");
        }
    }
}

#[test]
fn answers_say_what_they_should() {
    for vector in vectors("answers") {
        let name = vector["name"].as_str().unwrap();
        let bytes = hex(&vector["hex"]).unwrap();
        let count = vector["count"].as_u64().unwrap() as u32;
        let base_timestamp = vector["baseTimestamp"].as_i64().unwrap();
        let answer = Answer::read(&bytes, count, base_timestamp).unwrap();
        let accumulator = hex(&vector["accumulator"]);
        assert_eq!(answer.accumulator(), accumulator.as_deref(), "{name}");
        let header = FrameHeader {
            kind: FrameKind::Records,
            count,
            accumulator: 0,
            base_offset: 0,
            base_timestamp,
            stamped: false,
        };
        let mut writer = AnswerWriter::new(&header);
        let failed = vector["failed"].as_array().unwrap();
        let told: Vec<_> = answer.failed().collect();
        assert_eq!(told.len(), failed.len(), "{name}");
        for (told, failed) in told.iter().zip(failed) {
            assert_eq!(u64::from(told.index), failed[0].as_u64().unwrap(), "{name}");
            assert_eq!(told.message, failed[1].as_str().unwrap(), "{name}");
            writer.fail(told.index, told.message);
        }
        let written = match answer.body() {
            Body::Selection(bits) => {
                let mut selection = Selection::none(count as usize);
                for index in vector["selection"].as_array().unwrap() {
                    selection.keep(index.as_u64().unwrap() as usize);
                }
                assert_eq!(bits, selection.bits(), "{name}");
                writer.selection(&selection)
            }
            Body::Records(records) => {
                let expected = vector["records"].as_array().unwrap();
                assert_eq!(records.len(), expected.len(), "{name}");
                for (read, expected) in records.zip(expected) {
                    assert_eq!(
                        u64::from(read.source),
                        expected["source"].as_u64().unwrap(),
                        "{name}"
                    );
                    assert_eq!(read.timestamp, expected["timestamp"].as_i64().unwrap(), "{name}");
                    assert_eq!(read.key, hex(&expected["key"]).as_deref(), "{name}");
                    assert_eq!(read.value, hex(&expected["value"]).as_deref(), "{name}");
                    assert!(same(read.headers, &expected["headers"]), "{name}");
                    with_record(expected, |new| writer.record(read.source, new));
                }
                writer.records(accumulator.as_deref())
            }
        };
        assert_eq!(written, bytes, "{name}");
    }
}

#[test]
fn what_is_neither_is_refused() {
    for vector in vectors("refusedFrames") {
        let bytes = hex(&vector["hex"]).unwrap();
        let read = Frame::read(&bytes).and_then(|frame| frame.records().collect::<Result<Vec<_>, _>>());
        assert!(read.is_err(), "{}", vector["name"]);
    }
    for vector in vectors("refusedAnswers") {
        let bytes = hex(&vector["hex"]).unwrap();
        let count = vector["count"].as_u64().unwrap() as u32;
        assert!(Answer::read(&bytes, count, 0).is_err(), "{}", vector["name"]);
    }
}
