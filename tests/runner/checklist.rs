//! Checklists through the real binary: evidence ticks by itself, people close the rest, and a runner that dies loses nothing.

use crate::support::estate::{Estate, wait_for};
use crate::support::run::{Run, consent, demand};
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::fold::{ItemState, ItemView, RunView};
use midwatch::journal::item::ItemAction;
use midwatch::journal::record::{Answer, Event};
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

/// Before: a fresh file (hard), a run, a service that is down, a read. During: a change and a sign-off. After: a notice.
const STEPS: &str = r#"
[[before]]
title = "Fresh"
why   = "It is the rollback"
gate  = "hard"
check = { files = "newest", under = "backups", match = "*.gz", younger = "24h" }
[[before]]
title = "Looked"
check = { run = "test/looks", since = "1h" }
[[before]]
title = "Service"
check = { probe = "service", target = "web" }
[[before]]
title = "State"
read  = { exec = ["cat", "{tree}/state"] }
save  = "state"
[[during]]
title  = "Append"
effect = "change"
do     = { exec = ["sh", "-c", "echo '{{state}}' >>{tree}/done"] }
undo   = { none = "a test" }
[[during]]
title  = "Deviations"
manual = "Was it {{state}}?"
sign   = { note = "required" }
[[after]]
notify = "It was {{state.output}}"
"#;

pub fn estate() -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_LOOK_AGAIN", "50");
    let text = fs::read_to_string(estate.beside("midwatch.toml")).unwrap();
    let service = "[[service]]\nname = \"web\"\nurl = \"http://127.0.0.1:1/\"\n";
    fs::write(estate.beside("midwatch.toml"), text + service).unwrap();
    estate.file("state", "all quiet\nsecond line\n");
    estate.procedure("looks", "", "[[look]]\ntitle = \"L\"\ncheck = { exec = [\"true\"] }\n");
    estate.procedure("list", "order = \"any\"", STEPS);
    estate
}

fn item(view: &RunView, step: u32) -> ItemView {
    view.item(step).unwrap()
}

fn want(item: &ItemView, item_action: ItemAction) -> Demand {
    Demand::Item { step: item.step, seq: item.seq, action: item_action }
}

pub fn hand(note: &str) -> ItemAction {
    ItemAction::Hand { note: note.to_owned() }
}

pub fn skip(reason: &str) -> ItemAction {
    ItemAction::Skip { reason: reason.to_owned() }
}

#[track_caller]
pub fn accepted(run: &Run<'_>, step: u32, action: ItemAction) {
    let reply = run.ask(want(&item(&run.view(), step), action));
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
}

/// Waits until an item is so.
#[track_caller]
pub fn becomes(run: &Run<'_>, step: u32, state: ItemState) -> ItemView {
    item(&run.wait(state.word(), |view| item(view, step).state == state), step)
}

#[test]
fn a_checklist_is_walked_to_its_end_on_evidence_claims_and_skips() {
    let estate = estate();
    let run = estate.start_waiting("list");
    let view = run.view();
    assert_eq!((view.phase(), run.status().as_str()), (Some("before"), "waiting"));
    // Nothing is ticked that was not seen: no file, no run, no service.
    let found: Vec<_> = view.items().iter().take(3).map(|item| (item.state, item.found.clone())).collect();
    assert!(found.iter().all(|(state, _)| *state == ItemState::Open), "{found:?}");
    assert!(found[0].1.contains("cannot read") || found[0].1.contains("unknown"), "{found:?}");
    assert_eq!(found[1].1, "no run of test/looks is here");
    assert!(found[2].1.starts_with("critical") || found[2].1.starts_with("unknown"), "{found:?}");
    // A read saves, and its item is closed by it.
    assert_eq!(view.saved["state"].text, "all quiet");
    assert_eq!(item(&view, 3).state, ItemState::Evidence);
    // A hard gate accepts no claim; a requested look reports what it saw.
    run.refused(&run.to_it(want(&item(&view, 0), hand("trust me"))), "hard gate");
    run.refused(&run.to_it(want(&item(&view, 0), skip("later"))), "hard gate");
    let reply = run.ask(want(&item(&view, 0), ItemAction::Close));
    assert!(matches!(&reply, Reply::Rejected { why } if why.starts_with("it stays open")), "{reply:?}");
    // Evidence ticks by itself as soon as it is there.
    estate.file("backups/new.gz", "data");
    let fresh = becomes(&run, 0, ItemState::Evidence);
    let evidence = fresh.evidence.unwrap();
    assert_eq!((evidence.facts["name"].as_str(), evidence.facts["size_bytes"].as_str()), ("backups/new.gz", "4"));
    estate.start("looks", &[]).exits(0);
    let looks = estate.run();
    let looked = becomes(&run, 1, ItemState::Evidence).evidence.unwrap();
    assert_eq!(looked.facts["run"], looks.dir.id.as_str());
    assert_eq!(looked.facts["head"], looks.view().head.as_str());
    // A failed check stays failed; a person's word is a claim.
    run.refused(&run.to_it(want(&item(&run.view(), 2), hand(" "))), "needs a note");
    accepted(&run, 2, hand("down on purpose"));
    // The act opens its prompt as usual; the other item stays available.
    becomes(&run, 4, ItemState::Open);
    accepted(&run, 4, ItemAction::Close);
    let prompt = run.prompt();
    assert_eq!(prompt.step, 4);
    accepted(&run, 5, hand("none"));
    run.accept(&prompt, consent(&prompt));
    becomes(&run, 4, ItemState::Evidence);
    assert_eq!(fs::read_to_string(estate.tree("done")).unwrap(), "all quiet\n");
    accepted(&run, 6, ItemAction::Close);
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    assert_eq!(item(&view, 6).note, "It was all quiet\nsecond line");
    run.is_whole_and_known();
    check_report(&run);
    estate.nothing_runs();
}

fn check_report(run: &Run<'_>) {
    let page = run.midwatch("report", &[]).exits(0).out;
    for expected in [
        "## Checklist",
        "before 4/4",
        "says: down on purpose",
        "did not pass: ",
        "| claim |",
        "## Appendix: evidence",
        "- name: backups/new.gz",
        "| Status | ok, ",
        "## Read and saved",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    // The table has a sentence; the appendix has every fact.
    let (table, appendix) = page.split_once("## Appendix: evidence").unwrap();
    assert!(
        appendix.contains("- size (size_bytes): 4")
            && appendix.contains("- read from: ")
            && !table.contains("size_bytes"),
        "{page}"
    );
    let html = run.midwatch("report", &["--format", "html"]).exits(0).out;
    let (table, appendix) = html.split_once("<h2>Appendix: evidence</h2>").unwrap();
    assert!(appendix.contains("<dt>size (size_bytes)</dt><dd>4</dd>") && !table.contains("size_bytes"), "{html}");
    let json: serde_json::Value =
        serde_json::from_str(&run.midwatch("report", &["--format", "json"]).exits(0).out).unwrap();
    assert_eq!(json["items"][2]["state"], "claim");
    assert_eq!(json["items"][2]["by"]["uid"], rustix::process::getuid().as_raw());
    assert_eq!(json["items"][0]["evidence"]["facts"]["name"], "backups/new.gz");
    assert_eq!(json["saved"]["state"]["facts"]["output"], "all quiet\nsecond line");
}

#[test]
fn a_runner_killed_in_mid_walk_is_followed_by_another_and_nothing_is_lost() {
    let estate = estate();
    let run = estate.start_waiting("list");
    accepted(&run, 2, hand("seen"));
    estate.file("backups/new.gz", "data");
    accepted(&run, 1, skip("nothing to look at"));
    becomes(&run, 4, ItemState::Open);
    accepted(&run, 4, ItemAction::Close);
    let prompt = run.prompt();
    run.kill_runner();
    run.is_interrupted();
    run.midwatch("resume", &[]).exits(0);
    let view = run.wait("the new runner", |view| view.resumed == 1 && view.prompt.is_none());
    let states: Vec<_> = view.items().iter().take(3).map(|item| item.state).collect();
    assert_eq!(states, [ItemState::Evidence, ItemState::Skipped, ItemState::Claim]);
    run.refused(&run.to_it(demand(&prompt, consent(&prompt))), "not open");
    becomes(&run, 4, ItemState::Open);
    accepted(&run, 4, ItemAction::Close);
    let again = run.prompt_after(&prompt.id);
    run.accept(&again, consent(&again));
    becomes(&run, 4, ItemState::Evidence);
    accepted(&run, 5, hand("none"));
    run.kill_runner();
    run.midwatch("resume", &[]).exits(0);
    run.wait("the new runner", |view| view.resumed == 2);
    wait_for("its ear", || run.connect().ok());
    accepted(&run, 6, ItemAction::Close);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(estate.lines("done"), 1);
    run.is_whole_and_known();
}

#[test]
fn an_old_or_wrong_wish_is_refused_and_recorded() {
    let estate = estate();
    let run = estate.start_waiting("list");
    let view = run.view();
    let open = item(&view, 2);
    run.refused(&run.to_it(Demand::Item { step: 2, seq: open.seq + 1, action: hand("x") }), "opened by record");
    run.refused(&run.to_it(want(&item(&view, 5), hand("early"))), "the phase during is not open yet");
    run.refused(&run.to_it(Demand::Item { step: 99, seq: 1, action: ItemAction::Close }), "no such item");
    run.refused(
        &run.to_it(want(&open, ItemAction::Reopen { reason: "x".to_owned() })),
        "only a claim, or what was skipped or overridden",
    );
    accepted(&run, 2, hand("it is down"));
    run.refused(&run.to_it(want(&open, hand("me too"))), "closed already: claim");
    accepted(&run, 2, ItemAction::Reopen { reason: "the other one".to_owned() });
    // What was meant for the item as it was before does not close it now.
    run.refused(&run.to_it(want(&open, skip("moot"))), "opened by record");
    assert_eq!(item(&run.view(), 2).state, ItemState::Open);
    run.midwatch("abort", &[]).exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    run.is_whole_and_known();
}

#[test]
fn of_two_operators_at_one_item_exactly_one_closes_it() {
    let estate = estate();
    let run = estate.start_waiting("list");
    let open = item(&run.view(), 2);
    let operators = 6;
    let barrier = Barrier::new(operators);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let one = |number: usize| {
            let demand = want(&open, hand(&format!("operator {number}")));
            let (run, barrier) = (&run, &barrier);
            scope.spawn(move || {
                barrier.wait();
                run.ask(demand)
            })
        };
        let threads: Vec<_> = (0..operators).map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(replies.iter().filter(|reply| matches!(reply, Reply::Accepted { .. })).count(), 1, "{replies:?}");
    assert_eq!((run.count("step.closed"), run.count("answer.rejected")), (1, operators - 1));
    // Both can be at different items of the same phase.
    accepted(&run, 1, skip("nothing to look at"));
    run.kill_runner();
}

#[test]
fn a_cancelled_act_leaves_its_item_open_and_the_walk_goes_on() {
    let estate = estate();
    let run = estate.start_waiting("list");
    estate.file("backups/new.gz", "data");
    accepted(&run, 1, skip("x"));
    accepted(&run, 2, skip("x"));
    becomes(&run, 4, ItemState::Open);
    accepted(&run, 4, ItemAction::Close);
    let prompt = run.prompt();
    run.accept(&prompt, Answer::Cancel);
    becomes(&run, 4, ItemState::Open);
    assert!(run.view().abort.is_none());
    accepted(&run, 4, skip("not tonight"));
    accepted(&run, 5, hand("one"));
    accepted(&run, 6, ItemAction::Close);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(estate.lines("done"), 0);
}

#[test]
fn an_approval_stays_open_and_is_refused_where_steps_are_listed() {
    let estate = Estate::default();
    let steps = "[[ask]]\ntitle = \"Agree\"\napprove = \"Agree\"\n[[ask]]\ntitle = \"Sign\"\nmanual = \"Sign\"\n[[then]]\nnotify = \"x\"\n";
    estate.procedure("agree", "order = \"any\"", steps);
    estate.procedure("listed", "", steps);
    estate.procedure("including", "", "[[a]]\nuse = \"test/listed\"\n");
    for name in ["listed", "including"] {
        estate.start(name, &[]).exits(7).prints("second person");
    }
    assert!(estate.runs().is_empty());
    let run = estate.start_waiting("agree");
    run.refused(&run.to_it(want(&item(&run.view(), 0), skip("alone"))), "second person");
    run.refused(&run.to_it(want(&item(&run.view(), 0), hand("I agree"))), "second person");
    accepted(&run, 1, hand(""));
    let view = run.view();
    assert_eq!((item(&view, 0).state, view.phase(), view.sealed), (ItemState::SecondPerson, Some("ask"), None));
    run.midwatch("abort", &[]).exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
}

#[test]
fn a_listed_procedure_reads_saves_and_uses_the_saved_value() {
    let estate = Estate::default();
    estate.file("name", "kept\n");
    estate.file("empty", "");
    let steps = r#"
[[look]]
title = "Read"
read  = { exec = ["cat", "{tree}/name"] }
save  = "name"
[[look]]
title = "Probe"
read  = { probe = "mount", target = "/" }
save  = "root"
[[act]]
title  = "Touch"
effect = "change"
do     = { exec = ["touch", "{tree}/{{name}}", "{tree}/is-{{root.verdict}}"] }
undo   = { none = "a test" }
"#;
    estate.procedure("reads", "", steps);
    let nothing = "[[a]]\ntitle = \"Read\"\nread = { exec = [\"cat\", \"{tree}/empty\"] }\nsave = \"x\"\n[[a]]\nnotify = \"{{x}}\"\n";
    estate.procedure("nothing", "", nothing);
    let wrong = "[[a]]\ntitle = \"Read\"\nread = { exec = [\"cat\", \"{tree}/name\"] }\nsave = \"x\"\n[[a]]\ntitle = \"C\"\ncheck = { exec = [\"ls\", \"{{x.size}}\"] }\n";
    estate.procedure("wrong", "", wrong);
    estate.start("reads", &["--yes", "change"]).exits(0);
    let run = estate.run();
    assert!(estate.tree("kept").exists(), "{:?}", estate.names(""));
    let verdict = run.view().saved["root"].facts["verdict"].clone();
    assert!(estate.tree(&format!("is-{verdict}")).exists());
    assert!(run.view().steps.iter().all(|step| step.state == StepState::Done));
    run.midwatch("report", &[]).exits(0).prints("| name | 1 (Read) |");
    run.is_whole_and_known();
    // Nothing read is nothing known, and what is not known is never filled in as nothing.
    estate.start("nothing", &[]).exits(1).prints("it printed nothing");
    estate.start("wrong", &[]).exits(1).prints("has no `size`");
}

#[test]
fn old_evidence_does_not_count() {
    let estate = estate();
    estate.start("looks", &[]).exits(0);
    let failing = "[[look]]\ntitle = \"L\"\ncheck = { exec = [\"false\"] }\n";
    estate.procedure("fails", "", failing);
    estate.start("fails", &[]).exits(1);
    let steps = r#"
[[a]]
title = "Failed run"
check = { run = "test/fails", since = "24h" }
[[a]]
title = "Too old"
check = { files = "newest", under = "old", match = "*", younger = "1h" }
[[a]]
title = "Empty file"
check = { files = "newest", under = "empty", match = "*", younger = "1h" }
[[a]]
title = "Nothing of the kind"
check = { probe = "backup" }
[[a]]
title = "Counted"
check = { probe = "service", target = "counted" }
"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = fs::read_to_string(estate.beside("midwatch.toml")).unwrap();
    let service = format!("[[service]]\nname = \"counted\"\nurl = \"http://127.0.0.1:{port}/\"\n");
    fs::write(estate.beside("midwatch.toml"), text + &service).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        for _hung_up in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    estate.file("old/a", "x");
    estate.file("empty/a", "");
    let day = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
    fs::File::options().write(true).open(estate.tree("old/a")).unwrap().set_modified(day).unwrap();
    estate.procedure("old", "order = \"any\"", steps);
    let run = estate.start_waiting("old");
    let found: Vec<String> = run.view().items().into_iter().map(|item| item.found).collect();
    for (found, expected) in found.iter().zip(["the newest", "limit 1 h", "less than 1 B", "names no backup", ""]) {
        assert!(found.contains(expected), "{found} has no {expected}");
    }
    assert!(run.view().items().iter().all(|item| item.state == ItemState::Open), "{found:?}");
    // Looked at repeatedly, and reported once.
    let (before, length) = (asked.load(Ordering::SeqCst), fs::metadata(run.dir.journal()).unwrap().len());
    wait_for("three more looks", || (asked.load(Ordering::SeqCst) >= before + 3).then_some(()));
    let outcomes = run.events().iter().filter(|event| matches!(event, Event::StepOutcome { .. })).count();
    assert_eq!((outcomes, fs::metadata(run.dir.journal()).unwrap().len()), (5, length));
    run.kill_runner();
}
