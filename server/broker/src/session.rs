//! Incremental fetch sessions (KIP-227): a client names its partitions once, and later only changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Sessions kept at once. The one that rested longest gives way; its client starts another.
const MOST: usize = 2_000;

/// What a client wants of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) fetch_offset: i64,
    pub(crate) max_bytes: i32,
    pub(crate) current_leader_epoch: i32,
    /// What the client was last told: a change is told even when there is no data.
    pub(crate) told_high_watermark: i64,
    pub(crate) told_log_start: i64,
}

/// A topic as the client names it: by id from version 13 on, by name before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) name: String,
    pub(crate) id: Uuid,
}

/// The partitions of one client, in its order of naming.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) epoch: i32,
    pub(crate) partitions: BTreeMap<(Name, i32), Wanted>,
    used: u64,
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
    /// Starts a session under a fresh id, made from `random`.
    pub(crate) fn start(&self, random: u64, partitions: BTreeMap<(Name, i32), Wanted>) -> i32 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.sessions.len() >= MOST {
            inner.drop_oldest();
        }
        inner.used += 1;
        let used = inner.used;
        let mut id = (random & 0x7fff_ffff) as i32;
        while id == 0 || inner.sessions.contains_key(&id) {
            id = id.wrapping_add(1) & i32::MAX;
        }
        inner.sessions.insert(
            id,
            Arc::new(Mutex::new(Session {
                epoch: 1,
                partitions,
                used,
            })),
        );
        id
    }

    /// The session `id`, if `epoch` is the next one that it expects.
    pub(crate) fn resume(&self, id: i32, epoch: i32) -> Result<Arc<Mutex<Session>>, SessionError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sessions
            .remove(&id);
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

    #[test]
    fn a_session_goes_on_by_its_epochs() {
        let sessions = FetchSessions::default();
        let id = sessions.start(9, BTreeMap::new());
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
        let first = sessions.start(1, BTreeMap::new());
        let second = sessions.start(1, BTreeMap::new());
        for _ in 2..MOST {
            sessions.start(1, BTreeMap::new());
        }
        sessions.resume(first, 1).unwrap();
        sessions.start(1_000_000, BTreeMap::new());
        assert!(sessions.resume(first, 2).is_ok());
        assert_eq!(sessions.resume(second, 1).err(), Some(SessionError::NotFound));
    }
}
