//! `midwatch demo`: a real throwaway estate, and the console on it.

use crate::cli::args::{Common, Demo};
use crate::cli::{console, out, ownlog, setup};
use crate::config::state;
use crate::demo;
use crate::domain::error::Result;
use crate::domain::{Clean, Error};
use crate::gate::lookup;
use std::path::{Path, PathBuf};

/// Builds the estate or comes back to it, opens the console, and removes it again when no run of it lives.
///
/// # Errors
/// When the estate cannot be built, or the console not opened.
pub fn run(common: &Common, args: &Demo) -> Result<u8> {
    let dir = place(common)?;
    if args.stop {
        let gone = demo::stop(&dir)?;
        out::line(format_args!("{}", if gone { "the demo estate is removed" } else { "there is no demo estate" }));
        return Ok(0);
    }
    let exe = std::env::current_exe().map_err(|cause| Error::machine("find Midwatch's own program", cause))?;
    let estate = demo::ensure(&dir, &exe)?;
    let word = if estate.already { "is still there" } else { "stands" };
    out::line(format_args!("the demo estate {word}; from a second shell:"));
    out::line(format_args!("  midwatch --config {} --state {}", estate.config.display(), estate.state.display()));
    for why in &estate.absent {
        out::line(format_args!("{}", Clean::text(why).plain()));
    }
    let own = Common { config: Some(estate.config.clone()), state: Some(estate.state), ..common.clone() };
    let around = setup::surroundings();
    let _log = ownlog::start(&setup::state(&own, &around)?, &around, ownlog::Writes::of("demo"));
    let code = console::open(&own, None)?;
    // Anything but leaving it in peace keeps it: the next `midwatch demo` comes back to it.
    if code == 0 {
        let live = lookup::runs(&setup::world(&own)?)?.into_iter().filter(|run| !run.status.is_over()).count();
        if live == 0 {
            demo::stop(&dir)?;
        } else {
            out::line(format_args!(
                "the demo estate stays, for {live} run(s) of it are not over; midwatch demo comes back to it"
            ));
        }
    }
    Ok(code)
}

/// Keeps the estate, as the small process behind the console.
///
/// # Errors
/// When it cannot be built.
pub fn keep(dir: &Path) -> Result<u8> {
    demo::keeper::keep(dir).map(|()| 0)
}

/// Below the user's own state, never in a place that others can write to.
fn place(common: &Common) -> Result<PathBuf> {
    match &common.state {
        Some(dir) => Ok(dir.join("demo")),
        None => Ok(state::state(&setup::surroundings())?.dir.join("demo")),
    }
}
