//! DescribeCluster (KIP-700).

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_cluster_response::DescribeClusterBroker;
use tidemill_wire::kafka::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use super::{Cx, authorized};

/// Endpoints of brokers, the only kind there is.
const BROKERS: i8 = 1;
/// Endpoints of controllers.
const CONTROLLERS: i8 = 2;

pub(super) fn handle(cx: &Cx, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let response = DescribeClusterResponse::default();
    if request.endpoint_type != BROKERS {
        let error = match request.endpoint_type {
            CONTROLLERS => ResponseError::MismatchedEndpointType,
            _ => ResponseError::UnsupportedEndpointType,
        };
        let message = "controllers have no endpoints of their own: ask for brokers";
        return response
            .with_error_code(error.code())
            .with_error_message(Some(StrBytes::from_static_str(message)));
    }
    let brokers = cx.broker.endpoints().into_iter().map(|(id, host, port)| {
        DescribeClusterBroker::default()
            .with_broker_id(BrokerId(id))
            .with_host(StrBytes::from_string(host))
            .with_port(i32::from(port))
    });
    let operations = authorized::on_cluster(request.include_cluster_authorized_operations);
    response
        .with_cluster_id(StrBytes::from_string(
            cx.broker.metadata.image().cluster_id.to_string(),
        ))
        .with_controller_id(BrokerId(cx.broker.config.node_id))
        .with_brokers(brokers.collect())
        .with_cluster_authorized_operations(operations)
}
