//! `tidemill serve`.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use tidemill_server::{Server, ServerConfig};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Failure;
use crate::logging;

const EXAMPLES: &str = "\
A flag goes before the environment, the environment before the settings file. Every setting of the file is
also a variable: TIDEMILL_ and its name in upper case, as TIDEMILL_MAX_CONNECTIONS for max-connections.

SIGTERM or Ctrl-C stops the server cleanly within seconds; a second one at once, to be recovered at the
next start. The ready file gets {\"kafka\": \"host:port\", \"http\": \"http://host:port\", \"pid\": n}.

Examples:
  tidemill serve
  tidemill serve --data-dir /var/lib/tidemill --kafka 127.0.0.1:9092
  tidemill serve --kafka 127.0.0.1:0 --http 127.0.0.1:0 --ready-file ready.json";

/// Settings of the server.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Directory of records and metadata [default: data] [env: TIDEMILL_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the Kafka listener; port 0 picks a free one [default: 127.0.0.1:9092] [env: TIDEMILL_KAFKA]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    kafka: Option<SocketAddr>,
    /// Address of the HTTP listener; port 0 picks a free one [default: 127.0.0.1:8092] [env: TIDEMILL_HTTP]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    http: Option<SocketAddr>,
    /// Settings file (TOML, or YAML by its ending)
    #[arg(
        long,
        env = "TIDEMILL_CONFIG_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// File that gets one JSON object with the addresses once both listeners answer
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Host, or host:port, that clients are told to connect to
    #[arg(long, value_name = "HOST[:PORT]")]
    advertise: Option<String>,
    /// Listen beyond loopback although clients are not authenticated
    #[arg(long)]
    insecure_listen: bool,
    /// Make unknown topics when a client asks for their metadata
    #[arg(long)]
    auto_create_topics: bool,
    /// What to log, such as info, debug or tidemill_broker=debug
    #[arg(
        long,
        env = "TIDEMILL_LOG",
        hide_env_values = true,
        default_value = "info",
        value_name = "FILTER"
    )]
    log: String,
    /// Shape of log lines
    #[arg(long, value_enum, default_value = "text")]
    log_format: logging::Format,
}

impl Options {
    fn settings(self) -> Result<ServerConfig> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut config = ServerConfig::load(self.config.as_deref(), variable)
            .map_err(|error| Failure::usage(error.to_string()))?;
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

/// An address to listen on: an IP address, or a name that stands for one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let mend = "write HOST:PORT, such as 127.0.0.1:9092";
    let found = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; {mend}"))?;
    // A name such as localhost stands for both kinds; clients try the older one.
    let (older, newer): (Vec<SocketAddr>, Vec<SocketAddr>) = found.partition(SocketAddr::is_ipv4);
    older
        .into_iter()
        .chain(newer)
        .next()
        .ok_or_else(|| format!("the name stands for no address; {mend}"))
}

pub(crate) fn run(options: Options) -> Result<()> {
    logging::start(options.log_format, &options.log)?;
    let config = options.settings()?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(serve(config))
}

/// Runs until SIGTERM or SIGINT; a second one ends the process at once.
async fn serve(config: ServerConfig) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let data_dir = config.data_dir.display().to_string();
    let running = Server::start(config).await?;
    let (kafka, http) = (running.kafka_addr(), running.http_addr());
    tracing::info!(%kafka, http = format_args!("http://{http}"), data_dir, "ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = running.shutdown() => {
            tracing::info!("stopped");
            Ok(())
        }
        _ = terminate.recv() => bail!("stopped at once by a second signal; the logs are recovered at the next start"),
        _ = interrupt.recv() => bail!("stopped at once by a second signal; the logs are recovered at the next start"),
    }
}
