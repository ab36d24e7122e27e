//! Rows, cursors, filters and the way back.

use super::{console, model, press};
use midwatch::app::effect::{Effect, Query, Screen};
use midwatch::app::modal::Modal;
use midwatch::app::model::{Area, Hit, Pane, Seen, TargetId};
use midwatch::app::msg::{Mouse, Msg};
use midwatch::app::panes::rows::RowList;
use midwatch::app::{Model, begin, update};
use midwatch::demo::sample;
use midwatch::domain::{Boot, EffectClass, Rows, Section, TargetKind, Verdict};

fn health(model: &Model) -> &RowList {
    model.lists.of(Section::Health)
}

fn order(model: &Model) -> Vec<String> {
    health(model).shown().map(|row| row.target.clone()).collect()
}

#[test]
fn the_worst_come_first_and_unknown_is_worse_than_a_warning() {
    let model = sample::healthy((80, 24), None);
    let verdicts: Vec<Verdict> = health(&model).shown().map(|row| row.verdict(model.now.wall)).collect();
    assert_eq!(verdicts[0], Verdict::Critical);
    assert!(verdicts.is_sorted_by_key(|verdict| std::cmp::Reverse(verdict.rank())), "{verdicts:?}");
    assert_eq!(health(&model).cursor_place(), None, "nobody put a cursor anywhere");
}

#[test]
fn the_row_under_the_cursor_never_moves() {
    let mut model = model();
    press(&mut model, "j j j j j j j");
    let (place, name) = (health(&model).cursor_place().unwrap(), health(&model).under_cursor().unwrap().target.clone());
    for (verdict, target) in [(Verdict::Critical, "cpu"), (Verdict::Critical, "load"), (Verdict::Ok, "api")] {
        let mut row = sample::rows().into_iter().find(|row| row.target == target).unwrap();
        row.observation.as_mut().unwrap().verdict = verdict;
        update(&mut model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
        assert_eq!(order(&model)[place], name, "after {target} became {}", verdict.word());
    }
    assert!(
        place > 2 && order(&model)[..2].contains(&"cpu".to_owned()) && order(&model)[..2].contains(&"load".to_owned())
    );
    press(&mut model, "Esc");
    let ranks: Vec<u8> = health(&model).shown().map(|row| row.verdict(model.now.wall).rank()).collect();
    assert!(ranks.is_sorted_by(|a, b| a >= b), "released, the worst come first again");
}

#[test]
fn a_row_that_ages_becomes_unknown_by_itself() {
    let mut model = model();
    update(&mut model, Msg::Tick(sample::now(451 + 3600)));
    assert!(health(&model).shown().all(|row| row.verdict(model.now.wall) == Verdict::Unknown));
}

#[test]
fn x_asks_what_acts_on_the_row_under_the_cursor_and_an_answer_for_another_row_is_left() {
    let mut model = model();
    let effects = press(&mut model, "j x");
    let [Effect::Query(Query::Offer(row))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(row.target, "api");
    update(
        &mut model,
        Msg::Offered { target: sample::id(TargetKind::Host, "cpu"), offers: sample::offers(), withheld: Vec::new() },
    );
    assert_eq!(press(&mut model, "Enter"), []);
    update(
        &mut model,
        Msg::Offered { target: sample::id(TargetKind::Service, "api"), offers: sample::offers(), withheld: Vec::new() },
    );
    press(&mut model, "j j Enter");
    let effects = press(&mut model, "Enter");
    let [Effect::Query(Query::Plan { procedure, params })] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((procedure.as_str(), params["root"].as_str()), ("cell0/data-retention", "/srv/cell0"));
}

#[test]
fn esc_never_quits_and_q_quits_only_at_the_top() {
    for start in
        ["", "?", ":", "R", "j Enter", "2", "5", "6", "7", "z", "/ a p i Enter", "j x", "2 / x", "6 /", "7 / a Enter"]
    {
        let mut model = model();
        press(&mut model, start);
        let before = model.snapshot().modals.len();
        let effects = press(&mut model, "Esc Esc Esc Esc Esc");
        assert!(!effects.contains(&Effect::Screen(Screen::Quit)), "after {start:?}");
        assert_eq!(press(&mut model, "q"), [Effect::Screen(Screen::Quit)], "after {start:?} with {before} dialogs");
    }
    let mut model = model();
    assert_eq!(press(&mut model, "2 q"), []);
    assert_eq!(model.focus, Pane::Health);
}

#[test]
fn ctrl_c_asks_before_leaving() {
    let mut model = model();
    assert_eq!(press(&mut model, "Ctrl-C"), []);
    assert_eq!(press(&mut model, "Esc"), []);
    assert_eq!(press(&mut model, "Ctrl-C Ctrl-C"), [Effect::Screen(Screen::Quit)]);
    assert_eq!(
        press(&mut console(), "Ctrl-Z Ctrl-L"),
        [Effect::Screen(Screen::Suspend), Effect::Screen(Screen::Redraw)]
    );
}

#[test]
fn a_filter_shows_what_contains_it_and_esc_takes_it_back() {
    let mut model = model();
    press(&mut model, "/ S R V");
    assert_eq!(order(&model), ["/srv/archive", "/srv/cell0"]);
    press(&mut model, "Enter j");
    assert_eq!(health(&model).under_cursor().unwrap().target, "/srv/archive");
    press(&mut model, "Esc");
    assert_eq!(order(&model).len(), sample::rows().len());
    press(&mut model, "/ z z z Esc");
    assert_eq!(order(&model).len(), sample::rows().len());
}

#[test]
fn a_click_moves_the_cursor_and_does_nothing_else() {
    let mut model = model();
    let area = Area { x: 1, y: 4, width: 20, height: 1 };
    let id = sample::id(TargetKind::Host, "cpu");
    let pane = Area { x: 0, y: 2, width: 80, height: 20 };
    let hits = vec![(pane, Hit::Pane(Pane::Health)), (area, Hit::Target(id))];
    model.drawn(Seen { size: (80, 24), hits, ..Seen::default() }, Boot(0));
    model.focus = Pane::Run;
    let click = Msg::MouseMoved(Mouse::Click, (5, 4), model.now);
    assert_eq!(update(&mut model, click), []);
    assert_eq!((model.focus, health(&model).under_cursor().unwrap().target.as_str()), (Pane::Health, "cpu"));
    assert!(model.modal().is_none());
}

#[test]
fn the_console_opens_by_looking_and_attaches_to_what_runs() {
    let mut model = console();
    assert_eq!(begin(&model), [Query::ListRuns, Query::ListChecklists].map(Effect::Query));
    let runs = sample::runs();
    let effects = update(&mut model, Msg::RunsListed(runs.clone()));
    assert_eq!(effects, [Effect::Query(Query::FollowRun(runs[0].id.clone()))]);
    assert_eq!(update(&mut model, Msg::RunsListed(runs)), [], "once");
}

#[test]
fn the_log_of_the_step_at_work_is_read_and_moving_up_holds_it() {
    let mut model = sample::following((80, 24), None, sample::running().view().unwrap(), true);
    assert_eq!(model.log.source, Some((1, "2-1.log".to_owned())));
    press(&mut model, "l");
    let mut page = model.log.page.clone().unwrap();
    page.total_lines = 1000;
    page.top = 991;
    sample::read_log(&mut model, page);
    let effects = press(&mut model, "k");
    assert!(!model.log.follow);
    assert_eq!(model.log.top, 990);
    assert!(matches!(&effects[..], [Effect::Query(Query::ReadLog { .. })]), "{effects:?}");
    let effects = press(&mut model, "G");
    assert!(model.log.follow && effects.len() == 1);
    let effects = press(&mut model, "/ o k Enter n");
    assert_eq!(effects.len(), 2, "{effects:?}");
    press(&mut model, "6 k");
    assert_eq!(model.log.source, Some((0, "1-1.log".to_owned())), "the cursor chooses the log");
}

#[test]
fn every_pane_has_its_number_and_its_filter() {
    let mut model = model();
    for pane in Pane::ALL {
        press(&mut model, &pane.number().to_string());
        assert_eq!(model.focus, pane);
    }
    press(&mut model, "4 / t a s k s Enter 3 / r e d i s Enter");
    let shown = |model: &Model, section| {
        let list = model.lists.of(section);
        list.shown().map(|row| list.name(row)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&model, Section::Bloat), ["public.tasks", "public.tasks_pkey"]);
    assert_eq!(shown(&model, Section::Certificates), ["redis.novacron.io"]);
    assert_eq!(press(&mut model, "q"), [], "q takes the filter back first");
    assert_eq!(shown(&model, Section::Certificates).len(), 5);
    press(&mut model, "Tab Tab BackTab");
    assert_eq!(model.focus, Pane::Bloat);
}

#[test]
fn only_a_read_is_selected_before_a_key_selects() {
    let offered = |first| {
        let mut model = model();
        press(&mut model, "j x");
        let mut offers = sample::offers();
        offers[0].effect = first;
        let target = sample::id(TargetKind::Service, "api");
        update(&mut model, Msg::Offered { target, offers, withheld: Vec::new() });
        model
    };
    let cursor = |model: &Model| match model.modal() {
        Some(Modal::Offers { cursor, .. }) => *cursor,
        other => panic!("{other:?}"),
    };
    for effect in [EffectClass::Change, EffectClass::Destroy] {
        let mut model = offered(effect);
        assert_eq!(cursor(&model), None);
        assert_eq!(press(&mut model, "Enter"), []);
        assert_eq!(cursor(&model), None, "the dialog is still open");
        let said = model.notice.as_ref().map(|(text, _)| text.as_str());
        assert_eq!(said, Some("no procedure is selected: j selects one"));
        press(&mut model, "j");
        assert_eq!(cursor(&model), Some(0), "the first move selects the first");
        press(&mut model, "Enter");
        assert!(matches!(model.modal(), Some(Modal::Params(form)) if form.offer.procedure == "cell0/rotate-logs"));
    }
    assert_eq!(cursor(&offered(EffectClass::Read)), Some(0));
}

#[test]
fn rows_are_offered_from_the_pane_they_are_in() {
    let mut model = model();
    let effects = press(&mut model, "4 j j x");
    let [Effect::Query(Query::Offer(row))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((row.kind, row.object.as_deref()), (TargetKind::Bloat, Some("public.audit_logs")));
    // The answer for another row of the same target comes too late.
    let mut other = TargetId::of(row);
    other.object = Some("public.tasks".to_owned());
    update(&mut model, Msg::Offered { target: other, offers: sample::offers(), withheld: Vec::new() });
    assert_eq!(press(&mut model, "Enter"), []);
    press(&mut model, "Esc 3 j Enter");
    let effects = press(&mut model, "x");
    let [Effect::Query(Query::Offer(row))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((row.kind, row.target.as_str()), (TargetKind::Certificate, "*.novacron.io"));
}

#[test]
fn o_sorts_the_pane_in_another_manner_and_says_so() {
    let mut model = model();
    press(&mut model, "4 o o o");
    let names: Vec<_> = model.lists.of(Section::Bloat).shown().map(|row| row.object.clone().unwrap()).collect();
    assert_eq!(names[..2], ["public.audit_logs", "public.tasks"], "{names:?}");
    assert!(model.snapshot().notice.is_some_and(|notice| notice == "bloat: the most to have back first"));
    press(&mut model, "6 o");
    assert!(model.snapshot().notice.is_some_and(|notice| notice.contains("order in which they run")));
}

#[test]
fn y_copies_what_the_pane_is_about() {
    let copied = |model: &mut Model, keys: &str| match &press(model, keys)[..] {
        [Effect::Screen(Screen::Copy(text))] => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut model = model();
    assert_eq!(press(&mut model, "y"), [], "the cursor is on no row");
    assert_eq!(copied(&mut model, "2 j y"), "database  31 h old · limit 24 h · verified");
    assert!(model.snapshot().notice.is_some_and(|notice| notice.starts_with("copied database: ")));
    let view = sample::running().view().unwrap();
    let mut model = sample::following((120, 36), None, view.clone(), true);
    assert_eq!(copied(&mut model, "6 y"), view.id.to_string());
    let lines = copied(&mut model, "7 y");
    assert_eq!(lines.lines().count(), 9);
    assert!(lines.contains("name with an escape: evil^[]0;owned^G.json, and 漢字"), "{lines}");
    assert!(lines.bytes().all(|byte| byte == b'\n' || byte >= b' '));
    let mut page = model.log.page.clone().unwrap();
    press(&mut model, "/ o k Enter");
    (page.following, page.searched, page.found) = (false, true, Some(1));
    sample::read_log(&mut model, page);
    assert_eq!(copied(&mut model, "y"), "ok  9,702 members, none damaged");
}

#[test]
fn what_is_copied_is_bounded() {
    let mut model = sample::following((120, 36), None, sample::running().view().unwrap(), true);
    let mut page = model.log.page.clone().unwrap();
    for line in &mut page.lines {
        line.bytes = "é".repeat(5000).into_bytes();
    }
    sample::read_log(&mut model, page);
    let effects = press(&mut model, "7 y");
    let [Effect::Screen(Screen::Copy(text))] = &effects[..] else { panic!("{effects:?}") };
    assert!(text.len() <= 32 << 10 && text.len() > 32_000, "{}", text.len());
}

#[test]
fn the_mouse_can_be_given_to_the_terminal_and_taken_back() {
    let mut model = model();
    assert!(model.mouse);
    assert_eq!(press(&mut model, "M"), [Effect::Screen(Screen::Mouse(false))]);
    assert_eq!(press(&mut model, "M"), [Effect::Screen(Screen::Mouse(true))]);
}
