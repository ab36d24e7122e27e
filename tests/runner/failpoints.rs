//! The runner is killed at every named place; the run goes on from there, and every effect is there exactly once.

use crate::support::estate::{Estate, wait_for};
use crate::support::run::Run;
use midwatch::domain::RunStatus;
use midwatch::journal::record::WentBack;
use midwatch::runner::failpoint;
use midwatch::runner::protocol::Demand;
use std::sync::Mutex;

/// Where a run of [`forward`] is killed: each place, and which passing of it.
///
/// The acts are, in order: the program, the move, its proof, the deletion, its proof.
const FORWARD: [(&str, &[u32]); 14] = [
    ("run.created", &[1]),
    ("lock.taken", &[1]),
    ("set.written", &[1, 2, 3, 5]),
    ("prompt.opened", &[1, 2]),
    ("answer.accepted", &[1, 2]),
    ("intent.pre", &[1, 2, 3]),
    ("intent.post", &[1, 2, 3]),
    ("shim.spawned", &[1, 2, 3, 4, 5]),
    ("act.running", &[1]),
    ("act.exited", &[1, 2, 3, 4, 5]),
    ("outcome.pre", &[1, 2, 3]),
    ("outcome.post", &[1, 2, 3]),
    ("seal.pre", &[1]),
    ("seal.post", &[1]),
];

/// Where a run of [`backward`] is killed; its acts go on with the undo of the move and then of the program.
const BACKWARD: [(&str, &[u32]); 4] =
    [("undo.intent", &[1, 2]), ("shim.spawned", &[4, 5]), ("act.exited", &[4, 5]), ("seal.pre", &[1])];

/// Where a run of one step with a proof is killed; its shims are the act's and the proof's.
pub const OF_ONE_STEP: [(&str, &[u32]); 10] = [
    ("set.written", &[1]),
    ("prompt.opened", &[1]),
    ("answer.accepted", &[1]),
    ("intent.pre", &[1]),
    ("intent.post", &[1]),
    ("shim.spawned", &[1, 2]),
    ("act.exited", &[1, 2]),
    ("outcome.pre", &[1]),
    ("outcome.post", &[1]),
    ("seal.pre", &[1]),
];

/// Where the act itself is killed: between two objects, and between the two halves of one. Each attempt does something before, so
/// that the last one comes to its end. Tests of the adapters hit them.
pub const IN_THE_ACT: [(&str, &[u32]); 2] = [("act.item", &[2, 3]), ("act.half", &[2])];

/// Where a run of [`by_itself`] is killed. Its acts are, in order: the page, the stop, the check, the undo of the stop, the check
/// again, the undo of the page, the closing note.
const BY_ITSELF: [(&str, &[u32]); 12] = [
    ("rollback.began", &[1]),
    ("undo.intent", &[1, 2]),
    ("undo.outcome", &[1, 2]),
    ("rollback.proved", &[1]),
    ("intent.pre", &[4, 5]),
    ("intent.post", &[4, 5]),
    ("shim.spawned", &[3, 4, 5, 6, 7]),
    ("act.running", &[1]),
    ("act.exited", &[3, 4, 5, 6, 7]),
    ("outcome.pre", &[4, 5]),
    ("outcome.post", &[3, 4, 5]),
    ("seal.pre", &[1]),
];

/// How long the program works, so that it can be seen at work.
const WORK: &str = "0.1";

fn estate(failpoint: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_FAILPOINT", failpoint);
    for number in 0..3 {
        estate.file(&format!("logs/{number}.gz"), "log");
        estate.file(&format!("data/{number}.json"), "data");
    }
    let program = format!("echo done >>{}; sleep {WORK}", estate.tree("done").display());
    let undo = format!("echo undone >>{}; sleep {WORK}", estate.tree("undone").display());
    let steps = format!(
        r#"
[[work]]
title  = "Append a line"
effect = "change"
do     = {{ exec = ["sh", "-c", "{program}"] }}
undo   = {{ exec = ["sh", "-c", "{undo}"] }}
[[work]]
title  = "Move"
effect = "change"
do     = {{ files = "move", under = "logs", match = "*.gz", to = "archive" }}
prove  = {{ files = "arrived" }}
undo   = {{ files = "restore" }}
[[work]]
title  = "Delete"
effect = "destroy"
do     = {{ files = "delete", under = "data", match = "*.json" }}
prove  = {{ files = "gone" }}
undo   = {{ none = "a test" }}
"#
    );
    estate.file("archive/kept", "");
    estate.procedure("all", "lock = [\"host\"]", &steps);
    estate
}

/// Runs `judge` on every case, two at a time; names the case that fails.
pub fn each(cases: &[(&str, &[u32])], judge: impl Fn(&str, &str) + Sync) {
    let all: Vec<_> = cases.iter().flat_map(|(name, times)| times.iter().map(move |nth| (*name, *nth))).collect();
    let next = Mutex::new(all.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((name, nth)) = { next.lock().unwrap().next() } {
                    eprintln!("{name}@{nth}");
                    judge(name, &format!("{name}@{nth}"));
                }
            });
        }
    });
}

/// Asserts that the runner was killed there and nowhere else, and lets a new one go on unharmed.
pub fn killed(estate: &mut Estate, point: &str, case: &str) {
    let run = estate.run();
    wait_for(case, || (!run.dir.runner_lives()).then_some(()));
    let text = std::fs::read_to_string(run.dir.path.join("runner.err")).unwrap();
    assert!(text.contains(&format!("killed at {case}\n")), "{case} was not hit: {text}");
    assert_eq!(run.status() == "interrupted", point != "seal.post", "{case}");
    estate.without("MIDWATCH_FAILPOINT");
}

#[test]
fn killed_anywhere_a_run_goes_on_and_every_effect_is_there_once() {
    each(&FORWARD, |point, case| {
        let mut estate = estate(case);
        let phrases = ["--yes", "change", "--confirm", "delete 3 files"];
        estate.start("all", &phrases);
        killed(&mut estate, point, case);
        let view = estate.run().drive();
        assert_eq!(view.sealed, Some(RunStatus::Ok), "{case}");
        effects(&estate.run(), case, 0);
        assert_eq!((estate.names("archive").len(), estate.names("logs").len()), (4, 0), "{case}");
        assert_eq!(estate.names("data").len(), 0, "{case}");
    });
}

#[test]
fn killed_anywhere_in_a_rollback_every_undo_is_recorded_once() {
    each(&BACKWARD, |point, case| {
        let mut estate = estate(case);
        estate.start("all", &["--yes", "change"]).exits(75);
        // The runner may be killed before its reply is out; the record counts.
        estate.run().send(Demand::Abort { undo: true });
        estate.run().wait(case, |view| view.abort.is_some());
        killed(&mut estate, point, case);
        let view = estate.run().drive();
        assert_eq!(view.sealed, Some(RunStatus::Aborted), "{case}");
        effects(&estate.run(), case, 1);
        assert_eq!((estate.names("archive").len(), estate.names("logs").len()), (1, 3), "{case}");
        assert_eq!(estate.names("data").len(), 3, "{case}");
    });
}

/// A run whose check fails, so that it rolls back automatically to its second phase, and then cleans up.
fn by_itself(failpoint: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_FAILPOINT", failpoint);
    let tree = estate.tree("").display().to_string();
    let act = |word: &str| format!("exec = [\"sh\", \"-c\", \"echo {word} >>{tree}{word}; sleep {WORK}\"]");
    let (page, unpage, stop, start) = (act("page"), act("unpage"), act("stop"), act("start"));
    let cleanup = super::rollback::cleanup(&act("over"));
    let steps = format!(
        r#"
[[prepare]]
id = "page"
title = "Page"
effect = "change"
do = {{ {page} }}
undo = {{ {unpage} }}
[[work]]
id = "stop"
title = "Stop"
effect = "change"
do = {{ {stop} }}
undo = {{ {start} }}
[[work]]
id = "healthy"
title = "Healthy"
check = {{ exec = ["test", "-e", "{tree}start"] }}
{cleanup}"#
    );
    let header = "rollback = { on_fail = \"rollback\", to = \"work\", prove = [\"healthy\"] }";
    estate.file("kept", "");
    estate.procedure("all", header, &steps);
    estate
}

#[test]
fn killed_anywhere_during_an_automatic_rollback_every_undo_runs_once() {
    each(&BY_ITSELF, |point, case| {
        let mut estate = by_itself(case);
        estate.start("all", &["--yes", "change"]);
        killed(&mut estate, point, case);
        let run = estate.run();
        let view = run.drive();
        assert_eq!(view.sealed, Some(RunStatus::Failed), "{case}");
        let found = ["page", "unpage", "stop", "start", "over"].map(|name| estate.lines(name));
        assert_eq!(found, [1; 5], "{case}");
        let proved = Some(WentBack { undone: 1, left: 0, proved: Some(true) });
        // One that was killed before its shim provably never began, and is begun again.
        let intents = 2 + usize::from(point == "undo.intent");
        assert_eq!((view.went_back(), run.count("undo.intent")), (proved, intents), "{case}");
        assert_eq!((run.count("rollback.began"), run.count("rollback.proved")), (1, 1), "{case}");
        run.is_whole_and_known();
        estate.nothing_runs();
    });
}

/// Counts the program's effects at the target; the journal must be whole, and nothing in it ever unknown.
fn effects(run: &Run<'_>, case: &str, undone: usize) {
    assert_eq!((run.estate.lines("done"), run.estate.lines("undone")), (1, undone), "{case}");
    run.is_whole_and_known();
    run.estate.nothing_runs();
}

#[test]
fn every_failpoint_has_its_case() {
    let tried: Vec<&str> =
        FORWARD.iter().chain(&BACKWARD).chain(&BY_ITSELF).chain(&IN_THE_ACT).map(|(name, _)| *name).collect();
    for point in failpoint::ALL {
        assert!(tried.contains(&point), "no test kills at {point}");
    }
    assert!(tried.iter().all(|name| failpoint::ALL.contains(name)));
}
