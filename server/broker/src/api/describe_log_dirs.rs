//! DescribeLogDirs: how large partitions are, and what room there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tidemill_partition::Partition;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use tidemill_wire::kafka::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;

use super::Cx;

pub(super) async fn handle(cx: &Cx, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let wanted = request.topics.map(|topics| {
        let named = topics.into_iter();
        named
            .map(|topic| (topic.topic.to_string(), topic.partitions.into_iter().collect()))
            .collect()
    });
    let topics = sizes(cx.broker.partitions.all(), wanted.as_ref());
    let dir = cx.broker.config.log_dir.clone();
    let disk = Arc::clone(&cx.broker.env.disk);
    let space = {
        let dir = dir.clone();
        cx.broker.env.blocking(move || disk.space(Path::new(&dir))).await
    };
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let result = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_string(dir))
        .with_topics(topics);
    let result = match space {
        Ok(Ok(space)) => result
            .with_total_bytes(bytes(space.total))
            .with_usable_bytes(bytes(space.free)),
        _ => result.with_error_code(ResponseError::KafkaStorageError.code()),
    };
    DescribeLogDirsResponse::default().with_results(vec![result])
}

type Wanted = BTreeMap<String, BTreeSet<i32>>;

fn sizes(partitions: Vec<Arc<Partition>>, wanted: Option<&Wanted>) -> Vec<DescribeLogDirsTopic> {
    let mut topics: BTreeMap<String, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for partition in partitions {
        let (topic, index) = (partition.topic(), partition.index());
        if wanted.is_some_and(|wanted| !wanted.get(topic).is_some_and(|indexes| indexes.contains(&index))) {
            continue;
        }
        let size = DescribeLogDirsPartition::default()
            .with_partition_index(index)
            .with_partition_size(i64::try_from(partition.size_bytes()).unwrap_or(i64::MAX));
        topics.entry(topic.to_owned()).or_default().push(size);
    }
    let sorted = topics.into_iter().map(|(name, mut partitions)| {
        partitions.sort_by_key(|partition| partition.partition_index);
        DescribeLogDirsTopic::default()
            .with_name(TopicName(StrBytes::from_string(name)))
            .with_partitions(partitions)
    });
    sorted.collect()
}
