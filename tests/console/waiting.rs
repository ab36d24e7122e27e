//! Prompts that wait: that none opens by itself, how they are opened, and what is typed for something else.

use super::prompts::planned;
use super::{answer, dialog, fold, following, model, press, waiting};
use midwatch::app::effect::Effect;
use midwatch::app::modal::Modal;
use midwatch::app::model::{Pane, Seen};
use midwatch::app::msg::{Msg, PlanShown};
use midwatch::app::{Model, update};
use midwatch::demo::sample::{self, Story};
use midwatch::domain::key::Key;
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Error, Kind, RunId, TargetKind};

/// A console that follows a run which another one started.
fn attached(story: &Story) -> Model {
    let mut model = model();
    let view = story.view().unwrap();
    midwatch::app::panes::run::attach(&mut model, view.id.clone());
    fold(&mut model, story);
    model
}

#[test]
fn no_prompt_opens_by_itself_and_enter_opens_it() {
    let stories = [sample::change(), sample::destroy(), sample::sign(), sample::decide(), sample::confirmed()];
    let of_its_starter = |story: &Story| {
        let mut model = following(&sample::running());
        fold(&mut model, story);
        model
    };
    for (story, of) in stories.iter().flat_map(|story| [(story, attached(story)), (story, of_its_starter(story))]) {
        let (mut model, step) = (of, story.view().unwrap().prompt.unwrap().step + 1);
        assert!(model.modal().is_none(), "{:?}", model.modal());
        assert!(waiting(&model).starts_with(&format!("step {step} waits")), "{}", waiting(&model));
        // However long the banner was looked at.
        assert_eq!(press(&mut model, "c c c"), []);
        assert!(model.modal().is_none() && model.focus == Pane::Run);
        press(&mut model, "Enter");
        assert!(matches!(model.modal(), Some(Modal::Prompt(_))));
    }
}

#[test]
fn a_prompt_that_comes_while_something_else_is_looked_at_opens_at_no_key_but_its_own() {
    for keys in ["1", "4", "5", "l", "?", ":", "R", "N", "/", "g x", "j Enter", "/ m Enter", "Ctrl-C"] {
        let mut model = following(&sample::running());
        press(&mut model, keys);
        fold(&mut model, &sample::change());
        assert!(!matches!(model.modal(), Some(Modal::Prompt(_))), "after {keys}");
        assert!(model.snapshot().waiting.is_some(), "after {keys}");
        let effects = press(&mut model, "Esc Esc 1 c 6 c");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Command(_))), "after {keys}");
        assert!(model.modal().is_none(), "no way leads into it but the key that opens: {keys}");
        press(&mut model, "1 6 Enter");
        assert!(matches!(model.modal(), Some(Modal::Prompt(_))), "after {keys}");
    }
}

#[test]
fn input_for_something_else_never_confirms() {
    let stories = [sample::change(), sample::sign(), sample::decide(), sample::confirmed(), sample::start_to_approve()];
    for story in &stories {
        for (text, pause) in ["/cell0", ":check", "Nccc", "/c", ":c", "1c", "6c", "lc", "Rc", "ccc", "jc"]
            .into_iter()
            .flat_map(|text| [0, 150, 390].map(|pause| (text, pause)))
        {
            for by_itself in [true, false] {
                let mut model = if by_itself { following(story) } else { attached(story) };
                let who = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me.clone() };
                model.me = who;
                model.drawn(Seen { size: model.size, whole: true, ..Seen::default() }, model.now.boot);
                for c in text.chars() {
                    let now = Now { boot: Boot(model.now.boot.0 + pause * 1_000_000), ..model.now };
                    let effects = update(&mut model, Msg::KeyPressed(Key::char(c), now));
                    let command = effects.iter().any(|effect| matches!(effect, Effect::Command(_)));
                    assert!(!command, "{text:?} {pause} ms apart, {c:?}");
                    model.drawn(Seen { size: model.size, whole: true, ..Seen::default() }, now.boot);
                }
            }
        }
    }
}

#[test]
fn a_key_on_the_way_to_another_place_leaves_the_prompt_and_acts_there() {
    // However slowly: what follows is text there, and no answer here.
    for keys in ["/", ":", "N"] {
        let mut model = following(&sample::change());
        assert!(!press(&mut model, &format!("{keys} c c")).iter().any(|effect| matches!(effect, Effect::Command(_))));
        assert!(model.modal().unwrap().takes_text(), "{keys}");
        assert!(model.snapshot().waiting.is_some());
    }
}

#[test]
fn keys_typed_to_the_shell_before_the_console_came_back_do_not_count() {
    let mut model = following(&sample::change());
    sample::looked_at(&mut model);
    assert!(model.is_awake());
    let (columns, rows) = model.size;
    update(&mut model, Msg::Resized(columns, rows));
    let now = model.now;
    model.drawn(Seen { size: model.size, whole: true, ..Seen::default() }, now.boot);
    assert_eq!(update(&mut model, Msg::KeyPressed(Key::char('c'), now)), []);
    answer(&press(&mut model, "c"));
}

#[test]
fn who_reattaches_comes_to_the_run_that_is_not_over_unless_they_began_to_type() {
    use midwatch::domain::RunStatus;
    let listed = |status| vec![midwatch::app::msg::RunSummary { status, ..sample::runs()[0].clone() }];
    for status in [RunStatus::Waiting, RunStatus::Running, RunStatus::Interrupted] {
        let mut model = super::console();
        update(&mut model, Msg::RunsListed(listed(status)));
        fold(&mut model, &sample::change());
        assert_eq!((model.focus, model.modal().is_none()), (Pane::Run, true), "no prompt opens by itself: {status:?}");
        let mut model = super::console();
        press(&mut model, "/ c");
        update(&mut model, Msg::RunsListed(listed(status)));
        assert_eq!(model.focus, Pane::Health);
    }
    let mut model = super::console();
    update(&mut model, Msg::RunsListed(listed(RunStatus::Ok)));
    assert_eq!(model.focus, Pane::Health);
}

#[test]
fn who_attaches_to_a_checklist_stays_there_while_a_run_waits() {
    use midwatch::domain::RunStatus;
    let list = sample::checklist().view().unwrap();
    let mut model = super::console();
    midwatch::app::panes::run::attach(&mut model, list.id.clone());
    fold(&mut model, &sample::checklist());
    assert_eq!(model.focus, Pane::Checklist);
    let waits = midwatch::app::msg::RunSummary { status: RunStatus::Waiting, ..sample::runs()[0].clone() };
    update(&mut model, Msg::RunsListed(vec![waits.clone()]));
    assert_eq!((model.focus, model.run.following.as_ref()), (Pane::Checklist, Some(&waits.id)));
}

#[test]
fn a_run_that_starts_late_does_not_take_the_screen_from_something_else() {
    let mut model = planned(sample::plan());
    press(&mut model, "c Esc Esc N");
    let before = model.modals().len();
    update(&mut model, Msg::RunStarted(RunId::new(1, 1)));
    assert_ne!(model.focus, Pane::Run);
    assert_eq!(model.modals().len(), before);
}

#[test]
fn what_was_typed_is_there_again_after_esc_but_for_the_words_of_consent() {
    let mut model = following(&sample::sign());
    press(&mut model, "f i n e Esc");
    assert!(model.modal().is_none());
    press(&mut model, "Enter");
    assert_eq!(dialog(&model).field.text(), "fine");
    let mut model = following(&sample::decide());
    press(&mut model, "Tab w h y Esc Enter");
    assert_eq!(dialog(&model).field.text(), "why");
    let mut model = following(&sample::destroy());
    press(&mut model, "d e l Esc Enter");
    assert_eq!(dialog(&model).field.text(), "", "a phrase is typed each time");
    let late = || PlanShown { refused: Some(Error::new(Kind::Refused, "no window")), late: true, ..sample::plan() };
    let mut model = planned(late());
    press(&mut model, "E d i s k Esc E");
    assert!(matches!(model.modal(), Some(Modal::Emergency(emergency)) if emergency.field.text() == "disk"));
    // A form, too, where it is of the same row.
    press(&mut model, "Esc Esc 7 Esc Esc x");
    update(
        &mut model,
        Msg::Offered { target: sample::id(TargetKind::Service, "api"), offers: sample::offers(), withheld: Vec::new() },
    );
    press(&mut model, "j j Enter");
    assert!(
        matches!(model.modal(), Some(Modal::Params(form)) if form.fields.iter().any(|field| field.text().ends_with('7'))),
        "{:?}",
        model.modal()
    );
}

#[test]
fn a_prompt_that_follows_an_answer_takes_no_key_for_a_second() {
    let view = sample::change().view().unwrap();
    let id = view.id.clone();
    let mut model = following(&sample::change());
    let mut next = view.clone();
    next.prompt.as_mut().unwrap().id = midwatch::domain::PromptId::new(77);
    let confirms_after = |model: &mut Model, millis: u64| {
        let start = model.now;
        model.look_again();
        let (size, text) = (model.size, midwatch::app::reading::TextShown::default());
        model.drawn(Seen { size, whole: true, text, ..Seen::default() }, start.boot);
        super::reflexes::confirms(&super::reflexes::key(model, Key::char('c'), super::reflexes::after(start, millis)))
    };
    // The first one takes the key as soon as it was looked at.
    assert!(confirms_after(&mut model, 650));
    update(&mut model, Msg::RunFolded { view: Box::new(next), runner_lives: true });
    assert!(model.modal().is_none(), "the next one waits behind its banner");
    assert_eq!(press(&mut model, "c"), []);
    press(&mut model, "Enter");
    assert_eq!((dialog(&model).run.clone(), dialog(&model).sent), (id, false));
    assert!(!confirms_after(&mut model, 650));
    assert!(confirms_after(&mut model, 1000));
}
