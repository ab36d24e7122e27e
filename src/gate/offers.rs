//! Offers: which procedures act on a row, and which need an `act` that the estate does not have.

use crate::app::msg::{Offer, Outline, ParamShown};
use crate::domain::{Fact, Order, Row, TargetKind, reference};
use crate::gate::World;
use crate::procedure::acts_on::Refusal;
use crate::procedure::catalog::Catalog;
use crate::procedure::header::Procedure;
use crate::procedure::params::ParamKind;
use crate::procedure::{catalog, outline};
use crate::runner::adapters::BuiltIn;
use std::collections::{BTreeMap, BTreeSet};

/// The fact that a row's target can be acted on.
const CAN_ACT: &str = "can_act";

/// The procedures that act on a row, with parameters filled in from it: reads first, then changes, then destroys; and
/// the procedures that need an `act` which the estate does not have. If none applies, the reason for each that acts
/// on such rows.
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

/// The procedures that act on rows like this one, whether or not they apply now, each with the parameters that it
/// takes from the row.
#[must_use]
pub fn acts(world: &World, row: &Row) -> Vec<(String, BTreeMap<String, String>)> {
    let catalog = world.catalog();
    let taken = |procedure: &Procedure| {
        let id = procedure.id.clone();
        procedure.takes(row).map(move |params| (id.clone(), params)).collect::<Vec<_>>()
    };
    catalog.procedures().flat_map(taken).collect()
}

/// The row as if its target could be acted on, and what would be offered then, each with the reason why it is
/// withheld.
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

/// Whether the estate has an `act` for the row's target; `None` if the estate does not name the target.
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

/// A title with its known parameters; an unknown one is shown by its name: `Vacuum <schema>.<table>`.
fn titled(title: &str, params: &[ParamShown]) -> String {
    let known = params.iter().filter(|param| !param.value.is_empty());
    let filled =
        known.fold(title.to_owned(), |title, param| title.replace(&format!("{{{{{}}}}}", param.name), &param.value));
    reference::show(&filled)
}

#[cfg(test)]
pub(super) mod tests;
