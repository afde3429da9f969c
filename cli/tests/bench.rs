//! The benchmarks of the command line: that they measure what they say, and above all that they tell when records are
//! lost, repeated or out of order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::time::Duration;

use tidemill_client::{NewTopic, OwnedRecord, Record, Start};

use program::{Server, ended};

const SOON: Duration = Duration::from_secs(30);

/// Every record of a topic of one partition.
async fn read(server: &Server, topic: &str) -> Vec<OwnedRecord> {
    let client = server.client().await;
    let mut consumer = client
        .consumer()
        .topic(topic)
        .start(Start::Earliest)
        .stop_at_end(true)
        .build()
        .await
        .unwrap();
    let mut all = Vec::new();
    while !consumer.finished() {
        let records = consumer.next_batch(10_000, SOON).await.unwrap();
        all.extend(records.owned().map(Result::unwrap));
    }
    all
}

/// Makes a topic of one partition that holds these records.
async fn write(server: &Server, topic: &str, records: &[OwnedRecord]) {
    let client = server.client().await;
    client
        .topics()
        .create(NewTopic::new(topic).partitions(1))
        .await
        .unwrap();
    let producer = client.producer().build().await.unwrap();
    for record in records {
        let copy = Record {
            value: record.value.as_deref(),
            ..Record::to(topic)
        };
        drop(producer.enqueue(copy).await.unwrap());
    }
    producer.close(SOON).await.unwrap();
}

#[test]
fn what_is_produced_is_consumed_and_counted() {
    let server = Server::start(&[]);
    let produced = server.run(&[
        "bench",
        "produce",
        "t",
        "-n",
        "20001",
        "--record-size",
        "100",
        "-p",
        "3",
        "--producers",
        "2",
        "-o",
        "json",
    ]);
    let produced = produced.json();
    assert_eq!(
        (produced["records"].as_u64(), produced["bytes"].as_u64()),
        (Some(20_001), Some(2_000_100))
    );
    assert_eq!(produced["verified"], true);
    assert!(produced["recordsPerSecond"].as_f64().unwrap() > 0.0);
    assert!(produced["acknowledgedMs"]["p99"].as_f64().unwrap() > 0.0);
    let consumed = server.run(&["bench", "consume", "t", "-o", "json"]).json();
    assert_eq!(
        (consumed["records"].as_u64(), consumed["bytes"].as_u64()),
        (Some(20_001), Some(2_000_100))
    );
    assert_eq!(consumed["runs"][0], produced["run"]);
    let people = server.run(&["bench", "consume", "t"]);
    assert!(
        people.code == 0 && people.stdout.contains("records/s"),
        "{people:?}"
    );
}

#[test]
fn every_codec_and_acknowledgement_is_checked_alike() {
    let server = Server::start(&[]);
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("codec-{codec}");
        server
            .run(&[
                "bench",
                "produce",
                &topic,
                "-n",
                "3000",
                "--compression",
                codec,
                "-o",
                "json",
            ])
            .json();
        let consumed = server.run(&["bench", "consume", &topic, "-o", "json"]).json();
        assert_eq!(consumed["records"], 3000, "{codec}");
    }
    for acks in ["none", "leader"] {
        let topic = format!("acks-{acks}");
        let options = [
            "-n",
            "3000",
            "--acks",
            acks,
            "--in-flight",
            "1",
            "--linger",
            "1ms",
            "--batch-size",
            "4096",
        ];
        server.run(&[&["bench", "produce", &topic], &options[..]].concat());
        let consumed = server.run(&["bench", "consume", &topic, "-o", "json"]).json();
        assert_eq!(consumed["records"], 3000, "{acks}");
    }
}

#[test]
fn an_even_pace_is_kept_and_latency_counts_after_the_warm_up() {
    let server = Server::start(&[]);
    let options = [
        "--rate",
        "2000/s",
        "-d",
        "300ms",
        "--warm-up",
        "100ms",
        "-p",
        "2",
        "--producers",
        "2",
    ];
    let measured = server
        .run(&[&["bench", "latency", "-o", "json"], &options[..]].concat())
        .json();
    assert_eq!(measured["records"], 800, "as many as were due in 400 ms");
    assert_eq!(measured["produceToConsumeMs"]["samples"], 600, "{measured}");
    let ms = |name: &str| measured["produceToConsumeMs"][name].as_f64().unwrap();
    assert!(
        0.0 < ms("p50") && ms("p50") <= ms("p99.9") && ms("p99.9") <= ms("max"),
        "{measured}"
    );
    let topics = server.run(&["topic", "list", "-o", "json"]).json();
    assert_eq!(
        topics.as_array().unwrap().len(),
        0,
        "the topic it made is gone: {topics}"
    );
    let named = server
        .run(&[&["bench", "latency", "kept", "-o", "json"], &options[..]].concat())
        .json();
    assert_eq!(named["topic"], "kept");
    server.run(&["bench", "consume", "kept", "-o", "json"]).json();
}

#[test]
fn a_follower_reads_a_run_to_its_end() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "t"]);
    let mut follower = server.spawn(&["bench", "consume", "t", "--follow", "-o", "json"]);
    // It begins at whatever end it finds: runs go on until it has seen one end.
    let mut runs = 0;
    while follower.try_wait().unwrap().is_none() {
        server
            .run(&[
                "bench",
                "produce",
                "t",
                "-n",
                "1000",
                "--record-size",
                "64",
                "-o",
                "json",
            ])
            .json();
        runs += 1;
        assert!(runs < 500, "it never ends");
    }
    let seen = ended(follower).json();
    assert!(seen["records"].as_u64().unwrap() > 0, "{seen}");
}

#[test]
fn a_follower_from_the_beginning_misses_nothing() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "t", "--partitions", "2"]);
    let options = ["--follow", "--from-beginning", "-o", "json"];
    let follower = server.spawn(&[&["bench", "consume", "t"], &options[..]].concat());
    server
        .run(&["bench", "produce", "t", "-n", "3000", "-o", "json"])
        .json();
    assert_eq!(ended(follower).json()["records"], 3_000);
    // What is there already counts as well.
    server.run(&["topic", "trim", "t", "--before", "100", "-p", "1"]);
    let again = server.run(&[&["bench", "consume", "t"], &options[..]].concat());
    again.failed(7, "100 lost");
}

#[test]
fn records_trimmed_away_fail_the_check() {
    let server = Server::start(&[]);
    server.run(&["bench", "produce", "t", "-n", "5000", "--record-size", "64"]);
    server.run(&["topic", "trim", "t", "--before", "1200"]);
    server
        .run(&["bench", "consume", "t"])
        .failed(7, "1200 lost (numbers 0 to 1199)");
    server
        .run(&["bench", "consume", "t", "-o", "json"])
        .failed(7, "no figure");
}

#[tokio::test(flavor = "multi_thread")]
async fn loss_repetition_and_disorder_fail_the_check() {
    let server = Server::start(&[]);
    server.run(&["bench", "produce", "whole", "-n", "1000", "--record-size", "64"]);
    let whole = read(&server, "whole").await;
    assert_eq!(whole.len(), 1_001, "and the producer's last word");

    let hole: Vec<_> = whole
        .iter()
        .filter(|record| !(400..410).contains(&record.offset))
        .cloned()
        .collect();
    write(&server, "hole", &hole).await;
    server
        .run(&["bench", "consume", "hole"])
        .failed(7, "10 lost (numbers 400 to 409)");

    let twice = [&whole[..500], &whole[250..]].concat();
    write(&server, "twice", &twice).await;
    server
        .run(&["bench", "consume", "twice"])
        .failed(7, "250 more than once");

    let mut swapped = whole.clone();
    swapped.swap(10, 11);
    write(&server, "swapped", &swapped).await;
    server
        .run(&["bench", "consume", "swapped"])
        .failed(7, "1 out of order");

    write(&server, "headless", &whole[1..]).await;
    server
        .run(&["bench", "consume", "headless"])
        .failed(7, "1 lost (number 0)");
    write(&server, "cut", &whole[..900]).await;
    server.run(&["bench", "consume", "cut"]).failed(7, "no end");
    server
        .run(&["bench", "consume", "cut", "-n", "901"])
        .failed(7, "holds 900 of the 901");
    assert_eq!(server.run(&["bench", "consume", "cut", "-n", "900"]).code, 0);

    // Copied whole it is as good as before: it was the damage that was told.
    write(&server, "copy", &whole).await;
    assert_eq!(
        server.run(&["bench", "consume", "copy", "-o", "json"]).json()["records"],
        1_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_others_cannot_be_vouched_for() {
    let server = Server::start(&[]);
    server.run(&["bench", "produce", "t", "-n", "100"]);
    let client = server.client().await;
    let producer = client.producer().build().await.unwrap();
    producer.send(Record::to("t").value(b"hello")).await.unwrap();
    server
        .run(&["bench", "consume", "t"])
        .failed(7, "1 records are not whole records");
    server.run(&["topic", "create", "empty"]);
    server
        .run(&["bench", "consume", "empty"])
        .failed(3, "bench produce empty");
    server
        .run(&["bench", "consume", "t", "--run", "1"])
        .failed(7, "not whole records");
}

#[test]
fn a_topic_of_another_shape_is_refused() {
    let server = Server::start(&[]);
    let produce = [
        "bench",
        "produce",
        "t",
        "-n",
        "100",
        "-p",
        "2",
        "-c",
        "retention.ms=3600000",
    ];
    assert_eq!(server.run(&produce).code, 0);
    assert_eq!(server.run(&produce).code, 0, "the same shape is used again");
    server
        .run(&["bench", "produce", "t", "-n", "100", "-p", "3"])
        .failed(4, "it has 2 partitions");
    let other = ["bench", "produce", "t", "-n", "100", "-c", "retention.ms=1"];
    server.run(&other).failed(4, "its retention.ms is \"3600000\"");
    assert_eq!(server.run(&[&other[..], &["--use-existing"]].concat()).code, 0);
    assert_eq!(
        server.run(&["bench", "consume", "t", "-o", "json"]).json()["records"],
        300
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_leaves_no_figure() {
    let server = Server::start(&[]);
    server.run(&["topic", "create", "t"]);
    let client = server.client().await;
    let mut consumer = client
        .consumer()
        .topic("t")
        .start(Start::Earliest)
        .build()
        .await
        .unwrap();
    let producing = server.spawn(&[
        "bench",
        "produce",
        "t",
        "-d",
        "10m",
        "--rate",
        "1000",
        "--timeout",
        "1s",
        "-o",
        "json",
    ]);
    assert!(
        !consumer.next_batch(1, SOON).await.unwrap().is_empty(),
        "it has begun"
    );
    drop(server);
    let failed = tokio::task::spawn_blocking(|| ended(producing)).await.unwrap();
    assert!(
        failed.code != 0 && failed.stdout.is_empty() && failed.stderr.starts_with("error:"),
        "{failed:?}"
    );
}
