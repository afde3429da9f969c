//! The nearest known name, for errors that say "did you mean".

/// The candidate closest to `word`, if one is close enough to be a likely slip of the fingers.
/// Case and the difference between `-`, `_` and `.` do not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(wanted.len().max(candidate.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A third of the letters may be wrong, at most four; names of one or two letters must match.
fn tolerance(len: usize) -> usize {
    (len / 3).min(4)
}

fn fold(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_slip_and_leaves_strangers_alone() {
        let names = ["partitions", "retention", "replicationFactor"];
        assert_eq!(nearest("partitons", names), Some("partitions"));
        assert_eq!(nearest("replication_factor", names), Some("replicationFactor"));
        assert_eq!(nearest("colour", names), None);
    }
}
