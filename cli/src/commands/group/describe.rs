//! `tidemill group describe`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::{GroupDescription, GroupMember, GroupOffset};

use crate::args::Connection;
use crate::output::{Output, table};

/// Which group.
#[derive(Args)]
pub(crate) struct Options {
    /// Its id
    group: String,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let groups = connection.open().await?.groups();
    let group = groups.describe(&options.group).await?;
    let offsets: Vec<Value> = groups.offsets(&options.group).await?.iter().map(offset).collect();
    let members: Vec<Value> = group.members.iter().map(member).collect();
    let total: i64 = offsets
        .iter()
        .filter_map(|row| row.get("lag").and_then(Value::as_i64))
        .sum();
    let described = json!({
        "group": group.group_id,
        "state": group.state,
        "kind": group.kind,
        "protocol": group.protocol,
        "coordinator": group.coordinator,
        "members": members,
        "offsets": offsets,
        "totalLag": total,
    });
    options
        .output
        .one(&described, |_| for_people(&group, &members, &offsets, total))
}

fn member(member: &GroupMember) -> Value {
    let partitions: Vec<String> = member
        .assignment
        .iter()
        .map(|assigned| format!("{}/{}", assigned.topic, assigned.partition))
        .collect();
    json!({
        "memberId": member.member_id,
        "instanceId": member.instance_id,
        "clientId": member.client_id,
        "host": member.host,
        "partitions": partitions,
    })
}

fn offset(offset: &GroupOffset) -> Value {
    json!({
        "topic": offset.topic,
        "partition": offset.partition,
        "committed": (offset.committed >= 0).then_some(offset.committed),
        "logStartOffset": offset.log_start,
        "endOffset": offset.end,
        "lag": offset.lag,
    })
}

fn for_people(group: &GroupDescription, members: &[Value], offsets: &[Value], total: i64) -> String {
    let mut text = format!(
        "group {}  state {}  kind {}  coordinator {}  lag {total}",
        group.group_id, group.state, group.kind, group.coordinator
    );
    if !members.is_empty() {
        text += "\n\n";
        text += &table(
            members,
            &[
                ("MEMBER", "/memberId"),
                ("CLIENT", "/clientId"),
                ("HOST", "/host"),
                ("PARTITIONS", "/partitions"),
            ],
        );
    }
    if !offsets.is_empty() {
        text += "\n\n";
        text += &table(
            offsets,
            &[
                ("TOPIC", "/topic"),
                ("PARTITION", "/partition"),
                ("COMMITTED", "/committed"),
                ("END", "/endOffset"),
                ("LAG", "/lag"),
            ],
        );
    }
    text
}
