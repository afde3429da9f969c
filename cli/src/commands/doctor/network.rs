//! From the bootstrap list to a Kafka connection: each name, each port, and what speaks there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tidemill_client::{Client, ClusterDescription};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::finding::Report;
use super::probe::{self, Speaks};
use crate::output;

/// Requests without which no client can work.
const NEEDED: [&str; 5] = ["Metadata", "Produce", "Fetch", "ListOffsets", "ApiVersions"];

/// A server that answers.
pub(super) struct Reached {
    pub(super) client: Client,
    /// What it says of its cluster.
    pub(super) cluster: ClusterDescription,
    /// Host and port by which it was reached.
    pub(super) address: (String, u16),
}

/// Checks every bootstrap server; answers the first that speaks Kafka.
pub(super) async fn check(
    report: &mut Report,
    addresses: Vec<(String, u16)>,
    patience: Duration,
) -> Option<Reached> {
    let mut first: Option<Reached> = None;
    for (host, port) in addresses {
        let Some(client) = check_one(report, &host, port, patience).await else {
            continue;
        };
        let cluster = client.cluster().last_known();
        if let Some(first) = &first
            && first.cluster.cluster_id != cluster.cluster_id
        {
            let detail = format!(
                "{} is of another cluster, {}",
                joined(&host, port),
                cluster.cluster_id
            );
            report.fail("cluster", detail, "name servers of one cluster only");
        }
        let address = (host, port);
        first.get_or_insert(Reached {
            client,
            cluster,
            address,
        });
    }
    if let Some(reached) = &first {
        check_requests(report, &reached.client).await;
    }
    first
}

async fn check_one(report: &mut Report, host: &str, port: u16, patience: Duration) -> Option<Client> {
    let address = joined(host, port);
    match resolve(host, port, patience).await {
        Ok(found) => {
            let found: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
            report.ok("name", format!("{host} is {}", found.join(", ")));
        }
        Err(reason) => {
            report.fail(
                "name",
                format!("{host}: {reason}"),
                "correct the host name, or add it to DNS or /etc/hosts",
            );
            return None;
        }
    }
    match connect(host, port, patience).await {
        Ok(took) => report.ok("connect", format!("{address} in {}", output::duration(took))),
        Err(reason) => {
            let mend = "start the server (`tidemill serve`), correct the port, or open the firewall between";
            report.fail("connect", format!("{address}: {reason}"), mend);
            return None;
        }
    }
    match open(&address, patience).await {
        Ok(client) => {
            report.ok("kafka", format!("{address} speaks the Kafka protocol"));
            Some(client)
        }
        Err(error) => {
            say_what_speaks(report, &address, &error, patience).await;
            None
        }
    }
}

/// A client of one address, that does not try long.
pub(super) async fn open(address: &str, patience: Duration) -> tidemill_client::Result<Client> {
    Client::builder(address)
        .client_id("tidemill-doctor")
        .connect_timeout(patience)
        .request_timeout(patience)
        .retry_timeout(patience)
        .build()
        .await
}

async fn say_what_speaks(
    report: &mut Report,
    address: &str,
    error: &tidemill_client::Error,
    patience: Duration,
) {
    let detail = |what: &str| format!("{address} does not speak the Kafka protocol: {what}");
    match probe::what_speaks(address, patience).await {
        Speaks::Http { kafka } => {
            let mend = match kafka {
                Some(kafka) => format!("this is Tidemill's control plane; its Kafka port is {kafka}"),
                None => "use the Kafka port, 9092 by default; 8092 is the control plane's".to_owned(),
            };
            report.fail("kafka", detail("it is an HTTP server"), mend);
        }
        Speaks::Tls => {
            let mend = "use the server's plain-text listener; this client does not speak TLS yet";
            report.fail("kafka", detail("it speaks TLS"), mend);
        }
        // The client has seen as much, and says what to do.
        Speaks::Unknown => report.fail_with("kafka", error),
    }
}

/// Whether the server serves what clients need.
async fn check_requests(report: &mut Report, client: &Client) {
    let served = match client.cluster().api_versions().await {
        Ok(served) => served,
        Err(error) => return report.fail_with("requests", error),
    };
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| served.iter().all(|api| api.name != *name))
        .collect();
    if missing.is_empty() {
        let newest = |name| {
            served
                .iter()
                .find(|api| api.name == name)
                .map_or(-1, |api| api.max)
        };
        let detail = format!(
            "{} kinds served; Produce up to version {}, Fetch up to {}",
            served.len(),
            newest("Produce"),
            newest("Fetch")
        );
        report.ok("requests", detail);
    } else {
        let mend = "upgrade the server, or connect to its listener for clients";
        report.fail("requests", format!("{} not served", missing.join(", ")), mend);
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub(super) fn joined(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The addresses of a name.
pub(super) async fn resolve(host: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>, String> {
    let found = match timeout(patience, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("no answer from the name service within {patience:?}")),
    };
    if found.is_empty() {
        Err("it has no address".to_owned())
    } else {
        Ok(found)
    }
}

/// How long a TCP connection takes.
pub(super) async fn connect(host: &str, port: u16, patience: Duration) -> Result<Duration, String> {
    let begun = Instant::now();
    match timeout(patience, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(begun.elapsed()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {patience:?}")),
    }
}
