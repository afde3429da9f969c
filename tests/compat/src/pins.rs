//! The versions of the clients, read from the files that pin them.

use std::fs;

use anyhow::{Context, Result};

use crate::suite::source;

/// The content of the pin files.
pub(crate) struct Pins {
    python: String,
    node: serde_json::Value,
    java: String,
    go: String,
}

impl Pins {
    pub(crate) fn read() -> Result<Pins> {
        Ok(Pins {
            python: text("python/requirements.txt")?,
            node: serde_json::from_str(&text("node/package.json")?).context("package.json is not JSON")?,
            java: text("java/pom.xml")?,
            go: text("go/go.mod")?,
        })
    }

    /// Each client with its version.
    pub(crate) fn versions(&self) -> Vec<(&'static str, String)> {
        vec![
            ("kcat", "as Debian ships it".to_owned()),
            ("confluent-kafka-python", self.python("confluent-kafka")),
            ("kafka-python", self.python("kafka-python")),
            ("aiokafka", self.python("aiokafka")),
            (
                "kafkajs",
                self.node["dependencies"]["kafkajs"]
                    .as_str()
                    .unwrap_or("not pinned")
                    .to_owned(),
            ),
            (
                "Apache Kafka's clients and tools",
                between(&self.java, "<kafka.version>", "<"),
            ),
            ("franz-go", between(&self.go, "github.com/twmb/franz-go v", "\n")),
        ]
    }

    fn python(&self, package: &str) -> String {
        between(&format!("\n{}", self.python), &format!("\n{package}=="), "\n")
    }
}

fn text(name: &str) -> Result<String> {
    let path = source(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// What stands between two marks, or that there is none.
fn between(text: &str, before: &str, after: &str) -> String {
    text.split_once(before)
        .and_then(|(_, rest)| rest.split(after).next())
        .map_or_else(|| "not pinned".to_owned(), |found| found.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::Pins;

    #[test]
    fn every_client_but_debians_is_pinned() {
        for (client, version) in Pins::read().unwrap().versions().into_iter().skip(1) {
            assert!(
                version.starts_with(|first: char| first.is_ascii_digit()),
                "{client}: {version}"
            );
        }
    }
}
