//! Mounted file systems: space, inodes, growth (`statvfs(3)`).

mod growth;

use crate::config::estate::Limits;
use crate::domain::error::system_text;
use crate::domain::series::PastRead;
use crate::domain::{Fact, Loss, Observation, SeriesId, TargetKind, Trend, Verdict, quantity};
use crate::probes::blocking::Blocking;
use crate::probes::clock;
use crate::probes::fstab::{self, Fstab};
use crate::probes::mountinfo::{self, Mounted};
use crate::probes::target::Mount;
use growth::Growth;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a file system may take to answer; a hung NFS server never does.
const DEADLINE: Duration = Duration::from_secs(3);
/// A file system that is full within this is a warning, whatever its share.
const FULL_SOON: Duration = Duration::from_secs(3600);
/// When a file system will be full is said up to here: a few minutes tell nothing of tomorrow.
const FULL_HORIZON: Duration = Duration::from_secs(12 * 3600);

/// The fact that its history is of.
const USED: &str = "used_ratio";

/// Where the mount table is read from.
pub const TABLE: &str = "/proc/self/mountinfo";

/// The points of every real mount of this machine.
///
/// # Errors
/// Why the mount table cannot be read.
pub fn discover() -> Result<Vec<PathBuf>, String> {
    let mounts = table()?;
    Ok(mountinfo::shown(&mounts, &Fstab::read()).into_iter().map(|mount| mount.point.clone()).collect())
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
    blocking: Blocking<Usage, Loss>,
    growth: Growth,
    /// What was read of it before this process began, until it was taken.
    past: Option<PastRead>,
    /// Whether it could be written to at an earlier reading.
    was_writable: bool,
}

impl MountReader {
    /// A reader that has not read anything yet.
    #[must_use]
    pub fn new(mount: Mount) -> Self {
        Self { mount, blocking: Blocking::new("statvfs"), growth: Growth::default(), past: None, was_writable: false }
    }

    /// The same with what earlier processes have read of it, so that its growth need not be watched for minutes first.
    #[must_use]
    pub fn after(self, past: PastRead) -> Self {
        Self { past: Some(past), ..self }
    }

    /// Reads it now, or goes on waiting for the reading that has not answered yet; at most 3 s. `None` for one that has no blocks
    /// and that the estate does not name: it holds nothing, and df(1) leaves it out as well.
    ///
    /// # Errors
    /// Why there is no reading.
    pub async fn read(&mut self) -> Result<Option<Observation>, Loss> {
        let mount = self.mount.clone();
        let mut usage = self.blocking.within(DEADLINE, move || usage(&mount)).await?;
        if usage.read_only && self.was_writable {
            usage.wrongly_read_only.get_or_insert("it was writable before");
        }
        self.was_writable |= !usage.read_only;
        if usage.size == 0 && !self.mount.own {
            return Ok(None);
        }
        self.remember(usage.whole());
        let growth = self.growth.take(Instant::now(), usage.used);
        Ok(Some(judge(&self.mount, &usage, growth)?))
    }
}

impl MountReader {
    /// Takes the figures of the past once they are there. They are shares: of the size that it has now.
    fn remember(&mut self, whole: u64) {
        let Some(past) = self.past.as_ref().and_then(PastRead::get) else { return };
        let (kind, target) = (TargetKind::Mount, self.mount.path.to_string_lossy().into_owned());
        let figures = past.figures(&SeriesId { kind, target, object: None, fact: USED.to_owned() });
        let now = clock::now().wall;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Saturates.
        let used = |share: f64| (share * real(whole)) as u64;
        let known = figures.iter().filter(|figure| figure.at <= now);
        self.growth.begin_with(Instant::now(), known.map(|figure| (now.since(figure.at), used(figure.value))));
        self.past = None;
    }
}

/// What a file system holds, in bytes and inodes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Usage {
    size: u64,
    used: u64,
    /// What an unprivileged user may still write.
    avail: u64,
    /// How far less than nothing that is, where others have written into what is kept for root.
    over: u64,
    /// All inodes and the free ones; `None` where the file system makes them as needed.
    inodes: Option<(u64, u64)>,
    source: String,
    fs: String,
    read_only: bool,
    /// Why it should not be read-only.
    wrongly_read_only: Option<&'static str>,
    /// The mount point that an own entry stands for, where it is another than its path.
    held_by: Option<PathBuf>,
}

fn table() -> Result<Vec<Mounted>, String> {
    let text = fs::read(TABLE).map_err(|cause| format!("{TABLE}: {}", system_text(cause)))?;
    mountinfo::parse(&text)
}

/// Asks the file system; may take for ever.
fn usage(target: &Mount) -> Result<Usage, Loss> {
    let (path, mounts, fstab) = (target.path.as_path(), table()?, Fstab::read());
    let (mount, held_by) = match target.own {
        true => held(&mounts, target, &fstab)?,
        false => (mounted(&mounts, path)?, None),
    };
    let wrongly_read_only = mount.is_wrongly_read_only(&fstab).then_some(match mount.turned {
        true => "the file system turned so by itself, as after an error",
        false => "/etc/fstab has it writable",
    });
    let answer = rustix::fs::statvfs(path).map_err(|cause| {
        let unread = || Loss::unread(format!("statvfs: {}", system_text(cause)));
        gone(cause.raw_os_error()).unwrap_or_else(unread)
    })?;
    let figures = [answer.f_frsize, answer.f_blocks, answer.f_bfree, answer.f_bavail, answer.f_files, answer.f_ffree];
    let (source, fs, read_only) = (mount.source.clone(), mount.fs.clone(), mount.read_only);
    Ok(Usage { source, fs, read_only, wrongly_read_only, held_by, ..Usage::of(figures) })
}

impl Usage {
    /// Reads the figures of statvfs(3) as df(1) does: a negative number of blocks stands as a large one, and a file system that
    /// does not count inodes gives none, or all ones.
    fn of([unit, blocks, free, avail, files, files_free]: [u64; 6]) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(unit);
        let is_negative = i64::try_from(avail).is_err();
        let (avail, over) = if is_negative { (0, bytes(avail.wrapping_neg())) } else { (bytes(avail), 0) };
        let counts = files > 0 && files < u64::MAX && files_free <= files;
        Self {
            size: bytes(blocks),
            used: bytes(blocks.saturating_sub(free)),
            avail,
            over,
            inodes: counts.then_some((files, files_free)),
            source: String::new(),
            fs: String::new(),
            read_only: false,
            wrongly_read_only: None,
            held_by: None,
        }
    }
}

impl Usage {
    /// The whole that its share is of, as `df(1)` has it: what is used or may still be written.
    fn whole(&self) -> u64 {
        self.used.saturating_add(self.avail).saturating_sub(self.over)
    }
}

/// The mount that holds an own entry's path, and its point where that is another; an automount that waits is left alone, for a look
/// would mount it.
fn held<'a>(mounts: &'a [Mounted], target: &Mount, fstab: &Fstab) -> Result<(&'a Mounted, Option<PathBuf>), Loss> {
    let path = target.path.as_path();
    let automount = |mount: &Mounted| mount.fs == "autofs";
    if mountinfo::holding(mounts, path).is_some_and(automount) {
        return Err("not mounted: an automount waits there".into());
    }
    let real = fs::canonicalize(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Loss::missing("not mounted: no such directory"),
        _ => cause.raw_os_error().and_then(gone).unwrap_or_else(|| Loss::unread(cause)),
    })?;
    let mount = mountinfo::holding(mounts, &real).filter(|mount| !automount(mount)).ok_or("no mount holds it")?;
    if mount.point == real {
        return Ok((mount, (real != path).then_some(real)));
    }
    match wanted(target, &real, fstab) {
        Some(who) => Err(Loss::missing(format!("not mounted: {who}, and {} holds it", mount.point.display()))),
        None => Ok((mount, Some(mount.point.clone()))),
    }
}

/// What an error of the system proves of a mounted file system: that nothing serves it any more.
fn gone(errno: i32) -> Option<Loss> {
    match rustix::io::Errno::from_raw_os_error(errno) {
        // The program that serves it has ended (fuse(4)).
        rustix::io::Errno::NOTCONN => Some(Loss::down("the program behind the file system has gone")),
        // The server no longer has what is mounted (nfs(5)).
        rustix::io::Errno::STALE => {
            Some(Loss::down("the file server no longer has what is mounted (stale file handle)"))
        }
        _ => None,
    }
}

/// What says that the path of an own entry must be a mount point.
fn wanted(target: &Mount, real: &Path, fstab: &Fstab) -> Option<String> {
    if target.mount_point {
        return Some("the estate wants a mount point".to_owned());
    }
    let places = [target.path.as_path(), real];
    if places.into_iter().any(|place| fstab.wants(place)) {
        return Some("/etc/fstab names it".to_owned());
    }
    places.into_iter().find_map(fstab::unit_of).map(|unit| format!("{unit} names it"))
}

/// The mount at exactly this point.
fn mounted<'a>(mounts: &'a [Mounted], point: &Path) -> Result<&'a Mounted, String> {
    let found = mountinfo::holding(mounts, point).filter(|mount| mount.point == point && mount.fs != "autofs");
    found.ok_or("no longer mounted".to_owned())
}

/// Makes the observation.
fn judge(mount: &Mount, usage: &Usage, growth: Option<f64>) -> Result<Observation, String> {
    let whole = usage.whole();
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
        (USED, Fact::Real(used)),
        ("size_bytes", bytes(usage.size)),
        ("avail_bytes", bytes(usage.avail)),
    ]);
    facts.extend(mount.limits.facts());
    facts.insert("read_only", Fact::Bool(usage.read_only));
    facts.extend(usage.held_by.iter().map(|point| ("held_by", Fact::Text(point.to_string_lossy().into_owned()))));
    facts.extend(inodes.map(|share| ("inodes_ratio", Fact::Real(share))));
    #[allow(clippy::cast_possible_truncation)] // Saturates.
    facts.extend(growth.map(|bytes| ("growth_per_hour", Fact::Int(bytes as i64))));
    let full = growth.and_then(|bytes| full_in(usage.avail, bytes));
    facts.extend(full.map(|time| ("full_in_s", Fact::Int(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))));
    let growth = growth.map(|bytes| bytes / real(whole));
    let (mut verdict, mut detail) = verdict(mount.limits, used, inodes, (growth, full));
    if let Some(why) = usage.wrongly_read_only {
        verdict = verdict.worse(if mount.critical { Verdict::Critical } else { Verdict::Warn });
        detail = format!("read-only: {why} · {detail}");
    }
    if let Some(point) = &usage.held_by {
        detail.push_str(&format!(" · held by {}", point.display()));
    }
    let trend = Some(Trend::of(USED));
    Ok(Observation { verdict, detail, facts, observed_at: clock::now().wall, trend })
}

/// The worse of space and inodes, with its reason.
fn verdict(
    limits: Limits,
    used: f64,
    inodes: Option<f64>,
    (growth, full): (Option<f64>, Option<Duration>),
) -> (Verdict, String) {
    let soon = full.is_some_and(|time| time < FULL_SOON);
    let space = limits.judge(used).worse(if soon { Verdict::Warn } else { Verdict::Ok });
    if let Some(share) = inodes
        && limits.judge(share).rank() > space.rank()
    {
        return (limits.judge(share), format!("inodes {}", quantity::used(share)));
    }
    let mut detail = quantity::used(used);
    // Growth that rounds to nothing is not said.
    if let Some(percent) = growth.map(|share| share * 100.0).filter(|percent| percent.abs() >= 0.05) {
        detail.push_str(&format!(" {percent:+.1} %/h"));
    }
    if let Some(time) = full {
        detail.push_str(&format!(" · full in {}", coarse(time)));
    }
    (space, detail)
}

/// How long until nothing can be written, at so many bytes an hour; `None` where it does not grow, or not before long.
fn full_in(avail: u64, growth: f64) -> Option<Duration> {
    let hours = real(avail) / growth;
    let time = (growth > 0.0).then(|| Duration::try_from_secs_f64(hours * 3600.0).ok()).flatten()?;
    (time <= FULL_HORIZON).then_some(time)
}

/// A forecast in whole minutes, from an hour on in whole hours: it is no better than that.
fn coarse(time: Duration) -> String {
    let bucket = if time.as_secs() < 3600 { 60 } else { 3600 };
    match time.as_secs() / bucket * bucket {
        0 => "less than 1 m".to_owned(),
        seconds => quantity::span(Duration::from_secs(seconds)),
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
mod tests;
