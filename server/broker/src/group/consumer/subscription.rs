//! From topic names and expressions to the topics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use rustc_hash::FxHasher;
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

use super::assignor::{self, AssignorInput, AssignorMember};
use super::{ConsumerGroup, Refusal};
use crate::group::bounds::MAX_PATTERNS;
use crate::group::records::MemberMetadata;
use crate::group::topics::Topics;

/// Memory that one compiled expression may take, in bytes.
const PATTERN_SIZE_LIMIT: usize = 256 * 1024;
/// And what it may take while it matches.
const PATTERN_CACHE_LIMIT: usize = 64 * 1024;

/// Compiled expressions by their text.
#[derive(Debug, Default)]
pub(super) struct Patterns(BTreeMap<String, Regex>);

impl Patterns {
    /// Compiles an expression if it is new here. Keeps nothing: see [`Patterns::keep`].
    pub(super) fn check(&self, pattern: &str) -> Result<Option<Regex>, Refusal> {
        if self.0.contains_key(pattern) {
            return Ok(None);
        }
        if self.0.len() >= MAX_PATTERNS {
            let message = format!(
                "the group's members subscribe by {MAX_PATTERNS} different expressions already, the most allowed"
            );
            return Err(Refusal::new(ResponseError::InvalidRegularExpression, message));
        }
        let regex = compile(pattern).map_err(|error| {
            let message = format!("SubscribedTopicRegex is not a valid RE2 expression: {error}");
            Refusal::new(ResponseError::InvalidRegularExpression, message)
        })?;
        Ok(Some(regex))
    }

    /// Keeps an expression that [`Patterns::check`] found good.
    pub(super) fn keep(&mut self, pattern: &str, regex: Regex) {
        self.0.insert(pattern.to_owned(), regex);
    }

    fn matches(&self, pattern: &str, name: &str) -> bool {
        self.0.get(pattern).is_some_and(|regex| regex.is_match(name))
    }

    fn retain(&mut self, used: &BTreeSet<&str>) {
        self.0.retain(|pattern, _| used.contains(pattern.as_str()));
    }
}

/// Compiles an expression, which must match whole names as RE2's `FullMatch` does.
fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE_LIMIT)
            .dfa_size_limit(PATTERN_CACHE_LIMIT)
            .build()
    };
    // It must be good by itself: `a)|(b` would be, within brackets, another expression.
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}

impl ConsumerGroup {
    /// Finds the topics of all subscriptions, for those who ask before the first heartbeat: that one
    /// finds out whether anything changed.
    pub(crate) fn refresh(&mut self, topics: &dyn Topics) {
        let hash = self.metadata_hash;
        self.resolve(topics);
        self.metadata_hash = hash;
        self.topics_version = None;
    }

    /// Compiles an expression that a member sends, if it is new to the group.
    pub(super) fn check_pattern(&mut self, pattern: &str) -> Result<Option<Regex>, Refusal> {
        if self.patterns.0.len() >= MAX_PATTERNS {
            self.forget_unused_patterns();
        }
        self.patterns.check(pattern)
    }

    /// Number of compiled expressions.
    #[cfg(test)]
    pub(super) fn pattern_count(&self) -> usize {
        self.patterns.0.len()
    }

    fn forget_unused_patterns(&mut self) {
        let used = self.members.values().filter_map(|m| m.about.regex.as_deref());
        let used: BTreeSet<&str> = used.collect();
        self.patterns.retain(&used);
    }

    /// Finds the topics of all subscriptions. Answers whether they, or their partitions, changed.
    pub(super) fn resolve(&mut self, topics: &dyn Topics) -> bool {
        let used: BTreeSet<&str> = self
            .members
            .values()
            .filter_map(|m| m.about.regex.as_deref())
            .collect();
        for pattern in &used {
            // Loaded from the log: it was valid when it was stored. If not, it matches nothing.
            if let Ok(Some(regex)) = self.patterns.check(pattern) {
                self.patterns.keep(pattern, regex);
            }
        }
        self.patterns.retain(&used);
        let by_pattern = self.match_patterns(&used, topics);
        let mut all: BTreeMap<Uuid, i32> = BTreeMap::new();
        // Members of a fleet subscribe to the same: that is resolved once for all in a row.
        let mut last: Option<(&MemberMetadata, Arc<BTreeSet<Uuid>>)> = None;
        for member in self.members.values_mut() {
            let about = &member.about;
            let known = last.as_ref().filter(|(other, _)| subscribes_alike(about, other));
            let resolved = known.map(|(_, resolved)| Arc::clone(resolved));
            let resolved = resolved.unwrap_or_else(|| {
                let found = resolve_member(about, &by_pattern, topics);
                all.extend(found.iter().copied());
                Arc::new(found.into_iter().map(|(id, _)| id).collect())
            });
            member.subscribed = Arc::clone(&resolved);
            last = Some((about, resolved));
        }
        self.topics_version = Some(topics.version());
        let hash = hash_topics(&all);
        let changed = hash != self.metadata_hash;
        self.metadata_hash = hash;
        changed
    }

    fn match_patterns(
        &self,
        used: &BTreeSet<&str>,
        topics: &dyn Topics,
    ) -> BTreeMap<String, Vec<(Uuid, i32)>> {
        let mut matched: BTreeMap<String, Vec<(Uuid, i32)>> = BTreeMap::new();
        if used.is_empty() {
            return matched;
        }
        topics.each(&mut |name, topic| {
            for pattern in used.iter().filter(|p| self.patterns.matches(p, name)) {
                matched
                    .entry((*pattern).to_owned())
                    .or_default()
                    .push((topic.id, topic.partitions));
            }
        });
        matched
    }

    /// The assignor that most members ask for.
    pub(super) fn preferred_assignor(&self) -> &'static str {
        let votes = |name: &str| {
            self.members
                .values()
                .filter(|m| m.about.assignor.as_deref() == Some(name))
                .count()
        };
        // The first of the names is the default: it wins a draw.
        assignor::NAMES
            .iter()
            .rev()
            .copied()
            .max_by_key(|name| votes(name))
            .unwrap_or(assignor::UNIFORM)
    }

    /// What a target is made from. Takes the last one out of the group: a new one is to take its place.
    pub(super) fn take_assignor_input(&mut self, topics: &dyn Topics) -> AssignorInput {
        let mut last = std::mem::take(&mut self.target);
        let mut subscribed: BTreeSet<Uuid> = BTreeSet::new();
        let mut members: Vec<AssignorMember> = Vec::with_capacity(self.members.len());
        for m in self.members.values() {
            let seen = members
                .last()
                .is_some_and(|last| Arc::ptr_eq(&last.subscribed, &m.subscribed));
            if !seen {
                subscribed.extend(m.subscribed.iter().copied());
            }
            members.push(AssignorMember {
                id: m.id.clone(),
                instance_id: m.about.instance_id.clone(),
                subscribed: Arc::clone(&m.subscribed),
                previous: last.remove(&m.id).unwrap_or_default(),
            });
        }
        let partitions = |id: &Uuid| {
            let name = topics.name_of(*id)?;
            Some((*id, topics.topic(&name)?.partitions))
        };
        AssignorInput {
            topics: subscribed.iter().filter_map(partitions).collect(),
            members,
        }
    }
}

fn subscribes_alike(one: &MemberMetadata, other: &MemberMetadata) -> bool {
    one.topics == other.topics && one.regex == other.regex
}

fn resolve_member(
    about: &MemberMetadata,
    by_pattern: &BTreeMap<String, Vec<(Uuid, i32)>>,
    topics: &dyn Topics,
) -> Vec<(Uuid, i32)> {
    let by_name = about
        .topics
        .iter()
        .filter_map(|name| topics.topic(name))
        .map(|t| (t.id, t.partitions));
    let by_regex = about
        .regex
        .as_ref()
        .and_then(|r| by_pattern.get(r))
        .into_iter()
        .flatten()
        .copied();
    by_name.chain(by_regex).collect()
}

/// A number that differs when topics or partition counts do. Never 0, which means unknown.
fn hash_topics(topics: &BTreeMap<Uuid, i32>) -> i64 {
    let mut hasher = FxHasher::default();
    for (id, partitions) in topics {
        hasher.write(id.as_bytes());
        hasher.write_i32(*partitions);
    }
    (hasher.finish() | 1).cast_signed()
}
