//! The sequencer against a model of an idempotent broker, over a network that loses, repeats and delays.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const RECORDS: u32 = 3;

/// A broker's memory of one producer on one partition: the epoch, and the last five batches.
#[derive(Default)]
struct BrokerModel {
    epoch: Option<i16>,
    recent: VecDeque<i32>,
    next: i32,
    log: Vec<u64>,
}

impl BrokerModel {
    fn append(&mut self, number: u64, stamp: Stamp) -> Attempt {
        let epoch = stamp.identity.epoch;
        match self.epoch {
            Some(known) if epoch < known => return Attempt::OutOfSequence,
            Some(known) if epoch > known && stamp.base_sequence != 0 => return Attempt::OutOfSequence,
            Some(known) if epoch > known => {
                self.recent.clear();
                self.next = 0;
            }
            // As Kafka does: an unknown producer may begin anywhere.
            None => self.next = stamp.base_sequence,
            _ => {}
        }
        if self.epoch == Some(epoch) && self.recent.contains(&stamp.base_sequence) {
            return Attempt::Stored;
        }
        if stamp.base_sequence != self.next {
            return Attempt::OutOfSequence;
        }
        self.epoch = Some(epoch);
        self.next = advance(self.next, RECORDS);
        self.recent.push_back(stamp.base_sequence);
        if self.recent.len() > 5 {
            self.recent.pop_front();
        }
        self.log.push(number);
        Attempt::Stored
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    Send,
    /// The broker handles the next request and its answer arrives.
    Answer,
    /// The broker handles the next request; the answer stays on the wire.
    Handle,
    /// The broker refuses the next request for now.
    Busy,
    /// The broker refuses the next batch for good.
    Refuse,
    /// The connection breaks; what was not handled may yet be, later.
    Break,
    /// A request of a broken connection is handled after all, before any of the next connection.
    Ghost,
    /// The oldest batch runs out of time.
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Push),
        10 => Just(Step::Send),
        6 => Just(Step::Answer),
        4 => Just(Step::Handle),
        1 => Just(Step::Busy),
        1 => Just(Step::Refuse),
        2 => Just(Step::Break),
        2 => Just(Step::Ghost),
        1 => Just(Step::Expire),
    ]
}

struct World {
    sequencer: Sequencer<u64>,
    broker: BrokerModel,
    wire: VecDeque<(u64, Stamp)>,
    answers: VecDeque<(u64, Attempt)>,
    ghosts: VecDeque<(u64, Stamp)>,
    pushed: u64,
    acknowledged: Vec<u64>,
    given_up: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let mut sequencer = Sequencer::new(true, 5);
        sequencer.identify(Identity { id: 7, epoch: 0 });
        Self {
            sequencer,
            broker: BrokerModel::default(),
            wire: VecDeque::new(),
            answers: VecDeque::new(),
            ghosts: VecDeque::new(),
            pushed: 0,
            acknowledged: Vec::new(),
            given_up: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Push => {
                self.sequencer.push(self.pushed, self.pushed, RECORDS);
                self.pushed += 1;
            }
            Step::Send => {
                if let Some((number, _, stamp)) = self.sequencer.next_to_send() {
                    self.wire.push_back((number, stamp.unwrap()));
                }
            }
            Step::Handle => self.handle(None),
            Step::Busy => self.handle(Some(Attempt::Again)),
            Step::Refuse => self.handle(Some(Attempt::Refused)),
            Step::Answer => {
                if self.answers.is_empty() {
                    self.handle(None);
                }
                if let Some((number, attempt)) = self.answers.pop_front() {
                    self.settle(number, attempt);
                }
            }
            Step::Break => self.break_connection(),
            Step::Ghost => {
                if let Some((number, stamp)) = self.ghosts.pop_front() {
                    self.broker.append(number, stamp);
                }
            }
            Step::Expire => {
                let oldest = self.sequencer.oldest().copied();
                let gone = self.sequencer.expire(|number| Some(*number) == oldest);
                self.given_up.extend(gone);
            }
        }
    }

    fn handle(&mut self, instead: Option<Attempt>) {
        if let Some((number, stamp)) = self.wire.pop_front() {
            // Brokers work off a broken connection before they come to what is sent over the next.
            self.ghosts.clear();
            let attempt = instead.unwrap_or_else(|| self.broker.append(number, stamp));
            self.answers.push_back((number, attempt));
        }
    }

    fn settle(&mut self, number: u64, attempt: Attempt) {
        if let Some(batch) = self.sequencer.settle(number, attempt) {
            match attempt {
                Attempt::Stored => self.acknowledged.push(batch),
                _ => self.given_up.push(batch),
            }
        }
    }

    fn break_connection(&mut self) {
        let lost: Vec<u64> = self
            .answers
            .drain(..)
            .map(|(number, _)| number)
            .chain(self.wire.iter().map(|(n, _)| *n))
            .collect();
        self.ghosts.extend(self.wire.drain(..));
        for number in lost {
            self.settle(number, Attempt::Again);
        }
    }

    fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.sequencer.is_empty() {
                return;
            }
            self.take(Step::Send);
            self.take(Step::Answer);
        }
        panic!("stuck: {:?}", self.sequencer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_log_holds_each_acknowledged_batch_once_and_in_order(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.finish();
        let log = &world.broker.log;
        for batch in &world.acknowledged {
            prop_assert_eq!(log.iter().filter(|stored| *stored == batch).count(), 1, "batch {} in {:?}", batch, log);
        }
        let settled = world.acknowledged.len() + world.given_up.len();
        prop_assert_eq!(settled as u64, world.pushed, "every batch is settled once");
        let order: Vec<u64> = log.iter().copied().filter(|batch| !world.given_up.contains(batch)).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
    }
}

#[test]
fn without_idempotence_nothing_is_stamped_and_retries_still_go_first() {
    let mut sequencer = Sequencer::new(false, 2);
    for number in 0..3 {
        sequencer.push(number, number, 1);
    }
    assert_eq!(
        sequencer.next_to_send().map(|(n, _, stamp)| (n, stamp)),
        Some((0, None))
    );
    assert_eq!(sequencer.next_to_send().map(|(n, ..)| n), Some(1));
    assert!(sequencer.next_to_send().is_none(), "two in flight at most");
    assert!(sequencer.settle(0, Attempt::Again).is_none());
    assert!(sequencer.next_to_send().is_none(), "the other is still in flight");
    assert_eq!(sequencer.settle(1, Attempt::Stored), Some(1));
    assert_eq!(sequencer.next_to_send().map(|(n, ..)| n), Some(0));
    assert_eq!(sequencer.next_to_send().map(|(n, ..)| n), Some(2));
}

#[test]
fn the_last_epoch_is_followed_by_a_new_producer_id() {
    let mut sequencer = Sequencer::new(true, 5);
    assert!(sequencer.wants_identity());
    sequencer.identify(Identity {
        id: 1,
        epoch: i16::MAX,
    });
    sequencer.push(0, 0, 1);
    assert!(sequencer.next_to_send().is_some());
    sequencer.settle(0, Attempt::OutOfSequence);
    assert!(sequencer.next_to_send().is_none());
    assert!(sequencer.wants_identity());
    sequencer.identify(Identity { id: 2, epoch: 0 });
    let stamp = sequencer.next_to_send().and_then(|(.., stamp)| stamp).unwrap();
    assert_eq!((stamp.identity.id, stamp.base_sequence), (2, 0));
}

/// A batch that was stored unheard of, and refused for now each time it is sent again, while all later ones are
/// stored, must still be recognised in the end.
#[test]
fn a_batch_that_is_refused_again_and_again_is_not_overtaken_out_of_the_brokers_memory() {
    use Step::{Answer, Break, Busy, Ghost, Push, Send};
    let mut world = World::new();
    let begin = [Push, Send, Answer, Push, Send, Break, Ghost];
    begin.into_iter().for_each(|step| world.take(step));
    for _ in 0..4 {
        let round = [Send, Busy, Push, Push, Push, Push, Send, Send, Send, Send];
        round.into_iter().for_each(|step| world.take(step));
        (0..5).for_each(|_| world.take(Answer));
    }
    world.finish();
    assert!(
        world.broker.log.is_sorted_by(|a, b| a < b),
        "{:?}",
        world.broker.log
    );
    assert_eq!(world.acknowledged.len() as u64, world.pushed);
}
