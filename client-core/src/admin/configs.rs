//! Settings of topics and brokers.

use std::sync::Arc;

use tidemill_wire::kafka::messages::describe_configs_request::DescribeConfigsResource;
use tidemill_wire::kafka::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use tidemill_wire::kafka::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use super::topics::{check, left_out};
use crate::cluster::{Cluster, text};
use crate::error::{ErrorKind, Result};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Operations on settings. Made by [`crate::Client::configs`].
#[derive(Clone)]
pub struct Configs {
    cluster: Arc<Cluster>,
}

/// One setting and its value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfigEntry {
    /// Its Kafka name.
    pub name: String,
    /// Its value; `None` if it has none, or is secret.
    pub value: Option<String>,
    /// Whether nobody has set it.
    pub default: bool,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// Whether its value is secret.
    pub sensitive: bool,
    /// Where the value comes from: `topic`, `broker`, `static`, `default` and so on.
    pub source: String,
    /// What it does, if the server tells.
    pub documentation: Option<String>,
}

/// A change of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// Sets it.
    Set(String, String),
    /// Back to the default.
    Delete(String),
    /// Adds to a list.
    Append(String, String),
    /// Takes from a list.
    Subtract(String, String),
}

impl Configs {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// The settings of a topic, in order of name. `NotFound` names the nearest topic there is.
    pub async fn topic(&self, name: &str) -> Result<Vec<ConfigEntry>> {
        match self
            .describe(TOPIC, name, &format!("reading the settings of topic {name:?}"))
            .await
        {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.cluster.no_such_topic(name).await),
            outcome => outcome,
        }
    }

    /// The settings of a broker, in order of name.
    pub async fn broker(&self, id: i32) -> Result<Vec<ConfigEntry>> {
        self.describe(
            BROKER,
            &id.to_string(),
            &format!("reading the settings of broker {id}"),
        )
        .await
    }

    /// Changes settings of a topic, all or none.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` for an unknown name or a bad value.
    pub async fn alter_topic(&self, name: &str, changes: &[ConfigChange]) -> Result<()> {
        match self
            .alter(
                TOPIC,
                name,
                changes,
                &format!("changing the settings of topic {name:?}"),
            )
            .await
        {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.cluster.no_such_topic(name).await),
            outcome => outcome,
        }
    }

    /// Changes settings of a broker. Errors as [`Self::alter_topic`].
    pub async fn alter_broker(&self, id: i32, changes: &[ConfigChange]) -> Result<()> {
        self.alter(
            BROKER,
            &id.to_string(),
            changes,
            &format!("changing the settings of broker {id}"),
        )
        .await
    }

    async fn describe(&self, kind: i8, name: &str, what: &str) -> Result<Vec<ConfigEntry>> {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None);
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![resource])
            .with_include_documentation(true);
        // A broker's settings are that broker's to tell.
        let response = match name.parse() {
            Ok(id) if kind == BROKER => self.cluster.call_broker(id, &request).await?,
            _ => self.cluster.call_any(&request).await?,
        };
        let result = response.results.first().ok_or_else(|| left_out(what))?;
        check(result.error_code, what, result.error_message.as_deref())?;
        let mut entries: Vec<ConfigEntry> = result
            .configs
            .iter()
            .map(|config| ConfigEntry {
                name: config.name.to_string(),
                value: config.value.as_ref().map(ToString::to_string),
                default: config.config_source == 5,
                read_only: config.read_only,
                sensitive: config.is_sensitive,
                source: source(config.config_source).to_owned(),
                documentation: config.documentation.as_ref().map(ToString::to_string),
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    async fn alter(&self, kind: i8, name: &str, changes: &[ConfigChange], what: &str) -> Result<()> {
        let change = |change: &ConfigChange| {
            let (operation, name, value) = match change {
                ConfigChange::Set(name, value) => (0, name, Some(value)),
                ConfigChange::Delete(name) => (1, name, None),
                ConfigChange::Append(name, value) => (2, name, Some(value)),
                ConfigChange::Subtract(name, value) => (3, name, Some(value)),
            };
            AlterableConfig::default()
                .with_name(text(name))
                .with_config_operation(operation)
                .with_value(value.map(|value| text(value)))
        };
        let resource = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(changes.iter().map(change).collect());
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let response = match name.parse() {
            Ok(id) if kind == BROKER => self.cluster.call_broker(id, &request).await?,
            _ => self.cluster.call_any(&request).await?,
        };
        let result = response.responses.first().ok_or_else(|| left_out(what))?;
        check(result.error_code, what, result.error_message.as_deref())
    }
}

fn source(code: i8) -> &'static str {
    match code {
        1 => "topic",
        2 => "broker",
        3 => "default broker",
        4 => "static",
        5 => "default",
        6 => "broker logger",
        _ => "unknown",
    }
}
