//! What is said of an index that is invalid while nothing works on it.
//!
//! ```text
//!    0 B · invalid: uniqueness is not enforced · reindex, or drop it and build it again
//!    0 B · invalid, not used · drop
//!    0 B · invalid, or being built: needs pg_monitor to know
//! ```
//! Source: PostgreSQL 18 manual, CREATE INDEX and REINDEX, "Building" and "Rebuilding Indexes Concurrently".

use crate::domain::{Fact, Verdict, quantity};
use crate::probes::bloat::catalog::{OfIndex, Relation, Server, Sized};
use std::collections::BTreeMap;

/// Judges it, with what to do.
pub(super) fn judge(
    sized: &Sized,
    relation: &Relation,
    index: &OfIndex,
    server: &Server,
    facts: &mut BTreeMap<&'static str, Fact>,
) -> (Verdict, String) {
    if sized.unseen {
        const WHY: &str = "invalid, or being built: needs pg_monitor to know";
        facts.insert("method", Fact::Text("none".to_owned()));
        facts.insert("reason", Fact::Text(WHY.to_owned()));
        facts.insert("remedy_command", Fact::Text(format!("GRANT pg_monitor TO {};", server.role)));
        return (Verdict::Unknown, format!("{} · {WHY}", quantity::bytes(sized.size())));
    }
    let (verdict, reason) = match (index.unique && !index.twin, relation.kind, index.ready) {
        (true, b'I', _) => (Verdict::Critical, "invalid: uniqueness is not enforced in every partition"),
        (true, _, false) => (Verdict::Critical, "invalid: uniqueness is not enforced"),
        (true, _, true) => (Verdict::Warn, "invalid: unique for new rows alone, not used"),
        (false, _, _) => (Verdict::Warn, "invalid, not used"),
    };
    let (remedy, act) = if relation.kind == b'I' {
        ("attach", "attach an index of each partition")
    } else if index.twin || is_leftover(&relation.name) {
        ("drop", "drop")
    } else {
        ("reindex", "reindex, or drop it and build it again")
    };
    // On a standby, what builds it works on the primary and shows there alone.
    let (verdict, reason, act) = if server.standby {
        (Verdict::Warn, "invalid, unless the primary is building it", None)
    } else {
        (verdict, reason, Some(act))
    };
    facts.insert("method", Fact::Text("none".to_owned()));
    facts.insert("reason", Fact::Text(reason.to_owned()));
    facts.insert("remedy", Fact::Text(remedy.to_owned()));
    let act = act.map_or_else(String::new, |act| format!(" · {act}"));
    (verdict, format!("{} · {reason}{act}", quantity::bytes(sized.size())))
}

/// Whether a name is one that `REINDEX CONCURRENTLY` gives: the new index before the swap, or the old one behind it.
fn is_leftover(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
    plain.ends_with("_ccnew") || plain.ends_with("_ccold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_a_rebuild_are_known_by_their_names() {
        assert!(is_leftover("a_pkey_ccnew") && is_leftover("a_pkey_ccold2") && is_leftover("a_ccnew_ccnew1"));
        assert!(!is_leftover("a_pkey") && !is_leftover("ccnew_a"));
    }
}
