//! `midwatch procedures`: what this estate is offered, and what one procedure asks for.

use crate::cli::args::{Common, Procedures};
use crate::cli::{out, plan, setup};
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::{Clean, Order, reference};
use crate::gate::World;
use crate::procedure::catalog::Catalog;
use crate::procedure::header::Procedure;
use crate::procedure::params::Param;
use crate::procedure::shipped;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::IsTerminal;

/// The headings of the list.
const HEADINGS: [&str; COLUMNS] = ["ID", "EFFECT", "ACTS ON", "PACK", "TITLE", "FILE"];
const COLUMNS: usize = 6;

/// Prints the list, or one procedure where a whole id is given.
///
/// # Errors
/// Kind `Usage` where nothing has that id and none contains that text; or when standard output is closed.
pub fn run(common: &Common, args: &Procedures) -> Result<u8> {
    let world = setup::world(common)?;
    let catalog = world.catalog();
    let wanted = args.procedure.as_deref().unwrap_or_default();
    if let Some(one) = catalog.library().get(wanted) {
        return match args.json {
            true => out::print(out::json(&format!("{:#}\n", of_one(one, &world))).as_bytes()),
            false => out::page(&details(one, &world)),
        };
    }
    let lower = wanted.to_lowercase();
    let fits = |procedure: &&Procedure| {
        procedure.id.contains(&lower) || reference::show(procedure.title()).to_lowercase().contains(&lower)
    };
    let found: Vec<&Procedure> = catalog.procedures().filter(fits).collect();
    if found.is_empty() {
        catalog.find(wanted).map_err(|cause| world.without_estate(cause))?;
    }
    let code = match (args.json, std::io::stdout().is_terminal()) {
        (true, _) => out::print(out::json(&format!("{:#}\n", as_json(&found, &world))).as_bytes()),
        (false, true) => out::page(&plan::clean(&aligned(&found, &world))),
        (false, false) => out::page(&separated(&found, &world)),
    }?;
    left_out(&catalog);
    Ok(code)
}

/// Says that files were found and are not in the list.
fn left_out(catalog: &Catalog) {
    let files: BTreeSet<_> = catalog.problems().iter().map(|problem| &problem.file).collect();
    let (first, more) = (files.first(), files.len().saturating_sub(1));
    if let Some(first) = first {
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let text = format!(
            "midwatch: not in the list: {}{more}\nhint: {} says what is wrong there",
            first.display(),
            shell::on_estate("lint")
        );
        out::warn(format_args!("{}", plan::clean(&text)));
    }
}

/// The kinds of rows that a procedure is offered from, each once.
fn acts_on(procedure: &Procedure) -> Vec<&'static str> {
    let kinds: BTreeSet<&str> = procedure.acts_on.iter().map(|binding| binding.row.word()).collect();
    kinds.into_iter().collect()
}

/// The pack of a built-in procedure, `common` where every estate has it; nothing for one of the estate's own.
fn pack(procedure: &Procedure) -> Option<&'static str> {
    Some(shipped::of(procedure)?.pack.map_or("common", |pack| pack.word()))
}

/// The file, as it is called from the estate's directory.
fn file(procedure: &Procedure, world: &World) -> String {
    let beside = world.estate.source.as_deref().and_then(std::path::Path::parent);
    let short = beside.and_then(|directory| procedure.file.strip_prefix(directory).ok());
    short.unwrap_or(&procedure.file).display().to_string()
}

fn cells(procedure: &Procedure, world: &World) -> [String; COLUMNS] {
    let (acts_on, pack) = (acts_on(procedure).join(","), pack(procedure).unwrap_or("own"));
    let acts_on = if acts_on.is_empty() { "-".to_owned() } else { acts_on };
    let title = reference::show(procedure.title());
    [
        procedure.id.clone(),
        procedure.effect().word().to_owned(),
        acts_on,
        pack.to_owned(),
        title,
        file(procedure, world),
    ]
}

/// For people: a heading, and columns below one another.
fn aligned(found: &[&Procedure], world: &World) -> String {
    let heading = HEADINGS.map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(found.iter().map(|one| cells(one, world))).collect();
    let wide = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(wide).collect();
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(&widths).map(|(cell, wide)| format!("{cell:wide$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// For programs: one line each, tabs between.
fn separated(found: &[&Procedure], world: &World) -> String {
    let line = |one: &&Procedure| cells(one, world).map(|cell| Clean::text(&cell).plain()).join("\t") + "\n";
    found.iter().map(line).collect()
}

fn as_json(found: &[&Procedure], world: &World) -> Value {
    json!({ "schema": 1, "estate": world.estate.name, "procedures": found.iter().map(|one| of_one(one, world)).collect::<Vec<_>>() })
}

fn of_one(one: &Procedure, world: &World) -> Value {
    let acts_on = one.acts_on.iter().map(|binding| {
        json!({ "row": binding.row.word(), "when": binding.when.as_ref().map(ToString::to_string), "params": binding.params })
    });
    let params = one.params.iter().map(
        |param| json!({ "name": param.name, "accepts": param.accepts(), "default": param.default, "help": param.help }),
    );
    json!({
        "id": one.id, "title": one.title(), "purpose": one.purpose(), "effect": one.effect().word(),
        "checklist": one.order == Order::Any, "owner": one.owner, "reviewed": one.reviewed.map(|date| date.to_string()),
        "phases": one.phases, "acts_on": acts_on.collect::<Vec<_>>(), "params": params.collect::<Vec<_>>(),
        "takes_s": one.takes_s(), "pack": pack(one), "built_in": pack(one).is_some(), "file": file(one, world),
    })
}

/// One procedure: what it is for, what it asks for, and how it is used.
fn details(one: &Procedure, world: &World) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}  ({})", reference::show(one.title()), one.id);
    if !one.purpose().is_empty() {
        let _ = writeln!(text, "{}", reference::show(one.purpose()));
    }
    let kind = if one.order == Order::Any { " (a checklist)" } else { "" };
    let _ = writeln!(text, "\neffect   {}{kind}", one.effect().word());
    let _ = writeln!(text, "phases   {}", one.phases.join(", "));
    for (name, value) in [("owner", one.owner.clone()), ("pack", pack(one).unwrap_or_default().to_owned())] {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<8} {value}");
        }
    }
    let _ = writeln!(text, "file     {}", file(one, world));
    for binding in &one.acts_on {
        let when = binding.when.as_ref().map(|when| format!(" when {}", when.words())).unwrap_or_default();
        let _ = writeln!(text, "acts on  {}{when}", binding.row.word());
    }
    if !one.params.is_empty() {
        let _ = writeln!(text, "\nparameters");
    }
    let wide = one.params.iter().map(|param| param.name.chars().count()).max().unwrap_or(0);
    for param in &one.params {
        let _ = writeln!(text, "  {:wide$}  {}{}", param.name, param.accepts(), default(param));
        if !param.help.is_empty() {
            let _ = writeln!(text, "  {:wide$}  {}", "", param.help);
        }
    }
    let open: String = one
        .params
        .iter()
        .filter(|param| param.default.is_none())
        .fold(String::new(), |line, param| format!("{line} {}=…", param.name));
    let _ = writeln!(text, "\n{}{open}", shell::on_estate(format_args!("plan {}", one.id)));
    plan::clean(&text)
}

fn default(param: &Param) -> String {
    match &param.default {
        None => "; needed".to_owned(),
        Some(default) => format!("; otherwise {default}"),
    }
}
