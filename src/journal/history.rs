//! How long steps took in past runs, learnt from their journals.
//!
//! A step is known by the procedure it belongs to (the included one, where it is included) and by its id, else its title. What ended
//! well counts, from its intent to its outcome, its proof with it. The work is bounded: the newest runs, so many bytes, so much time.

use crate::config::patience::{Reading, at};
use crate::domain::{Boot, Pace, RunId};
use crate::journal::append::JOURNAL;
use crate::journal::chain::Walk;
use crate::journal::record::{Ending, Event, Outcome, Record, StepHead};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

/// The most runs that are looked into, the newest first.
const MOST_RUNS: usize = 200;
/// The most runs of one step that count.
const MOST_TIMES: usize = 50;
/// The largest journal that is read, and all of them together, in bytes.
const LARGEST: u64 = 8 << 20;
const MOST_BYTES: u64 = 64 << 20;
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(2);

/// What a step is known by: its procedure, and its id or title.
type Key = (String, String);

/// The times of past runs, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct History {
    forward: BTreeMap<Key, Vec<u64>>,
    undo: BTreeMap<Key, Vec<u64>>,
}

/// A step as it is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The procedure that is run.
    pub procedure: &'a str,
    /// The included procedure that it belongs to.
    pub part: Option<&'a str>,
    /// Its id; one of an included procedure has a number before it.
    pub id: Option<&'a str>,
    /// Its title.
    pub title: &'a str,
}

impl Named<'_> {
    fn key(self) -> Key {
        let own = self.id.map(|id| id.rsplit('/').next().unwrap_or(id));
        (self.part.unwrap_or(self.procedure).to_owned(), own.unwrap_or(self.title).to_owned())
    }
}

impl History {
    /// Reads the newest runs in a directory of runs; what cannot be read counts as not there.
    #[must_use]
    pub fn read(runs: &Path) -> Self {
        let began = Instant::now();
        let entries = at(runs, || runs.read_dir().into_iter().flatten().flatten().collect::<Vec<_>>());
        let entries = entries.into_iter();
        let mut ids: Vec<RunId> = entries.filter_map(|entry| RunId::parse(entry.file_name().to_str()?)).collect();
        ids.sort_unstable();
        let mut history = Self::default();
        let mut left = MOST_BYTES;
        for id in ids.iter().rev().take(MOST_RUNS) {
            let path = runs.join(id.as_str()).join(JOURNAL);
            let Some((file, bytes)) = at(&path, || open(&path)) else { continue };
            if bytes > LARGEST {
                continue;
            }
            if bytes > left || began.elapsed() > LIMIT {
                break;
            }
            left -= bytes;
            let mut run = OneRun::default();
            // A journal that is torn or damaged is read up to that place.
            let _ = Walk::default().all(BufReader::new(Reading::of(&path, file)), |record| run.take(&record));
            history.add(run);
        }
        history
    }

    /// How long a step took, and how long it took to undo it.
    #[must_use]
    pub fn of(&self, step: Named<'_>) -> (Option<Pace>, Option<Pace>) {
        let key = step.key();
        let pace = |all: &BTreeMap<Key, Vec<u64>>| all.get(&key).and_then(|times| Pace::of(times));
        (pace(&self.forward), pace(&self.undo))
    }

    /// Adds the figures of one run; the runs come newest first, up to a limit.
    fn add(&mut self, run: OneRun) {
        for (key, undo, took) in run.times {
            let all = if undo { &mut self.undo } else { &mut self.forward };
            let times = all.entry(key).or_default();
            if times.len() < MOST_TIMES {
                times.push(took);
            }
        }
    }
}

fn open(path: &Path) -> Option<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let found = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((file, found.len()))
}

/// The figures of one run.
#[derive(Default)]
struct OneRun {
    procedure: String,
    steps: Vec<StepHead>,
    began: Option<(u32, Boot)>,
    times: Vec<(Key, bool, u64)>,
}

impl OneRun {
    fn take(&mut self, record: &Record) {
        match &record.event {
            Event::RunCreated { procedure, steps, .. } => {
                (self.procedure, self.steps) = (procedure.clone(), steps.clone());
            }
            Event::StepIntent { step, .. } | Event::UndoIntent { step, .. } => self.began = Some((*step, record.boot)),
            // Another runner may have taken it over long after it ended.
            Event::RunResumed { .. } => self.began = None,
            Event::StepOutcome { step, outcome, .. } => self.ended(*step, outcome, record.boot, false),
            Event::UndoOutcome { step, outcome, .. } => self.ended(*step, outcome, record.boot, true),
            _ => {}
        }
    }

    fn ended(&mut self, step: u32, outcome: &Outcome, at: Boot, undo: bool) {
        let began = self.began.take().filter(|(of, _)| *of == step).map(|(_, began)| began);
        let head = usize::try_from(step).ok().and_then(|place| self.steps.get(place));
        let (Some(head), Ending::Ok) = (head, outcome.ending) else { return };
        let whole = began.filter(|began| *began <= at).map(|began| at.since(began).as_millis());
        let took = whole.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0).max(outcome.took_ms);
        let named = Named {
            procedure: &self.procedure,
            part: head.part.as_deref(),
            id: head.timing.id.as_deref(),
            title: &head.title,
        };
        self.times.push((named.key(), undo, took));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EffectClass, Verb};
    use crate::journal::list::run_dir;
    use crate::journal::samples::*;
    use std::fs;

    fn named<'a>(part: Option<&'a str>, id: Option<&'a str>, title: &'a str) -> Named<'a> {
        Named { procedure: "cell0/data-retention", part, id, title }
    }

    #[test]
    fn times_are_learnt_from_what_ended_well() {
        let state = tempfile::tempdir().unwrap();
        let runs = state.path().join("runs");
        for number in 1..=12 {
            let dir = run_dir(state.path(), &run_id(number));
            fs::create_dir_all(&dir).unwrap();
            // The second time it fails, which does not show how long it takes.
            let ending = if number == 2 { Ending::Failed } else { Ending::Ok };
            let mut events = night();
            events[3] = ended(0, 1, ending);
            write(&dir, &run_id(number), &events);
        }
        fs::create_dir_all(runs.join("not-a-run")).unwrap();
        fs::create_dir_all(run_dir(state.path(), &run_id(20))).unwrap();
        let history = History::read(&runs);
        // One second between the records, and the act itself reports 1,234 ms.
        let (check, undo) = history.of(named(None, None, "a check step"));
        assert_eq!((check, undo), (Some(Pace { p50_ms: 1234, p90_ms: 1234, runs: 11 }), None));
        let (act, undo) = history.of(named(None, None, "a do step"));
        assert_eq!((act.unwrap().runs, undo.unwrap().runs), (12, 12));
        assert_eq!(history.of(named(Some("cell0/other"), None, "a check step")).0, None);
        assert_eq!(History::read(&state.path().join("none")).of(named(None, None, "a check step")).0, None);
    }

    #[test]
    fn a_step_is_known_by_its_id_wherever_it_is_included() {
        let state = tempfile::tempdir().unwrap();
        let run = |number: u64, part: Option<&str>, id: &str, title: &str| {
            let dir = run_dir(state.path(), &run_id(number));
            fs::create_dir_all(&dir).unwrap();
            let mut step = head(Verb::Check, EffectClass::Read);
            (step.title, step.part, step.timing.id) = (title.into(), part.map(str::to_owned), Some(id.into()));
            write(
                &dir,
                &run_id(number),
                &[created(vec![step]), intent(0, 1, EffectClass::Read, None), ended(0, 1, Ending::Ok)],
            );
        };
        run(1, Some("cell0/backup"), "2/newest", "Backup of main");
        run(2, Some("cell0/backup"), "1/newest", "Backup of audit");
        run(3, None, "newest", "Of another procedure");
        let history = History::read(&state.path().join("runs"));
        let runs = |part, id| history.of(named(part, id, "any")).0.map(|pace| pace.runs);
        assert_eq!(runs(Some("cell0/backup"), Some("7/newest")), Some(2));
        assert_eq!(runs(None, Some("newest")), Some(1));
        assert_eq!(runs(None, None), None);
    }

    #[test]
    fn a_proof_counts_and_a_run_that_was_taken_over_does_not_stretch_it() {
        let mut run = OneRun::default();
        let at = |seconds: u64, event: Event| Record {
            seq: 1,
            run: run_id(1),
            wall: now(0).wall,
            boot: Boot(seconds * 1_000_000_000),
            actor: actor("runner"),
            event,
            prev: crate::domain::Digest::zero(),
            h: crate::domain::Digest::zero(),
        };
        run.take(&at(0, created(steps())));
        run.take(&at(10, intent(0, 1, EffectClass::Read, None)));
        run.take(&at(17, ended(0, 1, Ending::Ok)));
        run.take(&at(20, intent(1, 1, EffectClass::Change, None)));
        run.take(&at(9000, Event::RunResumed { why: "gone".into() }));
        run.take(&at(9001, ended(1, 1, Ending::Ok)));
        let times: Vec<u64> = run.times.iter().map(|(.., took)| *took).collect();
        assert_eq!(times, [7000, 1234]);
    }
}
