//! `midwatch report`: the maintenance record of a run.

use crate::cli::args::{Common, Form, Report};
use crate::cli::{setup, shell};
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::gate::lookup;
use crate::journal::chain::{Verdict, read};
use crate::journal::fold::RunView;
use crate::journal::report;

/// Prints the record.
///
/// # Errors
/// When the run cannot be found, or its journal is damaged.
pub fn run(common: &Common, args: &Report) -> Result<u8> {
    let world = setup::world(common)?;
    let dir = lookup::find_run(&world, &args.run.run)?;
    let path = dir.journal();
    let bytes = std::fs::read(&path).map_err(|cause| Error::machine(format!("read {}", path.display()), cause))?;
    let chain = read(&bytes);
    if let Verdict::Damaged { seq, at, why } = &chain.verdict {
        let message = format!("the journal of run {} is damaged at record {seq}, byte {at}: {why}", dir.id);
        return Err(Error::new(Kind::Damaged, message));
    }
    let impossible = |cause: crate::journal::fold::Impossible| Error::new(Kind::Damaged, cause.0);
    let view = RunView::of(&chain.records).map_err(impossible)?;
    let text = match args.format {
        Form::Md => report::markdown(&view, &chain.records),
        Form::Json => format!("{:#}\n", report::json(&view, &chain.records)),
    };
    shell::print(text.as_bytes())
}
