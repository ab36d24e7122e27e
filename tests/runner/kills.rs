//! Every process of a run is killed at moments that nothing chose, without a failpoint; then the run is resumed, its questions are
//! answered with what is true at the target, and the target is counted.
//!
//! ```text
//! seed ─▶ steps with children and daemons ─▶ run ─▶ { kill runner · shim · act · child · client · several · all }
//!      ─▶ resume ─▶ answer by the socket or `attach --plain` · abort with and without undo ─▶ seal ─▶ judge
//! ```
//! `MIDWATCH_TEST_SEED` repeats a sample, `MIDWATCH_STORM_KILLS` goes on until there were so many kills, `MIDWATCH_STORM_PROGRAM`
//! is the build that is killed, `MIDWATCH_STORM_MINUTES` ends it sooner. The estate of a run with a violation is kept.

mod case;
mod drive;
mod judge;
mod victims;

use crate::runner::chance::{Chance, seed};
use case::Case;
use drive::Drive;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use victims::Blow;

/// How many kills the sample of the suite has.
const SAMPLE: u64 = 10;

/// How many runs go on at once.
const WORKERS: usize = 2;

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    runs: u64,
    blows: BTreeMap<Blow, u64>,
    processes: u64,
    resumes: u64,
    aborts: u64,
    unknowns: u64,
    typed: u64,
    effects: u64,
    violations: Vec<String>,
}

impl Tally {
    fn kills(&self) -> u64 {
        self.blows.values().sum()
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.processes += other.processes;
        self.resumes += other.resumes;
        self.aborts += other.aborts;
        self.unknowns += other.unknowns;
        self.typed += other.typed;
        self.effects += other.effects;
        self.violations.extend(other.violations);
        for (blow, count) in other.blows {
            *self.blows.entry(blow).or_default() += count;
        }
    }

    fn line(&self) -> String {
        let blows: Vec<String> = self.blows.iter().map(|(blow, count)| format!("{} {count}", blow.word())).collect();
        format!(
            "{} runs, {} kills ({}; {} processes), {} resumes, {} aborts, {} unknowns asked, {} answers typed, {} effects, {} violations",
            self.runs,
            self.kills(),
            blows.join(", "),
            self.processes,
            self.resumes,
            self.aborts,
            self.unknowns,
            self.typed,
            self.effects,
            self.violations.len()
        )
    }
}

/// One run from its own seed, killed and judged.
fn round(seed: u64, number: u64, program: Option<&PathBuf>) -> Tally {
    // Each run has a seed of its own, so that one alone can be looked at.
    let mut chance = Chance(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1);
    let case = Case::new(&mut chance, program.map(PathBuf::as_path));
    let work = catch_unwind(AssertUnwindSafe(|| {
        let (mut tally, stuck) = Drive::new(&case, &mut chance).go();
        tally.violations = match stuck {
            Some(stuck) => vec![stuck],
            None => judge::judge(&case),
        };
        tally.effects = case.count();
        tally
    }));
    let mut tally = work.unwrap_or_else(|cause| {
        let cause = cause.downcast_ref::<String>().cloned().unwrap_or_else(|| "no reason is known".to_owned());
        Tally { runs: 1, violations: vec![format!("the test gave up: {cause}")], ..Tally::default() }
    });
    if !tally.violations.is_empty() {
        let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kept-{seed}-{number}"));
        let copied = Command::new("cp").arg("-a").arg(case.estate.beside("")).arg(&kept).status();
        let kept = copied.map_or_else(|cause| cause.to_string(), |_| kept.display().to_string());
        for what in &mut tally.violations {
            *what = format!("run {number} of seed {seed}: {what}; kept in {kept}");
            eprintln!("{what}");
        }
    }
    tally
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

#[test]
fn no_kill_repeats_an_effect_and_every_run_ends() {
    let seed = seed();
    println!("MIDWATCH_TEST_SEED={seed}");
    let wanted = number_of("MIDWATCH_STORM_KILLS").unwrap_or(SAMPLE);
    let program = std::env::var_os("MIDWATCH_STORM_PROGRAM").map(PathBuf::from);
    let span = Duration::from_secs(60 * number_of("MIDWATCH_STORM_MINUTES").unwrap_or(120));
    let (began, next, total) = (Instant::now(), AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while total.lock().unwrap().kills() < wanted && began.elapsed() < span {
                    let tally = round(seed, next.fetch_add(1, Ordering::Relaxed), program.as_ref());
                    let mut total = total.lock().unwrap();
                    total.add(tally);
                    if total.runs % 10 == 0 {
                        println!("{}, {:?}", total.line(), began.elapsed());
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!("{}, {:?}", total.line(), began.elapsed());
    assert!(total.violations.is_empty(), "{:#?}", total.violations);
    assert!(total.effects > total.runs, "too little was done: {}", total.line());
    assert!(total.runs > 1 && total.kills() >= wanted.min(SAMPLE), "too few kills: {}", total.line());
}

#[test]
fn a_wrong_effect_at_the_target_is_detected() {
    let mut chance = Chance(3);
    let mut case = Case::new(&mut chance, None);
    case.replace(&[0, 1]);
    case.estate.start("kills", &["--yes", "change"]).exits(0);
    assert_eq!(judge::judge(&case), Vec::<String>::new());
    let run = case.run().unwrap().dir.id;
    let file = case.estate.tree("done-1");
    let line = std::fs::read_to_string(&file).unwrap();
    let late = "9999999999999999999";
    let cases = [
        (format!("{line}{line}"), "its effect is there 2 times"),
        (String::new(), "its effect is absent"),
        (format!("{run}.2.9 1\n"), "an effect without an intent"),
        (format!("{run}.2.1 {late}\n"), "it acts after the seal"),
        (format!("{run}.2.1 {late}\n"), "ended ok, and it acts after that"),
    ];
    for (text, seen) in cases {
        std::fs::write(&file, text).unwrap();
        let wrong = judge::judge(&case);
        assert!(wrong.iter().any(|line| line.contains(seen)), "{seen}: {wrong:?}");
    }
}
