//! What every shipped procedure shows: its list, its plan, its page, its run and its report hold no raw reference.

use midwatch::app::confirm::Authority;
use midwatch::app::modal::{Modal, Palette};
use midwatch::app::msg::{Msg, PlanShown};
use midwatch::app::{Model, update};
use midwatch::config::estate::Estate;
use midwatch::config::paths::Surroundings;
use midwatch::config::state::{Scope, State};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::{Error, Kind, RunId, TargetKind};
use midwatch::gate::{World, offers, plans};
use midwatch::journal::append::Appender;
use midwatch::journal::chain::read;
use midwatch::journal::history::History;
use midwatch::journal::report::{Report, html, markdown};
use midwatch::procedure::Procedure;
use midwatch::procedure::page::page;
use midwatch::procedure::params::{Param, ParamKind};
use midwatch::procedure::plan::Plan;
use midwatch::runner::adapters::phrase::phrase;
use midwatch::runner::engine::created;
use midwatch::runner::rundir::Start;
use midwatch::ui::shot::{self, Paper};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const DEMO: &str = include_str!("../../src/demo/night/checklist.toml");

/// An estate with the demo's checklist beside what is built in.
fn world(dir: &Path) -> World {
    fs::create_dir(dir.join("procedures")).unwrap();
    fs::write(dir.join("procedures/checklist.toml"), DEMO).unwrap();
    let text = "schema = 1\nname = \"e\"\nenvironment = \"other\"\npacks = [\"cell0\", \"novacron\"]\n\
        [[postgres]]\nname = \"main\"\nwatch = \"host=/nonexistent dbname=x\"\nact = \"host=/nonexistent dbname=x\"\n\
        [[redis]]\nname = \"queue\"\nurl = \"redis://127.0.0.1:1/\"\nact = \"redis://127.0.0.1:1/\"\n";
    World {
        estate: Estate::parse(text, &dir.join("midwatch.toml")).unwrap(),
        around: Surroundings::below(dir, []),
        calendar: midwatch::calendar::Calendar::default(),
        state: State { dir: dir.into(), scope: Scope::User, locks: dir.into(), locks_scope: Scope::User },
        exe: dir.join("midwatch"),
        wrong: None,
    }
}

/// A value of its kind for each parameter that has none.
fn values(procedure: &Procedure) -> BTreeMap<String, String> {
    let open = procedure.params.iter().filter(|param| param.default.is_none());
    let value = |param: &Param| match &param.kind {
        ParamKind::Target(TargetKind::Postgres) => "main".to_owned(),
        ParamKind::Target(TargetKind::Redis) => "queue".to_owned(),
        ParamKind::Target(_) => format!("{}.service", param.name),
        _ => param.sample().text,
    };
    open.map(|param| (param.name.clone(), value(param))).collect()
}

fn screen(model: &mut Model) -> String {
    let theme = Theme::labelled(Glyphs::Unicode);
    shot::of(model, &theme, Paper::Dark).text
}

/// Everything that is shown of a procedure once it is planned, with where that is.
fn shown(world: &World, procedure: &Procedure, plan: &Plan) -> Vec<(&'static str, String)> {
    let open: BTreeMap<String, String> =
        values(procedure).into_keys().map(|name| (name.clone(), format!("<{name}>"))).collect();
    let mut all = vec![("print", page(procedure, plan, &open, &|action| phrase(action)))];
    // A step whose preview fails shows what it would run.
    let away = || Some(Err(Error::new(Kind::Machine, "no such host")));
    let previews = plan.steps.iter().map(|step| step.act.as_ref().and_then(|_| away())).collect();
    let (refused, preflight) = (None, None);
    let hash = plan.hash().unwrap();
    let plan_shown = PlanShown {
        plan: plan.clone(),
        hash: hash.clone(),
        previews,
        refused,
        late: false,
        preflight,
        warnings: vec![],
    };
    let mut model = sample::console((120, 400), Some(Authority::grant()));
    model.open(Modal::Plan { shown: Box::new(plan_shown), scroll: 0, sent: false });
    all.push(("plan", screen(&mut model)));
    let dir = tempfile::tempdir().unwrap();
    let start = Start {
        plan: hash,
        how: "console".to_owned(),
        locks: world.state.locks.clone(),
        estate: None,
        windows: None,
        emergency: None,
        warned: Vec::new(),
    };
    let event = created(plan, &start, &History::default()).unwrap();
    let (id, now) = (RunId::new(1, 1), sample::now(451));
    drop(Appender::create(dir.path(), &id, event, model.me.clone(), now, None).unwrap());
    let report = Report::of(dir.path(), read(&fs::read(dir.path().join("journal.jsonl")).unwrap())).unwrap();
    all.extend([("markdown", markdown(&report)), ("html", html(&report))]);
    let mut model = sample::console((120, 200), Some(Authority::grant()));
    model.run.following = Some(report.view.id.clone());
    update(&mut model, Msg::RunFolded { view: Box::new(report.view.clone()), runner_lives: true });
    sample::press(&mut model, if report.view.items().is_empty() { "6" } else { "5" });
    all.push(("run", screen(&mut model)));
    for _ in &plan.steps {
        sample::press(&mut model, "Enter");
        all.push(("step", screen(&mut model)));
        sample::press(&mut model, "Esc j");
    }
    all
}

#[test]
fn nothing_that_is_shown_of_a_procedure_holds_a_raw_reference() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path());
    let mut model = sample::console((120, 200), Some(Authority::grant()));
    model.open(Modal::Palette(Palette::new(|_| true)));
    update(&mut model, Msg::ProceduresListed(offers::all(&world)));
    let mut all = vec![("all".to_owned(), "palette", screen(&mut model))];
    let mut model = sample::console((120, 200), Some(Authority::grant()));
    update(&mut model, Msg::ChecklistsListed(offers::checklists(&world)));
    sample::press(&mut model, "5 z");
    for _ in offers::checklists(&world) {
        all.push(("all".to_owned(), "checklists", screen(&mut model)));
        sample::press(&mut model, "j");
    }
    let catalog = world.catalog();
    let mut planned = 0;
    for procedure in catalog.procedures() {
        let plan = plans::draft(&world, procedure, &values(procedure));
        let Ok(plan) = plan else { panic!("{}: {plan:?}", procedure.id) };
        all.extend(
            shown(&world, procedure, &plan).into_iter().map(|(place, text)| (procedure.id.clone(), place, text)),
        );
        planned += 1;
    }
    assert!(planned > 10 && all.iter().any(|(id, ..)| id == "demo/checklist"), "{planned}");
    assert!(all.iter().any(|(_, place, text)| *place == "print" && text.contains("<run id>")));
    for (id, place, text) in &all {
        for raw in ["{{", "}}", "….…", "saved:"] {
            let found = text.lines().find(|line| line.contains(raw));
            assert_eq!(found, None, "{id}: {place}");
        }
    }
}
