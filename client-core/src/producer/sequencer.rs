//! Order and exactly-once for one partition, as a state machine without IO (KIP-98, KIP-360).
//!
//! Batches leave in the order they were pushed, a few in flight at a time, each stamped with a sequence number. When
//! one must be sent again, nothing new leaves until everything in flight is answered; then all go again in order,
//! with the stamps they had, so that the broker recognises those it stored already.
//!
//! A gap in the sequence (a batch refused or expired before the others) shows as "out of order" on the oldest batch.
//! That answer proves that neither it nor any later one was stored, so the epoch is raised and numbering starts anew.
//! The new epoch fences copies still in the network once its first batch is stored; a copy of an abandoned connection
//! that a broker handles after the proof and before that batch would not be recognised (as in Kafka's own client).

use std::collections::VecDeque;

/// Who the broker thinks is producing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// What a batch is marked with on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) identity: Identity,
    pub(crate) base_sequence: i32,
}

/// How one attempt to send a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Stored, now or by an earlier attempt.
    Stored,
    /// Not stored as far as known; the same bytes may be sent again.
    Again,
    /// The broker expected another sequence number or epoch.
    OutOfSequence,
    /// Refused for good.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    InFlight,
    Again,
}

#[derive(Debug)]
struct Slot<B> {
    number: u64,
    batch: B,
    records: u32,
    state: State,
    stamp: Option<Stamp>,
    /// How many batches were stamped before this one; set with the stamp.
    ordinal: u64,
}

/// A broker recognises a batch that is sent again among the last this many of its producer.
const REMEMBERED: u64 = 5;

/// The batches of one partition that are not settled yet.
#[derive(Debug)]
pub(crate) struct Sequencer<B> {
    /// `None`: not idempotent, or waiting for an identity if `idempotent`.
    identity: Option<Identity>,
    idempotent: bool,
    most_in_flight: usize,
    next_sequence: i32,
    /// Batches stamped so far.
    stamped: u64,
    slots: VecDeque<Slot<B>>,
    in_flight: usize,
    restart: bool,
    /// Whether the broker has stored a batch of this identity. Until then one is in flight at a time: a broker that
    /// does not know the producer takes any sequence number as its first, so a second batch could overtake.
    established: bool,
}

impl<B> Sequencer<B> {
    pub(crate) fn new(idempotent: bool, most_in_flight: usize) -> Self {
        Self {
            identity: None,
            idempotent,
            most_in_flight,
            next_sequence: 0,
            stamped: 0,
            slots: VecDeque::new(),
            in_flight: 0,
            restart: false,
            established: false,
        }
    }

    /// Gives the identity to stamp with. Ignored while there is one.
    pub(crate) fn identify(&mut self, identity: Identity) {
        if self.identity.is_none() {
            self.identity = Some(identity);
            self.next_sequence = 0;
            self.established = false;
        }
    }

    /// Whether nothing can leave before [`Self::identify`].
    pub(crate) fn wants_identity(&self) -> bool {
        self.idempotent && self.identity.is_none()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether a batch pushed now could leave at once.
    pub(crate) fn has_room(&self) -> bool {
        self.slots.len() < self.allowed_in_flight()
            && self.slots.iter().all(|slot| slot.state == State::InFlight)
    }

    fn allowed_in_flight(&self) -> usize {
        if self.idempotent && !self.established {
            1
        } else {
            self.most_in_flight
        }
    }

    /// Adds a batch at the end. `number` names it in the answers and must be new.
    pub(crate) fn push(&mut self, number: u64, batch: B, records: u32) {
        self.slots.push_back(Slot {
            number,
            batch,
            records,
            state: State::Queued,
            stamp: None,
            ordinal: 0,
        });
    }

    /// The next batch to put on the wire, now counted as in flight, and its stamp (`None` if not idempotent).
    /// `None` when nothing may leave yet.
    pub(crate) fn next_to_send(&mut self) -> Option<(u64, &mut B, Option<Stamp>)> {
        if self.in_flight == 0 {
            self.recover();
        }
        let recovering = self.restart || self.slots.iter().any(|slot| slot.state == State::Again);
        if recovering || self.in_flight >= self.allowed_in_flight() || self.wants_identity() {
            return None;
        }
        let at = self.slots.iter().position(|slot| slot.state == State::Queued)?;
        if !self.may_stamp() && self.slots.get(at).is_some_and(|slot| slot.stamp.is_none()) {
            return None;
        }
        let slot = self.slots.get_mut(at)?;
        if let (Some(identity), None) = (self.identity, slot.stamp) {
            slot.ordinal = self.stamped;
            self.stamped += 1;
            slot.stamp = Some(Stamp {
                identity,
                base_sequence: self.next_sequence,
            });
            self.next_sequence = advance(self.next_sequence, slot.records);
        }
        slot.state = State::InFlight;
        self.in_flight += 1;
        Some((slot.number, &mut slot.batch, slot.stamp))
    }

    /// Whether the oldest batch, were it stored already, would still be recognised after one more is stored.
    /// It may have been sent several times while later ones were stored.
    fn may_stamp(&self) -> bool {
        let oldest = self.slots.front().filter(|slot| slot.stamp.is_some());
        self.identity.is_none() || oldest.is_none_or(|slot| self.stamped - slot.ordinal < REMEMBERED)
    }

    /// Everything in flight is answered: whatever must go again is queued again, in its place.
    fn recover(&mut self) {
        if self.restart {
            self.restart = false;
            self.established = false;
            self.next_sequence = 0;
            self.slots.iter_mut().for_each(|slot| slot.stamp = None);
            self.identity = self.identity.and_then(|Identity { id, epoch }| {
                // Past the last epoch a new producer id is needed.
                epoch.checked_add(1).map(|epoch| Identity { id, epoch })
            });
        }
        for slot in &mut self.slots {
            if slot.state == State::Again {
                slot.state = State::Queued;
            }
        }
    }

    /// Takes in how an attempt ended. Gives the batch back if that settles it.
    pub(crate) fn settle(&mut self, number: u64, attempt: Attempt) -> Option<B> {
        let at = self
            .slots
            .iter()
            .position(|slot| slot.number == number && slot.state == State::InFlight)?;
        self.in_flight -= 1;
        self.established |= attempt == Attempt::Stored;
        match attempt {
            // The numbers of a refused batch stay used: the next one's answer tells whether they are a gap.
            Attempt::Stored | Attempt::Refused => self.slots.remove(at).map(|slot| slot.batch),
            Attempt::Again | Attempt::OutOfSequence => {
                // Only on the oldest batch does it prove a gap; on others it may just follow from an earlier failure.
                self.restart |= attempt == Attempt::OutOfSequence && at == 0;
                self.slots.get_mut(at)?.state = State::Again;
                None
            }
        }
    }

    /// Takes out the batches, not in flight, for which `expired` holds.
    ///
    /// One that was sent before may have been stored. Its numbers stay used: if it was not stored, the next batch is
    /// answered "out of order", and numbering starts anew.
    pub(crate) fn expire(&mut self, expired: impl Fn(&B) -> bool) -> Vec<B> {
        let mut gone = Vec::new();
        let mut at = 0;
        while let Some(slot) = self.slots.get(at) {
            if slot.state != State::InFlight && expired(&slot.batch) {
                gone.extend(self.slots.remove(at).map(|slot| slot.batch));
            } else {
                at += 1;
            }
        }
        gone
    }

    /// The oldest batch not settled.
    pub(crate) fn oldest(&self) -> Option<&B> {
        self.slots.front().map(|slot| &slot.batch)
    }

    /// Gives up on everything.
    pub(crate) fn clear(&mut self) -> Vec<B> {
        self.in_flight = 0;
        self.restart |= self.idempotent && !self.slots.is_empty();
        self.slots.drain(..).map(|slot| slot.batch).collect()
    }
}

/// Sequence numbers run from 0 to `i32::MAX` and around.
fn advance(sequence: i32, records: u32) -> i32 {
    let sum = i64::from(sequence) + i64::from(records);
    i32::try_from(sum % (1 << 31)).unwrap_or(0)
}

#[cfg(test)]
#[path = "sequencer_tests.rs"]
mod tests;
