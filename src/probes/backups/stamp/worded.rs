//! Days that a name says otherwise than with the year first: with the month as a word, or in one run of digits.

use crate::probes::backups::stamp::{Stamp, YEARS, behind_day, leading_digits, number};
use jiff::civil::{Date, Time};

/// The months, as they begin; each may be written out.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// The last year that `%y` and a `%j` are read of, and the first: other numbers of six or seven digits are no times.
const SHORT: std::ops::RangeInclusive<i64> = 2020..=2059;

/// `17-Nov-2026`, `Nov-17-2026`, `2026-Nov-17`, with any of `-_. ,` or nothing in between, and the time that may follow it.
pub(super) fn worded(text: &[u8]) -> Option<(Stamp, usize)> {
    let (day, month, year, rest) = match leading_digits(text) {
        0 => {
            let (month, rest) = month(text)?;
            let (day, rest) = day(between(rest))?;
            let (year, rest) = number(between(rest), 4)?;
            (day, month, year, rest)
        }
        1 | 2 => {
            let (day, rest) = day(text)?;
            let (month, rest) = month(between(rest))?;
            let (year, rest) = number(between(rest), 4)?;
            (day, month, year, rest)
        }
        4 => {
            let (year, rest) = number(text, 4)?;
            let (month, rest) = month(between(rest))?;
            let (day, rest) = day(between(rest))?;
            (day, month, year, rest)
        }
        _ => return None,
    };
    behind_day(text, b"", (date(year, month, day)?, rest, false))
}

/// `17112026` and `11172026` where only one of the two can be the month; `261117-021005`; `2026321`, the day of the year.
pub(super) fn in_one_run(text: &[u8]) -> Option<(Stamp, usize)> {
    match leading_digits(text) {
        8 => {
            let (first, rest) = number(text, 2)?;
            let (second, rest) = number(rest, 2)?;
            let (year, rest) = number(rest, 4)?;
            let (day, month) = match (first, second) {
                (13..=31, 1..=12) => (first, second),
                (1..=12, 13..=31) => (second, first),
                (1..=12, _) if first == second => (first, second),
                _ => return None,
            };
            let date = date(year, month, day).filter(|date| date.year() >= 2000)?;
            behind_day(text, b"", (date, rest, false))
        }
        6 => {
            let (year, rest) = number(text, 2)?;
            let (month, rest) = number(rest, 2)?;
            let (day, rest) = number(rest, 2)?;
            let year = Some(year + 2000).filter(|year| SHORT.contains(year))?;
            let time = rest.strip_prefix(b"-").or(rest.strip_prefix(b"_")).or(rest.strip_prefix(b"T"))?;
            if leading_digits(time) != 6 {
                return None;
            }
            let (hour, rest) = number(time, 2)?;
            let (minute, rest) = number(rest, 2)?;
            let (second, rest) = number(rest, 2)?;
            let part = |number: i64| i8::try_from(number).ok();
            let time = Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?;
            let stamp = Stamp::Local(date(year, month, day)?.to_datetime(time));
            Some((stamp, text.len() - rest.len()))
        }
        7 => {
            let (year, rest) = number(text, 4)?;
            let (day, rest) = number(rest, 3)?;
            let year = Some(year).filter(|year| SHORT.contains(year))?;
            let first = date(year, 1, 1)?;
            let date = first.with().day_of_year(i16::try_from(day).ok()?).build().ok()?;
            let is_alone = !rest.first().is_some_and(u8::is_ascii_alphanumeric);
            is_alone.then_some((Stamp::Day(date), text.len() - rest.len()))
        }
        _ => None,
    }
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = i16::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// What follows the separators at the beginning of a text.
fn between(text: &[u8]) -> &[u8] {
    let many = text.iter().take(2).take_while(|byte| b"-_. ,".contains(byte)).count();
    text.get(many..).unwrap_or_default()
}

/// A day of a month: one digit or two, and no more.
fn day(text: &[u8]) -> Option<(i64, &[u8])> {
    match leading_digits(text) {
        many @ (1 | 2) => number(text, many),
        _ => None,
    }
}

/// Whether a word in small letters is that of a month.
pub(in crate::probes::backups) fn is_month(word: &[u8]) -> bool {
    month(word).is_some_and(|(_, rest)| rest.is_empty())
}

/// The month that a word names: three letters of it, `Sept`, or all of it.
fn month(text: &[u8]) -> Option<(i64, &[u8])> {
    let long = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = text.split_at_checked(long)?;
    let word = word.to_ascii_lowercase();
    let is_it = |name: &str| {
        word == name.as_bytes()
            || name.as_bytes().get(..3) == Some(word.as_slice())
            || (word == b"sept" && name == "september")
    };
    let at = MONTHS.iter().position(|name| is_it(name))?;
    Some((i64::try_from(at).ok()? + 1, rest))
}
