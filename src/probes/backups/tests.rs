mod checksums;
mod corpus;
mod denied;

use super::*;
use crate::config::estate::ObjectPlace;
use crate::config::secrets::Secrets;
use crate::domain::{Digest, Fact, Loss, Trend, Verdict};
use std::cell::Cell;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

thread_local! {
    /// How often a series asked the file system.
    pub(super) static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The moment at which these tests look.
const NOW: &str = "2026-11-22T12:00:00Z";
const HOUR: i64 = 3600;

fn now() -> Wall {
    Wall(NOW.parse().unwrap())
}

fn unix(moment: &str) -> i64 {
    moment.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn entry(dir: &Path, pattern: &str) -> Backup {
    Backup {
        name: "database".into(),
        place: BackupPlace::Files(format!("{}/{pattern}", dir.display())),
        max_age: Duration::from_secs(24 * 3600),
        every: None,
        min_size: None,
        ended: Vec::new(),
    }
}

/// Makes a file of so many bytes that was last changed at a moment.
fn put(dir: &Path, name: &str, size: usize, changed: &str) {
    fs::write(dir.join(name), vec![b'x'; size]).unwrap();
    touch(dir, name, unix(changed));
}

fn touch(dir: &Path, name: &str, changed: i64) {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).unwrap());
    File::open(dir.join(name)).unwrap().set_times(FileTimes::new().set_modified(moment)).unwrap();
}

/// Daily members until today at 02:10, newest first.
fn days(dir: &Path, count: i64, size: usize) {
    for day in 0..count {
        let at = jiff::Timestamp::from_second(unix("2026-11-22T02:10:00Z") - day * 24 * HOUR).unwrap();
        put(dir, &format!("{}.dump", at.strftime("%Y-%m-%dT%H%M")), size, &at.to_string());
    }
}

/// Looks on a host whose clock is in UTC.
fn looked(target: &Backup, memory: &mut Memory) -> Result<Observation, Loss> {
    look(target, memory, now(), &utc())
}

fn utc() -> Clock {
    Clock { now: now().0.as_second(), zone: jiff::tz::TimeZone::UTC }
}

fn seen(target: &Backup) -> Observation {
    looked(target, &mut Memory::default()).unwrap()
}

fn text(seen: &Observation, fact: &str) -> String {
    match &seen.facts[fact] {
        Fact::Text(text) => text.clone(),
        other => panic!("{fact}: {other:?}"),
    }
}

fn outcome(seen: &Observation) -> (Verdict, &str) {
    (seen.verdict, seen.detail.as_str())
}

#[test]
fn the_newest_is_so_by_its_data_and_not_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "z-2026-11-21T1300.dump", 2048, "2026-11-22T11:00:00Z");
    put(dir.path(), "a-2026-11-22T0310.dump", 4096, "2026-11-22T03:11:00Z");
    put(dir.path(), "m.dump", 1024, "2026-11-21T23:00:00Z");
    let found = seen(&entry(dir.path(), "*.dump"));
    assert_eq!(outcome(&found), (Verdict::Ok, "03:10 today · 4.0 KiB"));
    assert_eq!(
        (text(&found, "newest").as_str(), text(&found, "time_from").as_str()),
        ("a-2026-11-22T0310.dump", "name")
    );
    assert_eq!(text(&found, "newest_at"), "2026-11-22T03:10:00Z");
    assert_eq!((&found.facts["age_s"], &found.facts["size_bytes"]), (&Fact::Int(31_800), &Fact::Int(4096)));
    assert_eq!((&found.facts["count"], found.trend), (&Fact::Int(3), Some(Trend::of("size_bytes"))));
    assert_eq!(text(&found, "not_verified"), "no SHA-256 beside it: expects a-2026-11-22T0310.dump.sha256");
    assert!(!found.facts.contains_key("verified"));

    put(dir.path(), "b.dump", 1024, "2026-11-22T04:00:00Z");
    let found = seen(&entry(dir.path(), "*.dump"));
    assert_eq!((text(&found, "newest").as_str(), text(&found, "time_from").as_str()), ("b.dump", "mtime"));
    assert_eq!(seen(&entry(dir.path(), "z*")).detail, "13:00 yesterday · 2.0 KiB");
}

#[test]
fn age_is_held_against_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "2026-11-21T050000Z.dump", 10, "2026-11-21T05:01:00Z");
    let mut target = entry(dir.path(), "*.dump");
    assert_eq!(outcome(&seen(&target)), (Verdict::Critical, "31 h old · limit 24 h · 10 B"));
    target.max_age = Duration::from_secs(31 * 3600);
    assert_eq!(outcome(&seen(&target)), (Verdict::Ok, "05:00 yesterday · 10 B"), "exactly at its limit");
    target.max_age = Duration::from_secs(7 * 86_400);
    fs::rename(dir.path().join("2026-11-21T050000Z.dump"), dir.path().join("2026-11-19T050000Z.dump")).unwrap();
    assert_eq!(seen(&target).detail, "2026-11-19 05:00 · 10 B");
}

#[test]
fn a_name_that_says_the_day_alone_leaves_the_hour_to_the_last_change() {
    let dir = tempfile::tempdir().unwrap();
    let target = entry(dir.path(), "*.dump");
    let cases = [
        ("20261122.dump", "2026-11-22T09:30:00Z", "2026-11-22T09:30:00Z", "name and mtime"),
        // Made on a day that had not ended everywhere, or copied: alone it proves neither.
        ("20261121.dump", "2026-11-22T01:00:00Z", "2026-11-21T00:00:00Z", "name"),
        // Copied here much later: its data are of that day.
        ("20261110.dump", "2026-11-22T09:30:00Z", "2026-11-10T00:00:00Z", "name"),
        // The clock of a zone that is ahead.
        ("2026-11-22_20-05-00.dump", "2026-11-22T11:06:00Z", "2026-11-22T11:06:00Z", "name and mtime"),
        // One that is behind, or a copy: alone it proves neither.
        ("2026-11-22_10-05-00.dump", "2026-11-22T11:06:00Z", "2026-11-22T10:05:00Z", "name"),
        ("2026-11-22_10-05-00.dump", "2026-11-22T10:40:00Z", "2026-11-22T10:05:00Z", "name"),
    ];
    for (name, changed, at, from) in cases {
        put(dir.path(), name, 10, changed);
        let found = seen(&target);
        assert_eq!((text(&found, "newest_at").as_str(), text(&found, "time_from").as_str()), (at, from), "{name}");
        fs::remove_file(dir.path().join(name)).unwrap();
    }
}

#[test]
fn nothing_there_is_critical_and_nothing_readable_is_no_reading() {
    let dir = tempfile::tempdir().unwrap();
    let target = entry(dir.path(), "*.dump");
    assert_eq!(outcome(&seen(&target)), (Verdict::Critical, "no backup"));
    assert_eq!(outcome(&seen(&entry(dir.path(), "one.dump"))), (Verdict::Critical, "no backup"));
    let lost = |target: &Backup| looked(target, &mut Memory::default()).unwrap_err();
    assert_eq!(lost(&entry(&dir.path().join("gone"), "*.dump")), Loss::missing("no such directory"));
    assert_eq!(lost(&entry(&dir.path().join("gone"), "one.dump")), Loss::missing("no such directory"));
    put(dir.path(), "file", 1, NOW);
    assert_eq!(lost(&entry(&dir.path().join("file"), "*")), Loss::unread("not a directory"));
    let place = ObjectPlace { prefix: "s3://b/p/".into(), store: None, secrets: Secrets::default() };
    let objects = Backup { place: BackupPlace::Objects(Box::new(place)), ..target };
    assert_eq!(source(&objects), "s3://b/p/");
}

#[test]
fn what_is_no_member_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.dump.sha256", "a.dump.asc", "SHA256SUMS", "a.dump.part", "b.dump.tmp", ".c.dump", "other.txt"] {
        put(dir.path(), name, 10, "2026-11-22T03:00:00Z");
    }
    symlink("nowhere", dir.path().join("gone.dump")).unwrap();
    let target = entry(dir.path(), "*.dump");
    assert_eq!(outcome(&seen(&target)), (Verdict::Critical, "no backup · 2 unfinished"));
    put(dir.path(), "2026-11-22T0310.dump", 10, "2026-11-22T03:11:00Z");
    symlink("2026-11-22T0310.dump", dir.path().join("latest.dump")).unwrap();
    let found = seen(&target);
    assert_eq!((text(&found, "newest").as_str(), &found.facts["count"]), ("2026-11-22T0310.dump", &Fact::Int(1)));
    assert_eq!(found.facts["unfinished"], Fact::Int(2));
    // A link to elsewhere is a member.
    let other = tempfile::tempdir().unwrap();
    put(other.path(), "x", 77, "2026-11-22T05:00:00Z");
    symlink(other.path().join("x"), dir.path().join("linked.dump")).unwrap();
    assert_eq!(seen(&target).detail, "05:00 today · 77 B");
    assert_eq!(seen(&entry(dir.path(), "latest.dump")).detail, "03:11 today · 10 B");
}

#[test]
fn what_still_grows_waits_until_it_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let target = entry(dir.path(), "*.dump");
    put(dir.path(), "now.dump", 10, "2026-11-22T11:59:55Z");
    let mut memory = Memory::default();
    let mut look = || looked(&target, &mut memory).unwrap();
    assert_eq!(outcome(&look()), (Verdict::Unknown, "no finished backup · one is being written"));
    put(dir.path(), "now.dump", 20, "2026-11-22T11:59:56Z");
    assert_eq!(look().verdict, Verdict::Unknown, "it has grown");
    let settled = look();
    assert_eq!(outcome(&settled), (Verdict::Ok, "11:59 today · 20 B"));
    assert_eq!((settled.trend, look().trend), (Some(Trend::of("size_bytes")), None), "the history is of members");
    put(dir.path(), "older.dump", 30, "2026-11-22T10:00:00Z");
    put(dir.path(), "now.dump", 21, "2026-11-22T11:59:58Z");
    let found = look();
    assert_eq!((found.detail.as_str(), &found.facts["unfinished"]), ("10:00 today · 30 B", &Fact::Int(1)));
}

#[test]
fn a_size_is_held_against_the_history() {
    let dir = tempfile::tempdir().unwrap();
    days(dir.path(), 6, 1000);
    let mut target = entry(dir.path(), "*.dump");
    let newest = "2026-11-22T0210.dump";
    let found = seen(&target);
    assert_eq!(
        (outcome(&found), &found.facts["median_size_bytes"]),
        ((Verdict::Ok, "02:10 today · 1000 B"), &Fact::Int(1000))
    );
    for (size, verdict, detail) in [
        (500, Verdict::Ok, "02:10 today · 500 B"),
        (499, Verdict::Warn, "02:10 today · 499 B · usually 1000 B"),
        (0, Verdict::Critical, "02:10 today · empty"),
    ] {
        put(dir.path(), newest, size, "2026-11-22T02:10:00Z");
        assert_eq!(outcome(&seen(&target)), (verdict, detail));
    }
    put(dir.path(), newest, 20, "2026-11-22T02:10:00Z");
    target.min_size = Some(21);
    assert_eq!(outcome(&seen(&target)), (Verdict::Critical, "02:10 today · 20 B · least 21 B"));
}

#[test]
fn a_gap_is_one_that_the_series_came_back_from() {
    let dir = tempfile::tempdir().unwrap();
    days(dir.path(), 10, 100);
    let mut target = entry(dir.path(), "*.dump");
    let found = seen(&target);
    assert_eq!((&found.facts["gaps"], &found.facts["interval_s"]), (&Fact::Int(0), &Fact::Int(86_400)));
    for day in [19, 20] {
        fs::remove_file(dir.path().join(format!("2026-11-{day}T0210.dump"))).unwrap();
    }
    let found = seen(&target);
    assert_eq!(
        (outcome(&found), &found.facts["gaps"]),
        ((Verdict::Warn, "02:10 today · 100 B · 1 gap"), &Fact::Int(1))
    );
    target.every = Some(Duration::from_secs(3 * 86_400));
    assert_eq!(seen(&target).verdict, Verdict::Ok, "as the estate says it");

    // Thinned out with age: seven days, then weeks.
    let dir = tempfile::tempdir().unwrap();
    days(dir.path(), 7, 100);
    for week in 2..8 {
        let at = jiff::Timestamp::from_second(unix("2026-11-22T02:10:00Z") - week * 7 * 24 * HOUR).unwrap();
        put(dir.path(), &format!("{}.dump", at.strftime("%Y-%m-%dT%H%M")), 100, &at.to_string());
    }
    let mut target = entry(dir.path(), "*.dump");
    target.every = Some(Duration::from_secs(86_400));
    let found = seen(&target);
    assert_eq!((&found.facts["count"], &found.facts["gaps"]), (&Fact::Int(13), &Fact::Int(0)));
    assert_eq!(outcome(&found), (Verdict::Ok, "02:10 today · 100 B"));
}

#[test]
fn the_future_is_never_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "2027-01-01T0000.dump", 10, "2026-11-22T03:00:00Z");
    put(dir.path(), "ahead.dump", 10, "2026-11-22T13:00:00Z");
    let target = entry(dir.path(), "*.dump");
    let found = seen(&target);
    assert_eq!((found.verdict, &found.facts["future"]), (Verdict::Unknown, &Fact::Int(2)));
    assert!(found.detail.starts_with("2 backups dated in the future: "), "{}", found.detail);
    put(dir.path(), "2026-11-22T0310.dump", 10, "2026-11-22T03:11:00Z");
    assert_eq!(outcome(&seen(&target)), (Verdict::Warn, "03:10 today · 10 B · 2 dated in the future"));
    put(dir.path(), "2026-11-22T1204.dump", 10, "2026-11-22T11:00:00Z");
    assert_eq!(text(&seen(&target), "newest"), "2026-11-22T1204.dump", "a clock may be a little ahead");
}

#[test]
fn a_directory_may_be_a_member() {
    let dir = tempfile::tempdir().unwrap();
    for (name, size) in [("base-20261122T0310", 700), ("base-20261121T0310", 600)] {
        let inner = dir.path().join(name).join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("a"), vec![b'x'; size]).unwrap();
        fs::write(dir.path().join(name).join("b"), [b'x'; 24]).unwrap();
        touch(dir.path(), name, unix("2026-11-22T03:20:00Z"));
    }
    let found = seen(&entry(dir.path(), "base-*"));
    assert_eq!(outcome(&found), (Verdict::Ok, "03:10 today · 724 B"));
    assert_eq!(text(&found, "not_verified"), "a directory is not verified");
}

/// A repository of restic whose one snapshot is three days old; tonight one was forgotten, and no other was made.
fn restic() -> tempfile::TempDir {
    const INNER: [&str; 4] = ["data", "index", "keys", "snapshots"];
    let dir = tempfile::tempdir().unwrap();
    for name in INNER {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    put(&dir.path().join("snapshots"), "3f9a", 300, "2026-11-19T03:00:00Z");
    for name in INNER {
        touch(dir.path(), name, unix("2026-11-22T03:00:00Z"));
    }
    dir
}

#[test]
fn a_repository_of_restic_is_as_new_as_its_last_snapshot() {
    let dir = restic();
    let found = seen(&entry(dir.path(), "*"));
    assert_eq!(outcome(&found), (Verdict::Critical, "3 d old · limit 24 h · 300 B"));
    assert_eq!((text(&found, "newest").as_str(), &found.facts["count"]), ("snapshots", &Fact::Int(1)));
}

#[tokio::test]
async fn of_two_hundred_thousand_members_only_the_newest_are_looked_at() {
    const MANY: i64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    // One file by many names costs the least; a file takes only so many of them.
    let start = unix("2026-11-22T02:10:00Z");
    for number in 0..MANY {
        let at = jiff::Timestamp::from_second(start - (number * 7919 % MANY) * 60).unwrap();
        let path = dir.path().join(format!("{}.dump", at.strftime("%Y%m%dT%H%M")));
        let first = dir.path().join(format!("{:02}", number / 30_000));
        if number % 30_000 == 0 {
            fs::write(&first, "x").unwrap();
            touch(dir.path(), &format!("{:02}", number / 30_000), unix("2026-01-01T00:00:00Z"));
        }
        fs::hard_link(&first, &path).unwrap();
    }
    let mut target = entry(dir.path(), "*.dump");
    ASKED.set(0);
    let found = seen(&target);
    let asked = ASKED.get();
    assert_eq!((&found.facts["count"], text(&found, "newest").as_str()), (&Fact::Int(MANY), "20261122T0210.dump"));
    assert_eq!((&found.facts["interval_s"], &found.facts["gaps"]), (&Fact::Int(60), &Fact::Int(0)));
    // The directory once, and twice each of the newest: most have their time in their names.
    assert!((1..1_000).contains(&asked), "{asked}");

    // Without a time in the name each is looked at, and none is opened.
    target.place = BackupPlace::Files(format!("{}/*", dir.path().display()));
    let found = BackupReader::new(target).read().await.unwrap().remove(0).seen.unwrap();
    assert_eq!(found.facts["count"], Fact::Int(MANY + 7));
}

#[test]
fn only_the_newest_of_any_number_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..300 {
        put(dir.path(), &format!("{number:03}.dump"), 1, NOW);
        touch(dir.path(), &format!("{number:03}.dump"), unix("2026-11-21T00:00:00Z") + (number * 7 % 300) * 60);
    }
    let pattern = format!("{}/*.dump", dir.path().display());
    let series = series::list(&pattern, &HashMap::new(), &utc()).unwrap();
    let times: Vec<i64> = series.members.iter().map(|member| member.unix).collect();
    let newest = unix("2026-11-21T00:00:00Z") + 299 * 60;
    assert_eq!((series.count, times), (300, (0..30).map(|turn| newest - turn * 60).collect()));
}
