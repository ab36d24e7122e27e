//! What the certificates of a file mean that are neither its own nor the issuers of that.
//!
//! | what | worth |
//! |---|---|
//! | any other: a second certificate of its own, a member of a bundle of CAs | as much as if it were alone |
//! | one that is signed for the same key, or issues the same ones, as one on the path that clients take: a cross-sign | at most a warning |
//! | one that follows another certificate for the same names by the same kind of key, and does not end later | nothing: servers take the first |

use crate::domain::Verdict;
use crate::probes::certs::judge::{Bundle, own_time};
use crate::probes::certs::parse::Parsed;

/// What is said of the others.
#[derive(Debug)]
pub struct Others {
    /// The worst of them.
    pub worst: Option<(Verdict, String)>,
    /// How many certificates have expired, that of the file and its issuers included.
    pub expired: usize,
    /// How many more of all are past a limit.
    pub soon: usize,
}

/// Puts the worst member of a bundle of CAs where its own certificate would be; of equal ones the first to end.
pub fn lead_by_worst(bundle: &mut Bundle, limits: (u32, u32), now: i64) {
    if !bundle.of_cas || bundle.others.is_empty() {
        return;
    }
    let all: Vec<&Parsed> = std::iter::once(&bundle.leaf).chain(&bundle.others).collect();
    let bad = |one: &Parsed| {
        let (verdict, _) = own_time(one, limits, now);
        let capped = if has_twin(one, &all) { least(verdict) } else { verdict };
        (capped.rank(), std::cmp::Reverse(one.not_after.unix))
    };
    let order: Vec<_> = all.iter().map(|one| bad(one)).collect();
    let worst = order.iter().max().and_then(|worst| order.iter().position(|own| own == worst));
    if let Some(other) = worst.and_then(|at| at.checked_sub(1)).and_then(|at| bundle.others.get_mut(at)) {
        std::mem::swap(&mut bundle.leaf, other);
    }
}

/// A verdict of what clients need not take.
fn least(verdict: Verdict) -> Verdict {
    if verdict == Verdict::Critical { Verdict::Warn } else { verdict }
}

/// Whether another one has the same name and key, and ends later: whatever one verifies, the other does.
fn has_twin(one: &Parsed, all: &[&Parsed]) -> bool {
    all.iter().any(|other| {
        other.links.0 == one.links.0 && other.spki == one.spki && other.not_after.unix > one.not_after.unix
    })
}

/// Whether a certificate replaces a later one of the same file.
fn replaces(own: &Parsed, other: &Parsed) -> bool {
    let kind = |one: &Parsed| one.key.word.split(' ').next().map(str::to_owned);
    !other.is_ca
        && own.links.0 == other.links.0
        && own.names == other.names
        && kind(own) == kind(other)
        && own.not_after.unix >= other.not_after.unix
}

/// What a member is worth in a bundle of CAs.
#[must_use]
pub fn verdict_of_leaf(bundle: &Bundle, verdict: Verdict) -> Verdict {
    let all: Vec<&Parsed> = bundle.others.iter().collect();
    if bundle.of_cas && has_twin(&bundle.leaf, &all) { least(verdict) } else { verdict }
}

/// Judges the others of a bundle, those on the path left out; `is_served` where clients get them and need none.
#[must_use]
pub fn judge(bundle: &Bundle, path: &[&Parsed], limits: (u32, u32), now: i64, is_served: bool) -> Others {
    let leaf = &bundle.leaf;
    let all: Vec<&Parsed> = std::iter::once(leaf).chain(&bundle.others).collect();
    let on_path = |one: &Parsed| one.der == leaf.der || path.iter().any(|own| own.der == one.der);
    // What issues the same as an issuer on the path, or is issued for the name that the path ends at.
    let is_beside = |one: &Parsed| {
        let upwards = || std::iter::once(leaf).chain(path.iter().copied());
        one.is_ca && !bundle.of_cas && upwards().any(|below| below.may_be_issued_by(one))
    };
    let mut found = Others { worst: None, expired: 0, soon: 0 };
    let mut worst = None;
    for one in &all {
        let (verdict, words) = own_time(one, limits, now);
        let is_replaced = !on_path(one) && !bundle.of_cas && replaces(leaf, one);
        if is_replaced {
            continue;
        }
        if one.not_after.unix < now {
            found.expired += 1;
        } else if verdict != Verdict::Ok {
            found.soon += 1;
        }
        if on_path(one) || verdict == Verdict::Ok {
            continue;
        }
        let verdict = if is_served || is_beside(one) || has_twin(one, &all) { least(verdict) } else { verdict };
        let rank = (verdict.rank(), std::cmp::Reverse(one.not_after.unix));
        if worst.as_ref().is_none_or(|(before, _)| rank > *before) {
            worst = Some((rank, (verdict, format!("{}: {words}", one.subject_word))));
        }
    }
    found.worst = worst.map(|(_, outcome)| outcome);
    found
}
