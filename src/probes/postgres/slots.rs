//! Replication slots: which are lost or about to be, and how much WAL is kept for those that no client reads.
//!
//! A physical slot that keeps WAL has had a standby, or was made for one: unused on a primary, that standby is away. On a standby it may
//! only be held ready for a failover. A logical slot always keeps WAL, and a client that polls it is away most of the time.
//!
//! Source: PostgreSQL 18 manual, 53.20 (`pg_replication_slots`), 19.6.1. Every role sees all of it.

use crate::domain::{Fact, Verdict, quantity};
use crate::probes::postgres::connect::Line;
use crate::probes::postgres::kept::Kept;
use crate::probes::postgres::story::Story;
use crate::probes::postgres::{About, plain};
use std::time::Duration;

/// `inactive_since` and `invalidation_reason` are of version 17 on; what a version has not is null.
pub(super) const SLOTS: &str = "SELECT s.slot_name AS name, s.active, s.wal_status, s.slot_type = 'physical' AS physical, \
    s.safe_wal_size AS safe_bytes, to_jsonb(s) ->> 'invalidation_reason' AS why, \
    extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::bigint AS unused_s, \
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END - s.restart_lsn)::bigint AS kept_bytes \
    FROM pg_replication_slots AS s ORDER BY kept_bytes DESC NULLS LAST, s.slot_name";
/// From this share of what `max_slot_wal_keep_size` lets a slot keep, it is about to be lost.
const NEARLY_LOST: f64 = 0.8;
/// How many slots that keep too much a row names.
const NAMED: usize = 3;
/// A logical slot that no client has read for this long, in seconds, is forgotten, however little it keeps.
const FORGOTTEN: i64 = 24 * 3600;

/// One slot.
struct Slot<'a> {
    name: &'a str,
    line: &'a Line,
}

impl Slot<'_> {
    fn is(&self, status: &str) -> bool {
        self.line.text("wal_status") == Some(status)
    }

    fn is_unused(&self) -> bool {
        self.line.flag("active") == Some(false)
    }

    /// The WAL that it keeps; none of a slot that reserves none, or is lost.
    fn kept(&self) -> Option<i64> {
        self.line.int("kept_bytes")
    }

    fn unused_s(&self) -> Option<i64> {
        self.line.int("unused_s").filter(|_| self.is_unused())
    }

    /// How many more bytes it may keep, where it has most of them.
    #[allow(clippy::cast_precision_loss)] // Sizes of WAL.
    fn nearly_lost(&self) -> Option<i64> {
        let (kept, safe) = self.kept().zip(self.line.int("safe_bytes"))?;
        let whole = kept.saturating_add(safe.max(0));
        (!self.is("lost") && kept as f64 >= NEARLY_LOST * whole as f64).then_some(safe)
    }

    /// The verdict on what it keeps.
    fn judge(&self, about: &About, limit: Kept) -> Verdict {
        let Some(bytes) = self.kept() else { return Verdict::Ok };
        if !self.is_unused() {
            return if limit.is_critical(bytes) { Verdict::Warn } else { Verdict::Ok };
        }
        let is_forgotten = match self.line.flag("physical") {
            Some(true) => true,
            _ => self.unused_s().is_some_and(|unused| unused >= FORGOTTEN),
        };
        let missed = if is_forgotten && !about.standby { Verdict::Warn } else { Verdict::Ok };
        limit.judge(bytes).worse(missed)
    }

    /// `slot a is unused for 3 d and keeps 61 MiB`.
    fn describe(&self) -> String {
        let kept = quantity::bytes(plain(self.kept().unwrap_or(0)));
        let since = self.unused_s().map(|unused| quantity::age(Duration::from_secs(plain(unused))));
        match since {
            _ if !self.is_unused() => format!("slot {} is in use and keeps {kept}", self.name),
            Some(since) => format!("slot {} is unused for {since} and keeps {kept}", self.name),
            None => format!("slot {} is unused and keeps {kept}", self.name),
        }
    }
}

/// Judges the slots of a server.
pub(super) fn judge(lines: &[Line], about: &About, limit: Kept, story: &mut Story) {
    let slots: Vec<Slot> = lines.iter().filter_map(|line| Some(Slot { name: line.text("name")?, line })).collect();
    let count = |matching: &dyn Fn(&Slot) -> bool| {
        Fact::Int(i64::try_from(slots.iter().filter(|slot| matching(slot)).count()).unwrap_or(i64::MAX))
    };
    story.facts.insert("slots", count(&|_| true));
    story.facts.insert("slots_inactive", count(&|slot| slot.is_unused()));
    story.facts.insert("slots_lost", count(&|slot| slot.is("lost")));
    // They come with the one that keeps the most before the others.
    if let Some((slot, bytes)) = slots.iter().find_map(|slot| Some((slot, slot.kept()?))) {
        story.facts.insert("slot_retained_bytes", Fact::Int(bytes));
        story.facts.insert("slot", Fact::Text(slot.name.to_owned()));
        story.count([("slot_safe_bytes", slot.line.int("safe_bytes")), ("slot_unused_s", slot.unused_s())]);
    }
    for slot in slots.iter().filter(|slot| slot.is("lost")) {
        let why = slot.line.text("why").map(|why| format!(" ({why})")).unwrap_or_default();
        story.add(Verdict::Critical, format!("slot {} lost{why}", slot.name));
    }
    for slot in &slots {
        match slot.nearly_lost() {
            _ if slot.is("unreserved") => story.add(Verdict::Warn, format!("slot {} is about to be lost", slot.name)),
            Some(safe) => {
                let left = quantity::bytes(plain(safe));
                story.add(Verdict::Warn, format!("slot {} is lost after {left} more", slot.name));
            }
            None => {}
        }
    }
    let shown = slots.iter().filter(|slot| slot.kept().is_some());
    let shown = shown.map(|slot| (slot, slot.judge(about, limit)));
    let (bad, fine): (Vec<_>, Vec<_>) = shown.partition(|(_, verdict)| *verdict != Verdict::Ok);
    for (slot, verdict) in bad.iter().take(NAMED) {
        story.add(*verdict, slot.describe());
    }
    if let Some(more) = bad.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let worst = bad.iter().skip(NAMED).map(|(_, verdict)| *verdict).fold(Verdict::Ok, Verdict::worse);
        story.add(worst, format!("{more} more that keep too much"));
    }
    // One that is fine is worth a word where nothing else is.
    if let Some((slot, _)) = fine.iter().find(|(slot, _)| slot.is_unused()).filter(|_| bad.is_empty()) {
        story.add(Verdict::Ok, slot.describe());
    }
}
