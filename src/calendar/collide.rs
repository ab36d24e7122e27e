//! Which openings are open at the same time.

use crate::calendar::Opening;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// With which others an opening collides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collisions<'a> {
    /// The first of them, in the order of the agenda.
    pub first: Vec<&'a Opening>,
    /// How many there are in all.
    pub all: usize,
}

/// For each opening those that are open at the same time; of each, at most so many are named. The openings are those of an agenda, in
/// the order of their beginnings.
#[must_use]
pub fn collisions(agenda: &[Opening], named: usize) -> Vec<Collisions<'_>> {
    let spans: Vec<_> = agenda.iter().map(|opening| (opening.from, opening.until)).collect();
    let of = |(first, all): (Vec<usize>, usize)| Collisions {
        first: first.into_iter().filter_map(|place| agenda.get(place)).collect(),
        all,
    };
    meetings(&spans, named).into_iter().map(of).collect()
}

/// For each of some spans, in the order of their beginnings, the places of the first that meet it, and how many do. In time that
/// grows as the spans and what is named of them, not as their pairs.
fn meetings<T: Ord + Copy>(spans: &[(T, T)], named: usize) -> Vec<(Vec<usize>, usize)> {
    let mut ends: Vec<T> = spans.iter().map(|(_, until)| *until).collect();
    ends.sort_unstable();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut closing: BinaryHeap<Reverse<(T, usize)>> = BinaryHeap::new();
    let mut found = Vec::with_capacity(spans.len());
    for (place, (from, until)) in spans.iter().enumerate() {
        while let Some(Reverse((_, over))) = closing.peek().filter(|Reverse((end, _))| end <= from).copied() {
            closing.pop();
            open.remove(&over);
        }
        let begun = spans.partition_point(|(other, _)| other < until);
        let over = ends.partition_point(|end| end <= from);
        let later = place + 1..begun;
        let first = open.iter().copied().chain(later).take(named).collect();
        // It meets all that have begun by its end, but for itself and what was over.
        found.push((first, begun.saturating_sub(over + 1)));
        open.insert(place);
        closing.push(Reverse((*until, place)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::cmp::Ordering;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    /// A moment that counts how often it is compared.
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Counted(i64);

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARED.set(COMPARED.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    /// Every pair is looked at.
    fn plainly(spans: &[(i64, i64)]) -> Vec<Vec<usize>> {
        let meets = |(a, b): (i64, i64), (c, d): (i64, i64)| c < b && a < d;
        let of = |(place, own): (usize, &(i64, i64))| {
            let others = spans.iter().enumerate().filter(|(other, span)| *other != place && meets(*own, **span));
            others.map(|(other, _)| other).collect()
        };
        spans.iter().enumerate().map(of).collect()
    }

    proptest::proptest! {
        #[test]
        fn they_are_those_of_every_pair(spans in proptest::collection::vec((0_i64..60, 1_i64..20), 0..40), named in 0_usize..6) {
            let mut spans: Vec<(i64, i64)> = spans.into_iter().map(|(from, lasts)| (from, from + lasts)).collect();
            spans.sort_by_key(|(from, _)| *from);
            for (own, all) in meetings(&spans, named).iter().zip(plainly(&spans)) {
                assert_eq!(own.1, all.len(), "{spans:?}");
                assert_eq!(own.0, all.iter().copied().take(named).collect::<Vec<_>>(), "{spans:?}");
            }
        }
    }

    #[test]
    fn ten_thousand_are_not_compared_pair_by_pair() {
        // Apart, each within the next, and all at once.
        for (apart, lasts) in [(10, 5), (10, 15), (1, 1_000_000)] {
            let spans: Vec<_> = (0..10_000).map(|n| (Counted(n * apart), Counted(n * apart + lasts))).collect();
            COMPARED.set(0);
            assert_eq!(meetings(&spans, 5).len(), 10_000);
            let compared = COMPARED.get();
            assert!(compared < 10_000 * 100, "{compared} comparisons");
        }
    }
}
