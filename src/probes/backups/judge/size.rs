//! What the size of the newest member says, alone and beside the members before it.

use crate::config::estate::Backup;
use crate::domain::{Fact, Verdict, quantity};
use crate::probes::backups::judge::{USUAL, median};
use crate::probes::backups::series::{Member, Series};
use crate::probes::backups::shape::{INCREMENT, marked as shape, words};
use crate::probes::sentence::Sentence;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

/// What few members before it must be larger by to say that it collapsed.
const COLLAPSE: u64 = 10;
/// How large archives of nothing are at most, in bytes, as gzip 1.12, bzip2 1.0, xz 5.4, zstd 1.5, lz4 1.9, GNU tar 1.34 and Info-ZIP make
/// them; the longer ending counts. An archive of one empty file is larger.
const NOTHING: [(&str, u64); 16] = [
    (".tar.gz", 45),
    (".tgz", 45),
    (".tar.bz2", 46),
    (".tbz2", 46),
    (".tar.xz", 108),
    (".txz", 108),
    (".tar.zst", 22),
    (".tzst", 22),
    (".tar", 1024),
    (".gz", 20),
    (".bz2", 14),
    (".xz", 32),
    (".zst", 13),
    (".lz4", 15),
    (".zip", 22),
    (".7z", 32),
];

impl Sentence {
    pub(super) fn size(
        &mut self,
        target: &Backup,
        series: &Series,
        newest: &Member,
        facts: &mut BTreeMap<&'static str, Fact>,
    ) {
        let bytes = |size: u64| Fact::Int(i64::try_from(size).unwrap_or(i64::MAX));
        let mut before = alike(series, newest);
        let known = before.len();
        let usual = median(&mut before);
        facts.extend(usual.filter(|_| known >= USUAL).map(|usual| ("median_size_bytes", bytes(usual))));
        let Some(size) = newest.size else {
            let verdict = if target.min_size.is_some() { Verdict::Unknown } else { Verdict::Ok };
            if newest.unread.is_none() {
                let why = newest.uncounted.as_ref().map(|unread| format!(": {}", unread.words())).unwrap_or_default();
                self.add(verdict, format!("size not counted{why}"));
            }
            return;
        };
        facts.insert("size_bytes", bytes(size));
        if size == 0 {
            self.add(Verdict::Critical, "empty".to_owned());
            return;
        }
        let shown = quantity::bytes(size);
        match (target.min_size, usual) {
            _ if !newest.is_dir && holds_nothing(newest.name.as_bytes(), size) => {
                self.add(Verdict::Critical, format!("{shown} · empty archive"));
            }
            (Some(least), _) if size < least => {
                self.add(Verdict::Critical, format!("{shown} · least {}", quantity::bytes(least)));
            }
            (_, Some(usual)) if known >= USUAL && size < usual / 2 => {
                self.add(Verdict::Warn, format!("{shown} · usually {}", quantity::bytes(usual)));
            }
            (_, Some(usual)) if size.saturating_mul(COLLAPSE) < usual => {
                self.add(Verdict::Warn, format!("{shown} · {} before it", quantity::bytes(usual)));
            }
            _ => self.add(Verdict::Ok, shown),
        }
    }
}

/// The sizes that the newest is held against: those of members whose names are of the same shape; of all where these are few and it is no
/// increment.
fn alike(series: &Series, newest: &Member) -> Vec<u64> {
    let own = shape(newest.name.as_bytes());
    let before = || series.members.iter().skip(1).filter_map(|member| Some((member, member.size?)));
    let same: Vec<u64> =
        before().filter(|(member, _)| shape(member.name.as_bytes()) == own).map(|(_, size)| size).collect();
    if same.len() >= USUAL || is_increment(newest.name.as_bytes()) {
        return same;
    }
    before().map(|(_, size)| size).collect()
}

/// Whether a name says that it is an increment, in a word or as pgBackRest has it: `20261129-021005F_20261130-021003D`.
fn is_increment(name: &[u8]) -> bool {
    let mut parts = name.splitn(2, |byte| *byte == b'_');
    let labels = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_label = |label: &[u8], ends: &[u8]| {
        label.len() == 16
            && label.last().is_some_and(|last| ends.contains(last))
            && label.iter().take(15).all(|byte| byte.is_ascii_digit() || *byte == b'-')
    };
    (is_label(labels.0, b"F") && is_label(labels.1, b"DI"))
        || words(name).any(|word| INCREMENT.iter().any(|own| word == own.as_bytes()))
}

/// Whether an archive of that size holds nothing.
fn holds_nothing(name: &[u8], size: u64) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some((ending, most)) = NOTHING.iter().find(|(ending, _)| lower.ends_with(ending.as_bytes())) else {
        return false;
    };
    // gzip writes the name of the file that it compressed, with a NUL behind it.
    let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let named = most + (last.len().saturating_sub(ending.len()) + 1) as u64;
    size <= *most || (*ending == ".gz" && size == named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_of_one_kind_of_backup() {
        let is_same = |one: &str, other: &str| shape(one.as_bytes()) == shape(other.as_bytes());
        assert!(is_same("db-2026-11-22_Sunday.sql.gz", "db-2026-11-23_Monday.sql.gz"));
        assert!(is_same("Job1D2026-11-29T220012_4F1A.vbk", "Job1D2026-11-30T220012_9C2B.vbk"));
        assert!(!is_same("Job1D2026-11-29T220012_4F1A.vbk", "Job1D2026-11-30T220012_9C2B.vib"));
        assert!(!is_same("20261129-021005F", "20261129-021005F_20261130-021003D"));
        for name in ["a-inc-2026.tar", "Job.vib", "app_log.trn", "20261129-021005F_20261130-021003I"] {
            assert!(is_increment(name.as_bytes()), "{name}");
        }
        for name in ["include.tar", "blog.sql", "20261129-021005F", "catalog-2026.dump"] {
            assert!(!is_increment(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn archives_of_nothing_are_known_by_their_size() {
        for (name, size) in
            [("a.sql.gz", 20), ("a.sql.gz", 26), ("a.tar.gz", 45), ("a.zip", 22), ("a.sql.zst", 13), ("a/b.XZ", 32)]
        {
            assert!(holds_nothing(name.as_bytes(), size), "{name} {size}");
        }
        for (name, size) in [("a.sql.gz", 21), ("a.tar.gz", 46), ("a.zip", 23), ("a.sql", 1), ("a.tar", 10_240)] {
            assert!(!holds_nothing(name.as_bytes(), size), "{name} {size}");
        }
    }
}
