//! This machine: processors, memory, swap, pressure and load, from `/proc` (`proc(5)`).
//!
//! A figure that is not there is an error and never a zero. What this kernel does not have at all is not available, which is
//! no fault of the host.

use crate::config::estate::Limits;
use crate::domain::error::system_text;
use crate::domain::{Fact, Observation, Trend, Verdict, quantity};
use crate::probes::clock;
use crate::probes::target::HostPart;
use processes::Processes;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod meminfo;
mod processes;

/// The fact of a part that this kernel does not have; it is true.
const NOT_AVAILABLE: &str = "not_available";
/// The shortest interval over which a busy share is judged: within less, the start of one program fills a processor.
const JUDGED_INTERVAL: Duration = Duration::from_secs(1);
/// The five-minute load for each core that warns.
const LOAD_LIMITS: Limits = Limits { warn: 2.0, critical: f64::INFINITY };
/// Memory stalls of every task at once: the machine is thrashing.
const MEMORY_STALL_LIMITS: Limits = Limits { warn: 0.1, critical: 0.3 };
/// The shortest interval over which a busy share that is not judged says something; also that of the first reading.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(500);

/// Whether an observation says that this kernel does not have the part.
#[must_use]
pub fn is_absent(seen: &Observation) -> bool {
    seen.facts.get(NOT_AVAILABLE) == Some(&Fact::Bool(true))
}

/// Reads one part of the host again and again.
pub struct HostReader {
    part: HostPart,
    /// Of the busy share, which is judged only where there are some.
    limits: Option<Limits>,
    proc: PathBuf,
    before: Option<(CpuTimes, Instant)>,
    /// Named beside the memory.
    processes: Option<Processes>,
}

impl HostReader {
    /// A reader that has not read anything yet.
    #[must_use]
    pub fn new(part: HostPart, limits: Option<Limits>) -> Self {
        let processes = if part == HostPart::Memory { Processes::new() } else { None };
        Self { part, limits, proc: PathBuf::from("/proc"), before: None, processes }
    }

    /// Reads it now; the busy share of the processors covers the time since the last reading.
    ///
    /// # Errors
    /// Why there is no reading.
    pub async fn read(&mut self) -> Result<Observation, String> {
        match self.part {
            HostPart::Cpu => self.cpu().await,
            HostPart::Memory => self.memory(),
            HostPart::Swap => meminfo::Table::read(&self.proc)?.swap(),
            HostPart::Pressure => pressure(&self.proc),
            HostPart::Load => load(&self.proc),
        }
    }

    fn memory(&mut self) -> Result<Observation, String> {
        let mut seen = meminfo::Table::read(&self.proc)?.memory()?;
        let largest = self.processes.as_mut().and_then(|all| all.largest(seen.verdict, Instant::now()));
        seen.facts.extend(largest.map(|words| ("largest_processes", Fact::Text(words))));
        Ok(seen)
    }

    async fn cpu(&mut self) -> Result<Observation, String> {
        let (before, since) = match self.before.take() {
            Some(sample) => sample,
            None => (CpuTimes::read(&self.proc)?, Instant::now()),
        };
        let shortest = if self.limits.is_some() { JUDGED_INTERVAL } else { SHORTEST_INTERVAL };
        if let Some(rest) = shortest.checked_sub(since.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        let (after, now) = (CpuTimes::read(&self.proc)?, Instant::now());
        let seen = busy(&before, &after, now.duration_since(since), self.limits);
        self.before = Some((after, now));
        seen
    }
}

/// The first line of `/proc/stat`, in clock ticks since boot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CpuTimes {
    total: u64,
    idle: u64,
    iowait: u64,
    steal: u64,
    cores: u64,
}

impl CpuTimes {
    fn read(proc: &Path) -> Result<Self, String> {
        Self::parse(&read(&proc.join("stat"))?)
    }

    /// `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guest time is part of user time already.
    fn parse(stat: &str) -> Result<Self, String> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or("/proc/stat has no cpu line")?;
        let ticks: Vec<u64> = line.split_whitespace().map_while(|figure| figure.parse().ok()).take(8).collect();
        let &[user, nice, system, idle, iowait, irq, softirq, steal] = ticks.as_slice() else {
            return Err("the cpu line of /proc/stat is too short".to_owned());
        };
        let total = [user, nice, system, idle, iowait, irq, softirq, steal].into_iter().fold(0, u64::saturating_add);
        let is_core = |line: &&str| {
            line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
        };
        let cores = stat.lines().filter(is_core).count() as u64;
        if cores == 0 {
            return Err("/proc/stat lists no core".to_owned());
        }
        Ok(Self { total, idle, iowait, steal, cores })
    }
}

/// The busy share between two samples; waiting for a disk is idle, time stolen by the hypervisor is busy.
///
/// What is watched again and again and what is read once are judged alike.
fn busy(
    before: &CpuTimes,
    after: &CpuTimes,
    interval: Duration,
    limits: Option<Limits>,
) -> Result<Observation, String> {
    let total = after.total.checked_sub(before.total).filter(|ticks| *ticks > 0);
    let total = total.ok_or("the counters of /proc/stat did not move forward")?;
    // The kernel may correct iowait downwards, so a difference below zero counts as none.
    let share = |earlier: u64, later: u64| ratio(later.saturating_sub(earlier).min(total), total);
    let waiting = share(before.iowait, after.iowait);
    let used = (1.0 - share(before.idle, after.idle) - waiting).clamp(0.0, 1.0);
    let mut facts = BTreeMap::from([
        ("busy_ratio", Fact::Real(used)),
        ("iowait_ratio", Fact::Real(waiting)),
        ("steal_ratio", Fact::Real(share(before.steal, after.steal))),
        ("interval_s", Fact::Real(interval.as_secs_f64())),
        ("cores", count(after.cores)),
    ]);
    facts.extend(limits.into_iter().flat_map(Limits::facts));
    let (verdict, over) = match limits {
        None => (Verdict::Ok, stated(interval)),
        Some(_) if interval < JUDGED_INTERVAL => {
            let needed = quantity::span(JUDGED_INTERVAL);
            (Verdict::Unknown, format!("{}: too short to judge, which needs {needed}", quantity::span(interval)))
        }
        Some(limits) => (limits.judge(used), stated(interval)),
    };
    let detail = format!("{} over {over}", quantity::percent(used));
    Ok(observation(verdict, detail, facts, Trend::of("busy_ratio")))
}

/// An interval as it is said: whole seconds from one second on, because a timer is always a little late.
fn stated(interval: Duration) -> String {
    let whole = if interval < Duration::from_millis(950) {
        interval
    } else {
        Duration::from_secs(interval.saturating_add(Duration::from_millis(500)).as_secs())
    };
    quantity::span(whole)
}

/// One file of `/proc/pressure`: shares of the last 10 s.
#[derive(Debug, PartialEq)]
struct Stall {
    /// At least one task waited.
    some: f64,
    /// Every task waited; the kernel has no such line for processors before Linux 5.13.
    full: Option<f64>,
}

impl Stall {
    fn parse(text: &str) -> Result<Self, String> {
        let line = |name: &str| text.lines().find(|line| line.split_whitespace().next() == Some(name));
        let average = |fields: &str| {
            let figure = fields.split_whitespace().find_map(|field| field.strip_prefix("avg10="));
            let figure = figure.and_then(|figure| figure.parse::<f64>().ok());
            figure.filter(|share| (0.0..=100.0).contains(share)).map(|share| share / 100.0).ok_or("has no avg10")
        };
        let some = average(line("some").ok_or("has no line some")?)?;
        let full = line("full").map(average).transpose()?;
        Ok(Self { some, full })
    }
}

/// The stalls of each resource that the kernel reports; none of them is [`not_available`], some of them are judged.
fn pressure(proc: &Path) -> Result<Observation, String> {
    let stall = |name: &str| -> Result<Option<Stall>, String> {
        let path = proc.join("pressure").join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Stall::parse(&text).map(Some).map_err(|cause| format!("{} {cause}", path.display())),
            Err(cause) if lacks(&cause) => Ok(None),
            Err(cause) => Err(format!("{}: {}", path.display(), system_text(cause))),
        }
    };
    let (cpu, memory, io) = (stall("cpu")?, stall("memory")?, stall("io")?);
    if cpu.is_none() && memory.is_none() && io.is_none() {
        // Without /proc/stat it is /proc that hides it (`subset=pid`, proc(5)), and the kernel may well have it.
        read(&proc.join("stat"))?;
        return Ok(not_available("this kernel does not report pressure"));
    }
    pressure_seen(cpu.as_ref(), memory.as_ref(), io.as_ref())
}

/// Whether the kernel was built without a file of `/proc`, or has its feature turned off (`psi=0`: EOPNOTSUPP).
fn lacks(cause: &Error) -> bool {
    let off = rustix::io::Errno::from_io_error(cause) == Some(rustix::io::Errno::OPNOTSUPP);
    off || matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::Unsupported)
}

/// A part that this kernel does not have: nothing is wrong with the host.
fn not_available(why: &str) -> Observation {
    let facts = BTreeMap::from([(NOT_AVAILABLE, Fact::Bool(true))]);
    let detail = format!("not available: {why}");
    Observation { verdict: Verdict::Ok, detail, facts, observed_at: clock::now().wall, trend: None }
}

/// Judged by memory stalls alone: a busy disk or processor delays work, a machine that only reclaims memory does none.
fn pressure_seen(cpu: Option<&Stall>, memory: Option<&Stall>, io: Option<&Stall>) -> Result<Observation, String> {
    let full = |stall: Option<&Stall>, name: &str| match stall {
        Some(stall) => stall.full.map(Some).ok_or(format!("/proc/pressure/{name} has no line full")),
        None => Ok(None),
    };
    let (memory_full, io_full) = (full(memory, "memory")?, full(io, "io")?);
    let some = |stall: Option<&Stall>| stall.map(|stall| stall.some);
    let shares = [
        ("cpu_some_ratio", some(cpu)),
        ("cpu_full_ratio", cpu.and_then(|stall| stall.full)),
        ("memory_some_ratio", some(memory)),
        ("memory_full_ratio", memory_full),
        ("io_some_ratio", some(io)),
        ("io_full_ratio", io_full),
    ];
    let mut facts = BTreeMap::from([("interval_s", Fact::Int(10))]);
    facts.extend(shares.into_iter().filter_map(|(name, share)| Some((name, Fact::Real(share?)))));
    let parts = [("cpu", some(cpu)), ("memory", some(memory)), ("io", some(io))];
    let words = parts.map(|(name, share)| match share {
        Some(share) => format!("{name} {}", quantity::percent(share)),
        None => format!("{name} not available"),
    });
    let detail = format!("{} over 10 s", words.join(" · "));
    let worst = parts.into_iter().filter_map(|(_, share)| share).fold(0.0, f64::max);
    facts.insert("some_ratio", Fact::Real(worst));
    let verdict = MEMORY_STALL_LIMITS.judge(memory_full.unwrap_or(0.0));
    Ok(observation(verdict, detail, facts, Trend::of("some_ratio")))
}

fn load(proc: &Path) -> Result<Observation, String> {
    load_seen(parse_load(&read(&proc.join("loadavg"))?)?, CpuTimes::read(proc)?.cores)
}

fn parse_load(text: &str) -> Result<[f64; 3], String> {
    let figures: Vec<f64> = text.split_whitespace().take(3).map_while(|figure| figure.parse().ok()).collect();
    match figures.as_slice() {
        &[one, five, fifteen] if figures.iter().all(|figure| figure.is_finite() && *figure >= 0.0) => {
            Ok([one, five, fifteen])
        }
        _ => Err("/proc/loadavg does not hold three averages".to_owned()),
    }
}

fn load_seen([one, five, fifteen]: [f64; 3], cores: u64) -> Result<Observation, String> {
    #[allow(clippy::cast_precision_loss)] // Fewer cores than 2^52.
    let all = cores as f64;
    let facts = BTreeMap::from([
        ("load_1", Fact::Real(one)),
        ("load_5", Fact::Real(five)),
        ("load_15", Fact::Real(fifteen)),
        ("cores", count(cores)),
        ("warn_load", Fact::Real(LOAD_LIMITS.warn * all)),
    ]);
    let detail = format!("{one:.2} {five:.2} {fifteen:.2} on {}", quantity::counted(cores, "core", "cores"));
    let share = five / all;
    Ok(observation(LOAD_LIMITS.judge(share), detail, facts, Trend::of("load_1")))
}

fn observation(verdict: Verdict, detail: String, facts: BTreeMap<&'static str, Fact>, trend: Trend) -> Observation {
    Observation { verdict, detail, facts, observed_at: clock::now().wall, trend: Some(trend) }
}

/// A share of a whole that is not zero.
#[allow(clippy::cast_precision_loss)] // Shares for people.
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn count(number: u64) -> Fact {
    Fact::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|cause| format!("{}: {}", path.display(), system_text(cause)))
}

#[cfg(test)]
mod tests;
