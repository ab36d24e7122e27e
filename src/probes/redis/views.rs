//! What the members of one group reported last, held against each other: the sentinels of a primary, the nodes of a cluster.
//!
//! A member knows the identities of the others, and the estate may name several of them. Only what was read by this process counts, and
//! nothing else is asked for it.

use crate::probes::redis::nodes::{Node, Range, SLOTS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what a member reported is held against the others.
const FRESH: Duration = Duration::from_secs(60);

/// What was read of the members, by their identities.
pub(super) struct Board<C>(Mutex<BTreeMap<String, View<C>>>);

/// What one member reported.
struct View<C> {
    /// The target's name in the estate.
    target: String,
    claim: C,
    read_at: Instant,
    /// When it began to report so; none of what it reported at first.
    changed_at: Option<Instant>,
}

/// The addresses that a sentinel has for its primaries, by their names.
pub(super) static SENTINELS: Board<BTreeMap<String, String>> = Board(Mutex::new(BTreeMap::new()));

/// The identities of the nodes that a node has for the slots.
pub(super) static NODES: Board<Vec<(Range, String)>> = Board(Mutex::new(BTreeMap::new()));

impl<C: Clone + PartialEq> Board<C> {
    /// Notes what a member reports; gives what the others reported since it reports so, by the names of their targets.
    pub(super) fn compare(&self, target: &str, member: &str, others: &BTreeSet<String>, claim: C) -> Vec<(String, C)> {
        let now = Instant::now();
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|_, view| now.duration_since(view.read_at) < FRESH);
        let changed_at = match views.get(member) {
            Some(before) if before.claim == claim => before.changed_at,
            Some(_) => Some(now),
            None => None,
        };
        let view = View { target: target.to_owned(), claim, read_at: now, changed_at };
        views.insert(member.to_owned(), view);
        // What is older may be of before a failover.
        let counts = |view: &&View<C>| changed_at.is_none_or(|changed| view.read_at >= changed);
        let of_group = views.iter().filter(|(id, _)| *id != member && others.contains(*id));
        of_group.map(|(_, view)| view).filter(counts).map(|view| (view.target.clone(), view.claim.clone())).collect()
    }
}

/// The slots of the nodes, with the identities of the nodes.
pub(super) fn owners(nodes: &[Node]) -> Vec<(Range, String)> {
    let mut owners: Vec<_> =
        nodes.iter().flat_map(|node| node.slots.iter().map(|range| (*range, node.id.clone()))).collect();
    owners.sort();
    owners
}

/// The first slots on which two nodes disagree, with the identities of the nodes that they have for them.
pub(super) fn difference<'a>(
    one: &'a [(Range, String)],
    other: &'a [(Range, String)],
) -> Option<(Range, Option<&'a str>, Option<&'a str>)> {
    fn owner(owners: &[(Range, String)], slot: u16) -> Option<&str> {
        let found = owners.iter().find(|(range, _)| (range.first..=range.last).contains(&slot));
        found.map(|(_, id)| id.as_str())
    }
    if one == other {
        return None;
    }
    let mut differing = None;
    for slot in 0..SLOTS {
        let (own, others) = (owner(one, slot), owner(other, slot));
        differing = match differing {
            None if own != others => Some((Range { first: slot, last: slot }, own, others)),
            Some((range, a, b)) if (a, b) == (own, others) => Some((Range { last: slot, ..range }, a, b)),
            Some(found) => return Some(found),
            None => None,
        };
    }
    differing
}
