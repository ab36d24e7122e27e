//! Which runs there are.

use crate::config::patience::{Reading, at};
use crate::config::plain;
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::{Error, Order, RunId, RunStatus, Wall};
use crate::journal::LARGEST_JOURNAL;
use crate::journal::append::JOURNAL;
use crate::journal::chain::{Verdict, Walk};
use crate::journal::fold::RunView;
use crate::journal::record::{Caveats, WentBack};
use crate::journal::witness::{Beside, never_began};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The directory of all runs below the state directory.
pub const RUNS: &str = "runs";

/// A run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// The procedure's id; empty where its journal cannot be read.
    pub procedure: String,
    /// Its title.
    pub title: String,
    /// The parameters, as shown.
    pub params: BTreeMap<String, String>,
    /// Whether it is a checklist; one that cannot be read counts as none.
    pub order: Order,
    /// Its status.
    pub status: RunStatus,
    /// What became of its rollback; none where it was not rolled back.
    pub went_back: Option<WentBack>,
    /// What its `ok` does not rest on.
    pub caveats: Caveats,
    /// When it started.
    pub started: Wall,
    /// When it was sealed.
    pub ended: Option<Wall>,
    /// Who started it.
    pub starter: String,
    /// How many steps are over, of how many.
    pub progress: (u32, u32),
    /// Whether break-glass was used in it.
    pub used_break_glass: bool,
    /// Why it cannot be read, when it cannot.
    pub damage: Option<String>,
    /// Whether it was an emergency, outside its window.
    pub emergency: bool,
}

/// The directory of a run below a state directory.
#[must_use]
pub fn run_dir(state: &Path, run: &RunId) -> PathBuf {
    state.join(RUNS).join(run.as_str())
}

/// A journal that was walked without keeping its records.
#[derive(Clone, Debug)]
pub struct Walked {
    /// The run as far as its records chain; `None` when there is none.
    pub view: Option<RunView>,
    /// How many bytes chain.
    pub good_bytes: u64,
    /// What the whole is worth.
    pub verdict: Verdict,
}

/// Walks a journal from its beginning to its end, in constant memory beside the fold.
///
/// # Errors
/// When it cannot be read, of kind `Damaged` where it is no file; that it does not chain is its verdict, not an error.
pub fn walk_file(path: &Path) -> Result<Walked> {
    let failed = |cause| plain::unreadable(path, &cause);
    let file = plain::open_bounded(path, LARGEST_JOURNAL).map_err(failed)?;
    let mut walk = Walk::default();
    let input = BufReader::with_capacity(256 << 10, Reading::of(path, file));
    let (good_bytes, verdict) = walk.all(input, drop).map_err(failed)?;
    Ok(Walked { view: walk.into_view(), good_bytes, verdict })
}

/// The runs that were sealed and whole when they were read, with the length of their journals and when those were changed: one that is
/// as it was is not walked again.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<RunId, (u64, SystemTime, RunSummary)>);

impl Known {
    /// One run, read again only where it may have changed.
    fn summary(&mut self, dir: &Path, id: RunId, lives: impl Fn(&RunId) -> bool) -> RunSummary {
        let path = dir.join(id.as_str()).join(JOURNAL);
        let stamp = at(&path, || path.metadata()).ok();
        let stamp = stamp.and_then(|found| Some((found.len(), found.modified().ok()?)));
        if let (Some((bytes, changed)), Some((own, at, run))) = (stamp, self.0.get(&id))
            && (bytes, changed) == (*own, *at)
        {
            return run.clone();
        }
        let run = summary(dir, id.clone(), lives);
        match stamp {
            Some((bytes, changed)) if run.status.is_over() && run.damage.is_none() => {
                self.0.insert(id, (bytes, changed, run.clone()));
            }
            _ => {
                self.0.remove(&id);
            }
        }
        run
    }
}

/// Every run below a state directory, the newest first; `lives` is whether a run's runner lives.
///
/// A run whose journal is damaged or missing is in the list, with the reason. What is not named like a run is skipped.
///
/// # Errors
/// When the directory of runs is there and cannot be read.
pub fn runs(state: &Path, lives: impl Fn(&RunId) -> bool) -> Result<Vec<RunSummary>> {
    runs_again(state, &mut Known::default(), lives)
}

/// The same for who lists them again and again.
///
/// # Errors
/// As [`runs`].
pub fn runs_again(state: &Path, known: &mut Known, lives: impl Fn(&RunId) -> bool) -> Result<Vec<RunSummary>> {
    let dir = state.join(RUNS);
    let failed = |cause: std::io::Error| Error::machine(format_args!("list the runs in {}", dir.display()), cause);
    let entries = match at(&dir, || dir.read_dir().map(Iterator::collect::<Vec<_>>)) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(cause)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| RunId::parse(name).filter(|id| id.as_str() == name));
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        ids.extend(id.filter(|_| is_dir));
    }
    ids.sort_unstable();
    known.0.retain(|id, _| ids.binary_search(id).is_ok());
    Ok(ids.into_iter().rev().map(|id| known.summary(&dir, id, &lives)).collect())
}

/// A run of which nothing can be read but its id.
fn unreadable(id: RunId, damage: Option<String>) -> RunSummary {
    RunSummary {
        started: started(&id),
        id,
        procedure: String::new(),
        title: String::new(),
        params: BTreeMap::new(),
        order: Order::Listed,
        status: RunStatus::Interrupted,
        went_back: None,
        caveats: Caveats::default(),
        ended: None,
        starter: String::new(),
        progress: (0, 0),
        used_break_glass: false,
        damage,
        emergency: false,
    }
}

/// One run, also where its journal is damaged.
fn summary(dir: &Path, id: RunId, lives: impl Fn(&RunId) -> bool) -> RunSummary {
    let path = dir.join(id.as_str()).join(JOURNAL);
    let beside = Beside::look(&dir.join(id.as_str()));
    let (view, damage) = match walk_file(&path) {
        Ok(Walked { view, verdict: verdict @ Verdict::Damaged { .. }, .. }) => (view, Some(verdict.to_string())),
        Ok(Walked { view: None, .. }) => (None, Some("its journal has no record".to_owned())),
        Ok(Walked { view, .. }) => {
            let missing = beside.find_missing(view.as_ref()).map(|why| format!("damaged: it was cut: {why}"));
            (view, missing)
        }
        Err(error) => (None, Some(error.message)),
    };
    let view = view.filter(|view| view.id == id);
    let Some(view) = view else {
        let never = !lives(&id) && never_began(&dir.join(id.as_str()));
        let damage = match damage {
            Some(why) if never => {
                let command = shell::on_runs(format_args!("abort {id}"));
                Some(format!("{why}: it never began; remove it: {command}"))
            }
            None => Some("its journal is another run's".to_owned()),
            damage => damage,
        };
        return unreadable(id, damage);
    };
    let done = match view.order {
        Order::Listed => view.steps_over(),
        // An item whose check did not pass is open.
        Order::Any => view.phase_counts().iter().map(|count| count.closed).sum(),
    };
    let of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    RunSummary {
        status: view.status(lives(&id)),
        went_back: view.went_back(),
        caveats: view.caveats(),
        progress: (of(done), of(view.steps.len())),
        used_break_glass: view.used_break_glass(),
        emergency: view.is_emergency(),
        id,
        procedure: view.procedure,
        title: view.title,
        params: view.params,
        order: view.order,
        started: view.started,
        ended: view.ended,
        starter: view.starter.name,
        damage,
    }
}

/// When a run started, from its id.
fn started(id: &RunId) -> Wall {
    let ms = ulid::Ulid::from_string(id.as_str()).map_or(0, |id| id.timestamp_ms());
    Wall::from_unix(i64::try_from(ms / 1000).unwrap_or(i64::MAX), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::samples::{bytes, night, now, recovered_night, run_id, write};
    use std::fs;

    #[test]
    fn a_sealed_run_is_walked_once_and_again_after_it_changed() {
        let state = tempfile::tempdir().unwrap();
        let dir = |n: u64| {
            let dir = run_dir(state.path(), &run_id(n));
            fs::create_dir_all(&dir).unwrap();
            dir
        };
        write(&dir(1), &run_id(1), &night());
        write(&dir(2), &run_id(2), &recovered_night()[..7]);
        let mut known = Known::default();
        let mut again = || runs_again(state.path(), &mut known, |id| *id == run_id(2)).unwrap();
        let first = again();
        assert_eq!(first, runs(state.path(), |id| *id == run_id(2)).unwrap());
        // Its bytes are others, its length and its time are not: it was not read again.
        let journal = dir(1).join(JOURNAL);
        let (mut bytes, at) = (fs::read(&journal).unwrap(), fs::metadata(&journal).unwrap().modified().unwrap());
        let end = bytes.len() - 40;
        bytes[end] ^= 1;
        fs::write(&journal, &bytes).unwrap();
        fs::File::options().write(true).open(&journal).unwrap().set_modified(at).unwrap();
        assert_eq!(again(), first);
        fs::File::options()
            .write(true)
            .open(&journal)
            .unwrap()
            .set_modified(at + std::time::Duration::from_secs(1))
            .unwrap();
        assert!(again()[1].damage.is_some(), "what was written to is read again");
        fs::remove_file(dir(2).join(JOURNAL)).unwrap();
        write(&dir(2), &run_id(2), &recovered_night()[..9]);
        assert_ne!(again()[0], first[0], "one that is not sealed is read each time");
        fs::remove_dir_all(dir(1)).unwrap();
        assert_eq!(again().len(), 1);
    }

    #[test]
    fn runs_are_listed_newest_first_and_damaged_ones_say_why() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(runs(state.path(), |_| true).unwrap(), []);
        let dir = |n: u64| {
            let dir = run_dir(state.path(), &run_id(n));
            fs::create_dir_all(&dir).unwrap();
            dir
        };
        write(&dir(1), &run_id(1), &night());
        write(&dir(2), &run_id(2), &recovered_night()[..9]);
        write(&dir(3), &run_id(3), &recovered_night()[..7]);
        fs::write(dir(4).join(JOURNAL), bytes(1, &night())).unwrap();
        let mut damaged = bytes(5, &night());
        let end = damaged.len() - 40;
        damaged[end] ^= 1;
        fs::write(dir(5).join(JOURNAL), damaged).unwrap();
        dir(6);
        fs::write(dir(7).join(JOURNAL), b"").unwrap();
        let mut torn = bytes(8, &night()[..2]);
        torn.extend(b"{\"v\"");
        fs::write(dir(8).join(JOURNAL), torn).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir(9).join(JOURNAL), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        fs::create_dir(state.path().join(RUNS).join("trash")).unwrap();
        fs::create_dir(state.path().join(RUNS).join(run_id(10).as_str().to_lowercase())).unwrap();
        fs::write(state.path().join(RUNS).join(run_id(11).as_str()), b"").unwrap();
        let list = runs(state.path(), |id| *id == run_id(3)).unwrap();
        let ids: Vec<RunId> = list.iter().map(|run| run.id.clone()).collect();
        assert_eq!(ids, (1..=9).rev().map(run_id).collect::<Vec<_>>());
        let of = |n: u64| list.iter().find(|run| run.id == run_id(n)).unwrap();
        let whole = of(1);
        assert_eq!((whole.status, whole.progress, &whole.damage), (RunStatus::Aborted, (2, 6), &None));
        assert_eq!((whole.started, whole.ended, whole.starter.as_str()), (now(0).wall, Some(now(16).wall), "anna"));
        assert_eq!((of(2).status, of(3).status), (RunStatus::Interrupted, RunStatus::Waiting));
        let damage = |n: u64| of(n).damage.clone().unwrap_or_default();
        assert_eq!(damage(4), "its journal is another run's");
        assert!(damage(5).starts_with("damaged: record 17 at byte "), "{}", damage(5));
        assert_eq!(of(5).title, "Delete data past retention");
        assert!(damage(6).contains("journal.jsonl: no such file"), "{}", damage(6));
        assert_eq!(of(6).started, Wall::from_unix(1_787_000_000, 0));
        let hint = format!("its journal has no record: it never began; remove it: midwatch abort {}", run_id(7));
        assert_eq!(damage(7), hint);
        assert_eq!((damage(8).as_str(), of(8).status), ("", RunStatus::Interrupted));
        assert!(damage(9).contains("it is a FIFO, not a file"));
    }
}
