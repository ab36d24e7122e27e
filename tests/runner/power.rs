//! The power goes: what was not synced is lost, and what happened before has its intent on the disk.
//!
//! ```text
//! effects are counted ─▶ the image of a real file system is copied as it lies on its device ─▶ the run goes on
//!                                  └─ mounted: what ext4 had not been asked to sync is not in it
//! ```
//! The state directory is on that file system, the targets are not: they are what the world keeps.

use crate::support::disk::Plate;
use crate::support::estate::{Estate, LOOK, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::chain::{Verdict, read};
use midwatch::journal::record::{Ask, Choice, Event};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many steps a run has.
const STEPS: usize = 3;

/// Programs that append a line each and then wait for a file.
fn estate(plate: &Plate) -> Estate {
    let estate = Estate::default().keeping_state_in(&plate.path().join("state"));
    let step = |number: usize| {
        format!(
            "[[work]]\ntitle = \"Append {number}\"\neffect = \"change\"\nundo = {{ none = \"a test\" }}\n\
             do = {{ exec = [\"sh\", \"-c\", \"echo done >>{{tree}}/done-{number}; while ! test -e {{tree}}/go-{number}; do sleep 0.02; done\"] }}\n"
        )
    };
    estate.procedure("three", "lock = [\"host\"]\nprompt = \"phase\"", &(1..=STEPS).map(step).collect::<String>());
    estate
}

fn effects(estate: &Estate) -> Vec<usize> {
    (1..=STEPS).map(|number| estate.lines(&format!("done-{number}"))).collect()
}

/// The journal that an image holds, where it holds one; nothing in it may be damaged.
fn journal(image: &Path) -> Option<(Verdict, Vec<Event>)> {
    let mounted = Plate::of(image)?;
    let runs = fs::read_dir(mounted.path().join("state/runs")).ok()?;
    let chain = read(&fs::read(runs.flatten().next()?.path().join("journal.jsonl")).ok()?);
    assert!(!matches!(chain.verdict, Verdict::Damaged { .. }), "{}: {}", image.display(), chain.verdict);
    Some((chain.verdict, chain.records.into_iter().map(|record| record.event).collect()))
}

/// Holds an image against the effects that were there before it was made.
fn judge(image: &Path, before: &[usize]) {
    let events = journal(image).map(|(_, events)| events).unwrap_or_default();
    for (number, lines) in before.iter().enumerate() {
        let is_own = |event: &&Event| matches!(event, Event::StepIntent { step, .. } if *step as usize == number);
        let intents = events.iter().filter(is_own).count();
        assert!(*lines <= intents, "{}: {lines} effects of step {number}, {intents} intents", image.display());
    }
}

#[test]
fn whenever_the_power_goes_every_effect_has_its_intent_on_the_disk() {
    let Some(plate) = Plate::new() else { return };
    let estate = estate(&plate);
    let (images, over) = (Mutex::new(Vec::<(PathBuf, Vec<usize>)>::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let before = effects(&estate);
                let image = plate.copy(images.lock().unwrap().len());
                images.lock().unwrap().push((image, before));
                std::thread::sleep(LOOK);
            }
        });
        let run = scope.spawn(|| estate.start("three", &["--yes", "change"]));
        for number in 1..=STEPS {
            wait_for("the effect", || (estate.lines(&format!("done-{number}")) == 1).then_some(()));
            let so_far = images.lock().unwrap().len();
            wait_for("an image of it", || (images.lock().unwrap().len() > so_far + 1).then_some(()));
            estate.file(&format!("go-{number}"), "");
        }
        run.join().unwrap().exits(0);
        over.store(true, Ordering::SeqCst);
        cutter.join().unwrap();
    });
    let images = images.into_inner().unwrap();
    for (image, before) in &images {
        judge(image, before);
    }
    // A run that was reported as over is over.
    let (verdict, events) = journal(&plate.copy(images.len())).unwrap();
    assert_eq!(verdict, Verdict::Whole { sealed: true });
    assert!(matches!(events.last(), Some(Event::RunSealed { status: RunStatus::Ok, .. })));
    let at_work = images.iter().filter(|(_, before)| before.iter().sum::<usize>() > 0).count();
    assert!(at_work > STEPS, "{} images, {at_work} with effects", images.len());
}

/// The state directory as the disk has it comes back in its place, as after a restart, and a runner goes on from there.
#[test]
fn after_a_power_cut_in_mid_step_nothing_is_repeated_and_the_run_goes_on() {
    let Some(mut plate) = Plate::new() else { return };
    let estate = estate(&plate);
    estate.file("go-1", "");
    estate.file("go-3", "");
    let run = estate.start_waiting("three");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    wait_for("the second effect", || (estate.lines("done-2") == 1).then_some(()));
    let image = plate.copy(0);
    for process in estate.processes() {
        crate::support::estate::kill_wholly(process.pid);
    }
    drop(run);
    plate.becomes(&image);
    let run: Run<'_> = estate.run();
    run.is_interrupted();
    run.midwatch("resume", &[]).exits(0);
    let open = run.prompt();
    assert!(matches!(&open.ask, Ask::Decide { text, .. } if text.starts_with("outcome unknown")), "{open:?}");
    assert_eq!((open.step, effects(&estate)), (1, vec![1, 1, 0]));
    run.accept(&open, decide(Choice::Done));
    let view = run.drive();
    assert_eq!((view.sealed, view.steps[1].state), (Some(RunStatus::Ok), StepState::Done));
    assert_eq!(effects(&estate), [1, 1, 1]);
    run.midwatch("verify", &[]).exits(0).prints("whole");
    estate.nothing_runs();
}
