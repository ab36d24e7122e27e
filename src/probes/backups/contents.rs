//! What directories of one series hold by name: one that lacks what all before it have is not like these.
//!
//! | it lacks | it is |
//! |---|---|
//! | `toc.dat`, and holds the tables of a dump of `pg_dump -Fd` | not finished |
//! | a file that is written last, or once in each backup (`MARKS`), and that all before it have | not finished |
//! | a dump that all of two or more before it have | a backup, and it warns |
//!
//! Numbers and dates in names do not count. One that is not finished is no measure for those behind it.

use crate::probes::backups::kind;
use crate::probes::backups::lines;
use crate::probes::backups::series::Member;
use crate::probes::backups::shape::{self, words};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The most names of a directory that are looked at; one with more is compared with none.
const NAMES: usize = 2_000;
/// How many before it have a dump that it lacks.
const BEFORE: usize = 2;
/// What is written once in each backup, as a rule at its end.
const MARKS: &[&str] = &[
    "toc.dat",         // pg_dump -Fd
    "backup_manifest", // pg_basebackup
    "backup_label",
    "base.tar",
    "pg_wal.tar",
    "pg_version",
    "backup.manifest", // pgBackRest
    "xtrabackup_info",
    "xtrabackup_checkpoints",
    "mariadb_backup_info",
    "metadata",        // mydumper
    "index.json.blob", // Proxmox Backup Server
];

/// Names by what is left of them without their numbers.
type Names = BTreeMap<Vec<Vec<u8>>, String>;

/// What directories lack.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    /// Those that are not finished.
    pub(super) unfinished: HashSet<OsString>,
    /// A dump that one lacks.
    pub(super) dumps: HashMap<OsString, String>,
}

/// Compares directories with those before them; the members are the newest first.
pub(super) fn compare(directory: &Path, members: &[Member]) -> Lacks {
    let mut lacks = Lacks::default();
    let mut before: HashMap<Vec<Vec<u8>>, (usize, Names)> = HashMap::new();
    for member in members.iter().rev().filter(|member| member.is_dir) {
        let Some(own) = names(&directory.join(&member.name)).filter(|own| !own.is_empty()) else { continue };
        let (many, common) = before.entry(lines::shape(member)).or_default();
        let lacking = |wanted: fn(&str) -> bool| {
            common.iter().find(|(key, name)| wanted(name) && !own.contains_key(*key)).map(|(_, name)| name.clone())
        };
        if lacking(is_mark).is_some() || is_half_a_dump(&own) {
            lacks.unfinished.insert(member.name.clone());
            continue;
        }
        if let Some(name) = lacking(|name| kind::is_dump(name.as_bytes())).filter(|_| *many >= BEFORE) {
            lacks.dumps.insert(member.name.clone(), name);
        }
        *common = match *many {
            0 => own,
            _ => std::mem::take(common).into_iter().filter(|(key, _)| own.contains_key(key)).collect(),
        };
        *many += 1;
    }
    lacks
}

/// The names right in a directory.
fn names(directory: &Path) -> Option<Names> {
    let mut names = Names::new();
    for entry in std::fs::read_dir(directory).ok()?.flatten() {
        if names.len() == NAMES {
            return None;
        }
        let name = entry.file_name();
        let lower = name.as_bytes().to_ascii_lowercase();
        names.insert(shape::marked(kind::unwrapped(&lower)), name.to_string_lossy().into_owned());
    }
    Some(names)
}

fn is_mark(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    MARKS.iter().any(|mark| kind::unwrapped(lower.as_bytes()) == mark.as_bytes())
}

/// Whether there are tables of `pg_dump -Fd` without the list of them: `3456.dat.gz` without `toc.dat`.
fn is_half_a_dump(names: &Names) -> bool {
    let key = |name: &[u8]| words(name).collect::<Vec<_>>();
    let is_table = |name: &String| {
        let lower = name.to_ascii_lowercase();
        let number = kind::unwrapped(lower.as_bytes()).strip_suffix(b".dat");
        number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    };
    !names.contains_key(&key(b"toc.dat")) && names.values().any(is_table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::backups::series::list;
    use crate::probes::backups::when::Clock;
    use std::fs;

    /// What is finished, and what a finished one lacks, of directories with these files in them.
    fn looked(all: &[(&str, &[&str])]) -> (Vec<String>, Option<String>) {
        let place = tempfile::tempdir().unwrap();
        for (name, files) in all {
            fs::create_dir(place.path().join(name)).unwrap();
            for file in *files {
                fs::write(place.path().join(name).join(file), "x").unwrap();
            }
        }
        let clock = Clock { now: jiff::Timestamp::now().as_second() + 3600, zone: jiff::tz::TimeZone::UTC };
        let series = list(&format!("{}/*", place.path().display()), &HashMap::new(), &clock).unwrap();
        let names = series.members.iter().map(|member| member.name.to_string_lossy().into_owned()).collect();
        (names, series.lacking.into_values().next())
    }

    #[test]
    fn a_directory_without_its_list_is_not_finished() {
        for mark in ["toc.dat", "backup_manifest", "base.tar.gz", "PG_VERSION"] {
            let (whole, half) = (["data.bin", mark], ["data.bin"]);
            let (found, _) = looked(&[("db_20261118", &whole), ("db_20261119", &whole), ("db_20261120", &half)]);
            assert_eq!(found, ["db_20261119", "db_20261118"], "{mark}");
            // Two nights in a row: the first is no measure for the second.
            let (found, _) = looked(&[("db_20261118", &whole), ("db_20261119", &half), ("db_20261120", &half)]);
            assert_eq!(found, ["db_20261118"], "{mark}");
            // Another series has none, and needs none.
            let (found, _) = looked(&[("db_20261119", &whole), ("files_20261120", &half)]);
            assert_eq!(found, ["files_20261120", "db_20261119"], "{mark}");
        }
    }

    #[test]
    fn a_dump_in_a_directory_needs_its_list() {
        let (found, _) = looked(&[("db_20261119", &["3456.dat.gz", "toc.dat"]), ("db_20261120", &["3456.dat.gz"])]);
        assert_eq!(found, ["db_20261119"]);
        assert_eq!(looked(&[("db_20261120", &["3456.dat.gz"])]).0, [""; 0], "alone too");
    }

    #[test]
    fn a_dump_that_all_before_it_have_is_missed() {
        let (both, one) = (["app_20261118.sql.gz", "billing_20261118.sql.gz"], ["billing_20261120.sql.gz"]);
        let (found, lacking) = looked(&[("20261118", &both), ("20261119", &both), ("20261120", &one)]);
        assert_eq!((found.len(), lacking.as_deref()), (3, Some("app_20261118.sql.gz")));
        // A table may come and go; a tree is not compared at all.
        let (found, lacking) = looked(&[("20261118", &["a.txt"]), ("20261119", &["a.txt"]), ("20261120", &["b.txt"])]);
        assert_eq!((found.len(), lacking), (3, None));
    }
}
