//! The shapes of the served responses, transcribed from Kafka's message definitions.
//!
//! A field that is missing or misplaced here makes sound messages of some version unreadable; the test beside
//! [`super`] generates messages from these tables and has the codec read them, for every version.

use crate::kafka::messages::{
    alter_configs_response, api_versions_response, consumer_group_describe_response,
    consumer_group_heartbeat_response, create_partitions_response, create_topics_response,
    delete_groups_response, delete_records_response, delete_topics_response, describe_cluster_response,
    describe_configs_response, describe_groups_response, describe_log_dirs_response,
    describe_producers_response, describe_topic_partitions_response, fetch_response,
    find_coordinator_response, incremental_alter_configs_response, join_group_response,
    leave_group_response, list_groups_response, list_offsets_response, metadata_response,
    offset_commit_response, offset_delete_response, offset_fetch_response, offset_for_leader_epoch_response,
    produce_response,
};

use super::Kind::{Data, Fixed, Fixeds, Inner, Optional, Structs, Text, Texts};
use super::{NEVER, Shape, shape, always, between, since, tagged};

pub(super) static PRODUCE: Shape = shape(9, &[
    always("Responses", Structs(size_of::<produce_response::TopicProduceResponse>(), &[
        between(3, 12, "Name", Text),
        since(13, "TopicId", Fixed(16)),
        always("PartitionResponses", Structs(size_of::<produce_response::PartitionProduceResponse>(), &[
            always("Index", Fixed(4)),
            always("ErrorCode", Fixed(2)),
            always("BaseOffset", Fixed(8)),
            always("LogAppendTimeMs", Fixed(8)),
            since(5, "LogStartOffset", Fixed(8)),
            since(8, "RecordErrors", Structs(size_of::<produce_response::BatchIndexAndErrorMessage>(), &[
                since(8, "BatchIndex", Fixed(4)),
                since(8, "BatchIndexErrorMessage", Text),
            ])),
            since(8, "ErrorMessage", Text),
            tagged(0, "CurrentLeader", 10, Inner(&[
                since(10, "LeaderId", Fixed(4)),
                since(10, "LeaderEpoch", Fixed(4)),
            ])),
        ])),
    ])),
    always("ThrottleTimeMs", Fixed(4)),
    tagged(0, "NodeEndpoints", 10, Structs(size_of::<produce_response::NodeEndpoint>(), &[
        since(10, "NodeId", Fixed(4)),
        since(10, "Host", Text),
        since(10, "Port", Fixed(4)),
        since(10, "Rack", Text),
    ])),
]);

pub(super) static FETCH: Shape = shape(12, &[
    always("ThrottleTimeMs", Fixed(4)),
    since(7, "ErrorCode", Fixed(2)),
    since(7, "SessionId", Fixed(4)),
    always("Responses", Structs(size_of::<fetch_response::FetchableTopicResponse>(), &[
        between(4, 12, "Topic", Text),
        since(13, "TopicId", Fixed(16)),
        always("Partitions", Structs(size_of::<fetch_response::PartitionData>(), &[
            always("PartitionIndex", Fixed(4)),
            always("ErrorCode", Fixed(2)),
            always("HighWatermark", Fixed(8)),
            always("LastStableOffset", Fixed(8)),
            since(5, "LogStartOffset", Fixed(8)),
            tagged(0, "DivergingEpoch", 12, Inner(&[
                since(12, "Epoch", Fixed(4)),
                since(12, "EndOffset", Fixed(8)),
            ])),
            tagged(1, "CurrentLeader", 12, Inner(&[
                since(12, "LeaderId", Fixed(4)),
                since(12, "LeaderEpoch", Fixed(4)),
            ])),
            tagged(2, "SnapshotId", 12, Inner(&[always("EndOffset", Fixed(8)), always("Epoch", Fixed(4))])),
            always("AbortedTransactions", Structs(size_of::<fetch_response::AbortedTransaction>(), &[
                always("ProducerId", Fixed(8)),
                always("FirstOffset", Fixed(8)),
            ])),
            since(11, "PreferredReadReplica", Fixed(4)),
            always("Records", Data),
        ])),
    ])),
    tagged(0, "NodeEndpoints", 16, Structs(size_of::<fetch_response::NodeEndpoint>(), &[
        since(16, "NodeId", Fixed(4)),
        since(16, "Host", Text),
        since(16, "Port", Fixed(4)),
        since(16, "Rack", Text),
    ])),
]);

pub(super) static LIST_OFFSETS: Shape = shape(6, &[
    since(2, "ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<list_offsets_response::ListOffsetsTopicResponse>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<list_offsets_response::ListOffsetsPartitionResponse>(), &[
            always("PartitionIndex", Fixed(4)),
            always("ErrorCode", Fixed(2)),
            always("Timestamp", Fixed(8)),
            always("Offset", Fixed(8)),
            since(4, "LeaderEpoch", Fixed(4)),
        ])),
    ])),
]);

pub(super) static METADATA: Shape = shape(9, &[
    since(3, "ThrottleTimeMs", Fixed(4)),
    always("Brokers", Structs(size_of::<metadata_response::MetadataResponseBroker>(), &[
        always("NodeId", Fixed(4)),
        always("Host", Text),
        always("Port", Fixed(4)),
        since(1, "Rack", Text),
    ])),
    since(2, "ClusterId", Text),
    since(1, "ControllerId", Fixed(4)),
    always("Topics", Structs(size_of::<metadata_response::MetadataResponseTopic>(), &[
        always("ErrorCode", Fixed(2)),
        always("Name", Text),
        since(10, "TopicId", Fixed(16)),
        since(1, "IsInternal", Fixed(1)),
        always("Partitions", Structs(size_of::<metadata_response::MetadataResponsePartition>(), &[
            always("ErrorCode", Fixed(2)),
            always("PartitionIndex", Fixed(4)),
            always("LeaderId", Fixed(4)),
            since(7, "LeaderEpoch", Fixed(4)),
            always("ReplicaNodes", Fixeds(4)),
            always("IsrNodes", Fixeds(4)),
            since(5, "OfflineReplicas", Fixeds(4)),
        ])),
        since(8, "TopicAuthorizedOperations", Fixed(4)),
    ])),
    between(8, 10, "ClusterAuthorizedOperations", Fixed(4)),
    since(13, "ErrorCode", Fixed(2)),
]);

pub(super) static OFFSET_COMMIT: Shape = shape(8, &[
    since(3, "ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<offset_commit_response::OffsetCommitResponseTopic>(), &[
        between(2, 9, "Name", Text),
        since(10, "TopicId", Fixed(16)),
        always("Partitions", Structs(size_of::<offset_commit_response::OffsetCommitResponsePartition>(), &[
            always("PartitionIndex", Fixed(4)),
            always("ErrorCode", Fixed(2)),
        ])),
    ])),
]);

pub(super) static OFFSET_FETCH: Shape = shape(6, &[
    since(3, "ThrottleTimeMs", Fixed(4)),
    between(1, 7, "Topics", Structs(size_of::<offset_fetch_response::OffsetFetchResponseTopic>(), &[
        between(1, 7, "Name", Text),
        between(1, 7, "Partitions", Structs(size_of::<offset_fetch_response::OffsetFetchResponsePartition>(), &[
            between(1, 7, "PartitionIndex", Fixed(4)),
            between(1, 7, "CommittedOffset", Fixed(8)),
            between(5, 7, "CommittedLeaderEpoch", Fixed(4)),
            between(1, 7, "Metadata", Text),
            between(1, 7, "ErrorCode", Fixed(2)),
        ])),
    ])),
    between(2, 7, "ErrorCode", Fixed(2)),
    since(8, "Groups", Structs(size_of::<offset_fetch_response::OffsetFetchResponseGroup>(), &[
        since(8, "GroupId", Text),
        since(8, "Topics", Structs(size_of::<offset_fetch_response::OffsetFetchResponseTopics>(), &[
            between(8, 9, "Name", Text),
            since(10, "TopicId", Fixed(16)),
            since(8, "Partitions", Structs(size_of::<offset_fetch_response::OffsetFetchResponsePartitions>(), &[
                since(8, "PartitionIndex", Fixed(4)),
                since(8, "CommittedOffset", Fixed(8)),
                since(8, "CommittedLeaderEpoch", Fixed(4)),
                since(8, "Metadata", Text),
                since(8, "ErrorCode", Fixed(2)),
            ])),
        ])),
        since(8, "ErrorCode", Fixed(2)),
    ])),
]);

pub(super) static FIND_COORDINATOR: Shape = shape(3, &[
    since(1, "ThrottleTimeMs", Fixed(4)),
    between(0, 3, "ErrorCode", Fixed(2)),
    between(1, 3, "ErrorMessage", Text),
    between(0, 3, "NodeId", Fixed(4)),
    between(0, 3, "Host", Text),
    between(0, 3, "Port", Fixed(4)),
    since(4, "Coordinators", Structs(size_of::<find_coordinator_response::Coordinator>(), &[
        since(4, "Key", Text),
        since(4, "NodeId", Fixed(4)),
        since(4, "Host", Text),
        since(4, "Port", Fixed(4)),
        since(4, "ErrorCode", Fixed(2)),
        since(4, "ErrorMessage", Text),
    ])),
]);

pub(super) static JOIN_GROUP: Shape = shape(6, &[
    since(2, "ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    always("GenerationId", Fixed(4)),
    since(7, "ProtocolType", Text),
    always("ProtocolName", Text),
    always("Leader", Text),
    since(9, "SkipAssignment", Fixed(1)),
    always("MemberId", Text),
    always("Members", Structs(size_of::<join_group_response::JoinGroupResponseMember>(), &[
        always("MemberId", Text),
        since(5, "GroupInstanceId", Text),
        always("Metadata", Data),
    ])),
]);

pub(super) static HEARTBEAT: Shape = shape(4, &[
    since(1, "ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
]);

pub(super) static LEAVE_GROUP: Shape = shape(4, &[
    since(1, "ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    since(3, "Members", Structs(size_of::<leave_group_response::MemberResponse>(), &[
        since(3, "MemberId", Text),
        since(3, "GroupInstanceId", Text),
        since(3, "ErrorCode", Fixed(2)),
    ])),
]);

pub(super) static SYNC_GROUP: Shape = shape(4, &[
    since(1, "ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    since(5, "ProtocolType", Text),
    since(5, "ProtocolName", Text),
    always("Assignment", Data),
]);

pub(super) static DESCRIBE_GROUPS: Shape = shape(5, &[
    since(1, "ThrottleTimeMs", Fixed(4)),
    always("Groups", Structs(size_of::<describe_groups_response::DescribedGroup>(), &[
        always("ErrorCode", Fixed(2)),
        since(6, "ErrorMessage", Text),
        always("GroupId", Text),
        always("GroupState", Text),
        always("ProtocolType", Text),
        always("ProtocolData", Text),
        always("Members", Structs(size_of::<describe_groups_response::DescribedGroupMember>(), &[
            always("MemberId", Text),
            since(4, "GroupInstanceId", Text),
            always("ClientId", Text),
            always("ClientHost", Text),
            always("MemberMetadata", Data),
            always("MemberAssignment", Data),
        ])),
        since(3, "AuthorizedOperations", Fixed(4)),
    ])),
]);

pub(super) static LIST_GROUPS: Shape = shape(3, &[
    since(1, "ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    always("Groups", Structs(size_of::<list_groups_response::ListedGroup>(), &[
        always("GroupId", Text),
        always("ProtocolType", Text),
        since(4, "GroupState", Text),
        since(5, "GroupType", Text),
    ])),
]);

pub(super) static API_VERSIONS: Shape = shape(3, &[
    always("ErrorCode", Fixed(2)),
    always("ApiKeys", Structs(size_of::<api_versions_response::ApiVersion>(), &[
        always("ApiKey", Fixed(2)),
        always("MinVersion", Fixed(2)),
        always("MaxVersion", Fixed(2)),
    ])),
    since(1, "ThrottleTimeMs", Fixed(4)),
    tagged(0, "SupportedFeatures", 3, Structs(size_of::<api_versions_response::SupportedFeatureKey>(), &[
        since(3, "Name", Text),
        since(3, "MinVersion", Fixed(2)),
        since(3, "MaxVersion", Fixed(2)),
    ])),
    tagged(1, "FinalizedFeaturesEpoch", 3, Fixed(8)),
    tagged(2, "FinalizedFeatures", 3, Structs(size_of::<api_versions_response::FinalizedFeatureKey>(), &[
        since(3, "Name", Text),
        since(3, "MaxVersionLevel", Fixed(2)),
        since(3, "MinVersionLevel", Fixed(2)),
    ])),
    tagged(3, "ZkMigrationReady", 3, Fixed(1)),
]);

pub(super) static CREATE_TOPICS: Shape = shape(5, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<create_topics_response::CreatableTopicResult>(), &[
        always("Name", Text),
        since(7, "TopicId", Fixed(16)),
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        tagged(0, "TopicConfigErrorCode", 5, Fixed(2)),
        since(5, "NumPartitions", Fixed(4)),
        since(5, "ReplicationFactor", Fixed(2)),
        since(5, "Configs", Structs(size_of::<create_topics_response::CreatableTopicConfigs>(), &[
            since(5, "Name", Text),
            since(5, "Value", Text),
            since(5, "ReadOnly", Fixed(1)),
            since(5, "ConfigSource", Fixed(1)),
            since(5, "IsSensitive", Fixed(1)),
        ])),
    ])),
]);

pub(super) static DELETE_TOPICS: Shape = shape(4, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Responses", Structs(size_of::<delete_topics_response::DeletableTopicResult>(), &[
        always("Name", Text),
        since(6, "TopicId", Fixed(16)),
        always("ErrorCode", Fixed(2)),
        since(5, "ErrorMessage", Text),
    ])),
]);

pub(super) static DELETE_RECORDS: Shape = shape(2, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<delete_records_response::DeleteRecordsTopicResult>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<delete_records_response::DeleteRecordsPartitionResult>(), &[
            always("PartitionIndex", Fixed(4)),
            always("LowWatermark", Fixed(8)),
            always("ErrorCode", Fixed(2)),
        ])),
    ])),
]);

pub(super) static INIT_PRODUCER_ID: Shape = shape(2, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    always("ProducerId", Fixed(8)),
    always("ProducerEpoch", Fixed(2)),
    since(6, "OngoingTxnProducerId", Fixed(8)),
    since(6, "OngoingTxnProducerEpoch", Fixed(2)),
]);

pub(super) static OFFSET_FOR_LEADER_EPOCH: Shape = shape(4, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<offset_for_leader_epoch_response::OffsetForLeaderTopicResult>(), &[
        always("Topic", Text),
        always("Partitions", Structs(size_of::<offset_for_leader_epoch_response::EpochEndOffset>(), &[
            always("ErrorCode", Fixed(2)),
            always("Partition", Fixed(4)),
            always("LeaderEpoch", Fixed(4)),
            always("EndOffset", Fixed(8)),
        ])),
    ])),
]);

pub(super) static DESCRIBE_CONFIGS: Shape = shape(4, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Results", Structs(size_of::<describe_configs_response::DescribeConfigsResult>(), &[
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("ResourceType", Fixed(1)),
        always("ResourceName", Text),
        always("Configs", Structs(size_of::<describe_configs_response::DescribeConfigsResourceResult>(), &[
            always("Name", Text),
            always("Value", Text),
            always("ReadOnly", Fixed(1)),
            always("ConfigSource", Fixed(1)),
            always("IsSensitive", Fixed(1)),
            always("Synonyms", Structs(size_of::<describe_configs_response::DescribeConfigsSynonym>(), &[
                always("Name", Text),
                always("Value", Text),
                always("Source", Fixed(1)),
            ])),
            since(3, "ConfigType", Fixed(1)),
            since(3, "Documentation", Text),
        ])),
    ])),
]);

pub(super) static ALTER_CONFIGS: Shape = shape(2, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Responses", Structs(size_of::<alter_configs_response::AlterConfigsResourceResponse>(), &[
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("ResourceType", Fixed(1)),
        always("ResourceName", Text),
    ])),
]);

pub(super) static DESCRIBE_LOG_DIRS: Shape = shape(2, &[
    always("ThrottleTimeMs", Fixed(4)),
    since(3, "ErrorCode", Fixed(2)),
    always("Results", Structs(size_of::<describe_log_dirs_response::DescribeLogDirsResult>(), &[
        always("ErrorCode", Fixed(2)),
        always("LogDir", Text),
        always("Topics", Structs(size_of::<describe_log_dirs_response::DescribeLogDirsTopic>(), &[
            always("Name", Text),
            always("Partitions", Structs(size_of::<describe_log_dirs_response::DescribeLogDirsPartition>(), &[
                always("PartitionIndex", Fixed(4)),
                always("PartitionSize", Fixed(8)),
                always("OffsetLag", Fixed(8)),
                always("IsFutureKey", Fixed(1)),
            ])),
        ])),
        since(4, "TotalBytes", Fixed(8)),
        since(4, "UsableBytes", Fixed(8)),
    ])),
]);

pub(super) static CREATE_PARTITIONS: Shape = shape(2, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Results", Structs(size_of::<create_partitions_response::CreatePartitionsTopicResult>(), &[
        always("Name", Text),
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
    ])),
]);

pub(super) static DELETE_GROUPS: Shape = shape(2, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Results", Structs(size_of::<delete_groups_response::DeletableGroupResult>(), &[always("GroupId", Text), always("ErrorCode", Fixed(2))])),
]);

pub(super) static INCREMENTAL_ALTER_CONFIGS: Shape = shape(1, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Responses", Structs(size_of::<incremental_alter_configs_response::AlterConfigsResourceResponse>(), &[
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("ResourceType", Fixed(1)),
        always("ResourceName", Text),
    ])),
]);

pub(super) static OFFSET_DELETE: Shape = shape(NEVER, &[
    always("ErrorCode", Fixed(2)),
    always("ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<offset_delete_response::OffsetDeleteResponseTopic>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<offset_delete_response::OffsetDeleteResponsePartition>(), &[always("PartitionIndex", Fixed(4)), always("ErrorCode", Fixed(2))])),
    ])),
]);

pub(super) static DESCRIBE_CLUSTER: Shape = shape(0, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    always("ErrorMessage", Text),
    since(1, "EndpointType", Fixed(1)),
    always("ClusterId", Text),
    always("ControllerId", Fixed(4)),
    always("Brokers", Structs(size_of::<describe_cluster_response::DescribeClusterBroker>(), &[
        always("BrokerId", Fixed(4)),
        always("Host", Text),
        always("Port", Fixed(4)),
        always("Rack", Text),
        since(2, "IsFenced", Fixed(1)),
    ])),
    always("ClusterAuthorizedOperations", Fixed(4)),
]);

pub(super) static DESCRIBE_PRODUCERS: Shape = shape(0, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<describe_producers_response::TopicResponse>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<describe_producers_response::PartitionResponse>(), &[
            always("PartitionIndex", Fixed(4)),
            always("ErrorCode", Fixed(2)),
            always("ErrorMessage", Text),
            always("ActiveProducers", Structs(size_of::<describe_producers_response::ProducerState>(), &[
                always("ProducerId", Fixed(8)),
                always("ProducerEpoch", Fixed(4)),
                always("LastSequence", Fixed(4)),
                always("LastTimestamp", Fixed(8)),
                always("CoordinatorEpoch", Fixed(4)),
                always("CurrentTxnStartOffset", Fixed(8)),
            ])),
        ])),
    ])),
]);

pub(super) static CONSUMER_GROUP_HEARTBEAT: Shape = shape(0, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("ErrorCode", Fixed(2)),
    always("ErrorMessage", Text),
    always("MemberId", Text),
    always("MemberEpoch", Fixed(4)),
    always("HeartbeatIntervalMs", Fixed(4)),
    always("Assignment", Optional(&[
        always("TopicPartitions", Structs(size_of::<consumer_group_heartbeat_response::TopicPartitions>(), &[always("TopicId", Fixed(16)), always("Partitions", Fixeds(4))])),
    ])),
]);

pub(super) static CONSUMER_GROUP_DESCRIBE: Shape = shape(0, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Groups", Structs(size_of::<consumer_group_describe_response::DescribedGroup>(), &[
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("GroupId", Text),
        always("GroupState", Text),
        always("GroupEpoch", Fixed(4)),
        always("AssignmentEpoch", Fixed(4)),
        always("AssignorName", Text),
        always("Members", Structs(size_of::<consumer_group_describe_response::Member>(), &[
            always("MemberId", Text),
            always("InstanceId", Text),
            always("RackId", Text),
            always("MemberEpoch", Fixed(4)),
            always("ClientId", Text),
            always("ClientHost", Text),
            always("SubscribedTopicNames", Texts),
            always("SubscribedTopicRegex", Text),
            always("Assignment", Inner(&[
                always("TopicPartitions", Structs(size_of::<consumer_group_describe_response::TopicPartitions>(), &[
                    always("TopicId", Fixed(16)),
                    always("TopicName", Text),
                    always("Partitions", Fixeds(4)),
                ])),
            ])),
            always("TargetAssignment", Inner(&[
                always("TopicPartitions", Structs(size_of::<consumer_group_describe_response::TopicPartitions>(), &[
                    always("TopicId", Fixed(16)),
                    always("TopicName", Text),
                    always("Partitions", Fixeds(4)),
                ])),
            ])),
            since(1, "MemberType", Fixed(1)),
        ])),
        always("AuthorizedOperations", Fixed(4)),
    ])),
]);

pub(super) static DESCRIBE_TOPIC_PARTITIONS: Shape = shape(0, &[
    always("ThrottleTimeMs", Fixed(4)),
    always("Topics", Structs(size_of::<describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic>(), &[
        always("ErrorCode", Fixed(2)),
        always("Name", Text),
        always("TopicId", Fixed(16)),
        always("IsInternal", Fixed(1)),
        always("Partitions", Structs(size_of::<describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition>(), &[
            always("ErrorCode", Fixed(2)),
            always("PartitionIndex", Fixed(4)),
            always("LeaderId", Fixed(4)),
            always("LeaderEpoch", Fixed(4)),
            always("ReplicaNodes", Fixeds(4)),
            always("IsrNodes", Fixeds(4)),
            always("EligibleLeaderReplicas", Fixeds(4)),
            always("LastKnownElr", Fixeds(4)),
            always("OfflineReplicas", Fixeds(4)),
        ])),
        always("TopicAuthorizedOperations", Fixed(4)),
    ])),
    always("NextCursor", Optional(&[always("TopicName", Text), always("PartitionIndex", Fixed(4))])),
]);
