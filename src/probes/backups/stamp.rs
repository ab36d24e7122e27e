//! The times in a backup's name; `when` says which of them counts.
//!
//! | written | read as |
//! |---|---|
//! | `2026-11-22`, `2026_11_22`, `2026.11.22`, `2026 11 22`, `20261122` | that day |
//! | a day, then `T`, `_`, `-`, `.`, `@` or a space, then `02-10-05`, `02:10`, `02_10_05`, `02.10.05`, `021005`, `0210`, `02h10m` | that moment |
//! | `20261122021005`, `202611220210`, also with three or six more digits of a fraction | that moment |
//! | `2026112202` | that hour, or the second of that day |
//! | a moment, then `Z`, `UTC`, `UTC+02`, `GMT-5`, `+0200`, `+02:00`, `-05:00`, `CET`, also behind a fraction; `GMT-` before it | in that zone |
//! | ten digits from 1000000000 to 4102444799, or thirteen | seconds, or milliseconds, since the epoch |
//! | `17-Nov-2026`, `November_17_2026`, `2026-Nov-17`, also with a time as above | that day, that moment |
//! | `261122-021005` of 2020 to 2059 | that moment |
//! | `22112026`, `11222026`, where only one of the two can be the month | that day |
//! | `2026326` of 2020 to 2059 | the day of the year |
//!
//! Digits on either side of it, and it is none of these; nor is anything inside an id of hexadecimal digits. `22-11-2026` and
//! `11-22-2026` are that day, with a time as above; `05-11-2026` is not read: which is the month cannot be known.

mod clock;
pub(super) mod id;
pub(in crate::probes::backups) mod worded;
mod zone;

use crate::probes::backups::stamp::clock::{Clock, clock};
use crate::probes::backups::stamp::id::id;
use crate::probes::backups::stamp::zone::zone;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use std::ops::Range;

/// A time that a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The day alone.
    Day(Date),
    /// A day and its hour, or a day and a number.
    Hour(DateTime),
    /// A moment, without its zone.
    Local(DateTime),
    /// A moment in a zone, in seconds since the epoch.
    Moment(i64),
    /// Seconds since the epoch.
    Epoch(i64),
}

/// Seconds since the epoch: from 2001 to the end of 2099.
const EPOCH: std::ops::RangeInclusive<i64> = 1_000_000_000..=4_102_444_799;
/// Years that a backup can be of.
const YEARS: std::ops::RangeInclusive<i16> = 1980..=2099;

/// All times in a name, in their order.
#[must_use]
pub fn find(name: &[u8]) -> Vec<Stamp> {
    places(name).into_iter().filter_map(|(stamp, _)| stamp).collect()
}

/// All times and ids in a name, in their order, with where they stand; an id is no time.
pub(super) fn places(name: &[u8]) -> Vec<(Option<Stamp>, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = name.get(at..).filter(|rest| !rest.is_empty()) {
        let before = name.get(..at).unwrap_or_default();
        if !before.last().is_some_and(u8::is_ascii_hexdigit)
            && let Some(long) = id(rest)
        {
            found.push((None, at..at + long));
            at += long;
            continue;
        }
        if !before.last().is_some_and(u8::is_ascii_alphanumeric)
            && let Some((stamp, used)) = worded::worded(rest)
        {
            found.push((Some(stamp), at..at + used));
            at += used;
            continue;
        }
        let digits = leading_digits(rest);
        if digits == 0 {
            at += 1;
            continue;
        }
        if !before.last().is_some_and(u8::is_ascii_alphanumeric)
            && let Some((stamp, used)) =
                year_last(rest).or_else(|| worded::in_one_run(rest).filter(|_| day(rest).is_none()))
        {
            found.push((Some(stamp), at..at + used));
            at += used;
            continue;
        }
        if !follows_day_and_month(before)
            && let Some((stamp, used)) = calendar_at(rest, before)
        {
            found.push((Some(stamp), at..at + used));
            at += used;
            continue;
        }
        let is_bare = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_hexdigit);
        if is_bare(before.last()) && is_bare(rest.get(digits)) {
            found.extend(epoch_at(rest, digits).map(|unix| (Some(Stamp::Epoch(unix)), at..at + digits)));
        }
        at += digits;
    }
    found
}

/// Whether what stands before a year is a day and a month, or the other way round: `22-11-`.
fn follows_day_and_month(before: &[u8]) -> bool {
    let Some(tail) = before.len().checked_sub(6).and_then(|start| before.get(start..)) else { return false };
    let &[d1, d2, one, m1, m2, other] = tail else { return false };
    let number = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
    };
    let (Some(first), Some(second)) = (number(d1, d2), number(m1, m2)) else { return false };
    let is_alone = !before.len().checked_sub(7).and_then(|at| before.get(at)).is_some_and(u8::is_ascii_digit);
    one == other
        && matches!(one, b'-' | b'_' | b'.')
        && is_alone
        && (1..=31).contains(&first.max(second))
        && (1..=12).contains(&first.min(second))
}

fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The first `count` bytes as a number; all of them must be digits.
fn number(text: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let value = digits.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(i64::from(byte - b'0')))
    })?;
    Some((value, rest))
}

fn epoch_at(text: &[u8], digits: usize) -> Option<i64> {
    let (value, _) = number(text, digits)?;
    let unix = match digits {
        10 => value,
        13 => value / 1000,
        _ => return None,
    };
    EPOCH.contains(&unix).then_some(unix)
}

/// A day, and the time that may follow it, at the beginning of a text; with how long it is.
fn calendar_at(text: &[u8], before: &[u8]) -> Option<(Stamp, usize)> {
    behind_day(text, before, day(text)?)
}

/// A day with the time that follows it.
fn behind_day<'a>(text: &'a [u8], before: &[u8], day: (Date, &'a [u8], bool)) -> Option<(Stamp, usize)> {
    let (date, rest, compact) = day;
    let length = |rest: &[u8]| text.len().saturating_sub(rest.len());
    let Some(Clock { time, rest: after, is_iso }) = clock(rest, compact) else {
        if let Some((hour, after)) = number(rest, 2).filter(|(_, after)| compact && leading_digits(after) == 0) {
            let time = i8::try_from(hour).ok().and_then(|hour| Time::new(hour, 0, 0, 0).ok());
            let stamp = time.map_or(Stamp::Day(date), |time| Stamp::Hour(date.to_datetime(time)));
            return Some((stamp, length(after)));
        }
        // A longer number is no date.
        return (leading_digits(rest) == 0).then(|| (Stamp::Day(date), length(rest)));
    };
    let civil = date.to_datetime(time);
    let is_greenwich = [&b"gmt-"[..], b"utc-", b"utc_"]
        .iter()
        .any(|mark| before.len() >= mark.len() && before.to_ascii_lowercase().ends_with(mark));
    let found = zone(after, is_iso).or(is_greenwich.then_some((Offset::UTC, after)));
    let (stamp, after) = match found {
        Some((offset, after)) => (Stamp::Moment(offset.to_timestamp(civil).ok()?.as_second()), after),
        None => (Stamp::Local(civil), after),
    };
    Some((stamp, length(after)))
}

/// `22-11-2026` or `11-22-2026` where only one of the two can be the month, and the time that may follow it.
fn year_last(text: &[u8]) -> Option<(Stamp, usize)> {
    let (first, rest) = number(text, 2)?;
    let (separator, rest) = rest.split_first().filter(|(byte, _)| b"-_.".contains(byte))?;
    let (second, rest) = number(rest, 2)?;
    let (year, rest) = number(rest.strip_prefix(&[*separator])?, 4)?;
    let (day, month) = match (first, second) {
        (13..=31, 1..=12) => (first, second),
        (1..=12, 13..=31) => (second, first),
        (1..=12, _) if first == second => (first, second),
        _ => return None,
    };
    let year = i16::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    behind_day(text, b"", (date, rest, false))
}

/// `20261122` or the same with a separator; whether it is without.
fn day(text: &[u8]) -> Option<(Date, &[u8], bool)> {
    let (year, rest) = number(text, 4)?;
    let (separator, rest) = match rest.split_first()? {
        (byte @ (b'-' | b'_' | b'.' | b' '), rest) => (Some(*byte), rest),
        _ => (None, rest),
    };
    let (month, rest) = number(rest, 2)?;
    let rest = match separator {
        Some(byte) => rest.strip_prefix(&[byte])?,
        None => rest,
    };
    let (day, rest) = number(rest, 2)?;
    let year = i16::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some((date, rest, separator.is_none()))
}

#[cfg(test)]
mod tests;
