//! Records in and out.

mod support;

use support::{FETCH, Node, builder, fetch_request, produce_request, records, topic, values};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::delete_topics_request::DeleteTopicState;
use tidemill_wire::kafka::messages::{DeleteTopicsRequest, FetchRequest, ProduceRequest};

#[tokio::test]
async fn every_codec_comes_back_as_it_was_sent() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("codecs", 1, &[]).await;
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for (at, codec) in codecs.into_iter().enumerate() {
        let big = vec![at as u8; 10_000];
        let sent = builder(codec, &[b"", &big]).build();
        let stored = client.produce("codecs", 0, sent, -1).await;
        assert_eq!(
            (stored.error_code, stored.base_offset),
            (0, 2 * at as i64),
            "{codec:?}"
        );
        let found = client.fetch("codecs", 0, stored.base_offset).await;
        assert_eq!(
            found,
            [(stored.base_offset, Vec::new()), (stored.base_offset + 1, big)],
            "{codec:?}"
        );
    }
}

#[tokio::test]
async fn acks_zero_answers_nothing_and_one_and_all_do() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("acks", 1, &[]).await;
    client
        .send(9, &produce_request("acks", 0, records(&[b"zero"]), 0))
        .await;
    // The next answer is that of the next request.
    assert_eq!(
        client.produce("acks", 0, records(&[b"one"]), 1).await.base_offset,
        1
    );
    assert_eq!(
        client
            .produce("acks", 0, records(&[b"all"]), -1)
            .await
            .base_offset,
        2
    );
    assert_eq!(client.fetch("acks", 0, 0).await.len(), 3);
    client
        .send(9, &produce_request("nowhere", 0, records(&[b"x"]), 0))
        .await;
    assert!(
        client.is_closed().await,
        "an error without an answer closes the connection"
    );
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("ahead", 1, &[]).await;
    let mut sent = Vec::new();
    for _ in 0..200 {
        sent.push(
            client
                .send(9, &produce_request("ahead", 0, records(&[b"x"]), -1))
                .await,
        );
    }
    for (offset, sent) in sent.into_iter().enumerate() {
        let (correlation, response) = client.receive::<ProduceRequest>(9).await;
        assert_eq!(correlation, sent);
        assert_eq!(
            response.responses[0].partition_responses[0].base_offset,
            offset as i64
        );
    }
}

#[tokio::test]
async fn a_long_poll_is_woken_by_a_record() {
    let node = Node::start().await;
    let (mut reader, mut writer) = (node.client().await, node.client().await);
    writer.create_topic("poll", 2, &[]).await;
    let wait = fetch_request(&[("poll", 0, 0), ("poll", 1, 0)]).with_max_wait_ms(i32::MAX);
    reader.send(FETCH, &wait).await;
    writer.produce("poll", 1, records(&[b"now"]), -1).await;
    let (_, response) = reader.receive::<FetchRequest>(FETCH).await;
    assert_eq!(values(&response), [(0, b"now".to_vec())]);
}

#[tokio::test]
async fn a_poll_waits_for_min_bytes_and_then_for_no_more_than_its_time() {
    let node = Node::start().await;
    let (mut reader, mut writer) = (node.client().await, node.client().await);
    writer.create_topic("min", 1, &[]).await;
    writer.produce("min", 0, records(&[b"small"]), -1).await;
    let short = fetch_request(&[("min", 0, 0)])
        .with_min_bytes(10_000)
        .with_max_wait_ms(1);
    assert_eq!(
        values(&reader.call(FETCH, short).await).len(),
        1,
        "what there is comes when the time is up"
    );
    let long = fetch_request(&[("min", 0, 0)])
        .with_min_bytes(10_000)
        .with_max_wait_ms(i32::MAX);
    reader.send(FETCH, &long).await;
    writer.produce("min", 0, records(&[&[1; 20_000]]), -1).await;
    let (_, response) = reader.receive::<FetchRequest>(FETCH).await;
    assert_eq!(values(&response).len(), 2);
}

#[tokio::test]
async fn no_limit_cuts_a_batch() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("large", 1, &[]).await;
    let large = vec![7; 500_000];
    client.produce("large", 0, records(&[&large]), -1).await;
    for limit in [0, 1, 100_000] {
        let mut request = fetch_request(&[("large", 0, 0)]).with_max_bytes(limit);
        request.topics[0].partitions[0].partition_max_bytes = limit;
        let response = client.call(FETCH, request).await;
        assert_eq!(values(&response), [(0, large.clone())], "limit {limit}");
    }
}

#[tokio::test]
async fn a_full_response_leaves_the_other_partitions_for_the_next() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("full", 2, &[]).await;
    for index in 0..2 {
        client.produce("full", index, records(&[&[7; 50_000]]), -1).await;
    }
    let request = fetch_request(&[("full", 0, 0), ("full", 1, 0)]).with_max_bytes(10_000);
    let response = client.call(FETCH, request).await;
    assert_eq!(values(&response).len(), 1);
    let high_watermarks = response.responses.iter().flat_map(|topic| &topic.partitions);
    assert!(
        high_watermarks
            .map(|partition| partition.high_watermark)
            .eq([1, 1])
    );
}

#[tokio::test]
async fn offsets_outside_the_log_and_wrong_epochs_are_errors() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("edges", 1, &[]).await;
    client.produce("edges", 0, records(&[b"x"]), -1).await;
    let mut error = async |change: fn(&mut FetchRequest)| {
        let mut request = fetch_request(&[("edges", 0, 0)]);
        change(&mut request);
        client.call(FETCH, request).await.responses[0].partitions[0].error_code
    };
    let outside = error(|request| request.topics[0].partitions[0].fetch_offset = 2).await;
    assert_eq!(outside, ResponseError::OffsetOutOfRange.code());
    let later = error(|request| request.topics[0].partitions[0].current_leader_epoch = 9).await;
    assert_eq!(later, ResponseError::UnknownLeaderEpoch.code());
    let unknown = error(|request| request.topics[0].partitions[0].partition = 5).await;
    assert_eq!(unknown, ResponseError::UnknownTopicOrPartition.code());
}

#[tokio::test]
async fn damaged_and_oversized_batches_are_refused_and_nothing_is_stored() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client
        .create_topic("bad", 1, &[("max.message.bytes", "1000")])
        .await;
    let mut damaged = records(&[b"value"]).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let answer = client.produce("bad", 0, damaged.into(), -1).await;
    assert_eq!(answer.error_code, ResponseError::CorruptMessage.code());
    let answer = client.produce("bad", 0, records(&[&[1; 2_000]]), -1).await;
    assert_eq!(answer.error_code, ResponseError::MessageTooLarge.code());
    assert_eq!(
        client
            .produce("bad", 0, records(&[b"good"]), -1)
            .await
            .base_offset,
        0
    );
}

#[tokio::test]
async fn a_topic_deleted_and_made_again_is_another_one_at_once() {
    let node = Node::start().await;
    let (mut client, mut reader) = (node.client().await, node.client().await);
    let mut ids = Vec::new();
    for round in 0..5u8 {
        ids.push(client.create_topic("again", 1, &[]).await);
        let stored = client.produce("again", 0, records(&[&[round]]), -1).await;
        assert_eq!((stored.error_code, stored.base_offset), (0, 0), "round {round}");
        assert_eq!(client.fetch("again", 0, 0).await, [(0, vec![round])]);
        // A reader that waits is told, and does not sit out its time.
        let wait = fetch_request(&[("again", 0, 1)]).with_max_wait_ms(i32::MAX);
        reader.send(FETCH, &wait).await;
        let gone = DeleteTopicState::default().with_name(Some(topic("again")));
        let deleted = client
            .call(6, DeleteTopicsRequest::default().with_topics(vec![gone]))
            .await;
        assert_eq!(deleted.responses[0].error_code, 0);
        let (_, told) = reader.receive::<FetchRequest>(FETCH).await;
        assert_ne!(told.responses[0].partitions[0].error_code, 0);
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn records_are_there_after_a_restart() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("kept", 3, &[]).await;
    for index in 0..3 {
        client.produce("kept", index, records(&[b"a", b"b"]), -1).await;
    }
    let node = node.restart().await;
    let mut client = node.client().await;
    for index in 0..3 {
        assert_eq!(client.fetch("kept", index, 1).await, [(1, b"b".to_vec())]);
    }
    assert_eq!(
        client.produce("kept", 0, records(&[b"c"]), -1).await.base_offset,
        2
    );
}
