//! Which procedures are offered for which row, and which are withheld.

use super::*;
use crate::calendar::Calendar;
use crate::config::estate::Estate;
use crate::config::packs::Pack;
use crate::config::paths::Surroundings;
use crate::config::state::{Scope, State};
use crate::domain::{Observation, Verdict, Wall};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn a_title_shows_known_parameters() {
    let param = |name: &str, value: &str| {
        let accepts = "text".to_owned();
        let (help, choices) = (String::new(), Vec::new());
        ParamShown { name: name.to_owned(), accepts, help, value: value.to_owned(), choices }
    };
    let params = [param("schema", "public"), param("table", "")];
    assert_eq!(titled("Vacuum {{schema}}.{{table}}", &params), "Vacuum public.<table>");
}

pub(crate) fn world(entry: &str) -> World {
    let text = format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\npacks = [\"cell0\", \"novacron\"]\n{entry}");
    let state = State {
        dir: PathBuf::from("/nonexistent"),
        scope: Scope::User,
        locks: PathBuf::from("/nonexistent"),
        locks_scope: Scope::User,
    };
    World {
        estate: Estate::parse(&text, Path::new("/nonexistent/midwatch.toml")).unwrap(),
        around: Surroundings::below(Path::new("/nonexistent"), []),
        calendar: Calendar::default(),
        state,
        exe: PathBuf::from("/nonexistent"),
        wrong: None,
    }
}

fn bloat(can_act: bool) -> Row {
    let text = |text: &str| Fact::Text(text.to_owned());
    let mut row = Row::unread(TargetKind::Bloat, "main".to_owned(), String::new(), Duration::from_secs(5));
    row.saw(Observation {
        verdict: Verdict::Ok,
        detail: String::new(),
        facts: BTreeMap::from([
            ("kind", text("table")),
            ("schema", text("public")),
            ("name", text("tasks")),
            (CAN_ACT, Fact::Bool(can_act)),
        ]),
        observed_at: Wall::from_unix(0, 0),
        trend: None,
    });
    row
}

#[test]
fn a_procedure_that_needs_an_act_is_withheld_with_the_reason() {
    let bare = "[[postgres]]\nname = \"main\"\nwatch = \"service=w\"\n";
    let full = format!("{bare}act = \"service=a\"\n");
    let describe = |entry: &str, can_act| {
        let (offers, withheld) = offers(&world(entry), &bloat(can_act));
        (offers.into_iter().map(|offer| offer.procedure).collect::<Vec<_>>(), withheld)
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let other = "common/reindex-index needs kind index (now table)";
    assert_eq!(describe(&full, true), (texts(&["common/vacuum-table"]), Vec::new()));
    let why = "common/vacuum-table needs `act`: main has none in the estate";
    assert_eq!(describe(bare, false), (Vec::new(), texts(&[why, other])));
    let why = "common/vacuum-table cannot change main: it is a standby, or it takes no changes now";
    assert_eq!(describe(&full, false), (Vec::new(), texts(&[why, other])));
}

fn mount(configured: bool) -> Row {
    let mut row = Row::unread(TargetKind::Mount, "/srv/cell0".to_owned(), String::new(), Duration::from_secs(5));
    row.saw(Observation {
        verdict: Verdict::Ok,
        detail: String::new(),
        facts: BTreeMap::from([("path", Fact::Text("/srv/cell0".to_owned())), ("configured", Fact::Bool(configured))]),
        observed_at: Wall::from_unix(0, 0),
        trend: None,
    });
    row
}

#[test]
fn the_only_target_of_a_kind_is_filled_in_and_several_are_offered() {
    let entry = |name: &str| format!("[[redis]]\nname = \"{name}\"\nurl = \"redis://127.0.0.1:1\"\n");
    let param = |text: &str| {
        let listed = all(&world(text));
        let drains = listed.into_iter().find(|offer| offer.procedure == "novacron/drain-queue").unwrap();
        drains.params.into_iter().find(|param| param.name == "redis").unwrap()
    };
    let one = param(&entry("queue"));
    assert_eq!((one.value.as_str(), one.accepts.as_str()), ("queue", "one of queue"));
    let two = param(&format!("{}{}", entry("queue"), entry("cache")));
    assert_eq!((two.value.as_str(), two.accepts.as_str()), ("", "one of queue, cache"));
    assert_eq!(two.choices, ["queue", "cache"]);
    let none = param("");
    assert_eq!((none.value.as_str(), none.accepts.as_str()), ("", "the name of a redis"));
}

#[test]
fn what_is_listed_names_its_open_parameters() {
    let listed = all(&world(""));
    let title = |id: &str| listed.iter().find(|offer| offer.procedure == id).unwrap().title.as_str();
    assert_eq!(title("common/vacuum-table"), "Vacuum <schema>.<table>");
    assert_eq!(title("common/restart-unit"), "Restart <unit>");
    let mut texts: Vec<String> = listed.iter().flat_map(|offer| [offer.title.clone(), offer.purpose.clone()]).collect();
    let lists = checklists(&world(""));
    texts.extend(lists.iter().map(|list| list.offer.title.clone()));
    texts.extend(lists.into_iter().flat_map(|list| list.items).map(|(_, title)| title));
    assert!(texts.len() > 40 && !texts.iter().any(|text| text.contains("{{")), "{texts:#?}");
    assert!(texts.iter().any(|text| text == "Emergency: <incident>"), "{texts:#?}");
}

#[test]
fn reads_are_offered_before_changes_and_what_destroys_comes_last() {
    let (offers, withheld) = offers(&world(""), &mount(true));
    let effects: Vec<_> = offers.iter().map(|offer| offer.effect).collect();
    assert!(effects.is_sorted(), "{effects:?}");
    assert_eq!(offers.first().unwrap().procedure, "cell0/health-check");
    assert_eq!(offers.last().unwrap().procedure, "cell0/data-retention");
    assert_eq!(withheld, Vec::<String>::new(), "where one applies, the others are not listed");
}

#[test]
fn if_no_procedure_applies_each_gives_its_reason() {
    let (offers, withheld) = offers(&world(""), &mount(false));
    let why = |id: &str| format!("{id} needs a row that is named in the estate file (this one is not)");
    let ids = ["cell0/archive-logs", "cell0/data-retention", "cell0/health-check"];
    assert_eq!((offers, withheld), (Vec::new(), ids.map(why).to_vec()));
    let service = Row::unread(TargetKind::Service, "api".to_owned(), String::new(), Duration::from_secs(5));
    assert_eq!(super::offers(&world(""), &service), (Vec::new(), Vec::new()), "what acts on other rows is not counted");
}

#[test]
fn an_included_procedure_is_listed_in_place_and_its_default_shown_in_the_title() {
    let catalog = Catalog::read(None, &Pack::ALL, &BuiltIn::default());
    let list = outline::of(catalog.find("cell0/checklist").unwrap(), catalog.library());
    let phases: Vec<&str> = list.iter().map(|(phase, _)| phase.as_str()).collect();
    assert!(phases.is_sorted_by_key(|phase| ["before", "during", "after"].iter().position(|p| p == phase)));
    assert_eq!(list.first().unwrap().1, "Notify users of the window");
    assert_eq!(list.last().unwrap().1, "Announce the end");
    let inner = outline::of(catalog.find("cell0/health-check").unwrap(), catalog.library());
    assert!(inner.len() > 1 && inner.iter().all(|(_, title)| list.iter().any(|(_, other)| other == title)));
    assert_eq!(list.len(), 13 + inner.len());
}
