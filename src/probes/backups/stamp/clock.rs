//! The time of the day behind a day in a name.

use crate::probes::backups::stamp::{leading_digits, number};
use jiff::civil::Time;

/// What may stand between a day and its time.
const BETWEEN: &[u8] = b"_-. @,(";

/// A time of the day.
pub(super) struct Clock<'a> {
    pub(super) time: Time,
    /// What follows it, its fraction left out.
    pub(super) rest: &'a [u8],
    /// Whether a `T` leads to it, as in ISO 8601.
    pub(super) is_iso: bool,
}

/// A time of the day with what leads to it; right behind the day only where both are nothing but digits.
pub(super) fn clock(text: &[u8], compact: bool) -> Option<Clock<'_>> {
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
pub(super) fn separator(text: &[u8]) -> (Option<&'static str>, &[u8]) {
    for (written, mark) in [
        ("-", "-"),
        ("_", "_"),
        (".", "."),
        (":", ":"),
        (" ", " "),
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
