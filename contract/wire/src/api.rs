//! Requests and responses as frames, and the one table of what is served.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::kafka::messages::{ApiKey, RequestHeader, RequestKind, ResponseHeader, ResponseKind};
use crate::kafka::protocol::{Decodable, Encodable, HeaderVersion, Request as Message, StrBytes};

/// An API and the versions that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Which API.
    pub key: ApiKey,
    /// Oldest version.
    pub min: i16,
    /// Newest version.
    pub max: i16,
}

const fn serve(key: ApiKey, min: i16, max: i16) -> Served {
    Served { key, min, max }
}

/// What the server speaks: the versions that current clients use, each tested.
pub const SERVED: &[Served] = &[
    serve(ApiKey::Produce, 3, 12),
    serve(ApiKey::Fetch, 4, 17),
    serve(ApiKey::ListOffsets, 1, 9),
    serve(ApiKey::Metadata, 0, 13),
    serve(ApiKey::ApiVersions, 0, 4),
    serve(ApiKey::CreateTopics, 2, 7),
    serve(ApiKey::DeleteTopics, 1, 6),
    serve(ApiKey::DeleteRecords, 0, 2),
    serve(ApiKey::InitProducerId, 0, 5),
    serve(ApiKey::OffsetForLeaderEpoch, 2, 4),
    serve(ApiKey::DescribeConfigs, 1, 4),
    serve(ApiKey::AlterConfigs, 0, 2),
    serve(ApiKey::DescribeLogDirs, 1, 4),
    serve(ApiKey::CreatePartitions, 0, 3),
    serve(ApiKey::IncrementalAlterConfigs, 0, 1),
    serve(ApiKey::DescribeCluster, 0, 2),
    serve(ApiKey::DescribeProducers, 0, 0),
    serve(ApiKey::DescribeTopicPartitions, 0, 0),
    serve(ApiKey::AlterReplicaLogDirs, 1, 2),
    serve(ApiKey::ElectLeaders, 0, 2),
    serve(ApiKey::AlterPartitionReassignments, 0, 1),
    serve(ApiKey::ListPartitionReassignments, 0, 0),
    serve(ApiKey::DescribeClientQuotas, 0, 1),
    serve(ApiKey::DescribeUserScramCredentials, 0, 0),
    serve(ApiKey::DescribeQuorum, 0, 2),
    serve(ApiKey::ListConfigResources, 0, 1),
    serve(ApiKey::FindCoordinator, 0, 6),
    serve(ApiKey::JoinGroup, 0, 9),
    serve(ApiKey::Heartbeat, 0, 4),
    serve(ApiKey::LeaveGroup, 0, 5),
    serve(ApiKey::SyncGroup, 0, 5),
    serve(ApiKey::OffsetCommit, 2, 9),
    serve(ApiKey::OffsetFetch, 1, 9),
    serve(ApiKey::OffsetDelete, 0, 0),
    serve(ApiKey::DescribeGroups, 0, 6),
    serve(ApiKey::ListGroups, 0, 5),
    serve(ApiKey::DeleteGroups, 0, 2),
    serve(ApiKey::ConsumerGroupHeartbeat, 0, 1),
    serve(ApiKey::ConsumerGroupDescribe, 0, 1),
];

/// What is served of `key`, if anything.
#[must_use]
pub fn served(key: ApiKey) -> Option<&'static Served> {
    SERVED.iter().find(|served| served.key == key)
}

/// What ApiVersions tells. Produce is told from version 0 on, though 3 is the first that works:
/// librdkafka takes a higher minimum for a broker without compression (as KIP-896 notes).
pub fn advertised() -> impl Iterator<Item = Served> {
    SERVED.iter().map(|served| match served.key {
        ApiKey::Produce => Served { min: 0, ..*served },
        _ => *served,
    })
}

/// A decoded request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which API.
    pub key: ApiKey,
    /// Its version.
    pub version: i16,
    /// What the response must bear.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<StrBytes>,
    /// The request.
    pub body: RequestKind,
}

/// Why a frame is no request that can be answered in full.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Too short to say what it is.
    #[error("the frame is too short to be a request")]
    Truncated,
    /// No API of this number is served.
    #[error("API {key} is not served")]
    UnknownApi {
        /// The API's number.
        key: i16,
        /// What a response would bear.
        correlation_id: i32,
    },
    /// The API is served, but not in this version. An ApiVersions request is answered nevertheless.
    #[error("{key:?} version {version} is not served")]
    UnsupportedVersion {
        /// Which API.
        key: ApiKey,
        /// The version asked for.
        version: i16,
        /// What a response must bear.
        correlation_id: i32,
    },
    /// The request cannot be decoded.
    #[error("a {key:?} request of version {version} cannot be decoded: {reason}")]
    Malformed {
        /// Which API.
        key: ApiKey,
        /// Its version.
        version: i16,
        /// Where it goes wrong.
        reason: String,
    },
}

/// A message could not be written in the version asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of API {key} cannot be encoded in version {version}: {reason}")]
pub struct EncodeError {
    /// The API's number.
    pub key: i16,
    /// The version.
    pub version: i16,
    /// What does not fit.
    pub reason: String,
}

/// A response could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a response of API {key} version {version} cannot be decoded: {reason}")]
pub struct DecodeError {
    /// The API's number.
    pub key: i16,
    /// The version.
    pub version: i16,
    /// Where it goes wrong.
    pub reason: String,
}

/// A request whose shape has been checked, before its body is decoded.
///
/// A few bytes can become many: who serves strangers asks [`Checked::decoded_bytes`] and makes sure of the memory
/// before [`Checked::decode`].
#[derive(Clone, Debug)]
pub struct Checked {
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    client_id: Option<StrBytes>,
    body: Bytes,
    decoded_bytes: usize,
}

impl Checked {
    /// Which API.
    #[must_use]
    pub fn key(&self) -> ApiKey {
        self.key
    }

    /// Bytes of memory that decoding takes besides the frame, whose strings and data are shared and not copied.
    #[must_use]
    pub fn decoded_bytes(&self) -> usize {
        self.decoded_bytes
    }

    /// Decodes the body.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`], when a field is not what its type allows.
    pub fn decode(mut self) -> Result<Request, RequestError> {
        let (key, version) = (self.key, self.version);
        let body =
            RequestKind::decode(key, &mut self.body, version).map_err(|error| RequestError::Malformed {
                key,
                version,
                reason: error.to_string(),
            })?;
        Ok(Request {
            key,
            version,
            correlation_id: self.correlation_id,
            client_id: self.client_id,
            body,
        })
    }
}

/// Reads the header of a request frame (without its length), and checks the shape of the body.
///
/// # Errors
///
/// [`RequestError`]; see there what to answer.
pub fn check_request(frame: Bytes) -> Result<Checked, RequestError> {
    let mut head = frame.get(..8).ok_or(RequestError::Truncated)?;
    let (number, version, correlation_id) = (head.get_i16(), head.get_i16(), head.get_i32());
    let key = ApiKey::try_from(number).ok().filter(|key| served(*key).is_some());
    let Some(key) = key else {
        return Err(RequestError::UnknownApi {
            key: number,
            correlation_id,
        });
    };
    if !served(key).is_some_and(|served| (served.min..=served.max).contains(&version)) {
        return Err(RequestError::UnsupportedVersion {
            key,
            version,
            correlation_id,
        });
    }
    let malformed = |reason: String| RequestError::Malformed { key, version, reason };
    let mut rest = frame;
    let header_version = key.request_header_version(version);
    // The codec trusts what peers claim; these checks do not.
    crate::shape::check_header(8, header_version >= 1, header_version >= 2, &rest).map_err(malformed)?;
    let header =
        RequestHeader::decode(&mut rest, header_version).map_err(|error| malformed(error.to_string()))?;
    let decoded_bytes = crate::shape::check_request(key, version, &rest).map_err(malformed)?;
    Ok(Checked {
        key,
        version,
        correlation_id,
        client_id: header.client_id,
        body: rest,
        decoded_bytes,
    })
}

/// Decodes a frame (without its length). Byte fields share the frame's memory.
///
/// Bytes after the request are ignored, as Kafka ignores them: librdkafka 2 sends three too many when it asks
/// for the metadata of all topics.
///
/// # Errors
///
/// [`RequestError`].
pub fn decode_request(frame: Bytes) -> Result<Request, RequestError> {
    check_request(frame)?.decode()
}

/// Encodes a response as a frame, its length first.
///
/// # Errors
///
/// [`EncodeError`], when the body holds what the version cannot say.
pub fn encode_response(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: &ResponseKind,
) -> Result<Bytes, EncodeError> {
    let mut out = BytesMut::with_capacity(256);
    out.put_i32(0);
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    header
        .encode(&mut out, key.response_header_version(version))
        .map_err(|error| EncodeError {
            key: key as i16,
            version,
            reason: error.to_string(),
        })?;
    body.encode(&mut out, version).map_err(|error| EncodeError {
        key: key as i16,
        version,
        reason: error.to_string(),
    })?;
    Ok(close_frame(out))
}

/// Encodes a request as a frame, its length first.
///
/// # Errors
///
/// [`EncodeError`], when the body holds what the version cannot say.
pub fn encode_request<R: Message>(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    body: &R,
) -> Result<Bytes, EncodeError> {
    let mut out = BytesMut::with_capacity(256);
    out.put_i32(0);
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_string(client_id.to_owned())));
    header
        .encode(&mut out, R::header_version(version))
        .map_err(|error| EncodeError {
            key: R::KEY,
            version,
            reason: error.to_string(),
        })?;
    body.encode(&mut out, version).map_err(|error| EncodeError {
        key: R::KEY,
        version,
        reason: error.to_string(),
    })?;
    Ok(close_frame(out))
}

/// Decodes a response frame (without its length): its correlation id and body. Byte fields share the frame's
/// memory, and what the codec allocates is in proportion to the frame, whatever its counts claim.
///
/// # Errors
///
/// [`DecodeError`]: the frame is cut short, has bytes left over, or lies about what it holds.
pub fn decode_response<R: Message>(version: i16, frame: Bytes) -> Result<(i32, R::Response), DecodeError> {
    let header_version = <R::Response as HeaderVersion>::header_version(version);
    let (correlation_id, mut body) = open_response(R::KEY, version, header_version, frame)?;
    let response = R::Response::decode(&mut body, version).map_err(|error| DecodeError {
        key: R::KEY,
        version,
        reason: format!("{error:#}"),
    })?;
    Ok((correlation_id, response))
}

/// As [`decode_response`], where the API is only known when the program runs.
///
/// # Errors
///
/// [`DecodeError`]: the frame is cut short, has bytes left over, or lies about what it holds.
pub fn decode_any_response(
    key: ApiKey,
    version: i16,
    frame: Bytes,
) -> Result<(i32, ResponseKind), DecodeError> {
    let header_version = key.response_header_version(version);
    let (correlation_id, mut body) = open_response(key as i16, version, header_version, frame)?;
    let response = ResponseKind::decode(key, &mut body, version).map_err(|error| DecodeError {
        key: key as i16,
        version,
        reason: format!("{error:#}"),
    })?;
    Ok((correlation_id, response))
}

/// Reads the header of a response and checks that its body is sound enough for the codec. Answers the
/// correlation id and the body.
fn open_response(
    number: i16,
    version: i16,
    header_version: i16,
    frame: Bytes,
) -> Result<(i32, Bytes), DecodeError> {
    let failed = |reason: String| DecodeError {
        key: number,
        version,
        reason,
    };
    let mut rest = frame;
    let key = ApiKey::try_from(number).map_err(|()| failed("its API is not known".to_owned()))?;
    // The codec trusts what peers claim; these checks do not.
    crate::shape::check_header(4, false, header_version >= 1, &rest).map_err(failed)?;
    let header = ResponseHeader::decode(&mut rest, header_version).map_err(|e| failed(format!("{e:#}")))?;
    crate::shape::check_response(key, version, &rest).map_err(failed)?;
    Ok((header.correlation_id, rest))
}

/// Fills in the length that was left open.
fn close_frame(mut out: BytesMut) -> Bytes {
    let length = i32::try_from(out.len().saturating_sub(4)).unwrap_or(i32::MAX);
    if let Some(head) = out.first_chunk_mut::<4>() {
        *head = length.to_be_bytes();
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::messages::{ApiVersionsRequest, MetadataRequest};

    #[test]
    fn every_version_that_is_served_can_be_encoded() {
        for served in SERVED {
            let valid = served.key.valid_versions();
            assert!(
                valid.min <= served.min && served.max <= valid.max,
                "{served:?} of {valid:?}"
            );
        }
    }

    #[test]
    fn a_request_comes_back_as_it_was_sent() {
        let body = MetadataRequest::default().with_allow_auto_topic_creation(true);
        let mut frame = encode_request(12, 77, "me", &body).unwrap();
        assert_eq!(frame.get_i32() as usize, frame.len());
        let request = decode_request(frame.clone()).unwrap();
        assert_eq!(
            (request.key, request.version, request.correlation_id),
            (ApiKey::Metadata, 12, 77)
        );
        assert_eq!(request.client_id.as_deref(), Some("me"));
        for cut in 0..frame.len() {
            assert!(decode_request(frame.slice(..cut)).is_err());
        }
    }

    #[test]
    fn what_follows_a_request_is_ignored() {
        // Metadata 13 as librdkafka 2.16 asks for all topics: the array's null is four bytes, not one.
        let body = [0, 0, 0, 0, 1, 0, 0];
        let mut frame = vec![0, 3, 0, 13, 0, 0, 0, 7, 0xff, 0xff, 0];
        frame.extend(body);
        let request = decode_request(Bytes::from(frame)).unwrap();
        let RequestKind::Metadata(metadata) = request.body else {
            panic!("it is a Metadata request");
        };
        assert_eq!(metadata.topics, None);
    }

    #[test]
    fn an_unknown_version_keeps_its_correlation_id() {
        let mut frame = encode_request(4, 5, "me", &ApiVersionsRequest::default())
            .unwrap()
            .slice(4..)
            .to_vec();
        frame[3] = 99;
        let error = decode_request(Bytes::from(frame)).unwrap_err();
        let expected = RequestError::UnsupportedVersion {
            key: ApiKey::ApiVersions,
            version: 99,
            correlation_id: 5,
        };
        assert_eq!(error, expected);
    }
}
