//! `midwatch print`: a procedure as a page for a change request; touches nothing.

use crate::cli::args::{Common, Print};
use crate::cli::{out, plan, setup};
use crate::domain::TargetKind;
use crate::domain::error::Result;
use crate::gate::plans;
use crate::procedure::adapters::Adapters;
use crate::procedure::page::page;
use crate::procedure::params::{ANY_TARGET, ParamKind};
use crate::procedure::{Catalog, Procedure};
use crate::runner::adapters::{BuiltIn, phrase};
use std::collections::{BTreeMap, BTreeSet};

/// Prints the page.
///
/// # Errors
/// When the procedure cannot be planned, or standard output is closed.
pub fn run(common: &Common, args: &Print) -> Result<u8> {
    let world = setup::world(common)?;
    let catalog: Catalog = world.catalog();
    let procedure = catalog.find(&args.procedure.procedure)?;
    let mut params: BTreeMap<String, String> = args.procedure.params.iter().cloned().collect();
    let open = open(procedure, &mut params, &world.adapters());
    let plan = match open.is_empty() {
        true => plans::plan(&world, &procedure.id, &params)?,
        false => plans::draft(&world, &procedure.id, &params)?,
    };
    let phrase = |action: &_| phrase::phrase(action);
    out::print(plan::clean(&page(procedure, &plan, &open, &phrase)).as_bytes())
}

/// Puts a value of the right type in the place of each parameter that is not given and has none; gives their names.
fn open(procedure: &Procedure, params: &mut BTreeMap<String, String>, adapters: &BuiltIn) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for param in procedure.params.iter().filter(|param| param.default.is_none()) {
        if params.contains_key(&param.name) {
            continue;
        }
        let mut value = param.sample().text;
        if let (true, ParamKind::Target(kind)) = (value == ANY_TARGET, &param.kind) {
            let first = adapters.targets(*kind).and_then(|names| names.into_iter().next());
            // A unit is the one target whose name has a form of its own.
            let suffix = if *kind == TargetKind::Unit { ".service" } else { "" };
            value = first.unwrap_or_else(|| format!("{}{suffix}", param.name));
        }
        open.insert(param.name.clone());
        params.insert(param.name.clone(), value);
    }
    open
}
