//! `?labelSelector=`, in Kubernetes' terms: `team=shop`, `team!=shop`, `tier in (gold, silver)`, `tier notin (free)`,
//! `team`, `!team`, joined by commas that mean "and".

use std::collections::BTreeMap;

use super::kinds::ErrorKind;
use super::params::Params;
use super::problem::Problem;

/// Which labels an object must have. The empty one takes every object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selector(Vec<Term>);

#[derive(Debug, PartialEq, Eq)]
struct Term {
    key: String,
    /// `None`: any.
    values: Option<Vec<String>>,
    /// Whether it must be so, or must not.
    wanted: bool,
}

const PARAMETER: &str = "labelSelector";

impl Selector {
    /// Reads the query parameter.
    pub(super) fn of(params: &Params) -> Result<Self, Problem> {
        let Some(text) = params.text(PARAMETER) else {
            return Ok(Self::default());
        };
        let terms: Option<Vec<Term>> = split(text).into_iter().map(term).collect();
        terms.map(Self).ok_or_else(|| {
            let message = format!(
                "`{}` is not a label selector: use key=value, key!=value, key in (a, b), key notin (a, b), key or !key, \
                 separated by commas",
                text.escape_debug()
            );
            Problem::new(ErrorKind::InvalidArgument, message).at(PARAMETER)
        })
    }

    /// Whether an object with these labels is meant.
    pub(super) fn takes(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|term| {
            let held = labels.get(&term.key);
            let is_so = match &term.values {
                None => held.is_some(),
                Some(values) => held.is_some_and(|held| values.contains(held)),
            };
            is_so == term.wanted
        })
    }
}

/// The parts between the commas that are not in parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(move |letter| {
        match letter {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        letter == ',' && !inside
    })
    .collect()
}

fn term(text: &str) -> Option<Term> {
    let text = text.trim();
    if let Some(list) = text.strip_suffix(')') {
        let (head, values) = list.split_once('(')?;
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        let wanted = match operator {
            "in" => true,
            "notin" => false,
            _ => return None,
        };
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return made(key, Some(values), wanted);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return made(key, Some(vec![value.trim().to_owned()]), false);
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return made(key, Some(vec![value.trim().to_owned()]), true);
    }
    match text.strip_prefix('!') {
        Some(key) => made(key, None, false),
        None => made(text, None, true),
    }
}

fn made(key: &str, values: Option<Vec<String>>, wanted: bool) -> Option<Term> {
    let key = key.trim();
    tidemill_resource::check_label(key, "").ok()?;
    Some(Term {
        key: key.to_owned(),
        values,
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Selector, split, term};

    fn takes(selector: &str) -> Option<bool> {
        let labels = BTreeMap::from([("team", "shop"), ("tidemill.dev/tier", "gold")])
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let terms: Option<Vec<_>> = split(selector).into_iter().map(term).collect();
        Some(Selector(terms?).takes(&labels))
    }

    #[test]
    fn selects_as_kubernetes_does() {
        for yes in [
            "team=shop",
            "team == shop",
            "team",
            "!owner",
            "owner!=me",
            "team in (ship, shop),!owner",
            "tidemill.dev/tier notin (free),team=shop",
            "owner notin (me)",
        ] {
            assert_eq!(takes(yes), Some(true), "{yes}");
        }
        for no in [
            "team=ship",
            "owner",
            "!team",
            "team!=shop",
            "team in (a,b)",
            "team=shop,owner",
        ] {
            assert_eq!(takes(no), Some(false), "{no}");
        }
        for wrong in [
            "",
            ",",
            "team=shop,",
            "a b",
            "team of (a)",
            "team in a)",
            "=x",
            "!",
        ] {
            assert_eq!(takes(wrong), None, "{wrong}");
        }
    }
}
