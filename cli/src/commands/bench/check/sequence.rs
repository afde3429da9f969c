//! Which numbers of a sequence have come: all of them, once, in order?

use std::collections::BTreeMap;

/// Holes remembered at most; what is missing beyond them is only counted.
const MOST_HOLES: usize = 1 << 16;

/// The numbers of one producer in one partition.
#[derive(Debug)]
pub(super) struct Sequence {
    /// The number that should come next.
    next: u64,
    /// Numbers that were passed over: first and the one after the last.
    holes: BTreeMap<u64, u64>,
    /// Missing beyond what `holes` takes.
    uncounted: u64,
    repeated: u64,
    late: u64,
}

impl Sequence {
    /// A sequence that begins with `first`.
    pub(super) fn from(first: u64) -> Self {
        Self {
            next: first,
            holes: BTreeMap::new(),
            uncounted: 0,
            repeated: 0,
            late: 0,
        }
    }

    /// `number` has come.
    #[inline]
    pub(super) fn note(&mut self, number: u64) {
        if number == self.next {
            self.next += 1;
        } else {
            self.surprise(number);
        }
    }

    #[cold]
    fn surprise(&mut self, number: u64) {
        if number > self.next {
            self.reach(number);
            self.next = number + 1;
        } else if self.fill(number) {
            self.late += 1;
        } else {
            self.repeated += 1;
        }
    }

    /// All numbers before `count` should have come by now.
    pub(super) fn reach(&mut self, count: u64) {
        if count <= self.next {
            return;
        }
        if self.holes.len() < MOST_HOLES {
            self.holes.insert(self.next, count);
        } else {
            self.uncounted += count - self.next;
        }
        self.next = count;
    }

    /// Takes a number out of the hole it is in; `false` if it is in none.
    fn fill(&mut self, number: u64) -> bool {
        let Some((&from, &to)) = self
            .holes
            .range(..=number)
            .next_back()
            .filter(|(_, to)| **to > number)
        else {
            return false;
        };
        self.holes.remove(&from);
        if from < number {
            self.holes.insert(from, number);
        }
        if number + 1 < to {
            self.holes.insert(number + 1, to);
        }
        true
    }

    /// The number after the highest that has come.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// A sequence that came twice is said to have come twice.
    pub(super) fn repeat(&mut self) {
        self.repeated += 1;
    }

    /// What is wrong, in words; empty if nothing is.
    pub(super) fn problems(&self) -> Vec<String> {
        let lost = self.uncounted + self.holes.iter().map(|(from, to)| to - from).sum::<u64>();
        let mut problems = Vec::new();
        if lost > 0 {
            let some: Vec<String> = self
                .holes
                .iter()
                .take(3)
                .map(|(from, to)| range(*from, *to))
                .collect();
            let more = if self.holes.len() > 3 || self.uncounted > 0 {
                ", ..."
            } else {
                ""
            };
            problems.push(format!("{lost} lost ({}{more})", some.join(", ")));
        }
        if self.repeated > 0 {
            problems.push(format!("{} more than once", self.repeated));
        }
        if self.late > 0 {
            problems.push(format!("{} out of order", self.late));
        }
        problems
    }
}

fn range(from: u64, to: u64) -> String {
    match to - from {
        1 => format!("number {from}"),
        _ => format!("numbers {from} to {}", to - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    fn after(numbers: &[u64]) -> String {
        let mut sequence = Sequence::from(0);
        numbers.iter().for_each(|number| sequence.note(*number));
        sequence.problems().join("; ")
    }

    #[test]
    fn what_is_lost_repeated_or_late_is_told_apart() {
        assert_eq!(after(&[0, 1, 2, 3]), "");
        assert_eq!(after(&[0, 3]), "2 lost (numbers 1 to 2)");
        assert_eq!(after(&[2]), "2 lost (numbers 0 to 1)");
        assert_eq!(after(&[0, 1, 1, 0, 2]), "2 more than once");
        assert_eq!(after(&[0, 2, 1, 3]), "1 out of order");
        assert_eq!(
            after(&[0, 4, 2, 2]),
            "2 lost (number 1, number 3); 1 more than once; 1 out of order"
        );
    }

    #[test]
    fn what_is_missing_at_the_end_is_lost_too() {
        let mut sequence = Sequence::from(5);
        sequence.note(5);
        sequence.reach(8);
        assert_eq!(sequence.problems(), ["2 lost (numbers 6 to 7)"]);
        sequence.note(7);
        sequence.note(6);
        assert_eq!(sequence.problems(), ["2 out of order"]);
    }

    #[test]
    fn holes_beyond_what_is_remembered_still_count() {
        let mut sequence = Sequence::from(0);
        (0..200_000).for_each(|number| sequence.note(2 * number + 1));
        assert!(
            sequence.problems()[0].starts_with("200000 lost"),
            "{:?}",
            sequence.problems()
        );
    }
}
