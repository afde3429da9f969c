//! The shapes of the served requests, transcribed from Kafka's message definitions.
//!
//! A field that is missing or misplaced here makes sound messages of some version unreadable; the test beside
//! [`super`] generates messages from these tables and has the codec read them, for every version.

use crate::kafka::messages::{
    alter_configs_request, consumer_group_heartbeat_request, create_partitions_request,
    create_topics_request, delete_records_request, delete_topics_request, describe_configs_request,
    describe_log_dirs_request, describe_producers_request, describe_topic_partitions_request, fetch_request,
    incremental_alter_configs_request, join_group_request, leave_group_request, list_offsets_request,
    metadata_request, offset_commit_request, offset_delete_request, offset_fetch_request,
    offset_for_leader_epoch_request, produce_request, sync_group_request,
};

use super::Kind::{Data, Fixed, Fixeds, Inner, Optional, Structs, Text, Texts};
use super::{NEVER, Shape, always, between, shape, since, tagged};

pub(super) static PRODUCE: Shape = shape(9, &[
    always("TransactionalId", Text),
    always("Acks", Fixed(2)),
    always("TimeoutMs", Fixed(4)),
    always("TopicData", Structs(size_of::<produce_request::TopicProduceData>(), &[
        between(3, 12, "Name", Text),
        since(13, "TopicId", Fixed(16)),
        always("PartitionData", Structs(size_of::<produce_request::PartitionProduceData>(), &[always("Index", Fixed(4)), always("Records", Data)])),
    ])),
]);

pub(super) static FETCH: Shape = shape(12, &[
    tagged(0, "ClusterId", 12, Text),
    between(4, 14, "ReplicaId", Fixed(4)),
    tagged(1, "ReplicaState", 15, Inner(&[since(15, "ReplicaId", Fixed(4)), since(15, "ReplicaEpoch", Fixed(8))])),
    always("MaxWaitMs", Fixed(4)),
    always("MinBytes", Fixed(4)),
    always("MaxBytes", Fixed(4)),
    always("IsolationLevel", Fixed(1)),
    since(7, "SessionId", Fixed(4)),
    since(7, "SessionEpoch", Fixed(4)),
    always("Topics", Structs(size_of::<fetch_request::FetchTopic>(), &[
        between(4, 12, "Topic", Text),
        since(13, "TopicId", Fixed(16)),
        always("Partitions", Structs(size_of::<fetch_request::FetchPartition>(), &[
            always("Partition", Fixed(4)),
            since(9, "CurrentLeaderEpoch", Fixed(4)),
            always("FetchOffset", Fixed(8)),
            since(12, "LastFetchedEpoch", Fixed(4)),
            since(5, "LogStartOffset", Fixed(8)),
            always("PartitionMaxBytes", Fixed(4)),
            tagged(0, "ReplicaDirectoryId", 17, Fixed(16)),
        ])),
    ])),
    since(7, "ForgottenTopicsData", Structs(size_of::<fetch_request::ForgottenTopic>(), &[
        between(7, 12, "Topic", Text),
        since(13, "TopicId", Fixed(16)),
        since(7, "Partitions", Fixeds(4)),
    ])),
    since(11, "RackId", Text),
]);

pub(super) static LIST_OFFSETS: Shape = shape(6, &[
    always("ReplicaId", Fixed(4)),
    since(2, "IsolationLevel", Fixed(1)),
    always("Topics", Structs(size_of::<list_offsets_request::ListOffsetsTopic>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<list_offsets_request::ListOffsetsPartition>(), &[
            always("PartitionIndex", Fixed(4)),
            since(4, "CurrentLeaderEpoch", Fixed(4)),
            always("Timestamp", Fixed(8)),
        ])),
    ])),
    since(10, "TimeoutMs", Fixed(4)),
]);

pub(super) static METADATA: Shape = shape(9, &[
    always("Topics", Structs(size_of::<metadata_request::MetadataRequestTopic>(), &[since(10, "TopicId", Fixed(16)), always("Name", Text)])),
    since(4, "AllowAutoTopicCreation", Fixed(1)),
    between(8, 10, "IncludeClusterAuthorizedOperations", Fixed(1)),
    since(8, "IncludeTopicAuthorizedOperations", Fixed(1)),
]);

pub(super) static OFFSET_COMMIT: Shape = shape(8, &[
    always("GroupId", Text),
    always("GenerationIdOrMemberEpoch", Fixed(4)),
    always("MemberId", Text),
    since(7, "GroupInstanceId", Text),
    between(2, 4, "RetentionTimeMs", Fixed(8)),
    always("Topics", Structs(size_of::<offset_commit_request::OffsetCommitRequestTopic>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<offset_commit_request::OffsetCommitRequestPartition>(), &[
            always("PartitionIndex", Fixed(4)),
            always("CommittedOffset", Fixed(8)),
            since(6, "CommittedLeaderEpoch", Fixed(4)),
            always("CommittedMetadata", Text),
        ])),
    ])),
]);

pub(super) static OFFSET_FETCH: Shape = shape(6, &[
    between(1, 7, "GroupId", Text),
    between(1, 7, "Topics", Structs(size_of::<offset_fetch_request::OffsetFetchRequestTopic>(), &[
        between(1, 7, "Name", Text),
        between(1, 7, "PartitionIndexes", Fixeds(4)),
    ])),
    since(8, "Groups", Structs(size_of::<offset_fetch_request::OffsetFetchRequestGroup>(), &[
        since(8, "GroupId", Text),
        since(9, "MemberId", Text),
        since(9, "MemberEpoch", Fixed(4)),
        since(8, "Topics", Structs(size_of::<offset_fetch_request::OffsetFetchRequestTopics>(), &[since(8, "Name", Text), since(8, "PartitionIndexes", Fixeds(4))])),
    ])),
    since(7, "RequireStable", Fixed(1)),
]);

pub(super) static FIND_COORDINATOR: Shape = shape(3, &[
    between(0, 3, "Key", Text),
    since(1, "KeyType", Fixed(1)),
    since(4, "CoordinatorKeys", Texts),
]);

pub(super) static JOIN_GROUP: Shape = shape(6, &[
    always("GroupId", Text),
    always("SessionTimeoutMs", Fixed(4)),
    since(1, "RebalanceTimeoutMs", Fixed(4)),
    always("MemberId", Text),
    since(5, "GroupInstanceId", Text),
    always("ProtocolType", Text),
    always("Protocols", Structs(size_of::<join_group_request::JoinGroupRequestProtocol>(), &[always("Name", Text), always("Metadata", Data)])),
    since(8, "Reason", Text),
]);

pub(super) static HEARTBEAT: Shape = shape(4, &[
    always("GroupId", Text),
    always("GenerationId", Fixed(4)),
    always("MemberId", Text),
    since(3, "GroupInstanceId", Text),
]);

pub(super) static LEAVE_GROUP: Shape = shape(4, &[
    always("GroupId", Text),
    between(0, 2, "MemberId", Text),
    since(3, "Members", Structs(size_of::<leave_group_request::MemberIdentity>(), &[
        since(3, "MemberId", Text),
        since(3, "GroupInstanceId", Text),
        since(5, "Reason", Text),
    ])),
]);

pub(super) static SYNC_GROUP: Shape = shape(4, &[
    always("GroupId", Text),
    always("GenerationId", Fixed(4)),
    always("MemberId", Text),
    since(3, "GroupInstanceId", Text),
    since(5, "ProtocolType", Text),
    since(5, "ProtocolName", Text),
    always("Assignments", Structs(size_of::<sync_group_request::SyncGroupRequestAssignment>(), &[always("MemberId", Text), always("Assignment", Data)])),
]);

pub(super) static DESCRIBE_GROUPS: Shape = shape(5, &[
    always("Groups", Texts),
    since(3, "IncludeAuthorizedOperations", Fixed(1)),
]);

pub(super) static LIST_GROUPS: Shape = shape(3, &[
    since(4, "StatesFilter", Texts),
    since(5, "TypesFilter", Texts),
]);

pub(super) static API_VERSIONS: Shape = shape(3, &[
    since(3, "ClientSoftwareName", Text),
    since(3, "ClientSoftwareVersion", Text),
]);

pub(super) static CREATE_TOPICS: Shape = shape(5, &[
    always("Topics", Structs(size_of::<create_topics_request::CreatableTopic>(), &[
        always("Name", Text),
        always("NumPartitions", Fixed(4)),
        always("ReplicationFactor", Fixed(2)),
        always("Assignments", Structs(size_of::<create_topics_request::CreatableReplicaAssignment>(), &[
            always("PartitionIndex", Fixed(4)),
            always("BrokerIds", Fixeds(4)),
        ])),
        always("Configs", Structs(size_of::<create_topics_request::CreatableTopicConfig>(), &[always("Name", Text), always("Value", Text)])),
    ])),
    always("timeoutMs", Fixed(4)),
    always("validateOnly", Fixed(1)),
]);

pub(super) static DELETE_TOPICS: Shape = shape(4, &[
    since(6, "Topics", Structs(size_of::<delete_topics_request::DeleteTopicState>(), &[since(6, "Name", Text), since(6, "TopicId", Fixed(16))])),
    between(1, 5, "TopicNames", Texts),
    always("TimeoutMs", Fixed(4)),
]);

pub(super) static DELETE_RECORDS: Shape = shape(2, &[
    always("Topics", Structs(size_of::<delete_records_request::DeleteRecordsTopic>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<delete_records_request::DeleteRecordsPartition>(), &[always("PartitionIndex", Fixed(4)), always("Offset", Fixed(8))])),
    ])),
    always("TimeoutMs", Fixed(4)),
]);

pub(super) static INIT_PRODUCER_ID: Shape = shape(2, &[
    always("TransactionalId", Text),
    always("TransactionTimeoutMs", Fixed(4)),
    since(3, "ProducerId", Fixed(8)),
    since(3, "ProducerEpoch", Fixed(2)),
]);

pub(super) static OFFSET_FOR_LEADER_EPOCH: Shape = shape(4, &[
    since(3, "ReplicaId", Fixed(4)),
    always("Topics", Structs(size_of::<offset_for_leader_epoch_request::OffsetForLeaderTopic>(), &[
        always("Topic", Text),
        always("Partitions", Structs(size_of::<offset_for_leader_epoch_request::OffsetForLeaderPartition>(), &[
            always("Partition", Fixed(4)),
            always("CurrentLeaderEpoch", Fixed(4)),
            always("LeaderEpoch", Fixed(4)),
        ])),
    ])),
]);

pub(super) static DESCRIBE_CONFIGS: Shape = shape(4, &[
    always("Resources", Structs(size_of::<describe_configs_request::DescribeConfigsResource>(), &[
        always("ResourceType", Fixed(1)),
        always("ResourceName", Text),
        always("ConfigurationKeys", Texts),
    ])),
    always("IncludeSynonyms", Fixed(1)),
    since(3, "IncludeDocumentation", Fixed(1)),
]);

pub(super) static ALTER_CONFIGS: Shape = shape(2, &[
    always("Resources", Structs(size_of::<alter_configs_request::AlterConfigsResource>(), &[
        always("ResourceType", Fixed(1)),
        always("ResourceName", Text),
        always("Configs", Structs(size_of::<alter_configs_request::AlterableConfig>(), &[always("Name", Text), always("Value", Text)])),
    ])),
    always("ValidateOnly", Fixed(1)),
]);

pub(super) static DESCRIBE_LOG_DIRS: Shape = shape(2, &[
    always("Topics", Structs(size_of::<describe_log_dirs_request::DescribableLogDirTopic>(), &[always("Topic", Text), always("Partitions", Fixeds(4))])),
]);

pub(super) static CREATE_PARTITIONS: Shape = shape(2, &[
    always("Topics", Structs(size_of::<create_partitions_request::CreatePartitionsTopic>(), &[
        always("Name", Text),
        always("Count", Fixed(4)),
        always("Assignments", Structs(size_of::<create_partitions_request::CreatePartitionsAssignment>(), &[always("BrokerIds", Fixeds(4))])),
    ])),
    always("TimeoutMs", Fixed(4)),
    always("ValidateOnly", Fixed(1)),
]);

pub(super) static DELETE_GROUPS: Shape = shape(2, &[
    always("GroupsNames", Texts),
]);

pub(super) static INCREMENTAL_ALTER_CONFIGS: Shape = shape(1, &[
    always("Resources", Structs(size_of::<incremental_alter_configs_request::AlterConfigsResource>(), &[
        always("ResourceType", Fixed(1)),
        always("ResourceName", Text),
        always("Configs", Structs(size_of::<incremental_alter_configs_request::AlterableConfig>(), &[
            always("Name", Text),
            always("ConfigOperation", Fixed(1)),
            always("Value", Text),
        ])),
    ])),
    always("ValidateOnly", Fixed(1)),
]);

pub(super) static OFFSET_DELETE: Shape = shape(NEVER, &[
    always("GroupId", Text),
    always("Topics", Structs(size_of::<offset_delete_request::OffsetDeleteRequestTopic>(), &[
        always("Name", Text),
        always("Partitions", Structs(size_of::<offset_delete_request::OffsetDeleteRequestPartition>(), &[always("PartitionIndex", Fixed(4))])),
    ])),
]);

pub(super) static DESCRIBE_CLUSTER: Shape = shape(0, &[
    always("IncludeClusterAuthorizedOperations", Fixed(1)),
    since(1, "EndpointType", Fixed(1)),
    since(2, "IncludeFencedBrokers", Fixed(1)),
]);

pub(super) static DESCRIBE_PRODUCERS: Shape = shape(0, &[
    always("Topics", Structs(size_of::<describe_producers_request::TopicRequest>(), &[always("Name", Text), always("PartitionIndexes", Fixeds(4))])),
]);

pub(super) static CONSUMER_GROUP_HEARTBEAT: Shape = shape(0, &[
    always("GroupId", Text),
    always("MemberId", Text),
    always("MemberEpoch", Fixed(4)),
    always("InstanceId", Text),
    always("RackId", Text),
    always("RebalanceTimeoutMs", Fixed(4)),
    always("SubscribedTopicNames", Texts),
    since(1, "SubscribedTopicRegex", Text),
    always("ServerAssignor", Text),
    always("TopicPartitions", Structs(size_of::<consumer_group_heartbeat_request::TopicPartitions>(), &[always("TopicId", Fixed(16)), always("Partitions", Fixeds(4))])),
]);

pub(super) static CONSUMER_GROUP_DESCRIBE: Shape = shape(0, &[
    always("GroupIds", Texts),
    always("IncludeAuthorizedOperations", Fixed(1)),
]);

pub(super) static DESCRIBE_TOPIC_PARTITIONS: Shape = shape(0, &[
    always("Topics", Structs(size_of::<describe_topic_partitions_request::TopicRequest>(), &[always("Name", Text)])),
    always("ResponsePartitionLimit", Fixed(4)),
    always("Cursor", Optional(&[always("TopicName", Text), always("PartitionIndex", Fixed(4))])),
]);
