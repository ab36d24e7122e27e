//! The zone behind a moment in a name.
//!
//! | written behind the time | read as |
//! |---|---|
//! | `Z`, `UTC`, `GMT` | UTC |
//! | `UTC+02`, `GMT-5`, `UTC+0530`, `UTC+5:30` | that offset |
//! | `Etc-GMT-5`, `Etc_GMT+5` | five hours ahead, behind: POSIX turns the sign |
//! | `+0200`, `+02`, `+02:00`, `-05:00`; `-0500` behind a time of ISO 8601, or behind a separator of its own | that offset |
//! | `CET`, `EDT`, `JST`, as `date +%Z` writes them | that offset |
//!
//! A minus is a separator far more often than a sign: without a colon it is one only where nothing else can be meant. `IST`, `CST` and `PST` are zones of
//! several countries and are not read.

use crate::probes::backups::stamp::clock::separator;
use crate::probes::backups::stamp::{leading_digits, number};
use jiff::tz::Offset;

/// What may stand between a time and its zone.
const BETWEEN: &[u8] = b" _-.";
/// The farthest offsets to the west and to the east, in minutes. Source: IANA time zone database.
const FARTHEST: (i64, i64) = (12 * 60, 14 * 60);
/// Abbreviations of one zone alone, and how many minutes it is ahead of UTC. Source: IANA time zone database.
const ABBREVIATIONS: [(&[u8], i64); 25] = [
    (b"WET", 0),
    (b"BST", 60),
    (b"CET", 60),
    (b"CEST", 120),
    (b"SAST", 120),
    (b"EET", 120),
    (b"EEST", 180),
    (b"MSK", 180),
    (b"WIB", 420),
    (b"HKT", 480),
    (b"AWST", 480),
    (b"JST", 540),
    (b"KST", 540),
    (b"AEST", 600),
    (b"AEDT", 660),
    (b"NZST", 720),
    (b"NZDT", 780),
    (b"EDT", -240),
    (b"EST", -300),
    (b"CDT", -300),
    (b"MDT", -360),
    (b"MST", -420),
    (b"PDT", -420),
    (b"AKST", -540),
    (b"HST", -600),
];

/// The zone that a text begins with, and what follows it; `is_iso` where the time before it is as ISO 8601 writes it.
pub(super) fn zone(text: &[u8], is_iso: bool) -> Option<(Offset, &[u8])> {
    let (first, rest) = text.split_first()?;
    if matches!(first, b'Z' | b'z') {
        return ends(rest).then_some((Offset::UTC, rest));
    }
    let bare = if BETWEEN.contains(first) { rest } else { text };
    named(bare).or_else(|| signed(text, is_iso)).or_else(|| apart(text))
}

/// `UTC`, `GMT-5`, `Etc-GMT-5`, `CET`.
fn named(text: &[u8]) -> Option<(Offset, &[u8])> {
    let is_turned = text.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(b"Etc"))
        && text.get(3).is_some_and(|byte| BETWEEN.contains(byte));
    let bare = if is_turned { text.get(4..)? } else { text };
    let letters = bare.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = bare.split_at_checked(letters)?;
    if [&b"UTC"[..], b"GMT"].iter().any(|zone| word.eq_ignore_ascii_case(zone)) {
        let found =
            hours_from(rest).and_then(|(minutes, rest)| offset(if is_turned { -minutes } else { minutes }, rest));
        return found.or_else(|| ends(rest).then_some((Offset::UTC, rest)));
    }
    let (_, minutes) = ABBREVIATIONS.iter().find(|(zone, _)| *zone == word)?;
    offset(*minutes, rest)
}

/// `+2`, `-05`, `+0530`, `+5:30` as minutes.
fn hours_from(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, rest) = sign(text)?;
    let digits = leading_digits(rest);
    let (hours, rest) = number(rest, if digits == 4 { 2 } else { digits }).filter(|_| matches!(digits, 1 | 2 | 4))?;
    let colon = separator(rest);
    let (minutes, rest) = match (digits, colon) {
        (4, _) => number(rest, 2)?,
        (_, (Some(":"), behind)) => number(behind, 2)?,
        _ => (0, rest),
    };
    Some((sign * (hours * 60 + minutes), rest)).filter(|_| minutes < 60)
}

/// `+0200`, `+02`, `+02:00`, `-05:00`, and `-0500` where ISO 8601 has it.
fn signed(text: &[u8], is_iso: bool) -> Option<(Offset, &[u8])> {
    let (sign, rest) = sign(text)?;
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
    offset(sign * (hours * 60 + minutes), after)
}

/// `_+0530`, `_-0500`: four digits with a sign and a separator before them.
fn apart(text: &[u8]) -> Option<(Offset, &[u8])> {
    let (first, rest) = text.split_first()?;
    let (sign, rest) = sign(rest).filter(|_| BETWEEN.contains(first))?;
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = number(rest, 2)?;
    offset(sign * (hours * 60 + minutes), rest)
}

/// A sign, also as a URL has it.
fn sign(text: &[u8]) -> Option<(i64, &[u8])> {
    match text.split_first()? {
        (b'+', rest) => Some((1, rest)),
        (b'-', rest) => Some((-1, rest)),
        (b'%', rest) => Some((1, rest.strip_prefix(b"2B").or(rest.strip_prefix(b"2b"))?)),
        _ => None,
    }
}

/// An offset that a zone may have, where nothing runs on behind it.
fn offset(minutes: i64, rest: &[u8]) -> Option<(Offset, &[u8])> {
    let (west, east) = FARTHEST;
    let is_real = minutes % 15 == 0 && (-west..=east).contains(&minutes) && ends(rest);
    let seconds = i32::try_from(minutes * 60).ok().filter(|_| is_real)?;
    Some((Offset::from_seconds(seconds).ok()?, rest))
}

fn ends(rest: &[u8]) -> bool {
    !rest.first().is_some_and(u8::is_ascii_alphanumeric)
}
