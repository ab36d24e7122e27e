//! `midwatch print`: a procedure as a page for a change request; touches nothing.

mod open;

use crate::cli::args::{Common, Print};
use crate::cli::{out, plan, setup};
use crate::domain::error::Result;
use crate::gate::plans;
use crate::procedure::Catalog;
use crate::procedure::page::page;
use crate::runner::adapters::phrase;
use std::collections::BTreeMap;

/// Prints the page.
///
/// # Errors
/// When the procedure cannot be planned, or standard output is closed.
pub fn run(common: &Common, args: &Print) -> Result<u8> {
    let world = setup::world(common)?;
    let catalog: Catalog = world.catalog();
    let found = catalog.find(&args.procedure.procedure);
    let procedure = found.map_err(|cause| world.without_estate(cause))?;
    let given: BTreeMap<String, String> = args.procedure.params.iter().cloned().collect();
    let is_open = procedure.params.iter().any(|param| param.default.is_none() && !given.contains_key(&param.name));
    let (plan, open) = match is_open {
        false => (plans::plan(&world, &procedure.id, &given)?, open::Open::default()),
        true => open::drafted(&world, procedure, &given)?,
    };
    let phrase = |action: &_| phrase::phrase(action);
    let page = page(procedure, &plan, &open.shown, &phrase);
    out::print(plan::clean(&open.named(&page)).as_bytes())
}
