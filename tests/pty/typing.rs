//! A person types for something else while runs wait: no answer may come of it.
//!
//! One estate has a run waiting for each kind of prompt, and a checklist. Consoles are opened on it, one after the other and at
//! times two at once, full-screen, read-only and plain, at several sizes, and cut off in the middle. Three rules say what may be
//! typed, so that nothing has to be guessed about what the typist meant:
//!
//! * What people type for something else (filters, commands, notes, claims, searches, a paste, a click), in a burst or slowly. No
//!   key of it opens a prompt, so no prompt is open, and every answer is a defect.
//! * The same over the open prompt of a run that the console started itself: only what leads elsewhere.
//! * Any key at all, those that open and those that confirm too, never as far apart as the quiet time.
//!
//! Before all that, each kind of confirmation is made once on purpose, and the judge must see it. `MIDWATCH_TYPING_SECONDS` goes on
//! for longer than the sample, `MIDWATCH_TEST_SEED` repeats one.

mod control;
mod estate;
mod typist;

use crate::runner::chance::{Chance, seed};
use crate::support::pty::SOON;
use estate::Estate;
use std::time::{Duration, Instant};
use typist::{SIZES, Tally, Typist, starts_own};

/// How long the sample in the suite goes on.
const SAMPLE: u64 = 20;

/// How many keys are pressed wildly in one console, at most.
const WILD_KEYS: u64 = 90;

#[test]
fn what_is_typed_for_something_else_answers_nothing() {
    let seed = seed();
    println!("MIDWATCH_TEST_SEED={seed}");
    let mut chance = Chance(seed);
    let seconds = std::env::var("MIDWATCH_TYPING_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SAMPLE);
    let mut estate = Estate::new();
    assert_eq!(estate.confirmations(), Vec::<String>::new(), "nothing was typed yet");
    let mut tally = Tally::default();
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(seconds) {
        let (typed, late) = console(&mut estate, &mut chance, &mut tally);
        let found = estate.confirmations();
        assert!(found.is_empty(), "seed {seed}, late keys: {late}, typed: {typed}\n{found:#?}");
        assert_eq!(estate.effects(), Vec::<String>::new(), "seed {seed}, typed: {typed}");
        if began.elapsed().as_secs() / 60 > count {
            count = began.elapsed().as_secs() / 60;
            println!("{count} m: {} consoles, {} keys, no confirmation", tally.consoles(), tally.keys);
        }
    }
    let Tally { keys, full, read_only, second, plain, own, open, sizes, cuts, late } = tally;
    println!(
        "typing {seconds} s, seed {seed}: {} consoles ({full} full-screen, {second} with a second one, {own} that started the run, \
         {read_only} read-only, {plain} plain), {keys} keys, {sizes} sizes, {cuts} cut lines; {} prompts waited, one was open at \
         {open} looks; {late} keys came late by this machine; 0 confirmations",
        full + read_only + second + plain + own,
        estate.prompts(),
    );
    assert!(full > 0 && keys > 100);
    // Chance gives each its turn within minutes.
    if seconds >= 300 {
        assert!(read_only > 0 && second > 0 && plain > 0 && own > 0 && open > 0, "every kind of console had its turn");
    }
}

/// Opens one console, types into it and leaves it; what was typed, and whether this machine was late with a key.
fn console(estate: &mut Estate, chance: &mut Chance, tally: &mut Tally) -> (String, bool) {
    let (_, run) = estate.waiting[chance.below(estate.waiting.len() as u64) as usize].clone();
    let size = SIZES[chance.below(SIZES.len() as u64) as usize];
    match chance.below(10) {
        0 => return plain(estate, &run, chance, tally),
        1 if size.0 >= 80 => return own(estate, size, chance, tally),
        _ => {}
    }
    let read_only = chance.below(8) == 0;
    let mut arguments: Vec<&str> = if read_only { vec!["--read-only"] } else { Vec::new() };
    if chance.below(3) > 0 {
        arguments.extend(["attach", &run]);
    }
    // Another console of the same person may be open on the same run.
    let second = !read_only && chance.below(6) == 0;
    let beside = second.then(|| estate.home.open(&["attach", &run], &[], (100, 30)));
    *(if read_only {
        &mut tally.read_only
    } else if second {
        &mut tally.second
    } else {
        &mut tally.full
    }) += 1;
    let pty = estate.home.open(&arguments, &[], size);
    // At times the keys are there before the console is.
    if chance.below(4) > 0 {
        pty.wait_until(SOON, vt100::Screen::alternate_screen);
        let least = size.0 >= 40 && size.1 >= 10;
        pty.wait_for(SOON, |screen| screen.contains(if least { "UTC" } else { "needs" }));
    }
    let wild = chance.below(2) == 0;
    let stretches = 1 + chance.below(5);
    let wild_keys = chance.below(WILD_KEYS) as usize;
    let mut typist = Typist::at(pty, chance, tally);
    if wild {
        typist.hammers(wild_keys);
    } else {
        (0..stretches).for_each(|_| typist.types(false));
    }
    drop(beside);
    typist.goes()
}

/// A console that starts a run itself: its prompt is open while the person types on.
fn own(estate: &mut Estate, size: (u16, u16), chance: &mut Chance, tally: &mut Tally) -> (String, bool) {
    tally.own += 1;
    let pty = estate.home.open(&[], &[], size);
    let run = starts_own(estate, &pty);
    let wild = chance.below(2) == 0;
    let wild_keys = chance.below(WILD_KEYS) as usize;
    let mut typist = Typist::at(pty, chance, tally);
    if wild {
        typist.hammers(wild_keys);
    } else {
        (0..3).for_each(|_| typist.types(true));
    }
    let went = typist.goes();
    let found = estate.confirmations();
    assert!(found.is_empty(), "in the console that started it, typed: {}\n{found:#?}", went.0);
    estate.end(&run);
    went
}

/// The same run as plain questions, and lines that answer none of them.
fn plain(estate: &Estate, run: &str, chance: &mut Chance, tally: &mut Tally) -> (String, bool) {
    tally.plain += 1;
    let pty = estate.home.open(&["attach", "--plain", run], &[], (120, 50));
    let mut typist = Typist::at(pty, chance, tally);
    typist.types_lines();
    typist.goes()
}
