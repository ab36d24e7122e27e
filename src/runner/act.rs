//! The act process: does one step's work for every adapter but those whose act is a program of its own.
//!
//! Standard input holds one line, the [`ActHead`], and then the frozen set. Progress goes to standard output, which the shim
//! pumps into the step's log. The result is written whole, or not at all, beside the shim's files.

use crate::domain::Error;
use crate::domain::error::Result;
use crate::journal::record::Ending;
use crate::runner::adapters::{self, ActEnd};
use crate::runner::rundir::write_durably;
use crate::runner::shim::ActHead;
use signal_hook::consts::SIGTERM;
use std::io::{self, BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Acts; the exit code is 0 when it ended well and 1 otherwise.
///
/// # Errors
/// When the action cannot be read or the result cannot be kept.
pub fn main() -> Result<u8> {
    let doing = "act";
    let cancel = Arc::new(AtomicBool::new(false));
    let registered = signal_hook::flag::register(SIGTERM, Arc::clone(&cancel));
    registered.map_err(|cause| Error::machine("listen for a cancel", cause))?;
    let mut input = BufReader::new(io::stdin().lock());
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the action", cause))?;
    let head: ActHead = serde_json::from_slice(&line).map_err(|cause| Error::machine("read the action", cause))?;
    let mut out = io::stdout().lock();
    let end = if head.prove {
        ActEnd::from(adapters::prove(&head.action, &mut input, &mut out, &cancel))
    } else {
        adapters::act(&head.action, &mut input, &mut out, &cancel)
    };
    let bytes = serde_json::to_vec(&end).map_err(|cause| Error::machine(doing, cause))?;
    write_durably(&head.result, &bytes).map_err(|cause| Error::machine("keep the result of the act", cause))?;
    Ok(u8::from(end.ending != Ending::Ok))
}
