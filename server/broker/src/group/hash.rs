//! Which partition of the offsets topic a group is on: Kafka's rule, so that its tools find it.

/// `Utils.abs(groupId.hashCode()) % partitions`, where the hash is Java's over UTF-16 units.
#[must_use]
pub fn partition_for(group: &str, partitions: i32) -> i32 {
    let hash = group.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    // Kafka's absolute value of the smallest number is 0.
    hash.checked_abs().unwrap_or(0) % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::partition_for;

    #[test]
    fn follows_java() {
        // "hello".hashCode() == 99162322, "".hashCode() == 0; the third one hashes to Integer.MIN_VALUE.
        assert_eq!(partition_for("hello", 50), 22);
        assert_eq!(partition_for("", 50), 0);
        assert_eq!(partition_for("polygenelubricants", 50), 0);
        // Beyond the basic plane Java hashes surrogates: "\u{1F600}".hashCode() == 1772899.
        assert_eq!(partition_for("\u{1F600}", 50), 49);
    }
}
