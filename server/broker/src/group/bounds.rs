//! Bounds on what clients may make the coordinator remember. Bounds of whole groups are settings:
//! [`super::GroupConfig`].

use super::records::clip;

/// Longest group, member, instance or rack id and protocol name, in bytes. Kafka's own bound is what
/// 16 bits of length hold; no client comes near this one.
pub(crate) const MAX_ID_BYTES: usize = 1_024;
/// Assignors that one member of a classic group may offer. Consumers offer one or two.
pub(crate) const MAX_PROTOCOLS: usize = 64;
/// Longest subscription by expression, in bytes.
pub(crate) const MAX_REGEX_BYTES: usize = 32 << 10;
/// Different expressions in one group: each is kept compiled.
pub(crate) const MAX_PATTERNS: usize = 64;
/// What is kept of a client id, in bytes: it only serves to be shown.
const CLIENT_ID_BYTES: usize = 255;

/// A client id as groups keep it.
pub(crate) fn client_id(id: &str) -> String {
    clip(id, CLIENT_ID_BYTES).to_owned()
}
