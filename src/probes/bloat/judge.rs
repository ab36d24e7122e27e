//! What is said of each relation: its estimate, its dead rows, its age, and what would give the space back.
//!
//! ```text
//!   12 GiB · 48 % · ±2 · repack
//!  1.2 GiB · 64 % · ±2 · reindex
//!  3.1 GiB · no statistics, ANALYZE needed
//! ```

use crate::domain::{Fact, Finding, Observation, Trend, Verdict, Wall, quantity};
use crate::probes::bloat::age::{Age, share};
use crate::probes::bloat::catalog::{OfIndex, Relation, Server, Sized};
use crate::probes::bloat::count::{self, Count};
use crate::probes::bloat::estimate::{Estimate, Rows};
use crate::probes::bloat::horizon::{self, Holder};
use crate::probes::bloat::index::{self, Btree};
use crate::probes::bloat::invalid;
use crate::probes::bloat::table::{self, Heap, Toast};
use crate::probes::bloat::unknown::{self, Unknown};
use crate::probes::bloat::widths::{Column, Missing};
use std::collections::BTreeMap;

/// A warning needs this share of the relation beyond the error bar. Half of a table in steady use may be free without harm, and a
/// B-tree of random keys settles near a third.
const WARN_RATIO: f64 = 0.40;
/// Below this share beyond the error bar, nothing is proposed.
const WORTH_RATIO: f64 = 0.10;
/// The first column of a B-tree whose order follows the rows' less than this is inserted into at random.
const IN_ORDER: f64 = 0.5;

/// What is known about all relations of one reading.
pub(super) struct Reading<'a> {
    /// The server and the database.
    pub(super) server: &'a Server,
    /// Who holds the oldest snapshot.
    pub(super) holder: Option<&'a Holder>,
    /// Whether something may be done about it.
    pub(super) can_act: bool,
    /// From how many bytes beyond the error bar on bloat warns.
    pub(super) least: u64,
    /// When this is seen.
    pub(super) at: Wall,
    /// The rows of each table, as far as they are known.
    pub(super) counts: BTreeMap<u32, Option<Count>>,
    /// The bytes of the main file of each table.
    pub(super) sizes: BTreeMap<u32, u64>,
}

/// What a row adds to the database's own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Bytes of all that were looked at.
    pub(super) size: u64,
    /// Bytes of those with an estimate.
    pub(super) known_size: u64,
    /// Bytes that would come back.
    pub(super) bytes: u64,
    /// By how many that may be wrong.
    pub(super) error: f64,
    /// How many have no estimate.
    pub(super) unknown: u64,
    /// How many of these because the role may not see their statistics.
    pub(super) hidden: u64,
    /// How many of these `ANALYZE` would mend.
    pub(super) mendable: u64,
    /// How many indexes are invalid while nothing works on them.
    pub(super) invalid: u64,
    /// Whether a grant would show some of them.
    pub(super) denied: bool,
}

/// An estimate with what was assumed.
struct Known {
    estimate: Estimate,
    method: &'static str,
    fillfactor: f64,
    /// Whether the server's inserts make it as empty again as it is.
    grows_back: bool,
}

#[allow(clippy::cast_precision_loss)] // Counts of rows.
fn real(count: i64) -> f64 {
    count as f64
}

fn int(count: u64) -> Fact {
    Fact::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

impl Reading<'_> {
    #[allow(clippy::cast_precision_loss)] // Sizes of pages.
    fn block(&self) -> f64 {
        self.server.block as f64
    }

    /// The row of one relation; `columns` is empty only where it has none.
    pub(super) fn relation(
        &self,
        sized: &Sized,
        relation: &Relation,
        columns: &[Column],
        tally: &mut Tally,
    ) -> Finding {
        tally.size += sized.size();
        if sized.locked {
            tally.unknown += 1;
            return Finding::of(&relation.quoted, Err("locked: ACCESS EXCLUSIVE is held or waited for".to_owned()));
        }
        if let Some(index) = relation.index.as_ref().filter(|index| sized.left && !index.valid) {
            tally.invalid += 1;
            let mut facts = self.facts(sized, relation, (0, 0));
            let (verdict, detail) = invalid::judge(sized, relation, index, self.server, &mut facts);
            let seen = Observation { verdict, detail, facts, observed_at: self.at, trend: None };
            return Finding::of(&relation.quoted, Ok(seen));
        }
        let pinned = horizon::pinned(relation.dead, relation.vacuumed, self.holder, self.server.now);
        let known = self.estimate(sized, relation, columns, pinned);
        let mut facts = self.facts(sized, relation, pinned);
        let (mut verdict, detail) = match &known {
            Ok(known) => self.describe(known, relation, pinned, &mut facts, tally),
            Err(unknown) => self.untold(unknown, sized, &mut facts, tally),
        };
        let mut notes = vec![detail];
        if let Some(age) = sized.ages.map(|ages| Age::of(ages, self.server)) {
            age.add_facts(&mut facts);
            let note = age.note();
            if verdict.worse(age.verdict) != verdict {
                facts.extend(note.clone().map(|note| ("reason", Fact::Text(note))));
            }
            verdict = verdict.worse(age.verdict);
            notes.extend(note);
        }
        notes.extend((!relation.legible).then(|| "its name is not UTF-8: act on it by hand".to_owned()));
        let trend = facts.contains_key("bloat_bytes").then_some(Trend::of("bloat_bytes"));
        let detail = notes.join(" · ");
        Finding::of(&relation.quoted, Ok(Observation { verdict, detail, facts, observed_at: self.at, trend }))
    }

    /// What can be said with an estimate.
    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    fn describe(
        &self,
        known: &Known,
        relation: &Relation,
        pinned: (i64, i64),
        facts: &mut BTreeMap<&'static str, Fact>,
        tally: &mut Tally,
    ) -> (Verdict, String) {
        let estimate = &known.estimate;
        let (bytes, ratio) = (estimate.bytes.unwrap_or(0), estimate.ratio().unwrap_or(0.0));
        let error = estimate.error_ratio().unwrap_or(1.0);
        tally.known_size += estimate.size;
        tally.bytes += bytes;
        tally.error += estimate.error_bytes();
        let sure = ratio - error;
        let warns = sure >= WARN_RATIO && bytes as f64 - estimate.error_bytes() >= self.least as f64;
        // What is fine needs no cure; who keeps dead rows alive is told all the same, since it holds up other tables too.
        let remedy = remedy(relation, known, sure, pinned).filter(|remedy| warns || *remedy == "release");
        facts.insert("warn_bytes", int(self.least));
        facts.insert("warn_ratio", Fact::Real(WARN_RATIO));
        facts.insert("bloat_bytes", int(bytes));
        facts.insert("bloat_ratio", Fact::Real(ratio));
        facts.insert("error_ratio", Fact::Real(error));
        facts.insert("method", Fact::Text(known.method.to_owned()));
        facts.insert("fillfactor", Fact::Real(known.fillfactor));
        let bar = format!("±{}", (error * 100.0).ceil());
        let mut notes = vec![quantity::bytes(estimate.size), quantity::percent(ratio), bar];
        if let Some(remedy) = remedy {
            facts.insert("remedy", Fact::Text(remedy.to_owned()));
            notes.push(remedy.to_owned());
        }
        if known.grows_back {
            facts.insert("grows_back", Fact::Bool(true));
            notes.push("grows back".to_owned());
        }
        if let Some(holder) = self.holder.filter(|_| pinned.1 > 0) {
            let all = if pinned.0 == pinned.1 { "" } else { "perhaps " };
            notes.push(format!("{all}pinned by {}", holder.called()));
        }
        (if warns { Verdict::Warn } else { Verdict::Ok }, notes.join(" · "))
    }

    /// What can be said without one.
    fn untold(
        &self,
        unknown: &Unknown,
        sized: &Sized,
        facts: &mut BTreeMap<&'static str, Fact>,
        tally: &mut Tally,
    ) -> (Verdict, String) {
        tally.unknown += u64::from(!unknown.size_alone);
        tally.mendable += u64::from(unknown.remedy == Some("analyze"));
        tally.hidden += u64::from(unknown.hidden);
        tally.denied |= unknown.grant;
        facts.insert("method", Fact::Text("none".to_owned()));
        facts.extend(unknown.remedy.map(|remedy| ("remedy", Fact::Text(remedy.to_owned()))));
        facts.extend(unknown.grant.then(|| self.server.grant()));
        facts.insert("reason", Fact::Text(unknown.why.clone()));
        let verdict = if unknown.size_alone { Verdict::Ok } else { Verdict::Unknown };
        (verdict, format!("{} · {}", quantity::bytes(sized.size()), unknown.why))
    }

    /// What is known of every relation.
    fn facts(&self, sized: &Sized, relation: &Relation, pinned: (i64, i64)) -> BTreeMap<&'static str, Fact> {
        let kind = match relation.kind {
            b'i' => "index",
            b'I' => "partitioned index",
            b'm' => "matview",
            _ => "table",
        };
        let mut facts = BTreeMap::from([
            ("database", Fact::Text(self.server.database.clone())),
            ("schema", Fact::Text(relation.schema.clone())),
            ("name", Fact::Text(relation.name.clone())),
            ("kind", Fact::Text(kind.to_owned())),
            ("oid", Fact::Int(sized.oid.into())),
            ("size_bytes", int(sized.size())),
            ("access_method", Fact::Text(relation.method.clone())),
            ("can_act", Fact::Bool(self.can_act && !self.server.standby && relation.legible)),
        ]);
        if let Some(vacuumed) = relation.vacuumed {
            facts.insert("last_vacuum", Fact::Text(Wall::from_unix(vacuumed, 0).0.to_string()));
        }
        if let Some(index) = &relation.index {
            facts.insert("table", Fact::Text(index.table.clone()));
            facts.insert("valid", Fact::Bool(index.valid));
            return facts;
        }
        facts.insert("partition", Fact::Bool(relation.partition));
        facts.insert("toast_bytes", int(sized.toast));
        // On a standby nobody counts them.
        if !self.server.standby {
            facts.insert("dead_rows", Fact::Int(relation.dead));
            if pinned.0 == pinned.1 {
                facts.insert("dead_rows_pinned", Fact::Int(pinned.0));
                facts.insert("dead_rows_removable", Fact::Int(relation.dead.max(0) - pinned.0));
            }
            if let Some(holder) = self.holder.filter(|_| pinned.1 > 0) {
                self.holder_facts(holder, &mut facts);
            }
        }
        facts
    }

    /// Who holds the oldest snapshot, never what it runs.
    pub(super) fn holder_facts(&self, holder: &Holder, facts: &mut BTreeMap<&'static str, Fact>) {
        facts.insert("holder_kind", Fact::Text(holder.kind.clone()));
        facts.insert("holder", Fact::Text(holder.id.clone()));
        facts.insert("holder_age_xids", Fact::Int(holder.xids));
        facts.extend(holder.age(self.server.now).map(|age| ("holder_age_s", Fact::Int(age))));
        facts.extend(holder.application.clone().map(|name| ("holder_application", Fact::Text(name))));
    }

    fn estimate(
        &self,
        sized: &Sized,
        relation: &Relation,
        columns: &[Column],
        pinned: (i64, i64),
    ) -> Result<Known, Unknown> {
        let standby = self.server.standby;
        let count = match self.counts.get(&relation.table) {
            Some(known) => *known,
            None => count::rows(relation, standby, self.pages(relation.table), None),
        };
        let needed = |missing| unknown::missing(missing, relation, standby);
        let count = count.ok_or_else(|| needed(Missing::NeverAnalyzed))?;
        let Count { live, unsure, drift, stale } = count;
        let rows = Rows { live, unsure, drift, pinned: (real(pinned.0), real(pinned.1)), stale };
        let known = match &relation.index {
            Some(index) if relation.method == "btree" => {
                if index::are_compressed(columns, index.includes) {
                    return Err(Unknown::by_size_alone("wide keys are compressed"));
                }
                self.of_index(sized, relation, index, columns, rows).map_err(needed)?
            }
            None if relation.method == "heap" => self.of_table(sized, relation, columns, rows).map_err(needed)?,
            _ => return Err(Unknown::by_size_alone(&relation.method)),
        };
        if known.estimate.bytes.is_none() {
            return Err(Unknown::new("TOAST never counted, VACUUM needed", "vacuum"));
        }
        if known.estimate.is_useless() {
            return Err(unknown::useless(sized, count, standby));
        }
        Ok(known)
    }

    /// The pages of a table's main file now.
    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    fn pages(&self, table: u32) -> Option<f64> {
        self.sizes.get(&table).map(|size| (*size as f64 / self.block()).ceil())
    }

    /// Counts the rows of a table, so that its indexes have the same.
    pub(super) fn count(&mut self, relation: &Relation, columns: &[Column]) {
        let fillfactor = relation.fillfactor.unwrap_or(100.0);
        let needs = table::needs(columns, fillfactor, self.block());
        let needs = needs.as_ref().map(|needs| needs as &dyn Fn(f64) -> f64);
        let count = count::rows(relation, self.server.standby, self.pages(relation.table), needs);
        self.counts.insert(relation.table, count);
    }

    fn method(&self, relation: &Relation) -> &'static str {
        if relation.counted && !self.server.standby { "width statistics" } else { "width statistics, reltuples" }
    }

    fn of_table(&self, sized: &Sized, relation: &Relation, columns: &[Column], rows: Rows) -> Result<Known, Missing> {
        #[allow(clippy::cast_precision_loss)] // Sizes of files.
        let pages = (sized.toast as f64 / self.block()).ceil();
        let pieces = |known| count::pieces(known, self.server.standby, pages, &table::needs_of_pieces);
        let toast = relation.toast.map(|known| Toast { size: sized.toast, pieces: pieces(known) });
        let fillfactor = relation.fillfactor.unwrap_or(100.0);
        let heap = Heap { size: sized.main, columns, rows, fillfactor, toast };
        let estimate = table::estimate(&heap, self.block())?;
        Ok(Known { estimate, method: self.method(relation), fillfactor, grows_back: false })
    }

    fn of_index(
        &self,
        sized: &Sized,
        relation: &Relation,
        index: &OfIndex,
        columns: &[Column],
        mut rows: Rows,
    ) -> Result<Known, Missing> {
        if index.partial {
            if relation.tuples < 0.0 {
                return Err(Missing::NeverAnalyzed);
            }
            // Both counts are of the same moment.
            let covered = if relation.table_tuples > 0.0 { relation.tuples / relation.table_tuples } else { 1.0 };
            let covered = covered.clamp(0.0, 1.0);
            rows.live *= covered;
            rows.unsure *= covered;
            rows.pinned = (0.0, rows.pinned.1);
        }
        let fillfactor = relation.fillfactor.unwrap_or(90.0);
        let shares = !index.unique && !index.includes && index.equal_is_same && index.deduplicates;
        let tree = Btree { size: sized.main, columns, rows, fillfactor, shares, partial: index.partial };
        let estimate = index::estimate(&tree, self.block())?;
        let first = columns.first().and_then(|column| column.stats.ok());
        let random = first.is_some_and(|stats| {
            let mostly_different = stats.distinct < -0.5 || stats.distinct > tree.rows.live / 2.0;
            mostly_different && stats.correlation.is_some_and(|correlation| correlation.abs() < IN_ORDER)
        });
        let natural = estimate.ratio().is_some_and(|ratio| (WORTH_RATIO..WARN_RATIO).contains(&ratio));
        Ok(Known { estimate, method: self.method(relation), fillfactor, grows_back: random && natural })
    }
}

/// What gives the space back: `repack` (a rewrite: REPACK from version 19 on, VACUUM FULL or pg_repack before) and `reindex` return
/// it to the disk; `vacuum` makes dead rows reusable, which is enough where they are most of it; `release` is for the holder of the
/// oldest snapshot first, because until then nothing helps.
fn remedy(relation: &Relation, known: &Known, sure: f64, pinned: (i64, i64)) -> Option<&'static str> {
    let dead = relation.dead.max(0);
    let ratio = known.estimate.ratio().unwrap_or(0.0);
    let share = share(dead, relation.live.max(0) + dead);
    if relation.index.is_none() && pinned.1 > 0 && share >= WORTH_RATIO {
        Some("release")
    } else if sure < WORTH_RATIO || known.grows_back {
        None
    } else if relation.index.is_some() {
        Some("reindex")
    } else if share >= ratio / 2.0 {
        Some("vacuum")
    } else {
        Some("repack")
    }
}
