//! Reads the figures of an estate.

use super::schema;
use crate::domain::series::MINUTE_MS;
use crate::domain::{Figure, Past, SeriesId, TargetKind, Wall};
use rusqlite::{Connection, Row, params};

/// The most figures that are taken: those of ten thousand rows for an hour.
const MOST: i64 = 600_000;

/// The figures of an estate from a minute on, none of them ahead of a moment.
pub(super) fn figures(db: &Connection, estate: &str, from: i64, now: Wall) -> rusqlite::Result<Past> {
    // An older file has only the last reading of each minute, and who only reads cannot change that.
    let spread = if schema::has_spread(db)? { "least, greatest" } else { "NULL, NULL" };
    let mut query = db.prepare(&format!(
        "SELECT kind, target, object, fact, minute, ms, value, {spread}
         FROM figure JOIN series ON series.id = figure.series
         WHERE minute BETWEEN ?1 AND ?2 AND estate = ?3 ORDER BY minute DESC LIMIT ?4",
    ))?;
    let mut past = Past::default();
    let mut rows = query.query(params![from, crate::domain::series::minute(now), estate, MOST])?;
    while let Some(row) = rows.next()? {
        if let Some((id, figure)) = figure(row)?.filter(|(_, figure)| figure.at <= now) {
            past.0.entry(id).or_default().push(figure);
        }
    }
    past.0.values_mut().for_each(|figures| figures.reverse());
    Ok(past)
}

/// A figure with what it is of; none where the program has no such kind, or it is no time.
fn figure(row: &Row<'_>) -> rusqlite::Result<Option<(SeriesId, Figure)>> {
    let (kind, object): (String, String) = (row.get(0)?, row.get(2)?);
    let (minute, ms): (i64, i64) = (row.get(4)?, row.get(5)?);
    let at = minute.checked_mul(MINUTE_MS).and_then(|start| start.checked_add(ms));
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).map(Wall);
    let Some((kind, at)) = TargetKind::from_word(&kind).zip(at) else { return Ok(None) };
    let object = Some(object).filter(|object| !object.is_empty());
    let (value, least, greatest): (f64, Option<f64>, Option<f64>) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let figure = Figure { at, value, least: least.unwrap_or(value), greatest: greatest.unwrap_or(value) };
    Ok(Some((SeriesId { kind, target: row.get(1)?, object, fact: row.get(3)? }, figure)))
}
