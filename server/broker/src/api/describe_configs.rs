//! DescribeConfigs: settings of topics and of this broker, where each comes from, and what it does.

use tidemill_metadata::TopicImage;
use tidemill_resource::topic_config::{ConfigType, KEYS};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_configs_request::DescribeConfigsResource;
use tidemill_wire::kafka::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use tidemill_wire::kafka::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use uuid::Uuid;

use super::Cx;
use crate::errors::Failure;
use crate::settings::Setting;

/// Kinds of resources that have configs.
pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;

/// Where a value comes from.
const SET_ON_TOPIC: i8 = 1;
const SET_ON_BROKER: i8 = 4;
const DEFAULT: i8 = 5;

pub(super) fn handle(cx: &Cx, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let shown = Shown {
        synonyms: request.include_synonyms,
        documentation: request.include_documentation,
    };
    let results = request.resources.into_iter().map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match describe(cx, &resource, &shown) {
            Ok(configs) => result.with_configs(configs),
            Err(failure) => result
                .with_error_code(failure.code)
                .with_error_message(failure.text()),
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

struct Shown {
    synonyms: bool,
    documentation: bool,
}

/// One setting, whatever it is of.
struct Entry<'a> {
    name: &'a str,
    value: String,
    set: bool,
    default: &'a str,
    doc: &'a str,
    kind: ConfigType,
}

fn describe(
    cx: &Cx,
    resource: &DescribeConfigsResource,
    shown: &Shown,
) -> Result<Vec<DescribeConfigsResourceResult>, Failure> {
    // An empty list asks for all, as none does.
    let keys = resource
        .configuration_keys
        .as_ref()
        .filter(|keys| !keys.is_empty());
    let asked = |name: &str| keys.is_none_or(|keys| keys.iter().any(|key| **key == *name));
    match resource.resource_type {
        TOPIC => {
            let visible = cx.broker.visible(&resource.resource_name, Uuid::nil());
            let visible = visible.ok_or_else(|| Failure::unknown_topic(&resource.resource_name))?;
            let entries = topic_entries(&visible.topic).filter(|entry| asked(entry.name));
            let answers = entries.map(|entry| answer(entry, SET_ON_TOPIC, shown));
            // A view's are its topic's, and are changed there.
            let fixed = visible.view.is_some();
            Ok(answers.map(|config| config.with_read_only(fixed)).collect())
        }
        BROKER => {
            let name = &*resource.resource_name;
            // No name stands for the defaults of all brokers, of which none can be set.
            if !name.is_empty() && name != cx.broker.config.node_id.to_string() {
                let message = format!(
                    "there is no broker {name:?} here: this is {}",
                    cx.broker.config.node_id
                );
                return Err(Failure::new(ResponseError::InvalidRequest, message));
            }
            let settings = if name.is_empty() {
                Vec::new()
            } else {
                cx.broker.config.settings()
            };
            let entries = settings
                .iter()
                .filter(|setting| asked(setting.name))
                .map(broker_entry);
            Ok(entries
                .map(|entry| read_only(answer(entry, SET_ON_BROKER, shown)))
                .collect())
        }
        other => {
            let message =
                format!("resources of type {other} have no configs here: ask for a topic or a broker");
            Err(Failure::new(ResponseError::InvalidRequest, message))
        }
    }
}

fn topic_entries(topic: &TopicImage) -> impl Iterator<Item = Entry<'_>> {
    KEYS.iter().map(|key| {
        let set = topic.config.get(key.name);
        Entry {
            name: key.name,
            value: set.cloned().unwrap_or_else(|| key.default.to_owned()),
            set: set.is_some(),
            default: key.default,
            doc: key.doc,
            kind: key.config_type(),
        }
    })
}

fn broker_entry(setting: &Setting) -> Entry<'_> {
    Entry {
        name: setting.name,
        value: setting.value.clone(),
        set: setting.value != setting.default,
        default: &setting.default,
        doc: setting.doc,
        kind: setting.kind,
    }
}

fn read_only(config: DescribeConfigsResourceResult) -> DescribeConfigsResourceResult {
    config.with_read_only(true)
}

fn answer(entry: Entry<'_>, set: i8, shown: &Shown) -> DescribeConfigsResourceResult {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let synonym = |value: &str, source| {
        DescribeConfigsSynonym::default()
            .with_name(text(entry.name))
            .with_value(Some(text(value)))
            .with_source(source)
    };
    let mut synonyms = Vec::new();
    if shown.synonyms {
        if entry.set {
            synonyms.push(synonym(&entry.value, set));
        }
        synonyms.push(synonym(entry.default, DEFAULT));
    }
    DescribeConfigsResourceResult::default()
        .with_name(text(entry.name))
        .with_value(Some(text(&entry.value)))
        .with_config_source(if entry.set { set } else { DEFAULT })
        .with_synonyms(synonyms)
        .with_config_type(type_number(entry.kind))
        .with_documentation(shown.documentation.then(|| text(entry.doc)))
}

/// Kafka's numbers of config types.
fn type_number(kind: ConfigType) -> i8 {
    match kind {
        ConfigType::Boolean => 1,
        ConfigType::String => 2,
        ConfigType::Int => 3,
        ConfigType::Long => 5,
        ConfigType::Double => 6,
        ConfigType::List => 7,
    }
}
