//! The index against a model: a list of entries, and what of it is in the file.

use std::path::Path;

use proptest::prelude::*;
use tidemill_env::sim::{SimDisk, Survival};

use super::*;

const PATH: &str = "/segment.index";

#[derive(Debug, Clone)]
enum Op {
    /// An entry whose key is larger by this.
    Push(u32),
    Floor(i64),
    Last,
    WriteOut,
    Sync,
    /// Closes the file.
    Release,
    /// A new index over the file, as at the next start: what was not written out is lost.
    Reopen,
    Pin,
    Forget,
    Reset,
    Replace,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (1..9u32).prop_map(Op::Push),
        8 => (-3..300i64).prop_map(Op::Floor),
        2 => Just(Op::Last),
        3 => Just(Op::WriteOut),
        1 => Just(Op::Sync),
        1 => Just(Op::Release),
        1 => Just(Op::Reopen),
        1 => Just(Op::Pin),
        1 => Just(Op::Forget),
        1 => Just(Op::Reset),
        1 => Just(Op::Replace),
    ]
}

/// Makes the entry of a key.
trait Made: Entry + PartialEq + std::fmt::Debug {
    fn made(key: u32) -> Self;
}

impl Made for OffsetEntry {
    fn made(key: u32) -> Self {
        Self {
            offset: key,
            position: key.wrapping_mul(4096),
        }
    }
}

impl Made for TimeEntry {
    fn made(key: u32) -> Self {
        Self {
            timestamp: i64::from(key),
            offset: key.wrapping_mul(7),
        }
    }
}

/// What the index should hold.
struct Model<E> {
    /// In the file.
    written: Vec<E>,
    /// In memory.
    tail: Vec<E>,
    next: u32,
}

impl<E: Made> Model<E> {
    fn new() -> Self {
        Self {
            written: Vec::new(),
            tail: Vec::new(),
            next: 0,
        }
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = E> + '_ {
        self.written.iter().chain(&self.tail).copied()
    }

    fn forget(&mut self) {
        self.written.clear();
        self.tail.clear();
    }

    /// The bytes of the entries in the file.
    fn file(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.written.iter().for_each(|entry| entry.encode(&mut bytes));
        bytes
    }
}

fn contents(disk: &SimDisk) -> Vec<u8> {
    disk.contents(Path::new(PATH)).unwrap_or_default()
}

fn run<E: Made>(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let disk = SimDisk::default();
    let mut index: Index<E> = Index::new(PATH.into(), 0);
    let mut model: Model<E> = Model::new();
    for op in ops {
        match op {
            Op::Push(step) => {
                model.next += step;
                model.tail.push(E::made(model.next));
                index.push(E::made(model.next));
            }
            Op::Floor(key) => {
                let found = index.floor(&disk, key, Patience::Wait).unwrap();
                prop_assert_eq!(
                    found,
                    model.all().rfind(|entry| entry.key() <= key),
                    "floor {}",
                    key
                );
            }
            Op::Last => prop_assert_eq!(index.last(&disk).unwrap(), model.all().last()),
            Op::WriteOut => {
                index.write_out(&disk).unwrap();
                let tail = std::mem::take(&mut model.tail);
                model.written.extend(tail);
                prop_assert_eq!(contents(&disk), model.file());
            }
            Op::Sync => index.sync(&disk).unwrap(),
            Op::Release => index.release(),
            Op::Reopen => {
                // Whoever closes a log writes the index out first.
                index.write_out(&disk).unwrap();
                let tail = std::mem::take(&mut model.tail);
                model.written.extend(tail);
                index = Index::new(PATH.into(), contents(&disk).len() as u64);
            }
            Op::Pin => index.pin(&disk).unwrap(),
            Op::Forget => {
                index.forget();
                model.forget();
            }
            Op::Reset => {
                index.reset(&disk).unwrap();
                model.forget();
                prop_assert_eq!(contents(&disk), Vec::<u8>::new());
            }
            Op::Replace => {
                // Used by recovery, which has forgotten what the file says.
                index.forget();
                model.forget();
                model.tail.push(E::made(model.next));
                index.push(E::made(model.next));
                index.replace(&disk).unwrap();
                model.written.append(&mut model.tail);
                prop_assert_eq!(contents(&disk), model.file());
            }
        }
        prop_assert_eq!(index.is_empty(), model.all().next().is_none());
        prop_assert_eq!(index.file_len(), model.file().len() as u64);
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_index_of_offsets_finds_what_a_list_finds(ops in prop::collection::vec(op(), 1..80)) {
        run::<OffsetEntry>(ops)?;
    }

    #[test]
    fn an_index_of_times_finds_what_a_list_finds(ops in prop::collection::vec(op(), 1..80)) {
        run::<TimeEntry>(ops)?;
    }

    #[test]
    fn what_was_synced_is_there_after_a_crash(
        synced in prop::collection::vec(1..9u32, 1..20),
        later in prop::collection::vec(1..9u32, 0..20),
        seed: u64,
    ) {
        let disk = SimDisk::default();
        let index: Index<OffsetEntry> = Index::new(PATH.into(), 0);
        let mut key = 0;
        let mut push = |steps: &[u32]| {
            for step in steps {
                key += step;
                index.push(OffsetEntry::made(key));
            }
        };
        push(&synced);
        index.write_out(&disk).unwrap();
        index.sync(&disk).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let durable = contents(&disk);
        push(&later);
        index.write_out(&disk).unwrap();
        disk.crash(Survival::Some, seed);
        prop_assert!(contents(&disk).starts_with(&durable));
    }

    #[test]
    fn a_crash_leaves_the_old_file_or_the_new_one(
        old in prop::collection::vec(1..9u32, 1..20),
        new in prop::collection::vec(1..9u32, 1..20),
        seed: u64,
    ) {
        let disk = SimDisk::default();
        let filled = |steps: &[u32]| {
            let index: Index<OffsetEntry> = Index::new(PATH.into(), 0);
            let mut key = 0;
            for step in steps {
                key += step;
                index.push(OffsetEntry::made(key));
            }
            index
        };
        filled(&old).replace(&disk).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let before = contents(&disk);
        filled(&new).replace(&disk).unwrap();
        let after = contents(&disk);
        disk.crash(Survival::Some, seed);
        let found = contents(&disk);
        prop_assert!(found == before || found == after, "{found:?}");
    }
}

#[test]
fn a_file_cut_in_the_middle_of_an_entry_has_the_whole_ones() {
    let disk = SimDisk::default();
    let index: Index<OffsetEntry> = Index::new(PATH.into(), 0);
    for key in [1, 5, 9] {
        index.push(OffsetEntry::made(key));
    }
    index.write_out(&disk).unwrap();
    let cut: Index<OffsetEntry> = Index::new(PATH.into(), 3 * 8 - 3);
    assert_eq!(cut.last(&disk).unwrap(), Some(OffsetEntry::made(5)));
    assert_eq!(cut.file_len(), 16);
}
