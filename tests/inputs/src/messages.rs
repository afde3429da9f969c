//! Requests as the server gets them, responses as a client does, and what group members send each other.

use bytes::{BufMut, Bytes, BytesMut};
use tidemill_wire::api::{SERVED, decode_any_response, decode_request, encode_request, encode_response};
use tidemill_wire::consumer_protocol::{decode_assignment, decode_subscription};
use tidemill_wire::kafka::messages::*;
use tidemill_wire::kafka::protocol::{Encodable, HeaderVersion, Request, StrBytes};

/// Two bytes choose an API and a version; the rest of the frame follows.
pub(crate) fn run_request(mut data: &[u8]) {
    let [api, version] = crate::take(&mut data);
    let served = SERVED[usize::from(api) % SERVED.len()];
    let span = served.max - served.min + 1;
    let version = served.min + i16::from(version) % span;
    let mut frame = BytesMut::new();
    frame.put_i16(served.key as i16);
    frame.put_i16(version);
    frame.put_slice(data);
    if let Ok(request) = decode_request(frame.freeze()) {
        assert_eq!((request.key, request.version), (served.key, version));
    }
}

/// Two bytes choose an API and a version; the frame follows.
pub(crate) fn run_response(mut data: &[u8]) {
    let [api, version] = crate::take(&mut data);
    let key = SERVED[usize::from(api) % SERVED.len()].key;
    let valid = key.valid_versions();
    let version = valid.min + i16::from(version) % (valid.max - valid.min + 1);
    let Ok((correlation, response)) = decode_any_response(key, version, Bytes::copy_from_slice(data)) else {
        return;
    };
    // What a server may say can be said again, unless it leans on what the codec passes over.
    if let Ok(frame) = encode_response(key, version, correlation, &response) {
        let again = decode_any_response(key, version, frame.slice(4..));
        assert_eq!(again, Ok((correlation, response)), "{key:?} {version}");
    }
}

/// An odd first byte makes it an assignment.
pub(crate) fn run_member(mut data: &[u8]) {
    let [kind] = crate::take(&mut data);
    let bytes = Bytes::copy_from_slice(data);
    // Whether it parses is the members' business; that it costs no more than its bytes is ours.
    if kind % 2 == 0 {
        let _ = decode_subscription(bytes);
    } else {
        let _ = decode_assignment(bytes);
    }
}

/// Calls `$visit` for the request type of every served API.
macro_rules! every_request {
    ($visit:ident, $out:expr) => {
        every_request!(
            $visit, $out,
            ProduceRequest FetchRequest ListOffsetsRequest MetadataRequest ApiVersionsRequest
            CreateTopicsRequest DeleteTopicsRequest DeleteRecordsRequest InitProducerIdRequest
            OffsetForLeaderEpochRequest DescribeConfigsRequest AlterConfigsRequest DescribeLogDirsRequest
            CreatePartitionsRequest IncrementalAlterConfigsRequest DescribeClusterRequest
            DescribeProducersRequest DescribeTopicPartitionsRequest FindCoordinatorRequest JoinGroupRequest
            HeartbeatRequest LeaveGroupRequest SyncGroupRequest OffsetCommitRequest OffsetFetchRequest
            OffsetDeleteRequest DescribeGroupsRequest ListGroupsRequest DeleteGroupsRequest
            ConsumerGroupHeartbeatRequest ConsumerGroupDescribeRequest
        )
    };
    ($visit:ident, $out:expr, $($request:ty)*) => { $($visit::<$request>($out);)* };
}

/// Where an API stands in the table, as the first byte of an input says it.
fn place(key: i16) -> u8 {
    let at = SERVED.iter().position(|served| served.key as i16 == key);
    u8::try_from(at.expect("only what is served is asked for")).unwrap()
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    fn visit<R: Request + Default>(out: &mut Vec<Vec<u8>>) {
        let served = SERVED[usize::from(place(R::KEY))];
        for version in served.min..=served.max {
            push_request(out, version, &R::default());
        }
    }
    let mut out = Vec::new();
    every_request!(visit, &mut out);
    rich_requests(&mut out);
    out
}

/// A request as an input; versions that cannot say it are left out.
fn push_request<R: Request>(out: &mut Vec<Vec<u8>>, version: i16, request: &R) {
    let served = SERVED[usize::from(place(R::KEY))];
    if let Ok(frame) = encode_request(version, 7, "seed", request) {
        let choice = [place(R::KEY), u8::try_from(version - served.min).unwrap()];
        // Length, key and version are made from the choice.
        out.push([&choice, &frame[8..]].concat());
    }
}

fn name(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

/// Requests with something in their arrays.
fn rich_requests(out: &mut Vec<Vec<u8>>) {
    let records = crate::batches::sample(
        tidemill_wire::codec::Compression::None,
        0,
        tidemill_wire::batch::Attributes::default(),
    );
    let data = produce_request::PartitionProduceData::default().with_records(Some(records));
    let produce = ProduceRequest::default().with_topic_data(vec![
        produce_request::TopicProduceData::default()
            .with_name(TopicName(name("t")))
            .with_partition_data(vec![data]),
    ]);
    let wanted = fetch_request::FetchTopic::default()
        .with_topic(TopicName(name("t")))
        .with_partitions(vec![fetch_request::FetchPartition::default(); 3]);
    let fetch = FetchRequest::default().with_topics(vec![wanted]);
    let topic = metadata_request::MetadataRequestTopic::default().with_name(Some(TopicName(name("t"))));
    let metadata = MetadataRequest::default().with_topics(Some(vec![topic; 2]));
    let protocol = join_group_request::JoinGroupRequestProtocol::default()
        .with_name(name("range"))
        .with_metadata(member_seeds().swap_remove(0).split_off(1).into());
    let join = JoinGroupRequest::default()
        .with_group_id(GroupId(name("g")))
        .with_protocol_type(name("consumer"))
        .with_protocols(vec![protocol]);
    let committed = offset_commit_request::OffsetCommitRequestTopic::default()
        .with_name(TopicName(name("t")))
        .with_partitions(vec![Default::default(); 2]);
    let commit = OffsetCommitRequest::default().with_topics(vec![committed]);
    let config = create_topics_request::CreatableTopicConfig::default().with_name(name("cleanup.policy"));
    let created = create_topics_request::CreatableTopic::default()
        .with_name(TopicName(name("t")))
        .with_configs(vec![config]);
    let create = CreateTopicsRequest::default().with_topics(vec![created]);
    for version in 0..=17 {
        push_served(out, version, &produce);
        push_served(out, version, &fetch);
        push_served(out, version, &metadata);
        push_served(out, version, &join);
        push_served(out, version, &commit);
        push_served(out, version, &create);
    }
}

fn push_served<R: Request>(out: &mut Vec<Vec<u8>>, version: i16, request: &R) {
    let served = SERVED[usize::from(place(R::KEY))];
    if (served.min..=served.max).contains(&version) {
        push_request(out, version, request);
    }
}

pub(crate) fn response_seeds() -> Vec<Vec<u8>> {
    fn visit<R: Request>(out: &mut Vec<Vec<u8>>)
    where
        R::Response: Default,
    {
        let response = R::Response::default();
        let (min, max) = (R::VERSIONS.min, R::VERSIONS.max);
        for version in min..=max {
            let mut frame = BytesMut::new();
            frame.put_slice(&[place(R::KEY), u8::try_from(version - min).unwrap()]);
            let header = ResponseHeader::default().with_correlation_id(7);
            header
                .encode(
                    &mut frame,
                    <R::Response as HeaderVersion>::header_version(version),
                )
                .unwrap();
            if response.encode(&mut frame, version).is_ok() {
                out.push(frame.to_vec());
            }
        }
    }
    let mut out = Vec::new();
    every_request!(visit, &mut out);
    out
}

pub(crate) fn member_seeds() -> Vec<Vec<u8>> {
    let owned = consumer_protocol_subscription::TopicPartition::default()
        .with_topic(TopicName(name("a")))
        .with_partitions(vec![0, 1, 2]);
    let subscription = ConsumerProtocolSubscription::default()
        .with_topics(vec![name("a"), name("b")])
        .with_user_data(Some(Bytes::from_static(b"data")))
        .with_owned_partitions(vec![owned])
        .with_generation_id(3)
        .with_rack_id(Some(name("rack")));
    let given = consumer_protocol_assignment::TopicPartition::default()
        .with_topic(TopicName(name("a")))
        .with_partitions(vec![0, 1, 2]);
    let assignment = ConsumerProtocolAssignment::default().with_assigned_partitions(vec![given]);
    let mut seeds = Vec::new();
    for version in (0..=3).rev() {
        for (kind, message) in [
            (0, encoded(version, &subscription)),
            (1, encoded(version, &assignment)),
        ] {
            seeds.extend(message.map(|message| [&[kind][..], &message].concat()));
        }
    }
    seeds
}

/// A version and a message; nothing where the version cannot say it.
fn encoded(version: i16, message: &impl Encodable) -> Option<Vec<u8>> {
    let mut out = BytesMut::new();
    out.put_i16(version);
    message.encode(&mut out, version).ok()?;
    Some(out.to_vec())
}
