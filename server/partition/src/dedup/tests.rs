use tidemill_wire::batch::{BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use super::*;

const WINDOW: i64 = 100;

fn seen(by: DedupBy) -> Seen {
    let dedup = Dedup {
        window_ms: WINDOW,
        by,
    };
    Seen::new(dedup, [7; 16])
}

/// Key (none when empty) and timestamp of each record.
fn batch(records: &[(&str, i64)]) -> Batch {
    let mut builder = BatchBuilder::new(Compression::None);
    for (key, timestamp) in records {
        builder.append(&RecordData {
            timestamp: *timestamp,
            key: (!key.is_empty()).then_some(key.as_bytes()),
            value: Some(b"v"),
            headers: &[(b"id", Some(key.as_bytes()))],
        });
    }
    Batch::parse(&mut builder.with_producer(1, 0, 10).build()).unwrap()
}

/// Offset deltas of what is left, after it was stored.
fn store(seen: &mut Seen, records: &[(&str, i64)]) -> Vec<i64> {
    let before = batch(records);
    let (left, news) = seen.leave_out_doubles(&before).unwrap();
    seen.adopt(news);
    let left = left.map_or(before, |mut left| Batch::parse(&mut left).unwrap());
    assert_eq!(left.header.last_offset_delta as usize, records.len() - 1);
    assert_eq!((left.header.producer_id, left.header.base_sequence), (1, 10));
    if left.header.is_gap() {
        return Vec::new();
    }
    let left = left.records(1 << 20).unwrap();
    left.iter().map(|record| record.unwrap().offset).collect()
}

#[test]
fn doubles_go_within_a_batch_and_across_and_the_window_passes() {
    let mut seen = seen(DedupBy::Key);
    assert_eq!(
        store(&mut seen, &[("a", 0), ("b", 1), ("a", 2), ("c", 3)]),
        [0, 1, 3]
    );
    assert_eq!(store(&mut seen, &[("b", 50), ("a", 60)]), [0_i64; 0]);
    // What is left out is not remembered anew: the window counts from what was stored.
    assert_eq!(store(&mut seen, &[("a", 99), ("d", 99), ("a", 100)]), [1, 2]);
    assert_eq!(store(&mut seen, &[("a", 101)]), [0_i64; 0]);
}

#[test]
fn records_without_the_part_are_like_no_other() {
    let mut keys = seen(DedupBy::Key);
    assert_eq!(store(&mut keys, &[("", 0), ("", 0)]), [0, 1]);
    let mut headers = seen(DedupBy::Header("id".to_owned()));
    assert_eq!(store(&mut headers, &[("a", 0), ("a", 0), ("b", 0)]), [0, 2]);
    let mut others = seen(DedupBy::Header("other".to_owned()));
    assert_eq!(store(&mut others, &[("a", 0), ("a", 0)]), [0, 1]);
    let mut values = seen(DedupBy::Value);
    assert_eq!(store(&mut values, &[("a", 0), ("b", 0)]), [0]);
}

#[test]
fn what_is_forgotten_takes_no_memory() {
    let mut seen = seen(DedupBy::Key);
    for at in 0..10_000 {
        assert_eq!(store(&mut seen, &[(&format!("k{at}"), at)]), [0]);
    }
    assert!(seen.times.len() <= WINDOW as usize && seen.queue.len() <= WINDOW as usize);
}
