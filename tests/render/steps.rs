//! The steps of a run: none is out of sight without a word, no time is cut, and none is planned in a run that is over.

use super::{HUGE, SMALL, WIDE, operator, pressed, run, shown};
use midwatch::app::Model;
use midwatch::app::msg::Page;
use midwatch::demo::sample;
use midwatch::domain::{EffectClass, RunStatus, Verb};

/// A run of so many steps whose second one waits for something, for ten seconds of its twenty minutes.
fn waiting(size: (u16, u16), steps: usize) -> Model {
    let mut view = sample::running().view().unwrap();
    let planned = view.steps[3].clone();
    view.steps.truncate(3);
    view.steps.resize(steps, planned);
    view.steps[1].head.verb = Verb::Wait;
    view.steps[1].head.timeout_s = Some(1200);
    view.steps[1].started = Some(sample::at(441));
    sample::following(size, operator(), view, true)
}

/// The rows of the grid that show a step.
fn steps_shown(screen: &str) -> usize {
    let states = ["✓  done", "▶  running", "○  planned"];
    screen.lines().filter(|line| states.iter().any(|state| line.contains(state))).count()
}

/// The number before some words.
fn number_before(screen: &str, words: &str) -> usize {
    let before = screen.split(words).next().filter(|before| before.len() < screen.len()).unwrap_or_default();
    before.trim_end().rsplit(' ').next().unwrap_or_default().parse().unwrap_or(0)
}

#[test]
fn steps_out_of_sight_are_counted_with_what_they_do() {
    for (size, keys) in [(SMALL, "6"), (WIDE, "6"), (WIDE, "1"), (HUGE, "6"), (HUGE, "1"), ((60, 15), "6")] {
        let mut model = pressed(waiting(size, 60), keys);
        let screen = shown(&mut model);
        let (seen, more) = (steps_shown(&screen), number_before(&screen, "more steps"));
        let above = number_before(&screen, "steps above") + number_before(&screen, "step above");
        assert!(seen > 0 && more > 0, "{size:?} {keys}: {screen}");
        assert_eq!(above + seen + more, 60, "{size:?} {keys}: {screen}");
        // Of the last 58 one destroys, and all others change something.
        assert!(screen.contains(" change"), "{screen}");
        let mut model = pressed(waiting(size, 60), "6 G");
        let screen = shown(&mut model);
        let above = number_before(&screen, "steps above");
        assert!(above > 0 && !screen.contains("more step"), "{size:?}: {screen}");
        assert_eq!(above + steps_shown(&screen), 60, "{size:?}: {screen}");
    }
    let mut model = run(HUGE, &sample::running());
    let screen = shown(&mut model);
    assert!(!screen.contains("more step") && !screen.contains("above"), "all are in sight: {screen}");
}

#[test]
fn what_is_below_says_how_much_of_it_destroys() {
    let mut model = waiting(SMALL, 30);
    let view = model.run.view.as_mut().unwrap();
    for step in view.steps.iter_mut().skip(28) {
        step.head.effect = EffectClass::Destroy;
    }
    let screen = shown(&mut model);
    assert!(screen.contains(" change, 2 destroy "), "{screen}");
}

#[test]
fn the_time_of_a_wait_is_never_cut() {
    for size in [(60, 15), SMALL, (100, 30), WIDE, HUGE] {
        for keys in ["6", "1"] {
            let mut model = pressed(waiting(size, 5), keys);
            let screen = shown(&mut model);
            let rows: Vec<&str> = screen.lines().filter(|line| line.contains("▶  running")).collect();
            assert!(rows.iter().all(|row| row.contains("10 s of 20 m")), "{size:?}: {screen}");
            assert!(!rows.is_empty() || keys == "1", "{size:?}: {screen}");
        }
    }
}

#[test]
fn what_a_run_that_is_over_never_came_to_is_not_planned() {
    for (size, keys) in [(SMALL, "6"), (WIDE, "6"), (WIDE, "1"), (SMALL, "6 G Enter")] {
        let mut view = sample::change().view().unwrap();
        (view.sealed, view.ended, view.prompt) = (Some(RunStatus::Aborted), Some(sample::at(446)), None);
        let mut model = pressed(sample::following(size, operator(), view, false), keys);
        let screen = shown(&mut model);
        assert!(screen.contains("not reached") && !screen.contains("planned "), "{size:?}: {screen}");
    }
}

#[test]
fn a_failed_step_that_a_person_is_asked_about_is_not_over() {
    let mut model = pressed(run(WIDE, &sample::decide()), "Esc");
    let screen = shown(&mut model);
    assert!(screen.contains("waiting  2/5"), "{screen}");
    let view = sample::decide().view().unwrap();
    assert_eq!((view.steps_over(), view.steps[2].state.is_over()), (2, true));
    let view = sample::finished().view().unwrap();
    assert_eq!(view.steps_over(), 5);
}

/// The same with so many lines in the log.
fn with_log(mut model: Model, lines: usize) -> Model {
    let mut all = sample::log_lines();
    all.truncate(lines);
    let page = Page {
        top: 0,
        total_lines: all.len() as u64,
        counted: true,
        total_bytes: 4096,
        dropped: 0,
        lines: all,
        following: true,
        found: None,
        searched: false,
    };
    sample::read_log(&mut model, page);
    model
}

#[test]
fn on_a_laptop_a_long_run_shows_its_steps_and_what_one_may_do() {
    for (lines, least) in [(0, 9), (2, 9), (9, 5)] {
        let mut model = with_log(pressed(waiting((100, 30), 12), "6"), lines);
        let screen = shown(&mut model);
        assert!(screen.contains(" you may ") && screen.contains(" now ") && screen.contains(" next "), "{screen}");
        assert!(steps_shown(&screen) >= least, "{lines} lines, {} steps:\n{screen}", steps_shown(&screen));
        assert!(lines == 0 || screen.contains("reading data/backups") || lines > 4, "{screen}");
    }
}

#[test]
fn where_room_is_short_what_was_goes_before_what_is() {
    for rows in 20..40 {
        let mut model = pressed(waiting((100, rows), 30), "6");
        let screen = shown(&mut model);
        assert!(screen.contains(" you may ") && screen.contains(" now "), "{rows}:\n{screen}");
        let (last, next) = (screen.contains("│ last "), screen.contains("│ next "));
        assert!(next || !last, "{rows}:\n{screen}");
        assert!(steps_shown(&screen) >= 3, "{rows}:\n{screen}");
    }
}

#[test]
fn a_count_of_nothing_is_left_out_of_a_steps_detail() {
    let mut view = sample::running().view().unwrap();
    let outcome = view.steps[0].outcome.as_mut().unwrap();
    outcome.counts = [("moved".to_owned(), 42), ("left_alone".to_owned(), 0)].into();
    let mut model = pressed(sample::following(WIDE, operator(), view, true), "6 g g Enter");
    let screen = shown(&mut model);
    assert!(screen.contains("moved 42") && !screen.contains("left alone"), "{screen}");
}
