//! What SmartModules do, and where each kind may run.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a SmartModule does with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// Keeps some records.
    Filter,
    /// Makes one record of each.
    Map,
    /// Makes one record, or none, of each.
    FilterMap,
    /// Makes any number of records of each.
    FlatMap,
    /// Says of each record whether it is good, and if not why.
    Validate,
    /// Folds records into an accumulator.
    Aggregate,
    /// Makes one record, or none, of a left and a right one.
    Join,
}

impl ModuleKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Filter,
        Self::Map,
        Self::FilterMap,
        Self::FlatMap,
        Self::Validate,
        Self::Aggregate,
        Self::Join,
    ];

    /// Its name in specs and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Map => "map",
            Self::FilterMap => "filter_map",
            Self::FlatMap => "flat_map",
            Self::Validate => "validate",
            Self::Aggregate => "aggregate",
            Self::Join => "join",
        }
    }
}

impl fmt::Display for ModuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The form that a wasm file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ModuleCarrier {
    /// A core module.
    Core,
    /// A component.
    Component,
}

impl fmt::Display for ModuleCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "core",
            Self::Component => "component",
        })
    }
}

/// Where a transform runs. The engine has the same table; a test that sees both holds them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransformPlace {
    /// On what producers send to a topic, before it is stored.
    Ingest,
    /// In a view, on what any client reads.
    View,
    /// In a view with a lease, on what one reader reads.
    Session,
}

impl TransformPlace {
    /// Whether a module of `kind` may run here.
    ///
    /// # Errors
    /// A sentence that says why not, and where it may.
    pub fn check(self, kind: ModuleKind) -> Result<(), String> {
        use ModuleKind::{Aggregate, Filter, FilterMap, FlatMap, Join, Map, Validate};
        let fits = match kind {
            Filter | Map | FilterMap => true,
            Validate => self == Self::Ingest,
            FlatMap | Aggregate => self == Self::Session,
            Join => false,
        };
        if fits {
            return Ok(());
        }
        let (here, why) = match (self, kind) {
            (Self::Ingest, FlatMap) => ("on ingest", "there each record has one offset; use a pipeline"),
            (Self::View, FlatMap) => (
                "in a view",
                "there each record has one offset; read with `--smartmodule`, or use a pipeline",
            ),
            (Self::View, Aggregate) => (
                "in a view",
                "its result depends on where one begins to read; read with `--smartmodule`, or use a pipeline",
            ),
            (Self::View | Self::Session, Validate) => (
                "on reading",
                "nobody is there to be told; attach it to a topic's ingest, or use a filter",
            ),
            (Self::Ingest, _) => ("on ingest", "use a pipeline"),
            _ => ("here", "use a pipeline"),
        };
        Err(format!("a module of kind `{kind}` cannot run {here}: {why}"))
    }
}
