//! The tables, and how the file is opened.

use super::fault::{Fault, unusable};
use super::place::Place;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// What marks the file as this program's: `MWhi`.
pub(super) const APPLICATION: i64 = 0x4d57_6869;
/// The version of the tables. Of the first, a figure had no bounds.
pub(super) const VERSION: i64 = 2;
/// The first version, which is brought up to this one when it is opened to write.
const FIRST: i64 = 1;
/// The most that the file may hold, in bytes. `docs/performance.md` says what a thousand rows take for their day.
pub(super) const LARGEST: u64 = 512 << 20;
/// The size of a page, in bytes.
pub(super) const PAGE: u64 = 4096;
/// How long another process at the file is waited for; this is never a thread that anybody waits for.
const BUSY: Duration = Duration::from_secs(2);

/// A figure is found by its minute first: what is new is at the end, what is old at the beginning, and the last hour together.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    estate TEXT NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    object TEXT NOT NULL,
    fact TEXT NOT NULL,
    UNIQUE (estate, kind, target, object, fact)
) STRICT;
CREATE TABLE IF NOT EXISTS figure (
    minute INTEGER NOT NULL,
    series INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    value REAL NOT NULL,
    least REAL,
    greatest REAL,
    PRIMARY KEY (minute, series)
) STRICT, WITHOUT ROWID;
";

/// What the second version added: the least and the greatest reading of a minute, where they differ from the last one.
const SECOND: &str = "ALTER TABLE figure ADD COLUMN least REAL; ALTER TABLE figure ADD COLUMN greatest REAL;";

/// Opens the file to write, makes it with its tables where there is none, and brings older tables up to these.
pub(super) fn open(place: &Place) -> Result<Connection, Fault> {
    place.make()?;
    let path = place.database();
    let db = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let made = if is_new(&db, &path)? { create(&db) } else { upgrade(&db) };
    made.map_err(|cause| Fault::of(&path, &cause))?;
    let settings = format!("PRAGMA journal_mode = TRUNCATE; PRAGMA max_page_count = {};", LARGEST / PAGE);
    db.execute_batch(&settings).map_err(|cause| Fault::of(&path, &cause))?;
    Ok(db)
}

/// Opens the file to read; none where there is none, or nothing in it.
pub(super) fn open_to_read(place: &Place) -> Result<Option<Connection>, Fault> {
    if place.look()?.is_none() {
        return Ok(None);
    }
    let path = place.database();
    let db = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok((!is_new(&db, &path)?).then_some(db))
}

fn connect(path: &Path, how: OpenFlags) -> Result<Connection, Fault> {
    let flags = how | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        db.execute_batch("PRAGMA trusted_schema = OFF;")?;
        Ok(db)
    };
    open().map_err(|cause: rusqlite::Error| Fault::of(path, &cause))
}

/// Whether nothing is in it yet; refuses the file of another program, and that of a later version of this one.
fn is_new(db: &Connection, path: &Path) -> Result<bool, Fault> {
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|cause| Fault::of(path, &cause));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let of = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let away = format!("move it away, and a new one is begun: mv {0} {0}.old", path.display());
    match of {
        (0, 0) if tables == 0 => Ok(true),
        (APPLICATION, FIRST | VERSION) => Ok(false),
        (APPLICATION, later) => {
            let why = format!("a later version of Midwatch wrote it (schema {later}; this one knows {VERSION})");
            Err(unusable(path, &why, &away).into())
        }
        _ => Err(unusable(path, "it is the database of another program", &away).into()),
    }
}

/// Makes the tables, all or none; pages that become free are given back to the file system later. The journal is never removed but cut
/// to nothing, from the first transaction on.
fn create(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "PRAGMA journal_mode = TRUNCATE; PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL;
        BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))
}

/// The version that a file of this program has.
fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether the tables hold the bounds of a minute.
pub(super) fn has_spread(db: &Connection) -> rusqlite::Result<bool> {
    Ok(version(db)? >= VERSION)
}

/// Brings tables of the first version up to this one, all or none; their figures stay. Another process may do so at the same moment.
fn upgrade(db: &Connection) -> rusqlite::Result<()> {
    if has_spread(db)? {
        return Ok(());
    }
    let change = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    if !has_spread(&change)? {
        change.execute_batch(&format!("{SECOND} PRAGMA user_version = {VERSION};"))?;
    }
    change.commit()
}
