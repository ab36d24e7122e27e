//! This machine: processors, memory, swap, pressure and load, from `/proc` (`proc(5)`).
//!
//! A figure that is not there is an error and never a zero.

use crate::config::estate::Limits;
use crate::domain::error::said;
use crate::domain::{Fact, Observation, Trend, Verdict, quantity};
use crate::probes::clock;
use crate::probes::target::HostPart;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use sysinfo::System;

/// The busy share that warns; a busy processor alone is never critical.
const CPU_LIMITS: Limits = Limits { warn: 0.9, critical: f64::INFINITY };
/// A shorter interval than this is shown but not judged: a burst, perhaps of our own start, is no trouble.
const JUDGED_INTERVAL: Duration = Duration::from_secs(4);
/// The share of memory that is not available.
const MEMORY_LIMITS: Limits = Limits { warn: 0.9, critical: 0.95 };
/// The used share of swap; full swap alone is never critical.
const SWAP_LIMITS: Limits = Limits { warn: 0.8, critical: f64::INFINITY };
/// The five-minute load for each core that warns.
const LOAD_LIMITS: Limits = Limits { warn: 2.0, critical: f64::INFINITY };
/// Memory stalls of every task at once: the machine is thrashing.
const MEMORY_STALL_LIMITS: Limits = Limits { warn: 0.1, critical: 0.3 };
/// The shortest interval over which a busy share says something; also that of the first reading.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(500);

/// Reads one part of the host again and again.
pub struct HostReader {
    part: HostPart,
    before: Option<(CpuTimes, Instant)>,
}

impl HostReader {
    /// A reader that has not read anything yet.
    #[must_use]
    pub fn new(part: HostPart) -> Self {
        Self { part, before: None }
    }

    /// Reads it now; the busy share of the processors covers the time since the last reading.
    ///
    /// # Errors
    /// Why there is no reading.
    pub async fn read(&mut self) -> Result<Observation, String> {
        match self.part {
            HostPart::Cpu => self.cpu().await,
            HostPart::Memory => memory(),
            HostPart::Swap => swap(),
            HostPart::Pressure => pressure(),
            HostPart::Load => load(),
        }
    }

    async fn cpu(&mut self) -> Result<Observation, String> {
        let (before, since) = match self.before.take() {
            Some(sample) => sample,
            None => (CpuTimes::read()?, Instant::now()),
        };
        if let Some(rest) = SHORTEST_INTERVAL.checked_sub(since.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        let (after, now) = (CpuTimes::read()?, Instant::now());
        let seen = busy(&before, &after, now.duration_since(since));
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
    fn read() -> Result<Self, String> {
        Self::parse(&read("/proc/stat")?)
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
fn busy(before: &CpuTimes, after: &CpuTimes, interval: Duration) -> Result<Observation, String> {
    let total = after.total.checked_sub(before.total).filter(|ticks| *ticks > 0);
    let total = total.ok_or("the counters of /proc/stat did not move forward")?;
    // The kernel may correct iowait downwards, so a difference below zero counts as none.
    let share = |earlier: u64, later: u64| ratio(later.saturating_sub(earlier).min(total), total);
    let waiting = share(before.iowait, after.iowait);
    let used = (1.0 - share(before.idle, after.idle) - waiting).clamp(0.0, 1.0);
    let facts = BTreeMap::from([
        ("busy_ratio", Fact::Real(used)),
        ("iowait_ratio", Fact::Real(waiting)),
        ("steal_ratio", Fact::Real(share(before.steal, after.steal))),
        ("interval_s", Fact::Real(interval.as_secs_f64())),
        ("cores", count(after.cores)),
    ]);
    let detail = format!("{} over {}", quantity::percent(used), stated(interval));
    let verdict = if interval < JUDGED_INTERVAL { Verdict::Ok } else { CPU_LIMITS.judge(used) };
    Ok(observation(verdict, detail, facts, Trend::ratio("busy_ratio")))
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

/// Memory and swap as the kernel tells them; a table without a total is an error.
fn memory_table() -> Result<System, String> {
    let mut system = System::new().map_err(|cause| format!("/proc/meminfo: {}", said(cause)))?;
    system.refresh_memory();
    if system.total_memory() == 0 {
        return Err("/proc/meminfo tells no total".to_owned());
    }
    Ok(system)
}

fn memory() -> Result<Observation, String> {
    let system = memory_table()?;
    Ok(memory_seen(system.total_memory(), system.available_memory()))
}

fn memory_seen(total: u64, available: u64) -> Observation {
    let used = 1.0 - ratio(available, total);
    let facts = BTreeMap::from([
        ("total_bytes", count(total)),
        ("available_bytes", count(available)),
        ("used_ratio", Fact::Real(used)),
    ]);
    let detail = format!("{} · {} available", quantity::percent(used), quantity::bytes(available));
    observation(MEMORY_LIMITS.judge(used), detail, facts, Trend::ratio("used_ratio"))
}

fn swap() -> Result<Observation, String> {
    let system = memory_table()?;
    Ok(swap_seen(system.total_swap(), system.total_swap().saturating_sub(system.free_swap())))
}

/// A machine without swap is as it was made: fine, and said so.
fn swap_seen(total: u64, used: u64) -> Observation {
    let share = if total == 0 { 0.0 } else { ratio(used, total) };
    let facts =
        BTreeMap::from([("total_bytes", count(total)), ("used_bytes", count(used)), ("used_ratio", Fact::Real(share))]);
    let detail = if total == 0 {
        "none".to_owned()
    } else {
        format!("{} of {}", quantity::percent(share), quantity::bytes(total))
    };
    observation(SWAP_LIMITS.judge(share), detail, facts, Trend::ratio("used_ratio"))
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

fn pressure() -> Result<Observation, String> {
    let stall = |name: &str| {
        let path = format!("/proc/pressure/{name}");
        let text = fs::read_to_string(&path).map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => "this kernel does not report pressure".to_owned(),
            ErrorKind::Unsupported => "pressure is turned off in this kernel (psi=0)".to_owned(),
            _ => format!("{path}: {}", said(cause)),
        })?;
        Stall::parse(&text).map_err(|cause| format!("{path} {}", said(cause)))
    };
    pressure_seen(&stall("cpu")?, &stall("memory")?, &stall("io")?)
}

/// Judged by memory stalls alone: a busy disk or processor delays work, a machine that only reclaims memory does none.
fn pressure_seen(cpu: &Stall, memory: &Stall, io: &Stall) -> Result<Observation, String> {
    let full = |stall: &Stall, name: &str| stall.full.ok_or(format!("/proc/pressure/{name} has no line full"));
    let (memory_full, io_full) = (full(memory, "memory")?, full(io, "io")?);
    let mut facts = BTreeMap::from([
        ("cpu_some_ratio", Fact::Real(cpu.some)),
        ("memory_some_ratio", Fact::Real(memory.some)),
        ("memory_full_ratio", Fact::Real(memory_full)),
        ("io_some_ratio", Fact::Real(io.some)),
        ("io_full_ratio", Fact::Real(io_full)),
        ("interval_s", Fact::Int(10)),
    ]);
    if let Some(full) = cpu.full {
        facts.insert("cpu_full_ratio", Fact::Real(full));
    }
    let said = |stall: &Stall| quantity::percent(stall.some);
    let detail = format!("cpu {} · memory {} · io {} over 10 s", said(cpu), said(memory), said(io));
    facts.insert("some_ratio", Fact::Real(cpu.some.max(memory.some).max(io.some)));
    Ok(observation(MEMORY_STALL_LIMITS.judge(memory_full), detail, facts, Trend::ratio("some_ratio")))
}

fn load() -> Result<Observation, String> {
    load_seen(parse_load(&read("/proc/loadavg")?)?, CpuTimes::read()?.cores)
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
    let facts = BTreeMap::from([
        ("load_1", Fact::Real(one)),
        ("load_5", Fact::Real(five)),
        ("load_15", Fact::Real(fifteen)),
        ("cores", count(cores)),
    ]);
    let detail = format!("{one:.2} {five:.2} {fifteen:.2} on {}", quantity::counted(cores, "core", "cores"));
    #[allow(clippy::cast_precision_loss)] // Fewer cores than 2^52.
    let share = five / cores as f64;
    Ok(observation(LOAD_LIMITS.judge(share), detail, facts, Trend::number("load_1")))
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

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|cause| format!("{path}: {}", said(cause)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 50 0 25 400 25 0 0 0 0 0\ncpu1 50 0 25 400 25 0 0 0 0 0\nintr 1\n";

    fn real(seen: &Observation, key: &str) -> f64 {
        match seen.facts.get(key) {
            Some(Fact::Real(figure)) => *figure,
            other => panic!("{key}: {other:?}"),
        }
    }

    #[test]
    fn the_busy_share_is_that_of_the_interval() {
        let before = CpuTimes::parse(STAT).unwrap();
        assert_eq!((before.total, before.idle, before.cores), (1000, 800, 2));
        let after = CpuTimes::parse("cpu 130 0 60 850 60 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1\n").unwrap();
        let seen = busy(&before, &after, Duration::from_millis(5003)).unwrap();
        assert!((real(&seen, "busy_ratio") - 0.4).abs() < 1e-9);
        assert!((real(&seen, "iowait_ratio") - 0.1).abs() < 1e-9);
        assert_eq!((seen.detail.as_str(), seen.verdict), ("40 % over 5 s", Verdict::Ok));
        let after_busy = CpuTimes { total: 1100, ..before.clone() };
        assert_eq!(busy(&before, &after_busy, Duration::from_secs(5)).unwrap().verdict, Verdict::Warn);
        assert_eq!(busy(&before, &after_busy, Duration::from_millis(500)).unwrap().verdict, Verdict::Ok);
        assert!(busy(&after, &before, Duration::from_secs(5)).is_err());
        assert!(busy(&after, &after, Duration::from_secs(5)).is_err(), "no time passed");
    }

    #[test]
    fn intervals_are_said_as_they_were_meant() {
        assert_eq!(stated(Duration::from_millis(4996)), "5 s");
        assert_eq!(stated(Duration::from_millis(501)), "501 ms");
        assert_eq!(stated(Duration::from_millis(990)), "1 s");
    }

    #[test]
    fn missing_figures_are_errors_and_never_zero() {
        for bad in
            ["", "cpu\n", "cpu 1 2 3\ncpu0 1\n", "cpu 1 2 3 x 5 6 7 8\ncpu0 1\n", "cpu 1 2 3 4 5 6 7 8\nintr 1\n"]
        {
            assert!(CpuTimes::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "0.1 0.2", "0.1 x 0.3 1/2 3", "nan 1 1", "-1 0 0"] {
            assert!(parse_load(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "full avg10=0.00", "some avg60=1.00", "some avg10=x", "some avg10=101", "some avg10=1\nfull"] {
            assert!(Stall::parse(bad).is_err(), "{bad:?}");
        }
        let (some, none) = (Stall { some: 0.0, full: Some(0.0) }, Stall { some: 0.0, full: None });
        assert!(pressure_seen(&none, &some, &some).is_ok(), "processors had no line full before Linux 5.13");
        assert!(pressure_seen(&some, &none, &some).is_err());
        assert!(pressure_seen(&some, &some, &none).is_err());
    }

    #[test]
    fn pressure_is_judged_by_memory_stalls() {
        let text = "some avg10=4.50 avg60=1.85 avg300=0.63 total=6\nfull avg10=4.42 avg60=1.80 avg300=0.61 total=5\n";
        let io = Stall::parse(text).unwrap();
        assert!((io.some - 0.045).abs() < 1e-9 && (io.full.unwrap() - 0.0442).abs() < 1e-9);
        let calm = Stall { some: 0.0, full: Some(0.0) };
        let seen = pressure_seen(&calm, &calm, &io).unwrap();
        assert_eq!((seen.detail.as_str(), seen.verdict), ("cpu 0 % · memory 0 % · io 4 % over 10 s", Verdict::Ok));
        let thrashing = Stall { some: 0.6, full: Some(0.3) };
        assert_eq!(pressure_seen(&calm, &thrashing, &io).unwrap().verdict, Verdict::Critical);
    }

    #[test]
    fn memory_goes_by_what_is_available_and_no_swap_is_no_fault() {
        let gib = 1 << 30;
        let seen = memory_seen(16 * gib, 4 * gib);
        assert_eq!((seen.detail.as_str(), seen.verdict), ("75 % · 4.0 GiB available", Verdict::Ok));
        assert_eq!(memory_seen(16 * gib, gib).verdict, Verdict::Warn);
        assert_eq!(memory_seen(100 * gib, 5 * gib).verdict, Verdict::Critical);
        assert_eq!((swap_seen(0, 0).detail.as_str(), swap_seen(0, 0).verdict), ("none", Verdict::Ok));
        assert_eq!(swap_seen(10 * gib, 8 * gib).verdict, Verdict::Warn);
    }

    #[test]
    fn load_is_judged_against_the_cores() {
        let seen = load_seen(parse_load("0.14 0.09 0.10 2/103 10849\n").unwrap(), 2).unwrap();
        assert_eq!((seen.detail.as_str(), seen.verdict), ("0.14 0.09 0.10 on 2 cores", Verdict::Ok));
        assert_eq!(load_seen([0.0, 4.0, 0.0], 2).unwrap().verdict, Verdict::Warn);
        assert_eq!(load_seen([0.0, 4.0, 0.0], 4).unwrap().verdict, Verdict::Ok);
    }

    #[tokio::test]
    async fn this_machine_can_be_read() {
        for part in [HostPart::Memory, HostPart::Swap, HostPart::Load] {
            HostReader::new(part).read().await.unwrap();
        }
        let mut reader = HostReader::new(HostPart::Cpu);
        let seen = reader.read().await.unwrap();
        assert!((0.0..=1.0).contains(&real(&seen, "busy_ratio")));
        assert!(real(&seen, "interval_s") >= 0.5);
        assert!(
            real(&reader.read().await.unwrap(), "interval_s") >= 0.5,
            "two readings at once still cover an interval"
        );
        let seen = HostReader::new(HostPart::Pressure).read().await;
        assert_eq!(seen.is_ok(), fs::read_to_string("/proc/pressure/io").is_ok(), "{seen:?}");
    }
}
