//! What is not ok over all panes, and the detail of one row.

use super::{model, press};
use midwatch::app::effect::{Effect, Query, Screen};
use midwatch::app::modal::{Modal, RowDialog};
use midwatch::app::model::TargetId;
use midwatch::app::msg::Msg;
use midwatch::app::problems::{self, Class};
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::{Fact, Rows, Section, TargetKind, Verdict};
use std::collections::BTreeMap;

/// The pane that has the keys, and the row under its cursor.
fn here(model: &Model) -> (Section, String) {
    let section = model.focus.section().expect("a pane of rows");
    (section, model.lists.of(section).under_cursor().expect("a cursor").name())
}

fn names(model: &Model) -> Vec<(Class, String)> {
    let all = problems::all(&model.lists, model.now.wall);
    all.iter().map(|problem| (problem.class, problem.row.name())).collect()
}

#[test]
fn the_next_problem_is_looked_for_over_all_panes_worst_first_and_wraps() {
    let mut model = model();
    let all = names(&model);
    assert!(all.is_sorted_by_key(|(class, _)| *class), "{all:?}");
    let first: Vec<&str> = all.iter().take(4).map(|(_, name)| name.as_str()).collect();
    assert_eq!(first, ["api", "database", "*.novacron.io", "/srv/cell0"]);
    assert_eq!(all.last().unwrap(), &(Class::Stale, "/srv/archive".to_owned()));
    for (class, name) in &all {
        assert_eq!(press(&mut model, "!"), [], "{name}: it opens nothing");
        assert!(model.modal().is_none());
        assert_eq!(&here(&model).1, name, "{}", class.word());
    }
    press(&mut model, "!");
    assert_eq!(here(&model), (Section::Health, "api".to_owned()), "from the last to the first");
    // From a row that is ok it begins again, and one that a filter hides is shown.
    press(&mut model, "2 / f i l e s Enter j !");
    assert_eq!(here(&model).1, "api");
    press(&mut model, "!");
    assert_eq!(here(&model), (Section::Backups, "database".to_owned()));
}

#[test]
fn where_all_is_ok_nothing_moves() {
    let mut model = sample::console((80, 24), None);
    let mut row = sample::rows().remove(0);
    row.observation.as_mut().unwrap().verdict = Verdict::Ok;
    update(&mut model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
    press(&mut model, "3 !");
    assert_eq!(model.focus, midwatch::app::model::Pane::Certificates);
    assert_eq!(model.snapshot().notice, Some("nothing is critical, warn, unknown or stale"));
    press(&mut model, "P Enter");
    assert!(model.modal().is_none(), "an empty list leads nowhere");
}

#[test]
fn one_sentence_names_the_worst_and_counts_the_others() {
    let model = model();
    let describe =
        |width: usize| problems::summary(&model.lists, model.now.wall, |text| text.chars().count() <= width).unwrap();
    let whole = "3 critical: service api 503, backup database 31 h old, certificate *.novacron.io expired 2 d ago · 6 warn · 6 unknown · 1 stale";
    assert_eq!(describe(200), (Some(Class::Critical), whole.to_owned()));
    assert_eq!(
        describe(100).1,
        "3 critical: service api 503, backup database 31 h old and 1 more · 6 warn · 6 unknown · 1 stale"
    );
    assert_eq!(describe(10).1, "3 critical · 6 warn · 6 unknown · 1 stale");
    let empty = sample::console((80, 24), None);
    assert_eq!(problems::summary(&empty.lists, empty.now.wall, |_| true), None, "nothing was read");
}

#[test]
fn time_alone_does_not_change_the_sentence() {
    let mut model = model();
    let describe = |model: &Model| problems::summary(&model.lists, model.now.wall, |_| true).unwrap().1;
    let before = describe(&model);
    for second in 452..456 {
        update(&mut model, Msg::Tick(sample::now(second)));
        assert_eq!(describe(&model), before, "at {second}");
    }
}

#[test]
fn the_list_of_problems_leads_to_a_row() {
    let mut model = model();
    assert_eq!(press(&mut model, "P"), []);
    assert!(matches!(model.modal(), Some(Modal::Problems { .. })));
    press(&mut model, "j j Enter");
    assert!(model.modal().is_none());
    assert_eq!(here(&model), (Section::Certificates, "*.novacron.io".to_owned()));
    press(&mut model, "P End Enter");
    assert_eq!(here(&model).1, "/srv/archive");
}

fn detail(model: &Model) -> &RowDialog {
    match model.modal() {
        Some(Modal::Row(dialog)) => dialog,
        other => panic!("no detail but {other:?}"),
    }
}

#[test]
fn the_detail_of_a_row_asks_what_acts_on_it_and_finds_the_runs_on_it() {
    let mut model = model();
    let effects = press(&mut model, "2 j Enter");
    let [Effect::Query(Query::Offer(offer)), Effect::Query(Query::Acts(acts))] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((offer.target.as_str(), acts.target.as_str()), ("database", "database"));
    let target = TargetId::of(offer);
    let other = sample::id(TargetKind::Backup, "files");
    let offered =
        |target: &TargetId| Msg::Offered { target: target.clone(), offers: sample::offers(), withheld: Vec::new() };
    update(&mut model, offered(&other));
    assert_eq!(detail(&model).offers, None, "that is the answer for another row");
    update(&mut model, offered(&target));
    assert_eq!(detail(&model).offers.as_ref().unwrap().len(), 2);

    let takes = |value: &str| vec![("db/backup".to_owned(), BTreeMap::from([("set".to_owned(), value.to_owned())]))];
    update(&mut model, Msg::ActsKnown { target: other, acts: takes("files") });
    assert!(detail(&model).acts.is_empty());
    update(&mut model, Msg::ActsKnown { target, acts: takes("database") });
    let run = |procedure: &str, set: &str| {
        let mut run = sample::runs()[1].clone();
        procedure.clone_into(&mut run.procedure);
        run.params = BTreeMap::from([("set".to_owned(), set.to_owned()), ("days".to_owned(), "30".to_owned())]);
        run
    };
    let runs = [run("db/backup", "database"), run("db/backup", "files"), run("db/other", "database")];
    assert_eq!(detail(&model).runs(&runs).collect::<Vec<_>>(), [&runs[0]]);

    assert!(!detail(&model).raw);
    press(&mut model, "f");
    assert!(detail(&model).raw);
    press(&mut model, "f");
    assert!(!detail(&model).raw);
    let effects = press(&mut model, "x");
    assert!(matches!(&effects[..], [Effect::Query(Query::Offer(row))] if row.target == "database"), "{effects:?}");
}

#[test]
fn y_in_a_detail_copies_the_command_that_would_help() {
    let mut model = model();
    let effects = press(&mut model, "2 j Enter y");
    let copied = |effects: &[Effect]| match effects.last() {
        Some(Effect::Screen(Screen::Copy(text))) => text.clone(),
        other => panic!("{other:?}"),
    };
    let row = model.lists.of(Section::Backups).under_cursor().unwrap();
    let output = &row.observation.as_ref().unwrap().detail;
    assert_eq!(copied(&effects), format!("database  {output}"), "where there is none, the row");
    let bloat = model.lists.of(Section::Bloat).rows().find(|row| row.name().contains("billing")).unwrap().clone();
    assert!(matches!(bloat.observation.as_ref().unwrap().facts["remedy_command"], Fact::Text(_)));
    let effects = press(&mut model, "Esc 4 / b i l l Enter j Enter y");
    assert_eq!(copied(&effects), "GRANT pg_read_all_data TO watch;");
}

#[test]
fn a_problem_that_the_filter_keeps_out_turns_the_filter_off() {
    let mut model = model();
    press(&mut model, "1 / s r v Enter");
    let list = |model: &Model| model.lists.of(Section::Health).filter().to_owned();
    assert_eq!(list(&model), "srv");
    press(&mut model, "!");
    let on = model.lists.of(Section::Health).under_cursor().unwrap();
    assert!(!on.name().contains("srv"), "the worst is another row");
    assert_eq!(list(&model), "");
    assert!(model.notice.as_ref().unwrap().0.ends_with("the filter of Health is off"), "{:?}", model.notice);
    // One that it lets through leaves it on.
    let name = on.name();
    let keys: Vec<String> = name.chars().map(String::from).collect();
    press(&mut model, &format!("1 / {} Enter !", keys.join(" ")));
    assert_eq!(list(&model), name);
}

#[test]
fn messages_of_the_start_are_shown_one_after_another() {
    let mut model = model();
    model.banners = vec!["no such theme".to_owned(), "no such keymap".to_owned()];
    assert_eq!(model.snapshot().banner.unwrap(), "1 of 2 (Esc shows the next): no such theme");
    press(&mut model, "1 Esc");
    assert_eq!(model.snapshot().banner.unwrap(), "no such keymap");
    press(&mut model, "Esc");
    assert_eq!(model.snapshot().banner, None);
}
