//! What a rewrite of each table and index of a PostgreSQL database would give back.
//!
//! ```text
//!  server -> sizes -> details -> columns -> oldest snapshot      five statements for any number of relations, each by itself
//!                        |         |             |
//!                      rows     widths        pinned  -> estimate with its error bar -> one row for each relation
//! ```
//! The estimate is of widths: the rows that live need so many pages, and the rest would come back. It is never a ratio of dead and
//! live rows, nor a share of the database. Where the statistics of a single column are missing or hidden, nothing is known.
//!
//! Facts of a relation: `database schema name kind oid size_bytes toast_bytes bloat_bytes bloat_ratio error_ratio method fillfactor
//! remedy reason dead_rows dead_rows_pinned dead_rows_removable last_vacuum wraparound_age wraparound_ratio partition table valid
//! grows_back access_method can_act`, and `holder holder_kind holder_age_s holder_age_xids holder_application` where the holder of
//! the oldest snapshot keeps dead rows of it alive. What is not known is absent; so is `remedy` where nothing is to be done, and where what would come
//! back is no warning.
//!
//! Facts of the database: `database kind oid size_bytes total_bloat_bytes total_bloat_ratio total_error_ratio method unknown_relations
//! hidden_relations server_version standby other_databases wraparound_age wraparound_ratio can_act`, and those of the holder. Of the
//! smaller relations: `database kind relations size_bytes method oldest wraparound_age wraparound_ratio can_act`.

mod age;
mod catalog;
mod count;
mod estimate;
pub(crate) mod horizon;
mod index;
mod invalid;
mod judge;
mod overall;
mod questions;
mod table;
mod unknown;
mod widths;

use crate::domain::{Finding, Loss};
use crate::probes::bloat::horizon::Memory;
use crate::probes::bloat::judge::{Reading, Tally};
use crate::probes::bloat::overall::{Smaller, database};
use crate::probes::clock;
use crate::probes::postgres::connect::{Failure, Session, begin};
use crate::probes::target::Database;
use std::collections::BTreeMap;

/// Relations smaller than this, TOAST included, are summed; except for invalid indexes.
const SMALLEST: u64 = 1 << 20;

/// Reads one target again and again.
pub struct BloatReader {
    target: Database,
    session: Option<Session>,
    memory: Memory,
}

impl BloatReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Database) -> Self {
        Self { target, session: None, memory: Memory::default() }
    }

    /// Reads once: the database's own row, one for each table and index of 1 MiB and more and for each invalid index, and one for all
    /// others together.
    ///
    /// # Errors
    /// Why nothing was learnt.
    pub async fn read(&mut self) -> Result<Vec<Finding>, Loss> {
        let session = match self.session.take().filter(|session| !session.is_over()) {
            Some(session) => session,
            None => begin(&self.target.watch).await?,
        };
        let findings = self.findings(&session).await;
        self.session = (!session.is_over()).then_some(session);
        Ok(findings?)
    }

    async fn findings(&mut self, session: &Session) -> Result<Vec<Finding>, Failure> {
        let server = catalog::server(session).await?;
        let sizes = catalog::sizes(session, &server).await?;
        let sizes_of_tables = sizes.iter().filter(|sized| !sized.index).map(|sized| (sized.oid, sized.main)).collect();
        let (large, smaller) = Smaller::split(sizes, SMALLEST);
        let mut oids: Vec<u32> = large.iter().map(|sized| sized.oid).collect();
        let mut relations = catalog::details(session, &server, &asked(&oids, &smaller)).await?;
        oids.retain(|oid| relations.contains_key(oid));
        let mut columns = catalog::columns(session, &server, &oids, &mut relations).await?;
        let holder = if server.standby { None } else { horizon::oldest(session).await? };
        let holder = self.memory.settle(holder, server.now);
        let mut reading = Reading {
            server: &server,
            holder: holder.as_ref(),
            can_act: self.target.can_act,
            least: self.target.bloat_size,
            at: clock::now().wall,
            counts: BTreeMap::new(),
            sizes: sizes_of_tables,
        };
        for (oid, relation) in relations.iter().filter(|(_, relation)| relation.index.is_none()) {
            if let Some(columns) = columns.get(oid) {
                reading.count(relation, columns);
            }
        }
        let mut tally = Tally::default();
        let mut findings = Vec::with_capacity(large.len() + 2);
        for sized in &large {
            let Some(relation) = relations.get(&sized.oid) else { continue };
            let columns = columns.remove(&sized.oid).unwrap_or_default();
            // Dropped between two statements.
            if columns.is_empty() && relation.columns > 0 {
                continue;
            }
            findings.push(reading.relation(sized, relation, &columns, &mut tally));
        }
        let oldest = smaller.oldest.and_then(|(oid, _)| relations.get(&oid));
        findings.extend(smaller.finding(&reading, oldest));
        findings.insert(0, database(&reading, &tally, &smaller));
        Ok(findings)
    }
}

/// The relations to ask about: the large ones, and the oldest of the others for its name.
fn asked(large: &[u32], smaller: &Smaller) -> Vec<u32> {
    large.iter().copied().chain(smaller.oldest.map(|(oid, _)| oid)).collect()
}
