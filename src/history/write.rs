//! The one transaction of a minute: what is new comes in, what is old goes out.

use super::pending::Pending;
use super::schema::{LARGEST, PAGE};
use crate::domain::SeriesId;
use crate::domain::series::MINUTE_MS;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// How many minutes are kept: a day, so that the same hour of the day before can be looked at.
pub(super) const KEPT: i64 = 24 * 60;
/// How many free pages stay in the file: the next minutes need them.
const SPARE: u64 = 256;
/// From how many pages on the oldest hours go, before the file has its greatest size.
const FULL: u64 = LARGEST / PAGE / 8 * 7;

/// Writes a minute; one that is there already was written before the minute was over, and its bounds stay within the new ones.
const PUT: &str = "
INSERT INTO figure (minute, series, ms, value, least, greatest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (minute, series) DO UPDATE SET
    least = min(coalesce(least, value), coalesce(excluded.least, excluded.value)),
    greatest = max(coalesce(greatest, value), coalesce(excluded.greatest, excluded.value)),
    ms = excluded.ms,
    value = excluded.value
";

/// Writes the figures of an estate that are not ahead of a minute, and removes what is older than a day; `sweep` removes the names of
/// series without figures, too.
pub(super) fn figures(
    db: &mut Connection,
    estate: &str,
    pending: &Pending,
    now: i64,
    sweep: bool,
) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // What lies further ahead than a day was written with a clock that was wrong, and would stay for as long.
    change.execute("DELETE FROM figure WHERE minute <= ?1 OR minute > ?2", [now - KEPT, now + KEPT])?;
    make_room(&change, FULL)?;
    insert(&change, estate, pending, now)?;
    if sweep {
        change.execute("DELETE FROM series WHERE id NOT IN (SELECT DISTINCT series FROM figure)", [])?;
    }
    give_back(&change)?;
    change.commit()
}

fn insert(change: &Transaction<'_>, estate: &str, pending: &Pending, now: i64) -> rusqlite::Result<()> {
    let mut find = change.prepare(
        "SELECT id FROM series WHERE estate = ?1 AND kind = ?2 AND target = ?3 AND object = ?4 AND fact = ?5",
    )?;
    let mut add = change
        .prepare("INSERT INTO series (estate, kind, target, object, fact) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id")?;
    let mut put = change.prepare(PUT)?;
    let kept = pending.0.iter().filter(|((minute, _), _)| (now - KEPT + 1..=now).contains(minute));
    for ((minute, id), figure) in kept {
        let SeriesId { kind, target, object, fact } = id;
        let of = params![estate, kind.word(), target, object.as_deref().unwrap_or_default(), fact];
        let series: i64 = match find.query_row(of, |row| row.get(0)).optional()? {
            Some(series) => series,
            None => add.query_row(of, |row| row.get(0))?,
        };
        let ms = figure.at.0.as_millisecond().rem_euclid(MINUTE_MS);
        // What does not differ from the last reading takes no room.
        let [least, greatest] =
            [figure.least, figure.greatest].map(|bound| Some(bound).filter(|it| *it != figure.value));
        put.execute(params![minute, series, ms, figure.value, least, greatest])?;
    }
    Ok(())
}

fn number(db: &Connection, sql: &str) -> rusqlite::Result<u64> {
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|number| u64::try_from(number).unwrap_or(0))
}

/// Removes the oldest hours until less than so many pages are in use.
pub(super) fn make_room(change: &Transaction<'_>, full: u64) -> rusqlite::Result<()> {
    loop {
        let used = number(change, "PRAGMA page_count")?.saturating_sub(number(change, "PRAGMA freelist_count")?);
        if used < full {
            return Ok(());
        }
        let oldest = "DELETE FROM figure WHERE minute < (SELECT min(minute) FROM figure) + 60";
        if change.execute(oldest, [])? == 0 {
            return Ok(());
        }
    }
}

/// Gives free pages back to the file system, but for what the next minutes need.
fn give_back(change: &Transaction<'_>) -> rusqlite::Result<()> {
    let free = number(change, "PRAGMA freelist_count")?.saturating_sub(SPARE);
    if free == 0 {
        return Ok(());
    }
    // Each step gives one page back.
    let mut vacuum = change.prepare(&format!("PRAGMA incremental_vacuum({free})"))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}
