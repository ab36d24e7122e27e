//! What a screen says of its keys is what they do: the line that confirms, the card of an item, the banner.

use super::{HUGE, SMALL, operator, pressed, run, shown, walk};
use midwatch::app::msg::{Msg, RunSummary};
use midwatch::app::{Model, update};
use midwatch::demo::sample::{self, Story};
use midwatch::domain::{Digest, Fact, Rows, RunStatus, TargetKind};
use midwatch::journal::record::{Answer, Choice, Event};

/// The text of a screen, without the roles of its cells.
fn text(model: &mut Model) -> String {
    let screen = shown(model);
    screen.split("\n\n0:").next().unwrap_or_default().to_owned()
}

/// The words of a dialog, each line with the next.
fn words(model: &mut Model) -> String {
    let screen = text(model);
    let inside = screen.lines().filter_map(|line| line.split('┃').nth(1)).map(str::trim);
    inside.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_line_that_confirms_a_decision_repeats_the_choice_and_where_it_leads() {
    for (downs, wanted) in [
        (0, "Press  c  to RETRY the step: preview this step and ask again, ~9 s."),
        (1, "Press  c  to ROLL BACK the run: stop; undo 1 step in ~20 s."),
        (2, "This choice needs a reason: Tab goes to the text."),
        (3, "Press  c  to HOLD the run: "),
        (4, "Press  c  to ABORT the run: stop; leave 1 step as it is."),
    ] {
        for size in [(60, 24), SMALL, (120, 36)] {
            let mut model = pressed(run(size, &sample::decide()), &"j ".repeat(downs));
            let text = words(&mut model);
            assert!(text.contains(wanted), "{downs} at {size:?}: {text}");
            assert_eq!(text.matches("Press  c").count(), usize::from(downs != 2), "one line confirms: {text}");
        }
    }
    // With its reason the choice is repeated too, and what is sent is what stood there.
    let mut model = pressed(run(SMALL, &sample::decide()), "j j Tab o k Tab");
    assert!(words(&mut model).contains("Press  c  to SKIP the step: leave this step"), "{}", words(&mut model));
    let effects = sample::press(&mut model, "c");
    let sent = format!("{effects:?}");
    let answer = Answer::Decide { choice: Choice::Skip, reason: "ok".to_owned() };
    assert!(sent.contains(&format!("{answer:?}")), "{sent}");
}

#[test]
fn in_a_text_field_no_line_says_that_a_letter_is_a_key() {
    for (story, keys, leaves) in [
        (sample::sign(), "", "Tab leaves the text; then c signs off."),
        (sample::sign(), "f i n e", "Tab leaves the text; then c signs off."),
        (sample::decide(), "Tab", "Tab leaves the text; then c decides."),
    ] {
        let mut model = pressed(run(SMALL, &story), keys);
        let text = words(&mut model);
        assert!(text.contains(leaves) && !text.contains("press  c") && !text.contains("Press  c"), "{keys}: {text}");
    }
    let mut model = pressed(run(SMALL, &sample::sign()), "f i n e Tab");
    assert!(words(&mut model).contains("When it is done, press  c  to sign off."), "{}", words(&mut model));
    let mut model = pressed(run(SMALL, &sample::sign()), "Tab");
    let text = words(&mut model);
    assert!(text.contains("This sign-off needs a note: Tab goes to the text.") && !text.contains("press  c"), "{text}");
}

#[test]
fn the_card_of_the_last_item_leads_to_no_other() {
    let skip = |step| Event::StepSkipped { step, reason: "not tonight".to_owned() };
    let claim = Event::StepClosed { step: 7, note: "that is all".to_owned() };
    // Of what is closed, while another one is open.
    let mut model = walk(SMALL, operator(), "");
    model.checklist.run.cursor = Some(0);
    sample::press(&mut model, "Enter");
    assert!(words(&mut model).contains("Press  Enter  to go to the next open item."), "{}", words(&mut model));
    let story = sample::checklist().record("operator", skip(5)).record("operator", skip(6)).record("operator", claim);
    for step in [7, 6, 0] {
        let mut model = sample::walking(SMALL, operator(), story.view().unwrap(), None);
        model.checklist.run.cursor = Some(step);
        sample::press(&mut model, "Enter");
        let text = words(&mut model);
        assert!(text.contains("No other item is open.") && !text.contains("to go to the next"), "{step}: {text}");
        // As it says, Enter goes nowhere.
        sample::press(&mut model, "Enter");
        assert!(words(&mut model).contains("no other item is open"), "{step}");
    }
}

#[test]
fn the_banner_names_the_step_and_the_keys_at_every_size() {
    let stories = [
        (sample::change(), 2, "change"),
        (sample::destroy(), 3, "destroy"),
        (sample::sign(), 5, "sign off"),
        (sample::decide(), 3, "decide"),
        (sample::confirmed(), 3, "approve"),
    ];
    for (story, step, asks) in &stories {
        for size in [(40, 10), (44, 11), (60, 15), SMALL, (100, 30), (120, 36), (200, 50)] {
            for read_only in [false, true] {
                let authority = if read_only { None } else { operator() };
                let mut model = sample::following(size, authority, story.view().unwrap(), true);
                sample::press(&mut model, "Esc Esc 1");
                assert!(model.modal().is_none());
                let screen = text(&mut model);
                let banner = screen.lines().find(|line| line.contains(" opens it")).unwrap_or_default();
                assert!(banner.contains(&format!("step {step}")), "{size:?} {asks}: {screen}");
                assert!(banner.contains("6 Enter opens it") && banner.contains(asks), "{size:?} {asks}: {screen}");
                assert!(!banner.contains('…'), "nothing of it is cut: {banner}");
                // The keys that it names do what it says.
                sample::press(&mut model, "6 Enter");
                let open = matches!(model.modal(), Some(midwatch::app::modal::Modal::Prompt(_)));
                assert!(open, "{size:?} {asks}");
            }
        }
    }
}

#[test]
fn the_banner_stands_above_whatever_is_open() {
    for size in [(60, 15), SMALL, (120, 36)] {
        for keys in ["/ c", ": c", "?", "R", "j Enter"] {
            let mut model = pressed(run(size, &sample::running()), keys);
            let view = Box::new(sample::change().view().unwrap());
            update(&mut model, Msg::RunFolded { view, runner_lives: true });
            let screen = text(&mut model);
            let hidden = !screen.contains("step 2");
            // A dialog that needs every row may cover it; it is there again when the dialog is left.
            if hidden {
                sample::press(&mut model, "Esc");
                assert!(text(&mut model).contains("step 2"), "{size:?} {keys}: {screen}");
            } else {
                assert!(screen.contains(" opens it"), "{size:?} {keys}: {screen}");
            }
        }
    }
}

#[test]
fn no_key_is_named_that_does_nothing_there() {
    // In a text field the key for help is a letter.
    for keys in [": a", "j x", "N", "5 m"] {
        let mut model = pressed(sample::healthy(SMALL, operator()), keys);
        let typing = model.modal().unwrap().takes_text();
        let screen = text(&mut model);
        assert_eq!(screen.lines().last().unwrap().contains("? help"), !typing, "{keys}: {screen}");
    }
    // A list without an entry has nothing to choose.
    let mut model = pressed(sample::healthy((40, 10), operator()), "R");
    let screen = text(&mut model);
    assert!(screen.contains("goes back") && !screen.contains("attaches"), "{screen}");
    update(&mut model, Msg::RunsListed(sample::runs()));
    assert!(text(&mut model).contains("attaches"));
}

#[test]
fn leaving_says_that_something_runs_where_it_does() {
    for (runs, text) in [(Vec::new(), "Nothing runs."), (sample::runs(), "What runs goes on without it")] {
        let mut model = sample::healthy(SMALL, operator());
        model.runs = Some(runs);
        sample::press(&mut model, "Ctrl-C");
        assert!(words(&mut model).contains(text), "{}", words(&mut model));
    }
}

#[test]
fn the_title_of_a_log_says_whose_it_is_and_which_of_several() {
    let undo = Event::UndoIntent { step: 1, attempt: 1, set: Some(Digest::of(b"set")), log: "2-1.undo.log".to_owned() };
    let undoing =
        sample::finished_but_last().record("operator", Event::AbortRequested { undo: true }).record("operator", undo);
    let mut model = pressed(run(HUGE, &undoing), "7");
    let screen = text(&mut model);
    assert!(screen.contains("undo of step 2, log 2 of 2 · "), "{screen}");
    let mut model = pressed(model, "[");
    let screen = text(&mut model);
    assert!(screen.contains(" step 2, log 1 of 2 · ") && !screen.contains("undo of step 2,"), "{screen}");
    let mut model = pressed(model, "6 G 7");
    let screen = text(&mut model);
    assert!(
        screen.contains("step 5 has no log yet: it has not begun") && !screen.contains("no step has a log"),
        "{screen}"
    );
    let mut model = pressed(run(HUGE, &Story::begin()), "7");
    assert!(text(&mut model).contains("no step has a log yet"), "{}", text(&mut model));
}

#[test]
fn a_run_that_is_rolled_back_says_so() {
    let asked = sample::finished_but_last().record("lena", Event::AbortRequested { undo: true });
    let screen = text(&mut pressed(run(HUGE, &asked), "6"));
    assert!(screen.contains("rollback ") && screen.contains("asked to roll the run back"), "{screen}");
    let stopped = sample::finished_but_last().record("lena", Event::AbortRequested { undo: false });
    let screen = text(&mut pressed(run(HUGE, &stopped), "6"));
    assert!(screen.contains("abort ") && screen.contains("asked to stop the run as it is"), "{screen}");
}

#[test]
fn without_a_runner_it_says_what_still_runs_and_that_nothing_waits() {
    let mut model = run(HUGE, &sample::running());
    let view = model.run.view.clone().unwrap();
    let id = view.id.clone();
    update(&mut model, Msg::RunFolded { view, runner_lives: false });
    update(&mut model, Msg::ActSeen { run: id.clone(), pid: Some(4242) });
    let mut model = pressed(model, "6");
    let screen = text(&mut model);
    assert!(screen.contains("the runner is gone; the act of step 2 still runs (pid 4242)"), "{screen}");
    assert!(screen.contains("▶  running") && screen.contains("still runs, and asks before it acts"), "{screen}");
    update(&mut model, Msg::ActSeen { run: id, pid: None });
    let screen = text(&mut model);
    assert!(screen.contains("the act of step 2 runs no more") && screen.contains("unknown  2 Move"), "{screen}");
    let mut model = run(HUGE, &sample::change());
    let view = model.run.view.clone().unwrap();
    update(&mut model, Msg::RunFolded { view, runner_lives: false });
    let screen = text(&mut pressed(model, "Esc 6"));
    assert!(screen.contains("; step 2 waited") && !screen.contains("  waiting"), "{screen}");
}

#[test]
fn a_followed_run_stands_in_a_list_as_its_journal_says_now() {
    let mut model = run(HUGE, &sample::change());
    let id = model.run.following.clone().unwrap();
    let listed = RunSummary { id, status: RunStatus::Running, ..sample::runs()[0].clone() };
    update(&mut model, Msg::RunsListed(vec![listed]));
    let mut model = pressed(model, "Esc R");
    let inside = words(&mut model);
    assert!(inside.contains("waiting") && !inside.contains("running"), "{inside}");
}

#[test]
fn the_list_of_procedures_says_what_each_acts_on() {
    let mut model = sample::healthy(SMALL, operator());
    sample::press(&mut model, ":");
    sample::press(&mut model, "p r o c e d u r e s Enter");
    update(&mut model, Msg::ProceduresListed(sample::offers()));
    let screen = text(&mut model);
    for part in ["Procedures", "ACTS ON", "change", "cell0/rotate-logs", "mount", "destroy", "cell0/data-retention"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    // Neither of them only reads: none is selected before a key does it.
    sample::press(&mut model, "Enter");
    let screen = text(&mut model);
    assert!(screen.contains("no procedure is selected: j selects one"), "{screen}");
    sample::press(&mut model, "j j Enter");
    let screen = text(&mut model);
    assert!(screen.contains("Data retention cleanup") && screen.contains("root"), "{screen}");
}

/// All lines of the help, on a screen that is high enough for them.
fn help(mut model: Model) -> String {
    sample::press(&mut model, "?");
    let mut help = String::new();
    // A symbol may look like the frame.
    for line in text(&mut model).lines() {
        if let (Some(from), Some(to)) = (line.find('┃'), line.rfind('┃')) {
            help.push_str(line.get(from..to).unwrap_or_default().trim_start_matches('┃').trim());
            help.push(' ');
        }
    }
    help
}

#[test]
fn help_begins_with_the_keys_of_the_pane_that_it_was_asked_from() {
    for (keys, place, first) in [
        ("1", "in Health", "Enter"),
        ("2", "in Backups", "Enter"),
        ("6", "in Run", "Enter"),
        ("7", "in Log", "/"),
        ("5", "in Checklist", "Enter"),
    ] {
        let mut model = pressed(run((120, 36), &sample::running()), &format!("{keys} ?"));
        let text = words(&mut model);
        assert!(text.starts_with(place), "{text}");
        assert!(text.trim_start_matches(place).trim_start().starts_with(first), "{text}");
    }
    // In a question its own keys come first.
    let mut model = pressed(run((120, 36), &sample::change()), "?");
    let text = words(&mut model);
    assert!(text.starts_with("in a question or a note, outside its text c "), "{text}");
}

#[test]
fn help_says_what_every_symbol_means_and_what_is_no_key_at_the_end() {
    use midwatch::config::theme::{Glyphs, Role, Theme};
    let theme = Theme::labelled(Glyphs::Unicode);
    for size in [(80, 200), (120, 200)] {
        let help_text = help(sample::healthy(size, operator()));
        for role in Role::ALL.iter().filter(|role| ["verdict", "state", "effect"].contains(&role.group())) {
            let symbol = theme.symbol(*role).plain();
            assert!(
                help_text.contains(symbol.trim()) && help_text.contains(role.doc()),
                "{role} {symbol:?}: {help_text}"
            );
        }
        let of_this_console = help_text.find("locks: this user only").unwrap();
        assert!(
            help_text[..of_this_console].ends_with("of this console "),
            "it stands last, and is no key: {help_text}"
        );
        // Every key of the registry is there, once for each.
        for entry in midwatch::app::keymap::ACTIONS {
            assert!(help_text.contains(entry.doc), "{}: {help_text}", entry.name);
        }
    }
}

#[test]
fn a_checklist_keeps_its_order_and_has_a_cursor_when_it_opens() {
    for size in [SMALL, (120, 36)] {
        let mut model = walk(size, operator(), "");
        let screen = text(&mut model);
        let phases = |screen: &str| {
            let place = |phase: &str| screen.lines().position(|line| line.trim_matches(['┃', ' ', '│']) == phase);
            [place("before"), place("during"), place("after")]
        };
        let found = phases(&screen);
        assert!(found.iter().flatten().is_sorted(), "{found:?} {screen}");
        assert!(found[1].is_some(), "the phase that is open is in sight: {screen}");
        let cursor = screen.lines().find(|line| line.contains("┃▌")).unwrap_or_default();
        assert!(cursor.contains("☐") && cursor.contains("Old reports"), "on the first that is open: {screen}");
        sample::press(&mut model, "j");
        let screen = text(&mut model);
        let cursor = screen.lines().find(|line| line.contains("┃▌")).unwrap_or_default();
        assert!(cursor.contains("Check host load"), "{screen}");
    }
}

#[test]
fn the_card_behind_the_last_item_says_that_all_are_closed() {
    let skip = |step| Event::StepSkipped { step, reason: "not tonight".to_owned() };
    let claim = Event::StepClosed { step: 7, note: "that is all".to_owned() };
    let story = sample::checklist().record("operator", skip(5)).record("operator", skip(6)).record("operator", claim);
    let mut view = story.view().unwrap();
    for step in view.steps.iter_mut().skip(8) {
        step.state = midwatch::domain::StepState::Skipped;
    }
    let mut model = sample::walking(SMALL, operator(), view, None);
    model.checklist.run.cursor = Some(0);
    sample::press(&mut model, "Enter");
    let text = words(&mut model);
    assert!(text.contains("All items are closed.") && !text.contains("No other item"), "{text}");
}

#[test]
fn no_name_and_no_issuer_is_cut_beside_empty_columns() {
    use midwatch::app::msg::Msg;
    let mut model = sample::healthy((200, 50), operator());
    let certificate = sample::id(TargetKind::Certificate, "novacron.io");
    let mut row = model.lists.row(&certificate).unwrap().clone();
    row.target = "wildcard.internal.novacron.io".to_owned();
    if let Some(seen) = &mut row.observation {
        seen.facts.insert("issuer", Fact::Text("CN=shop.example Root CA 2026,O=Shop".to_owned()));
    }
    update(&mut model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
    let screen = text(&mut model);
    for whole in ["wildcard.internal.novacron.io", "shop.example Root CA 2026", "sessions_expires_idx (index)"] {
        assert!(screen.contains(whole), "{whole}: {screen}");
    }
    // In half of a screen, too.
    let mut model = sample::healthy((120, 36), operator());
    let mut row = model.lists.row(&sample::id(TargetKind::Service, "api")).unwrap().clone();
    row.target = "novacron connections".to_owned();
    update(&mut model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
    assert!(text(&mut model).contains("novacron connections "), "{}", text(&mut model));
}

#[test]
fn a_small_terminal_is_told_in_whole_words_what_is_needed() {
    for size in [(20, 6), (30, 8), (14, 9)] {
        let mut model = sample::healthy(size, operator());
        let screen = text(&mut model);
        let text = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.starts_with("Midwatch needs 40x10; this is"), "{size:?}: {screen}");
    }
}

#[test]
fn help_and_commands_cut_no_word_where_it_is_narrow() {
    for size in [(40, 10), (60, 15), SMALL] {
        let mut model = pressed(sample::healthy(size, operator()), "?");
        let mut text = String::new();
        for _ in 0..80 {
            text.push_str(&words(&mut model));
            sample::press(&mut model, "j");
        }
        assert!(!text.contains('…'), "{size:?}: {text}");
    }
    let mut model = pressed(sample::healthy((40, 10), operator()), ":");
    assert!(!words(&mut model).contains('…'), "{}", words(&mut model));
    // What only moves comes last, and is found by its name.
    let mut model = pressed(model, "n e x t");
    let text = words(&mut model);
    assert!(!text.contains('…') && text.contains("next-pane"), "{text}");
}
