//! The times in a backup's name; `when` says which of them counts.
//!
//! | written | read as |
//! |---|---|
//! | `2026-11-22`, `2026_11_22`, `2026.11.22`, `20261122` | that day |
//! | a day, then `T`, `_`, `-`, `.`, `@` or a space, then `02-10-05`, `02:10`, `02_10_05`, `02.10.05`, `021005`, `0210`, `02h10m` | that moment |
//! | `20261122021005`, `202611220210`, also with three or six more digits of a fraction | that moment |
//! | `2026112202` | that hour, or the second of that day |
//! | a moment, then `Z`, `UTC`, `+0200`, `+02:00`, `-05:00`, also behind a fraction; `GMT-` before it | in that zone |
//! | ten digits from 1000000000 to 4102444799, or thirteen | seconds, or milliseconds, since the epoch |
//!
//! Digits on either side of it, and it is none of these; nor is anything inside an id of hexadecimal digits. `22-11-2026` and
//! `11/22/2026` are not read: which is the month cannot be known.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

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
/// How long a run of hexadecimal digits is at least to be an id, and how often it changes between digits and letters.
const ID: (usize, usize) = (16, 3);
/// How long the parts of a UUID are (RFC 9562).
const UUID: [usize; 5] = [8, 4, 4, 4, 12];
/// What may stand between a day and its time.
const BETWEEN: &[u8] = b"_-. @,";

/// All times in a name, in their order.
#[must_use]
pub fn find(name: &[u8]) -> Vec<Stamp> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = name.get(at..).filter(|rest| !rest.is_empty()) {
        let before = name.get(..at).unwrap_or_default();
        if !before.last().is_some_and(u8::is_ascii_hexdigit)
            && let Some(long) = id(rest)
        {
            at += long;
            continue;
        }
        let digits = leading_digits(rest);
        if digits == 0 {
            at += 1;
            continue;
        }
        if !follows_day_and_month(before)
            && let Some((stamp, used)) = calendar_at(rest, before)
        {
            found.push(stamp);
            at += used;
            continue;
        }
        let is_bare = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_hexdigit);
        if is_bare(before.last()) && is_bare(rest.get(digits)) {
            found.extend(epoch_at(rest, digits).map(Stamp::Epoch));
        }
        at += digits;
    }
    found
}

/// The length of the id of hexadecimal digits, or of the UUID, that a text begins with.
fn id(text: &[u8]) -> Option<usize> {
    let run = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let has_letter = |text: &[u8]| text.iter().any(u8::is_ascii_alphabetic);
    let mut at = 0;
    let is_uuid = UUID.iter().enumerate().all(|(number, long)| {
        let rest = text.get(at..).unwrap_or_default();
        let rest = if number == 0 { Some(rest) } else { rest.strip_prefix(b"-") };
        at += long + usize::from(number > 0);
        rest.is_some_and(|rest| run(rest) == *long)
    });
    let whole = text.get(..at).filter(|whole| is_uuid && has_letter(whole));
    if let Some(whole) = whole {
        return Some(whole.len());
    }
    let long = run(text);
    let whole = text.get(..long)?;
    let changes =
        whole.iter().zip(whole.iter().skip(1)).filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit()).count();
    (long >= ID.0 && changes >= ID.1).then_some(long)
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
    let (date, rest, compact) = day(text)?;
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

/// A time of the day.
struct Clock<'a> {
    time: Time,
    /// What follows it, its fraction left out.
    rest: &'a [u8],
    /// Whether a `T` leads to it, as in ISO 8601.
    is_iso: bool,
}

/// A time of the day with what leads to it; right behind the day only where both are nothing but digits.
fn clock(text: &[u8], compact: bool) -> Option<Clock<'_>> {
    let between = text.iter().take(3).take_while(|byte| BETWEEN.contains(byte)).count();
    let lead = text.get(between..)?;
    let (is_iso, text) = match lead.split_first()? {
        (b'T' | b't', rest) => (true, rest),
        (byte, _) if byte.is_ascii_digit() && (between > 0 || compact) => (false, lead),
        _ => return None,
    };
    let (hour, rest) = number(text, 2)?;
    let (separator, rest) = separator(rest);
    let (minute, rest) = number(rest, 2)?;
    let rest = if separator == Some("h") { rest.strip_prefix(b"m").unwrap_or(rest) } else { rest };
    let seconds = match separator {
        Some("h") => number(rest, 2),
        Some(mark) => self::separator(rest).0.filter(|own| *own == mark).and_then(|_| {
            let (_, rest) = self::separator(rest);
            number(rest, 2)
        }),
        None => number(rest, 2),
    };
    // Three or six more digits are a fraction where all is digits.
    let fraction = |after: &[u8]| match leading_digits(after) {
        0 => Some(0),
        more @ (3 | 6) if compact && between == 0 && separator.is_none() => Some(more),
        _ => None,
    };
    let (second, rest, is_whole) = match seconds {
        Some((second, after)) if second < 61 && fraction(after).is_some() => {
            (second.min(59), after.get(fraction(after).unwrap_or(0)..).unwrap_or_default(), true)
        }
        _ => (0, rest, false),
    };
    let is_version = !is_whole && separator == Some(".") && rest.strip_prefix(b".").map(leading_digits) > Some(0);
    if leading_digits(rest) > 0 || is_version {
        return None;
    }
    let (hour, rest) = half_day(hour, rest);
    let rest = if is_whole { behind_fraction(rest) } else { rest };
    let part = |number: i64| i8::try_from(number).ok();
    Some(Clock { time: Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?, rest, is_iso })
}

/// What stands between hours, minutes and seconds, and what follows it. A colon comes as it is, as a URL has it, and as file systems
/// that take none have it.
fn separator(text: &[u8]) -> (Option<&'static str>, &[u8]) {
    for (written, mark) in [
        ("-", "-"),
        ("_", "_"),
        (".", "."),
        (":", ":"),
        ("%3A", ":"),
        ("%3a", ":"),
        ("\u{a789}", ":"),
        ("\u{ff1a}", ":"),
        ("h", "h"),
        ("H", "h"),
    ] {
        if let Some(rest) = text.strip_prefix(written.as_bytes()) {
            return (Some(mark), rest);
        }
    }
    (None, text)
}

/// `PM` behind an hour.
fn half_day(hour: i64, text: &[u8]) -> (i64, &[u8]) {
    let bare = text.strip_prefix(b" ").or(text.strip_prefix(b"_")).unwrap_or(text);
    let Some((mark, rest)) = bare.split_at_checked(2) else { return (hour, text) };
    if rest.first().is_some_and(u8::is_ascii_alphanumeric) || !(1..=12).contains(&hour) {
        return (hour, text);
    }
    match mark.to_ascii_lowercase().as_slice() {
        b"am" => (hour % 12, rest),
        b"pm" => (hour % 12 + 12, rest),
        _ => (hour, text),
    }
}

/// What follows a fraction of a second: `.379221`.
fn behind_fraction(text: &[u8]) -> &[u8] {
    let digits = text.strip_prefix(b".").or(text.strip_prefix(b",")).unwrap_or_default();
    match leading_digits(digits) {
        many @ 1..=9 => digits.get(many..).unwrap_or_default(),
        _ => text,
    }
}

/// `Z`, `UTC`, `+0200`, `+02`, `+02:00` or `-05:00`. A minus is a separator far more often than a zone: without a colon it is one only
/// behind a time as ISO 8601 writes it.
fn zone(text: &[u8], is_iso: bool) -> Option<(Offset, &[u8])> {
    let ends = |rest: &[u8]| !rest.first().is_some_and(u8::is_ascii_alphanumeric);
    let (first, rest) = text.split_first()?;
    if matches!(first, b'Z' | b'z') {
        return ends(rest).then_some((Offset::UTC, rest));
    }
    let named = if b" _-.".contains(first) { rest } else { text };
    if let Some((word, rest)) = named.split_at_checked(3)
        && [&b"UTC"[..], b"GMT"].iter().any(|zone| word.eq_ignore_ascii_case(zone))
        && ends(rest)
    {
        return Some((Offset::UTC, rest));
    }
    let (sign, rest) = match first {
        b'+' => (1, rest),
        b'-' => (-1, rest),
        b'%' => (1, rest.strip_prefix(b"2B").or(rest.strip_prefix(b"2b"))?),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2)?;
    let (mark, behind) = separator(rest);
    let (minutes, after) = match number(behind, 2).filter(|_| mark != Some("h") && mark != Some(".")) {
        Some(found) => found,
        None if sign > 0 => (0, rest),
        None => return None,
    };
    if leading_digits(after) > 0 || (sign < 0 && mark != Some(":") && !(mark.is_none() && is_iso)) {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    let is_real = minutes % 15 == 0 && seconds <= if sign > 0 { 14 * 3600 } else { 12 * 3600 };
    let offset = Offset::from_seconds(i32::try_from(sign * seconds).ok()?).ok()?;
    is_real.then_some((offset, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Vec<String> {
        let shown = |stamp: Stamp| match stamp {
            Stamp::Day(date) => format!("{date}"),
            Stamp::Hour(civil) => format!("{civil} hour"),
            Stamp::Local(civil) => format!("{civil}"),
            Stamp::Moment(unix) => format!("{}", jiff::Timestamp::from_second(unix).unwrap()),
            Stamp::Epoch(unix) => format!("{} epoch", jiff::Timestamp::from_second(unix).unwrap()),
        };
        find(name.as_bytes()).into_iter().map(shown).collect()
    }

    #[test]
    fn every_shape_of_the_table_is_read() {
        let cases = [
            ("db-2026-11-22.dump", "2026-11-22"),
            ("db_2026_11_22.tar.gz", "2026-11-22"),
            ("2026.11.22-files", "2026-11-22"),
            ("20261122.sql", "2026-11-22"),
            ("db20261122.sql", "2026-11-22"),
            ("20261122T0210", "2026-11-22T02:10:00"),
            ("2026-11-22_02-10-05", "2026-11-22T02:10:05"),
            ("main-2026-11-22T02:10:05.dump", "2026-11-22T02:10:05"),
            ("main-20261122-021005.dump", "2026-11-22T02:10:05"),
            ("main_20261122_0210.dump", "2026-11-22T02:10:00"),
            ("20261122021005.gz", "2026-11-22T02:10:05"),
            ("20261122021005123.gz", "2026-11-22T02:10:05"),
            ("20261122021005123456.gz", "2026-11-22T02:10:05"),
            ("db20261122021005.gz", "2026-11-22T02:10:05"),
            ("202611220210.gz", "2026-11-22T02:10:00"),
            ("2026-11-22 02.10.05", "2026-11-22T02:10:05"),
            ("2026-11-22@02-10-05", "2026-11-22T02:10:05"),
            ("2026-11-22 at.sql", "2026-11-22"),
            ("db_2026-11-22_02h10m.Sunday.sql.gz", "2026-11-22T02:10:00"),
            ("db 2026-11-22 02-10-05 PM.bak", "2026-11-22T14:10:05"),
            ("2026-11-22T02%3A10%3A05Z.gz", "2026-11-22T02:10:05Z"),
            ("2026112202.dump", "2026-11-22T02:00:00 hour"),
            ("db-2026112299.zone", "2026-11-22"),
            ("2026-11-22T02:10:05Z.dump", "2026-11-22T02:10:05Z"),
            ("20261122T021005Z", "2026-11-22T02:10:05Z"),
            ("20261122T021005z.gz", "2026-11-22T02:10:05Z"),
            ("2026-11-22_02-10-05_UTC.gz", "2026-11-22T02:10:05Z"),
            ("@GMT-2026.11.22-02.10.05", "2026-11-22T02:10:05Z"),
            ("2026-11-22T02:10:05+0200.dump", "2026-11-22T00:10:05Z"),
            ("2026-11-22T02:10+05:30", "2026-11-21T20:40:00Z"),
            ("2026-11-22T02-10-05+09.gz", "2026-11-21T17:10:05Z"),
            ("2026-11-22T02:10:05-05:00.dump", "2026-11-22T07:10:05Z"),
            ("20261122T021005-0500.dump", "2026-11-22T07:10:05Z"),
            ("2026-11-22T02:10:05.379221+09:00.dump", "2026-11-21T17:10:05Z"),
            ("2026-11-22T02:10:05,379-08:00", "2026-11-22T10:10:05Z"),
            ("20261122-021005-0001.dump", "2026-11-22T02:10:05"),
            ("20261122T021005-0001.dump", "2026-11-22T02:10:05"),
            ("dump-1795313405.gz", "2026-11-22T02:10:05Z epoch"),
            ("dump-1795313405123.gz", "2026-11-22T02:10:05Z epoch"),
            ("v3-20261122.1.tar", "2026-11-22"),
            ("2026_11_22_17.10.0-ee.tar", "2026-11-22"),
            ("2028-02-29", "2028-02-29"),
        ];
        for (name, moment) in cases {
            assert_eq!(found(name), [moment], "{name}");
        }
        assert_eq!(found("20261101-to-20261122.tar"), ["2026-11-01", "2026-11-22"]);
        assert_eq!(found("2026-11-22-1795313405.tar"), ["2026-11-22", "2026-11-22T02:10:05Z epoch"]);
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
            "22.11.2026_02_10.tar",
            "11-22-2026-02-10.tar",
            "123420261122",
            "202611221",
            "dump-12345678901.gz",
            "9999999999",
            "2026-11",
            "0000-00-00",
            "build1234567893",
            "1234567893ab",
            "00a20261122bc3d4e5f60718293a4b5c",
            "A1B220261122C3D4E5F6",
            "20261122-0310-4abc-8def-123456789012",
            "\u{662}\u{660}\u{662}\u{666}-11-22",
        ] {
            assert_eq!(found(name), [""; 0], "{name}");
        }
        assert_eq!(find(b"\xff\xfe2026-11-22\xff").len(), 1);
    }

    #[test]
    fn an_id_of_64_hexadecimal_digits_says_no_time() {
        for number in 0..20_000_u32 {
            let id = crate::domain::Digest::of(&number.to_le_bytes());
            assert_eq!(find(id.as_str().as_bytes()), [], "{id}");
        }
    }

    #[test]
    fn any_name_is_read_without_a_break() {
        let hostile = b"2026-11-22T02:10:05.1+99:9920261122T+Z-_.: 0%3A12h30m-05:00 PM";
        for start in 0..hostile.len() {
            for end in start..hostile.len() {
                let _ = find(&hostile[start..end]);
            }
        }
        assert_eq!(find(&b"1".repeat(100_000)), []);
        let _ = find(&b"1a".repeat(50_000));
    }
}
