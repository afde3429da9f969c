//! The shapes of what is asked of the cluster as a whole (leaders, replicas, quorum, what has configs or quotas),
//! and of the answers, as [`super::requests`] and [`super::responses`] are.

pub(super) mod requests {
    use crate::kafka::messages::{
        alter_partition_reassignments_request, alter_replica_log_dirs_request, describe_client_quotas_request,
        describe_quorum_request, describe_user_scram_credentials_request, elect_leaders_request,
        list_partition_reassignments_request,
    };

    use super::super::Kind::{Fixed, Fixeds, Structs, Text};
    use super::super::{Shape, always, shape, since};

    pub(in super::super) static ALTER_REPLICA_LOG_DIRS: Shape = shape(2, &[
        always("Dirs", Structs(size_of::<alter_replica_log_dirs_request::AlterReplicaLogDir>(), &[
            always("Path", Text),
            always("Topics", Structs(size_of::<alter_replica_log_dirs_request::AlterReplicaLogDirTopic>(), &[always("Name", Text), always("Partitions", Fixeds(4))])),
        ])),
    ]);

    pub(in super::super) static ELECT_LEADERS: Shape = shape(2, &[
        since(1, "ElectionType", Fixed(1)),
        always("TopicPartitions", Structs(size_of::<elect_leaders_request::TopicPartitions>(), &[always("Topic", Text), always("Partitions", Fixeds(4))])),
        always("TimeoutMs", Fixed(4)),
    ]);

    pub(in super::super) static ALTER_PARTITION_REASSIGNMENTS: Shape = shape(0, &[
        always("TimeoutMs", Fixed(4)),
        since(1, "AllowReplicationFactorChange", Fixed(1)),
        always("Topics", Structs(size_of::<alter_partition_reassignments_request::ReassignableTopic>(), &[
            always("Name", Text),
            always("Partitions", Structs(size_of::<alter_partition_reassignments_request::ReassignablePartition>(), &[always("PartitionIndex", Fixed(4)), always("Replicas", Fixeds(4))])),
        ])),
    ]);

    pub(in super::super) static LIST_PARTITION_REASSIGNMENTS: Shape = shape(0, &[
        always("TimeoutMs", Fixed(4)),
        always("Topics", Structs(size_of::<list_partition_reassignments_request::ListPartitionReassignmentsTopics>(), &[always("Name", Text), always("PartitionIndexes", Fixeds(4))])),
    ]);

    pub(in super::super) static DESCRIBE_CLIENT_QUOTAS: Shape = shape(1, &[
        always("Components", Structs(size_of::<describe_client_quotas_request::ComponentData>(), &[always("EntityType", Text), always("MatchType", Fixed(1)), always("Match", Text)])),
        always("Strict", Fixed(1)),
    ]);

    pub(in super::super) static DESCRIBE_USER_SCRAM_CREDENTIALS: Shape = shape(0, &[
        always("Users", Structs(size_of::<describe_user_scram_credentials_request::UserName>(), &[always("Name", Text)])),
    ]);

    pub(in super::super) static DESCRIBE_QUORUM: Shape = shape(0, &[
        always("Topics", Structs(size_of::<describe_quorum_request::TopicData>(), &[
            always("TopicName", Text),
            always("Partitions", Structs(size_of::<describe_quorum_request::PartitionData>(), &[always("PartitionIndex", Fixed(4))])),
        ])),
    ]);

    pub(in super::super) static LIST_CONFIG_RESOURCES: Shape = shape(0, &[
        since(1, "ResourceTypes", Fixeds(1)),
    ]);
}

pub(super) mod responses {
    use crate::kafka::messages::{
        alter_partition_reassignments_response, alter_replica_log_dirs_response,
        describe_client_quotas_response, describe_quorum_response, describe_user_scram_credentials_response,
        elect_leaders_response, list_config_resources_response, list_partition_reassignments_response,
    };

    use super::super::Kind::{Fixed, Fixeds, Structs, Text};
    use super::super::{Field, Shape, always, shape, since};

    pub(in super::super) static ALTER_REPLICA_LOG_DIRS: Shape = shape(2, &[
        always("ThrottleTimeMs", Fixed(4)),
        always("Results", Structs(size_of::<alter_replica_log_dirs_response::AlterReplicaLogDirTopicResult>(), &[
            always("TopicName", Text),
            always("Partitions", Structs(size_of::<alter_replica_log_dirs_response::AlterReplicaLogDirPartitionResult>(), &[always("PartitionIndex", Fixed(4)), always("ErrorCode", Fixed(2))])),
        ])),
    ]);

    pub(in super::super) static ELECT_LEADERS: Shape = shape(2, &[
        always("ThrottleTimeMs", Fixed(4)),
        since(1, "ErrorCode", Fixed(2)),
        always("ReplicaElectionResults", Structs(size_of::<elect_leaders_response::ReplicaElectionResult>(), &[
            always("Topic", Text),
            always("PartitionResult", Structs(size_of::<elect_leaders_response::PartitionResult>(), &[always("PartitionId", Fixed(4)), always("ErrorCode", Fixed(2)), always("ErrorMessage", Text)])),
        ])),
    ]);

    pub(in super::super) static ALTER_PARTITION_REASSIGNMENTS: Shape = shape(0, &[
        always("ThrottleTimeMs", Fixed(4)),
        since(1, "AllowReplicationFactorChange", Fixed(1)),
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("Responses", Structs(size_of::<alter_partition_reassignments_response::ReassignableTopicResponse>(), &[
            always("Name", Text),
            always("Partitions", Structs(size_of::<alter_partition_reassignments_response::ReassignablePartitionResponse>(), &[always("PartitionIndex", Fixed(4)), always("ErrorCode", Fixed(2)), always("ErrorMessage", Text)])),
        ])),
    ]);

    pub(in super::super) static LIST_PARTITION_REASSIGNMENTS: Shape = shape(0, &[
        always("ThrottleTimeMs", Fixed(4)),
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("Topics", Structs(size_of::<list_partition_reassignments_response::OngoingTopicReassignment>(), &[
            always("Name", Text),
            always("Partitions", Structs(size_of::<list_partition_reassignments_response::OngoingPartitionReassignment>(), &[
                always("PartitionIndex", Fixed(4)),
                always("Replicas", Fixeds(4)),
                always("AddingReplicas", Fixeds(4)),
                always("RemovingReplicas", Fixeds(4)),
            ])),
        ])),
    ]);

    pub(in super::super) static DESCRIBE_CLIENT_QUOTAS: Shape = shape(1, &[
        always("ThrottleTimeMs", Fixed(4)),
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("Entries", Structs(size_of::<describe_client_quotas_response::EntryData>(), &[
            always("Entity", Structs(size_of::<describe_client_quotas_response::EntityData>(), &[always("EntityType", Text), always("EntityName", Text)])),
            always("Values", Structs(size_of::<describe_client_quotas_response::ValueData>(), &[always("Key", Text), always("Value", Fixed(8))])),
        ])),
    ]);

    pub(in super::super) static DESCRIBE_USER_SCRAM_CREDENTIALS: Shape = shape(0, &[
        always("ThrottleTimeMs", Fixed(4)),
        always("ErrorCode", Fixed(2)),
        always("ErrorMessage", Text),
        always("Results", Structs(size_of::<describe_user_scram_credentials_response::DescribeUserScramCredentialsResult>(), &[
            always("User", Text),
            always("ErrorCode", Fixed(2)),
            always("ErrorMessage", Text),
            always("CredentialInfos", Structs(size_of::<describe_user_scram_credentials_response::CredentialInfo>(), &[always("Mechanism", Fixed(1)), always("Iterations", Fixed(4))])),
        ])),
    ]);

    static REPLICA_STATE: &[Field] = &[
        always("ReplicaId", Fixed(4)),
        since(2, "ReplicaDirectoryId", Fixed(16)),
        always("LogEndOffset", Fixed(8)),
        since(1, "LastFetchTimestamp", Fixed(8)),
        since(1, "LastCaughtUpTimestamp", Fixed(8)),
    ];

    pub(in super::super) static DESCRIBE_QUORUM: Shape = shape(0, &[
        always("ErrorCode", Fixed(2)),
        since(2, "ErrorMessage", Text),
        always("Topics", Structs(size_of::<describe_quorum_response::TopicData>(), &[
            always("TopicName", Text),
            always("Partitions", Structs(size_of::<describe_quorum_response::PartitionData>(), &[
                always("PartitionIndex", Fixed(4)),
                always("ErrorCode", Fixed(2)),
                since(2, "ErrorMessage", Text),
                always("LeaderId", Fixed(4)),
                always("LeaderEpoch", Fixed(4)),
                always("HighWatermark", Fixed(8)),
                always("CurrentVoters", Structs(size_of::<describe_quorum_response::ReplicaState>(), REPLICA_STATE)),
                always("Observers", Structs(size_of::<describe_quorum_response::ReplicaState>(), REPLICA_STATE)),
            ])),
        ])),
        since(2, "Nodes", Structs(size_of::<describe_quorum_response::Node>(), &[
            always("NodeId", Fixed(4)),
            always("Listeners", Structs(size_of::<describe_quorum_response::Listener>(), &[always("Name", Text), always("Host", Text), always("Port", Fixed(2))])),
        ])),
    ]);

    pub(in super::super) static LIST_CONFIG_RESOURCES: Shape = shape(0, &[
        always("ThrottleTimeMs", Fixed(4)),
        always("ErrorCode", Fixed(2)),
        always("ConfigResources", Structs(size_of::<list_config_resources_response::ConfigResource>(), &[always("ResourceName", Text), since(1, "ResourceType", Fixed(1))])),
    ]);
}
