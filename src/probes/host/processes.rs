//! Which processes hold the most memory, so that a full machine has a name beside its figure.

use crate::domain::{Verdict, quantity};
use std::time::{Duration, Instant};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// How many processes are named.
const NAMED: usize = 3;
/// How long names are kept while memory is ok: reading every process costs more than all other figures of the host.
const KEPT: Duration = Duration::from_secs(60);

/// The processes of this machine, as far as this account may see them.
pub(super) struct Processes {
    system: System,
    named: Named,
}

impl Processes {
    /// Nothing is read yet; `None` where the machine does not list its processes.
    pub(super) fn new() -> Option<Self> {
        Some(Self { system: System::new().ok()?, named: Named::default() })
    }

    /// The largest by resident memory (RSS), by their names alone: `postgres 1.2 GiB · java 800 MiB`. A command line may hold a secret.
    ///
    /// They are read again after [`KEPT`], and at every reading while memory is short.
    pub(super) fn largest(&mut self, memory: Verdict, now: Instant) -> Option<String> {
        let system = &mut self.system;
        self.named.at(memory, now, || {
            let what = ProcessRefreshKind::nothing().with_memory();
            system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
            let each = system.processes().values();
            in_words(each.map(|process| (process.name().to_string_lossy().into_owned(), process.memory())).collect())
        })
    }
}

/// What was named last, and when.
#[derive(Default)]
struct Named(Option<(Instant, Option<String>)>);

impl Named {
    /// The names of now; `read` gives them where those before are too old.
    fn at(&mut self, memory: Verdict, now: Instant, read: impl FnOnce() -> Option<String>) -> Option<String> {
        let is_fresh = |at: &Instant| memory == Verdict::Ok && now.saturating_duration_since(*at) < KEPT;
        if let Some((_, words)) = self.0.as_ref().filter(|(at, _)| is_fresh(at)) {
            return words.clone();
        }
        let words = read();
        self.0 = Some((now, words.clone()));
        words
    }
}

/// The largest first; kernel threads hold none.
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
        let words = Processes::new().unwrap().largest(Verdict::Ok, Instant::now()).unwrap();
        assert_eq!(words.split(" · ").count(), NAMED, "{words}");
    }

    #[test]
    fn names_are_kept_for_a_minute_and_read_each_time_while_memory_is_short() {
        let mut named = Named::default();
        let start = Instant::now();
        let mut at = |memory, seconds, words: &str| {
            named.at(memory, start + Duration::from_secs(seconds), || Some(words.to_owned())).unwrap()
        };
        assert_eq!(at(Verdict::Ok, 0, "java"), "java");
        assert_eq!(at(Verdict::Ok, 59, "node"), "java");
        assert_eq!(at(Verdict::Ok, 60, "node"), "node");
        assert_eq!(at(Verdict::Warn, 61, "ruby"), "ruby");
    }
}
