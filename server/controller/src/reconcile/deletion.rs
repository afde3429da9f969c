//! Deleted topics: forgotten once no disk has data of them.

use tidemill_metadata::{Command, Image};

use super::Observed;

/// Finishes every deletion whose data is gone.
pub(super) fn plan(image: &Image, observed: &Observed) -> Vec<Command> {
    let gone = image
        .deletions()
        .filter(|deletion| !observed.topics_on_disk.contains(&deletion.id));
    gone.map(|deletion| Command::FinishDeletion { id: deletion.id })
        .collect()
}
