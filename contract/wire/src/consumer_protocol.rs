//! What consumers of a classic group tell each other through their coordinator: subscriptions and assignments.
//!
//! To the group protocol they are opaque bytes, two of version and then a message (KIP-429, KIP-792, KIP-881).
//! They come from other clients, so a reader trusts them as little as a request: the shape is walked before
//! the codec makes room for what the message claims.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::kafka::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use crate::kafka::protocol::{Decodable, Encodable};
use crate::shape::{self, Shape};

/// The newest version whose fields are known. Later ones only append.
const NEWEST: i16 = 3;

/// A group member's subscription or assignment that cannot be read. Other members are not affected; treat the
/// member as one that wants, or has, nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} of a group member does not parse: {reason}; is it a consumer's?")]
pub struct ConsumerProtocolError {
    what: &'static str,
    reason: String,
}

/// Reads what a member subscribes to and owns, as JoinGroup carries it. Bytes that a newer version appends are
/// passed over.
///
/// # Errors
///
/// [`ConsumerProtocolError`]: cut short, or claims more than it holds.
pub fn decode_subscription(bytes: Bytes) -> Result<ConsumerProtocolSubscription, ConsumerProtocolError> {
    decode(bytes, "subscription", &shape::SUBSCRIPTION)
}

/// Reads which partitions a member is given, as SyncGroup carries it. Bytes that a newer version appends are
/// passed over.
///
/// # Errors
///
/// [`ConsumerProtocolError`]: cut short, or claims more than it holds.
pub fn decode_assignment(bytes: Bytes) -> Result<ConsumerProtocolAssignment, ConsumerProtocolError> {
    decode(bytes, "assignment", &shape::ASSIGNMENT)
}

/// Writes which partitions a member is given, as SyncGroup carries it, in the version that the member wrote its
/// own `metadata` in: that one it can read. Of a version not known here, the newest that is.
///
/// # Errors
///
/// [`ConsumerProtocolError`]: a topic's name is longer than the encoding holds.
pub fn encode_assignment(
    assignment: &ConsumerProtocolAssignment,
    mut metadata: &[u8],
) -> Result<Bytes, ConsumerProtocolError> {
    let version = metadata.try_get_i16().unwrap_or(0).clamp(0, NEWEST);
    let mut out = BytesMut::new();
    out.put_i16(version);
    assignment
        .encode(&mut out, version)
        .map_err(|error| ConsumerProtocolError {
            what: "assignment",
            reason: format!("{error:#}"),
        })?;
    Ok(out.freeze())
}

fn decode<M: Decodable>(
    mut bytes: Bytes,
    what: &'static str,
    shape: &'static Shape,
) -> Result<M, ConsumerProtocolError> {
    let failed = |reason: String| ConsumerProtocolError { what, reason };
    let version = bytes
        .try_get_i16()
        .map_err(|_| failed("it is empty".to_owned()))?;
    if version < 0 {
        return Err(failed(format!("its version is {version}")));
    }
    let version = version.min(NEWEST);
    shape::check_front(shape, version, &bytes).map_err(failed)?;
    M::decode(&mut bytes, version).map_err(|error| failed(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::messages::{TopicName, consumer_protocol_assignment, consumer_protocol_subscription};
    use crate::kafka::protocol::StrBytes;

    fn name(name: &'static str) -> StrBytes {
        StrBytes::from_static_str(name)
    }

    fn encoded(version: i16, message: &impl Encodable) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(version);
        message.encode(&mut out, version.min(NEWEST)).unwrap();
        out.freeze()
    }

    fn subscription(version: i16) -> ConsumerProtocolSubscription {
        let owned = consumer_protocol_subscription::TopicPartition::default()
            .with_topic(TopicName(name("a")))
            .with_partitions(vec![0, 7]);
        let mut out = ConsumerProtocolSubscription::default().with_topics(vec![name("a"), name("b")]);
        if version >= 1 {
            out.owned_partitions = vec![owned];
        }
        if version >= 2 {
            out.generation_id = 5;
        }
        if version >= 3 {
            out.rack_id = Some(name("r"));
        }
        out
    }

    fn assignment() -> ConsumerProtocolAssignment {
        let given = consumer_protocol_assignment::TopicPartition::default()
            .with_topic(TopicName(name("a")))
            .with_partitions(vec![1, 2, 3]);
        ConsumerProtocolAssignment::default()
            .with_assigned_partitions(vec![given])
            .with_user_data(Some(Bytes::from_static(b"u")))
    }

    #[test]
    fn every_version_comes_back_and_no_cut_of_it_does() {
        for version in 0..=NEWEST {
            let bytes = encoded(version, &subscription(version));
            assert_eq!(decode_subscription(bytes.clone()), Ok(subscription(version)));
            for cut in 0..bytes.len() {
                assert!(
                    decode_subscription(bytes.slice(..cut)).is_err(),
                    "{version} cut at {cut}"
                );
            }
            let bytes = encoded(version, &assignment());
            assert_eq!(decode_assignment(bytes.clone()), Ok(assignment()));
            for cut in 0..bytes.len() {
                assert!(
                    decode_assignment(bytes.slice(..cut)).is_err(),
                    "{version} cut at {cut}"
                );
            }
        }
    }

    /// The bytes are of `ConsumerProtocol.serializeAssignment` of kafka-clients 4.3.1.
    #[test]
    fn an_assignment_is_kafkas_in_the_version_of_the_members_metadata() {
        let given = consumer_protocol_assignment::TopicPartition::default()
            .with_topic(TopicName(name("a")))
            .with_partitions(vec![0, 2]);
        let assignment = ConsumerProtocolAssignment::default().with_assigned_partitions(vec![given]);
        let kafkas = b"\0\0\0\x01\0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x02\xff\xff\xff\xff";
        for (metadata, version) in [
            (&[0u8, 0][..], 0u8),
            (&[0, 2, 9], 2),
            (&[0, 3], 3),
            (&[0, 9], 3),
            (&[], 0),
        ] {
            let bytes = encode_assignment(&assignment, metadata).unwrap();
            assert_eq!(bytes, [&[0, version], &kafkas[..]].concat());
            assert_eq!(decode_assignment(bytes), Ok(assignment.clone()));
        }
    }

    #[test]
    fn what_a_newer_version_appends_is_passed_over() {
        let bytes = [&encoded(9, &subscription(NEWEST))[..], b"appended"].concat();
        assert_eq!(decode_subscription(bytes.into()), Ok(subscription(NEWEST)));
    }

    #[test]
    fn a_claim_without_bytes_is_refused() {
        let lie = Bytes::from_static(&[0, 1, 0x7f, 0xff, 0xff, 0xff]);
        assert!(decode_subscription(lie.clone()).is_err());
        assert!(decode_assignment(lie).is_err());
        assert!(decode_assignment(Bytes::from_static(&[0xff, 0xff, 0, 0, 0, 0])).is_err());
    }
}
