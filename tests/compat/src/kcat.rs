//! kcat: librdkafka from a shell.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::case::Results;
use crate::program::output;
use crate::suite::{Target, python};

const LIMIT: Duration = Duration::from_secs(60);

type Case = (&'static str, fn(&Kcat) -> Result<()>);

const CASES: &[Case] = &[
    ("metadata", metadata),
    ("produce and consume: none", |kcat| codec(kcat, "none")),
    ("produce and consume: gzip", |kcat| codec(kcat, "gzip")),
    ("produce and consume: snappy", |kcat| codec(kcat, "snappy")),
    ("produce and consume: lz4", |kcat| codec(kcat, "lz4")),
    ("produce and consume: zstd", |kcat| codec(kcat, "zstd")),
    ("acks 0 and 1", acks),
    ("headers", headers),
    ("keys and tombstones", keys),
    ("900 KiB record", large),
    ("last records, by offset", last),
    ("by timestamp", by_timestamp),
    ("offset query", offset_query),
    ("idempotent producer", idempotent),
    ("batches larger than every fetch limit arrive whole", limits),
    ("read committed and uncommitted", isolation),
    ("group resumes where it stopped", group),
];

/// kcat pointed at the server, for one case.
struct Kcat {
    bootstrap: String,
    topic: String,
}

/// Runs every case, each on a topic of its own.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let topics: Vec<String> = (0..CASES.len())
        .map(|index| format!("kcat-{stamp}-{index}"))
        .collect();
    create(target, &topics)?;
    for ((name, case), topic) in CASES.iter().zip(topics) {
        let kcat = Kcat {
            bootstrap: target.bootstrap.clone(),
            topic,
        };
        let outcome = case(&kcat);
        let detail = outcome
            .as_ref()
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default();
        results.record(name, outcome.is_ok(), &detail)?;
    }
    Ok(())
}

/// kcat makes no topics, and the server makes none by itself.
fn create(target: &Target, topics: &[String]) -> Result<()> {
    let mut command = python(target, "create_topics.py");
    output(command.args(topics), &[], LIMIT).context("cannot make the topics of the suite")?;
    Ok(())
}

impl Kcat {
    fn call(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let mut command = Command::new("kcat");
        command.args(["-b", &self.bootstrap]).args(arguments);
        output(&mut command, input, LIMIT)
    }

    /// Sends lines, with more arguments.
    fn produce(&self, arguments: &[&str], input: &[u8]) -> Result<()> {
        self.call(&[&["-P", "-t", &self.topic], arguments].concat(), input)?;
        Ok(())
    }

    /// Reads to the end of the topic, with more arguments.
    fn consume(&self, arguments: &[&str]) -> Result<String> {
        let base = ["-C", "-e", "-q", "-t", &self.topic];
        let bytes = self.call(&[&base, arguments].concat(), &[])?;
        String::from_utf8(bytes).context("what came back is not UTF-8")
    }
}

fn numbered(from: usize, upto: usize) -> String {
    (from..upto).map(|n| format!("record {n}\n")).collect()
}

fn same(found: &str, wanted: &str) -> Result<()> {
    ensure!(
        found == wanted,
        "wanted {} bytes, found {}: {:.200}",
        wanted.len(),
        found.len(),
        found.escape_debug().to_string()
    );
    Ok(())
}

fn metadata(kcat: &Kcat) -> Result<()> {
    kcat.produce(&[], b"x\n")?;
    let listing: serde_json::Value = serde_json::from_slice(&kcat.call(&["-L", "-J"], &[])?)?;
    let topics = listing["topics"].as_array().context("no topics")?;
    ensure!(
        topics.iter().any(|topic| topic["topic"] == kcat.topic),
        "the topic is not listed"
    );
    ensure!(
        listing["brokers"]
            .as_array()
            .is_some_and(|brokers| !brokers.is_empty()),
        "no broker is listed"
    );
    Ok(())
}

fn codec(kcat: &Kcat, codec: &str) -> Result<()> {
    let lines = numbered(0, 2000);
    kcat.produce(&["-z", codec], lines.as_bytes())?;
    same(&kcat.consume(&["-X", "check.crcs=true"])?, &lines)
}

fn acks(kcat: &Kcat) -> Result<()> {
    kcat.produce(&["-X", "acks=1"], numbered(0, 500).as_bytes())?;
    kcat.produce(&["-X", "acks=0"], numbered(500, 1000).as_bytes())?;
    // Unacknowledged records are on their way still: read exactly as many, rather than to the end.
    let bytes = kcat.call(
        &["-C", "-q", "-c", "1000", "-o", "beginning", "-t", &kcat.topic],
        &[],
    )?;
    same(&String::from_utf8_lossy(&bytes), &numbered(0, 1000))
}

fn headers(kcat: &Kcat) -> Result<()> {
    kcat.produce(&["-H", "trace=abc", "-H", "empty=", "-H", "trace=def"], b"x\n")?;
    same(
        &kcat.consume(&["-f", "%h|%s\n"])?,
        "trace=abc,empty=,trace=def|x\n",
    )
}

fn keys(kcat: &Kcat) -> Result<()> {
    kcat.produce(&["-K", ":", "-Z"], b"a:1\nb:\n:3\n")?;
    // A length of -1 is null; with -Z an empty key or value is sent as null.
    same(
        &kcat.consume(&["-f", "%k=%s %K %S\n"])?,
        "a=1 1 1\nb= 1 -1\n=3 -1 1\n",
    )
}

fn large(kcat: &Kcat) -> Result<()> {
    let mut line = "x".repeat(900 * 1024);
    line.push('\n');
    kcat.produce(&["-X", "compression.codec=none"], line.as_bytes())?;
    same(&kcat.consume(&[])?, &line)
}

fn last(kcat: &Kcat) -> Result<()> {
    kcat.produce(&[], numbered(0, 100).as_bytes())?;
    same(&kcat.consume(&["-o", "-3"])?, &numbered(97, 100))?;
    same(&kcat.consume(&["-o", "42", "-c", "1"])?, &numbered(42, 43))
}

fn by_timestamp(kcat: &Kcat) -> Result<()> {
    kcat.produce(&[], numbered(0, 10).as_bytes())?;
    let stamps = kcat.consume(&["-f", "%T\n"])?;
    let newest: i64 = stamps.lines().last().context("no record")?.parse()?;
    // The clock moves on before the second half is sent.
    while now_ms()? <= newest {}
    let between = now_ms()?.to_string();
    kcat.produce(&[], numbered(10, 20).as_bytes())?;
    same(
        &kcat.consume(&["-o", &format!("s@{between}")])?,
        &numbered(10, 20),
    )
}

fn now_ms() -> Result<i64> {
    Ok(i64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
    )?)
}

fn offset_query(kcat: &Kcat) -> Result<()> {
    kcat.produce(&[], numbered(0, 7).as_bytes())?;
    let end = kcat.call(&["-Q", "-t", &format!("{}:0:-1", kcat.topic)], &[])?;
    same(
        &String::from_utf8_lossy(&end),
        &format!("{} [0] offset 7\n", kcat.topic),
    )
}

fn idempotent(kcat: &Kcat) -> Result<()> {
    let lines = numbered(0, 5000);
    kcat.produce(
        &["-X", "enable.idempotence=true", "-X", "linger.ms=0"],
        lines.as_bytes(),
    )?;
    same(&kcat.consume(&[])?, &lines)
}

fn limits(kcat: &Kcat) -> Result<()> {
    let lines: String = (0..200).map(|n| format!("{n:04000}\n")).collect();
    kcat.produce(
        &["-X", "linger.ms=200", "-X", "batch.size=900000"],
        lines.as_bytes(),
    )?;
    let limits = [
        "-X",
        "max.partition.fetch.bytes=1024",
        "-X",
        "fetch.max.bytes=1048576",
    ];
    let whole = ["-X", "message.max.bytes=1048576", "-X", "check.crcs=true"];
    same(&kcat.consume(&[limits, whole].concat())?, &lines)
}

fn isolation(kcat: &Kcat) -> Result<()> {
    kcat.produce(&[], numbered(0, 100).as_bytes())?;
    for level in [
        "isolation.level=read_committed",
        "isolation.level=read_uncommitted",
    ] {
        same(&kcat.consume(&["-X", level])?, &numbered(0, 100))?;
    }
    Ok(())
}

fn group(kcat: &Kcat) -> Result<()> {
    kcat.produce(&[], numbered(0, 10).as_bytes())?;
    let read = |count: &str| {
        let group = format!("group-{}", kcat.topic);
        let options = ["-q", "-c", count, "-X", "auto.offset.reset=earliest"];
        let bytes = kcat.call(&[&["-G", &group], &options[..], &[&kcat.topic]].concat(), &[])?;
        String::from_utf8(bytes).context("what came back is not UTF-8")
    };
    same(&read("4")?, &numbered(0, 4))?;
    same(&read("6")?, &numbered(4, 10))
}

/// What kcat is to see of the views that `views.rs` makes.
const VIEWS: &[Case] = &[
    ("kcat: what the view keeps, at its own offsets", kept),
    ("kcat: a reader comes to the end of what is left out", left_out),
    ("kcat: a group commits in a view, and goes on", view_group),
    ("kcat: offsets and times of a view are its source's", view_offsets),
];

/// Runs the cases of views.
pub(crate) fn views(target: &Target, results: &mut Results) -> Result<()> {
    for (name, case) in VIEWS {
        let outcome = case(&Kcat {
            bootstrap: target.bootstrap.clone(),
            topic: "views-few".to_owned(),
        });
        let detail = outcome
            .as_ref()
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default();
        results.record(name, outcome.is_ok(), &detail)?;
    }
    Ok(())
}

fn keeps(from: usize, upto: usize) -> String {
    (from..upto)
        .map(|n| format!("keep {}\n", 250 + n * 500))
        .collect()
}

fn kept(kcat: &Kcat) -> Result<()> {
    same(&kcat.consume(&["-X", "check.crcs=true"])?, &keeps(0, 6))?;
    let placed: String = (0..6).map(|n| format!("{0} keep {0}\n", 250 + n * 500)).collect();
    same(&kcat.consume(&["-f", "%o %s\n"])?, &placed)
}

fn left_out(kcat: &Kcat) -> Result<()> {
    // It ends only when the server's answers have brought it to the end.
    let bytes = kcat.call(&["-C", "-e", "-q", "-t", "views-none"], &[])?;
    same(&String::from_utf8_lossy(&bytes), "")
}

fn view_group(kcat: &Kcat) -> Result<()> {
    let group = format!("views-{}", now_ms()?);
    let read = |count: &str| {
        let options = ["-q", "-c", count, "-X", "auto.offset.reset=earliest"];
        let bytes = kcat.call(&[&["-G", &group], &options[..], &[&kcat.topic]].concat(), &[])?;
        String::from_utf8(bytes).context("what came back is not UTF-8")
    };
    same(&read("2")?, &keeps(0, 2))?;
    same(&read("4")?, &keeps(2, 6))
}

fn view_offsets(kcat: &Kcat) -> Result<()> {
    for (asked, offset) in [("-2", 0), ("-1", 3000), ("1700000041500", 42)] {
        let end = kcat.call(&["-Q", "-t", &format!("views-few:0:{asked}")], &[])?;
        same(
            &String::from_utf8_lossy(&end),
            &format!("views-few [0] offset {offset}\n"),
        )?;
    }
    Ok(())
}
