//! Numbers in a name that may tell one series from another: `db1` in `db1-2026-11-30.tar`, `100` in `vzdump-qemu-100-2026_11_30.vma`.
//!
//! Not of these: what belongs to the time of the name or to an id, a number behind that time or within a version (`1.4.2`), one that is
//! padded with zeros to three digits or more (`backup-0001`), and what counts pieces, levels, turns or formats (`part-1-of-3`, `inc2`,
//! `week48`, `lz4`).

use crate::probes::backups::shape::{INCREMENT, TURNS};
use crate::probes::backups::stamp;
use std::ops::Range;

/// Words before a number that says which piece, level, turn, try or format it is, and not whose backup.
const COUNTING: &[&str] = &[
    "part", "parts", "pt", "vol", "volume", "chunk", "piece", "slice", "split", "segment", "seg", "shard", "disc",
    "of", "file", "lvl", "level", "ver", "version", "rev", "release", "rel", "build", "rc", "beta", "alpha", "try",
    "attempt", "run", "job", "seq", "no", "nr", "num", "copy", "gen", "slot", "wk", "kw", "cw", "utf", "sha", "md",
    "aes", "bz", "lz", "mp", "zst", "ext", "cp", "iso",
];

/// One such number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    /// The letters right before it, in small letters; nothing of a number that stands alone.
    pub(super) letters: Vec<u8>,
    /// Its digits.
    pub(super) digits: Vec<u8>,
}

/// The numbers of a name or a key that may tell its series, each with where its word stands.
pub(super) fn of(name: &[u8]) -> Vec<(Mark, Range<usize>)> {
    let whole: Vec<u8> = name.iter().map(|byte| if *byte == b'/' { b'-' } else { *byte }).collect();
    let taken = stamp::places(&whole);
    let first = taken.iter().filter(|(stamp, _)| stamp.is_some()).map(|(_, place)| place.start).min();
    let mut found = Vec::new();
    let mut before: Vec<u8> = Vec::new();
    for place in places_of_words(&whole) {
        let word = whole.get(place.clone()).unwrap_or_default().to_ascii_lowercase();
        let is_taken = taken.iter().any(|(_, own)| own.start < place.end && place.start < own.end);
        let near = |at: Option<usize>| at.and_then(|at| whole.get(at)) == Some(&b'.');
        let is_version = near(place.start.checked_sub(1)) || near(Some(place.end));
        let is_before = first.is_none_or(|first| place.end <= first);
        if !is_taken && let Some(mark) = mark(&word, &before, is_before && (!is_version || first.is_none())) {
            found.push((mark, place));
        }
        before = word;
    }
    found
}

/// The number of a word; `alone` where it may consist of it.
fn mark(word: &[u8], before: &[u8], alone: bool) -> Option<Mark> {
    let long = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (letters, digits) = word.split_at_checked(long)?;
    let counts =
        |word: &[u8]| [COUNTING, INCREMENT, TURNS].iter().any(|all| all.iter().any(|own| own.as_bytes() == word));
    let is_padded = digits.len() > 2 && digits.first() == Some(&b'0');
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || is_padded || counts(letters) {
        return None;
    }
    let is_one = match letters.len() {
        0 => alone && digits.len() <= 6 && !before.is_empty() && !counts(before),
        1 => false,
        _ => digits.len() <= 3,
    };
    is_one.then(|| Mark { letters: letters.to_vec(), digits: digits.to_vec() })
}

fn places_of_words(name: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for (at, byte) in name.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
        match places.last_mut().filter(|last| last.end == at && byte.is_ascii_alphanumeric()) {
            Some(last) => last.end = at + 1,
            None => places.push(at..at + 1),
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_tell_a_series_unless_it_counts_or_is_of_the_time() {
        let shown = |name: &str| -> Vec<String> {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            of(name.as_bytes()).iter().map(|(mark, _)| text(&mark.letters) + &text(&mark.digits)).collect()
        };
        for (name, marks) in [
            ("db1-2026-11-30.tar", &["db1"][..]),
            ("2026/11/30/db2.dump", &["db2"]),
            ("vzdump-qemu-100-2026_11_30-02_00_01.vma.zst", &["100"]),
            ("db-1-node12-20261130T0210Z.sql.gz", &["1", "node12"]),
            ("db1.dump", &["db1"]),
            ("backup-7.tar", &["7"]),
            ("backup-0001.tar", &[]),
            ("backup-0001-2026-11-30.tar", &[]),
            ("home-2026-11-30.part-1-of-3.tar", &[]),
            ("home-part1-2026-11-30.tar", &[]),
            ("main-inc2-2026-11-30.tar", &[]),
            ("week48-2026-11-30.tar", &[]),
            ("app-1.4.2-2026-11-30.tar", &[]),
            ("1796003582_2026_11_30_17.5.2_gitlab_backup.tar", &[]),
            ("dump-2026-11-30-2.sql", &[]),
            ("Job1D2026-11-29T220012_4F1A.vbk", &[]),
            ("123e4567-e89b-12d3-a456-426614174000.dump", &[]),
            ("db-2026-11-30_05h53m.lz4", &[]),
        ] {
            assert_eq!(shown(name), marks, "{name}");
        }
    }
}
