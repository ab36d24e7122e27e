//! Random procedures, answers, crashes and clocks; after each the journal is held against what must hold of every journal,
//! and the effects are counted at the target.
//!
//! ```text
//! seed ─▶ procedure ─▶ run ─▶ { answer · refuse · note · abort · kill the runner · kill all of it · failpoint · jump } ─▶ seal
//!                                  └──────────── until the seal; then the invariants, and the effects ────────────┘
//! ```
//! `MIDWATCH_TEST_SEED` repeats a sample, `MIDWATCH_SOAK_KILLS` goes on until so many processes were killed. The history of a
//! case that fails is kept in `tests/fixtures/histories`, and is checked from then on.

use crate::runner::chance::{Chance, seed};
use crate::runner::histories::shelf;
use crate::support::estate::{Estate, LOOK, kill};
use crate::support::invariants::violations;
use crate::support::run::{Run, decide, demand};
use midwatch::domain::{EffectClass, PromptId};
use midwatch::journal::chain::{Verdict, read};
use midwatch::journal::fold::{OpenPrompt, RunView};
use midwatch::journal::record::{Answer, Ask, Choice, Ending, Event};
use midwatch::runner::failpoint;
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// How long the sample in the suite goes on, and how many cases it has at least and at most.
const SAMPLE: (Duration, u32, u32) = (Duration::from_secs(20), 4, 20);

/// How long one case may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// After how many of its disturbances a case is left to end in peace.
const MOST_TROUBLE: u32 = 6;

/// The steps that a procedure is made of; `N` is the step's own number.
const STEPS: [&str; 9] = [
    r#"title = "Check N"
check = { exec = ["test", "-d", "{tree}"] }"#,
    r#"title = "Append N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N; sleep 0.05"] }
undo = { exec = ["sh", "-c", "echo undone >>{tree}/undone-N"] }"#,
    r#"title = "Append once N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N"] }
undo = { none = "a test" }"#,
    r#"title = "Append and prove N"
effect = "change"
do = { exec = ["sh", "-c", "sleep 0.05; echo done >>{tree}/done-N"] }
prove = { exec = ["test", "-s", "{tree}/done-N"] }
undo = { none = "a test" }"#,
    r#"title = "Fail the first time N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N; test -e {tree}/once-N && exit 0; touch {tree}/once-N; exit 3"] }
undo = { none = "a test" }"#,
    r#"title = "Move N"
effect = "change"
do = { files = "move", under = "from-N", match = "*.gz", to = "to-N" }
prove = { files = "arrived" }
undo = { files = "restore" }"#,
    r#"title = "Delete N"
effect = "destroy"
do = { files = "delete", under = "data-N", match = "*.json" }
prove = { files = "gone" }
undo = { none = "a test" }"#,
    r#"title = "Sign N"
manual = "Look at it."
sign = { note = "required" }"#,
    r#"title = "Tell N"
notify = ["oncall"]"#,
];

/// A case: an estate with a random procedure.
struct Case {
    estate: Estate,
    steps: Vec<usize>,
    killed: u32,
    trouble: u32,
    jumps: u32,
}

impl Case {
    fn new(chance: &mut Chance) -> Self {
        // Readings of all panes take longer than these runs; they are there in every tenth case.
        let spans = if chance.below(10) == 0 { "200" } else { "0" };
        let estate = Estate::default().with("MIDWATCH_SPAN_PANES", spans).with("MIDWATCH_SPAN_GRACE", "500");
        let shift = estate.beside("shift").display().to_string();
        let estate = estate.with("MIDWATCH_WALL_SHIFT", &shift);
        let count = 2 + chance.below(4) as usize;
        // The notice is told to receivers that an estate names: it stays out where there are none.
        let steps: Vec<usize> = (0..count).map(|_| chance.below(STEPS.len() as u64 - 1) as usize).collect();
        let mut text = String::new();
        for (number, step) in steps.iter().enumerate() {
            for below in 0..3 {
                estate.file(&format!("from-{number}/{below}.gz"), "log");
                estate.file(&format!("data-{number}/{below}.json"), "data");
            }
            estate.file(&format!("to-{number}/kept"), "");
            let phase = if number < 2 { "first" } else { "second" };
            let step = STEPS[*step].replace("-N", &format!("-{number}")).replace(" N\"", &format!(" {number}\""));
            text += &format!("[[{phase}]]\n{step}\n");
        }
        estate.procedure("random", "lock = [\"host\"]", &text);
        Self { estate, steps, killed: 0, trouble: 0, jumps: 0 }
    }

    /// Starts it, perhaps with a place at which the runner is killed.
    fn start(&mut self, chance: &mut Chance) {
        self.set_failpoint(chance);
        let mut command = self.estate.command(&["run", "test/random"]);
        let null = std::process::Stdio::null;
        let mut child = command.stdin(null()).stdout(null()).stderr(null()).spawn().unwrap();
        child.wait().unwrap();
        self.clear_failpoint();
    }

    fn set_failpoint(&mut self, chance: &mut Chance) {
        if self.trouble < MOST_TROUBLE && chance.below(3) == 0 {
            let place = failpoint::ALL[chance.below(failpoint::ALL.len() as u64) as usize];
            self.estate.set("MIDWATCH_FAILPOINT", &format!("{place}@{}", 1 + chance.below(3)));
            self.trouble += 1;
        }
    }

    fn clear_failpoint(&mut self) {
        self.estate.without("MIDWATCH_FAILPOINT");
    }

    /// The run, if its first record is there.
    fn run(&self) -> Option<Run<'_>> {
        let dir = self.estate.runs().pop()?;
        let run = Run { estate: &self.estate, dir };
        (!run.records().is_empty()).then_some(run)
    }

    /// Sets the clock on the wall wrong by up to two days, either way.
    fn jump(&mut self, chance: &mut Chance) {
        let by = i64::try_from(chance.below(4 * 86_400)).unwrap() - 2 * 86_400;
        fs::write(self.estate.beside("shift"), by.to_string()).unwrap();
        self.jumps += 1;
    }

    /// Kills the runner, or it with the shim and the act.
    fn kill(&mut self, everything: bool) {
        let ours = self.estate.processes();
        let is_runner = |line: &str| line.contains(" __runner ");
        for process in ours.iter().filter(|process| everything || is_runner(&process.line)) {
            kill(process.pid);
        }
        self.trouble += 1;
    }
}

/// What somebody answers: mostly what lets the run go on, at times anything else.
fn answer(chance: &mut Chance, open: &OpenPrompt, peaceful: bool) -> Answer {
    if !peaceful && chance.below(12) == 0 {
        return Answer::Cancel;
    }
    match &open.ask {
        Ask::Confirm { effect, preview, .. } => {
            let right = if *effect == EffectClass::Destroy { preview.phrase.clone() } else { "change".to_owned() };
            let wrong = !peaceful && chance.below(6) == 0;
            Answer::Confirm { typed: if wrong { "chnage".to_owned() } else { right } }
        }
        Ask::Sign { .. } => {
            let bare = !peaceful && chance.below(4) == 0;
            Answer::Sign { note: if bare { String::new() } else { "seen".to_owned() } }
        }
        Ask::Decide { choices, .. } if peaceful => {
            // Whatever ends: to repeat what fails for ever would not.
            let calm = [Choice::Skip, Choice::Done, Choice::Abort];
            decide(calm.into_iter().find(|choice| choices.contains(choice)).unwrap_or(Choice::Abort))
        }
        Ask::Decide { choices, .. } => decide(choices[chance.below(choices.len() as u64) as usize]),
    }
}

/// Drives a run to its seal through random trouble.
fn drive(case: &mut Case, chance: &mut Chance) {
    let deadline = Instant::now() + PATIENCE;
    let mut answered: Option<PromptId> = None;
    let mut old: Option<OpenPrompt> = None;
    loop {
        assert!(Instant::now() < deadline, "no seal within {PATIENCE:?}");
        let Some(run) = case.run() else { return };
        let view = run.view();
        let lives = run.dir.runner_lives();
        if view.sealed.is_some() {
            if lives {
                std::thread::sleep(LOOK);
                continue;
            }
            return;
        }
        let peaceful = case.trouble >= MOST_TROUBLE;
        if !lives {
            let id = run.dir.id.to_string();
            case.killed += 1;
            case.set_failpoint(chance);
            case.estate.midwatch(&["resume", &id]);
            case.clear_failpoint();
            continue;
        }
        let fresh = view.prompt.clone().filter(|open| answered.as_ref() != Some(&open.id));
        match (chance.below(if peaceful { 4 } else { 24 }), fresh) {
            (0..16, Some(open)) => {
                let said = answer(chance, &open, peaceful);
                let refused = matches!(run.send(demand(&open, said)), Some(Reply::Rejected { .. }));
                // A refused answer leaves the prompt open, and it may be answered again.
                answered = if refused { None } else { Some(open.id.clone()) };
                old = Some(open);
            }
            (16, _) => {
                run.send(Demand::Note { step: Some(chance.below(3) as u32), text: "seen".to_owned() });
            }
            (17, _) => {
                if let Some(open) = &old {
                    run.send(demand(open, answer(chance, open, true)));
                }
            }
            (18, _) if chance.below(4) == 0 => {
                run.send(Demand::Abort { undo: chance.below(2) == 0 });
                case.trouble += 1;
            }
            (19 | 20, _) => case.kill(false),
            (21, _) if chance.below(3) == 0 => case.kill(true),
            (22, _) => case.jump(chance),
            _ => std::thread::sleep(Duration::from_millis(1 + chance.below(20))),
        }
    }
}

/// Holds the journal against what must hold of it, and the target against the journal.
fn judge(case: &Case) {
    let Some(run) = case.run() else {
        // Killed before its first record: nothing happened.
        for number in 0..case.steps.len() {
            assert_eq!(case.estate.lines(&format!("done-{number}")), 0);
        }
        return;
    };
    let journal = fs::read(run.dir.journal()).unwrap();
    assert_eq!(violations(&journal), Vec::<String>::new());
    assert_eq!(read(&journal).verdict, Verdict::Whole { sealed: true });
    run.midwatch("verify", &[]).exits(0);
    let view = run.view();
    let events = run.events();
    for (number, _) in (0_u32..).zip(&case.steps) {
        effects(case, &view, &events, number);
    }
    case.estate.nothing_runs();
}

/// Counts the effects of one step at the target.
fn effects(case: &Case, view: &RunView, events: &[Event], number: u32) {
    let of_step = |wanted: bool| {
        move |event: &&Event| match event {
            Event::StepIntent { step, .. } => !wanted && *step == number,
            Event::StepOutcome { step, outcome, .. } => wanted && *step == number && outcome.ending == Ending::Ok,
            _ => false,
        }
    };
    let (begun, well) = (events.iter().filter(of_step(false)).count(), events.iter().filter(of_step(true)).count());
    let told = format!("step {number}, {begun} intents, {well} ended well: {:?}", view.step(number));
    let lines = case.estate.lines(&format!("done-{number}"));
    assert!(lines <= begun, "an effect without an intent: {lines}, {told}");
    let appends = (1..=4).contains(&case.steps[number as usize]);
    assert!(!appends || lines >= well, "an outcome without its effect: {lines}, {told}");
    let undone = case.estate.lines(&format!("undone-{number}"));
    assert!(undone <= view.step(number).map_or(0, |step| step.undo_attempts as usize), "{undone} undone, {told}");
    // Nothing that is moved is ever lost, and nothing that nobody asked for is deleted.
    let count = |dir: &str| case.estate.names(&format!("{dir}-{number}")).len();
    assert_eq!(count("from") + count("to"), 4, "{told}");
    assert!(begun > 0 || count("data") == 3, "{told}");
}

/// Keeps the history of a case that failed.
fn keep(case: &Case, seed: u64, number: u32) {
    let Some(dir) = case.estate.runs().pop() else { return };
    let place = shelf().join(format!("failed-{seed}-{number}.jsonl"));
    let _ = fs::copy(dir.journal(), &place);
    eprintln!("the history is kept in {}", place.display());
}

#[test]
fn random_histories_hold_what_must_hold() {
    let seed = seed();
    println!("MIDWATCH_TEST_SEED={seed}");
    let wanted: u32 = std::env::var("MIDWATCH_SOAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (mut killed, mut jumps, mut number) = (0, 0, 0);
    let began = Instant::now();
    loop {
        let (span, least, most) = SAMPLE;
        let sampled = number >= least && (began.elapsed() > span || number >= most);
        if if wanted > 0 { killed >= wanted } else { sampled } {
            break;
        }
        // Each case has a seed of its own, so that one alone can be repeated.
        let mut chance = Chance(seed.wrapping_add(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1);
        let mut case = Case::new(&mut chance);
        let work = catch_unwind(AssertUnwindSafe(|| {
            case.start(&mut chance);
            drive(&mut case, &mut chance);
            judge(&case);
        }));
        if let Err(cause) = work {
            eprintln!("case {number} of seed {seed} failed; its steps were {:?}", case.steps);
            keep(&case, seed, number);
            resume_unwind(cause);
        }
        if let Some(into) = std::env::var_os("MIDWATCH_KEEP_HISTORIES") {
            let into = std::path::Path::new(&into).join(format!("held-{seed}-{number}.jsonl"));
            let _ = case.estate.runs().pop().map(|dir| fs::copy(dir.journal(), into));
        }
        (killed, jumps, number) = (killed + case.killed, jumps + case.jumps, number + 1);
        if wanted > 0 && number % 10 == 0 {
            println!("{number} runs, {killed} kills, {jumps} clock jumps, {:?}", began.elapsed());
        }
    }
    println!("{number} runs, {killed} kills, {jumps} clock jumps, {:?}", began.elapsed());
    assert!(number >= 4, "too few cases");
}
