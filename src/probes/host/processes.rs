//! Which processes hold the most memory, so that a full machine has a name beside its figure.

use crate::domain::{Verdict, quantity};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many processes are named.
const NAMED: usize = 3;
/// How long names are kept while memory is ok: reading every process costs more than all other figures of the host.
const KEPT: Duration = Duration::from_secs(60);

/// The processes of this machine, as far as this account may see them.
#[derive(Default)]
pub(super) struct Processes {
    named: Option<(Instant, Option<String>)>,
}

impl Processes {
    /// The largest by resident memory (RSS), by their names alone: `postgres 1.2 GiB · java 800 MiB`. A command line may hold a secret.
    ///
    /// They are read again after [`KEPT`], and at every reading while memory is short.
    pub(super) fn largest(&mut self, proc: &Path, memory: Verdict, now: Instant) -> Option<String> {
        let fresh = |at: &Instant| memory == Verdict::Ok && now.saturating_duration_since(*at) < KEPT;
        if let Some((_, words)) = self.named.as_ref().filter(|(at, _)| fresh(at)) {
            return words.clone();
        }
        let words = in_words(all(proc));
        self.named = Some((now, words.clone()));
        words
    }
}

/// Each process with its resident memory in bytes; one that ends meanwhile is left out.
fn all(proc: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(proc) else { return Vec::new() };
    let numbered = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let processes = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(numbered));
    processes.filter_map(|entry| parse(&fs::read_to_string(entry.path().join("status")).ok()?)).collect()
}

/// `Name` and `VmRSS` of `/proc/PID/status` (proc(5)); kernel threads have no such memory.
fn parse(status: &str) -> Option<(String, u64)> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib: u64 = field("VmRSS")?.split_whitespace().next()?.parse().ok()?;
    Some((field("Name")?.trim().to_owned(), kib.saturating_mul(1024)))
}

/// The largest first.
fn in_words(mut processes: Vec<(String, u64)>) -> Option<String> {
    processes.retain(|(_, bytes)| *bytes > 0);
    processes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    processes.truncate(NAMED);
    let named: Vec<String> =
        processes.into_iter().map(|(name, bytes)| format!("{name} {}", quantity::bytes(bytes))).collect();
    (!named.is_empty()).then(|| named.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_named_first() {
        let some = [("bash", 4 << 20), ("kthreadd", 0), ("postgres", 3 << 30), ("java", 1 << 30), ("node", 900 << 20)];
        let all = some.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec();
        assert_eq!(in_words(all).unwrap(), "postgres 3.0 GiB · java 1.0 GiB · node 900 MiB");
        assert_eq!(in_words(vec![("kthreadd".to_owned(), 0)]), None);
    }

    #[test]
    fn this_machine_has_processes_that_hold_memory() {
        let words = Processes::default().largest(Path::new("/proc"), Verdict::Ok, Instant::now()).unwrap();
        assert_eq!(words.split(" · ").count(), NAMED, "{words}");
    }

    #[test]
    fn names_are_kept_for_a_minute_and_read_each_time_while_memory_is_short() {
        let proc = tempfile::tempdir().unwrap();
        let has = |pid: &str, name: &str| {
            fs::create_dir_all(proc.path().join(pid)).unwrap();
            let status = format!("Name:\t{name}\nUmask:\t0022\nVmHWM:\t 9999 kB\nVmRSS:\t    2048 kB\n");
            fs::write(proc.path().join(pid).join("status"), status).unwrap();
        };
        has("12", "java");
        has("fs", "no process");
        let mut processes = Processes::default();
        let start = Instant::now();
        let mut named =
            |memory, seconds| processes.largest(proc.path(), memory, start + Duration::from_secs(seconds)).unwrap();
        assert_eq!(named(Verdict::Ok, 0), "java 2.0 MiB");
        has("12", "node");
        assert_eq!(named(Verdict::Ok, 59), "java 2.0 MiB");
        assert_eq!(named(Verdict::Ok, 60), "node 2.0 MiB");
        has("12", "ruby");
        assert_eq!(named(Verdict::Warn, 61), "ruby 2.0 MiB");
    }
}
