//! "Did you mean": the known name nearest to one that is not.

/// The candidate with the fewest edits from `name`, if it takes no more than a third of the name.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (edits(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn edits(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_and_nothing_far_away() {
        let names = || ["orders", "payments", "flights"].into_iter();
        assert_eq!(nearest("order", names()), Some("orders"));
        assert_eq!(nearest("Flihgts", names()), Some("flights"));
        assert_eq!(nearest("users", names()), None);
    }
}
