//! Settings of a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// What a server is told. In a file: TOML with these names in kebab case.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServerConfig {
    /// Where records and metadata are kept.
    pub data_dir: PathBuf,
    /// Address of the Kafka listener; port 0 picks a free one.
    pub kafka: SocketAddr,
    /// Address of the HTTP listener; port 0 picks a free one.
    pub http: SocketAddr,
    /// `host` or `host:port` that Kafka clients are told to connect to; else the listener's address.
    pub advertise: Option<String>,
    /// Written once both listeners answer.
    pub ready_file: Option<PathBuf>,
    /// Listens beyond loopback although no client is authenticated.
    pub insecure_listen: bool,
    /// A metadata request for an unknown topic makes it.
    pub auto_create_topics: bool,
    /// Partitions of a topic that is made without a number.
    pub default_partitions: u32,
    /// Most client connections at once.
    pub max_connections: usize,
    /// Memory for recent batches, in bytes.
    pub cache_bytes: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            kafka: SocketAddr::from(([127, 0, 0, 1], 9092)),
            http: SocketAddr::from(([127, 0, 0, 1], 8092)),
            advertise: None,
            ready_file: None,
            insecure_listen: false,
            auto_create_topics: false,
            default_partitions: 1,
            max_connections: 20_000,
            cache_bytes: 64 << 20,
        }
    }
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("settings file {path}: {reason}")]
pub struct ConfigError {
    path: String,
    reason: String,
}

impl ServerConfig {
    /// Reads a TOML file over the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is wrong; the message names the line and the legal names.
    pub fn from_file(path: &std::path::Path) -> Result<Self, ConfigError> {
        let fail = |reason: String| ConfigError {
            path: path.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        toml::from_str(&text).map_err(|error| fail(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_named_with_the_legal_ones() {
        let error = toml::from_str::<ServerConfig>("data-dri = '/tmp/x'")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("data-dri") && error.contains("data-dir"),
            "{error}"
        );
    }
}
