//! What goes in comes out: producing and consuming against a real server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::{SOON, client, topic};
use futures_util::StreamExt;
use tidemill_client::{Acks, Client, Compression, ErrorKind, Header, Record, Start};

async fn read_all(client: &Client, topic: &str, start: Start) -> Vec<tidemill_client::OwnedRecord> {
    let mut consumer = client
        .consumer()
        .topic(topic)
        .start(start)
        .stop_at_end(true)
        .build()
        .await
        .unwrap();
    let mut records: Vec<_> = consumer.stream().map(Result::unwrap).collect().await;
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_keeps_keys_values_headers_and_order() {
    let client = client().await;
    for codec in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let topic = topic(&client, 1).await;
        let producer = client
            .producer()
            .compression(codec)
            .batch_size(4096)
            .build()
            .await
            .unwrap();
        let headers = [
            Header {
                name: "a",
                value: Some(b"1"),
            },
            Header {
                name: "a",
                value: None,
            },
            Header {
                name: "b",
                value: Some(b""),
            },
        ];
        let mut deliveries = Vec::new();
        for number in 0..1000_u32 {
            let value = number.to_string().repeat(3);
            let mut record = Record::to(&topic)
                .headers(&headers)
                .timestamp(1_000_000 + i64::from(number));
            if number % 3 != 0 {
                record = record.value(value.as_bytes());
            }
            if number % 2 == 0 {
                record = record.key(if number % 4 == 0 { b"" } else { b"key" });
            }
            deliveries.push(producer.enqueue(record).await.unwrap());
        }
        for (delivery, offset) in deliveries.into_iter().zip(0..) {
            assert_eq!(delivery.await.unwrap().offset, offset, "{codec:?}");
        }
        producer.close(SOON).await.unwrap();
        let records = read_all(&client, &topic, Start::Earliest).await;
        assert_eq!(records.len(), 1000, "{codec:?}");
        for (number, record) in records.iter().enumerate() {
            assert_eq!(record.offset, number as i64);
            assert_eq!(record.timestamp, 1_000_000 + number as i64);
            let value = number.to_string().repeat(3).into_bytes();
            assert_eq!(
                record.value.as_deref(),
                (number % 3 != 0).then_some(value.as_slice())
            );
            let key: Option<&[u8]> = [Some(b"".as_slice()), None, Some(b"key"), None][number % 4];
            assert_eq!(record.key.as_deref(), key);
            let header = |at: usize| (record.headers[at].0.as_str(), record.headers[at].1.as_deref());
            assert_eq!(header(0), ("a", Some(b"1".as_slice())));
            assert_eq!(header(1), ("a", None));
            assert_eq!(header(2), ("b", Some(b"".as_slice())));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_partitions_and_large_records_arrive_once_each() {
    let client = client().await;
    let topic = topic(&client, 5).await;
    let producer = client
        .producer()
        .batch_size(64 << 10)
        .buffer_memory(4 << 20)
        .build()
        .await
        .unwrap();
    let mut value = vec![7_u8; 900_000];
    for number in 0..20_000_u32 {
        let size = if number % 1000 == 0 { 900_000 } else { 50 };
        value[..4].copy_from_slice(&number.to_be_bytes());
        drop(
            producer
                .enqueue(Record::to(&topic).value(&value[..size]))
                .await
                .unwrap(),
        );
    }
    producer.flush(SOON).await.unwrap();
    assert_eq!(producer.stats().records_acked, 20_000);
    let records = read_all(&client, &topic, Start::Earliest).await;
    let number = |record: &tidemill_client::OwnedRecord| {
        u32::from_be_bytes(record.value.as_ref().unwrap()[..4].try_into().unwrap())
    };
    let mut numbers: Vec<u32> = records.iter().map(number).collect();
    for partition in 0..5 {
        let of_one = records
            .iter()
            .filter(|record| record.partition == partition)
            .map(number);
        assert!(of_one.is_sorted(), "order within a partition");
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_starts_where_it_is_told() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    let producer = client.producer().build().await.unwrap();
    for number in 0..100_i64 {
        let value = number.to_string();
        let record = Record::to(&topic)
            .value(value.as_bytes())
            .timestamp(5_000 + number * 10);
        drop(producer.enqueue(record).await.unwrap());
        if number % 10 == 9 {
            producer.flush(SOON).await.unwrap();
        }
    }
    for (start, first, count) in [
        (Start::Earliest, 0, 100),
        (Start::Offset(37), 37, 63),
        (Start::Timestamp(5_555), 56, 44),
        (Start::Last(7), 93, 7),
        (Start::Last(1000), 0, 100),
    ] {
        let records = read_all(&client, &topic, start).await;
        assert_eq!((records[0].offset, records.len()), (first, count), "{start:?}");
    }
    assert!(read_all(&client, &topic, Start::Latest).await.is_empty());
    assert!(
        read_all(&client, &topic, Start::Timestamp(99_999))
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn small_batches_seeks_pauses_and_positions() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    let producer = client.producer().build().await.unwrap();
    for number in 0..50_u8 {
        drop(
            producer
                .enqueue(Record::to(&topic).value(&[number]))
                .await
                .unwrap(),
        );
    }
    producer.flush(SOON).await.unwrap();
    let mut consumer = client
        .consumer()
        .topic(&topic)
        .start(Start::Earliest)
        .build()
        .await
        .unwrap();
    let mut seen = Vec::new();
    while seen.len() < 50 {
        let records = consumer.next_batch(7, SOON).await.unwrap();
        assert!((1..=7).contains(&records.iter().count()));
        seen.extend(records.iter().map(|record| record.unwrap().value.unwrap()[0]));
        assert_eq!(consumer.positions()[0].offset, seen.len() as i64);
    }
    assert_eq!(seen, (0..50).collect::<Vec<u8>>());
    assert_eq!(consumer.positions()[0].lag, Some(0));
    consumer.seek(&topic, 0, Start::Offset(48)).await.unwrap();
    consumer.pause(&topic, 0).unwrap();
    assert!(
        consumer
            .next_batch(10, Duration::from_millis(50))
            .await
            .unwrap()
            .is_empty()
    );
    consumer.resume(&topic, 0).unwrap();
    let records = consumer.next_batch(10, SOON).await.unwrap();
    assert_eq!(records.iter().next().unwrap().unwrap().offset, 48);
    // A live consumer sees what comes after.
    producer.send(Record::to(&topic).value(b"late")).await.unwrap();
    let mut late = records.next_offset();
    while late < 51 {
        late = consumer
            .next_batch(10, SOON)
            .await
            .unwrap()
            .next_offset()
            .max(late);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_acks_records_still_arrive_and_offsets_stay_unknown() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    let producer = client.producer().acks(Acks::None).build().await.unwrap();
    let sent = producer.send(Record::to(&topic).value(b"x")).await.unwrap();
    assert_eq!(sent.offset, -1);
    let mut consumer = client
        .consumer()
        .topic(&topic)
        .start(Start::Earliest)
        .build()
        .await
        .unwrap();
    assert_eq!(consumer.next_batch(1, SOON).await.unwrap().iter().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    let producer = client.producer().build().await.unwrap();
    let wrong = format!("{topic}x");
    let error = producer.send(Record::to(&wrong).value(b"x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains(&format!("did you mean {topic:?}")),
        "{error}"
    );
    let error = producer.send(Record::to(&topic).partition(9)).await.unwrap_err();
    assert!(error.to_string().contains("has no partition 9"), "{error}");
    let huge = vec![0; 20 << 20];
    let error = producer.send(Record::to(&topic).value(&huge)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    // More than the topic takes, less than the client refuses: the broker says so, and what follows still goes.
    let error = producer
        .send(Record::to(&topic).value(&huge[..3 << 20]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert_eq!(
        producer
            .send(Record::to(&topic).value(b"small"))
            .await
            .unwrap()
            .offset,
        0
    );
    let later = producer.clone();
    producer.close(SOON).await.unwrap();
    assert_eq!(
        later.send(Record::to(&topic)).await.unwrap_err().kind(),
        ErrorKind::Cancelled
    );
}
