//! Rows, cursors, filters and the rollback.

use super::{console, model, press};
use midwatch::app::effect::{Effect, Query, Screen};
use midwatch::app::modal::Modal;
use midwatch::app::model::{Area, Hit, Pane, Seen, TargetId};
use midwatch::app::msg::{Mouse, Msg};
use midwatch::app::panes::rows::RowList;
use midwatch::app::problems::Class;
use midwatch::app::wallboard::sentence;
use midwatch::app::{Model, begin, update};
use midwatch::demo::sample;
use midwatch::domain::{Boot, EffectClass, Row, Rows, Section, TargetKind, Verdict};

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
    assert_eq!(health(&model).cursor_place(), None, "no cursor was set");
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

/// Lets a row be read with another verdict.
fn becomes(model: &mut Model, target: &str, verdict: Verdict) {
    let mut row = sample::rows().into_iter().find(|row| row.target == target).unwrap();
    row.observation.as_mut().unwrap().verdict = verdict;
    update(model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
}

#[test]
fn a_row_moves_to_where_it_belongs_once_the_keys_are_elsewhere() {
    let mut model = model();
    press(&mut model, "j");
    becomes(&mut model, "api", Verdict::Ok);
    becomes(&mut model, "cpu", Verdict::Critical);
    assert_eq!(order(&model)[..2], ["api", "cpu"], "while one reads there, it stays");
    press(&mut model, "2");
    assert_eq!(order(&model)[0], "cpu");
    let ranks = |model: &Model| {
        let rows = health(model).shown().map(|row| row.verdict(model.now.wall).rank());
        rows.collect::<Vec<u8>>().is_sorted_by(|a, b| a >= b)
    };
    assert!(ranks(&model), "{:?}", order(&model));
    becomes(&mut model, "memory", Verdict::Critical);
    assert!(ranks(&model), "also what is read in between: {:?}", order(&model));
    let place = |name: &str| order(&model).iter().position(|other| other == name).unwrap();
    assert!(place("/") < place("api"), "and of equals by name: {:?}", order(&model));
    // Back in the pane, the cursor is on its row, which stays again.
    press(&mut model, "1");
    let place = health(&model).cursor_place().unwrap();
    assert_eq!((order(&model)[place].as_str(), place > 2), ("api", true));
    becomes(&mut model, "load", Verdict::Critical);
    assert_eq!(order(&model)[place], "api");
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
fn an_inverse_filter_and_a_pattern_are_understood_and_the_counts_follow() {
    let mut model = model();
    let counts = |model: &Model| health(model).shown_counts().map(|(_, count)| count);
    assert_eq!(counts(&model), health(&model).counts().map(|(_, count)| count));
    press(&mut model, "/ ! s r v Enter");
    assert_eq!(order(&model).len(), sample::rows().len() - 2);
    assert_eq!(counts(&model), [1, 3, 0, 4], "without a stale one, and the only warning");
    press(&mut model, "Esc / ^ c p u | ^ l o a d Enter");
    assert_eq!(order(&model), ["cpu", "load"]);
    assert_eq!(counts(&model), [0, 0, 0, 2]);
    assert_eq!(health(&model).counts().map(|(_, count)| count), [1, 4, 1, 4], "what there is does not change");
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
        let found = model.notice.as_ref().map(|(text, _)| text.as_str());
        assert_eq!(found, Some("no procedure is selected: j selects one"));
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
fn o_sorts_the_pane_by_the_next_column_and_shows_which() {
    let mut model = model();
    press(&mut model, "4 o o o");
    let names: Vec<_> = model.lists.of(Section::Bloat).shown().map(|row| row.object.clone().unwrap()).collect();
    assert_eq!(names[..2], ["public.audit_logs", "public.tasks"], "{names:?}");
    assert!(model.snapshot().notice.is_some_and(|notice| notice == "bloat: the most to have back first"));
    press(&mut model, "6 o");
    assert!(model.snapshot().notice.is_some_and(|notice| notice.contains("order in which they run")));
}

#[test]
fn rows_are_sorted_by_any_column_and_the_other_way_round() {
    let mut model = model();
    let mut rows: Vec<Row> = model.lists.of(Section::Bloat).rows().cloned().collect();
    for row in rows.iter_mut().filter(|row| row.object.as_deref() == Some("billing.invoices")) {
        row.observation.as_mut().unwrap().facts.remove("size_bytes");
    }
    update(&mut model, Msg::RowsRead(Rows { kind: TargetKind::Bloat, target: "novacron".to_owned(), rows }));
    let names = |model: &Model| -> Vec<String> {
        let list = model.lists.of(Section::Bloat);
        list.shown().map(|row| list.name(row)).collect()
    };
    press(&mut model, "4 o o o o");
    let by_size =
        ["audit_logs", "tasks", "tasks_pkey", "sessions", "sessions_expires_idx"].map(|name| format!("public.{name}"));
    assert_eq!(names(&model)[..5], by_size);
    press(&mut model, "O");
    assert!(model.snapshot().notice.is_some_and(|notice| notice == "bloat: the largest first, reversed"));
    let turned: Vec<String> = by_size.iter().rev().cloned().collect();
    assert_eq!(names(&model)[..5], turned, "and what has no size stays last");
    assert_eq!(names(&model)[5], "billing.invoices");
    press(&mut model, "o");
    assert_eq!(names(&model)[0], "public.tasks_pkey", "by the share of bloat, from the largest again");
    press(&mut model, "o");
    assert_eq!(names(&model)[0], "billing.invoices", "by remedy: grant before reindex");
    press(&mut model, "o");
    assert_eq!(model.lists.of(Section::Bloat).sort(), midwatch::app::panes::rows::Sort::Verdict);
    press(&mut model, "O");
    let ranks = model.lists.of(Section::Bloat).shown().map(|row| row.verdict(model.now.wall).rank());
    assert!(ranks.collect::<Vec<_>>().is_sorted(), "reversed, the worst come last");
    press(&mut model, "3 o o o o");
    assert_eq!(
        model.lists.of(Section::Certificates).shown().next().unwrap().target,
        "redis.novacron.io",
        "CN=cell0 CA first"
    );
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
fn mouse_capture_can_be_turned_off_and_on() {
    let mut model = model();
    assert!(model.mouse);
    assert_eq!(press(&mut model, "M"), [Effect::Screen(Screen::Mouse(false))]);
    assert_eq!(press(&mut model, "M"), [Effect::Screen(Screen::Mouse(true))]);
}

#[test]
fn what_was_not_read_yet_is_counted_and_never_ok() {
    let mut model = sample::console((120, 36), None);
    model.targets = [(Section::Health, 3), (Section::Backups, 1)].into();
    let unread = |model: &Model| {
        let snapshot = model.snapshot();
        (snapshot.unread(Section::Health), snapshot.unread(Section::Bloat), snapshot.unread_targets())
    };
    assert_eq!(unread(&model), (Some(3), None, Some(4)));
    let ok: Vec<Row> = sample::rows().into_iter().filter(|row| row.verdict(model.now.wall) == Verdict::Ok).collect();
    let read = |row: &Row| Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row.clone()] });
    update(&mut model, read(&ok[0]));
    update(&mut model, read(&ok[0]));
    assert_eq!(unread(&model), (Some(2), None, Some(3)));
    let said = sentence(&model.snapshot());
    assert_eq!(said.worst, Some(Class::Unknown), "{said:?}");
    assert!(said.happening.ends_with("3 targets not read yet"), "{said:?}");
    update(&mut model, read(&ok[1]));
    update(&mut model, Msg::RowsRead(Rows { kind: TargetKind::Redis, target: "none".to_owned(), rows: Vec::new() }));
    assert_eq!(unread(&model), (None, None, Some(1)), "a target without a row was tried");
    model.targets.remove(&Section::Backups);
    assert_eq!((unread(&model).2, sentence(&model.snapshot()).worst), (None, None));
}
