//! A response's share of the memory that all responses have which wait for their peers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::reader::ReadEnd;
use super::room::{LOOK_EVERY, Room};

/// Responses up to this size are not counted: the bound on connections covers them.
const UNCOUNTED: usize = 64 << 10;
/// The least that a peer must take, in each [`LOOK_EVERY`], of a response that has no share, or has one that others
/// wait for.
pub(super) const HURRIED: usize = 1 << 20;

/// What a response that waits for its peer takes, or waits for. A response that is small has none and needs none.
pub(super) struct Share<'a> {
    room: &'a Room,
    /// Given back when the response is gone.
    taken: Option<OwnedSemaphorePermit>,
    /// The place among those that wait for one.
    turn: Option<BoxFuture<'a, OwnedSemaphorePermit>>,
    look_at: Duration,
    left: usize,
}

impl<'a> Share<'a> {
    /// For `bytes` that wait from `now` on, on the monotonic clock.
    pub(super) fn new(room: &'a Room, bytes: usize, now: Duration) -> Self {
        // What is more than there is for all waits for all.
        let needed = bytes.min(room.bytes());
        let taken = match bytes > UNCOUNTED {
            true => room.try_take(needed),
            false => None,
        };
        let turn: Option<BoxFuture<'a, _>> = match bytes > UNCOUNTED && taken.is_none() {
            true => Some(Box::pin(room.take(needed))),
            false => None,
        };
        Self {
            room,
            taken,
            turn,
            look_at: now + LOOK_EVERY,
            left: bytes,
        }
    }

    /// Completes when there is a share after all.
    pub(super) async fn turn(&mut self) {
        match &mut self.turn {
            Some(turn) => self.taken = Some(turn.await),
            None => std::future::pending().await,
        }
        self.turn = None;
    }

    /// How long until the next look.
    pub(super) fn until_look(&self, now: Duration) -> Duration {
        match self.taken.is_some() || self.turn.is_some() {
            true => self.look_at.saturating_sub(now),
            false => Duration::MAX,
        }
    }

    /// To be called at [`Self::until_look`] or more often, with what is left to be taken.
    pub(super) fn look(&mut self, now: Duration, left: usize) -> Result<(), ReadEnd> {
        if now < self.look_at {
            return Ok(());
        }
        self.look_at = now + LOOK_EVERY;
        let took = std::mem::replace(&mut self.left, left).saturating_sub(left);
        let others_wait = self.taken.is_some() && self.room.is_crowded();
        match (self.turn.is_some() || others_wait) && took < HURRIED {
            true => Err(ReadEnd::Crowded),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const SMALL: usize = UNCOUNTED;
    const LARGE: usize = 8 << 20;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn a_peer_that_others_wait_for_must_hurry_and_one_alone_need_not() {
        let room = Room::new(LARGE);
        let mut first = Share::new(&room, LARGE, at(0));
        assert!(first.look(at(1), LARGE).is_ok(), "nobody waits");
        let mut second = Share::new(&room, LARGE, at(1));
        assert!(second.turn().now_or_never().is_none());
        assert!(first.look(at(2), LARGE - HURRIED).is_ok(), "it hurries");
        assert!(matches!(
            first.look(at(3), LARGE - HURRIED - 1),
            Err(ReadEnd::Crowded)
        ));
        drop(first);
        assert!(second.turn().now_or_never().is_some());
        assert!(second.look(at(9), LARGE).is_ok(), "nobody waits any more");
    }

    #[tokio::test]
    async fn one_without_a_share_must_hurry_and_a_small_one_needs_none() {
        let room = Room::new(LARGE);
        let held = room.take(LARGE).await;
        let mut without = Share::new(&room, LARGE, at(0));
        assert!(without.look(at(0), LARGE).is_ok(), "it has a moment");
        assert!(matches!(without.look(at(1), LARGE), Err(ReadEnd::Crowded)));
        let mut small = Share::new(&room, SMALL, at(0));
        assert!(small.look(at(60), SMALL).is_ok());
        assert_eq!(small.until_look(at(0)), Duration::MAX);
        drop(held);
    }

    #[tokio::test]
    async fn more_than_there_is_waits_for_all() {
        let room = Room::new(LARGE);
        let held = room.take(1).await;
        let mut larger = Share::new(&room, LARGE * 2, at(0));
        assert!(larger.turn().now_or_never().is_none());
        drop(held);
        assert!(larger.turn().now_or_never().is_some());
    }
}
