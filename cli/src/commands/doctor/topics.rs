//! Whether every partition can be written and read.

use tidemill_client::{Client, Start, TopicDescription};

use super::finding::Report;

/// Troubled partitions that are named.
const NAMED: usize = 5;

/// Checks the partitions of all topics.
pub(super) async fn check(report: &mut Report, client: &Client) {
    let topics = match client.topics().list().await {
        Ok(topics) => topics,
        Err(error) => return report.fail_with("topics", error),
    };
    let mut partitions = 0;
    let (mut leaderless, mut silent, mut behind) = (Vec::new(), Vec::new(), Vec::new());
    for topic in &topics {
        let described = match client.topics().describe(&topic.name).await {
            Ok(described) => described,
            // Deleted since it was listed.
            Err(error) if error.kind() == tidemill_client::ErrorKind::NotFound => continue,
            Err(error) => {
                silent.push(format!("{} ({error})", topic.name));
                continue;
            }
        };
        partitions += described.partitions.len();
        let without = named(&described, |partition| partition.leader < 0);
        behind.extend(named(&described, |partition| {
            partition.isr.len() < partition.replicas.len()
        }));
        // A leader that is known must also answer.
        if without.is_empty()
            && let Err(error) = client.topics().offsets(&topic.name, Start::Latest).await
        {
            silent.push(format!("{} ({error})", topic.name));
        }
        leaderless.extend(without);
    }
    if !leaderless.is_empty() {
        let mend = "bring the brokers that hold them back; `tidemill describe partition NAME` says why";
        report.fail("topics", format!("no leader: {}", some(&leaderless)), mend);
    }
    if !silent.is_empty() {
        let mend = "see `tidemill get partitions` and the server's log";
        report.fail("topics", format!("no answer: {}", some(&silent)), mend);
    }
    if !behind.is_empty() {
        let mend = "bring the brokers that hold the other replicas back, and wait until they have caught up";
        report.warn("topics", format!("replicas not in sync: {}", some(&behind)), mend);
    }
    if leaderless.is_empty() && silent.is_empty() {
        let (topics, partitions) = (counted(topics.len(), "topic"), counted(partitions, "partition"));
        let detail = format!("{topics}, {partitions}; every one has a leader that answers");
        report.ok("topics", detail);
    }
}

/// The names of the partitions of a kind.
fn named(
    topic: &TopicDescription,
    which: impl Fn(&tidemill_client::PartitionDescription) -> bool,
) -> Vec<String> {
    let found = topic.partitions.iter().filter(|partition| which(partition));
    found
        .map(|partition| format!("{}-{}", topic.name, partition.partition))
        .collect()
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
