//! Up and down, in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidemill_broker::group::GroupConfig;
use tidemill_broker::{Broker, BrokerConfig, CompactionConfig, Shared, compaction, net, transforms};
use tidemill_controller::cluster::Cluster;
use tidemill_controller::http::{self, Api, Bounds};
use tidemill_controller::live::Live;
use tidemill_controller::reconcile;
use tidemill_env::{Env, Listener};
use tidemill_metadata::{Command, Endpoint};
use tidemill_modules::Modules;
use tidemill_partition::{Partition, Partitions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::ServerConfig;
use crate::live::Facts;
use crate::{lock, modules, ready};

/// Where partitions are, in the data directory.
const TOPICS: &str = "topics";
/// How long requests in progress may take when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a server did not start: a sentence that names the thing and the mend.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl From<String> for StartError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

/// Starts servers.
#[derive(Debug)]
pub struct Server;

/// A server that runs. Call [`Running::shutdown`]; dropping it stops at once, to be recovered later.
pub struct Running {
    kafka: SocketAddr,
    http: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    broker: Arc<Broker>,
    cluster: Cluster,
    _lock: lock::DataLock,
}

impl Server {
    /// Starts a server on the current tokio runtime. When it returns, both listeners answer.
    ///
    /// # Errors
    /// [`StartError`]: an address or the data directory cannot be used.
    pub async fn start(config: ServerConfig) -> Result<Running, StartError> {
        Self::start_in(Env::real(), config).await
    }

    /// As [`Server::start`], in an environment of the caller's choice: on a disk that fails, say. The lock
    /// and the ready file are the machine's all the same.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_in(env: Env, config: ServerConfig) -> Result<Running, StartError> {
        check_exposure(&config)?;
        make_data_dir(&env, &config.data_dir).map_err(|error| {
            format!(
                "cannot make data directory {}: {error}; choose another with --data-dir",
                config.data_dir.display()
            )
        })?;
        let lock = lock::take(&config.data_dir)?;
        if let Some(path) = &config.ready_file {
            ready::clear(path)
                .map_err(|error| format!("cannot remove old ready file {}: {error}", path.display()))?;
        }
        let (kafka_listener, kafka) = listen(&env, config.kafka, "--kafka").await?;
        let (http_listener, http) = listen(&env, config.http, "--http").await?;
        let cluster = Cluster::open(&env, config.data_dir.join("metadata")).await?;
        let (files, modules) = modules::open(&env, &config)?;
        let broker = open_broker(&env, &config, (&cluster, &files), (kafka, http))?;
        broker
            .host
            .survey()
            .map_err(|error| format!("cannot look through {}: {error}", config.data_dir.display()))?;
        register(&broker, kafka, http).await?;

        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let facts = Arc::new(Facts::new(Arc::clone(&broker)));
        let live: Arc<dyn Live> = facts.clone();
        let api = Api {
            metadata: cluster.metadata(),
            live: Arc::clone(&live),
            modules: Arc::clone(&modules),
            env: env.clone(),
            stop: stop.clone(),
            bounds: http_bounds(&config, &broker.config.advertised.0),
        };
        // Before the logs are recovered, which may take long: a probe must see a server that lives and is not ready.
        tasks.spawn(http::serve(http_listener, Arc::new(api)));
        broker.host.reconcile(&broker).await;
        facts.recovered();

        tasks.spawn(Arc::clone(&broker.host).run(Arc::clone(&broker), stop.clone()));
        let interval = config.maintenance_interval();
        tasks.spawn(maintain(Arc::clone(&broker), interval, stop.clone()));
        tasks.spawn(compaction::run(Arc::clone(&broker), stop.clone()));
        tasks.spawn(transforms::store_logs(Arc::clone(&broker), stop.clone()));
        tasks.spawn(Arc::clone(&broker.groups).follow(cluster.metadata(), stop.clone()));
        tasks.spawn(reconcile::run(
            cluster.metadata(),
            (live, modules),
            env.clone(),
            stop.clone(),
        ));
        tasks.spawn(net::serve(Arc::clone(&broker), kafka_listener, stop.clone()));
        if let Some(path) = &config.ready_file {
            ready::write(path, kafka, http)
                .map_err(|error| format!("cannot write ready file {}: {error}", path.display()))?;
        }
        Ok(Running {
            kafka,
            http,
            stop,
            tasks,
            broker,
            cluster,
            _lock: lock,
        })
    }
}

impl Running {
    /// Where Kafka clients connect.
    #[must_use]
    pub fn kafka_addr(&self) -> SocketAddr {
        self.kafka
    }

    /// The broker, for programs that run a server within themselves.
    #[must_use]
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Where HTTP clients connect.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Takes no more requests, answers those in progress for at most a few seconds, makes all durable
    /// and leaves marks by which the next start need not read the logs.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("some requests were still in progress and were cut off");
            self.tasks.abort_all();
        }
        self.broker.partitions.close_all().await;
        if let Err(error) = self.cluster.close().await {
            tracing::error!(error, "the metadata was not closed cleanly; it will be recovered");
        }
    }
}

/// Makes the directory and the one for topics. Logs make their own directories durable, and those of
/// their topics; what is above them must not be lost either.
fn make_data_dir(env: &Env, dir: &Path) -> std::io::Result<()> {
    let topics = dir.join(TOPICS);
    if env.disk.exists(&topics) {
        return Ok(());
    }
    env.disk.create_dir_all(&topics)?;
    env.disk.sync_dir(dir)?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => env.disk.sync_dir(parent),
        _ => Ok(()),
    }
}

fn check_exposure(config: &ServerConfig) -> Result<(), StartError> {
    for (flag, address) in [("--kafka", config.kafka), ("--http", config.http)] {
        if !address.ip().is_loopback() && !config.insecure_listen {
            return Err(StartError(format!(
                "{flag} {address} is reachable by others and clients are not authenticated; listen on 127.0.0.1, \
                 or say --insecure-listen if the network is trusted"
            )));
        }
    }
    Ok(())
}

async fn listen(
    env: &Env,
    address: SocketAddr,
    flag: &str,
) -> Result<(Box<dyn Listener>, SocketAddr), StartError> {
    let fail = |error: std::io::Error| {
        format!(
            "cannot listen on {address}: {error}; choose another address with {flag} (port 0 picks a free one)"
        )
    };
    let listener = env.network.listen(address).await.map_err(fail)?;
    let local = listener.local_addr().map_err(fail)?;
    Ok((listener, local))
}

pub(crate) fn open_broker(
    env: &Env,
    config: &ServerConfig,
    (cluster, modules): (&Cluster, &Modules),
    (kafka, http): (SocketAddr, SocketAddr),
) -> Result<Arc<Broker>, StartError> {
    let shared = Shared::new(config.cache_bytes, modules.clone());
    let partitions = Partitions::new(env.clone(), config.data_dir.join(TOPICS), shared.hooks());
    let settings = broker_config(config, advertised(config, kafka)?, http);
    let (metadata, partitions) = (cluster.metadata(), Arc::new(partitions));
    Ok(Arc::new(Broker::new(
        env.clone(),
        settings,
        metadata,
        partitions,
        shared,
    )))
}

fn broker_config(config: &ServerConfig, advertised: (String, u16), http: SocketAddr) -> BrokerConfig {
    BrokerConfig {
        node_id: config.node_id,
        advertised,
        admin_url: format!("http://{http}"),
        log_dir: config.data_dir.join(TOPICS).display().to_string(),
        max_request_bytes: config.max_request_bytes,
        request_memory_bytes: config.request_memory_bytes,
        response_memory_bytes: config.response_memory_bytes,
        max_connections: config.max_connections,
        max_connections_per_ip: config.max_connections_per_ip,
        idle_timeout: Duration::from_millis(config.idle_timeout_ms),
        request_read_timeout: Duration::from_millis(config.request_read_timeout_ms),
        auto_create_topics: config.auto_create_topics,
        default_partitions: config.default_partitions,
        fetch_max_bytes: config.fetch_max_bytes,
        groups: GroupConfig {
            offsets_partitions: config.offsets_partitions,
            offsets_segment_bytes: config.offsets_segment_bytes,
            initial_rebalance_delay_ms: config.group_initial_rebalance_delay_ms,
            min_session_timeout_ms: config.group_min_session_timeout_ms,
            offsets_retention_ms: i64::from(config.offsets_retention_minutes) * 60_000,
            ..GroupConfig::default()
        },
        compaction: CompactionConfig {
            backoff: Duration::from_millis(config.compaction_backoff_ms.max(1)),
            at_once: config.compaction_threads,
            map_bytes: config.compaction_memory_bytes,
        },
    }
}

/// The names that others know this server by may be called; who adds `*` takes any.
fn http_bounds(config: &ServerConfig, advertised: &str) -> Bounds {
    let mut names = config.http_allowed_hosts.clone();
    names.push(advertised.to_owned());
    Bounds::new(config.http_max_connections, config.http_max_watches, names)
}

/// Host and port that clients are told to connect to.
fn advertised(config: &ServerConfig, kafka: SocketAddr) -> Result<(String, u16), StartError> {
    let Some(given) = config.advertise.as_deref() else {
        if kafka.ip().is_unspecified() {
            tracing::warn!(
                %kafka,
                "clients are told to connect to this address, which works from this machine only: name the one \
                 by which others reach it with --advertise HOST"
            );
        }
        return Ok((kafka.ip().to_string(), kafka.port()));
    };
    let wrong = |why: &str| StartError(format!("--advertise {given}: {why}; say HOST or HOST:PORT"));
    let (host, port) = match given.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, port.strip_prefix(':')),
        // An IPv6 address without a port has colons, too.
        None => match given.rsplit_once(':').filter(|(host, _)| !host.contains(':')) {
            Some((host, port)) => (host, Some(port)),
            None => (given, None),
        },
    };
    if host.is_empty() {
        return Err(wrong("the host is missing"));
    }
    let port = match port {
        None => kafka.port(),
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err(wrong(&format!("{port:?} is not a port from 1 to 65535"))),
            Ok(port) => port,
        },
    };
    Ok((host.to_owned(), port))
}

async fn register(broker: &Broker, kafka: SocketAddr, http: SocketAddr) -> Result<(), StartError> {
    let (host, port) = broker.config.advertised.clone();
    let endpoints = vec![
        Endpoint {
            name: "kafka".to_owned(),
            host,
            port,
        },
        Endpoint {
            name: "http".to_owned(),
            host: http.ip().to_string(),
            port: http.port(),
        },
    ];
    let command = Command::RegisterBroker {
        id: broker.config.node_id,
        incarnation: Uuid::from_bytes(broker.env.random.uuid_bytes()),
        endpoints,
        rack: None,
        at_ms: broker.env.clock.wall_ms(),
    };
    tracing::debug!(%kafka, "registering the broker");
    broker
        .metadata
        .propose(command)
        .await
        .map(drop)
        .map_err(|error| StartError(error.to_string()))
}

/// Retention, rolling and saving of producer state, again and again.
async fn maintain(broker: Arc<Broker>, interval: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = broker.env.clock.sleep(interval) => {}
            () = stop.cancelled() => return,
        }
        broker.transforms.sweep(&broker.env).await;
        // One that has failed said so, and waits for a restart.
        let working = |partition: &Arc<Partition>| partition.failed().is_none();
        for partition in broker.partitions.all().into_iter().filter(working) {
            if let Err(error) = partition.maintain().await {
                tracing::error!(
                    partition = partition.name(),
                    error,
                    "maintenance failed; it is tried again"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(advertise: &str) -> Result<(String, u16), String> {
        let config = ServerConfig {
            advertise: Some(advertise.to_owned()),
            ..ServerConfig::default()
        };
        advertised(&config, SocketAddr::from(([127, 0, 0, 1], 9092))).map_err(|error| error.to_string())
    }

    #[test]
    fn clients_are_told_what_was_meant() {
        for (given, host, port) in [
            ("broker", "broker", 9092),
            ("broker:19092", "broker", 19092),
            ("::1", "::1", 9092),
            ("[::1]", "::1", 9092),
            ("[::1]:19092", "::1", 19092),
        ] {
            assert_eq!(told(given), Ok((host.to_owned(), port)), "{given}");
        }
        for given in ["", ":9092", "broker:", "broker:0", "broker:99999", "broker:http"] {
            let error = told(given).unwrap_err();
            assert!(error.contains("say HOST or HOST:PORT"), "{error}");
        }
    }
}
