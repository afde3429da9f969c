use proptest::collection::vec;
use proptest::prelude::*;
use tidemill_storage::{Log, LogConfig};

use crate::{Machine, batch, small};

fn look_up(log: &Log, times: &[i64], start: usize) {
    let visible = || times.iter().copied().enumerate().skip(start);
    for wanted in 0..102 {
        let found = log.offset_for_timestamp(wanted).unwrap();
        let first = visible().find(|(_, time)| *time >= wanted);
        let first = first.map(|(offset, time)| (i64::try_from(offset).unwrap(), time));
        assert_eq!(
            found.map(|found| (found.offset, found.timestamp)),
            first,
            "time {wanted}"
        );
    }
    let largest = visible().map(|(_, time)| time).max();
    let first = visible().find(|(_, time)| Some(*time) == largest);
    let first = first.map(|(offset, time)| (i64::try_from(offset).unwrap(), time));
    let found = log.max_timestamp().unwrap();
    assert_eq!(
        found.map(|found| (found.offset, found.timestamp)),
        first,
        "the largest"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_is_found_by_time_whatever_the_order_of_times(
        batches in vec(vec(0i64..100, 1..5), 1..40),
        restart_at in 0usize..40,
        clean: bool,
        deleted in 0usize..100,
        interval in prop_oneof![Just(1u32), Just(100), Just(10_000)],
    ) {
        let machine = Machine::new();
        let config = LogConfig { index_interval_bytes: interval, ..small() };
        let mut log = machine.open(&config).0;
        let mut times = Vec::new();
        for (at, planned) in batches.iter().enumerate() {
            if at == restart_at {
                if clean {
                    log.close().unwrap();
                }
                drop(log);
                log = machine.open(&config).0;
            }
            log.append(&[batch(planned)], 0).unwrap();
            times.extend_from_slice(planned);
        }
        look_up(&log, &times, 0);
        let start = deleted * times.len() / 100;
        log.delete_before(i64::try_from(start).unwrap()).unwrap();
        look_up(&log, &times, start);
        log.close().unwrap();
        drop(log);
        look_up(&machine.open(&config).0, &times, start);
    }

    /// However a read is bounded and wherever its batches are (cache, disk, both), it gives whole batches
    /// in order, at least one, and no more than asked for.
    #[test]
    fn a_read_gives_whole_batches_within_its_bounds(
        sizes in vec(1usize..30, 1..40),
        max_bytes in 0usize..3_000,
        cache in prop_oneof![Just(0usize), Just(600), Just(1 << 20)],
        from_part in 0usize..100,
    ) {
        let machine = Machine::new();
        let config = LogConfig { tail_cache_bytes: cache, ..small() };
        let log = machine.open(&config).0;
        let mut bases = Vec::new();
        for size in &sizes {
            bases.push(log.append(&[batch(&vec![1; *size])], 0).unwrap().base_offset);
        }
        let end = log.offsets().end;
        let mut from = end * i64::try_from(from_part).unwrap() / 100;
        while from < end {
            let read = log.read(from, end, max_bytes).unwrap();
            let bytes = read.chunks.concat();
            prop_assert_eq!(bytes.len(), read.bytes);
            let mut rest = bytes::Bytes::from(bytes);
            let mut count = 0;
            let holds = *bases.iter().rev().find(|base| **base <= from).unwrap();
            let mut next = holds;
            while !rest.is_empty() {
                let found = tidemill_wire::batch::Batch::parse(&mut rest).unwrap();
                prop_assert_eq!(found.header.base_offset, next);
                found.verify_crc().unwrap();
                next = found.header.next_offset();
                count += 1;
            }
            prop_assert!(count >= 1);
            prop_assert!(count == 1 || read.bytes <= max_bytes);
            prop_assert_eq!(read.next_offset, next);
            from = next;
        }
    }
}
