//! What lies beside the members of a series by the structure of its name: the name of a member, and something behind it.
//!
//! | the name is that of | and behind it | it is |
//! |---|---|---|
//! | another member | what no backup is stored as | beside it: `a.dump.key.enc` |
//! | none, and others of that shape are there | what lies beside these too | beside one that was never made |
//! | none, and others of that shape are there | what lies beside none of them | not finished: `a.dump.processing` |
//!
//! What a backup is stored as, compressed and encrypted with, split into, and built upon is no such thing: `a.sql.gz` beside `a.sql`,
//! `a.tar.001`, `a.tar.aa`, `a.inc`.

use crate::probes::backups::kind::table::{DESCRIBES, FORMATS};
use crate::probes::backups::kind::{Kind, asks, unwrapped};
use crate::probes::backups::shape::{self, INCREMENT};
use std::collections::HashSet;

/// A shape of names.
type Shape = Vec<Vec<u8>>;

/// What each of these names stands for beside the others.
#[must_use]
pub fn companions(names: &[&[u8]], pattern: &[u8]) -> Vec<Kind> {
    let pattern = pattern.to_ascii_lowercase();
    let lower: Vec<Vec<u8>> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let all: HashSet<&[u8]> = lower.iter().map(Vec::as_slice).collect();
    let shapes: HashSet<Shape> = names.iter().map(|name| shape::of(name)).collect();
    // Where a name is cut: what stands before is that of a member, or of the shape of one.
    let cuts: Vec<Option<Cut>> = lower.iter().map(|name| Cut::of(name, &pattern, &all, &shapes)).collect();
    let known: HashSet<&[u8]> = cuts.iter().flatten().filter(|cut| cut.is_there).map(|cut| cut.suffix).collect();
    let kind = |cut: &Option<Cut>| match cut {
        None => Kind::Member,
        Some(cut) if cut.is_there || known.contains(cut.suffix) => Kind::Beside,
        Some(_) => Kind::Unfinished,
    };
    cuts.iter().map(kind).collect()
}

/// A name that begins as that of a member.
struct Cut<'a> {
    /// What stands behind that.
    suffix: &'a [u8],
    /// Whether that member is there itself.
    is_there: bool,
}

impl<'a> Cut<'a> {
    fn of(name: &'a [u8], pattern: &[u8], all: &HashSet<&[u8]>, shapes: &HashSet<Shape>) -> Option<Self> {
        let last = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let own = shape::of(name);
        let at_dot = |at: &usize| *at > last && name.get(*at).is_some_and(|byte| matches!(byte, b'.' | b'~'));
        (last..name.len()).filter(at_dot).find_map(|at| {
            let (stem, suffix) = name.split_at_checked(at)?;
            if is_stored(suffix) || asks(pattern, suffix) {
                return None;
            }
            let is_there = all.contains(stem);
            let shape = shape::of(stem);
            // A shape of nothing but its time is that of any name.
            let is_alike = || {
                (suffix == b"~" || shape != own)
                    && shape.len() > 1
                    && shape::has_time(&shape)
                    && shapes.contains(&shape)
            };
            (is_there || is_alike()).then_some(Self { suffix, is_there })
        })
    }
}

/// Whether a suffix in small letters makes a name that of a backup too.
fn is_stored(suffix: &[u8]) -> bool {
    let bare = unwrapped(suffix);
    let word = bare.strip_prefix(b".").unwrap_or(bare);
    let is_split = matches!(word, [b'a' | b'x', b'a'..=b'z'] | [b'a' | b'x', b'a'..=b'z', b'a'..=b'z']);
    let is_one_of = |endings: &[&str]| endings.iter().any(|ending| bare == ending.as_bytes());
    bare.is_empty()
        || is_split
        // A number of a part, or the rest of a time.
        || word.first().is_some_and(u8::is_ascii_digit)
        || is_one_of(FORMATS)
        // These have a rule of their own.
        || is_one_of(DESCRIBES)
        || word == b"full"
        || INCREMENT.iter().any(|own| word == own.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(names: &[&str], pattern: &str) -> Vec<Kind> {
        let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        companions(&names, pattern.as_bytes())
    }

    const ENDINGS: [&str; 24] = [
        ".key.enc",
        ".cksum",
        ".size",
        ".globals.sql",
        ".schema.sql",
        ".key",
        ".iv",
        ".rmd160",
        ".ots",
        ".tsr",
        ".out",
        ".report",
        ".rowcount",
        ".conf",
        ".processing",
        ".started",
        ".building",
        ".staging",
        ".transfer",
        ".!sync",
        ".dtapart",
        ".AbCdEf",
        "~",
        ".whirlpool",
    ];

    #[test]
    fn a_name_behind_that_of_a_member_is_none() {
        for ending in ENDINGS {
            let (old, new, alone) = ("db_20261129.dump", "db_20261130.dump", format!("db_20261201.dump{ending}"));
            let (of_old, of_new) = (format!("{old}{ending}"), format!("{new}{ending}"));
            let found = kinds(&[old, &of_old, new, &of_new, &alone], "*");
            let (member, beside) = (Kind::Member, Kind::Beside);
            assert_eq!(found, [member, beside, member, beside, beside], "{ending}");
            // No other night has one: it is what this night's is called until it is done.
            assert_eq!(kinds(&[old, new, &alone], "*"), [member, member, Kind::Unfinished], "{ending}");
            // It is asked for.
            assert_eq!(kinds(&[old, &of_old], &format!("*{ending}")), [member, member], "{ending}");
        }
        assert_eq!(kinds(&["main.dump", "main.dump.conf"], "*"), [Kind::Member, Kind::Beside]);
        assert_eq!(kinds(&["a/main.dump", "a/main.dump.conf"], ""), [Kind::Member, Kind::Beside]);
    }

    #[test]
    fn what_a_backup_is_stored_as_is_one() {
        for names in [
            ["x_20261130.sql", "x_20261130.sql.gz"],
            ["x_20261130.sql", "x_20261129.sql.gz.gpg"],
            ["x_20261130.tar", "x_20261130.tar.gz"],
            ["x_20261130", "x_20261130.tar.zst"],
            ["x_20261130.tar", "x_20261130.tar.001"],
            ["x_20261130.tar.aa", "x_20261130.tar.ab"],
            ["x_20261130.tar", "x_20261130.tar.ab"],
            ["x_20261129", "x_20261130.inc"],
            ["x_2026.11.29", "x_2026.11.30"],
            ["2026-11-30.app.sql", "2026-11-30"],
            ["pg15.8-20261130.dump", "pg15.8-20261129.dump"],
            ["app_20261130.sql", "billing_20261130.sql.key"],
        ] {
            let is_alone = names == ["2026-11-30.app.sql", "2026-11-30"];
            let first = if is_alone { Kind::Beside } else { Kind::Member };
            assert_eq!(kinds(&names, "*"), [first, Kind::Member], "{names:?}");
        }
    }
}
