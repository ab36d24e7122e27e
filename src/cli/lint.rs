//! `midwatch lint`: every file that Midwatch reads, all errors at once.
//!
//! An error is a line `FILE:LINE:COLUMN: …`; a warning has the word `warning:` behind its place, and fails only with `--strict`.

use crate::app::keymap::Keymap;
use crate::calendar::{self, Calendar};
use crate::cli::args::{Common, Lint};
use crate::cli::{out, plan, setup};
use crate::config::estate::{self, Environment, Estate};
use crate::config::file::problem_of;
use crate::config::keymap;
use crate::config::keys::Section;
use crate::config::packs::Pack;
use crate::config::paths::{self, Surroundings};
use crate::config::patience;
use crate::config::reader::Problem;
use crate::config::theme::{Glyphs, Theme};
use crate::domain::clean::Depth;
use crate::domain::error::Result;
use crate::domain::{Error, quantity};
use crate::procedure::Procedure;
use crate::procedure::catalog::{self, Catalog};
use crate::procedure::lint::retention::Places;
use crate::procedure::lint::windows::Hours;
use crate::procedure::lint::{Judged, judge, judge_windows, targets};
use crate::procedure::read::read;
use crate::runner::adapters::BuiltIn;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Prints every problem; the exit code is 2 when there is an error, and 1 when there are only warnings and they are to fail.
///
/// # Errors
/// When standard output is closed.
pub fn run(common: &Common, args: &Lint) -> Result<u8> {
    let around = setup::surroundings();
    let mut problems = Vec::new();
    let file = paths::estate_file(common.config.as_deref(), &around);
    let adapters = adapters(file.as_deref());
    let catalog = Catalog::read(file.as_deref(), &packs(file.as_deref()), &adapters);
    if args.paths.is_empty() {
        if let Some(file) = &file {
            problems.extend(of_estate(file));
            problems.extend(of_windows_beside(file));
        }
        problems.extend(catalog.problems().to_vec());
        problems.extend(of_looks(common, file.as_deref(), &around));
    }
    let mut beside = catalog.clone().beside(&args.paths, &adapters);
    problems.extend(args.paths.iter().flat_map(|path| of_file(path, &mut beside, &adapters)));
    let judged = judged(&args.paths, file.as_deref(), &catalog, &adapters);
    problems.extend(judged.errors);
    let mut problems = in_order(problems);
    problems.dedup();
    problems.iter().for_each(|problem| tracing::warn!(%problem, "file refused"));
    let text = match (args.json, problems.is_empty() && judged.warnings.is_empty()) {
        (true, _) => out::json(&as_json(&problems, &judged.warnings)?),
        (false, true) => {
            plan::clean(&format!("ok: {}\n", checked(&args.paths, file.as_deref(), &catalog, &around).join(", ")))
        }
        (false, false) => as_text(&problems, &judged.warnings),
    };
    out::print(text.as_bytes())?;
    Ok(match (problems.is_empty(), judged.warnings.is_empty()) {
        (false, _) => 2,
        (true, false) if args.strict => 1,
        _ => 0,
    })
}

/// What is wrong with the themes and keymaps there are, and with those that an option or a variable names.
fn of_looks(common: &Common, estate: Option<&Path>, around: &Surroundings) -> Vec<Problem> {
    let themes = paths::layer_directories("themes", estate, around);
    let keymaps = paths::layer_directories("keymaps", estate, around);
    let named = |names: Vec<String>, chosen: Option<&String>| {
        let more = chosen.filter(|chosen| !names.contains(chosen)).cloned();
        names.into_iter().chain(more)
    };
    let themes = named(Theme::names(&themes), common.theme.as_ref()).flat_map(|name| of_theme(&name, &themes));
    let keys = named(keymap::names(&keymaps), common.keymap.as_ref());
    themes.chain(keys.flat_map(|name| Keymap::load(&name, &keymaps).1)).collect()
}

/// The files in the order in which they were read, and the problems of each by their places.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let mut order: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for problem in &problems {
        let next = order.len();
        order.entry(problem.file.clone()).or_insert(next);
    }
    problems.sort_by_key(|problem| (order.get(&problem.file).copied(), problem.place));
    problems
}

/// What was checked: the files that were named, else those of the estate.
fn checked(named: &[PathBuf], estate: Option<&Path>, catalog: &Catalog, around: &Surroundings) -> Vec<String> {
    if !named.is_empty() {
        return named.iter().map(|path| path.display().to_string()).collect();
    }
    let is_own = |procedure: &&Procedure| !catalog::is_built_in(procedure);
    let counted = |count: usize| u64::try_from(count).unwrap_or(0);
    let own = counted(catalog.procedures().filter(is_own).count());
    let built_in = counted(catalog.procedures().count()).saturating_sub(own);
    let Some(file) = estate else {
        let built_in = quantity::counted(built_in, "built-in procedure", "built-in procedures");
        return vec![format!("{built_in}; {}", paths::no_estate_file(around))];
    };
    let windows = windows_beside(estate);
    let files = [Some(file.to_owned()), windows].into_iter().flatten();
    let mut checked: Vec<String> =
        files.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    checked.push(format!("{} of yours", quantity::counted(own, "procedure", "procedures")));
    checked.push(format!("{} built in", quantity::count(built_in)));
    checked
}

fn as_text(errors: &[Problem], warnings: &[Problem]) -> String {
    let mut text: String = errors.iter().map(|problem| format!("{problem}\n")).collect();
    for warning in warnings {
        let marked = Problem { message: format!("warning: {}", warning.message), ..warning.clone() };
        text.push_str(&format!("{marked}\n"));
    }
    plan::clean(&text)
}

fn as_json(errors: &[Problem], warnings: &[Problem]) -> Result<String> {
    let list = |problems: &[Problem]| {
        let one = |problem: &Problem| {
            serde_json::json!({
                "file": problem.file.display().to_string(),
                "line": problem.place.line,
                "column": problem.place.column,
                "message": problem.message,
                "hint": problem.hint,
            })
        };
        problems.iter().map(one).collect::<Vec<_>>()
    };
    let report = serde_json::json!({ "schema": 1, "errors": list(errors), "warnings": list(warnings) });
    let text = serde_json::to_string_pretty(&report).map_err(|cause| Error::machine("print what was found", cause))?;
    Ok(text + "\n")
}

/// What is wrong with procedures beside one another, beside the windows and beside the date: with those of the files that are named, else with
/// all of the estate's. The built-in ones are not theirs to mend.
fn judged(paths: &[PathBuf], estate: Option<&Path>, catalog: &Catalog, adapters: &BuiltIn) -> Judged {
    let mut library = catalog.library().clone();
    let named = paths.iter().filter_map(|path| read(&catalog::text_of(path).ok()?, path, adapters).ok());
    library.extend(named.map(|procedure| (procedure.id.clone(), procedure)));
    let is_named = |procedure: &&Procedure| paths.is_empty() || paths.contains(&procedure.file);
    let own = library.values().filter(|procedure| !catalog::is_built_in(procedure)).filter(is_named);
    let known = windows(paths, estate);
    let hours = known.as_ref().map(|(file, calendar, environment)| Hours { file, calendar, environment: *environment });
    let own: Vec<&Procedure> = own.collect();
    let mut judged = judge(&own, &library, hours, &places(estate), jiff::Zoned::now().date());
    judged.errors.extend(own.iter().flat_map(|procedure| targets::errors(procedure, adapters)));
    match hours.filter(|hours| paths.is_empty() || paths.iter().any(|path| path == hours.file)) {
        Some(hours) => judged.and(judge_windows(&library, hours)),
        None => judged,
    }
}

/// The windows that are named, else those beside the estate's file; what is wrong with them is said where they are read
/// themselves.
fn windows(paths: &[PathBuf], estate: Option<&Path>) -> Option<(PathBuf, Calendar, Environment)> {
    let is_windows = |path: &&PathBuf| path.file_name().is_some_and(|name| name == calendar::WINDOWS_FILE);
    let file = paths.iter().find(is_windows).cloned().or_else(|| calendar::beside(estate))?;
    let text = crate::config::file::read_text(&file, "the windows").ok()?;
    let environment = estate.and_then(|file| Estate::load(file).ok()).map(|estate| estate.environment)?;
    Some((file.clone(), calendar::parse(&text, &file).ok()?, environment))
}

/// The adapters as the estate's file has it; what is wrong with that is said where it is read itself.
fn adapters(estate: Option<&Path>) -> BuiltIn {
    let known = estate.and_then(|file| Estate::load(file).ok());
    known.map_or_else(BuiltIn::default, |estate| BuiltIn::of(&estate))
}

/// The packs that the estate's file names; where it is wrong, what it leaves out is not known, and all of them count.
fn packs(estate: Option<&Path>) -> Vec<Pack> {
    let known = estate.map(|file| Estate::load(file).map_or_else(|_| Pack::ALL.to_vec(), |estate| estate.packs));
    known.unwrap_or_default()
}

/// The directories that rows of the estate give to procedures; what is wrong with its file is said where it is read itself.
fn places(estate: Option<&Path>) -> Places {
    estate.and_then(|file| Estate::load(file).ok()).map(|estate| Places::of(&estate)).unwrap_or_default()
}

/// A file is what its name and its directory say: `midwatch.toml`, `windows.toml`, `themes/*`, `keymaps/*`; else what its keys say.
fn of_file(path: &Path, beside: &mut Catalog, adapters: &BuiltIn) -> Vec<Problem> {
    let own = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let directory = path.parent().unwrap_or(Path::new("."));
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let directories = [directory.to_owned()];
    match (own(path).as_str(), own(directory).as_str()) {
        ("midwatch.toml", _) => of_estate(path),
        (calendar::WINDOWS_FILE, _) => of_windows(path),
        (_, "themes") => of_theme(&stem, &directories),
        (_, "keymaps") => Keymap::load(&stem, &directories).1,
        _ => match kind_of(path) {
            Kind::Estate => of_estate(path),
            Kind::Windows => of_windows(path),
            Kind::Procedure => of_procedure(path, beside, adapters),
        },
    }
}

/// What a file is, by its own keys.
enum Kind {
    Estate,
    Windows,
    Procedure,
}

/// The kind of a file of any name; one that cannot be read is taken for a procedure, and then that is said.
fn kind_of(path: &Path) -> Kind {
    let text = crate::config::file::read_text(path, "the file").unwrap_or_default();
    let Ok(table) = text.parse::<toml::Table>() else { return Kind::Procedure };
    let names = |sections: &[Section]| sections.iter().any(|one| !one.name.is_empty() && table.contains_key(one.name));
    // Every procedure says its format.
    if table.contains_key("format") {
        Kind::Procedure
    } else if table.contains_key("environment") || names(estate::keys::SECTIONS) {
        Kind::Estate
    } else if table.contains_key("window") {
        Kind::Windows
    } else {
        Kind::Procedure
    }
}

fn of_theme(name: &str, directories: &[PathBuf]) -> Vec<Problem> {
    Theme::load(name, directories, Depth::True, Glyphs::Unicode).1
}

fn of_estate(path: &Path) -> Vec<Problem> {
    match crate::config::file::read_trusted(path, "the estate file") {
        Ok(text) => Estate::parse(&text, path).err().unwrap_or_default(),
        Err(cause) => vec![problem_of(path, cause)],
    }
}

fn of_windows_beside(estate: &Path) -> Vec<Problem> {
    windows_beside(Some(estate)).map(|path| of_windows(&path)).unwrap_or_default()
}

/// The file of the windows beside an estate's, where there is one.
fn windows_beside(estate: Option<&Path>) -> Option<PathBuf> {
    calendar::beside(estate).filter(|path| patience::at(path, || path.symlink_metadata()).is_ok())
}

fn of_windows(path: &Path) -> Vec<Problem> {
    match crate::config::file::read_trusted(path, "the windows") {
        Ok(text) => calendar::parse(&text, path).err().unwrap_or_default(),
        Err(cause) => vec![problem_of(path, cause)],
    }
}

fn of_procedure(path: &Path, beside: &mut Catalog, adapters: &BuiltIn) -> Vec<Problem> {
    match catalog::text_of(path) {
        Ok(text) => beside.lint(&text, path, adapters),
        Err(why) => {
            let place = crate::config::reader::Place { line: 1, column: 1 };
            vec![Problem { file: path.to_owned(), place, message: why, hint: None }]
        }
    }
}
