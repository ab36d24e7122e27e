//! `midwatch verify`: proof that a run's journal is whole.

use crate::cli::args::{Common, OneRun};
use crate::cli::out;
use crate::cli::setup;
use crate::config::plain;
use crate::domain::Error;
use crate::domain::error::Result;
use crate::journal::LARGEST_JOURNAL;
use crate::journal::beside::never_began;
use crate::journal::chain::{Verdict, read};
use crate::journal::named;
use crate::runner::aside;

/// Says whether the journal chains from its first byte to its last, and whether every log and set that it names by digest
/// is still that one.
///
/// # Errors
/// When the run cannot be found or read.
pub fn run(common: &Common, args: &OneRun) -> Result<u8> {
    let world = setup::world(common)?;
    let dir = setup::find_run(common, &world, &args.run)?;
    let path = dir.journal();
    if never_began(&dir.path) {
        out::line(format_args!("no record: run {} never began; remove it: midwatch abort {}", dir.id, dir.id));
        return Ok(3);
    }
    let bytes = match plain::read(&path, LARGEST_JOURNAL) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|cause| Error::machine(format!("read {}", path.display()), cause))?,
    };
    let chain = read(&bytes);
    let head = chain.records.last().map_or_else(|| "none".to_owned(), |record| record.h.to_string());
    let count = chain.records.len();
    match &chain.verdict {
        Verdict::Whole { sealed: true } => out::line(format_args!("whole and sealed: {count} records, head {head}")),
        Verdict::Whole { sealed: false } => {
            out::line(format_args!("whole, not sealed yet: {count} records, head {head}"));
        }
        Verdict::Torn { at, bytes } => {
            out::line(format_args!("torn: the last {bytes} bytes, from byte {at}, are no whole record"));
        }
        Verdict::Damaged { seq, at, why } => out::line(format_args!("damaged at record {seq}, byte {at}: {why}")),
    }
    let code = chain.verdict.exit_code();
    let wrong = if code == 0 { named::wrong(&dir.path, &chain.records) } else { Vec::new() };
    for file in &wrong {
        out::line(format_args!("damaged: {}: {}", file.name.display(), file.why));
    }
    // What a runner would need to take it up again.
    let unsealed = matches!(chain.verdict, Verdict::Whole { sealed: false });
    let lost = if unsealed && wrong.is_empty() { aside::why_lost(&dir) } else { None };
    if let Some(why) = &lost {
        out::line(format_args!("damaged: {why}; put it aside: midwatch abort {} --set-aside", dir.id));
    }
    Ok(if wrong.is_empty() && lost.is_none() { code } else { 4 })
}
