//! Windows through the real runner: what does not fit is refused with its numbers, and the rollback is not.

use crate::support::estate::Estate;
use crate::support::hours::{ANYTIME, WINDOWS, estate, estate_of, set_clock, sunday};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Ask, Choice, Event};
use std::fs;
use std::io::Write;

/// A change that leaves a line, and takes it away when it is undone.
fn step(word: &str, takes: &str) -> String {
    format!(
        "[[work]]\ntitle = \"{word}\"\neffect = \"change\"\ntakes = \"{takes}\"\n\
         do = {{ exec = [\"sh\", \"-c\", \"echo {word} >>{{tree}}/done\"] }}\n\
         undo = {{ exec = [\"sh\", \"-c\", \"echo {word} >>{{tree}}/undone\"] }}\n"
    )
}

fn text_of(prompt: &OpenPrompt) -> String {
    match &prompt.ask {
        Ask::Decide { text, .. } => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn jumps(run: &Run<'_>) -> Vec<i64> {
    run.events()
        .iter()
        .filter_map(|event| if let Event::ClockJump { by_ms } = event { Some(*by_ms) } else { None })
        .collect()
}

#[test]
fn outside_its_window_a_change_is_refused_with_the_next_one_and_reading_is_not() {
    let estate = estate("04:00");
    estate.procedure("change", "window = \"weekly\"", &step("one", "1m"));
    estate.procedure("look", "window = \"weekly\"", "[[look]]\ntitle = \"L\"\ncheck = { exec = [\"true\"] }\n");
    let next = "no window is open; next: weekly at 2026-11-29 02:00 UTC";
    estate.start("change", &["--yes", "change"]).exits(7).prints(next).prints("--emergency");
    estate.midwatch(&["plan", "test/change"]).exits(7).prints(next);
    assert!(estate.runs().is_empty());
    estate.start("look", &[]).exits(0).prints("next: weekly at 2026-11-29 02:00 UTC (the run begins)");
    set_clock(&estate, "2026-11-29T02:00:30Z");
    estate.start("change", &["--yes", "change"]).exits(0).prints("window weekly open until 2026-11-29 04:00 UTC");
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn an_unknown_window_allows_nothing() {
    let estate = estate("03:00");
    estate.procedure("change", "window = \"weakly\"", &step("one", "1m"));
    estate.procedure("patch", "window = { operation = \"patches\" }", &step("one", "1m"));
    estate.start("change", &["--yes", "change"]).exits(7).prints("there is no window `weakly`").prints("`weekly`");
    // A window without operations is for any.
    estate.start("patch", &["--yes", "change"]).exits(0);
    fs::remove_file(estate.beside("windows.toml")).unwrap();
    estate.start("patch", &["--yes", "change"]).exits(7).prints("no window is known");
    fs::write(estate.beside("windows.toml"), "schema = 1\n[[window]]\nname = 3\n").unwrap();
    estate.start("patch", &["--yes", "change"]).exits(2).prints("windows.toml:3:8");
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_step_that_does_not_fit_with_its_undo_is_refused_with_its_numbers() {
    let estate = estate("03:42");
    estate.procedure("long", "window = \"weekly\"\nbudget = { undo = \"20m\" }", &step("one", "12m"));
    // A minute is given to a slow machine: 18 min are left at the most, and 17 at the least.
    let printed = estate.start("long", &["--yes", "change"]).exits(7).prints("needs 12 m + 20 m rollback, 17 m left");
    printed.prints("window weekly ends 04:00 UTC");
    assert!(estate.runs().is_empty());
    set_clock(&estate, &sunday("03:20"));
    estate.start("long", &["--yes", "change"]).exits(0);
}

#[test]
fn a_change_whose_time_ran_out_while_it_was_asked_for_does_not_begin() {
    let estate = estate("03:00");
    estate.procedure("two", "window = \"weekly\"", &(step("one", "10m") + &step("two", "10m")));
    let run = estate.start_waiting("two");
    let first = run.prompt();
    set_clock(&estate, &sunday("03:50"));
    run.accept(&first, consent(&first));
    let refused = run.prompt_after(&first.id);
    assert!(
        text_of(&refused).starts_with("refused: no time for one: needs 10 m + 10 m rollback, 9 m left"),
        "{refused:?}"
    );
    assert_eq!((run.count("step.intent"), estate.lines("done")), (0, 0));
    assert!(matches!(jumps(&run)[..], [by] if (2_900_000..3_100_000).contains(&by)), "{:?}", jumps(&run));
    // There is time again, and what was consented to is still the same.
    set_clock(&estate, &sunday("03:10"));
    run.accept(&refused, decide(Choice::Retry));
    let second = run.prompt_after(&refused.id);
    assert_eq!((second.step, estate.lines("done")), (1, 1));
    run.accept(&second, consent(&second));
    let view = run.sealed();
    assert_eq!((view.sealed, estate.lines("done")), (Some(RunStatus::Ok), 2));
    assert_eq!(jumps(&run).len(), 2);
    run.is_whole_and_known();
    run.midwatch("report", &[]).exits(0).prints("the clock was set");
}

#[test]
fn a_change_whose_time_ran_out_while_the_panes_were_read_does_not_begin() {
    let estate = estate("03:00");
    // A service that answers when the test lets it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    estate.configure(&format!("[[service]]\nname = \"slow\"\nurl = \"{url}\"\ntimeout = \"50s\"\n"));
    estate.procedure("one", "window = \"weekly\"", &step("one", "10m"));
    let run = estate.start_waiting("one");
    let (mut asked, _) = listener.accept().unwrap();
    let first = run.prompt();
    run.accept(&first, consent(&first));
    set_clock(&estate, &sunday("04:30"));
    asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    drop((asked, listener));
    let refused = run.prompt_after(&first.id);
    assert!(text_of(&refused).contains("no window is open; next: weekly at 2026-11-29 02:00 UTC"), "{refused:?}");
    assert_eq!((run.count("step.intent"), estate.lines("done")), (0, 0));
    run.accept(&refused, decide(Choice::Abort));
    run.sealed();
}

#[test]
fn a_rollback_continues_past_the_end_of_the_window_and_is_reported() {
    let estate = estate("03:00");
    estate.procedure(
        "two",
        "window = \"weekly\"",
        &(step("one", "10m")
            + "[[after]]\ntitle = \"M\"\nmanual = \"look\"\n"
            + &step("two", "10m").replace("work", "end")),
    );
    let run = estate.start_waiting("two");
    let first = run.prompt();
    run.accept(&first, consent(&first));
    let manual = run.prompt_after(&first.id);
    assert_eq!(estate.lines("done"), 1);
    set_clock(&estate, &sunday("04:07"));
    // A person may go on with what changes nothing by itself.
    run.accept(&manual, consent(&manual));
    let refused = run.prompt_after(&manual.id);
    assert!(text_of(&refused).contains("no window is open; next: weekly at 2026-11-29 02:00 UTC"), "{refused:?}");
    let Ask::Decide { choices, .. } = &refused.ask else { panic!() };
    assert!(!choices.contains(&Choice::Skip), "{choices:?}");
    run.accept(&refused, decide(Choice::Rollback));
    let view = run.sealed();
    assert_eq!((estate.lines("done"), estate.lines("undone")), (1, 1));
    assert!(view.time.late.iter().any(|late| late.undo && late.step == 0), "{:?}", view.time.late);
    run.is_whole_and_known();
    let printed = run.midwatch("report", &[]).exits(0).prints("the undo of step 1");
    printed.prints("after the end of its window");
}

#[test]
fn a_budget_ends_a_run_without_any_window() {
    let estate = estate("03:00");
    let header = "budget = { run = \"15m\", undo = \"15m\" }";
    estate.procedure("three", header, &(step("one", "8m") + &step("two", "8m")));
    let run = estate.start_waiting("three");
    let first = run.prompt();
    run.accept(&first, consent(&first));
    // The second was consented to with the first, and both together would take longer to undo than may be.
    let refused = run.prompt_after(&first.id);
    assert!(text_of(&refused).contains("the rollback would take 16 m, and its budget is 15 m"), "{refused:?}");
    assert_eq!(estate.lines("done"), 1);
    run.accept(&refused, decide(Choice::Rollback));
    run.sealed();
    assert_eq!(estate.lines("undone"), 1);
    // Forward as well.
    estate.procedure("late", "budget = { run = \"15m\" }", &step("one", "8m"));
    let run = estate.start_waiting("late");
    let first = run.prompt();
    set_clock(&estate, &sunday("03:30"));
    run.accept(&first, consent(&first));
    let refused = run.prompt_after(&first.id);
    assert!(text_of(&refused).contains("left of the run's budget of 15 m"), "{refused:?}");
    run.accept(&refused, decide(Choice::Abort));
    run.sealed();
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_run_counts_by_the_windows_that_it_was_started_with() {
    let estate = estate("03:00");
    estate.procedure("one", "window = \"weekly\"", &step("one", "10m"));
    let run = estate.start_waiting("one");
    fs::write(estate.beside("windows.toml"), WINDOWS.replace("2h", "30m")).unwrap();
    run.kill_runner();
    // Not by others, and not by an altered copy of its own.
    let frozen = run.dir.windows();
    let text = fs::read_to_string(&frozen).unwrap();
    assert_eq!(text, WINDOWS);
    fs::write(&frozen, WINDOWS.replace("2h", "3h")).unwrap();
    run.midwatch("resume", &[]).exits(7).prints("the frozen windows are not those");
    fs::write(&frozen, text).unwrap();
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
    estate.start("one", &["--yes", "change"]).exits(7).prints("next: weekly at 2026-11-29 02:00 UTC");
}

#[test]
fn an_item_of_a_checklist_keeps_to_the_window_and_the_rest_does_not() {
    let estate = estate("01:00");
    let steps = format!("{}[[work]]\ntitle = \"M\"\nmanual = \"look\"\n", step("one", "1m"));
    estate.procedure("list", "window = \"weekly\"\norder = \"any\"", &steps);
    estate.start("list", &[]).exits(75);
    let run = estate.run();
    let view = run.wait("the items", |view| view.items().iter().all(|item| item.seq > 0));
    let close = |step: u32| midwatch::runner::protocol::Demand::Item {
        step,
        seq: view.item(step).unwrap().seq,
        action: midwatch::journal::item::ItemAction::Close,
    };
    run.ask(close(0));
    let refused = run.prompt();
    assert!(text_of(&refused).contains("no window is open; next: weekly at 2026-11-22 02:00 UTC"), "{refused:?}");
    set_clock(&estate, &sunday("02:10"));
    run.accept(&refused, decide(Choice::Retry));
    let asked = run.prompt_after(&refused.id);
    run.accept(&asked, consent(&asked));
    run.wait("the item's end", |view| view.step(0).unwrap().state.is_over());
    assert_eq!(estate.lines("done"), 1);
    run.midwatch("abort", &[]).exits(0);
    run.sealed();
}

#[test]
fn how_long_steps_took_is_learnt_and_shown() {
    let estate = Estate::default();
    estate.procedure("good", "", &step("one", "10m"));
    for _ in 0..3 {
        estate.start("good", &["--yes", "change"]).exits(0);
    }
    let printed = estate.midwatch(&["plan", "test/good"]).exits(0);
    assert!(printed.out.contains("(3 earlier runs, longest "), "{}", printed.out);
    let run = estate.start_waiting("good");
    let pace = run.view().step(0).unwrap().head.timing.pace.unwrap();
    assert_eq!(pace.runs, 3);
    assert!(pace.p50_ms <= pace.p90_ms && pace.p90_ms < 600_000, "{pace:?}");
    run.midwatch("abort", &[]).exits(0);
}

#[test]
fn an_emergency_needs_a_second_person() {
    let estate = estate("12:00");
    estate.procedure("change", "window = \"weekly\"", &step("one", "1m"));
    let refused = estate.start("change", &["--yes", "change", "--emergency", "the disk is full"]).exits(7);
    refused.prints("second person");
    estate.start("change", &["--yes", "change", "--emergency", " "]).exits(7).prints("needs a reason");
    assert!(estate.runs().is_empty());
}

const NO_WINDOW: &str = "a change in production needs an open maintenance window, and production has no window";

#[test]
fn a_change_in_production_needs_a_window_although_its_procedure_names_none() {
    let estate = estate_of("production", "04:00");
    estate.procedure("change", "", &step("one", "1m"));
    estate.procedure("look", "", "[[look]]\ntitle = \"L\"\ncheck = { exec = [\"true\"] }\n");
    let outside =
        "step 1 (one) is outside any maintenance window: no window is open; next: weekly at 2026-11-29 02:00 UTC";
    estate.start("change", &["--yes", "change"]).exits(7).prints(outside).prints("--emergency");
    estate.midwatch(&["plan", "test/change"]).exits(7).prints(outside);
    assert!(estate.runs().is_empty());
    estate.start("look", &[]).exits(0);
    estate.midwatch(&["print", "test/change"]).exits(0).prints("any maintenance window");
    estate.midwatch(&["windows"]).exits(0).prints("a change needs an open window");
    set_clock(&estate, "2026-11-29T02:00:30Z");
    estate.start("change", &["--yes", "change"]).exits(0).prints("window weekly open until 2026-11-29 04:00 UTC");
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn production_without_a_window_refuses_every_change_until_its_rule_allows_it() {
    let estate = Estate::of("production");
    estate.procedure("change", "", &step("one", "1m"));
    let write = |text: &str| fs::write(estate.beside("windows.toml"), text).unwrap();
    let start = || estate.start("change", &["--yes", "change"]);
    start().exits(7).prints(NO_WINDOW).prints("[[window]]").prints("default = \"anytime\"");
    // The window of another environment is none of production's.
    write(&format!("{WINDOWS}environment = \"staging\"\n"));
    start().exits(7).prints(NO_WINDOW);
    write("schema = 1\n[rules.production]\nanytime = [\"test/chnge\"]\n");
    start().exits(7).prints(NO_WINDOW);
    estate
        .midwatch(&["lint"])
        .exits(2)
        .prints("windows.toml:3:12: there is no procedure `test/chnge` (did you mean `test/change`?)");
    assert_eq!((estate.lines("done"), estate.runs().len()), (0, 0));
    write("schema = 1\n[rules.production]\nanytime = [\"test/change\"]\n");
    start().exits(0);
    write(ANYTIME);
    start().exits(0);
    assert_eq!(estate.lines("done"), 2);
}

#[test]
fn another_environment_needs_a_window_only_by_its_own_rule() {
    let estate = Estate::of("staging");
    estate.procedure("change", "", &step("one", "1m"));
    estate.start("change", &["--yes", "change"]).exits(0);
    fs::write(estate.beside("windows.toml"), "schema = 1\n[rules.staging]\ndefault = \"window\"\n").unwrap();
    let no_window = NO_WINDOW.replace("production", "staging");
    estate.start("change", &["--yes", "change"]).exits(7).prints(&no_window);
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_run_keeps_to_the_rule_it_was_started_by_at_each_step() {
    let estate = estate_of("production", "03:00");
    estate.procedure("two", "", &(step("one", "10m") + &step("two", "10m").replace("work", "end")));
    let run = estate.start_waiting("two");
    // What is written now counts from the next run on.
    fs::write(estate.beside("windows.toml"), ANYTIME).unwrap();
    let first = run.prompt();
    set_clock(&estate, &sunday("04:30"));
    run.accept(&first, consent(&first));
    let refused = run.prompt_after(&first.id);
    assert!(
        text_of(&refused).starts_with("refused: one is outside any maintenance window: no window is open"),
        "{refused:?}"
    );
    assert_eq!((run.count("step.intent"), estate.lines("done")), (0, 0));
    set_clock(&estate, &sunday("03:10"));
    run.accept(&refused, decide(Choice::Retry));
    run.wait("the first step's end", |view| view.step(0).unwrap().state.is_over());
    let second = run.prompt_after(&refused.id);
    set_clock(&estate, &sunday("04:31"));
    run.accept(&second, consent(&second));
    let refused = run.prompt_after(&second.id);
    assert!(text_of(&refused).starts_with("refused: two is outside any maintenance window"), "{refused:?}");
    run.accept(&refused, decide(Choice::Abort));
    run.sealed();
    assert_eq!(estate.lines("done"), 1);
    run.midwatch("report", &[]).exits(0).prints("any window");
}
