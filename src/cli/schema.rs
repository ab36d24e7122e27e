//! `midwatch schema`: what a file may hold, made from the same table of keys as the README's reference.

use crate::calendar::keys as windows;
use crate::cli::args::{Schema, SchemaOf};
use crate::cli::out;
use crate::config::estate::keys as estate;
use crate::config::file::read_text;
use crate::config::keys::{between_marks, reference, schema};
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::procedure::keys as procedure;
use crate::runner::adapters::keys::ways;
use std::path::Path;

/// Prints a JSON Schema, or renews the reference in a README.
///
/// # Errors
/// When standard output is closed, or the README cannot be renewed.
pub fn run(args: &Schema) -> Result<u8> {
    if let Some(readme) = &args.readme {
        return renew(readme).map(|()| 0);
    }
    let schema = match args.of {
        SchemaOf::Estate => schema(estate::TITLE, estate::SECTIONS),
        SchemaOf::Windows => schema(windows::TITLE, windows::SECTIONS),
        SchemaOf::Procedure => procedure::schema(&ways()),
    };
    out::print(format!("{schema:#}\n").as_bytes())?;
    Ok(0)
}

/// Writes the keys of each file between their marks.
fn renew(readme: &Path) -> Result<()> {
    let text = read_text(readme, "the README")?;
    let unmarked = || {
        Error::new(Kind::Usage, format!("cannot renew {}: the marks of the reference are not in it", readme.display()))
    };
    let mut renewed = text;
    for (marks, text) in [
        (estate::MARKS, reference(estate::SECTIONS)),
        (windows::MARKS, reference(windows::SECTIONS)),
        (procedure::MARKS, procedure::format_reference(&ways())),
    ] {
        renewed = between_marks(&renewed, marks, &text).ok_or_else(unmarked)?;
    }
    std::fs::write(readme, renewed).map_err(|cause| Error::machine(format!("write {}", readme.display()), cause))
}
