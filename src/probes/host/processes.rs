//! Which processes hold the most memory, so that a full machine has a name beside its figure.

use crate::domain::quantity;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// How many processes are named.
const NAMED: usize = 3;

/// The processes of this machine, as far as this account may see them.
pub(super) struct Processes(System);

impl Processes {
    /// Nothing is read yet; `None` where the machine does not list its processes.
    pub(super) fn new() -> Option<Self> {
        System::new().ok().map(Self)
    }

    /// The largest by resident memory (RSS), by their names alone: `postgres 1.2 GiB · java 800 MiB`. A command line may hold a secret.
    pub(super) fn largest(&mut self) -> Option<String> {
        let what = ProcessRefreshKind::nothing().with_memory();
        self.0.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let each = self.0.processes().values();
        in_words(each.map(|process| (process.name().to_string_lossy().into_owned(), process.memory())).collect())
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
        let words = Processes::new().unwrap().largest().unwrap();
        assert_eq!(words.split(" · ").count(), NAMED, "{words}");
    }
}
