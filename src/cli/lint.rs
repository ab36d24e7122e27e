//! `midwatch lint`: every file that Midwatch reads, all errors at once.

use crate::app::keymap::Keymap;
use crate::calendar;
use crate::cli::args::{Common, Lint};
use crate::cli::{plan, setup, shell};
use crate::config::estate::Estate;
use crate::config::file::problem_of;
use crate::config::keymap;
use crate::config::paths;
use crate::config::reader::Problem;
use crate::config::theme::{Glyphs, Theme};
use crate::domain::clean::Depth;
use crate::domain::error::Result;
use crate::procedure::catalog::{self, Catalog};
use crate::runner::adapters::BuiltIn;
use std::path::{Path, PathBuf};

/// Prints every problem; the exit code is 2 when there is one.
///
/// # Errors
/// When standard output is closed.
pub fn run(common: &Common, args: &Lint) -> Result<u8> {
    let around = setup::surroundings();
    let mut problems = Vec::new();
    if args.paths.is_empty() {
        let file = paths::estate_file(common.config.as_deref(), &around);
        if let Some(file) = &file {
            problems.extend(of_estate(file));
            problems.extend(of_windows_beside(file));
        }
        problems.extend(Catalog::read(file.as_deref(), &adapters(file.as_deref())).problems().to_vec());
        let themes = paths::layer_directories("themes", file.as_deref(), &around);
        problems.extend(Theme::names(&themes).iter().flat_map(|name| of_theme(name, &themes)));
        let keymaps = paths::layer_directories("keymaps", file.as_deref(), &around);
        problems.extend(keymap::names(&keymaps).iter().flat_map(|name| Keymap::load(name, &keymaps).1));
    }
    let estate = paths::estate_file(common.config.as_deref(), &around);
    problems.extend(args.paths.iter().flat_map(|path| of_file(path, &args.paths, estate.as_deref())));
    problems.dedup();
    let said: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    shell::print(plan::clean(&said).as_bytes())?;
    Ok(if problems.is_empty() { 0 } else { 2 })
}

/// The adapters as the estate's file has it; what is wrong with that is said where it is read itself.
fn adapters(estate: Option<&Path>) -> BuiltIn {
    let known = estate.and_then(|file| Estate::load(file).ok());
    known.map_or_else(BuiltIn::default, |estate| BuiltIn::of(&estate))
}

/// A file is what its name and its directory say: `midwatch.toml`, `windows.toml`, `themes/*`, `keymaps/*`, else a procedure.
fn of_file(path: &Path, beside: &[PathBuf], estate: Option<&Path>) -> Vec<Problem> {
    let own = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let directory = path.parent().unwrap_or(Path::new("."));
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let directories = [directory.to_owned()];
    match (own(path).as_str(), own(directory).as_str()) {
        ("midwatch.toml", _) => of_estate(path),
        (calendar::WINDOWS_FILE, _) => of_windows(path),
        (_, "themes") => of_theme(&stem, &directories),
        (_, "keymaps") => Keymap::load(&stem, &directories).1,
        _ => of_procedure(path, beside, estate),
    }
}

fn of_theme(name: &str, directories: &[PathBuf]) -> Vec<Problem> {
    Theme::load(name, directories, Depth::True, Glyphs::Unicode).1
}

fn of_estate(path: &Path) -> Vec<Problem> {
    match crate::config::file::read_text(path, "the estate file") {
        Ok(text) => Estate::parse(&text, path).err().unwrap_or_default(),
        Err(cause) => vec![problem_of(path, cause)],
    }
}

fn of_windows_beside(estate: &Path) -> Vec<Problem> {
    let path = calendar::beside(Some(estate)).filter(|path| path.symlink_metadata().is_ok());
    path.map(|path| of_windows(&path)).unwrap_or_default()
}

fn of_windows(path: &Path) -> Vec<Problem> {
    match crate::config::file::read_text(path, "the windows") {
        Ok(text) => calendar::parse(&text, path).err().unwrap_or_default(),
        Err(cause) => vec![problem_of(path, cause)],
    }
}

fn of_procedure(path: &Path, beside: &[PathBuf], estate: Option<&Path>) -> Vec<Problem> {
    match catalog::text_of(path) {
        Ok(text) => Catalog::lint(&text, path, beside, estate, &adapters(estate)),
        Err(why) => {
            let place = crate::config::reader::Place { line: 1, column: 1 };
            vec![Problem { file: path.to_owned(), place, message: why, hint: None }]
        }
    }
}
