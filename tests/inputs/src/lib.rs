//! Every place where bytes from outside enter the server or the client, as a function of any bytes at all.
//!
//! **Purpose.** A [`Target`] takes bytes, does with them what the product does, and panics when a promise is broken:
//! not when the bytes are wrong, for then the product answers with an error. The fuzzer (`tests/fuzz`,
//! `cargo xtask fuzz`) runs the targets for as long as it is let; the tests of this crate run them on every
//! build, over sound inputs ([`Target::seeds`]) with bytes changed, and over what the fuzzer once found
//! (`regressions/`).
//!
//! **Must not know.** The fuzzer. A target is deterministic: the same bytes, the same outcome.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a target panics when a promise is broken"
)]

mod batches;
mod frames;
mod group_records;
mod messages;
mod recovery;

/// One entry, by name.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of the fuzz target and of the directory of its regressions.
    pub name: &'static str,
    /// Takes any bytes; panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Sound inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const ALL: &[Target] = &[
    FRAMES,
    REQUESTS,
    RESPONSES,
    MEMBERS,
    BATCHES,
    RECOVERY,
    GROUP_RECORDS,
];

/// A byte stream cut into frames, as it arrives in pieces.
pub const FRAMES: Target = Target {
    name: "frames",
    run: frames::run,
    seeds: frames::seeds,
};

/// A request of any served API and version.
pub const REQUESTS: Target = Target {
    name: "requests",
    run: messages::run_request,
    seeds: messages::request_seeds,
};

/// A response of any API and version, as a client gets it.
pub const RESPONSES: Target = Target {
    name: "responses",
    run: messages::run_response,
    seeds: messages::response_seeds,
};

/// What group members tell each other: subscriptions and assignments.
pub const MEMBERS: Target = Target {
    name: "members",
    run: messages::run_member,
    seeds: messages::member_seeds,
};

/// A run of record batches: headers, checksums, records, codecs.
pub const BATCHES: Target = Target {
    name: "batches",
    run: batches::run,
    seeds: batches::seeds,
};

/// A log's directory as a crash left it.
pub const RECOVERY: Target = Target {
    name: "recovery",
    run: recovery::run,
    seeds: recovery::seeds,
};

/// A record of the topic that groups are kept in.
pub const GROUP_RECORDS: Target = Target {
    name: "group_records",
    run: group_records::run,
    seeds: group_records::seeds,
};

/// The target of that name, if there is one.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

/// Takes `N` bytes off the front; zeroes stand for what is not there.
fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let have = N.min(data.len());
    taken[..have].copy_from_slice(&data[..have]);
    *data = &data[have..];
    taken
}

/// Takes a part whose length stands in front of it (two bytes); shorter when there is less.
fn part<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(u16::from_be_bytes(take(data)));
    let (part, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    part
}

/// The reverse of [`part`].
fn with_length(out: &mut Vec<u8>, part: &[u8]) {
    let length = u16::try_from(part.len()).expect("seeds are small");
    out.extend(length.to_be_bytes());
    out.extend(part);
}
