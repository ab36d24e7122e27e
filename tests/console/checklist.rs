//! The checklist: its pane, one item at a time, and every key that ticks something.

use super::{command, press};
use midwatch::app::confirm::Authority;
use midwatch::app::effect::{Command, Effect, ItemAction, Query};
use midwatch::app::modal::Modal;
use midwatch::app::model::{Pane, Seen};
use midwatch::app::msg::{Msg, PlanShown, RunSummary};
use midwatch::app::{Model, update};
use midwatch::demo::sample::{self, Story};
use midwatch::domain::key::{Key, KeyCode};
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Error, Kind, Order, RunId, RunStatus};
use midwatch::journal::record::Event;

/// Items by their place in the file: the failed check, the sign-off, the act, the second person.
pub const CHECK: u32 = 6;
const SIGN: u32 = 7;

fn walking(story: &Story) -> Model {
    sample::walking((80, 24), Some(Authority::grant()), story.view().unwrap(), None)
}

/// A console on one item of the sample, large.
pub fn on(step: u32) -> Model {
    let mut model = walking(&sample::checklist());
    model.checklist.run.cursor = Some(step);
    press(&mut model, "Enter");
    assert_eq!(shown(&model), step);
    model
}

fn shown(model: &Model) -> u32 {
    match model.modal() {
        Some(Modal::Item(dialog)) => dialog.step,
        other => panic!("no item but {other:?}"),
    }
}

fn hint(model: &Model) -> String {
    match model.modal() {
        Some(Modal::Item(dialog)) => dialog.hint.clone().unwrap_or_default(),
        other => panic!("no item but {other:?}"),
    }
}

pub fn item_action(effects: &[Effect]) -> (u32, u64, ItemAction) {
    match command(effects) {
        Command::Item { step, seq, action: wanted, .. } => (step, seq, wanted),
        other => panic!("no action but {other:?}"),
    }
}

fn fold(model: &mut Model, story: &Story) -> Vec<Effect> {
    update(model, Msg::RunFolded { view: Box::new(story.view().unwrap()), runner_lives: true })
}

#[test]
fn a_checklist_and_a_run_are_followed_side_by_side() {
    let (list, run) = (sample::checklist().view().unwrap(), sample::running().view().unwrap());
    let mut model = sample::walking((120, 36), Some(Authority::grant()), list.clone(), Some(run.clone()));
    assert_eq!(model.run.view.as_ref().map(|view| &view.id), Some(&run.id));
    assert_eq!(model.checklist.view().map(|view| &view.id), Some(&list.id));
    // Each pane's keys are about its own run.
    press(&mut model, "5 g x");
    assert!(matches!(model.modal(), Some(Modal::Abort { run, .. }) if *run == list.id));
    press(&mut model, "Esc 6 g x");
    assert!(matches!(model.modal(), Some(Modal::Abort { run: other, .. }) if *other == run.id));
    press(&mut model, "Esc 5 j N");
    assert!(matches!(model.modal(), Some(Modal::Note(note)) if note.run == list.id && note.step == Some(CHECK)));
}

#[test]
fn a_run_that_turns_out_to_be_a_checklist_moves_to_its_pane() {
    let view = sample::checklist().view().unwrap();
    let mut model = sample::healthy((80, 24), None);
    update(&mut model, Msg::RunStarted(view.id.clone()));
    model.focus = Pane::Run;
    let id = view.id.clone();
    let effects = update(&mut model, Msg::RunFolded { view: Box::new(view), runner_lives: true });
    assert!(effects.starts_with(&[Effect::Query(Query::LeaveRun), Effect::Query(Query::FollowChecklist(id.clone()))]));
    assert_eq!((model.focus, model.run.following.as_ref()), (Pane::Checklist, None));
    assert_eq!(model.checklist.run.following, Some(id));
}

#[test]
fn what_lives_is_attached_each_in_its_pane_and_an_open_checklist_stays() {
    let of = |n: u128, order, status| RunSummary { id: RunId::new(5, n), order, status, ..sample::runs()[0].clone() };
    let mut model = sample::console((80, 24), None);
    let runs = vec![
        of(4, Order::Any, RunStatus::Ok),
        of(3, Order::Any, RunStatus::Waiting),
        of(2, Order::Listed, RunStatus::Running),
        of(1, Order::Any, RunStatus::Running),
    ];
    let effects = update(&mut model, Msg::RunsListed(runs.clone()));
    let (list, run) = (runs[1].id.clone(), runs[2].id.clone());
    assert_eq!(effects, [Query::FollowChecklist(list.clone()), Query::FollowRun(run)].map(Effect::Query));
    let newer = vec![of(9, Order::Any, RunStatus::Running)];
    assert_eq!(update(&mut model, Msg::RunsListed(newer)), [], "the one that is walked stays on the screen");
    assert_eq!(model.checklist.run.following, Some(list));
}

#[test]
fn items_are_in_the_order_of_the_checklist() {
    let model = walking(&sample::checklist());
    let order: Vec<u32> = model.checklist.shown().iter().map(|item| item.step).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(model.checklist.step(), Some(5), "the first that waits for a person");
    let mut model = walking(&sample::checklist());
    press(&mut model, "/ h e a l t h Enter");
    let order: Vec<u32> = model.checklist.shown().iter().map(|item| item.step).collect();
    assert_eq!(order, [1, 9]);
}

#[test]
fn without_a_checklist_the_file_is_shown_and_enter_goes_to_its_plan() {
    let mut model = super::model();
    assert_eq!(press(&mut model, "5"), [Query::ListRuns, Query::ListChecklists].map(Effect::Query));
    assert_eq!(model.checklist.chosen().unwrap().offer.procedure, "novacron/weekly-checklist");
    let effects = press(&mut model, "j Enter");
    let [Effect::Query(Query::Plan { procedure, .. })] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(procedure, "novacron/pre-maintenance");
    let mut shown = sample::plan();
    (shown.plan.id, shown.plan.order) = (procedure.clone(), Order::Any);
    update(&mut model, Msg::Planned(Box::new(PlanShown { ..shown })));
    assert!(matches!(command(&press(&mut model, "c")), Command::StartRun { .. }));
    let id = RunId::new(1, 1);
    let effects = update(&mut model, Msg::RunStarted(id.clone()));
    assert_eq!(effects[0], Effect::Query(Query::FollowChecklist(id)));
    assert_eq!((model.focus, model.run.following.as_ref()), (Pane::Checklist, None), "no run was left for it");
    let mut watcher = sample::healthy((80, 24), None);
    press(&mut watcher, "5");
    for key in ["Enter", "x"] {
        assert_eq!(press(&mut watcher, key), []);
        assert!(watcher.modal().is_none() && watcher.snapshot().notice.unwrap().starts_with("read-only"), "{key}");
    }
}

#[test]
fn each_key_sends_its_action_bound_to_the_item_as_shown() {
    let seq = sample::checklist().view().unwrap().item(CHECK).unwrap().seq;
    assert!(seq > 0);
    assert_eq!(item_action(&press(&mut on(CHECK), "Enter")), (CHECK, seq, ItemAction::Close));
    let effects = press(&mut on(CHECK), "m o k Tab c");
    assert_eq!(item_action(&effects), (CHECK, seq, ItemAction::Hand { note: "ok".to_owned() }));
    let effects = press(&mut on(CHECK), "s n o Enter t Tab c");
    assert_eq!(item_action(&effects), (CHECK, seq, ItemAction::Skip { reason: "no\nt".to_owned() }));
    let before = sample::checklist().view().unwrap().item(1).unwrap().seq;
    let effects = press(&mut on(1), "u s o Tab c");
    assert_eq!(item_action(&effects), (1, before, ItemAction::Reopen { reason: "so".to_owned() }));
    let effects = press(&mut on(CHECK), "N h i Tab c");
    assert!(matches!(command(&effects), Command::Note { step: Some(CHECK), text, .. } if text == "hi"));
    // From the pane the same key takes words at once, above the item.
    let mut model = walking(&sample::checklist());
    assert_eq!(item_action(&press(&mut model, "j m o k Tab c")).0, CHECK);
    assert_eq!(shown(&model), CHECK);
}

#[test]
fn an_action_that_an_item_refuses_is_reported_and_not_sent() {
    for (step, keys, why) in [
        (0, "u", "only a claim, or what was skipped or overridden, is opened again"),
        (0, "m", "it is closed already: evidence"),
        (1, "s", "it is closed already: claim, by lena"),
        (SIGN, "Enter", "close it by hand"),
        (8, "m", "it waits for a second person"),
        (8, "s", "it waits for a second person"),
        (9, "Enter", "the phase after is not open yet"),
        (10, "m", "the phase after is not open yet"),
    ] {
        let mut model = on(step);
        assert_eq!(press(&mut model, keys), [], "{step} {keys}");
        let text = match model.modal() {
            Some(Modal::Refused(why)) => why.clone(),
            _ => hint(&model),
        };
        assert!(text.contains(why), "{step} {keys}: {text}");
    }
    let mut model = on(SIGN);
    assert_eq!(press(&mut model, "m Tab c"), [], "this sign-off needs a note");
    let Some(Modal::Note(note)) = model.modal() else { panic!("{:?}", model.modal()) };
    assert!(note.hint.as_ref().unwrap().contains("needs a note"), "the hint is beside the field");
}

/// Draws the item at `drawn` milliseconds after it was turned to and presses Enter at `pressed`.
fn pressed_after(drawn: Option<u64>, pressed: u64, whole: bool) -> Vec<Effect> {
    let mut model = on(5);
    press(&mut model, "j");
    let start = model.now;
    let at = |ms: u64| Boot(start.boot.0 + ms * 1_000_000);
    if let Some(ms) = drawn {
        model.drawn(Seen { size: model.size, whole, ..Seen::default() }, at(ms));
    }
    update(&mut model, Msg::KeyPressed(Key::plain(KeyCode::Enter), Now { boot: at(pressed), ..start }))
}

#[test]
fn enter_counts_400_ms_after_this_item_was_whole_on_the_screen() {
    for (drawn, pressed, whole, counts) in [
        (None, 5000, true, false),
        (Some(0), 399, true, false),
        (Some(0), 400, true, true),
        (Some(900), 1000, true, false),
        (Some(0), 5000, false, false),
    ] {
        let effects = pressed_after(drawn, pressed, whole);
        assert_eq!(effects.len(), usize::from(counts), "drawn {drawn:?}, pressed {pressed}, whole {whole}");
    }
}

#[test]
fn words_that_close_an_item_are_asked_for_once_it_was_whole_on_the_screen() {
    for (whole, key) in [(true, 'm'), (false, 'm'), (false, 's')] {
        let mut model = on(CHECK);
        let start = model.now;
        model.drawn(Seen { size: model.size, whole, ..Seen::default() }, Boot(start.boot.0 - 1_000_000_000));
        update(&mut model, Msg::KeyPressed(Key::char(key), start));
        assert_eq!(matches!(model.modal(), Some(Modal::Note(_))), whole);
    }
}

#[test]
fn l_opens_the_items_log_and_the_runs_log_is_left_alone_until_then() {
    let (list, run) = (sample::checklist().view().unwrap(), sample::running().view().unwrap());
    let mut model = sample::walking((120, 36), None, list.clone(), Some(run.clone()));
    press(&mut model, "5 j k j Enter Esc");
    assert_eq!(model.log.run.as_ref(), Some(&run.id));
    let effects = press(&mut model, "l");
    assert!(matches!(&effects[..], [Effect::Query(Query::ReadLog { run, .. })] if *run == list.id), "{effects:?}");
    assert_eq!((model.focus, model.log.source.as_ref()), (Pane::Log, Some(&(CHECK, "7-1.log".to_owned()))));
    fold(&mut model, &sample::checklist());
    assert_eq!(model.log.run.as_ref(), Some(&list.id), "it stays while it is looked at");
    press(&mut model, "6 l");
    assert_eq!(model.log.run.as_ref(), Some(&run.id));
}

#[test]
fn letters_typed_ahead_do_not_become_a_claim() {
    let mut model = on(CHECK);
    sample::looked_at(&mut model);
    let now = model.now;
    for key in [Key::char('m'), Key::char('x'), Key::plain(KeyCode::Tab), Key::char('c')] {
        assert_eq!(update(&mut model, Msg::KeyPressed(key, now)), []);
    }
    let Some(Modal::Note(note)) = model.modal() else { panic!("{:?}", model.modal()) };
    assert_eq!(note.text(), "x", "the words are kept, and commit to nothing");
    assert!(model.wakes_at().is_none(), "it was not drawn yet");
}

#[test]
fn moving_on_needs_no_look_and_stops_at_the_ends() {
    let mut model = on(0);
    let now = model.now;
    for key in ['j', 'j', 'k', 'j', 'j'] {
        update(&mut model, Msg::KeyPressed(Key::char(key), now));
    }
    assert_eq!(shown(&model), 3);
    press(&mut model, "Up Up Up Up Up");
    assert_eq!(shown(&model), 0);
    press(&mut model, &"Down ".repeat(20));
    assert_eq!(shown(&model), 10);
    press(&mut model, "Esc");
    assert_eq!(model.checklist.run.cursor, Some(10), "the pane is where the walk ended");
}

#[test]
fn enter_on_a_closed_item_goes_to_the_next_open_one() {
    let mut model = on(3);
    assert!(!press(&mut model, "Enter").iter().any(|effect| matches!(effect, Effect::Command(_))));
    assert_eq!(shown(&model), 5);
}

#[test]
fn a_refused_action_shows_its_reason_in_place_and_keeps_the_text() {
    let mut model = on(CHECK);
    press(&mut model, "Enter");
    assert_eq!(press(&mut model, "Enter"), [], "one at a time");
    let why = "it stays open: load 9.1 on 4 CPUs";
    update(&mut model, Msg::CommandFailed(Error::new(Kind::Refused, why)));
    assert_eq!(hint(&model), why);
    press(&mut model, "m w h y Tab c");
    update(&mut model, Msg::CommandFailed(Error::new(Kind::Refused, "another person was faster")));
    assert_eq!(hint(&model), "another person was faster");
    press(&mut model, "m");
    assert!(matches!(model.modal(), Some(Modal::Note(note)) if note.text() == "why"));
    press(&mut model, "Tab c");
    update(&mut model, Msg::CommandDone("closed".to_owned()));
    assert!(model.drafts.is_empty());
}

#[test]
fn an_item_that_was_opened_again_is_checked_again() {
    // Another person closes it and opens it again while the words are being written.
    let mut model = on(SIGN);
    press(&mut model, "m a l l");
    let by_hand = Event::StepClosed { step: SIGN, note: "mine".to_owned() };
    let again = Event::StepReopened { step: SIGN, reason: "no".to_owned() };
    fold(&mut model, &sample::checklist().record("lena", by_hand.clone()).record("lena", again));
    assert_eq!(press(&mut model, "Tab c"), []);
    assert!(hint(&model).contains("opened again"), "{}", hint(&model));
    // Another person closes it while the operator looks: the same key now means something else, and waits.
    let mut model = on(SIGN);
    sample::looked_at(&mut model);
    assert!(model.is_awake());
    fold(&mut model, &sample::checklist().record("lena", by_hand));
    assert!(!model.is_awake());
}

#[test]
fn an_item_that_acts_asks_above_itself_and_another_ones_prompt_does_not_jump_in() {
    let mut model = on(5);
    fold(&mut model, &sample::checklist_asks());
    assert_eq!(shown(&model), 5, "a prompt never opens while a person types");
    assert_eq!(model.snapshot().waiting.unwrap().keys, "Enter");
    press(&mut model, "Enter");
    assert!(matches!(model.modal(), Some(Modal::Prompt(_))));
    press(&mut model, "Esc");
    assert_eq!(shown(&model), 5);
    press(&mut model, "Enter");
    assert!(matches!(model.modal(), Some(Modal::Prompt(_))), "Enter on the item that asks opens it again");
    let mut model = on(CHECK);
    fold(&mut model, &sample::checklist_asks());
    assert_eq!(shown(&model), CHECK);
    let text = model.snapshot().waiting.unwrap().sentence();
    assert_eq!(text, "step 6 waits: leave this, then 5 Enter opens it");
    press(&mut model, "Esc");
    assert!(model.modal().is_none());
    press(&mut model, "5 Enter");
    assert!(matches!(model.modal(), Some(Modal::Prompt(_))), "the keys that the banner names open it");
}

#[test]
fn nothing_is_sent_where_no_runner_is() {
    for keys in ["Enter", "m", "s"] {
        let mut model = on(CHECK);
        let view = Box::new(sample::checklist().view().unwrap());
        update(&mut model, Msg::RunFolded { view, runner_lives: false });
        assert_eq!(press(&mut model, keys), [], "{keys}");
        let text = match model.modal() {
            Some(Modal::Refused(why)) => why.clone(),
            _ => hint(&model),
        };
        assert!(text.contains("resume the run first"), "{keys}: {text}");
    }
}

#[test]
fn a_checklist_that_is_over_stays_until_it_is_left() {
    let mut model = walking(&sample::finished_checklist());
    assert!(model.checklist.view().is_some());
    assert_eq!(press(&mut model, "Esc"), [Query::LeaveChecklist, Query::ListChecklists].map(Effect::Query));
    assert!(model.checklist.view().is_none() && model.checklist.chosen().is_some());
    assert_eq!(model.focus, Pane::Checklist);
}

#[test]
fn text_for_a_note_that_is_refused_acts_nowhere() {
    for (step, keys) in [(10, "m"), (0, "s"), (0, "u"), (9, "O")] {
        let mut model = on(step);
        let effects = press(&mut model, &format!("{keys} {} Enter", super::typed("posted it: c qloRz")));
        assert_eq!(effects, [], "{step} {keys}");
        assert!(matches!(model.modal(), Some(Modal::Refused(_))), "{step} {keys}: {:?}", model.modal());
        assert_eq!((model.focus, model.zoomed), (Pane::Checklist, false));
        press(&mut model, "Esc");
        assert_eq!(shown(&model), step);
    }
    // A note where no run is, and every such key of a read-only console.
    let mut model = super::model();
    assert_eq!(press(&mut model, &format!("N {}", super::typed("loose cable q"))), []);
    assert!(matches!(model.modal(), Some(Modal::Refused(_))) && model.focus == Pane::Health);
    let mut model = sample::walking((80, 24), None, sample::checklist().view().unwrap(), None);
    for key in ["m", "s", "u", "O", "N"] {
        assert_eq!(press(&mut model, &format!("{key} l q c")), [], "{key}");
        assert!(matches!(model.modal(), Some(Modal::Refused(_))), "{key}");
        press(&mut model, "Esc");
    }
}
