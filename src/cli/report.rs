//! `midwatch report`: the maintenance record of a run.

use crate::cli::args::{Common, Form, Report};
use crate::cli::{out, setup, stop};
use crate::config::plain;
use crate::domain::error::Result;
use crate::domain::{Clean, Error, Kind};
use crate::journal::LARGEST_JOURNAL;
use crate::journal::chain::read;
use crate::journal::report::{self, html, json_text, markdown};

/// Prints the record. The journal is verified first: one that is damaged is told as far as it chains, says so before all
/// else, and ends in exit 4.
///
/// # Errors
/// When the run cannot be found, or not one record of its journal stands.
pub fn run(common: &Common, args: &Report) -> Result<u8> {
    let world = setup::runs_world(common)?;
    let dir = setup::find_run(common, &world, &args.run.run)?;
    let path = dir.journal();
    let bytes = plain::read(&path, LARGEST_JOURNAL).map_err(|cause| {
        let failed = plain::unreadable(&path, &cause);
        let is_lost = plain::is_odd(&cause) && !dir.runner_lives();
        if is_lost { stop::with_way_out(failed, &dir) } else { failed }
    })?;
    let report = report::Report::of(&dir.path, read(&bytes)).map_err(|chain| {
        let message = format!("cannot report run {}: its journal has no whole record: {}", dir.id, chain.verdict);
        Error::new(Kind::Damaged, message)
    })?;
    let text = match args.format {
        Form::Md => markdown(&report),
        Form::Json => json_text(&report),
        Form::Html => html(&report),
    };
    out::print(text.as_bytes())?;
    for fault in report.faults() {
        out::warn_line(format_args!("{}", Clean::text(&fault).plain()));
    }
    Ok(report.exit_code())
}
