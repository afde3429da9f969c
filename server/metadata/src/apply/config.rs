//! Commands on the Kafka configs of topics.

use std::collections::BTreeMap;

use tidemill_resource::topic_config::{self, ConfigType};

use super::topic::{check_spec, invalid_config, open_for_change, store};
use crate::command::{ConfigChange, ConfigOp, TopicKey};
use crate::event::Change;
use crate::image::Image;
use crate::propose::Reply;
use crate::rejection::{Reason, Rejection};

type Configs = BTreeMap<String, String>;

pub(super) fn alter(image: &mut Image, key: &TopicKey, changes: &[ConfigChange]) -> Result<Reply, Rejection> {
    let mut configs = open_for_change(image, key)?.config;
    for change in changes {
        alter_one(&mut configs, change)?;
    }
    replace(image, key, configs)
}

pub(super) fn replace(image: &mut Image, key: &TopicKey, configs: Configs) -> Result<Reply, Rejection> {
    let mut topic = open_for_change(image, key)?;
    topic.spec = topic
        .spec
        .with_configs(configs)
        .map_err(|error| invalid_config(&error))?;
    check_spec(&topic.spec)?;
    Ok(store(image, topic, Change::Updated))
}

fn alter_one(configs: &mut Configs, change: &ConfigChange) -> Result<(), Rejection> {
    let name = change.key.as_str();
    let value = || {
        change
            .value
            .clone()
            .ok_or_else(|| refuse(name, "there is no value: give one"))
    };
    match change.op {
        ConfigOp::Set => {
            configs.insert(change.key.clone(), value()?);
        }
        ConfigOp::Delete => {
            // A misspelt name would otherwise seem to have been reset.
            if topic_config::find(name).is_none() {
                topic_config::check(name, "").map_err(|error| invalid_config(&error))?;
            }
            configs.remove(name);
        }
        ConfigOp::Append | ConfigOp::Subtract => {
            let known = topic_config::find(name);
            if known.is_some_and(|key| key.config_type() != ConfigType::List) {
                return Err(refuse(
                    name,
                    "it is no list, so nothing can be appended or subtracted: set it",
                ));
            }
            let default = known.map_or("", |key| key.default);
            let before = configs.get(name).map_or(default, String::as_str);
            let after = alter_list(before, &value()?, change.op == ConfigOp::Append);
            configs.insert(change.key.clone(), after);
        }
    }
    Ok(())
}

fn alter_list(before: &str, value: &str, append: bool) -> String {
    let split = |text: &'_ str| -> Vec<String> {
        text.split(',')
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let mut words = split(before);
    for word in split(value) {
        words.retain(|kept| *kept != word);
        if append {
            words.push(word);
        }
    }
    words.join(",")
}

fn refuse(key: &str, problem: &str) -> Rejection {
    let message = format!("topic config {}: {problem}", key.escape_debug());
    Rejection::new(Reason::InvalidConfig { key: key.to_owned() }, message)
}
