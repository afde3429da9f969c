#![allow(clippy::disallowed_methods)]

use serde::{Deserialize, Serialize};

use tidemill_env::RealDisk;
use tidemill_env::sim::{Fault, Faults, FaultyDisk, Op};

use super::*;

/// A sum that refuses to pass 100.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    total: u64,
    last_index: u64,
}

impl StateMachine for Sum {
    type Command = u64;
    type Reply = u64;
    type Rejection = String;

    fn apply(&self, index: u64, add: &u64) -> Result<(Self, u64), String> {
        let total = self.total + add;
        if total > 100 {
            return Err(format!("{total} is over 100"));
        }
        Ok((
            Self {
                total,
                last_index: index,
            },
            total,
        ))
    }
}

fn open(dir: &std::path::Path) -> LocalGroup<Sum> {
    LocalGroup::open(&Env::real(), dir.to_owned(), Sum::default()).unwrap()
}

#[tokio::test]
async fn state_survives_restarts_with_and_without_a_clean_end() {
    let dir = tempfile::tempdir().unwrap();
    let group = open(dir.path());
    assert_eq!(group.propose(40).await.unwrap(), 40);
    assert_eq!(group.propose(2).await.unwrap(), 42);
    drop(group); // no close: replayed from the log
    let group = open(dir.path());
    assert_eq!(
        *group.state(),
        Sum {
            total: 42,
            last_index: 1
        }
    );
    assert_eq!(group.propose(8).await.unwrap(), 50);
    group.close().await.unwrap();
    let group = open(dir.path());
    assert_eq!(
        *group.state(),
        Sum {
            total: 50,
            last_index: 2
        }
    );
    assert_eq!(group.propose(1).await.unwrap(), 51);
    assert_eq!(group.state().last_index, 3, "an index is used once");
}

#[tokio::test]
async fn a_refused_command_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let group = open(dir.path());
    group.propose(100).await.unwrap();
    let refused = group.propose(1).await.unwrap_err();
    assert!(matches!(refused, GroupError::Rejected(reason) if reason == "101 is over 100"));
    assert_eq!(group.state().total, 100);
    drop(group);
    assert_eq!(open(dir.path()).state().total, 100);
}

#[tokio::test]
async fn many_proposers_are_answered_each_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let group = Arc::new(open(dir.path()));
    let proposers: Vec<_> = (0..100)
        .map(|_| {
            let group = group.clone();
            tokio::spawn(async move { group.propose(1).await.unwrap() })
        })
        .collect();
    let mut totals = Vec::new();
    for proposer in proposers {
        totals.push(proposer.await.unwrap());
    }
    totals.sort_unstable();
    assert_eq!(totals, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_close_nothing_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let group = open(dir.path());
    group.close().await.unwrap();
    assert!(matches!(group.propose(1).await, Err(GroupError::Unavailable(_))));
}

#[tokio::test]
async fn a_damaged_snapshot_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path()).unwrap();
    #[allow(clippy::disallowed_methods)]
    std::fs::write(dir.path().join("snapshot.json"), "{").unwrap();
    let error = LocalGroup::open(&Env::real(), dir.path().to_owned(), Sum::default())
        .err()
        .unwrap();
    assert!(
        error.contains("snapshot.json is not a metadata snapshot"),
        "{error}"
    );
}

/// The real disk under `dir`, which fails as the answered faults say.
fn open_on_faults(dir: &std::path::Path) -> (LocalGroup<Sum>, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let disk = FaultyDisk::new(Arc::new(RealDisk), Arc::clone(&faults));
    let env = Env {
        disk: Arc::new(disk),
        ..Env::real()
    };
    let group = LocalGroup::open(&env, dir.to_owned(), Sum::default()).unwrap();
    (group, faults)
}

/// So many commands that a snapshot is due, with as few flushes as can be.
async fn many(group: &Arc<LocalGroup<Sum>>) -> Vec<Result<u64, GroupError<String>>> {
    let proposers: Vec<_> = (0..store::SNAPSHOT_EVERY)
        .map(|_| {
            let group = Arc::clone(group);
            tokio::spawn(async move { group.propose(0).await })
        })
        .collect();
    let mut answers = Vec::new();
    for proposer in proposers {
        answers.push(proposer.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_costs_no_command() {
    let dir = tempfile::tempdir().unwrap();
    let (group, faults) = open_on_faults(dir.path());
    let group = Arc::new(group);
    let snapshot = dir.path().join("snapshot.json");
    faults.fail_where(Op::Write, "snapshot.json", Fault::Full);
    let answers = many(&group).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(!snapshot.exists());
    faults.fail_where(Op::Write, "nothing", Fault::Full);
    for _ in 0..100 {
        group.propose(0).await.unwrap();
    }
    assert!(snapshot.exists(), "it is tried again");
    drop(group);
    assert_eq!(open(dir.path()).state().last_index, store::SNAPSHOT_EVERY + 99);
}

#[tokio::test]
async fn a_snapshot_beside_a_log_that_lacks_its_commands_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let group = open(dir.path());
    group.propose(1).await.unwrap();
    group.close().await.unwrap();
    std::fs::remove_dir_all(dir.path().join("commands")).unwrap();
    let refused = LocalGroup::open(&Env::real(), dir.path().to_owned(), Sum::default());
    let error = refused.err().unwrap();
    assert!(error.contains("from the same backup"), "{error}");
}
