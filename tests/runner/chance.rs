//! The runner is killed at random moments.

use crate::support::estate::{Estate, kill, wait_for};
use midwatch::domain::RunStatus;
use midwatch::journal::record::Event;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

/// How many runs are made.
const ROUNDS: u32 = 25;

/// Up to when a runner is killed, in milliseconds after its start; a run without a kill takes about as long.
const LATEST: u64 = 500;

/// Numbers that look random: xorshift64, G. Marsaglia, "Xorshift RNGs", 2003.
pub struct Chance(pub u64);

impl Chance {
    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The seed that is given, or one of the moment.
pub fn seed() -> u64 {
    let given = std::env::var("MIDWATCH_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    given.unwrap_or_else(|| u64::from(now()) + 1)
}

fn estate() -> Estate {
    // Without the readings of all panes: there is nothing to see, and they take longer than the runs.
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0");
    estate.file("to/kept", "");
    estate.file("logs/a.gz", "log");
    estate.file("data/a.json", "data");
    let steps = r#"
[[work]]
title  = "First line"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/first"] }
undo   = { none = "a test" }
[[work]]
title  = "Move"
effect = "change"
do     = { files = "move", under = "logs", match = "*.gz", to = "to" }
undo   = { files = "restore" }
[[work]]
title  = "Second line"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/second"] }
undo   = { none = "a test" }
[[work]]
title  = "Delete"
effect = "destroy"
do     = { files = "delete", under = "data", match = "*.json" }
undo   = { none = "a test" }
"#;
    estate.procedure("four", "", steps);
    estate
}

#[test]
fn killed_at_any_moment_a_run_has_each_effect_once() {
    let seed = seed();
    println!("MIDWATCH_TEST_SEED={seed}");
    let mut chance = Chance(seed);
    let mut killed = 0;
    for round in 0..ROUNDS {
        let estate = estate();
        let mut command = estate.command(&["run", "test/four", "--yes", "change", "--confirm", "delete 1 files"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Half of them from the first word of a runner on, however long it takes to begin.
        if round % 2 == 0 {
            wait_for("a run", || estate.runs().pop());
        }
        let moment = Instant::now() + Duration::from_millis(chance.below(LATEST));
        // It may be killed again, each runner at most once; the third may finish.
        for _ in 0..2 {
            std::thread::sleep(moment.saturating_duration_since(Instant::now()));
            let runner = estate.processes().into_iter().find(|process| process.line.contains(" __runner /"));
            if let Some(runner) = runner {
                kill(runner.pid);
                killed += 1;
            }
            child.wait().unwrap();
            let Some(run) = estate.runs().pop() else { break };
            // A journal without a record is one that was never begun.
            if estate.run().records().is_empty() {
                break;
            }
            if estate.run().view().sealed.is_none() {
                estate.midwatch(&["resume", run.id.as_str()]);
            }
        }
        let begun = !estate.runs().is_empty() && !estate.run().records().is_empty();
        if !begun {
            // Killed before its first record: nothing happened, and nothing is left that claims otherwise.
            assert_eq!((estate.lines("first"), estate.names("logs").len()), (0, 1), "round {round}");
            continue;
        }
        let run = estate.run();
        assert_eq!(run.drive().sealed, Some(RunStatus::Ok), "round {round}");
        assert_eq!((estate.lines("first"), estate.lines("second")), (1, 1), "round {round}");
        assert_eq!(estate.names("to").len() + estate.names("logs").len() + estate.names("data").len(), 2);
        let begun = run.events().iter().filter(|event| matches!(event, Event::StepIntent { .. })).count();
        assert!(begun >= 4, "round {round}");
        run.is_whole_and_known();
        estate.nothing_runs();
    }
    assert!(killed > 5, "the kills came too late or too early: {killed}");
}
