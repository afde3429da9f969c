//! The bytes of Apache Kafka, and that nothing is lost or trusted on the way.
//!
//! The hexadecimal texts were written by the generated classes of kafka-group-coordinator 4.3.1
//! (`OffsetCommitValue` and its kin, through `MessageUtil.toVersionPrefixedByteBuffer`).

use bytes::Bytes;
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use super::codec::Writer;
use super::*;

const TOPIC: Uuid = uuid!("00112233-4455-6677-8899-aabbccddeeff");
const COMMIT_MS: i64 = 1_700_000_000_000;

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// That we write Kafka's bytes, and read them back.
#[track_caller]
fn same(key: Key, value: Value, kafka_key: &str, kafka_value: &str) {
    let record = Record::put(key, value);
    let (key, value) = record.encode();
    assert_eq!(key, hex(kafka_key), "key");
    assert_eq!(value.unwrap(), hex(kafka_value), "value");
    let read = Record::decode(&hex(kafka_key), Some(&hex(kafka_value)));
    assert_eq!(read, Ok(Some(record)));
}

fn group() -> String {
    "g1".to_owned()
}

fn offset() -> CommittedOffset {
    CommittedOffset {
        offset: 42,
        leader_epoch: 3,
        metadata: "note".to_owned(),
        commit_ms: COMMIT_MS,
        expire_ms: None,
        topic_id: Uuid::nil(),
    }
}

fn offset_key() -> Key {
    Key::Offset {
        group: group(),
        topic: "orders".to_owned(),
        partition: 7,
    }
}

const OFFSET_KEY: &str = "00010002673100066f726465727300000007";

#[test]
fn offsets_are_kafkas() {
    same(
        offset_key(),
        Value::Offset(offset()),
        OFFSET_KEY,
        "0003000000000000002a0000000300046e6f74650000018bcfe56800",
    );
    // An offset with an expiry of its own needs version 1, which has no leader epoch.
    let expires = CommittedOffset {
        offset: 5,
        leader_epoch: -1,
        metadata: "m".to_owned(),
        expire_ms: Some(COMMIT_MS + 60_000),
        ..offset()
    };
    same(
        offset_key(),
        Value::Offset(expires),
        OFFSET_KEY,
        "0001000000000000000500016d0000018bcfe568000000018bcfe65260",
    );
    let newer =
        "0004000000000000002a00000003056e6f74650000018bcfe5680001001000112233445566778899aabbccddeeff";
    let read = Record::decode(&hex(OFFSET_KEY), Some(&hex(newer))).unwrap();
    let with_id = CommittedOffset {
        topic_id: TOPIC,
        ..offset()
    };
    assert_eq!(read, Some(Record::put(offset_key(), Value::Offset(with_id))));
}

fn classic() -> ClassicMetadata {
    ClassicMetadata {
        protocol_type: "consumer".to_owned(),
        generation: 9,
        protocol: Some("range".to_owned()),
        leader: Some("m-1".to_owned()),
        state_ms: COMMIT_MS,
        members: vec![ClassicMember {
            id: "m-1".to_owned(),
            instance_id: Some("i-1".to_owned()),
            client_id: "c".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            rebalance_timeout_ms: 60_000,
            session_timeout_ms: 10_000,
            subscription: Bytes::from_static(&[1, 2]),
            assignment: Bytes::from_static(&[3]),
        }],
    }
}

#[test]
fn classic_groups_are_kafkas() {
    let key = || Key::Classic { group: group() };
    same(
        key(),
        Value::Classic(classic()),
        "000200026731",
        "00030008636f6e73756d657200000009000572616e676500036d2d310000018bcfe568000000000100036d2d310003692d31000163000a2f3132372e302e302e310000ea60000027100000000201020000000103",
    );
    let empty = ClassicMetadata {
        generation: 10,
        protocol: None,
        leader: None,
        members: Vec::new(),
        ..classic()
    };
    same(
        key(),
        Value::Classic(empty),
        "000200026731",
        "00030008636f6e73756d65720000000affffffff0000018bcfe5680000000000",
    );
}

#[test]
fn all_versions_of_a_classic_group_are_read() {
    let versions = [
        "00000008636f6e73756d657200000009000572616e676500036d2d310000000100036d2d31000163000a2f3132372e302e302e31000027100000000201020000000103",
        "00010008636f6e73756d657200000009000572616e676500036d2d310000000100036d2d31000163000a2f3132372e302e302e310000ea60000027100000000201020000000103",
        "00020008636f6e73756d657200000009000572616e676500036d2d310000018bcfe568000000000100036d2d31000163000a2f3132372e302e302e310000ea60000027100000000201020000000103",
        "00030008636f6e73756d657200000009000572616e676500036d2d310000018bcfe568000000000100036d2d310003692d31000163000a2f3132372e302e302e310000ea60000027100000000201020000000103",
        "000409636f6e73756d6572000000090672616e6765046d2d310000018bcfe5680002046d2d3104692d3102630b2f3132372e302e302e310000ea600000271003010202030000",
    ];
    for (version, text) in versions.into_iter().enumerate() {
        let mut expected = classic();
        if version < 3 {
            expected.members[0].instance_id = None;
        }
        if version < 2 {
            expected.state_ms = -1;
        }
        if version < 1 {
            // The session's timeout served for both.
            expected.members[0].rebalance_timeout_ms = 10_000;
        }
        assert_eq!(
            ClassicMetadata::decode(&hex(text)),
            Ok(expected),
            "version {version}"
        );
    }
}

#[test]
fn consumer_groups_are_kafkas() {
    let consumer = |metadata_hash| {
        Value::Consumer(ConsumerMetadata {
            epoch: 12,
            metadata_hash,
        })
    };
    let key = || Key::Consumer { group: group() };
    same(key(), consumer(0), "000300026731", "00000000000c00");
    same(
        key(),
        consumer(0x0102_0304_0506_0708),
        "000300026731",
        "00000000000c0100080102030405060708",
    );
    let epoch = Key::TargetEpoch { group: group() };
    same(epoch, Value::TargetEpoch(12), "000600026731", "00000000000c00");
}

#[test]
fn members_of_consumer_groups_are_kafkas() {
    let member = "m-1".to_owned();
    let key = Key::Member {
        group: group(),
        member: member.clone(),
    };
    let about = MemberMetadata {
        instance_id: Some("i-1".to_owned()),
        rack_id: Some("r".to_owned()),
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        topics: ["a".to_owned(), "b".to_owned()].into(),
        regex: Some("x.*".to_owned()),
        rebalance_timeout_ms: 45_000,
        assignor: Some("uniform".to_owned()),
        classic: None,
    };
    let kafka_key = "00050002673100036d2d31";
    same(
        key.clone(),
        Value::Member(about),
        kafka_key,
        "000004692d31027202630b2f3132372e302e302e31030261026204782e2a0000afc808756e69666f726d00",
    );
    let plain = MemberMetadata {
        rebalance_timeout_ms: -1,
        ..MemberMetadata::default()
    };
    same(
        key,
        Value::Member(plain),
        kafka_key,
        "0000000001010100ffffffff0000",
    );
    let target = Key::Target {
        group: group(),
        member: member.clone(),
    };
    same(
        target,
        Value::Target([(TOPIC, [0, 2].into())].into()),
        "00070002673100036d2d31",
        "00000200112233445566778899aabbccddeeff0300000000000000020000",
    );
    let current = CurrentAssignment {
        epoch: 12,
        previous_epoch: 11,
        state: 1,
        assigned: [(TOPIC, [0].into())].into(),
        revoking: [(TOPIC, [2].into())].into(),
    };
    same(
        Key::Current {
            group: group(),
            member,
        },
        Value::Current(current),
        "00080002673100036d2d31",
        "00000000000c0000000b010200112233445566778899aabbccddeeff0200000000000200112233445566778899aabbccddeeff02000000020000",
    );
}

#[test]
fn classic_members_of_consumer_groups_are_kafkas() {
    let key = Key::Member {
        group: group(),
        member: "m-1".to_owned(),
    };
    let protocols = [("range", &[1u8, 2][..]), ("cooperative-sticky", &[3])];
    let about = MemberMetadata {
        instance_id: Some("i-1".to_owned()),
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        topics: ["a".to_owned()].into(),
        rebalance_timeout_ms: 60_000,
        classic: Some(ClassicMemberMetadata {
            session_timeout_ms: 10_000,
            protocols: protocols
                .map(|(name, metadata)| (name.to_owned(), Bytes::copy_from_slice(metadata)))
                .into(),
        }),
        ..MemberMetadata::default()
    };
    same(
        key,
        Value::Member(about),
        "00050002673100036d2d31",
        "000004692d310002630b2f3132372e302e302e31020261000000ea60000100270100002710030672616e67650301020013636f6f70657261746976652d737469636b7902030000",
    );
}

#[test]
fn a_group_that_went_back_to_the_classic_protocol_has_no_leader() {
    let value = ClassicMetadata {
        leader: None,
        ..classic()
    };
    same(
        Key::Classic { group: group() },
        Value::Classic(value),
        "000200026731",
        "00030008636f6e73756d657200000009000572616e6765ffff0000018bcfe568000000000100036d2d310003692d31000163000a2f3132372e302e302e310000ea60000027100000000201020000000103",
    );
}

#[test]
fn kinds_of_others_are_passed_over() {
    // Kind 4 (partition metadata of old KIP-848 groups), 16 (resolved expressions), share groups.
    for kind in [4i16, 9, 16, 100] {
        let key = [&kind.to_be_bytes()[..], b"\0\x02g1"].concat();
        assert_eq!(Record::decode(&key, Some(b"anything")), Ok(None));
        assert_eq!(Record::decode(&key, None), Ok(None));
    }
}

#[test]
fn records_from_the_future_say_so() {
    let error = Record::decode(&hex(OFFSET_KEY), Some(&[0, 9, 0])).unwrap_err();
    assert!(error.to_string().contains("upgrade the server"), "{error}");
}

#[test]
fn a_string_too_long_for_its_length_is_cut_not_written_wrong() {
    let long = "é".repeat(20_000);
    let mut w = Writer::default();
    w.string(false, &long).i32(7);
    let bytes = w.finish();
    let mut r = super::codec::Reader::new(&bytes);
    let read = r.string(false, "text").unwrap();
    assert!(long.starts_with(&read) && read.len() == 32_766);
    assert_eq!(r.i32("after it"), Ok(7));
}

fn partitions() -> impl Strategy<Value = TopicPartitions> {
    let topic = any::<u128>().prop_map(Uuid::from_u128);
    let indexes = proptest::collection::btree_set(any::<i32>(), 0..5);
    proptest::collection::btree_map(topic, indexes, 0..4)
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn data() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn a_classic() -> impl Strategy<Value = ClassicMetadata> {
    let option = || proptest::option::of(text());
    let who = (text(), option(), text(), text());
    let member = (who, any::<[i32; 2]>(), data(), data());
    let member = member.prop_map(
        |((id, instance_id, client_id, client_host), [rebalance, session], subscription, assignment)| {
            ClassicMember {
                id,
                instance_id,
                client_id,
                client_host,
                rebalance_timeout_ms: rebalance,
                session_timeout_ms: session,
                subscription,
                assignment,
            }
        },
    );
    let members = proptest::collection::vec(member, 0..4);
    (text(), any::<i32>(), option(), option(), any::<i64>(), members).prop_map(
        |(protocol_type, generation, protocol, leader, state_ms, members)| ClassicMetadata {
            protocol_type,
            generation,
            protocol,
            leader,
            state_ms,
            members,
        },
    )
}

fn an_about() -> impl Strategy<Value = MemberMetadata> {
    let option = || proptest::option::of(text());
    let topics = proptest::collection::btree_set(text(), 0..4);
    (
        option(),
        option(),
        text(),
        topics,
        option(),
        any::<i32>(),
        option(),
        proptest::option::of((any::<i32>(), proptest::collection::vec((text(), data()), 0..3))),
    )
        .prop_map(
            |(instance_id, rack_id, client_id, topics, regex, rebalance_timeout_ms, assignor, classic)| {
                MemberMetadata {
                    instance_id,
                    rack_id,
                    client_host: client_id.clone(),
                    client_id,
                    topics,
                    regex,
                    rebalance_timeout_ms,
                    assignor,
                    classic: classic.map(|(session_timeout_ms, protocols)| ClassicMemberMetadata {
                        session_timeout_ms,
                        protocols,
                    }),
                }
            },
        )
}

fn record() -> impl Strategy<Value = Record> {
    let key = || (text(), text());
    let offset = (
        text(),
        any::<i32>(),
        any::<(i64, i32, i64)>(),
        any::<Option<u32>>(),
        text(),
    )
        .prop_map(
            |(topic, partition, (offset, leader_epoch, commit_ms), expire, metadata)| {
                let committed = CommittedOffset {
                    offset,
                    // Version 1, for an expiry, has none.
                    leader_epoch: if expire.is_some() { -1 } else { leader_epoch },
                    metadata,
                    commit_ms,
                    expire_ms: expire.map(i64::from),
                    topic_id: Uuid::nil(),
                };
                let group = group();
                Record::put(
                    Key::Offset {
                        group,
                        topic,
                        partition,
                    },
                    Value::Offset(committed),
                )
            },
        );
    let classic = (text(), a_classic())
        .prop_map(|(group, value)| Record::put(Key::Classic { group }, Value::Classic(value)));
    let about = (key(), an_about()).prop_map(|((group, member), value)| {
        Record::put(Key::Member { group, member }, Value::Member(value))
    });
    let target = (key(), partitions()).prop_map(|((group, member), value)| {
        Record::put(Key::Target { group, member }, Value::Target(value))
    });
    let current = (key(), any::<(i32, i32, i8)>(), partitions(), partitions()).prop_map(
        |((group, member), (epoch, previous_epoch, state), assigned, revoking)| {
            let current = CurrentAssignment {
                epoch,
                previous_epoch,
                state,
                assigned,
                revoking,
            };
            Record::put(Key::Current { group, member }, Value::Current(current))
        },
    );
    let epochs = any::<(i32, i64)>().prop_map(|(epoch, metadata_hash)| {
        let value = ConsumerMetadata { epoch, metadata_hash };
        Record::put(Key::Consumer { group: group() }, Value::Consumer(value))
    });
    prop_oneof![offset, classic, about, target, current, epochs]
}

proptest! {
    #[test]
    fn what_is_written_is_read(record in record()) {
        let (key, value) = record.encode();
        prop_assert_eq!(Record::decode(&key, value.as_deref()), Ok(Some(record.clone())));
        let gone = Record::tombstone(record.key);
        prop_assert_eq!(Record::decode(&key, None), Ok(Some(gone)));
    }

    #[test]
    fn a_cut_record_is_an_error(record in record(), cut in any::<prop::sample::Index>()) {
        let (key, value) = record.encode();
        let value = value.unwrap();
        let cut = cut.index(value.len());
        prop_assert!(Record::decode(&key, Some(&value[..cut])).is_err());
    }

    #[test]
    fn garbage_is_never_fatal(kind in 0i16..18, key in data(), value in data(), version in 0i16..5) {
        let key = [&kind.to_be_bytes()[..], &key].concat();
        let value = [&version.to_be_bytes()[..], &value].concat();
        let _ = Record::decode(&key, Some(&value));
        let _ = Record::decode(&value, None);
    }

    #[test]
    fn a_damaged_record_is_never_fatal(record in record(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (key, value) = record.encode();
        let mut value = value.unwrap().to_vec();
        let at = at.index(value.len());
        value[at] = byte;
        let _ = Record::decode(&key, Some(&value));
    }
}
