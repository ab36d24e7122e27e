//! What is killed: the processes of a run by their parts in it.

use crate::runner::chance::Chance;
use crate::support::estate::{Estate, kill};
use std::fs;

/// A part in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Runner,
    Shim,
    Act,
    Child,
    Client,
}

/// What one blow kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    Runner,
    Shim,
    Act,
    Child,
    Client,
    RunnerShim,
    RunnerShimAct,
    All,
}

impl Blow {
    pub const EVERY: [Self; 8] = [
        Self::Runner,
        Self::Shim,
        Self::Act,
        Self::Child,
        Self::Client,
        Self::RunnerShim,
        Self::RunnerShimAct,
        Self::All,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Shim => "shim",
            Self::Act => "act",
            Self::Child => "child",
            Self::Client => "client",
            Self::RunnerShim => "runner+shim",
            Self::RunnerShimAct => "runner+shim+act",
            Self::All => "all",
        }
    }

    /// The parts that it needs to find, and kills.
    fn parts(self) -> &'static [Part] {
        match self {
            Self::Runner => &[Part::Runner],
            Self::Shim => &[Part::Shim],
            Self::Act => &[Part::Act],
            Self::Child => &[Part::Child],
            Self::Client => &[Part::Client],
            Self::RunnerShim => &[Part::Runner, Part::Shim],
            Self::RunnerShimAct => &[Part::Runner, Part::Shim, Part::Act],
            Self::All => &[Part::Runner],
        }
    }

    pub fn any(chance: &mut Chance) -> Self {
        Self::EVERY[chance.below(Self::EVERY.len() as u64) as usize]
    }

    /// Whether everything that it needs is there.
    pub fn is_possible(self, estate: &Estate, client: Option<u32>) -> bool {
        self.finds(&processes(estate, client))
    }

    fn finds(self, found: &[(u32, Part)]) -> bool {
        self.parts().iter().all(|part| found.iter().any(|(_, has)| has == part))
    }

    /// Strikes once everything that it needs is there; gives how many processes were killed.
    pub fn strike(self, estate: &Estate, client: Option<u32>) -> Option<u32> {
        let found = processes(estate, client);
        if !self.finds(&found) {
            return None;
        }
        let meant = found.iter().filter(|(_, part)| self == Self::All || self.parts().contains(part));
        let pids: Vec<u32> = meant.map(|(pid, _)| *pid).collect();
        pids.iter().copied().for_each(kill);
        u32::try_from(pids.len()).ok()
    }
}

/// The processes of an estate with their parts; what proves counts as an act.
pub fn processes(estate: &Estate, client: Option<u32>) -> Vec<(u32, Part)> {
    let ours = estate.processes();
    let shims: Vec<u32> = ours.iter().filter(|one| one.line.contains(" __shim")).map(|one| one.pid).collect();
    let part = |pid: u32, line: &str| {
        if line.contains(" __runner ") {
            Part::Runner
        } else if line.contains(" __shim") {
            Part::Shim
        } else if Some(pid) == client || line.contains("midwatch") && !line.contains(" __") {
            Part::Client
        } else if parent(pid).is_some_and(|parent| shims.contains(&parent)) {
            Part::Act
        } else {
            Part::Child
        }
    };
    ours.iter().map(|one| (one.pid, part(one.pid, &one.line))).collect()
}

/// The living processes that carry the mark of an attempt; what only proves is none.
pub fn living(run: &str, attempt: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let marked = |pid: &u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let variables: Vec<_> = environ.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let has = |wanted: &str| variables.iter().any(|variable| variable == wanted);
        has(&format!("MIDWATCH_ATTEMPT={run}.{attempt}"))
            || has(&format!("MIDWATCH_RUN={run}")) && has(&format!("MIDWATCH_ATTEMPT={attempt}"))
    };
    pids.filter(marked).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
