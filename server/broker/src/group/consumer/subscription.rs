//! From topic names and expressions to the topics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

use regex::{Regex, RegexBuilder};
use rustc_hash::FxHasher;
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

use super::assignor::{self, AssignorInput, AssignorMember};
use super::{ConsumerGroup, Refusal};
use crate::group::records::MemberMetadata;
use crate::group::topics::Topics;

/// Memory that one compiled expression may take, in bytes.
const PATTERN_SIZE_LIMIT: usize = 256 * 1024;

/// Compiled expressions by their text.
#[derive(Debug, Default)]
pub(super) struct Patterns(BTreeMap<String, Regex>);

impl Patterns {
    /// Compiles an expression, which must match whole names as RE2's `FullMatch` does.
    pub(super) fn compile(&mut self, pattern: &str) -> Result<(), Refusal> {
        if self.0.contains_key(pattern) {
            return Ok(());
        }
        let compiled = RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(PATTERN_SIZE_LIMIT)
            .build();
        let regex = compiled.map_err(|error| {
            let message = format!("SubscribedTopicRegex '{pattern}' is not a valid RE2 expression: {error}");
            Refusal::new(ResponseError::InvalidRegularExpression, message)
        })?;
        self.0.insert(pattern.to_owned(), regex);
        Ok(())
    }

    fn matches(&self, pattern: &str, name: &str) -> bool {
        self.0.get(pattern).is_some_and(|regex| regex.is_match(name))
    }

    fn retain(&mut self, used: &BTreeSet<&str>) {
        self.0.retain(|pattern, _| used.contains(pattern.as_str()));
    }
}

impl ConsumerGroup {
    /// Finds the topics of all subscriptions. Answers whether they, or their partitions, changed.
    pub(super) fn resolve(&mut self, topics: &dyn Topics) -> bool {
        let used: BTreeSet<&str> = self
            .members
            .values()
            .filter_map(|m| m.about.regex.as_deref())
            .collect();
        for pattern in &used {
            // Loaded from the log: it was valid when it was stored. If not, it matches nothing.
            let _ = self.patterns.compile(pattern);
        }
        self.patterns.retain(&used);
        let by_pattern = self.match_patterns(&used, topics);
        let mut all: BTreeMap<Uuid, i32> = BTreeMap::new();
        for member in self.members.values_mut() {
            let subscribed = resolve_member(&member.about, &by_pattern, topics);
            all.extend(subscribed.iter().copied());
            member.subscribed = subscribed.into_iter().map(|(id, _)| id).collect();
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

    pub(super) fn assignor_input(&self, topics: &dyn Topics) -> AssignorInput {
        let subscribed: BTreeSet<Uuid> = self
            .members
            .values()
            .flat_map(|m| m.subscribed.iter().copied())
            .collect();
        let partitions = |id: &Uuid| {
            let name = topics.name_of(*id)?;
            Some((*id, topics.topic(&name)?.partitions))
        };
        AssignorInput {
            topics: subscribed.iter().filter_map(partitions).collect(),
            members: self
                .members
                .values()
                .map(|m| AssignorMember {
                    id: m.id.clone(),
                    instance_id: m.about.instance_id.clone(),
                    subscribed: m.subscribed.clone(),
                    previous: self.target.get(&m.id).cloned().unwrap_or_default(),
                })
                .collect(),
        }
    }
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
