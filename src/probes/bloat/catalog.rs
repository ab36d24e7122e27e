//! What the server says of its relations: a handful of statements for the whole database, each its own transaction.
//!
//! Relations are asked for by OID, never by a name put into SQL. Sizes are taken with a lock that readers take, so relations that
//! somebody locks exclusively, or waits to, are left out and reported as locked.

use crate::domain::Fact;
use crate::probes::bloat::questions::{COLUMNS, DETAILS, SERVER, SIZES, filled};
use crate::probes::bloat::widths::{Align, Column, Missing, Stats};
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::names;
use std::collections::BTreeMap;

/// `lock_not_available`
const LOCKED: &str = "55P03";
/// How often the sizes are asked for again when a lock came in between; each time it is seen first.
const TRIES: usize = 3;

/// The server and the database that is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Server {
    /// The database's own OID.
    pub(super) oid: u32,
    /// Its name.
    pub(super) database: String,
    /// The role as SQL writes its name.
    pub(super) role: String,
    /// 150018 for 15.18.
    pub(super) version: i64,
    /// Bytes of a page.
    pub(super) block: i64,
    /// Whether it is a standby.
    pub(super) standby: bool,
    /// Its clock, in seconds since the epoch.
    pub(super) now: i64,
    /// Ages from which autovacuum is forced, of transactions and multixacts.
    pub(super) freeze_at: (i64, i64),
    /// Ages from which it drops all restraint.
    pub(super) failsafe_at: (i64, i64),
    /// The ages of the database.
    pub(super) ages: (i64, i64),
    /// The other databases of the server, `, ` between them.
    pub(super) others: String,
    /// How many these are.
    pub(super) other_count: i64,
    /// Whether its texts are bytes of no declared encoding (`SQL_ASCII`); names come escaped then.
    pub(super) escapes: bool,
}

impl Server {
    /// What a superuser would run, so that the role sees the statistics of every column.
    pub(super) fn grant(&self) -> (&'static str, Fact) {
        ("remedy_command", Fact::Text(format!("GRANT pg_read_all_data TO {};", self.role)))
    }
}

/// The size of a relation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sized {
    /// Its OID.
    pub(super) oid: u32,
    /// Whether it is an index.
    pub(super) index: bool,
    /// Whether it is an invalid index that nothing works on: what a build, a rebuild or a drop left behind.
    pub(super) left: bool,
    /// Whether something may work on it that this role may not see.
    pub(super) unseen: bool,
    /// Whether somebody locks it exclusively or waits to; the sizes are those of the last `VACUUM` or `ANALYZE` then.
    pub(super) locked: bool,
    /// Bytes of its main file.
    pub(super) main: u64,
    /// Bytes of its TOAST table.
    pub(super) toast: u64,
    /// Its age in transactions and in multixacts, TOAST included; `None` for an index.
    pub(super) ages: Option<(i64, i64)>,
}

impl Sized {
    /// Bytes of both files.
    pub(super) fn size(&self) -> u64 {
        self.main.saturating_add(self.toast)
    }
}

/// What an index has beside what every relation has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OfIndex {
    /// Its table, as PostgreSQL prints it.
    pub(super) table: String,
    /// Whether keys are unique.
    pub(super) unique: bool,
    /// Whether queries may use it.
    pub(super) valid: bool,
    /// Whether new rows go into it: a unique one that takes none enforces nothing.
    pub(super) ready: bool,
    /// Whether it is invalid and a valid index with the same keys stands beside it.
    pub(super) twin: bool,
    /// Whether it covers some of the rows only.
    pub(super) partial: bool,
    /// Whether it has columns beside its key.
    pub(super) includes: bool,
    /// Whether equal keys are the same bytes.
    pub(super) equal_is_same: bool,
    /// Whether equal keys may share an entry, as far as its parameters say.
    pub(super) deduplicates: bool,
}

/// What the server counted of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    /// Rows by the catalog, as of the last `VACUUM`, `ANALYZE` or rewrite; negative: never.
    pub(super) tuples: f64,
    /// The pages that it had then.
    pub(super) pages: f64,
    /// Live rows by the cumulative statistics.
    pub(super) live: f64,
    /// Those inserted less those deleted since the statistics began, whether committed or not.
    pub(super) net: f64,
    /// Whether these have a count to start from.
    pub(super) counted: bool,
}

/// A relation beside its size and columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Relation {
    /// Its schema.
    pub(super) schema: String,
    /// Its name.
    pub(super) name: String,
    /// Both, quoted where PostgreSQL needs it.
    pub(super) quoted: String,
    /// `r`, `m`, `i` or `I`.
    pub(super) kind: u8,
    /// `heap`, `btree`, `gin` …
    pub(super) method: String,
    /// Whether it is a partition.
    pub(super) partition: bool,
    /// Whether its name is text; otherwise nothing can be done to it by name.
    pub(super) legible: bool,
    /// The first column without statistics, where others have them.
    pub(super) lacking: Option<String>,
    /// The OID of its table; its own where it is one.
    pub(super) table: u32,
    /// How many columns it ever had.
    pub(super) columns: i64,
    /// In percent, where it is set.
    pub(super) fillfactor: Option<f64>,
    /// Its rows at the last `VACUUM`, `ANALYZE` or rewrite; negative: never counted.
    pub(super) tuples: f64,
    /// Those of its table.
    pub(super) table_tuples: f64,
    /// The pages that its table had when they were counted.
    pub(super) table_pages: f64,
    /// Live rows of its table by the cumulative statistics.
    pub(super) live: i64,
    /// Those inserted less those deleted since the statistics began, whether committed or not.
    pub(super) net: i64,
    /// Dead ones.
    pub(super) dead: i64,
    /// Rows changed since the table was analyzed.
    pub(super) modified: i64,
    /// When its table was vacuumed, in seconds since the epoch.
    pub(super) vacuumed: Option<i64>,
    /// Whether the cumulative statistics have a count to start from: a `VACUUM` or an `ANALYZE` that they remember.
    pub(super) counted: bool,
    /// What is known of the pieces of its TOAST table.
    pub(super) toast: Option<Counted>,
    /// What only an index has.
    pub(super) index: Option<OfIndex>,
}

/// What an answer must hold.
fn lacks(column: &str) -> Failure {
    Failure::ours(format!("the server's answer lacks {column}"))
}

fn text(line: &Line, column: &str) -> Result<String, Failure> {
    line.text(column).map(str::to_owned).ok_or_else(|| lacks(column))
}

/// A name, and whether it is text.
fn name(line: &Line, column: &str, escapes: bool) -> Result<(String, bool), Failure> {
    line.text(column).map(|written| names::plain(written, escapes)).ok_or_else(|| lacks(column))
}

fn int(line: &Line, column: &str) -> Result<i64, Failure> {
    line.int(column).ok_or_else(|| lacks(column))
}

fn real(line: &Line, column: &str) -> Result<f64, Failure> {
    line.real(column).ok_or_else(|| lacks(column))
}

fn flag(line: &Line, column: &str) -> Result<bool, Failure> {
    line.flag(column).ok_or_else(|| lacks(column))
}

fn oid(line: &Line) -> Result<u32, Failure> {
    line.int("oid").and_then(|oid| u32::try_from(oid).ok()).ok_or_else(|| lacks("oid"))
}

/// Asks about the server.
pub(super) async fn server(session: &Session) -> Result<Server, Failure> {
    let line = session.row(&names::named(SERVER)).await?;
    let escapes = flag(&line, "escapes")?;
    Ok(Server {
        oid: oid(&line)?,
        database: name(&line, "database", escapes)?.0,
        role: name(&line, "role", escapes)?.0,
        version: int(&line, "version")?,
        block: int(&line, "block")?,
        standby: flag(&line, "standby")?,
        now: int(&line, "now")?,
        freeze_at: (int(&line, "freeze_at")?, int(&line, "multi_freeze_at")?),
        failsafe_at: (int(&line, "failsafe_at")?, int(&line, "multi_failsafe_at")?),
        ages: (int(&line, "xids")?, int(&line, "multis")?),
        others: line.text("others").map(|others| names::plain(others, escapes).0).unwrap_or_default(),
        other_count: int(&line, "other_count")?,
        escapes,
    })
}

/// Asks for the size of every relation, and again when a lock came in between.
pub(super) async fn sizes(session: &Session, server: &Server) -> Result<Vec<Sized>, Failure> {
    let sql = filled(SIZES, server, &[]);
    let mut tries = 1;
    let lines = loop {
        match session.rows(&sql).await {
            Err(failure) if tries < TRIES && failure.code.as_deref() == Some(LOCKED) => tries += 1,
            done => break done?,
        }
    };
    // A relation that was dropped meanwhile has no size.
    lines.iter().filter(|line| line.text("main").is_some() && line.text("toast").is_some()).map(sized).collect()
}

fn sized(line: &Line) -> Result<Sized, Failure> {
    let bytes = |column: &str| int(line, column).map(|bytes| u64::try_from(bytes).unwrap_or(0));
    Ok(Sized {
        oid: oid(line)?,
        index: flag(line, "index")?,
        left: flag(line, "left_behind")?,
        unseen: flag(line, "unseen")?,
        locked: flag(line, "locked")?,
        main: bytes("main")?,
        toast: bytes("toast")?,
        ages: line.int("xids").zip(line.int("multis")),
    })
}

/// Asks about relations; one that is gone is missing in the answer.
pub(super) async fn details(
    session: &Session,
    server: &Server,
    oids: &[u32],
) -> Result<BTreeMap<u32, Relation>, Failure> {
    let lines = session.rows(&filled(DETAILS, server, oids)).await?;
    lines.iter().map(|line| Ok((oid(line)?, relation(line, server.escapes)?))).collect()
}

fn relation(line: &Line, escapes: bool) -> Result<Relation, Failure> {
    let of_index = |unique: bool| {
        Ok::<_, Failure>(OfIndex {
            table: name(line, "of_table", escapes)?.0,
            unique,
            valid: flag(line, "valid")?,
            ready: flag(line, "ready")?,
            twin: flag(line, "twin")?,
            partial: flag(line, "partial")?,
            includes: flag(line, "includes")?,
            equal_is_same: flag(line, "equal_is_same")?,
            deduplicates: line.text("deduplicates").is_none_or(|written| !is_no(written)),
        })
    };
    let toast = |tuples: f64| {
        let (pages, live) = (real(line, "toast_pages")?, real(line, "toast_live")?);
        Ok::<_, Failure>(Counted {
            tuples,
            pages,
            live,
            net: real(line, "toast_net")?,
            counted: flag(line, "toast_counted")?,
        })
    };
    let ((schema, known), (own, legible)) = (name(line, "schema", escapes)?, name(line, "name", escapes)?);
    Ok(Relation {
        schema,
        name: own,
        quoted: name(line, "quoted", escapes)?.0,
        legible: known && legible,
        lacking: None,
        table: int(line, "table_oid").and_then(|oid| u32::try_from(oid).map_err(|_| lacks("table_oid")))?,
        kind: text(line, "kind")?.bytes().next().unwrap_or(0),
        method: line.text("method").unwrap_or_default().to_owned(),
        partition: flag(line, "partition")?,
        columns: int(line, "columns")?,
        fillfactor: line.real("fillfactor"),
        tuples: real(line, "tuples")?,
        table_tuples: real(line, "table_tuples")?,
        table_pages: real(line, "table_pages")?,
        live: int(line, "live")?,
        net: int(line, "net")?,
        dead: int(line, "dead")?,
        modified: int(line, "modified")?,
        vacuumed: line.int("vacuumed"),
        counted: flag(line, "counted")?,
        toast: line.real("toast_tuples").map(toast).transpose()?,
        index: line.flag("uniq").map(of_index).transpose()?,
    })
}

/// Whether a storage parameter was written as some form of no: every beginning of `false` and `no`, `of`, `off`, `0`.
fn is_no(written: &str) -> bool {
    let written = written.to_ascii_lowercase();
    matches!(written.as_str(), "0" | "of" | "off")
        || (!written.is_empty() && ("false".starts_with(&written) || "no".starts_with(&written)))
}

/// Asks for the columns of relations in one statement; the order is that of the row. Notes which column lacks statistics that others
/// have.
pub(super) async fn columns(
    session: &Session,
    server: &Server,
    oids: &[u32],
    relations: &mut BTreeMap<u32, Relation>,
) -> Result<BTreeMap<u32, Vec<Column>>, Failure> {
    let lines = session.rows(&filled(COLUMNS, server, oids)).await?;
    let mut all = BTreeMap::new();
    for line in &lines {
        let written = line.text("columns").ok_or_else(|| lacks("columns"))?;
        let read: Option<Vec<Column>> = written.split(' ').map(column).collect();
        let (oid, columns) = (oid(line)?, read.ok_or_else(|| lacks("columns"))?);
        if let Some(relation) = relations.get_mut(&oid).filter(|_| columns.iter().any(|column| column.stats.is_ok())) {
            relation.lacking = line.text("lacking").map(|name| names::plain(name, server.escapes).0);
        }
        all.insert(oid, columns);
    }
    Ok(all)
}

/// Reads one column of [`COLUMNS`].
fn column(written: &str) -> Option<Column> {
    let mut words = written.split(',');
    let mut word = || words.next();
    let (len, align, dropped) = (word()?.parse().ok()?, word()?.bytes().next()?, word()? == "t");
    let mut figure = || word().and_then(|word| word.parse::<f64>().ok());
    let (width, nulls, distinct, correlation) = (figure(), figure(), figure(), figure());
    let (readable, hidden, off, required) = (word()?, word()?, word()? == "t", word()? == "t");
    let stats = match (width, nulls, distinct) {
        (Some(width), Some(nulls), Some(distinct)) => Ok(Stats { width, nulls, distinct, correlation }),
        _ if readable == "false" => Err(Missing::Denied),
        _ if hidden == "t" => Err(Missing::RowSecurity),
        _ if off => Err(Missing::Off),
        _ => Err(Missing::NeverAnalyzed),
    };
    Some(Column { len, align: Align::from_letter(align), dropped, required, stats })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_with_their_statistics_or_the_reason_for_none() {
        let seen = column("-1,i,f,33,0.25,-0.5,0.125,true,f,f,f").unwrap();
        let stats = Stats { width: 33.0, nulls: 0.25, distinct: -0.5, correlation: Some(0.125) };
        assert_eq!(seen, Column { len: -1, align: Align::Int, dropped: false, required: false, stats: Ok(stats) });
        assert_eq!(column("8,d,f,8,0,-1,?,true,f,f,f").unwrap().stats.unwrap().correlation, None);
        assert!(column("8,d,t,?,?,?,?,?,f,f,f").unwrap().dropped);
        assert_eq!(column("8,d,f,?,?,?,?,true,f,f,f").unwrap().stats, Err(Missing::NeverAnalyzed));
        assert_eq!(column("8,d,f,?,?,?,?,false,t,t,f").unwrap().stats, Err(Missing::Denied));
        assert_eq!(column("8,d,f,?,?,?,?,true,t,t,f").unwrap().stats, Err(Missing::RowSecurity));
        assert_eq!(column("8,d,f,?,?,?,?,true,f,t,f").unwrap().stats, Err(Missing::Off));
        assert!(column("8,d,f,?,?,?,?,true,f,f,t").unwrap().required);
        assert_eq!(column("8,d,f,8"), None);
    }

    #[test]
    fn a_parameter_is_off_in_every_way_the_server_takes() {
        for no in ["off", "OFF", "of", "false", "F", "no", "n", "0"] {
            assert!(is_no(no), "{no}");
        }
        for yes in ["on", "true", "t", "yes", "1", ""] {
            assert!(!is_no(yes), "{yes}");
        }
    }
}
