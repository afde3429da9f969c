//! Records of `__consumer_offsets`, which other programs may have written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tidemill_broker::group::records::{
    ClassicMember, ClassicMetadata, CommittedOffset, ConsumerMetadata, CurrentAssignment, Key,
    MemberMetadata, Record, Value,
};

/// A first byte that is odd stands for a tombstone; then a key with its length, and the value.
pub(crate) fn run(mut data: &[u8]) {
    let [tombstone] = crate::take(&mut data);
    let key = crate::part(&mut data);
    let value = (tombstone % 2 == 0).then_some(data);
    let Ok(Some(record)) = Record::decode(key, value) else {
        return;
    };
    assert_eq!(record.value.is_some(), value.is_some());
    // What was understood is written as this program writes it, and then understood the same.
    let (key, value) = record.encode();
    assert_eq!(Record::decode(&key, value.as_deref()), Ok(Some(record)));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    records()
        .iter()
        .flat_map(|record| [input(record, false), input(record, true)])
        .collect()
}

fn input(record: &Record, tombstone: bool) -> Vec<u8> {
    let (key, value) = record.encode();
    let mut out = vec![u8::from(tombstone)];
    crate::with_length(&mut out, &key);
    if !tombstone {
        out.extend(value.unwrap_or_default());
    }
    out
}

fn records() -> Vec<Record> {
    let group = || "group".to_owned();
    let member = || "member-1".to_owned();
    let owned = || BTreeMap::from([(Default::default(), BTreeSet::from([0, 1, 7]))]);
    let key = |make: fn(String, String) -> Key| make(group(), member());
    vec![
        Record::put(
            Key::Offset {
                group: group(),
                topic: "topic".to_owned(),
                partition: 3,
            },
            Value::Offset(CommittedOffset {
                offset: 42,
                leader_epoch: 5,
                metadata: "noted".to_owned(),
                commit_ms: 1_700_000_000_000,
                expire_ms: None,
                topic_id: Default::default(),
            }),
        ),
        Record::put(Key::Classic { group: group() }, Value::Classic(classic())),
        Record::put(
            Key::Consumer { group: group() },
            Value::Consumer(ConsumerMetadata {
                epoch: 4,
                metadata_hash: 99,
            }),
        ),
        Record::put(
            key(|group, member| Key::Member { group, member }),
            Value::Member(MemberMetadata {
                instance_id: Some("i".to_owned()),
                client_id: "c".to_owned(),
                client_host: "127.0.0.1".to_owned(),
                topics: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
                rebalance_timeout_ms: 1000,
                ..MemberMetadata::default()
            }),
        ),
        Record::put(Key::TargetEpoch { group: group() }, Value::TargetEpoch(4)),
        Record::put(
            key(|group, member| Key::Target { group, member }),
            Value::Target(owned()),
        ),
        Record::put(
            key(|group, member| Key::Current { group, member }),
            Value::Current(CurrentAssignment::default()),
        ),
    ]
}

fn classic() -> ClassicMetadata {
    let member = |at: usize| ClassicMember {
        id: format!("member-{at}"),
        instance_id: (at == 1).then(|| "static".to_owned()),
        client_id: "client".to_owned(),
        client_host: "127.0.0.1".to_owned(),
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 45_000,
        subscription: Bytes::from_static(b"subscription"),
        assignment: Bytes::from_static(b"assignment"),
    };
    ClassicMetadata {
        protocol_type: "consumer".to_owned(),
        generation: 2,
        protocol: Some("range".to_owned()),
        leader: Some("member-0".to_owned()),
        state_ms: 1_700_000_000_000,
        members: (0..2).map(member).collect(),
    }
}
