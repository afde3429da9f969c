//! AlterReplicaLogDirs (KIP-113): which directory a replica lies in. A server has one, where all may stay.

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use tidemill_wire::kafka::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};

use super::Cx;

pub(super) fn handle(cx: &Cx, request: AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse {
    let image = cx.broker.metadata.image();
    let mut results = Vec::new();
    for dir in request.dirs {
        let here = *dir.path == *cx.broker.config.log_dir;
        for topic in dir.topics {
            let found = image.topic(&topic.name);
            let partitions = topic.partitions.iter().map(|index| {
                let code = match found.and_then(|found| found.partition(*index)) {
                    _ if !here => ResponseError::LogDirNotFound.code(),
                    None => ResponseError::UnknownTopicOrPartition.code(),
                    Some(_) => 0,
                };
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(*index)
                    .with_error_code(code)
            });
            results.push(
                AlterReplicaLogDirTopicResult::default()
                    .with_partitions(partitions.collect())
                    .with_topic_name(topic.name.clone()),
            );
        }
    }
    AlterReplicaLogDirsResponse::default().with_results(results)
}
