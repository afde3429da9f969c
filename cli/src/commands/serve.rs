//! `tidemill serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tidemill_server::{Server, ServerConfig};
use tokio::signal::unix::{SignalKind, signal};

use crate::logging;

/// Settings of the server: flags over the settings file over the defaults.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  tidemill serve --data-dir /var/lib/tidemill --kafka 127.0.0.1:9092")]
pub(crate) struct Options {
    /// Directory of records and metadata [default: data]
    #[arg(long, env = "TIDEMILL_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the Kafka listener; port 0 picks a free one [default: 127.0.0.1:9092]
    #[arg(long, env = "TIDEMILL_KAFKA")]
    kafka: Option<SocketAddr>,
    /// Address of the HTTP listener; port 0 picks a free one [default: 127.0.0.1:8092]
    #[arg(long, env = "TIDEMILL_HTTP")]
    http: Option<SocketAddr>,
    /// Settings file (TOML)
    #[arg(long, env = "TIDEMILL_CONFIG_FILE")]
    config: Option<PathBuf>,
    /// File that gets one JSON object with the addresses once both listeners answer
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Host, or host:port, that clients are told to connect to
    #[arg(long)]
    advertise: Option<String>,
    /// Listen beyond loopback although clients are not authenticated
    #[arg(long)]
    insecure_listen: bool,
    /// Make unknown topics when a client asks for their metadata
    #[arg(long)]
    auto_create_topics: bool,
    /// What to log, such as info, debug or tidemill_broker=debug
    #[arg(long, env = "TIDEMILL_LOG", default_value = "info")]
    log: String,
    /// Shape of log lines
    #[arg(long, value_enum, default_value = "text")]
    log_format: logging::Format,
}

impl Options {
    fn settings(self) -> anyhow::Result<ServerConfig> {
        let mut config = match &self.config {
            Some(path) => ServerConfig::from_file(path)?,
            None => ServerConfig::default(),
        };
        config.data_dir = self.data_dir.unwrap_or(config.data_dir);
        config.kafka = self.kafka.unwrap_or(config.kafka);
        config.http = self.http.unwrap_or(config.http);
        config.ready_file = self.ready_file.or(config.ready_file);
        config.advertise = self.advertise.or(config.advertise);
        config.insecure_listen |= self.insecure_listen;
        config.auto_create_topics |= self.auto_create_topics;
        Ok(config)
    }
}

pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    logging::start(options.log_format, &options.log)?;
    let config = options.settings()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(config))
}

/// Runs until SIGTERM or SIGINT; a second one ends the process at once.
async fn serve(config: ServerConfig) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Server::start(config).await?;
    tracing::info!(kafka = %running.kafka_addr(), http = %running.http_addr(), "ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = running.shutdown() => tracing::info!("stopped"),
        _ = terminate.recv() => anyhow::bail!("stopped at once by a second signal; the logs are recovered at the next start"),
        _ = interrupt.recv() => anyhow::bail!("stopped at once by a second signal; the logs are recovered at the next start"),
    }
    Ok(())
}
