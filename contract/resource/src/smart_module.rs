//! The `SmartModule` object.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bytesize::ByteSize;
use crate::condition::Condition;
use crate::digest::{ModuleDigest, check_digest_prefix};
use crate::kind::Kind;
use crate::module_kind::{ModuleCarrier, ModuleKind};
use crate::module_param::ModuleParam;
use crate::object::{Object, Spec};
use crate::span::TimeSpan;
use crate::strict::FieldError;

/// How a SmartModule may run. The wasm itself is sent on its own, to `/v1/smartmodules/{name}/wasm`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmartModuleSpec {
    /// What it is for. What the module says of itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The version that is current: its digest, or the beginning of it. The one loaded last when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sha256:9f86d081884c")]
    pub version: Option<String>,
    /// What it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ModuleLimits>,
    /// What is let through the sandbox.
    #[serde(default, skip_serializing_if = "ModuleGrants::is_default")]
    pub grants: ModuleGrants,
}

/// What one instance of a module may take. A field left out takes its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleLimits {
    /// Memory: `256MiB` by default, `64KiB` to `4GiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "256MiB")]
    pub memory: Option<ByteSize>,
    /// Processor time that a batch may take, whatever its size: `100ms` by default, at most `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "100ms")]
    pub cpu_per_batch: Option<TimeSpan>,
    /// Processor time that a batch may take on top for each of its records: `1ms` by default, at most `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1ms")]
    pub cpu_per_record: Option<TimeSpan>,
    /// Processor time that starting may take: `30s` by default, at most `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "30s")]
    pub cpu_to_start: Option<TimeSpan>,
    /// Bytes of what comes out for one batch: `64MiB` by default, `1KiB` to `1GiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "64MiB")]
    pub output: Option<ByteSize>,
}

/// What is let through the sandbox. Nothing unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleGrants {
    /// The time of day. Without it the clock stands still.
    #[serde(default)]
    pub clock: bool,
    /// Randomness. Without it the same numbers come in every instance.
    #[serde(default)]
    pub random: bool,
}

impl ModuleGrants {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

const MINUTE: i64 = 60_000;

impl SmartModuleSpec {
    /// Checks all that can be known without the module's versions.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), FieldError> {
        if let Some(version) = &self.version {
            check_digest_prefix(version).map_err(|message| FieldError::new("spec.version", message))?;
        }
        if self.description.as_ref().is_some_and(|text| text.len() > 4096) {
            let message = "it is longer than 4096 bytes: write less";
            return Err(FieldError::new("spec.description", message));
        }
        self.limits.map_or(Ok(()), ModuleLimits::check)
    }
}

impl ModuleLimits {
    fn check(self) -> Result<(), FieldError> {
        let sizes = [
            ("memory", self.memory, 64 << 10, 4 << 30),
            ("output", self.output, 1 << 10, 1 << 30),
        ];
        for (field, size, least, most) in sizes {
            let Some(size) = size.filter(|size| !(least..=most).contains(&size.0)) else {
                continue;
            };
            let (least, most) = (ByteSize(least), ByteSize(most));
            let message = format!("`{size}` is out of range: use {least} to {most}");
            return Err(FieldError::new(format!("spec.limits.{field}"), message));
        }
        let spans = [
            ("cpuPerBatch", self.cpu_per_batch, 1, MINUTE),
            ("cpuPerRecord", self.cpu_per_record, 0, MINUTE),
            ("cpuToStart", self.cpu_to_start, 1, 5 * MINUTE),
        ];
        for (field, span, least, most) in spans {
            let Some(span) = span.filter(|span| !(least..=most).contains(&span.ms())) else {
                continue;
            };
            let (least, most) = (TimeSpan::from_ms(least), TimeSpan::from_ms(most));
            let message = format!("`{span}` is out of range: use {least} to {most}");
            return Err(FieldError::new(format!("spec.limits.{field}"), message));
        }
        Ok(())
    }
}

/// What is known of a SmartModule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmartModuleStatus {
    /// The `metadata.generation` that this status was made from.
    pub observed_generation: u64,
    /// The current version; absent while no wasm was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<ModuleVersion>,
    /// Every version that is kept, the one loaded last first.
    pub versions: Vec<ModuleVersionSummary>,
    /// What uses it: `Topic/orders`, `View/errors`.
    pub used_by: Vec<String>,
    /// `Ready` says whether it can be attached.
    pub conditions: Vec<Condition>,
}

/// One version of a SmartModule: a wasm file, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleVersion {
    /// The SHA-256 of the file.
    #[schema(value_type = String, example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: ModuleDigest,
    /// Bytes of the file.
    #[schema(value_type = String, example = "120KiB")]
    pub size: ByteSize,
    /// What it does with records.
    pub kind: ModuleKind,
    /// Its form.
    pub carrier: ModuleCarrier,
    /// The language it was written in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// What it was built with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sdk: String,
    /// The name that its author gave it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The version that its author gave it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub release: String,
    /// What its author says it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The parameters it takes.
    #[serde(default)]
    pub params: Vec<ModuleParam>,
    /// Whether it remembers what went by, and rebuilds that from older records.
    #[serde(default)]
    pub look_back: bool,
    /// When it was loaded.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
}

/// One version in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleVersionSummary {
    /// The SHA-256 of the file.
    #[schema(value_type = String)]
    pub digest: ModuleDigest,
    /// Bytes of the file.
    #[schema(value_type = String, example = "120KiB")]
    pub size: ByteSize,
    /// What it does with records.
    pub kind: ModuleKind,
    /// When it was loaded.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
}

impl ModuleVersion {
    /// The version in a list.
    pub fn summary(&self) -> ModuleVersionSummary {
        ModuleVersionSummary {
            digest: self.digest,
            size: self.size,
            kind: self.kind,
            created_at: self.created_at,
        }
    }
}

impl Spec for SmartModuleSpec {
    const KIND: Kind = Kind::SmartModule;
    type Status = SmartModuleStatus;
}

/// A SmartModule as an object.
pub type SmartModule = Object<SmartModuleSpec>;
