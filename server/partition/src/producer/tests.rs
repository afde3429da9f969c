use tidemill_env::{Disk, OpenMode};

use super::*;

fn header(producer_epoch: i16, base_sequence: i32, count: i32) -> BatchHeader {
    let mut bytes = [0u8; tidemill_wire::batch::HEADER_LEN];
    bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
    bytes[16] = 2;
    let mut header = BatchHeader::parse(&bytes).unwrap();
    header.producer_id = 7;
    header.producer_epoch = producer_epoch;
    header.base_sequence = base_sequence;
    header.record_count = count;
    header.last_offset_delta = count - 1;
    header
}

/// Stores `count` records if the sequence continues, as a log would.
fn send(
    producers: &mut Producers,
    epoch: i16,
    sequence: i32,
    count: i32,
    offset: i64,
) -> Result<Sequence, AppendError> {
    let header = header(epoch, sequence, count);
    let outcome = producers.check(&header)?;
    if outcome == Sequence::Next {
        producers.stored(&header, offset, 1_000);
    }
    Ok(outcome)
}

#[test]
fn sequences_continue_and_a_resent_batch_is_known_by_its_offset() {
    let mut producers = Producers::default();
    for i in 0..10 {
        assert_eq!(
            send(&mut producers, 0, i * 3, 3, i64::from(i) * 3).unwrap(),
            Sequence::Next
        );
    }
    for i in 5..10 {
        let resent = send(&mut producers, 0, i * 3, 3, 99).unwrap();
        assert!(matches!(resent, Sequence::Duplicate { base_offset, .. } if base_offset == i64::from(i) * 3));
    }
    let forgotten = send(&mut producers, 0, 0, 3, 99).unwrap_err();
    assert!(matches!(
        forgotten,
        AppendError::OutOfOrderSequence {
            expected: 30,
            sequence: 0,
            ..
        }
    ));
    assert!(send(&mut producers, 0, 33, 1, 99).is_err(), "a gap is refused");
}

#[test]
fn a_new_epoch_starts_at_zero_and_fences_the_old() {
    let mut producers = Producers::default();
    send(&mut producers, 0, 0, 5, 0).unwrap();
    assert!(matches!(
        send(&mut producers, 1, 5, 1, 5),
        Err(AppendError::OutOfOrderSequence { expected: 0, .. })
    ));
    assert_eq!(send(&mut producers, 1, 0, 1, 5).unwrap(), Sequence::Next);
    assert!(matches!(
        send(&mut producers, 0, 5, 1, 6),
        Err(AppendError::FencedProducer { current: 1, .. })
    ));
}

#[test]
fn sequences_wrap() {
    let mut producers = Producers::default();
    send(&mut producers, 0, i32::MAX - 1, 2, 0).unwrap();
    assert_eq!(send(&mut producers, 0, 0, 4, 2).unwrap(), Sequence::Next);
}

#[test]
fn an_unknown_producer_may_go_on_anywhere() {
    let mut producers = Producers::default();
    assert_eq!(send(&mut producers, 3, 500, 1, 0).unwrap(), Sequence::Next);
    producers.expire(2_000);
    assert!(producers.describe().is_empty());
    assert_eq!(send(&mut producers, 0, 77, 1, 1).unwrap(), Sequence::Next);
}

#[test]
fn state_survives_a_save_and_damage_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let disk = tidemill_env::RealDisk;
    assert!(load(&disk, dir.path()).is_none());
    let mut producers = Producers::default();
    for i in 0..7 {
        send(&mut producers, 2, i, 1, i64::from(i)).unwrap();
    }
    save(&disk, dir.path(), &encode(&producers, 7)).unwrap();
    assert!(producers.take_changed());
    assert_eq!(load(&disk, dir.path()), Some((producers, 7)));
    let file = disk
        .open(&dir.path().join("producers.snapshot"), OpenMode::Write)
        .unwrap();
    file.write_at(20, &[std::io::IoSlice::new(&[0xff])]).unwrap();
    assert!(load(&disk, dir.path()).is_none());
}
