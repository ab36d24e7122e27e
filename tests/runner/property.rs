//! Random procedures, answers, crashes and clocks; after each the journal is held against what must hold of every journal,
//! and the effects are counted at the target.
//!
//! ```text
//! seed ─▶ procedure, its undo, window and budget, who starts it ─▶ run
//!      ─▶ { answer · refuse · note · abort · kill the runner · kill all of it · failpoint · jump · open a gate } ─▶ seal
//!                                  └──────────── until the seal; then the invariants, and the effects ────────────┘
//! ```
//! `MIDWATCH_TEST_SEED` repeats a sample, `MIDWATCH_SOAK_KILLS` goes on until so many processes were killed. The history of a
//! case that fails is kept in `tests/fixtures/histories`, and is checked from then on.

mod case;

use crate::runner::chance::{Chance, seed};
use crate::runner::histories::histories_dir;
use crate::support::estate::LOOK;
use crate::support::invariants::violations;
use crate::support::run::{Run, decide, demand};
use crate::team::people::{ANNA, BEN};
use case::{APPENDS, Case, MOST_TROUBLE};
use midwatch::domain::{EffectClass, PromptId};
use midwatch::journal::chain::{Verdict, read};
use midwatch::journal::fold::{OpenPrompt, RunView};
use midwatch::journal::record::{Answer, Ask, Choice, Ending, Event};
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// How long the sample in the suite goes on, and how many cases it has at least and at most.
const SAMPLE: (Duration, u32, u32) = (Duration::from_secs(20), 4, 20);

/// How long one case may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// An answer of a person: mostly one that lets the run go on, at times any other.
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
            // Any choice that ends: repeating a permanent failure would not, and a held run is resumed.
            let calm = [Choice::End, Choice::Skip, Choice::Done, Choice::Undone, Choice::Abort, Choice::Rollback];
            decide(calm.into_iter().find(|choice| choices.contains(choice)).unwrap_or(choices[0]))
        }
        Ask::Decide { choices, .. } => decide(choices[chance.below(choices.len() as u64) as usize]),
        Ask::Approve { .. } => Answer::Approve { note: String::new() },
    }
}

/// An answer of the second person: at times no.
fn approval(chance: &mut Chance) -> Answer {
    match chance.below(12) {
        0 => Answer::Cancel,
        1 => Answer::BreakGlass { reason: "no one else is there".to_owned() },
        _ => Answer::Approve { note: String::new() },
    }
}

/// Answers a prompt: as root, at times as the starter, who is no second person, or as the one who is.
fn give(case: &Case, chance: &mut Chance, run: &Run<'_>, open: &OpenPrompt, peaceful: bool) -> Option<Reply> {
    let answer = if open.waits_for_second() { approval(chance) } else { answer(chance, open, peaceful) };
    match (case.shared, chance.below(8)) {
        // The starter decides, too, and is no second person.
        (true, 0) => Some(case.team.ask(ANNA, run, demand(open, answer))),
        (true, 1..=3) if open.waits_for_second() => Some(case.team.ask(BEN, run, demand(open, answer))),
        _ => run.send(demand(open, answer)),
    }
}

/// Drives a run to its seal through random trouble.
fn drive(case: &mut Case, chance: &mut Chance) {
    let deadline = Instant::now() + PATIENCE;
    // A prompt that takes two answers is asked twice.
    let mut answered: Option<(PromptId, bool)> = None;
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
            case.midwatch(&["resume", &id]);
            case.clear_failpoint();
            continue;
        }
        let fresh = view.prompt.clone().filter(|open| answered != Some((open.id.clone(), open.waits_for_second())));
        match (chance.below(if peaceful { 4 } else { 25 }), fresh) {
            (0..16, Some(open)) => {
                let reply = give(case, chance, &run, &open, peaceful);
                let refused = matches!(reply, Some(Reply::Rejected { .. }));
                // A refused answer leaves the prompt open, and it may be answered again.
                answered = if refused { None } else { Some((open.id.clone(), open.waits_for_second())) };
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
            (23, _) if chance.below(2) == 0 => case.set_clock_into_a_window(),
            (23, _) => case.open(chance),
            _ => std::thread::sleep(Duration::from_millis(1 + chance.below(20))),
        }
    }
}

/// Holds the journal against what must hold of it, and the target against the journal.
fn judge(case: &Case) {
    let Some(run) = case.run() else {
        // Killed before its first record: nothing happened.
        for number in 0..case.steps.len() {
            assert_eq!(case.estate().lines(&format!("done-{number}")), 0);
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
    case.estate().nothing_runs();
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
    let text = format!("step {number}, {begun} intents, {well} ended well: {:?}", view.step(number));
    let lines = case.estate().lines(&format!("done-{number}"));
    assert!(lines <= begun, "an effect without an intent: {lines}, {text}");
    let appends = APPENDS.contains(&case.steps[number as usize]);
    assert!(!appends || lines >= well, "an outcome without its effect: {lines}, {text}");
    let undos =
        events.iter().filter(|event| matches!(event, Event::UndoIntent { step, .. } if *step == number)).count();
    let undone = case.estate().lines(&format!("undone-{number}"));
    assert!(undone <= undos, "{undone} undone, {undos} intents, {text}");
    assert!(
        case.estate().lines(&format!("notified-{number}")) <= begun,
        "a receiver was notified without an intent, {text}"
    );
    // No moved file is lost, and no other file is deleted.
    let count = |dir: &str| case.estate().names(&format!("{dir}-{number}")).len();
    assert_eq!(count("from") + count("to"), 4, "{text}");
    assert!(begun > 0 || count("data") == 3, "{text}");
}

/// Keeps the history of a case that failed.
fn keep(case: &Case, seed: u64, number: u32) {
    let Some(dir) = case.estate().runs().pop() else { return };
    let place = histories_dir().join(format!("failed-{seed}-{number}.jsonl"));
    let _ = fs::copy(dir.journal(), &place);
    eprintln!("the history is kept in {}", place.display());
}

#[test]
fn random_histories_keep_all_invariants() {
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
            let _ = case.estate().runs().pop().map(|dir| fs::copy(dir.journal(), into));
        }
        (killed, jumps, number) = (killed + case.killed, jumps + case.jumps, number + 1);
        if wanted > 0 && number % 10 == 0 {
            println!("{number} runs, {killed} kills, {jumps} clock jumps, {:?}", began.elapsed());
        }
    }
    println!("{number} runs, {killed} kills, {jumps} clock jumps, {:?}", began.elapsed());
    assert!(number >= 4, "too few cases");
}
