//! What clients of a classic group notice, and what must hold whatever they do.

mod property;
mod rebalance;
mod restart;
mod static_members;
mod timeouts;

use std::collections::BTreeMap;

use super::*;
use crate::group::records::ClassicMetadata;

const DELAY: u64 = 50;
const SESSION: u64 = 10_000;
const REBALANCE: u64 = 60_000;

fn limits() -> Limits {
    Limits {
        initial_delay_ms: DELAY,
        max_members: 4,
        max_bytes: 1_000,
    }
}

/// A group, the time, and the answers that came.
struct World {
    group: ClassicGroup,
    now: u64,
    tokens: u64,
    joined: BTreeMap<Token, JoinReply>,
    synced: BTreeMap<Token, SyncReply>,
    stored: Vec<ClassicMetadata>,
}

/// A join of a client that knows the newest version, but for the member id.
fn asks(member_id: &str) -> JoinRequest {
    JoinRequest {
        token: Token(0),
        member_id: member_id.to_owned(),
        new_member_id: String::new(),
        instance_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![("range".to_owned(), Bytes::from_static(b"all"))],
        require_member_id: false,
        knows_skip: true,
    }
}

fn offering(member_id: &str, protocols: &[&str]) -> JoinRequest {
    let protocols = protocols
        .iter()
        .map(|name| ((*name).to_owned(), Bytes::from_static(b"all")));
    JoinRequest {
        protocols: protocols.collect(),
        ..asks(member_id)
    }
}

fn instance(name: &str) -> JoinRequest {
    JoinRequest {
        instance_id: Some(name.to_owned()),
        ..asks("")
    }
}

impl World {
    fn new() -> Self {
        Self::with(limits())
    }

    fn with(limits: Limits) -> Self {
        Self {
            group: ClassicGroup::new(limits),
            now: 1_000,
            tokens: 0,
            joined: BTreeMap::new(),
            synced: BTreeMap::new(),
            stored: Vec::new(),
        }
    }

    /// A stable group of `n` members m1, m2 and so on; m1 leads. Each is assigned its own name.
    fn stable(n: usize) -> Self {
        let mut world = Self::new();
        for _ in 0..n {
            world.join(asks(""));
        }
        world.pass(DELAY);
        world.pass(DELAY);
        world.sync_all();
        assert_eq!(world.group.state_name(), "Stable");
        world
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    fn run<R>(&mut self, step: impl FnOnce(&mut ClassicGroup, u64, &mut Effects) -> R) -> R {
        let mut effects = Effects::new();
        let result = step(&mut self.group, self.now, &mut effects);
        for effect in effects {
            match effect {
                Effect::Joined(token, reply) => {
                    assert_eq!(self.joined.insert(token, *reply), None, "answered twice");
                }
                Effect::Synced(token, reply) => {
                    assert_eq!(self.synced.insert(token, reply), None, "answered twice");
                }
                Effect::Store => self.stored.push(self.group.metadata()),
            }
        }
        result
    }

    fn join(&mut self, mut request: JoinRequest) -> Token {
        let token = self.token();
        request.token = token;
        request.new_member_id = format!("m{}", token.0);
        self.run(|group, now, effects| group.join(now, request, effects));
        token
    }

    /// The error of a join that is answered at once.
    #[track_caller]
    fn refused(&mut self, request: JoinRequest) -> ResponseError {
        let token = self.join(request);
        self.joined[&token].error.expect("refused")
    }

    fn sync_with(&mut self, member_id: &str, assignments: &[(&str, &[u8])]) -> Token {
        let token = self.token();
        let request = SyncRequest {
            token,
            generation: self.group.generation(),
            member_id: member_id.to_owned(),
            instance_id: None,
            protocol_type: None,
            protocol: None,
            assignments: assignments
                .iter()
                .map(|(id, part)| ((*id).to_owned(), Bytes::copy_from_slice(part)))
                .collect(),
        };
        self.run(|group, now, effects| group.sync(now, request, effects));
        token
    }

    fn sync(&mut self, member_id: &str) -> Token {
        self.sync_with(member_id, &[])
    }

    /// Every member syncs, and the leader assigns to each its own name.
    fn sync_all(&mut self) {
        let ids: Vec<String> = self.group.members().map(|m| m.id.clone()).collect();
        for id in &ids {
            let leads = self.group.leader.as_deref() == Some(id);
            let parts: Vec<(&str, &[u8])> = ids.iter().map(|id| (id.as_str(), id.as_bytes())).collect();
            self.sync_with(id, if leads { &parts } else { &[] });
        }
    }

    fn heartbeat(&mut self, member_id: &str) -> Result<(), ResponseError> {
        let generation = self.group.generation();
        self.run(|group, now, _| group.heartbeat(now, (member_id, None), generation))
    }

    fn commit(&mut self, member_id: &str, generation: i32) -> Result<(), ResponseError> {
        self.run(|group, now, _| group.check_commit(now, (member_id, None), generation))
    }

    fn leave(&mut self, member_id: &str, instance_id: Option<&str>) -> Result<(), ResponseError> {
        let who = LeaveIdentity {
            member_id: member_id.to_owned(),
            instance_id: instance_id.map(str::to_owned),
        };
        self.run(|group, now, effects| group.leave(now, &who, effects))
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.run(|group, now, effects| group.tick(now, effects));
    }

    /// Time passes while these members heartbeat.
    fn pass_beating(&mut self, ms: u64, members: &[&str]) {
        let end = self.now + ms;
        while self.now < end {
            for member in members {
                // A rebalance is an answer too: the session goes on.
                let _ = self.heartbeat(member);
            }
            self.pass((SESSION / 2).min(end - self.now));
        }
    }

    fn ids(&self) -> Vec<&str> {
        self.group.members().map(|m| m.id.as_str()).collect()
    }
}
