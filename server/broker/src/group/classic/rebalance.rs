//! Rebalances: when they start, when they are done, and what time does to them.

use std::collections::BTreeMap;

use tidemill_wire::kafka::error::ResponseError;

use super::{ClassicGroup, Effect, Effects, Initial, Preparing, State, SyncReply, Unsynced};

impl ClassicGroup {
    /// Starts a rebalance unless one runs; ends it if all have joined already.
    pub(super) fn prepare_rebalance(&mut self, now: u64, effects: &mut Effects) {
        match &self.state {
            State::Preparing(_) => {}
            State::Empty => {
                let longest = self.rebalance_timeout();
                let delay = self.limits.initial_delay_ms.min(longest);
                let initial = Initial {
                    hard_deadline: now.saturating_add(longest),
                    grew: false,
                };
                self.state = State::Preparing(Preparing {
                    deadline: now.saturating_add(delay),
                    initial: (delay > 0).then_some(initial),
                });
            }
            State::Completing | State::Stable => {
                self.cancel_syncs(now, effects);
                let deadline = now.saturating_add(self.rebalance_timeout());
                self.state = State::Preparing(Preparing {
                    deadline,
                    initial: None,
                });
            }
        }
        self.try_complete_join(now, effects);
    }

    fn cancel_syncs(&mut self, now: u64, effects: &mut Effects) {
        self.unsynced = Unsynced::default();
        for member in self.members.values_mut() {
            if let Some(token) = member.sync.take() {
                member.touch(now);
                effects.push(Effect::Synced(
                    token,
                    SyncReply::error(ResponseError::RebalanceInProgress),
                ));
            }
        }
    }

    /// The longest that any member may take to join again.
    pub(super) fn rebalance_timeout(&self) -> u64 {
        let longest = self
            .members
            .values()
            .map(|m| m.rebalance_timeout_ms)
            .max()
            .unwrap_or(0);
        u64::try_from(longest).unwrap_or(0)
    }

    /// Ends the wait for members once everyone is there, save for a group's first rebalance.
    pub(super) fn try_complete_join(&mut self, now: u64, effects: &mut Effects) {
        let State::Preparing(preparing) = &self.state else {
            return;
        };
        // A first rebalance waits for its time, unless all who came have gone again.
        if preparing.initial.is_some() && !self.members.is_empty() {
            return;
        }
        if self.pending.is_empty() && self.members.values().all(|m| m.join.is_some()) {
            self.complete_join(now, effects);
        }
    }

    /// The wait for members is over: whoever joined makes the next generation.
    fn complete_join(&mut self, now: u64, effects: &mut Effects) {
        let missing: Vec<String> = self
            .members
            .values()
            .filter(|m| m.join.is_none() && m.instance_id.is_none())
            .map(|m| m.id.clone())
            .collect();
        for id in missing {
            self.drop_member(&id, effects);
        }
        if self.members.is_empty() {
            self.generation = self.generation.wrapping_add(1).max(0);
            self.state = State::Empty;
            self.protocol = None;
            self.leader = None;
            effects.push(Effect::Store);
            return;
        }
        if !self.elect_joined_leader() {
            // Only static members are left, and none has joined: their sessions decide.
            let deadline = now.saturating_add(self.rebalance_timeout().max(1));
            self.state = State::Preparing(Preparing {
                deadline,
                initial: None,
            });
            return;
        }
        self.start_generation(now, effects);
    }

    /// The leader must be someone who is here to assign.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &String| self.members.get(id).is_some_and(|m| m.join.is_some());
        if !self.leader.as_ref().is_some_and(joined) {
            let next = self
                .members
                .values()
                .find(|m| m.join.is_some())
                .map(|m| m.id.clone());
            if next.is_none() {
                return false;
            }
            self.leader = next;
        }
        true
    }

    fn start_generation(&mut self, now: u64, effects: &mut Effects) {
        self.generation = self.generation.wrapping_add(1).max(0);
        self.protocol = self.select_protocol();
        let joined: Vec<_> = self
            .members
            .values()
            .filter_map(|m| m.join.map(|token| (m.id.clone(), token)))
            .collect();
        self.state = State::Completing;
        // Static members that have not joined are of the generation as well, and are to come.
        let deadline = now.saturating_add(self.rebalance_timeout());
        self.unsynced = Unsynced::new(self.members.keys(), deadline);
        for (id, token) in joined {
            let reply = self.current_reply(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.join = None;
                member.first_join_deadline = None;
                member.touch(now);
            }
            effects.push(Effect::Joined(token, Box::new(reply)));
        }
    }

    /// The protocol that all support and most prefer; among equals, the leader's first.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        let first = leader.or_else(|| self.members.values().next())?;
        let common: Vec<&str> = first
            .protocols
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| self.members.values().all(|m| m.supports(name)))
            .collect();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = member
                .protocols
                .iter()
                .find(|(name, _)| common.contains(&name.as_str()));
            if let Some((name, _)) = choice {
                *votes.entry(name.as_str()).or_default() += 1;
            }
        }
        let most = votes.values().max().copied()?;
        common
            .into_iter()
            .find(|name| votes.get(name) == Some(&most))
            .map(str::to_owned)
    }

    /// When [`ClassicGroup::tick`] has something to do next; `None` when nothing waits for time.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let of_state = match &self.state {
            State::Preparing(preparing) => Some(preparing.deadline),
            State::Completing | State::Stable => self.unsynced.deadline(),
            State::Empty => None,
        };
        let members = self.members.values().filter_map(|m| m.deadline());
        members
            .chain(self.pending.values().copied())
            .chain(of_state)
            .min()
    }

    /// Time has come: removes whoever was not heard of, and ends waits.
    pub(crate) fn tick(&mut self, now: u64, effects: &mut Effects) {
        let reserved = self.pending.len();
        self.pending.retain(|_, deadline| *deadline > now);
        if self.pending.len() != reserved {
            self.try_complete_join(now, effects);
        }
        let silent = |m: &super::Member| m.deadline().is_some_and(|deadline| deadline <= now);
        let expired: Vec<String> = self
            .members
            .values()
            .filter(|m| silent(m))
            .map(|m| m.id.clone())
            .collect();
        for id in expired {
            // What removing another did may have woken this one.
            if self.members.get(&id).is_some_and(silent) {
                self.remove_member(now, &id, effects);
            }
        }
        self.tick_state(now, effects);
    }

    fn tick_state(&mut self, now: u64, effects: &mut Effects) {
        match &mut self.state {
            State::Preparing(preparing) if preparing.deadline <= now => {
                let delay = self.limits.initial_delay_ms;
                if let Some(initial) = &mut preparing.initial
                    && initial.grew
                    && now < initial.hard_deadline
                {
                    initial.grew = false;
                    preparing.deadline = now.saturating_add(delay).min(initial.hard_deadline);
                } else {
                    self.complete_join(now, effects);
                }
            }
            State::Completing | State::Stable if self.unsynced.deadline().is_some_and(|at| at <= now) => {
                // Its client may heartbeat for ever and yet never know its part.
                for id in std::mem::take(&mut self.unsynced).into_members() {
                    self.drop_member(&id, effects);
                }
                self.prepare_rebalance(now, effects);
            }
            State::Empty | State::Preparing(_) | State::Completing | State::Stable => {}
        }
    }
}
