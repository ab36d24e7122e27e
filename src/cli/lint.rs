//! `midwatch lint`: every file that Midwatch reads, all errors at once.

use crate::cli::args::{Common, Lint};
use crate::cli::{plan, setup, shell};
use crate::config::estate::Estate;
use crate::config::file::problem_of;
use crate::config::paths;
use crate::config::reader::Problem;
use crate::domain::error::Result;
use crate::procedure::catalog::{self, Catalog};
use crate::procedure::read;
use crate::runner::adapters::BuiltIn;
use std::path::Path;

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
        }
        problems.extend(Catalog::read(file.as_deref(), &BuiltIn::default()).problems().to_vec());
    }
    for path in &args.paths {
        let is_estate = path.file_name().is_some_and(|name| name == "midwatch.toml");
        problems.extend(if is_estate { of_estate(path) } else { of_procedure(path) });
    }
    let said: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    shell::print(plan::clean(&said).as_bytes())?;
    Ok(if problems.is_empty() { 0 } else { 2 })
}

fn of_estate(path: &Path) -> Vec<Problem> {
    match crate::config::file::read_text(path, "estate file") {
        Ok(text) => Estate::parse(&text, path).err().unwrap_or_default(),
        Err(cause) => vec![problem_of(path, cause)],
    }
}

fn of_procedure(path: &Path) -> Vec<Problem> {
    match catalog::text_of(path) {
        Ok(text) => read::lint(&text, path, &BuiltIn::default()),
        Err(why) => {
            let place = crate::config::reader::Place { line: 1, column: 1 };
            vec![Problem { file: path.to_owned(), place, message: why, hint: None }]
        }
    }
}
