//! Where each leader epoch began (KIP-101), kept in Kafka's `leader-epoch-checkpoint` format.

use std::io;
use std::path::Path;

use tidemill_env::Disk;

use crate::checkpoint;

const NAME: &str = "leader-epoch-checkpoint";

/// Epochs and their first offsets, both rising.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Epochs {
    entries: Vec<(i32, i64)>,
    changed: bool,
}

impl Epochs {
    pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        let text = checkpoint::read(disk, dir, NAME)?.unwrap_or_default();
        // Two lines, version and count, then `epoch offset` a line.
        let entry = |line: &str| {
            let (epoch, offset) = line.split_once(' ')?;
            Some((epoch.parse().ok()?, offset.parse().ok()?))
        };
        let entries = text.lines().skip(2).map_while(entry).collect();
        Ok(Self {
            entries,
            changed: false,
        })
    }

    /// What the file should hold, when it does not yet.
    pub(crate) fn take_changed(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let lines: String = self
            .entries
            .iter()
            .map(|(epoch, offset)| format!("{epoch} {offset}\n"))
            .collect();
        Some(format!("0\n{}\n{lines}", self.entries.len()))
    }

    pub(crate) fn save(disk: &dyn Disk, dir: &Path, text: &str) -> io::Result<()> {
        checkpoint::write(disk, dir, NAME, text)
    }

    /// A batch of `epoch` stands at `offset`.
    pub(crate) fn note(&mut self, epoch: i32, offset: i64) {
        if epoch >= 0 && self.latest().is_none_or(|latest| epoch > latest) {
            self.entries.push((epoch, offset));
            self.changed = true;
        }
    }

    pub(crate) fn latest(&self) -> Option<i32> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// The largest epoch up to `epoch`, and where it ended. (-1, -1) when `epoch` is not known.
    pub(crate) fn end_of(&self, epoch: i32, log_end: i64) -> (i32, i64) {
        if self.latest().is_none_or(|latest| epoch > latest) {
            return (-1, -1);
        }
        let after = self.entries.partition_point(|(other, _)| *other <= epoch);
        let end = self.entries.get(after).map_or(log_end, |(_, start)| *start);
        // An epoch older than the first one known ended where that one began.
        let known = after
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .map_or(epoch, |(known, _)| *known);
        (known, end)
    }

    /// Forgets epochs that began at or after `end`.
    pub(crate) fn truncate(&mut self, end: i64) {
        let kept = self.entries.partition_point(|(_, start)| *start < end);
        self.changed |= kept < self.entries.len();
        self.entries.truncate(kept);
    }

    /// Moves the first epoch up to a new log start.
    pub(crate) fn start_at(&mut self, start: i64) {
        while self.entries.get(1).is_some_and(|(_, next)| *next <= start) {
            self.entries.remove(0);
            self.changed = true;
        }
        if let Some(first) = self.entries.first_mut()
            && first.1 < start
        {
            first.1 = start;
            self.changed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let mut epochs = Epochs::default();
        assert_eq!(epochs.end_of(0, 10), (-1, -1));
        for (epoch, offset) in [(1, 0), (1, 4), (3, 5), (4, 9)] {
            epochs.note(epoch, offset);
        }
        assert_eq!(epochs.end_of(0, 12), (0, 0));
        assert_eq!(epochs.end_of(1, 12), (1, 5));
        assert_eq!(epochs.end_of(2, 12), (1, 5));
        assert_eq!(epochs.end_of(3, 12), (3, 9));
        assert_eq!(epochs.end_of(4, 12), (4, 12));
        assert_eq!(epochs.end_of(5, 12), (-1, -1));
        epochs.truncate(9);
        assert_eq!(epochs.end_of(3, 9), (3, 9));
        epochs.start_at(6);
        assert_eq!(epochs.end_of(3, 9), (3, 9));
        assert_eq!(epochs.take_changed().as_deref(), Some("0\n1\n3 6\n"));
    }
}
