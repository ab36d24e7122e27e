//! The shape of a name: what is left of it without what makes it another one each time.
//!
//! | of a name | in its shape |
//! |---|---|
//! | words with digits, ids, days and months, zones of time | one mark for as many as follow each other |
//! | what compresses or encrypts it, at its end | nothing |
//! | words for a full backup, an increment, and how often it is made | nothing: they are one series |
//! | all other words | themselves, in small letters |
//!
//! Members of one shape are one series: `app_2026-11-29.sql` and `app_2026-11-30.sql.gz`, and not `billing_2026-11-30.sql`.

use crate::probes::backups::kind;
use crate::probes::backups::stamp::id::is_hexadecimal;
use crate::probes::backups::stamp::worded::is_month;
use std::ops::Range;

/// What stands in a shape for what changes.
const CHANGES: &[u8] = b"#";
/// Words of a name that say that a backup holds only what has changed.
pub(super) const INCREMENT: &[&str] =
    &["inc", "incr", "increment", "incremental", "diff", "differential", "delta", "vib", "trn", "log", "wal", "binlog"];
/// Words of what an increment belongs to, and of how often a backup is made.
pub(super) const TURNS: &[&str] = &[
    "full",
    "base",
    "vbk",
    "bak",
    "hourly",
    "daily",
    "nightly",
    "weekly",
    "monthly",
    "quarterly",
    "yearly",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "son",
    "father",
    "grandfather",
    "to",
];
/// Words of a name without a time that say which of two it is: the last one, or the one before.
const SLOTS: &[&str] =
    &["old", "new", "prev", "previous", "last", "latest", "current", "today", "yesterday", "orig", "saved", "a", "b"];
/// Words of a name that come and go with the day.
const DAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
];
/// Words that belong to the time of a name, and come and go with the hour or the summer.
const ZONES: &[&str] = &[
    "am", "pm", "t", "z", "utc", "gmt", "cet", "cest", "eet", "eest", "wet", "est", "edt", "cst", "cdt", "mst", "mdt",
    "pst", "pdt", "bst", "ist", "msk", "jst",
];

/// The words of a name, in small letters.
pub(super) fn words(name: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    name.split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::to_ascii_lowercase)
}

fn is_one_of(word: &[u8], all: &[&str]) -> bool {
    all.iter().any(|own| word == own.as_bytes())
}

fn is_of_time(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit)
        || (word.len() >= 16 && is_hexadecimal(word))
        || is_one_of(word, DAYS)
        || is_month(word)
}

/// A name word by word, with a mark for each that makes it another one each time.
pub(super) fn marked(name: &[u8]) -> Vec<Vec<u8>> {
    words(name).map(|word| if is_of_time(&word) { CHANGES.to_vec() } else { word }).collect()
}

/// What stands for a word in a shape: letters before a date are a word of their own.
fn parts(word: Vec<u8>) -> Vec<Vec<u8>> {
    let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = word.iter().skip(letters).take_while(|byte| byte.is_ascii_digit()).count();
    match word.get(..letters) {
        Some(head) if letters > 1 && digits >= 6 && !is_hexadecimal(&word) => vec![head.to_vec(), CHANGES.to_vec()],
        _ if is_of_time(&word) || is_one_of(&word, ZONES) => vec![CHANGES.to_vec()],
        _ if word.is_empty() || is_one_of(&word, INCREMENT) || is_one_of(&word, TURNS) => Vec::new(),
        _ => vec![word],
    }
}

/// The shape of a name or of a key.
pub(super) fn of(name: &[u8]) -> Vec<Vec<u8>> {
    let lower = name.to_ascii_lowercase();
    let mut shape: Vec<Vec<u8>> = words(kind::unwrapped(&lower)).flat_map(parts).collect();
    shape.dedup_by(|one, other| one == other && one == CHANGES);
    shape
}

/// A shape without the words for the last one and the one before.
pub(super) fn without_slots(mut shape: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    shape.retain(|word| !is_one_of(word, SLOTS));
    shape
}

/// Whether names of a shape differ from each other by what changes.
pub(super) fn has_time(shape: &[Vec<u8>]) -> bool {
    shape.iter().any(|word| word == CHANGES)
}

/// A shape as a pattern of its names, by one of them: `app_*.sql.gz`. The words at these places stay as they are.
pub(super) fn pattern(name: &[u8], kept: &[Range<usize>]) -> String {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let (own, after) = rest.split_at(word);
        let lower = own.to_ascii_lowercase();
        let is_letter_of_time = is_one_of(&lower, ZONES) && out.iter().rev().nth(1) == Some(&b'*');
        let is_kept = kept.iter().any(|place| place.start == name.len() - rest.len());
        match parts(lower.clone()).as_slice() {
            _ if is_kept => out.extend_from_slice(own),
            [head, _] => {
                out.extend_from_slice(own.get(..head.len()).unwrap_or_default());
                out.push(b'*');
            }
            [mark] if mark == CHANGES && (is_of_time(&lower) || is_letter_of_time) => {
                // `*-*-*` is one `*`.
                if out.len() > 1 && out.iter().rev().nth(1) == Some(&b'*') {
                    out.pop();
                } else {
                    out.push(b'*');
                }
            }
            _ => out.extend_from_slice(own),
        }
        let between = after.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
        let (separators, after) = after.split_at(between);
        out.extend_from_slice(separators);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_series_have_one_shape() {
        let is_same = |one: &str, other: &str| of(one.as_bytes()) == of(other.as_bytes());
        for (one, other) in [
            ("app_2026-11-29.sql", "app_2026-11-30.sql.gz"),
            ("app20261129.sql", "app20261130.sql"),
            ("db-2026-11-22_Sunday.sql.gz", "db-2026-11-23_Monday.sql.gz"),
            ("Job1D2026-11-29T220012_4F1A.vbk", "Job1D2026-11-30T220012_9C2B.vib"),
            ("20261129-021005F", "20261129-021005F_20261130-021003D"),
            ("daily-2026-11-30.tar", "weekly-2026-11-28.tar"),
            ("db_2026-10-24_02-10_CEST.gz", "db_2026-10-25_02-10_CET.gz"),
        ] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("app_2026-11-30.sql.gz", "billing_2026-11-30.sql.gz"),
            ("app20261130.sql", "billing20261130.sql"),
            ("app_2026-11-30.dump", "app_2026-11-30.conf"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
        assert!(has_time(&of(b"app_2026-11-30.sql")) && !has_time(&of(b"app.sql")));
    }

    #[test]
    fn a_shape_is_written_as_a_pattern() {
        for (name, shown) in [
            ("app_2026-11-30.sql.gz", "app_*.sql.gz"),
            ("app20261130_021005.dump", "app*.dump"),
            ("2026-11-30T02:10:05Z.dump", "*.dump"),
            ("main-17-Nov-2026.tar", "main-*.tar"),
            ("2026-11-30/app.sql", "*/app.sql"),
            ("app.sql", "app.sql"),
        ] {
            assert_eq!(pattern(name.as_bytes(), &[]), shown);
        }
        assert_eq!(pattern(b"db1-2026-11-30.tar", std::slice::from_ref(&(0..3))), "db1-*.tar");
    }
}
