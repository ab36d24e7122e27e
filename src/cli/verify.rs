//! `midwatch verify`: proof that a run's journal is whole.

use crate::cli::args::{Common, OneRun};
use crate::cli::out;
use crate::cli::setup;
use crate::config::plain;
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::quantity;
use crate::journal::LARGEST_JOURNAL;
use crate::journal::chain::{Chain, Verdict, read};
use crate::journal::digests;
use crate::journal::witness::never_began;
use crate::runner::quarantine;
use crate::runner::rundir::RunDir;

/// Says whether the journal chains from its first byte to its last, whether every log and set that it names by digest is still
/// that one, and whether what lies beside it is told in it. It gives one verdict, the worst: a journal that was cut is never
/// called whole.
///
/// # Errors
/// When the run cannot be found or read.
pub fn run(common: &Common, args: &OneRun) -> Result<u8> {
    let world = setup::runs_world(common)?;
    let dir = setup::find_run(common, &world, &args.run)?;
    let path = dir.journal();
    if never_began(&dir.path) {
        let remove = shell::on_runs(format_args!("abort {}", dir.id));
        out::line(format_args!("no record: run {} never began; remove it: {remove}", dir.id));
        return Ok(3);
    }
    let quarantined = || format!("put it aside: {}", shell::on_runs(format_args!("abort {} --set-aside", dir.id)));
    let bytes = match plain::read(&path, LARGEST_JOURNAL) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(cause) if plain::is_odd(&cause) => {
            let lost = quarantine::why_lost(&dir).filter(|_| !dir.runner_lives());
            let way = lost.map_or_else(String::new, |_| format!("; {}", quarantined()));
            out::line(format_args!("damaged: {}{way}", plain::unreadable(&path, &cause).message));
            return Ok(4);
        }
        read => read.map_err(|cause| plain::unreadable(&path, &cause))?,
    };
    let chain = read(&bytes);
    let code = chain.verdict.exit_code();
    let wrong = if code == 4 { Vec::new() } else { digests::wrong(&dir.path, &chain.records) };
    let unsealed = matches!(chain.verdict, Verdict::Whole { sealed: false });
    // What a runner would need to take it up again.
    let lost = if unsealed && wrong.is_empty() { quarantine::why_lost(&dir) } else { None };
    if wrong.is_empty() && lost.is_none() {
        out::line(format_args!("{}", verdict(&chain, &dir)));
        return Ok(code);
    }
    for file in &wrong {
        out::line(format_args!("damaged: {}: {}", file.name.display(), file.why));
    }
    if let Some(why) = &lost {
        out::line(format_args!("damaged: {why}; {}", quarantined()));
    }
    out::line(format_args!("its first {} chain, head {}", records(&chain), head(&chain)));
    Ok(4)
}

/// What a journal is worth whose files are those that it names.
fn verdict(chain: &Chain, dir: &RunDir) -> String {
    let (count, head) = (records(chain), head(chain));
    match &chain.verdict {
        Verdict::Whole { sealed: true } => format!("whole and sealed: {count}, head {head}"),
        Verdict::Whole { sealed: false } => {
            let last = chain.records.len();
            let beside = if dir.runner_lives() { "its runner is at work".to_owned() } else { untold(chain, dir) };
            format!("not sealed: it ends after record {last}, head {head}; {beside}")
        }
        Verdict::Torn { at, bytes } => {
            format!("torn: the last {bytes} bytes, from byte {at}, are no whole record; {count} before them chain")
        }
        Verdict::Damaged { seq, at, why } => format!("damaged at record {seq}, byte {at}: {why}"),
    }
}

/// What else is known of a run that ends unsealed and has no runner.
fn untold(chain: &Chain, dir: &RunDir) -> String {
    let unnamed = digests::unnamed(&dir.path, &chain.records);
    let none = "no runner has it".to_owned();
    let Some(first) = unnamed.first() else { return none };
    let (first, more) = (first.display(), unnamed.len() - 1);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{none}, and no record names {first}{more}: a runner was killed, or its end was cut off")
}

fn records(chain: &Chain) -> String {
    quantity::counted(chain.records.len() as u64, "record", "records")
}

fn head(chain: &Chain) -> String {
    chain.records.last().map_or_else(|| "none".to_owned(), |record| record.h.to_string())
}
