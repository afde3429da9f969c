//! Settings of a server.

mod ranges;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidemill_resource::document;

/// What a server is told.
///
/// In a file (TOML, or YAML by its ending) with these names in kebab case; in the environment as
/// `TIDEMILL_` and the name in upper case with underscores. The environment overrules the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Id of this broker in its cluster.
    pub node_id: i32,
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
    /// Most client connections at once from one address.
    pub max_connections_per_ip: usize,
    /// Most HTTP connections at once that make requests; further ones are told to come again.
    pub http_max_connections: usize,
    /// Most watches at once, beside those.
    pub http_max_watches: usize,
    /// Most SmartModules that are loaded over HTTP at once; further ones are told to come again.
    pub http_max_uploads: usize,
    /// Largest file of a SmartModule, in bytes.
    pub smartmodule_max_bytes: usize,
    /// Names that HTTP requests may be sent to, besides IP addresses, `localhost` and the advertised host; `*` for
    /// any. A list, or one text with commas.
    #[serde(deserialize_with = "names_of")]
    pub http_allowed_hosts: Vec<String>,
    /// Largest request, in bytes.
    pub max_request_bytes: usize,
    /// Bytes of requests in memory at once, over all connections.
    pub request_memory_bytes: usize,
    /// Bytes of responses that may wait at once for peers that take them slowly. Beyond it, peers that take
    /// nothing are closed within a second.
    pub response_memory_bytes: usize,
    /// A connection without a request for this long is closed, in milliseconds.
    pub idle_timeout_ms: u64,
    /// A request that has begun must be whole within this, in milliseconds.
    pub request_read_timeout_ms: u64,
    /// Most bytes of records in one fetch response; a larger batch still arrives whole.
    pub fetch_max_bytes: usize,
    /// Memory for recent batches, in bytes.
    pub cache_bytes: usize,
    /// Between two rounds of retention, rolling and saving of producer state, in milliseconds.
    pub maintenance_interval_ms: u64,
    /// Partitions of the topic that keeps committed offsets, when it is made.
    pub offsets_partitions: i32,
    /// Segment size of that topic when it is made, in bytes; closed segments are compacted.
    pub offsets_segment_bytes: u64,
    /// Between two looks for logs to compact, in milliseconds.
    pub compaction_backoff_ms: u64,
    /// Logs compacted at once.
    pub compaction_threads: usize,
    /// Most memory for compaction's tables of keys, in bytes.
    pub compaction_memory_bytes: usize,
    /// How long a new group waits for more members before its first assignment, in milliseconds.
    pub group_initial_rebalance_delay_ms: u64,
    /// Shortest session timeout that a member of a classic group may ask for, in milliseconds.
    pub group_min_session_timeout_ms: i32,
    /// How long the offsets of an empty group are kept, in minutes.
    pub offsets_retention_minutes: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            kafka: SocketAddr::from(([127, 0, 0, 1], 9092)),
            http: SocketAddr::from(([127, 0, 0, 1], 8092)),
            advertise: None,
            node_id: 1,
            ready_file: None,
            insecure_listen: false,
            auto_create_topics: false,
            default_partitions: 1,
            max_connections: 20_000,
            max_connections_per_ip: 20_000,
            http_max_connections: 1024,
            http_max_watches: 1024,
            http_max_uploads: 2,
            smartmodule_max_bytes: 64 << 20,
            http_allowed_hosts: Vec::new(),
            max_request_bytes: 100 << 20,
            request_memory_bytes: 512 << 20,
            response_memory_bytes: 1 << 30,
            idle_timeout_ms: 600_000,
            request_read_timeout_ms: 60_000,
            fetch_max_bytes: 55 << 20,
            cache_bytes: 64 << 20,
            maintenance_interval_ms: 30_000,
            offsets_partitions: 8,
            offsets_segment_bytes: 100 << 20,
            compaction_backoff_ms: 15_000,
            compaction_threads: 1,
            compaction_memory_bytes: 128 << 20,
            group_initial_rebalance_delay_ms: 150,
            group_min_session_timeout_ms: 6_000,
            offsets_retention_minutes: 7 * 24 * 60,
        }
    }
}

/// Settings that cannot be used: a sentence that names where, which, and the mend.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ConfigError {
    place: String,
    reason: String,
}

/// Environment variables begin so.
const PREFIX: &str = "TIDEMILL_";

impl ServerConfig {
    /// Reads a settings file over the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or a setting is unknown or wrong.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        Self::load(Some(path), |_| None)
    }

    /// Reads the environment (through `variable`) over a settings file over the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or a setting is unknown or wrong.
    pub fn load(path: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut place = "settings".to_owned();
        let mut settings = Map::new();
        if let Some(path) = path {
            place = format!("settings file {}", path.display());
            settings = read(path).map_err(|reason| ConfigError {
                place: place.clone(),
                reason,
            })?;
        }
        let checked = read_settings(&settings);
        checked.map_err(|reason| ConfigError { place, reason })?;
        for name in names() {
            let variable_name = format!("{PREFIX}{}", name.to_uppercase().replace('-', "_"));
            let Some(text) = variable(&variable_name) else {
                continue;
            };
            let one = |value: Value| Map::from_iter([(name.clone(), value)]);
            // A directory may well be named 2026.
            let words = one(Value::from(text.as_str()));
            let alone = match read_settings(&words) {
                Ok(_) => words,
                Err(_) => one(scalar(&text)),
            };
            read_settings(&alone).map_err(|reason| ConfigError {
                place: format!("environment variable {variable_name}"),
                reason,
            })?;
            settings.extend(alone);
        }
        read_settings(&settings).map_err(|reason| ConfigError {
            place: "settings".to_owned(),
            reason,
        })
    }

    pub(crate) fn maintenance_interval(&self) -> Duration {
        Duration::from_millis(self.maintenance_interval_ms.max(1))
    }
}

fn read_settings(settings: &Map<String, Value>) -> Result<ServerConfig, String> {
    let read = tidemill_resource::from_value(&Value::Object(settings.clone()));
    let config: ServerConfig = read.map_err(|error| error.to_string())?;
    ranges::check(&config)?;
    Ok(config)
}

/// A list of names, or one text with commas: the environment has no lists.
fn names_of<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        List(Vec<String>),
        Text(String),
    }
    let names = match Names::deserialize(deserializer)? {
        Names::List(names) => names,
        Names::Text(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    Ok(names.into_iter().filter(|name| !name.is_empty()).collect())
}

/// The names of all settings.
fn names() -> Vec<String> {
    match serde_json::to_value(ServerConfig::default()) {
        Ok(Value::Object(all)) => all.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

/// A setting as text: a number or a truth value where it looks like one.
fn scalar(text: &str) -> Value {
    match text.trim() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => match (text.parse::<u64>(), text.parse::<i64>()) {
            (Ok(number), _) => Value::from(number),
            (_, Ok(number)) => Value::from(number),
            _ => Value::from(text),
        },
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let yaml = path
        .extension()
        .is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known));
    let settings = match yaml {
        true => document::value(&text)?,
        false => toml::from_str(&text).map_err(|error| error.to_string())?,
    };
    match settings {
        Value::Object(settings) => Ok(settings),
        Value::Null => Ok(Map::new()),
        _ => Err("settings are names with values: write `kafka = \"127.0.0.1:9092\"`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, text: &str, environment: &[(&str, &str)]) -> Result<ServerConfig, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let variable = |wanted: &str| {
            environment
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| (*value).to_owned())
        };
        ServerConfig::load(Some(&path), variable)
    }

    #[test]
    fn a_misspelt_setting_is_named_with_the_nearest() {
        let error = load("s.toml", "data-dri = '/tmp/x'", &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("data-dri") && error.contains("`data-dir`"),
            "{error}"
        );
    }

    #[test]
    fn toml_and_yaml_say_the_same() {
        let toml = load("s.toml", "kafka = '127.0.0.1:1234'\nmax-connections = 7\n", &[]).unwrap();
        let yaml = load("s.yaml", "kafka: 127.0.0.1:1234\nmax-connections: 7\n", &[]).unwrap();
        assert_eq!(toml, yaml);
        assert_eq!((toml.kafka.port(), toml.max_connections), (1234, 7));
        assert_eq!(toml.http, ServerConfig::default().http);
    }

    #[test]
    fn the_environment_overrules_the_file() {
        let variables = [
            ("TIDEMILL_MAX_CONNECTIONS", "9"),
            ("TIDEMILL_DATA_DIR", "/d"),
            ("TIDEMILL_BOOTSTRAP", "x:1"),
        ];
        let config = load("s.toml", "max-connections = 7", &variables).unwrap();
        assert_eq!(
            (config.max_connections, config.data_dir),
            (9, PathBuf::from("/d"))
        );
    }

    #[test]
    fn every_setting_is_on_its_page_with_its_default() {
        let Ok(Value::Object(settings)) = serde_json::to_value(ServerConfig::default()) else {
            panic!("settings are names with values");
        };
        let row = |(name, value): (&String, &Value)| {
            let value = match value {
                Value::Null => String::new(),
                Value::String(text) => format!("`{text}` "),
                other => format!("`{other}` "),
            };
            format!("| `{name}` | {value}|")
        };
        let page = include_str!("../../docs/settings.md");
        let told = |line: &str| {
            let cells: Vec<&str> = line.split('|').collect();
            format!("|{}|{}|", cells[1], cells[2])
        };
        let rows: Vec<String> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(told)
            .collect();
        let mut wanted: Vec<String> = settings.iter().map(row).collect();
        let mut found = rows;
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted);
    }

    #[test]
    fn names_are_a_list_or_a_text_with_commas() {
        let names = vec!["a.example".to_owned(), "b.example".to_owned()];
        let file = "http-allowed-hosts = ['a.example', 'b.example']";
        assert_eq!(load("s.toml", file, &[]).unwrap().http_allowed_hosts, names);
        let variables = [("TIDEMILL_HTTP_ALLOWED_HOSTS", "a.example, b.example,")];
        assert_eq!(load("s.toml", "", &variables).unwrap().http_allowed_hosts, names);
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let error = load("s.toml", "", &[("TIDEMILL_KAFKA", "here")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("TIDEMILL_KAFKA") && error.contains("kafka"),
            "{error}"
        );
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_those_that_do() {
        for (setting, mend) in [
            (
                "max-connections = 0",
                "max-connections: use a number of at least 1",
            ),
            (
                "offsets-partitions = -1",
                "offsets-partitions: use a number from 1 to 10000",
            ),
            (
                "compaction-threads = 0",
                "compaction-threads: use a number from 1 to 1024",
            ),
            ("node-id = -4", "node-id: use a number from 0 to"),
        ] {
            let error = load("s.toml", setting, &[]).unwrap_err().to_string();
            assert!(error.contains("s.toml") && error.contains(mend), "{error}");
        }
        let error = load("s.toml", "", &[("TIDEMILL_NODE_ID", "-4")]).unwrap_err();
        assert!(
            error.to_string().contains("TIDEMILL_NODE_ID: node-id: use"),
            "{error}"
        );
    }

    #[test]
    fn a_variable_that_looks_like_a_number_may_be_a_name() {
        let config = load("s.toml", "", &[("TIDEMILL_DATA_DIR", "2026")]).unwrap();
        assert_eq!(config.data_dir, PathBuf::from("2026"));
    }
}
