//! The addresses at which the brokers tell clients to come back: a client that reaches the bootstrap server and then
//! fails was most often sent to one that does not work from where it runs.

use std::time::Duration;

use tidemill_client::BrokerDescription;

use super::finding::Report;
use super::network::{self, Reached, joined};
use crate::output;

const MEND: &str = "start the broker with an address that its clients reach: `tidemill serve --advertise HOST:PORT` \
                    (advertised.listeners of a Kafka broker)";

/// Checks every broker's advertised address; answers whether all of them work.
pub(super) async fn check(report: &mut Report, reached: &Reached, patience: Duration) -> bool {
    let cluster = &reached.cluster;
    let count = cluster.brokers.len();
    let detail = format!(
        "{} with {count} {}",
        cluster.cluster_id,
        if count == 1 { "broker" } else { "brokers" }
    );
    if cluster.brokers.is_empty() {
        report.fail(
            "cluster",
            detail,
            "wait until a broker has joined, and see the server's log",
        );
        return false;
    }
    report.ok("cluster", detail);
    let mut all_work = true;
    for broker in &cluster.brokers {
        match reach(broker, &cluster.cluster_id, patience).await {
            Ok(took) => {
                let address = joined(&broker.host, broker.port);
                let detail = format!("broker {} at {address}, in {}", broker.id, output::duration(took));
                report.ok("advertised", detail);
            }
            Err(reason) => {
                all_work = false;
                let from = joined(&reached.address.0, reached.address.1);
                let detail = format!(
                    "{from} sends clients of broker {} to {}: {reason}",
                    broker.id,
                    joined(&broker.host, broker.port)
                );
                report.fail("advertised", detail, MEND);
            }
        }
    }
    all_work
}

/// Connects, and sees that it is a broker of the same cluster: a loopback address leads elsewhere on each machine.
async fn reach(broker: &BrokerDescription, cluster_id: &str, patience: Duration) -> Result<Duration, String> {
    network::resolve(&broker.host, broker.port, patience).await?;
    let took = network::connect(&broker.host, broker.port, patience).await?;
    let client = network::open(&joined(&broker.host, broker.port), patience).await;
    let found = client.map_err(|error| error.to_string())?;
    let found = found.cluster().last_known();
    if found.cluster_id == cluster_id {
        Ok(took)
    } else {
        Err(format!("there is another cluster, {}", found.cluster_id))
    }
}
