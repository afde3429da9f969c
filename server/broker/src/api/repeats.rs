//! What a request names more than once. Which of the two was meant is not known, so Kafka does neither and answers
//! for both at once.

use std::collections::{BTreeMap, BTreeSet};

use tidemill_wire::kafka::error::ResponseError;

use crate::errors::Failure;

/// The names that come more than once, and whether that was told yet.
pub(super) struct Repeats(BTreeMap<String, bool>);

/// How one name stands.
pub(super) enum Named {
    /// It comes once.
    Once,
    /// It comes again: this is the answer for all of them.
    Twice(Failure),
    /// It was answered for already.
    Told,
}

impl Repeats {
    pub(super) fn among<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut seen = BTreeSet::new();
        let again = names.filter(|name| !seen.insert(*name));
        Self(again.map(|name| (name.to_owned(), false)).collect())
    }

    pub(super) fn named(&mut self, name: &str) -> Named {
        match self.0.get_mut(name) {
            None => Named::Once,
            Some(told) if *told => Named::Told,
            Some(told) => {
                *told = true;
                let message = format!("the request names {name:?} more than once: name it once");
                Named::Twice(Failure::new(ResponseError::InvalidRequest, message))
            }
        }
    }
}
