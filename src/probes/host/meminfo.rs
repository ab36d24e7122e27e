//! Memory and swap, from `/proc/meminfo` (`proc_meminfo(5)`).

use crate::config::estate::Limits;
use crate::domain::{Fact, Observation, Trend, Verdict, quantity};
use crate::probes::host::{count, not_available, observation, ratio, read};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The share of memory that is not available.
const MEMORY_LIMITS: Limits = Limits { warn: 0.9, critical: 0.95 };
/// The used share of swap; full swap alone is never critical.
const SWAP_LIMITS: Limits = Limits { warn: 0.8, critical: f64::INFINITY };

/// The fields of the table, in bytes.
pub(super) struct Table(HashMap<String, u64>);

impl Table {
    pub(super) fn read(proc: &Path) -> Result<Self, String> {
        let table = Self::parse(&read(&proc.join("meminfo"))?);
        if table.field("MemTotal").is_some_and(|total| total > 0) {
            Ok(table)
        } else {
            Err("/proc/meminfo tells no total".to_owned())
        }
    }

    /// `MemTotal:       16384 kB`; what is no figure is left out.
    fn parse(text: &str) -> Self {
        let field = |line: &str| {
            let (name, rest) = line.split_once(':')?;
            let mut words = rest.split_whitespace();
            let figure: u64 = words.next()?.parse().ok()?;
            let unit = if words.next() == Some("kB") { 1024 } else { 1 };
            Some((name.to_owned(), figure.saturating_mul(unit)))
        };
        Self(text.lines().filter_map(field).collect())
    }

    fn field(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    pub(super) fn memory(&self) -> Result<Observation, String> {
        let total = self.field("MemTotal").unwrap_or_default();
        let available = self.available(total).ok_or("/proc/meminfo does not tell how much memory is available")?;
        let used = 1.0 - ratio(available, total);
        let mut facts = BTreeMap::from([
            ("total_bytes", count(total)),
            ("available_bytes", count(available)),
            ("used_ratio", Fact::Real(used)),
        ]);
        facts.extend(MEMORY_LIMITS.facts());
        let detail = format!("{} · {} available", quantity::used(used), quantity::bytes(available));
        Ok(observation(MEMORY_LIMITS.judge(used), detail, facts, Trend::of("used_ratio")))
    }

    /// What programs can still have: `MemAvailable`, where it is there (Linux 3.14) and no more than there is.
    ///
    /// Some versions of lxcfs give the container's `MemTotal` beside the host's `MemAvailable`. Then, and on older kernels, it is
    /// what is free and what is cached, as free(1) had it: `Shmem` is part of `Cached` and cannot be given back.
    fn available(&self, total: u64) -> Option<u64> {
        let caches = ["Buffers", "Cached", "SReclaimable"].into_iter().filter_map(|name| self.field(name));
        let estimate = || {
            let all = caches.fold(self.field("MemFree")?, u64::saturating_add);
            Some(all.saturating_sub(self.field("Shmem").unwrap_or_default()))
        };
        let within = |bytes: &u64| *bytes <= total;
        self.field("MemAvailable").filter(within).or_else(|| estimate().filter(within))
    }

    /// A machine without swap is as it was made: fine, and said so.
    pub(super) fn swap(&self) -> Result<Observation, String> {
        let (total, free) = match (self.field("SwapTotal"), self.field("SwapFree")) {
            (None, None) => return Ok(not_available("this kernel has no swap")),
            (Some(total), Some(free)) => (total, free),
            (Some(0), None) => (0, 0),
            _ => return Err("/proc/meminfo tells only half of swap".to_owned()),
        };
        let used = total.saturating_sub(free);
        let share = if total == 0 { 0.0 } else { ratio(used, total) };
        let mut facts = BTreeMap::from([
            ("total_bytes", count(total)),
            ("used_bytes", count(used)),
            ("used_ratio", Fact::Real(share)),
        ]);
        facts.extend(SWAP_LIMITS.facts().filter(|_| total > 0));
        let detail = if total == 0 {
            "none".to_owned()
        } else {
            format!("{} of {}", quantity::used(share), quantity::bytes(total))
        };
        let verdict = if total == 0 { Verdict::Ok } else { SWAP_LIMITS.judge(share) };
        Ok(observation(verdict, detail, facts, Trend::of("used_ratio")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::parse(text)
    }

    #[test]
    fn memory_goes_by_what_is_available_and_no_swap_is_no_fault() {
        let gib = |total: u32, available: u32| {
            table(&format!("MemTotal: {} kB\nMemAvailable: {} kB\n", total << 20, available << 20)).memory().unwrap()
        };
        let seen = gib(16, 4);
        assert_eq!((seen.detail.as_str(), seen.verdict), ("75 % · 4.0 GiB available", Verdict::Ok));
        assert_eq!(gib(16, 1).verdict, Verdict::Warn);
        assert_eq!(gib(100, 5).verdict, Verdict::Critical);
        let none = table("SwapTotal: 0 kB\nSwapFree: 0 kB\n").swap().unwrap();
        assert_eq!((none.detail.as_str(), none.verdict), ("none", Verdict::Ok));
        assert_eq!(table("SwapTotal: 10 kB\nSwapFree: 2 kB\n").swap().unwrap().verdict, Verdict::Warn);
        assert!(table("SwapTotal: 10 kB\n").swap().is_err(), "a figure that is missing is no zero");
        assert!(table("").swap().unwrap().detail.starts_with("not available"));
    }

    #[test]
    fn more_than_there_is_is_never_available() {
        let lxc =
            "MemTotal: 1000 kB\nMemFree: 300 kB\nMemAvailable: 2000 kB\nBuffers: 0 kB\nCached: 200 kB\nShmem: 100 kB\n";
        let seen = table(lxc).memory().unwrap();
        assert_eq!((seen.detail.as_str(), seen.verdict), ("60 % · 400 KiB available", Verdict::Ok));
        let old = "MemTotal: 1000 kB\nMemFree: 20 kB\nBuffers: 10 kB\nCached: 10 kB\n";
        assert_eq!(table(old).memory().unwrap().verdict, Verdict::Critical, "before Linux 3.14");
        assert!(table("MemTotal: 10 kB\nMemAvailable: 20 kB\nMemFree: 30 kB\n").memory().is_err());
        assert!(table("MemTotal: 10 kB\nMemAvailable: 20 kB\n").memory().is_err());
    }
}
