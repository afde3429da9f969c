//! Incremental fetch sessions (KIP-227): a client names its partitions once, and later only changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Sessions kept at once. The one that rested longest gives way; its client starts another.
const MOST: usize = 2_000;
/// A client with more partitions than this gets no session: it names them each time.
pub(crate) const MOST_PARTITIONS: usize = 10_000;

/// What a client wants of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) fetch_offset: i64,
    pub(crate) max_bytes: i32,
    pub(crate) current_leader_epoch: i32,
}

/// What a client was last told of a partition: a change is told even when there is no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: i64,
    pub(crate) log_start: i64,
}

/// Nothing yet, so that whatever there is gets told.
const NOTHING: Told = Told {
    high_watermark: -1,
    log_start: -1,
};

/// A partition as the client names its topic: by id from version 13 on, by name before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) index: i32,
}

/// Partitions in the order in which they are to be looked at.
pub(crate) type Wishes = Vec<(Named, Wanted)>;

/// The partitions of one client.
#[derive(Debug, Default)]
pub(crate) struct Session {
    epoch: i32,
    partitions: BTreeMap<Named, (Wanted, Told)>,
    /// Where the next look begins: a partition that is always full must not starve those after it.
    turn: Option<Named>,
    used: u64,
}

impl Session {
    /// Takes in what a request changes.
    pub(crate) fn change(&mut self, forgotten: impl IntoIterator<Item = Named>, named: Wishes) {
        for gone in forgotten {
            self.partitions.remove(&gone);
        }
        for (name, wanted) in named {
            let told = self.partitions.get(&name).map_or(NOTHING, |(_, told)| *told);
            self.partitions.insert(name, (wanted, told));
        }
    }

    /// All that is wanted, the partition whose turn it is first.
    pub(crate) fn wishes(&self) -> Wishes {
        let wish = |(name, (wanted, _)): (&Named, &(Wanted, Told))| (name.clone(), wanted.clone());
        match &self.turn {
            None => self.partitions.iter().map(wish).collect(),
            Some(turn) => {
                let rest = self.partitions.range(turn..).map(wish);
                rest.chain(self.partitions.range(..turn).map(wish)).collect()
            }
        }
    }

    /// Notes what a client is told; says whether that is news. After data it is another partition's turn.
    pub(crate) fn tell(&mut self, name: &Named, now: Told, data: bool) -> bool {
        if data {
            let after = (std::ops::Bound::Excluded(name), std::ops::Bound::Unbounded);
            self.turn = self.partitions.range(after).next().map(|(next, _)| next.clone());
        }
        match self.partitions.get_mut(name) {
            None => true,
            Some((_, told)) => std::mem::replace(told, now) != now,
        }
    }
}

/// All sessions of a broker.
#[derive(Debug, Default)]
pub(crate) struct FetchSessions {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: BTreeMap<i32, Arc<Mutex<Session>>>,
    used: u64,
}

/// Why a session cannot go on; the client starts another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SessionError {
    NotFound,
    WrongEpoch,
}

impl FetchSessions {
    /// Starts a session with all of `wishes` under a fresh id, made from `random`.
    pub(crate) fn start(&self, random: u64, wishes: Wishes) -> (i32, Arc<Mutex<Session>>) {
        let mut session = Session {
            epoch: 1,
            ..Session::default()
        };
        session.change([], wishes);
        let mut inner = self.lock();
        if inner.sessions.len() >= MOST {
            inner.drop_oldest();
        }
        inner.used += 1;
        session.used = inner.used;
        let mut id = (random & 0x7fff_ffff) as i32;
        while id == 0 || inner.sessions.contains_key(&id) {
            id = id.wrapping_add(1) & i32::MAX;
        }
        let session = Arc::new(Mutex::new(session));
        inner.sessions.insert(id, Arc::clone(&session));
        (id, session)
    }

    /// The session `id`, if `epoch` is the next one that it expects.
    pub(crate) fn resume(&self, id: i32, epoch: i32) -> Result<Arc<Mutex<Session>>, SessionError> {
        let mut inner = self.lock();
        inner.used += 1;
        let used = inner.used;
        let session = inner.sessions.get(&id).cloned().ok_or(SessionError::NotFound)?;
        let mut open = session.lock().unwrap_or_else(PoisonError::into_inner);
        if open.epoch != epoch {
            return Err(SessionError::WrongEpoch);
        }
        open.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        open.used = used;
        drop(open);
        Ok(session)
    }

    pub(crate) fn close(&self, id: i32) {
        self.lock().sessions.remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn drop_oldest(&mut self) {
        let used =
            |session: &Arc<Mutex<Session>>| session.lock().unwrap_or_else(PoisonError::into_inner).used;
        let oldest = self
            .sessions
            .iter()
            .min_by_key(|(_, session)| used(session))
            .map(|(id, _)| *id);
        oldest.and_then(|id| self.sessions.remove(&id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(index: i32) -> Named {
        Named {
            name: Arc::from("t"),
            id: Uuid::nil(),
            index,
        }
    }

    fn wishes(indexes: &[i32]) -> Wishes {
        let wanted = Wanted {
            fetch_offset: 0,
            max_bytes: 1,
            current_leader_epoch: -1,
        };
        indexes
            .iter()
            .map(|index| (named(*index), wanted.clone()))
            .collect()
    }

    fn order(session: &Session) -> Vec<i32> {
        session.wishes().iter().map(|(name, _)| name.index).collect()
    }

    #[test]
    fn a_session_goes_on_by_its_epochs() {
        let sessions = FetchSessions::default();
        let (id, _) = sessions.start(9, Vec::new());
        assert!(id > 0);
        assert!(sessions.resume(id, 1).is_ok());
        assert_eq!(sessions.resume(id, 1).err(), Some(SessionError::WrongEpoch));
        assert!(sessions.resume(id, 2).is_ok());
        assert_eq!(sessions.resume(id + 1, 1).err(), Some(SessionError::NotFound));
        sessions.close(id);
        assert_eq!(sessions.resume(id, 3).err(), Some(SessionError::NotFound));
    }

    #[test]
    fn the_session_that_rested_longest_gives_way() {
        let sessions = FetchSessions::default();
        let (first, _) = sessions.start(1, Vec::new());
        let (second, _) = sessions.start(2, Vec::new());
        for random in 2..MOST as u64 {
            sessions.start(random + 1, Vec::new());
        }
        sessions.resume(first, 1).unwrap();
        sessions.start(MOST as u64 + 1, Vec::new());
        assert!(sessions.resume(first, 2).is_ok());
        assert_eq!(sessions.resume(second, 1).err(), Some(SessionError::NotFound));
    }

    #[test]
    fn a_partition_with_data_lets_the_next_one_go_first() {
        let mut session = Session::default();
        session.change([], wishes(&[0, 1, 2]));
        let told = Told {
            high_watermark: 5,
            log_start: 0,
        };
        session.tell(&named(0), told, true);
        assert_eq!(order(&session), [1, 2, 0]);
        session.tell(&named(2), told, true);
        assert_eq!(order(&session), [0, 1, 2]);
        session.change([named(1)], Vec::new());
        assert_eq!(order(&session), [0, 2]);
    }

    #[test]
    fn what_was_told_is_no_news() {
        let mut session = Session::default();
        session.change([], wishes(&[0]));
        let told = Told {
            high_watermark: 5,
            log_start: 0,
        };
        assert!(session.tell(&named(0), told, false));
        assert!(!session.tell(&named(0), told, false));
        session.change([], wishes(&[0]));
        assert!(
            !session.tell(&named(0), told, false),
            "a new position is no reason to tell again"
        );
        assert!(session.tell(&named(0), Told { log_start: 1, ..told }, false));
    }
}
