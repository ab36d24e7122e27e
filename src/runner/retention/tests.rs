use super::*;
use crate::domain::EffectClass;
use crate::domain::RunStatus;
use crate::journal::record::{Choice, Ending, Event};
use crate::journal::samples::{accepted, created, intent, steps};
use crate::journal::samples::{decide, decision, ended, night, now, opened, recovered_night, run_id, sealed, write};

const DAY: u64 = 86_400;

/// A state directory with sealed runs of these numbers.
fn state(numbers: std::ops::RangeInclusive<u64>) -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    for number in numbers {
        run(state.path(), number, &night());
    }
    state
}

fn run(state: &Path, number: u64, events: &[Event]) -> RunDir {
    let dir = RunDir::of(state, run_id(number));
    fs::create_dir_all(&dir.path).unwrap();
    write(&dir.path, &dir.id, events);
    dir
}

/// The numbers of the runs that are left.
fn left(state: &Path) -> Vec<u64> {
    (0..100).filter(|number| RunDir::of(state, run_id(*number)).path.exists()).collect()
}

fn keep(runs: Option<u32>, days: Option<u64>) -> Keep {
    Keep { runs, age: days.map(|days| Duration::from_secs(days * DAY)) }
}

/// The runs that are removed this many days after the night of the runs.
fn removed(state: &Path, keep: Keep, days: u64) -> Vec<u64> {
    let removed = apply_at(state, keep, now(days * DAY + 60).wall);
    let number = |removed: &Removed| (0..100).find(|number| run_id(*number) == removed.run).unwrap();
    removed.iter().map(number).collect()
}

#[test]
fn what_is_beyond_both_the_number_and_the_age_goes_and_the_newest_never_does() {
    for (keep, days, gone) in [
        (keep(None, None), 9999, &[][..]),
        (keep(Some(3), None), 0, &[1, 2]),
        (keep(Some(9), None), 9999, &[]),
        (keep(None, Some(10)), 9, &[]),
        (keep(None, Some(10)), 11, &[1, 2, 3, 4]),
        (keep(Some(2), Some(10)), 9, &[]),
        (keep(Some(2), Some(10)), 11, &[1, 2, 3]),
        (keep(Some(1), None), 0, &[1, 2, 3, 4]),
    ] {
        let state = state(1..=5);
        assert_eq!(removed(state.path(), keep, days), gone, "{keep:?} after {days} d");
        let stay: Vec<u64> = (1..=5).filter(|number| !gone.contains(number)).collect();
        assert_eq!(left(state.path()), stay, "{keep:?} after {days} d");
        let names = entries(&state.path().join(RUNS)).unwrap();
        assert_eq!(names.len(), stay.len(), "nothing else is left: {names:?}");
    }
}

#[test]
fn what_is_not_over_not_whole_or_not_done_with_stays() {
    let state = state(1..=1);
    run(state.path(), 2, &recovered_night()[..9]);
    let mut unknown = recovered_night()[..11].to_vec();
    unknown.extend([
        opened(3, 1, decision(&[Choice::Abort])),
        accepted(3, 1, decide(Choice::Abort)),
        sealed(RunStatus::Aborted, 1),
    ]);
    run(state.path(), 3, &unknown);
    let damaged = run(state.path(), 4, &night());
    let mut bytes = fs::read(damaged.journal()).unwrap();
    let end = bytes.len() - 40;
    bytes[end] ^= 1;
    fs::write(damaged.journal(), bytes).unwrap();
    // A seal that covers more records than the journal has.
    let cut = run(state.path(), 5, &night());
    fs::write(cut.path.join("seal.json"), format!("{{\"records\":99,\"head\":\"{}\"}}", "0".repeat(64))).unwrap();
    // A run whose runner lives, whatever its journal contains.
    let busy = run(state.path(), 6, &night());
    let taken = busy.take().unwrap().unwrap();
    let _runner = taken;
    // A run that another run names; and a file with the name of a run.
    run(state.path(), 7, &night());
    let note = Event::Note { step: None, text: format!("as run {} did", run_id(7)) };
    let failed = [created(steps()), intent(0, 1, EffectClass::Read, None), ended(0, 1, Ending::Ok), note];
    run(state.path(), 8, &failed);
    let outside = tempfile::tempdir().unwrap();
    let runs = state.path().join(RUNS);
    fs::write(outside.path().join("precious"), "x").unwrap();
    std::os::unix::fs::symlink(outside.path(), runs.join(run_id(9).as_str())).unwrap();
    std::os::unix::fs::symlink(outside.path(), runs.join(format!("{}{REMOVED}", run_id(10)))).unwrap();
    for foreign in ["notes", "notes.removed", ".removed"] {
        fs::create_dir(runs.join(foreign)).unwrap();
        fs::write(runs.join(foreign).join("kept"), "x").unwrap();
    }
    fs::write(runs.join(run_id(11).as_str()), "a file").unwrap();
    std::os::unix::fs::symlink(outside.path().join("precious"), RunDir::of(state.path(), run_id(1)).path.join("link"))
        .unwrap();
    assert_eq!(removed(state.path(), keep(Some(1), None), 0), [1]);
    assert_eq!(left(state.path()), [2, 3, 4, 5, 6, 7, 8, 9, 11]);
    assert!(outside.path().join("precious").exists());
    for foreign in ["notes", "notes.removed", ".removed"] {
        assert!(runs.join(foreign).join("kept").exists(), "{foreign}");
    }
    assert!(runs.join(format!("{}{REMOVED}", run_id(10))).symlink_metadata().is_ok());
}

#[test]
fn a_run_that_was_half_removed_is_in_no_list_and_goes_the_next_time() {
    let state = state(1..=3);
    let dir = RunDir::of(state.path(), run_id(1));
    assert!(set_apart(&dir).unwrap());
    let listed = crate::journal::list::runs(state.path(), |_| false).unwrap();
    assert_eq!(listed.iter().map(|run| run.damage.clone()).collect::<Vec<_>>(), [None, None]);
    fs::remove_file(apart(&dir).join("journal.jsonl")).unwrap();
    assert_eq!(removed(state.path(), keep(Some(9), None), 0), [0; 0]);
    assert!(!apart(&dir).exists());
    // A run of another user is not touched, which only root can try.
    if rustix::process::geteuid().is_root() {
        let other = RunDir::of(state.path(), run_id(2));
        std::os::unix::fs::chown(&other.path, Some(61_077), None).unwrap();
        assert_eq!(removed(state.path(), keep(Some(1), None), 0), [0; 0]);
        assert_eq!(left(state.path()), [2, 3]);
    }
}

#[test]
fn an_id_is_found_anywhere_in_a_journal() {
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("journal.jsonl");
    let (one, two) = (run_id(1), run_id(2));
    let wanted = BTreeSet::from([one.as_str().as_bytes()]);
    for before in [0, 1, (256 << 10) - 13, (256 << 10) - 1, (512 << 10) - 30, 512 << 10] {
        fs::write(&journal, format!("{}{}\"", "x".repeat(before), one.as_str())).unwrap();
        assert_eq!(named_in(&journal, &wanted, &two).unwrap(), [one.as_str().as_bytes().to_vec()], "{before}");
        assert!(named_in(&journal, &wanted, &one).unwrap().is_empty(), "its own");
    }
    fs::write(&journal, &one.as_str()[..25]).unwrap();
    assert!(named_in(&journal, &wanted, &two).unwrap().is_empty());
}
