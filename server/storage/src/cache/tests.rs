//! The tail cache against a model: of everything that was pushed, the longest tail that fits.

use proptest::prelude::*;

use super::*;

/// Memory that two caches share.
const BUDGET: usize = 300;

#[derive(Debug, Clone)]
enum Op {
    /// A batch of so many bytes and offsets, after a gap, into a cache that may hold so much.
    Push {
        gap: i64,
        offsets: i64,
        header: usize,
        rest: usize,
        limit: usize,
    },
    ForgetBelow(i64),
    Rest,
    Clear,
    Read {
        from: i64,
        upto: i64,
        max_bytes: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let push = (0..3i64, 1..5i64, 0..30usize, 0..40usize, 0..200usize).prop_map(
        |(gap, offsets, header, rest, limit)| Op::Push {
            gap,
            offsets,
            header,
            rest,
            limit,
        },
    );
    let read = (-2..80i64, -2..80i64, 0..150usize).prop_map(|(from, upto, max_bytes)| Op::Read {
        from,
        upto,
        max_bytes,
    });
    prop_oneof![
        8 => push,
        6 => read,
        1 => (0..80i64).prop_map(Op::ForgetBelow),
        1 => Just(Op::Rest),
        1 => Just(Op::Clear),
    ]
}

/// What one cache should hold.
#[derive(Default)]
struct Model {
    held: Vec<Cached>,
    next: i64,
    touched: bool,
}

impl Model {
    fn bytes(&self) -> usize {
        self.held.iter().map(Cached::len).sum()
    }

    /// The longest tail within `limit` that leaves all within the budget, beside `others` bytes.
    fn cut(&mut self, limit: usize, others: usize) {
        let mut sum = 0;
        let fits = |batch: &&Cached| {
            sum += batch.len();
            sum <= limit && sum + others <= BUDGET
        };
        let keep = self.held.iter().rev().take_while(fits).count();
        self.held.drain(..self.held.len() - keep);
    }

    fn read(&self, from: i64, upto: i64, max_bytes: usize) -> Option<Slices> {
        let is_older = self.held.first().is_none_or(|first| from < first.base_offset);
        let is_newer = self.held.last().is_none_or(|last| from >= last.next_offset);
        if is_older || is_newer {
            return None;
        }
        let mut read = Slices::empty(from);
        for batch in self.held.iter().filter(|batch| batch.next_offset > from) {
            if batch.base_offset >= upto || (read.bytes > 0 && read.bytes + batch.len() > max_bytes) {
                break;
            }
            read.chunks.push(batch.header.clone());
            read.chunks.push(batch.rest.clone());
            read.bytes += batch.len();
            read.next_offset = batch.next_offset;
        }
        Some(read)
    }
}

/// The same bytes, however they are cut into pieces.
fn told(slices: Option<Slices>) -> Option<(Vec<u8>, usize, i64)> {
    slices.map(|slices| (slices.chunks.concat(), slices.bytes, slices.next_offset))
}

/// A batch whose bytes are all different from those of its neighbours.
fn batch(base_offset: i64, next_offset: i64, header: usize, rest: usize) -> Cached {
    let byte = u8::try_from(next_offset % 251).unwrap();
    Cached {
        base_offset,
        next_offset,
        header: vec![byte; header].into(),
        rest: vec![!byte; rest].into(),
    }
}

proptest! {
    #[test]
    fn a_cache_holds_the_longest_tail_that_fits(ops in prop::collection::vec((0..2usize, op()), 1..80)) {
        let budget = Arc::new(CacheBudget::new(BUDGET));
        let mut caches = [TailCache::new(Arc::clone(&budget)), TailCache::new(Arc::clone(&budget))];
        let mut models = [Model::default(), Model::default()];
        for (at, op) in ops {
            let others = models[1 - at].bytes();
            let (cache, model) = (&mut caches[at], &mut models[at]);
            match op {
                Op::Push { gap, offsets, header, rest, limit } => {
                    let base = model.next + gap;
                    // No batch is without a header.
                    let pushed = batch(base, base + offsets, header + 1, rest);
                    model.next = base + offsets;
                    model.held.push(pushed.clone());
                    model.touched = true;
                    model.cut(limit, others);
                    cache.push(pushed, limit);
                }
                Op::ForgetBelow(offset) => {
                    model.held.retain(|batch| batch.next_offset > offset);
                    cache.forget_below(offset);
                }
                Op::Rest => {
                    if !std::mem::take(&mut model.touched) {
                        model.held.clear();
                    }
                    cache.rest();
                }
                Op::Clear => {
                    model.held.clear();
                    cache.clear();
                }
                Op::Read { from, upto, max_bytes } => {
                    let read = cache.read(from, upto, max_bytes);
                    prop_assert_eq!(told(read), told(model.read(from, upto, max_bytes)));
                }
            }
            let bases = |batches: &mut dyn Iterator<Item = &Cached>| {
                batches.map(|batch| batch.base_offset).collect::<Vec<_>>()
            };
            prop_assert_eq!(bases(&mut caches[at].batches.iter()), bases(&mut models[at].held.iter()));
            let bytes: usize = models.iter().map(Model::bytes).sum();
            prop_assert_eq!(budget.used(), bytes, "the budget knows what is held");
        }
        drop(caches);
        prop_assert_eq!(budget.used(), 0, "what is dropped is given back");
    }
}

#[test]
fn the_first_batch_comes_whole_whatever_the_limit() {
    let mut cache = TailCache::new(Arc::new(CacheBudget::new(BUDGET)));
    cache.push(batch(0, 10, 20, 30), BUDGET);
    cache.push(batch(10, 20, 20, 30), BUDGET);
    let read = cache.read(3, 20, 1).unwrap();
    assert_eq!((read.bytes, read.next_offset), (50, 10));
    assert_eq!(cache.read(3, 20, 100).unwrap().next_offset, 20);
    assert_eq!(
        cache.read(3, 10, 100).unwrap().next_offset,
        10,
        "nothing from `upto` on"
    );
    assert!(cache.read(20, 30, 100).is_none(), "beyond the end");
}

#[test]
fn a_batch_larger_than_the_limit_is_not_kept_and_takes_the_others_along() {
    let budget = Arc::new(CacheBudget::new(BUDGET));
    let mut cache = TailCache::new(Arc::clone(&budget));
    cache.push(batch(0, 1, 10, 0), 100);
    cache.push(batch(1, 2, 101, 0), 100);
    assert!(
        cache.read(0, 2, 1).is_none(),
        "a cache without its newest batch would have a gap"
    );
    assert_eq!(budget.used(), 0);
}
