//! Consent: every rule of a prompt, one table or one story each.

use super::{answer, command, dialog, fold, following, model, press, typed, waiting};
use midwatch::app::effect::{Command, Effect};
use midwatch::app::modal::Modal;
use midwatch::app::model::{Pane, Seen};
use midwatch::app::msg::{Msg, Offer, PlanShown};
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::key::{Key, KeyCode};
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Error, Kind, RunId, TargetKind};
use midwatch::journal::record::{Answer, Choice, Event};

#[test]
fn only_c_confirms_a_change() {
    for key in ["Enter", "Space", "y", "Y", "C", "j", "Tab", "x", "Down", "Ctrl-C", "q", "v", "Ctrl-A"] {
        let effects = press(&mut following(&sample::change()), key);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Command(_))), "{key}");
    }
    let mut model = following(&sample::change());
    assert!(!dialog(&model).in_field);
    let effects = press(&mut model, "c");
    assert_eq!(answer(&effects), Answer::Confirm { typed: "change".to_owned() });
    let Command::Answer(reply) = command(&effects) else { panic!() };
    let open = sample::change().view().unwrap().prompt.unwrap();
    assert_eq!((reply.prompt, reply.seq), (open.id, open.seq), "bound to what was shown");
    assert!(reply.set.is_some());
    assert_eq!(press(&mut model, "c c"), [], "one answer is on its way");
}

#[test]
fn only_the_exact_phrase_and_enter_destroy() {
    for wrong in ["", "delete", "delete 1284 file", "Delete 1284 files", "delete 1285 files", "c", "change", "y"] {
        let mut model = following(&sample::destroy());
        assert!(dialog(&model).in_field && dialog(&model).field.text().is_empty());
        let effects = press(&mut model, &format!("{} Enter", typed(wrong)));
        assert_eq!(effects, [], "{wrong:?}");
        assert!(dialog(&model).hint.is_some(), "a gentle hint, and the text stays: {wrong:?}");
        assert_eq!(dialog(&model).field.text(), wrong);
    }
    for right in ["delete 1284 files", "delete 1,284 files"] {
        let mut model = following(&sample::destroy());
        assert_eq!(press(&mut model, &typed(right)), [], "not before Enter");
        assert_eq!(answer(&press(&mut model, "Enter")), Answer::Confirm { typed: right.to_owned() });
    }
}

#[test]
fn in_the_phrase_field_every_letter_is_text_and_outside_of_it_c_does_not_destroy() {
    let mut model = following(&sample::destroy());
    assert_eq!(press(&mut model, "q v c x ? : / g n j R N 1"), []);
    assert_eq!(dialog(&model).field.text(), "qvcx?:/gnjRN1");
    assert_eq!(press(&mut model, "Tab c Enter"), []);
    assert!(dialog(&model).hint.is_some());
    assert_eq!(press(&mut model, "v").len(), 1);
    assert!(matches!(model.modal(), Some(Modal::SetList(_))));
    press(&mut model, "q Tab");
    assert!(dialog(&model).in_field);
    assert_eq!(dialog(&model).field.text(), "qvcx?:/gnjRN1", "leaving the field loses nothing");
}

/// Draws at `drawn` milliseconds after the prompt opened and presses `c` at `pressed`.
fn pressed_after(drawn: Option<u64>, pressed: u64, whole: bool) -> Vec<Effect> {
    let mut model = following(&sample::change());
    let start = model.now;
    let at = |ms: u64| Boot(start.boot.0 + ms * 1_000_000);
    if let Some(ms) = drawn {
        model.drawn(Seen { size: model.size, whole, ..Seen::default() }, at(ms));
    }
    update(&mut model, Msg::KeyPressed(Key::char('c'), Now { boot: at(pressed), ..start }))
}

#[test]
fn keys_count_400_ms_after_the_prompt_was_on_the_screen() {
    for (drawn, pressed, whole, counts) in [
        (None, 5000, true, false),
        (Some(0), 0, true, false),
        (Some(0), 399, true, false),
        (Some(0), 400, true, true),
        (Some(900), 1000, true, false),
        (Some(900), 1300, true, true),
        (Some(0), 5000, false, false),
    ] {
        let effects = pressed_after(drawn, pressed, whole);
        assert_eq!(effects.len(), usize::from(counts), "drawn {drawn:?}, pressed {pressed}, whole {whole}");
    }
}

#[test]
fn a_key_that_waited_while_the_console_was_held_up_does_not_count() {
    for (received, counts) in [(0, false), (399, false), (400, true), (900, true)] {
        let mut model = following(&sample::change());
        let start = model.now;
        let at = |ms: u64| Boot(start.boot.0 + ms * 1_000_000);
        model.drawn(Seen { size: model.size, whole: true, ..Seen::default() }, at(0));
        assert_eq!(model.wakes_at(), Some(at(400)));
        model.note_silence(at(received));
        assert_eq!(model.wakes_at(), (!counts).then_some(at(400)));
        assert_eq!(update(&mut model, Msg::KeyPressed(Key::char('c'), Now { boot: at(1000), ..start })), []);
        let effects = update(&mut model, Msg::KeyAlone(Now { boot: at(1300), ..start }));
        assert_eq!(effects.len(), usize::from(counts), "no key was waiting at {received} ms, one was read at 1000 ms");
    }
}

#[test]
fn the_beginning_of_a_sequence_typed_before_is_forgotten() {
    let mut model = following(&sample::running());
    press(&mut model, "g");
    assert!(!model.pending.is_empty());
    fold(&mut model, &sample::change());
    press(&mut model, "Enter");
    assert!(model.pending.is_empty() && matches!(model.modal(), Some(Modal::Prompt(_))));
}

#[test]
fn what_does_not_fit_cannot_be_confirmed_and_resizing_loses_nothing() {
    let mut model = following(&sample::destroy());
    press(&mut model, &typed("delete 1284 files"));
    update(&mut model, Msg::Resized(60, 12));
    let seen = Seen { size: (60, 12), whole: false, needed: (60, 18), ..Seen::default() };
    model.drawn(seen, model.now.boot);
    let now = model.now;
    assert_eq!(update(&mut model, Msg::KeyPressed(Key::plain(KeyCode::Enter), now)), []);
    assert!(dialog(&model).hint.as_ref().unwrap().contains("does not fit"));
    assert_eq!(dialog(&model).field.text(), "delete 1284 files");
    update(&mut model, Msg::Resized(80, 24));
    let now = model.now;
    assert_eq!(update(&mut model, Msg::KeyPressed(Key::plain(KeyCode::Enter), now)), [], "not drawn yet");
    answer(&press(&mut model, "Enter"));
}

#[test]
fn what_never_fitted_can_be_left() {
    for story in [sample::change(), sample::destroy()] {
        let mut model = following(&story);
        model.drawn(Seen { size: (80, 24), whole: false, needed: (80, 30), ..Seen::default() }, model.now.boot);
        assert!(!model.is_awake(), "it was never whole on the screen");
        let now = model.now;
        for key in [Key::char('c'), Key::plain(KeyCode::Enter)] {
            assert_eq!(update(&mut model, Msg::KeyPressed(key, now)), []);
        }
        assert!(matches!(model.modal(), Some(Modal::Prompt(_))));
        update(&mut model, Msg::KeyPressed(Key::plain(KeyCode::Esc), now));
        assert!(model.modal().is_none(), "{:?}", model.modal());
    }
}

fn pasted(text: &str, model: &Model) -> Msg {
    Msg::Pasted(text.to_owned(), model.now)
}

#[test]
fn nothing_is_pasted_into_consent_but_a_link_is_into_a_sign_off() {
    let mut model = following(&sample::destroy());
    sample::looked_at(&mut model);
    let paste = pasted("delete 1284 files\n", &model);
    update(&mut model, paste);
    assert_eq!(dialog(&model).field.text(), "");
    assert!(dialog(&model).hint.is_some());
    let mut model = following(&sample::change());
    let paste = pasted("c", &model);
    assert_eq!(update(&mut model, paste), []);
    let mut model = following(&sample::sign());
    sample::looked_at(&mut model);
    let paste = pasted("https://wiki/\u{1b}[2Jpage\n", &model);
    update(&mut model, paste);
    assert_eq!(press(&mut model, "Enter"), [], "Enter leaves the field");
    assert_eq!(answer(&press(&mut model, "c")), Answer::Sign { note: "https://wiki/[2Jpage".to_owned() });
}

#[test]
fn esc_leaves_the_prompt_open_and_x_opens_it_again() {
    for leave in ["Esc", "Ctrl-C", "Tab q"] {
        let mut model = following(&sample::destroy());
        assert_eq!(press(&mut model, leave), [], "{leave}");
        assert!(model.modal().is_none());
        fold(&mut model, &sample::destroy());
        assert!(model.modal().is_none(), "it was left; it does not come back by itself");
        assert_eq!(waiting(&model), "step 3 waits: Enter opens it");
        press(&mut model, "1 6 Enter");
        assert!(dialog(&model).in_field && !model.is_awake(), "a new quiet time");
        press(&mut model, "Esc x");
        assert!(dialog(&model).in_field);
    }
}

#[test]
fn answering_no_takes_the_same_keys_twice() {
    let mut model = following(&sample::change());
    assert_eq!(press(&mut model, "g n"), []);
    assert!(dialog(&model).declining);
    assert_eq!(press(&mut model, "Esc g n"), [], "Esc took the first back");
    assert_eq!(answer(&press(&mut model, "g n")), Answer::Cancel);
}

#[test]
fn a_decision_rests_on_its_safe_choice_and_some_need_a_reason() {
    let mut model = following(&sample::decide());
    assert_eq!(press(&mut model, "Enter"), []);
    assert_eq!(dialog(&model).choice, Some(0));
    assert_eq!(press(&mut model, "j j c"), [], "skip needs a reason");
    assert!(dialog(&model).hint.as_ref().unwrap().contains("reason"));
    let effects = press(&mut model, "Tab o k Enter c");
    assert_eq!(answer(&effects), Answer::Decide { choice: Choice::Skip, reason: "ok".to_owned() });
    let mut model = following(&sample::decide());
    assert_eq!(answer(&press(&mut model, "c")), Answer::Decide { choice: Choice::Retry, reason: String::new() });
    let mut model = following(&sample::decide());
    assert_eq!(answer(&press(&mut model, "j c")), Answer::Decide { choice: Choice::Rollback, reason: String::new() });
}

#[test]
fn a_required_note_is_required() {
    let mut model = following(&sample::sign());
    assert_eq!(press(&mut model, "Enter c"), []);
    assert!(dialog(&model).hint.as_ref().unwrap().contains("note"));
}

#[test]
fn a_set_that_drifted_closes_the_prompt_and_shows_the_drift() {
    let mut model = following(&sample::destroy());
    press(&mut model, &typed("delete 1284 files"));
    fold(&mut model, &sample::drifted());
    assert!(dialog(&model).ended.is_some());
    assert_eq!(press(&mut model, "l q Enter"), [], "what is typed on for it acts nowhere");
    assert!(dialog(&model).ended.is_some());
    press(&mut model, "Esc");
    assert!(model.modal().is_none());
}

#[test]
fn a_set_read_again_keeps_what_was_typed() {
    let mut model = following(&sample::destroy());
    press(&mut model, "d e l");
    let prompt = dialog(&model).prompt.id.clone();
    fold(&mut model, &sample::destroy().record("operator", Event::PromptReread { prompt }));
    assert_eq!(dialog(&model).field.text(), "del");
    assert!(dialog(&model).prompt.read > dialog(&model).prompt.opened);
    assert!(model.is_awake(), "it is the same prompt");
}

#[test]
fn another_operators_answer_closes_the_prompt_and_says_whose_it_was() {
    let mut model = following(&sample::destroy());
    press(&mut model, "d e l");
    fold(&mut model, &sample::ended());
    assert_eq!(press(&mut model, "e t e Enter"), [], "what is typed on for it acts nowhere");
    assert!(dialog(&model).ended.is_some());
    for keys in ["Tab", "Tab v"] {
        let mut model = following(&sample::destroy());
        press(&mut model, keys);
        fold(&mut model, &sample::ended());
        assert!(model.modal().is_none(), "{keys}");
        assert_eq!(model.snapshot().notice, Some("lena@bastion-1 confirmed step 3"));
    }
}

#[test]
fn a_refused_answer_gives_the_prompt_back() {
    let mut model = following(&sample::change());
    press(&mut model, "c");
    update(&mut model, Msg::CommandFailed(Error::new(Kind::Refused, "the prompt is another one now")));
    assert_eq!(dialog(&model).hint.as_deref(), Some("the prompt is another one now"));
    answer(&press(&mut model, "c"));
}

#[test]
fn a_prompt_does_not_jump_in_front_of_another_dialog() {
    let mut model = following(&sample::running());
    press(&mut model, "N a");
    fold(&mut model, &sample::destroy());
    assert!(matches!(model.modal(), Some(Modal::Note(_))));
    assert_eq!(waiting(&model), "step 3 waits: leave this, then Enter opens it");
    press(&mut model, "Esc");
    assert!(model.modal().is_none(), "it does not come when the other is gone");
    press(&mut model, "Enter");
    assert!(dialog(&model).field.text().is_empty());
}

#[test]
fn no_answer_is_sent_where_no_runner_is() {
    let mut model = following(&sample::destroy());
    update(&mut model, Msg::RunFolded { view: Box::new(sample::destroy().view().unwrap()), runner_lives: false });
    assert_eq!(press(&mut model, &format!("{} Enter", typed("delete 1284 files"))), []);
    assert!(dialog(&model).hint.as_ref().unwrap().contains("no runner"));
}

pub fn planned(shown: PlanShown) -> Model {
    let mut model = model();
    press(&mut model, "j x");
    update(
        &mut model,
        Msg::Offered { target: sample::id(TargetKind::Service, "api"), offers: sample::offers(), withheld: Vec::new() },
    );
    press(&mut model, "j j Enter Enter");
    update(&mut model, Msg::Planned(Box::new(shown)));
    model
}

#[test]
fn a_start_is_confirmed_on_the_plan_that_was_shown() {
    let mut model = planned(sample::plan());
    assert_eq!(press(&mut model, "Enter Space y j k"), []);
    let Command::StartRun { plan, hash, begun } = command(&press(&mut model, "c")) else { panic!() };
    assert_eq!((*plan, hash, begun.how), (sample::plan().plan, sample::plan().hash, "console"));
    assert_eq!(press(&mut model, "c"), []);
    let id = RunId::new(1, 1);
    let effects = update(&mut model, Msg::RunStarted(id.clone()));
    assert_eq!(effects.len(), 2);
    assert_eq!((model.focus, model.run.following.as_ref(), model.modal().is_none()), (Pane::Run, Some(&id), true));
    let refused = PlanShown { refused: Some(Error::new(Kind::Refused, "four eyes")), ..sample::plan() };
    assert_eq!(press(&mut planned(refused), "c"), []);
}

#[test]
fn a_plan_that_is_no_longer_awaited_is_not_shown() {
    let mut model = model();
    update(&mut model, Msg::Planned(Box::new(sample::plan())));
    assert!(model.modal().is_none());
    press(&mut model, "j x");
    update(
        &mut model,
        Msg::Offered {
            target: sample::id(TargetKind::Service, "api"),
            offers: vec![Offer { params: Vec::new(), ..sample::offers()[0].clone() }],
            withheld: Vec::new(),
        },
    );
    press(&mut model, "j Enter Esc");
    update(&mut model, Msg::Planned(Box::new(sample::plan())));
    assert!(!matches!(model.modal(), Some(Modal::Plan { .. })));
}

#[test]
fn stopping_a_run_is_asked_with_nothing_chosen() {
    let mut model = following(&sample::finished_but_last());
    assert_eq!(press(&mut model, "g x c Enter"), []);
    let Command::Abort { undo, .. } = command(&press(&mut model, "j j c")) else { panic!() };
    assert!(undo, "the second choice undoes");
    let mut model = following(&sample::finished_but_last());
    let Command::Abort { undo, .. } = command(&press(&mut model, "g x j c")) else { panic!() };
    assert!(!undo);
    let mut model = following(&sample::finished());
    assert_eq!(press(&mut model, "g x j c"), [], "it is over");
    let mut model = following(&sample::finished());
    press(&mut model, "g x");
    let text = model.snapshot().notice.map(str::to_owned).unwrap_or_default();
    assert!(model.modal().is_none() && text.contains("cannot be undone: run a procedure"), "{text}");
    let mut model = following(&sample::running());
    press(&mut model, ": a b o r t Enter");
    assert!(matches!(model.modal(), Some(Modal::Abort { .. })), "the palette asks as well");
}

#[test]
fn only_an_interrupted_run_is_resumed() {
    let view = || sample::interrupted().view().unwrap();
    let authority = || Some(midwatch::app::confirm::Authority::grant());
    let mut model = sample::following((80, 24), authority(), view(), false);
    assert!(matches!(command(&press(&mut model, "g r c")), Command::Resume { .. }));
    let mut model = sample::following((80, 24), authority(), view(), true);
    assert_eq!(press(&mut model, "g r c"), []);
}

#[test]
fn a_note_is_kept_until_it_is_written_down() {
    let mut model = following(&sample::running());
    press(&mut model, "N h i Esc");
    assert!(model.modal().is_none());
    let Command::Note { step, text, .. } = command(&press(&mut model, "N ! Tab c")) else { panic!() };
    assert_eq!((step, text.as_str()), (Some(1), "hi!"));
    update(&mut model, Msg::CommandFailed(Error::new(Kind::Machine, "the runner is gone")));
    assert_eq!(model.drafts.len(), 1);
    press(&mut model, "Esc N Tab c");
    update(&mut model, Msg::CommandDone("the note is written down".to_owned()));
    assert!(model.drafts.is_empty());
}
