//! The time in a backup's name.
//!
//! | written | read as |
//! |---|---|
//! | `2026-11-22`, `2026_11_22`, `2026.11.22`, `20261122` | that day |
//! | a day, then `T`, `t`, `_`, `-`, `.` or a space, then `02-10-05`, `02:10:05`, `02_10_05`, `02.10.05`, `021005`, `0210`, `02-10`, `02:10` | that moment |
//! | `20261122021005`, `202611220210` | that moment |
//! | a moment, then `Z`, `+0200` or `+02:00` | in that zone |
//! | ten digits from 1000000000 to 4102444799, or thirteen | seconds, or milliseconds, since the epoch |
//!
//! Digits on either side of it, and it is none of these. Of several, the latest counts, and the epoch only where there is nothing else.
//! A moment without a zone is taken for UTC. `22-11-2026` and `11/22/2026` are not read: nobody can say which is the month.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// A time that a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Seconds since the epoch; of a day alone, its beginning in UTC.
    pub unix: i64,
    /// How much of it is said.
    pub precision: Precision,
}

/// How much of a time a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// The day alone.
    Day,
    /// A moment, without its zone.
    Local,
    /// A moment in a zone, or since the epoch.
    Moment,
}

/// Seconds since the epoch: from 2001 to the end of 2099.
const EPOCH: std::ops::RangeInclusive<i64> = 1_000_000_000..=4_102_444_799;
/// Years that a backup can be of.
const YEARS: std::ops::RangeInclusive<i16> = 1980..=2099;

/// The time in a name; `None` where there is none.
#[must_use]
pub fn find(name: &[u8]) -> Option<Stamp> {
    let (mut calendar, mut epoch) = (None::<Stamp>, None::<Stamp>);
    let mut at = 0;
    while let Some(rest) = name.get(at..).filter(|rest| !rest.is_empty()) {
        let digits = leading_digits(rest);
        if digits == 0 {
            at += 1;
            continue;
        }
        if let Some((stamp, used)) = calendar_at(rest) {
            calendar = calendar.max(Some(stamp));
            at += used;
            continue;
        }
        epoch = epoch.or_else(|| epoch_at(rest, digits));
        at += digits;
    }
    calendar.or(epoch)
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

fn epoch_at(text: &[u8], digits: usize) -> Option<Stamp> {
    let (value, _) = number(text, digits)?;
    let unix = match digits {
        10 => value,
        13 => value / 1000,
        _ => return None,
    };
    EPOCH.contains(&unix).then_some(Stamp { unix, precision: Precision::Moment })
}

/// A day, and the time that may follow it, at the beginning of a text; with how long it is.
fn calendar_at(text: &[u8]) -> Option<(Stamp, usize)> {
    let (date, rest, compact) = day(text)?;
    let length = |rest: &[u8]| text.len().saturating_sub(rest.len());
    let Some((time, after)) = time(rest, compact) else {
        // A longer number is no date.
        if rest.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let unix = unix(date, Time::midnight(), Offset::UTC)?;
        return Some((Stamp { unix, precision: Precision::Day }, length(rest)));
    };
    let (offset, precision, after) = match zone(after) {
        Some((offset, after)) => (offset, Precision::Moment, after),
        None => (Offset::UTC, Precision::Local, after),
    };
    Some((Stamp { unix: unix(date, time, offset)?, precision }, length(after)))
}

fn unix(date: Date, time: Time, offset: Offset) -> Option<i64> {
    Some(offset.to_timestamp(date.to_datetime(time)).ok()?.as_second())
}

/// `20261122` or the same with a separator; whether it is without.
fn day(text: &[u8]) -> Option<(Date, &[u8], bool)> {
    let (year, rest) = number(text, 4)?;
    let (separator, rest) = match rest.split_first()? {
        (byte @ (b'-' | b'_' | b'.'), rest) => (Some(*byte), rest),
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

/// A time of the day with what leads to it; right behind the day only where both are nothing but digits.
fn time(text: &[u8], compact: bool) -> Option<(Time, &[u8])> {
    let text = match text.split_first()? {
        (b'T' | b't' | b'_' | b'-' | b'.' | b' ', rest) => rest,
        (byte, _) if compact && byte.is_ascii_digit() => text,
        _ => return None,
    };
    let (hour, rest) = number(text, 2)?;
    let (separator, rest) = match rest.split_first()? {
        (byte @ (b'-' | b'_' | b'.' | b':'), rest) => (Some(*byte), rest),
        _ => (None, rest),
    };
    let (minute, rest) = number(rest, 2)?;
    let seconds = match separator {
        Some(byte) => rest.strip_prefix(&[byte]).and_then(|rest| number(rest, 2)),
        None => number(rest, 2),
    };
    let (second, rest) = match seconds {
        Some((second, after)) if second < 61 && !after.first().is_some_and(u8::is_ascii_digit) => {
            (second.min(59), after)
        }
        _ => (0, rest),
    };
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let part = |number: i64| i8::try_from(number).ok();
    Some((Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?, rest))
}

/// `Z`, `+0200` or `+02:00`. A minus is a separator far more often than a zone.
fn zone(text: &[u8]) -> Option<(Offset, &[u8])> {
    let (first, rest) = text.split_first()?;
    if *first == b'Z' {
        return (!rest.first().is_some_and(u8::is_ascii_alphanumeric)).then_some((Offset::UTC, rest));
    }
    if *first != b'+' {
        return None;
    }
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(b":").unwrap_or(rest), 2)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours <= 14 && minutes < 60).then_some((Offset::from_seconds(seconds).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Option<(String, Precision)> {
        let stamp = find(name.as_bytes())?;
        Some((jiff::Timestamp::from_second(stamp.unix).unwrap().to_string(), stamp.precision))
    }

    #[test]
    fn every_shape_that_is_told_is_read() {
        use Precision::{Day, Local, Moment};
        let cases = [
            ("db-2026-11-22.dump", "2026-11-22T00:00:00Z", Day),
            ("db_2026_11_22.tar.gz", "2026-11-22T00:00:00Z", Day),
            ("2026.11.22-files", "2026-11-22T00:00:00Z", Day),
            ("20261122.sql", "2026-11-22T00:00:00Z", Day),
            ("20261122T0210", "2026-11-22T02:10:00Z", Local),
            ("2026-11-22_02-10-05", "2026-11-22T02:10:05Z", Local),
            ("main-2026-11-22T02:10:05.dump", "2026-11-22T02:10:05Z", Local),
            ("main-20261122-021005.dump", "2026-11-22T02:10:05Z", Local),
            ("main_20261122_0210.dump", "2026-11-22T02:10:00Z", Local),
            ("20261122021005.gz", "2026-11-22T02:10:05Z", Local),
            ("202611220210.gz", "2026-11-22T02:10:00Z", Local),
            ("2026-11-22 02.10.05", "2026-11-22T02:10:05Z", Local),
            ("2026-11-22T02:10:05Z.dump", "2026-11-22T02:10:05Z", Moment),
            ("20261122T021005Z", "2026-11-22T02:10:05Z", Moment),
            ("2026-11-22T02:10:05+0200.dump", "2026-11-22T00:10:05Z", Moment),
            ("2026-11-22T02:10+05:30", "2026-11-21T20:40:00Z", Moment),
            ("dump-1795313405.gz", "2026-11-22T02:10:05Z", Moment),
            ("dump-1795313405123.gz", "2026-11-22T02:10:05Z", Moment),
            ("20261101-to-20261122.tar", "2026-11-22T00:00:00Z", Day),
            ("2026-11-22-1234567890.tar", "2026-11-22T00:00:00Z", Day),
            ("2026-11-22T02-10-05-1234567890", "2026-11-22T02:10:05Z", Local),
            ("v3-20261122.1.tar", "2026-11-22T00:00:00Z", Day),
            ("2028-02-29", "2028-02-29T00:00:00Z", Day),
        ];
        for (name, moment, precision) in cases {
            assert_eq!(found(name), Some((moment.to_owned(), precision)), "{name}");
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for name in [
            "",
            "latest.dump",
            "dump-123.gz",
            "2026-13-01",
            "2026-02-30",
            "20269999",
            "19700101",
            "22-11-2026",
            "123420261122",
            "202611221",
            "dump-12345678901.gz",
            "9999999999",
            "2026-11",
            "0000-00-00",
            "\u{662}\u{660}\u{662}\u{666}-11-22",
        ] {
            assert_eq!(found(name), None, "{name}");
        }
        assert_eq!(find(b"\xff\xfe2026-11-22\xff").map(|stamp| stamp.precision), Some(Precision::Day));
    }

    #[test]
    fn any_name_is_read_without_a_break() {
        let hostile = b"2026-11-22T02:10:05+99:9920261122T+Z-_.: 0";
        for start in 0..hostile.len() {
            for end in start..hostile.len() {
                let _ = find(&hostile[start..end]);
            }
        }
        assert_eq!(find(&b"1".repeat(100_000)), None);
    }
}
