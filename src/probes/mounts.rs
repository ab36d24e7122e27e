//! Mounted file systems: space, inodes, growth (`statvfs(3)`).

use crate::config::estate::Limits;
use crate::domain::error::said;
use crate::domain::{Fact, Loss, Observation, Trend, Verdict, quantity};
use crate::probes::aside::Aside;
use crate::probes::clock;
use crate::probes::mountinfo::{self, Mounted};
use crate::probes::target::Mount;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a file system may take to answer; a hung NFS server never does.
const DEADLINE: Duration = Duration::from_secs(3);
/// The growth is that of this much of the past.
const GROWTH_WINDOW: Duration = Duration::from_secs(600);
/// Less of the past than this says nothing about an hour.
const GROWTH_SPAN: Duration = Duration::from_secs(60);
/// Samples closer together than this are not kept, so that the window holds few of them.
const GROWTH_STEP: Duration = Duration::from_secs(5);

/// Where the mount table is read from.
pub const TABLE: &str = "/proc/self/mountinfo";

/// The points of every real mount of this machine.
///
/// # Errors
/// Why the mount table cannot be read.
pub fn discover() -> Result<Vec<PathBuf>, String> {
    let mounts = table()?;
    Ok(mountinfo::shown(&mounts).into_iter().map(|mount| mount.point.clone()).collect())
}

/// Why no mount of this machine has a row, as long as the mount table cannot be read. Once it can, the rows are still missing,
/// because what is read is settled when the program starts.
///
/// # Errors
/// Always: there is no reading of the mounts.
pub fn missing() -> Result<Observation, String> {
    let found = discover()?.len() as u64;
    Err(format!("{} can be read since; start again to see them", quantity::counted(found, "mount", "mounts")))
}

/// Reads one mount again and again.
pub struct MountReader {
    mount: Mount,
    aside: Aside<Usage, Loss>,
    growth: Growth,
}

impl MountReader {
    /// A reader that has not read anything yet.
    #[must_use]
    pub fn new(mount: Mount) -> Self {
        Self { mount, aside: Aside::new("statvfs"), growth: Growth::default() }
    }

    /// Reads it now, or goes on waiting for the reading that has not answered yet; at most 3 s.
    ///
    /// # Errors
    /// Why there is no reading.
    pub async fn read(&mut self) -> Result<Observation, Loss> {
        let mount = self.mount.clone();
        let usage = self.aside.within(DEADLINE, move || usage(&mount.path, mount.own)).await?;
        let growth = self.growth.take(Instant::now(), usage.used);
        Ok(judge(&self.mount, &usage, growth)?)
    }
}

/// What a file system holds, in bytes and inodes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Usage {
    size: u64,
    used: u64,
    /// What an unprivileged user may still write.
    avail: u64,
    /// All inodes and the free ones; `None` where the file system makes them as needed.
    inodes: Option<(u64, u64)>,
    source: String,
    fs: String,
}

fn table() -> Result<Vec<Mounted>, String> {
    let text = fs::read(TABLE).map_err(|cause| format!("{TABLE}: {}", said(cause)))?;
    mountinfo::parse(&text)
}

/// Asks the file system; may take for ever.
fn usage(path: &Path, own: bool) -> Result<Usage, Loss> {
    let mounts = table()?;
    let mount = if own { held(&mounts, path)? } else { mounted(&mounts, path)? };
    let told = rustix::fs::statvfs(path).map_err(|cause| match cause {
        // The program that serves it has ended (fuse(4)).
        rustix::io::Errno::NOTCONN => Loss::down("the program behind the file system has gone"),
        _ => Loss::unread(format!("statvfs: {}", said(cause))),
    })?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(Usage {
        size: bytes(told.f_blocks),
        used: bytes(told.f_blocks.saturating_sub(told.f_bfree)),
        avail: bytes(told.f_bavail),
        inodes: (told.f_files > 0).then_some((told.f_files, told.f_ffree)),
        source: mount.source.clone(),
        fs: mount.fs.clone(),
    })
}

/// The mount that holds an own entry's path; an automount that waits is left alone, for a look would mount it.
fn held<'a>(mounts: &'a [Mounted], path: &Path) -> Result<&'a Mounted, Loss> {
    let automount = |mount: &Mounted| mount.fs == "autofs";
    if mountinfo::holding(mounts, path).is_some_and(automount) {
        return Err("not mounted: an automount waits there".into());
    }
    let real = fs::canonicalize(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Loss::missing("not mounted: no such directory"),
        _ => Loss::unread(cause),
    })?;
    Ok(mountinfo::holding(mounts, &real).filter(|mount| !automount(mount)).ok_or("no mount holds it")?)
}

/// The mount at exactly this point.
fn mounted<'a>(mounts: &'a [Mounted], point: &Path) -> Result<&'a Mounted, String> {
    let found = mountinfo::holding(mounts, point).filter(|mount| mount.point == point && mount.fs != "autofs");
    found.ok_or("no longer mounted".to_owned())
}

/// Makes the observation. The used share is that of `df(1)`: used of what is used or may still be written.
fn judge(mount: &Mount, usage: &Usage, growth: Option<f64>) -> Result<Observation, String> {
    let whole = usage.used.saturating_add(usage.avail);
    if whole == 0 {
        return Err("the file system tells no size".to_owned());
    }
    let used = ratio(usage.used, whole);
    let inodes = usage.inodes.map(|(all, free)| ratio(all.saturating_sub(free), all));
    let mut facts = BTreeMap::from([
        ("path", Fact::Text(mount.path.to_string_lossy().into_owned())),
        ("configured", Fact::Bool(mount.own)),
        ("source", Fact::Text(usage.source.clone())),
        ("fs", Fact::Text(usage.fs.clone())),
        ("used_ratio", Fact::Real(used)),
        ("size_bytes", bytes(usage.size)),
        ("avail_bytes", bytes(usage.avail)),
    ]);
    facts.extend(inodes.map(|share| ("inodes_ratio", Fact::Real(share))));
    #[allow(clippy::cast_possible_truncation)] // Saturates.
    facts.extend(growth.map(|bytes| ("growth_per_hour", Fact::Int(bytes as i64))));
    let (verdict, detail) = verdict(mount.limits, used, inodes, growth.map(|bytes| bytes / real(whole)));
    let trend = Some(Trend::ratio("used_ratio"));
    Ok(Observation { verdict, detail, facts, observed_at: clock::now().wall, trend })
}

/// The worse of space and inodes, with its reason.
fn verdict(limits: Limits, used: f64, inodes: Option<f64>, growth: Option<f64>) -> (Verdict, String) {
    let space = limits.judge(used);
    if let Some(share) = inodes
        && limits.judge(share).rank() > space.rank()
    {
        return (limits.judge(share), format!("inodes {}", quantity::percent(share)));
    }
    let mut detail = quantity::percent(used);
    // Growth that rounds to nothing is not said.
    if let Some(percent) = growth.map(|share| share * 100.0).filter(|percent| percent.abs() >= 0.05) {
        detail.push_str(&format!(" {percent:+.1} %/h"));
    }
    (space, detail)
}

/// The used bytes of the last minutes.
#[derive(Default)]
struct Growth(VecDeque<(Instant, u64)>);

impl Growth {
    /// Takes a sample and tells the growth in bytes an hour, once the samples span a minute.
    fn take(&mut self, now: Instant, used: u64) -> Option<f64> {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > GROWTH_WINDOW) {
            self.0.pop_front();
        }
        let (first_at, first) = self.0.front().copied().unwrap_or((now, used));
        if self.0.back().is_none_or(|(at, _)| now.duration_since(*at) >= GROWTH_STEP) {
            self.0.push_back((now, used));
        }
        let span = now.duration_since(first_at);
        (span >= GROWTH_SPAN).then(|| (real(used) - real(first)) / span.as_secs_f64() * 3600.0)
    }
}

#[allow(clippy::cast_precision_loss)] // Figures for people.
fn real(number: u64) -> f64 {
    number as f64
}

/// A share of a whole that is not zero.
fn ratio(part: u64, whole: u64) -> f64 {
    real(part) / real(whole)
}

fn bytes(number: u64) -> Fact {
    Fact::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(path: &str, own: bool) -> Mount {
        Mount { path: path.into(), limits: Limits::DISK, own, critical: true }
    }

    fn full_to(used: u64, avail: u64, inodes: Option<(u64, u64)>) -> Usage {
        Usage { size: used + avail + 5, used, avail, inodes, source: "/dev/vda".into(), fs: "ext4".into() }
    }

    #[test]
    fn the_used_share_leaves_out_what_only_root_may_write() {
        let seen = judge(&some("/", false), &full_to(76, 19, Some((100, 50))), None).unwrap();
        assert_eq!((seen.detail.as_str(), seen.verdict), ("80 %", Verdict::Warn));
        assert_eq!(seen.facts["used_ratio"], Fact::Real(0.8));
        assert_eq!(seen.facts["inodes_ratio"], Fact::Real(0.5));
        assert!(!seen.facts.contains_key("growth_per_hour"));
        assert!(judge(&some("/", false), &full_to(0, 0, None), None).is_err());
    }

    #[test]
    fn inodes_speak_when_they_are_worse_and_are_absent_where_there_are_none() {
        let seen = judge(&some("/", false), &full_to(10, 90, Some((100, 7))), None).unwrap();
        assert_eq!((seen.detail.as_str(), seen.verdict), ("inodes 93 %", Verdict::Critical));
        let seen = judge(&some("/", false), &full_to(85, 15, None), None).unwrap();
        assert_eq!((seen.detail.as_str(), seen.verdict), ("85 %", Verdict::Warn));
        assert!(!seen.facts.contains_key("inodes_ratio"));
    }

    #[test]
    fn growth_is_said_after_a_minute_and_forgets_after_ten() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut growth = Growth::default();
        assert_eq!(growth.take(at(0), 1000), None);
        assert_eq!(growth.take(at(59), 1000), None);
        assert_eq!(growth.take(at(60), 1100), Some(6000.0));
        assert_eq!(growth.take(at(120), 800), Some(-6000.0));
        for seconds in (120..=2000).step_by(15) {
            growth.take(at(seconds), 800);
        }
        assert_eq!(growth.take(at(2015), 800), Some(0.0));
        assert!(growth.0.len() <= 42);
        let seen = judge(&some("/", false), &full_to(84, 16, None), Some(1.1)).unwrap();
        assert_eq!(seen.detail, "84 % +1.1 %/h");
        assert_eq!(judge(&some("/", false), &full_to(84, 16, None), Some(0.01)).unwrap().detail, "84 %");
    }

    #[tokio::test]
    async fn the_root_and_a_directory_of_our_own_can_be_read() {
        assert!(discover().unwrap().contains(&PathBuf::from("/")));
        let seen = MountReader::new(some("/", false)).read().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().to_str().unwrap();
        let held = MountReader::new(some(own, true)).read().await.unwrap();
        assert_eq!(held.facts["path"], Fact::Text(own.to_owned()));
        for seen in [seen, held] {
            assert!(matches!(seen.facts["size_bytes"], Fact::Int(size) if size > 0));
            assert!(matches!(seen.facts["used_ratio"], Fact::Real(share) if (0.0..=1.0).contains(&share)));
        }
        assert_eq!(MountReader::new(some(own, false)).read().await.unwrap_err(), Loss::unread("no longer mounted"));
        let gone = format!("{own}/gone");
        let gone = MountReader::new(some(&gone, true)).read().await.unwrap_err();
        assert_eq!(gone, Loss::missing("not mounted: no such directory"));
    }

    #[test]
    fn an_automount_is_never_touched() {
        let table = b"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /net rw - autofs auto rw\n";
        let mounts = mountinfo::parse(table).unwrap();
        let waits = held(&mounts, Path::new("/net/host")).unwrap_err();
        assert!(waits.why().contains("automount") && !waits.is_proof());
        assert!(mounted(&mounts, Path::new("/net")).is_err());
    }
}
