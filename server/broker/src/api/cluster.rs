//! The switch for what is asked of the cluster as a whole: leaders, replicas, the quorum, what has configs or quotas.

use tidemill_wire::kafka::messages::{RequestKind, ResponseKind};

use super::{
    Cx, alter_partition_reassignments, alter_replica_log_dirs, describe_client_quotas, describe_quorum,
    describe_user_scram_credentials, elect_leaders, list_config_resources, list_partition_reassignments,
};

/// Answers at once; gives back a request of another kind.
pub(super) fn tell(cx: &Cx, request: RequestKind) -> Result<ResponseKind, Box<RequestKind>> {
    use RequestKind as Asked;
    use ResponseKind as Told;
    Ok(match request {
        Asked::ListConfigResources(request) => {
            Told::ListConfigResources(list_config_resources::handle(cx, request))
        }
        Asked::DescribeQuorum(request) => Told::DescribeQuorum(describe_quorum::handle(cx, request)),
        Asked::ElectLeaders(request) => Told::ElectLeaders(elect_leaders::handle(cx, request)),
        Asked::ListPartitionReassignments(request) => {
            Told::ListPartitionReassignments(list_partition_reassignments::handle(&request))
        }
        Asked::AlterPartitionReassignments(request) => {
            Told::AlterPartitionReassignments(alter_partition_reassignments::handle(cx, request))
        }
        Asked::AlterReplicaLogDirs(request) => {
            Told::AlterReplicaLogDirs(alter_replica_log_dirs::handle(cx, request))
        }
        Asked::DescribeClientQuotas(request) => {
            Told::DescribeClientQuotas(describe_client_quotas::handle(&request))
        }
        Asked::DescribeUserScramCredentials(request) => {
            Told::DescribeUserScramCredentials(describe_user_scram_credentials::handle(request))
        }
        other => return Err(Box::new(other)),
    })
}
