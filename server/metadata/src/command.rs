//! What changes the metadata.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidemill_resource::{
    Condition, Endpoint, ModuleVersion, SmartModuleSpec, TopicSpec, TopicStatus, ViewSpec, ViewStatus,
};
use uuid::Uuid;

/// A change of the metadata. Carries every id and time that it needs; times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Gives the cluster its id. The first command of a log; refused when there is another id already.
    FormCluster {
        /// The id.
        cluster_id: Uuid,
    },
    /// Makes a broker known, or known again after a restart.
    RegisterBroker {
        /// Kafka node id.
        id: i32,
        /// New for every start of the process.
        incarnation: Uuid,
        /// Where it listens.
        endpoints: Vec<Endpoint>,
        /// Rack or zone.
        #[serde(default)]
        rack: Option<String>,
        /// When.
        at_ms: i64,
    },
    /// Makes a topic and places its partitions.
    CreateTopic {
        /// Its name.
        name: String,
        /// Its id: random, never used before.
        id: Uuid,
        /// What it should be.
        spec: TopicSpec,
        /// Labels of the object.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// Annotations of the object.
        #[serde(default)]
        annotations: BTreeMap<String, String>,
        /// The replicas of each partition, when the caller chose them: they then overrule the spec's numbers.
        #[serde(default)]
        assignments: Option<Vec<Vec<i32>>>,
        /// Whether it is one of the server's own.
        #[serde(default)]
        internal: bool,
        /// When.
        at_ms: i64,
    },
    /// Replaces a topic's spec, labels and annotations. More partitions are placed at once.
    UpdateTopic {
        /// Which topic.
        topic: TopicKey,
        /// What it should be.
        spec: TopicSpec,
        /// Labels of the object.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// Annotations of the object.
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    },
    /// Changes single Kafka configs of a topic (`IncrementalAlterConfigs`).
    AlterTopicConfigs {
        /// Which topic.
        topic: TopicKey,
        /// The changes, in order.
        changes: Vec<ConfigChange>,
    },
    /// Replaces all Kafka configs of a topic (`AlterConfigs`).
    ReplaceTopicConfigs {
        /// Which topic.
        topic: TopicKey,
        /// The new configs; those not named go back to their defaults.
        configs: BTreeMap<String, String>,
    },
    /// Raises the number of partitions (`CreatePartitions`).
    AddPartitions {
        /// Which topic.
        topic: TopicKey,
        /// The number there should be afterwards.
        total: u32,
        /// The replicas of each added partition, when the caller chose them.
        #[serde(default)]
        assignments: Option<Vec<Vec<i32>>>,
    },
    /// Deletes a topic. Its name is free at once; its id stays in [`crate::Image::deletions`] until the data is gone.
    DeleteTopic {
        /// Which topic.
        topic: TopicKey,
        /// When.
        at_ms: i64,
    },
    /// Forgets a deleted topic: no broker has data of it any more. Made by the reconciler.
    FinishDeletion {
        /// The deleted topic's id.
        id: Uuid,
    },
    /// Records what is known of a topic. Made by the reconciler.
    SetTopicStatus {
        /// The topic's id.
        id: Uuid,
        /// What is known.
        status: TopicStatus,
    },
    /// Makes a SmartModule, or replaces its spec, labels and annotations. Its versions stay.
    PutSmartModule {
        /// Its name.
        name: String,
        /// Its id if it is new: random, never used before.
        id: Uuid,
        /// How it may run.
        spec: SmartModuleSpec,
        /// Labels of the object.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// Annotations of the object.
        #[serde(default)]
        annotations: BTreeMap<String, String>,
        /// The resource version that the caller has seen, 0 for none: any other is a conflict.
        #[serde(default)]
        seen: Option<u64>,
        /// When.
        at_ms: i64,
    },
    /// Gives a SmartModule a version, which becomes the current one; makes the SmartModule if there is none.
    LoadSmartModule {
        /// Its name.
        name: String,
        /// Its id if it is new: random, never used before.
        id: Uuid,
        /// The version. Its wasm is safe already.
        version: ModuleVersion,
        /// A new description of the object.
        #[serde(default)]
        description: Option<String>,
        /// The resource version that the caller has seen, 0 for none: any other is a conflict.
        #[serde(default)]
        seen: Option<u64>,
        /// When.
        at_ms: i64,
    },
    /// Deletes a SmartModule and its versions. Refused while something uses it.
    DeleteSmartModule {
        /// Its name.
        name: String,
        /// The resource version that the caller has seen: any other is a conflict.
        #[serde(default)]
        seen: Option<u64>,
    },
    /// Records what is known of a SmartModule. Made by the reconciler.
    SetSmartModuleStatus {
        /// Its id.
        id: Uuid,
        /// What uses it.
        used_by: Vec<String>,
        /// What is true of it.
        conditions: Vec<Condition>,
    },
    /// Makes a view, or replaces its spec, labels and annotations. Renews its lease.
    PutView {
        /// Its name.
        name: String,
        /// Its id if it is new, for clients a topic id: random, never used before.
        id: Uuid,
        /// What it shows.
        spec: ViewSpec,
        /// Labels of the object.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// Annotations of the object.
        #[serde(default)]
        annotations: BTreeMap<String, String>,
        /// The resource version that the caller has seen, 0 for none: any other is a conflict.
        #[serde(default)]
        seen: Option<u64>,
        /// When.
        at_ms: i64,
    },
    /// Renews the lease of a view.
    RenewView {
        /// Its name.
        name: String,
        /// When.
        at_ms: i64,
    },
    /// Deletes a view. Refused while another one reads it.
    DeleteView {
        /// Its name.
        name: String,
        /// Its id, if the caller looked it up before: a namesake made since is refused as unknown.
        #[serde(default)]
        id: Option<Uuid>,
        /// The resource version that the caller has seen: any other is a conflict.
        #[serde(default)]
        seen: Option<u64>,
    },
    /// Deletes a view whose lease has run out. Made by the reconciler; does nothing if it was renewed meanwhile.
    ExpireView {
        /// Its id.
        id: Uuid,
        /// When it was last renewed.
        renewed_at_ms: i64,
    },
    /// Records what is known of a view. Made by the reconciler.
    SetViewStatus {
        /// Its id.
        id: Uuid,
        /// What is known.
        status: ViewStatus,
    },
    /// Takes producer ids that nobody was given before.
    AllocateProducerIds {
        /// Broker that will hand them out.
        broker: i32,
        /// How many, 1 or more.
        count: u32,
    },
    /// Several commands, applied in order, all or none.
    Batch {
        /// The commands; a batch may not hold another.
        commands: Vec<Command>,
    },
}

/// Names a topic, and says what must be so for the command to be applied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicKey {
    /// Its name.
    pub name: String,
    /// Its id, if the caller looked it up before: a namesake made since is refused as unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The resource version that the caller has seen (`If-Match`): any other is a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl TopicKey {
    /// The topic of this name, whatever its state.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// How one config changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfigOp {
    /// Takes the value.
    Set,
    /// Goes back to its default.
    Delete,
    /// Gains the words of the value; lists only.
    Append,
    /// Loses the words of the value; lists only.
    Subtract,
}

/// The change of one config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigChange {
    /// The Kafka name.
    pub key: String,
    /// How it changes.
    pub op: ConfigOp,
    /// The value; not looked at for [`ConfigOp::Delete`].
    #[serde(default)]
    pub value: Option<String>,
}
