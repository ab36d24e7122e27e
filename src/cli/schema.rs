//! `midwatch schema`: what a file may hold, made from the same table of keys as its page in `docs/reference`.

use crate::app::keymap;
use crate::calendar::keys as windows;
use crate::cli::args::{Schema, SchemaOf};
use crate::cli::out;
use crate::config::estate::keys as estate;
use crate::config::keys::{page, reference, schema};
use crate::domain::error::Result;
use crate::procedure::keys as procedure;
use crate::runner::adapters::keys::ways;
use std::path::Path;

/// Prints a JSON Schema, or renews the pages of the reference.
///
/// # Errors
/// When standard output is closed, or a page cannot be renewed.
pub fn run(args: &Schema) -> Result<u8> {
    if let Some(directory) = &args.reference {
        return renew(directory).map(|()| 0);
    }
    let schema = match args.of {
        SchemaOf::Estate => schema(estate::TITLE, estate::SECTIONS),
        SchemaOf::Windows => schema(windows::TITLE, windows::SECTIONS),
        SchemaOf::Procedure => procedure::schema(&ways()),
    };
    out::print(format!("{schema:#}\n").as_bytes())?;
    Ok(0)
}

fn renew(directory: &Path) -> Result<()> {
    let pages = [
        ("estate.md", reference(estate::SECTIONS)),
        ("windows.md", reference(windows::SECTIONS)),
        ("procedure.md", procedure::format_reference(&ways())),
        ("keys.md", keymap::reference()),
    ];
    pages.iter().try_for_each(|(name, generated)| page::renew(&directory.join(name), generated))
}
