//! Where a chain runs, and which kinds may run there.

use crate::description::Kind;
use crate::error::SmartModuleError;

/// Where a chain runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On what producers send, before it is stored.
    Ingest,
    /// On what any client reads.
    View,
    /// On what one of Tidemill's own clients reads.
    Session,
    /// From topic to topic.
    Pipeline,
}

impl Place {
    /// Whether a module of `kind` may run here.
    ///
    /// # Errors
    /// [`SmartModuleError::Misplaced`], saying where it may.
    pub fn check(self, kind: Kind) -> Result<(), SmartModuleError> {
        let fits = match kind {
            Kind::Filter | Kind::Map | Kind::FilterMap => true,
            Kind::Validate => matches!(self, Place::Ingest | Place::Pipeline),
            Kind::FlatMap | Kind::Aggregate => matches!(self, Place::Session | Place::Pipeline),
            Kind::Join => self == Place::Pipeline,
        };
        if fits {
            return Ok(());
        }
        let (here, why) = match (self, kind) {
            (Place::Ingest, Kind::FlatMap) => {
                ("on ingest", "there each record has one offset; use a pipeline")
            }
            (Place::View, Kind::FlatMap) => (
                "in a view",
                "there each record has one offset; read with `--smartmodule`, or use a pipeline",
            ),
            (Place::View, Kind::Aggregate) => (
                "in a view",
                "its result depends on where one begins to read; read with `--smartmodule`, or use a pipeline",
            ),
            (Place::View | Place::Session, Kind::Validate) => (
                "on reading",
                "nobody is there to be told; attach it to a topic's ingest, or use a filter",
            ),
            (Place::Ingest, _) => ("on ingest", "use a pipeline"),
            _ => ("here", "use a pipeline"),
        };
        Err(SmartModuleError::Misplaced(format!(
            "a module of kind `{}` cannot run {here}: {why}",
            kind.name()
        )))
    }
}
