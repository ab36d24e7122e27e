//! Offers and plans: what could be done, and what it would touch now.

use crate::app::msg::{Offer, Outline, ParamShown, PlanShown};
use crate::config::reader::Problem;
use crate::config::state::Scope;
use crate::domain::error::Result;
use crate::domain::reference;
use crate::domain::{Error, Fact, Kind, Order, Preview, Row, TargetKind, Verb};
use crate::gate::World;
use crate::gate::preflight;
use crate::procedure::acts_on::Refusal;
use crate::procedure::catalog::Catalog;
use crate::procedure::header::Procedure;
use crate::procedure::params::ParamKind;
use crate::procedure::plan::{Plan, Step, WindowUse};
use crate::procedure::{catalog, outline};
use crate::runner::adapters::{self, BuiltIn, Look, hide};
use crate::runner::{identity, policy};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The fact of a row whose target can be acted on.
const CAN_ACT: &str = "can_act";

/// The procedures that act on a row, their parameters filled in from it: reads first, then changes, then what destroys; and what
/// would act on it but needs an `act` that there is not. Where none applies, why each that acts on such rows does not.
#[must_use]
pub fn offers(world: &World, row: &Row) -> (Vec<Offer>, Vec<String>) {
    let (catalog, adapters) = (world.catalog(), world.adapters());
    let found = catalog.offers(row);
    let (able, mut withheld) = withheld(&catalog, row, &found, world);
    if found.is_empty() {
        let why = |why: Vec<Refusal>| why.iter().map(Refusal::to_string).collect::<Vec<_>>().join(", or ");
        let refused = catalog.refusals(&able).into_iter();
        withheld.extend(refused.map(|(procedure, refusals)| format!("{} {}", procedure.id, why(refusals))));
    }
    let mut offers: Vec<Offer> =
        found.into_iter().map(|(procedure, params)| offer(procedure, &params, &adapters)).collect();
    offers.sort_by(|a, b| (a.effect, &a.title, &a.procedure).cmp(&(b.effect, &b.title, &b.procedure)));
    (offers, withheld)
}

/// The procedures that act on rows like this one, each with the parameters that it takes from it, whether or not it applies now.
#[must_use]
pub fn acts(world: &World, row: &Row) -> Vec<(String, BTreeMap<String, String>)> {
    let catalog = world.catalog();
    let taken = |procedure: &Procedure| {
        let id = procedure.id.clone();
        procedure.takes(row).map(move |params| (id.clone(), params)).collect::<Vec<_>>()
    };
    catalog.procedures().flat_map(taken).collect()
}

/// The row as it were if its target could be acted on, and what would be offered then, each with the reason why it is not.
fn withheld(
    catalog: &Catalog,
    row: &Row,
    found: &[(&Procedure, BTreeMap<String, String>)],
    world: &World,
) -> (Row, Vec<String>) {
    let mut able = row.clone();
    match able.observation.as_mut().filter(|seen| seen.facts.get(CAN_ACT) == Some(&Fact::Bool(false))) {
        Some(seen) => seen.facts.insert(CAN_ACT, Fact::Bool(true)),
        None => return (able, Vec::new()),
    };
    let target = &row.target;
    let why = match has_act(world, row) {
        Some(true) => format!("cannot change {target}: it is a standby, or it takes no changes now"),
        Some(_) if world.estate.source.is_none() => {
            format!("needs `act`: {target} was discovered, and an estate file names it")
        }
        _ => format!("needs `act`: {target} has none in the estate"),
    };
    let known: Vec<&str> = found.iter().map(|(procedure, _)| procedure.id.as_str()).collect();
    let more = catalog.offers(&able).into_iter().filter(|(procedure, _)| !known.contains(&procedure.id.as_str()));
    let withheld = more.map(|(procedure, _)| format!("{} {why}", procedure.id)).collect();
    (able, withheld)
}

/// Every procedure.
#[must_use]
pub fn all(world: &World) -> Vec<Offer> {
    let adapters = world.adapters();
    world.catalog().procedures().map(|procedure| offer(procedure, &BTreeMap::new(), &adapters)).collect()
}

/// Every checklist with its items, those of the estate first.
#[must_use]
pub fn checklists(world: &World) -> Vec<Outline> {
    let catalog = world.catalog();
    let mut lists: Vec<&Procedure> = catalog.procedures().filter(|list| list.order == Order::Any).collect();
    lists.sort_by_key(|list| catalog::is_built_in(list));
    let adapters = world.adapters();
    let outline = |list: &Procedure| Outline {
        offer: offer(list, &BTreeMap::new(), &adapters),
        items: outline::of(list, catalog.library()).into_iter().map(shown_item).collect(),
    };
    lists.into_iter().map(outline).collect()
}

/// Whether the estate says how to act on the row's target; `None` where it does not name it.
fn has_act(world: &World, row: &Row) -> Option<bool> {
    let (estate, target) = (&world.estate, &row.target);
    if row.kind == TargetKind::Redis {
        return estate.redis.iter().find(|entry| entry.name == *target).map(|entry| entry.act.is_some());
    }
    estate.postgres.iter().find(|entry| entry.name == *target).map(|entry| entry.act.is_some())
}

fn offer(procedure: &Procedure, given: &BTreeMap<String, String>, adapters: &BuiltIn) -> Offer {
    let params = procedure.params.iter().map(|param| {
        let choices = param.choices(adapters);
        let only = choices.first().filter(|_| choices.len() == 1);
        let value = given.get(&param.name).or(param.default.as_ref()).or(only).cloned().unwrap_or_default();
        let is_target = matches!(param.kind, ParamKind::Target(_)) && !choices.is_empty();
        let accepts = if is_target { format!("one of {}", choices.join(", ")) } else { param.accepts() };
        ParamShown { name: param.name.clone(), accepts, help: param.help.clone(), value, choices }
    });
    let params: Vec<ParamShown> = params.collect();
    Offer {
        procedure: procedure.id.clone(),
        title: titled(procedure.title(), &params),
        purpose: titled(procedure.purpose(), &params),
        effect: procedure.effect(),
        acts_on: procedure
            .acts_on
            .iter()
            .map(|binding| binding.row.word())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        takes_s: procedure.takes_s(),
        params,
    }
}

fn shown_item((phase, title): (String, String)) -> (String, String) {
    (phase, reference::show(&title))
}

/// A title with what is known of its parameters; what must still be asked for stands by its name: `Vacuum <schema>.<table>`.
fn titled(title: &str, params: &[ParamShown]) -> String {
    let known = params.iter().filter(|param| !param.value.is_empty());
    let filled =
        known.fold(title.to_owned(), |title, param| title.replace(&format!("{{{{{}}}}}", param.name), &param.value));
    reference::show(&filled)
}

/// A plan with these parameters; touches nothing.
///
/// # Errors
/// Every problem at once, as one usage error; and what is wrong with the windows, where it needs one.
pub fn plan(world: &World, procedure: &str, params: &BTreeMap<String, String>) -> Result<Plan> {
    let catalog = world.catalog();
    let found = catalog.find(procedure).map_err(|cause| world.without_estate(cause))?;
    plan_by(world, &catalog, found, params, &world.adapters().planning())
}

/// The same where values stand for parameters that are not given: what those name need not exist.
///
/// # Errors
/// As [`plan`].
pub fn draft(world: &World, procedure: &Procedure, params: &BTreeMap<String, String>) -> Result<Plan> {
    plan_by(world, &world.catalog(), procedure, params, &world.adapters())
}

fn plan_by(
    world: &World,
    catalog: &Catalog,
    found: &Procedure,
    params: &BTreeMap<String, String>,
    adapters: &BuiltIn,
) -> Result<Plan> {
    let (estate, environment) = (&world.estate.name, world.estate.environment.word());
    let mut plan = Plan::make(found, params, estate, environment, adapters, catalog.library())
        .map_err(|problems| world.without_estate(refused(&found.id, &problems)))?;
    if preflight::demands_window(world, &plan)? {
        plan.window = Some(WindowUse::Any);
    }
    Ok(plan)
}

fn refused(procedure: &str, problems: &[Problem]) -> Error {
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Error::new(Kind::Usage, format!("cannot plan {procedure}:\n  {}", said.join("\n  ")))
}

/// A plan with what each step would do now; advisory, for the runner previews again when a step is reached.
///
/// # Errors
/// As [`plan`].
pub fn shown(world: &World, procedure: &str, params: &BTreeMap<String, String>) -> Result<PlanShown> {
    let plan = plan(world, procedure, params)?;
    let previews = plan.steps.iter().map(preview).collect();
    let (preflight, late) = match preflight::preflight(world, &plan, None) {
        Ok(found) => {
            let warned = found.warned();
            (Some((Box::new(found.view), warned)), found.refused)
        }
        // As an emergency it may begin all the same: what cannot be foreseen even so begins in no way.
        Err(cause) => {
            let found = preflight::preflight(world, &plan, Some("")).ok();
            (found.map(|found| (Box::new(found.view), Vec::new())), Some(cause))
        }
    };
    let (preflight, warnings) = preflight.map_or((None, Vec::new()), |(view, warnings)| (Some(view), warnings));
    let policy = policy::refusal(&plan, world.state.scope == Scope::Team);
    let is_late = policy.is_none() && late.is_some() && preflight.is_some();
    let refused = policy.or(late);
    Ok(PlanShown { hash: plan.hash()?, previews, refused, late: is_late, plan, preflight, warnings })
}

fn preview(step: &Step) -> Option<Result<Preview>> {
    let action = step.act.as_ref().filter(|_| step.verb == Verb::Do)?;
    let seen = adapters::preview(action, &Look::of(step, identity::host_name()), &mut io::sink());
    let seen =
        seen.map(|seen| Preview { listing: step.with_undo_text(seen.listing.clone()), ..seen }).map(hide::preview);
    let seen = seen.map_err(|error| Error { message: reference::show(&error.message), ..error });
    Some(seen.map(|seen| Preview {
        headline: reference::show(&seen.headline),
        place: reference::show(&seen.place),
        warnings: seen.warnings.iter().map(|warning| reference::show(warning)).collect(),
        undo: reference::show(&seen.undo),
        facts: seen.facts.iter().map(|(name, value)| (name.clone(), reference::show(value))).collect(),
        ..seen
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_what_is_known() {
        let param = |name: &str, value: &str| {
            let accepts = "text".to_owned();
            let (help, choices) = (String::new(), Vec::new());
            ParamShown { name: name.to_owned(), accepts, help, value: value.to_owned(), choices }
        };
        let params = [param("schema", "public"), param("table", "")];
        assert_eq!(titled("Vacuum {{schema}}.{{table}}", &params), "Vacuum public.<table>");
    }

    use crate::calendar::Calendar;
    use crate::config::estate::Estate;
    use crate::config::packs::Pack;
    use crate::config::paths::Surroundings;
    use crate::config::state::{Scope, State};
    use crate::domain::{Observation, Verdict, Wall};
    use crate::runner::adapters::BuiltIn;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    fn world(entry: &str) -> World {
        let text =
            format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\npacks = [\"cell0\", \"novacron\"]\n{entry}");
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
    fn what_no_window_allows_is_offered_as_an_emergency() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("procedures")).unwrap();
        let procedure = "format = 1\nid = \"t/x\"\ntitle = \"X\"\npurpose = \"p\"\nowner = \"o\"\nreviewed = 2026-11-21\n\
             review_every = \"90d\"\nphases = [\"a\"]\n[[a]]\ntitle = \"Work\"\neffect = \"change\"\n\
             do = { exec = [\"true\"] }\nundo = { exec = [\"true\"] }\n";
        std::fs::write(home.path().join("procedures/x.toml"), procedure).unwrap();
        let text = "schema = 1\nname = \"e\"\nenvironment = \"production\"\n";
        let world = World {
            estate: Estate::parse(text, &home.path().join("midwatch.toml")).unwrap(),
            around: Surroundings::below(home.path(), []),
            ..world("")
        };
        let found = shown(&world, "t/x", &BTreeMap::new()).unwrap();
        let why = found.refused.unwrap().message;
        assert!(why.contains("needs an open maintenance window, and production has no window"), "{why}");
        assert!(found.late, "E of the console starts what --emergency starts");
    }

    #[test]
    fn what_needs_an_act_is_withheld_and_says_so() {
        let bare = "[[postgres]]\nname = \"main\"\nwatch = \"service=w\"\n";
        let full = format!("{bare}act = \"service=a\"\n");
        let told = |entry: &str, can_act| {
            let (offers, withheld) = offers(&world(entry), &bloat(can_act));
            (offers.into_iter().map(|offer| offer.procedure).collect::<Vec<_>>(), withheld)
        };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let other = "common/reindex-index needs kind: index (now table)";
        assert_eq!(told(&full, true), (texts(&["common/vacuum-table"]), Vec::new()));
        let why = "common/vacuum-table needs `act`: main has none in the estate";
        assert_eq!(told(bare, false), (Vec::new(), texts(&[why, other])));
        let why = "common/vacuum-table cannot change main: it is a standby, or it takes no changes now";
        assert_eq!(told(&full, false), (Vec::new(), texts(&[why, other])));
    }

    fn mount(configured: bool) -> Row {
        let mut row = Row::unread(TargetKind::Mount, "/srv/cell0".to_owned(), String::new(), Duration::from_secs(5));
        row.saw(Observation {
            verdict: Verdict::Ok,
            detail: String::new(),
            facts: BTreeMap::from([
                ("path", Fact::Text("/srv/cell0".to_owned())),
                ("configured", Fact::Bool(configured)),
            ]),
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
        let mut texts: Vec<String> =
            listed.iter().flat_map(|offer| [offer.title.clone(), offer.purpose.clone()]).collect();
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
    fn where_none_applies_each_that_acts_on_such_rows_says_why_not() {
        let (offers, withheld) = offers(&world(""), &mount(false));
        let why = |id: &str| format!("{id} needs entry of the estate: yes (now no)");
        let ids = ["cell0/archive-logs", "cell0/data-retention", "cell0/health-check"];
        assert_eq!((offers, withheld), (Vec::new(), ids.map(why).to_vec()));
        let service = Row::unread(TargetKind::Service, "api".to_owned(), String::new(), Duration::from_secs(5));
        assert_eq!(
            super::offers(&world(""), &service),
            (Vec::new(), Vec::new()),
            "what acts on other rows is not counted"
        );
    }

    #[test]
    fn what_is_included_stands_in_its_place_and_a_default_in_its_name() {
        let catalog = Catalog::read(None, &Pack::ALL, &BuiltIn::default());
        let list = outline::of(catalog.find("cell0/checklist").unwrap(), catalog.library());
        let phases: Vec<&str> = list.iter().map(|(phase, _)| phase.as_str()).collect();
        assert!(phases.is_sorted_by_key(|phase| ["before", "during", "after"].iter().position(|p| p == phase)));
        assert_eq!(list.first().unwrap().1, "Users know of the window");
        assert_eq!(list.last().unwrap().1, "Say so");
        let inner = outline::of(catalog.find("cell0/health-check").unwrap(), catalog.library());
        assert!(inner.len() > 1 && inner.iter().all(|(_, title)| list.iter().any(|(_, other)| other == title)));
        assert_eq!(list.len(), 13 + inner.len());
    }
}
