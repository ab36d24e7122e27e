//! `midwatch verify`: proof that a run's journal is whole.

use crate::cli::args::{Common, OneRun};
use crate::cli::setup;
use crate::domain::Error;
use crate::domain::error::Result;
use crate::gate::lookup;
use crate::journal::chain::{Verdict, read};

/// Says whether the journal chains from its first byte to its last, and whether every log and set that it names by digest
/// is still that one.
///
/// # Errors
/// When the run cannot be found or read.
pub fn run(common: &Common, args: &OneRun) -> Result<u8> {
    let world = setup::world(common)?;
    let dir = lookup::find_run(&world, &args.run)?;
    let path = dir.journal();
    let bytes = std::fs::read(&path).map_err(|cause| Error::machine(format!("read {}", path.display()), cause))?;
    let chain = read(&bytes);
    let head = chain.records.last().map_or_else(|| "none".to_owned(), |record| record.h.to_string());
    let count = chain.records.len();
    match &chain.verdict {
        Verdict::Whole { sealed: true } => println!("whole and sealed: {count} records, head {head}"),
        Verdict::Whole { sealed: false } => println!("whole, not sealed yet: {count} records, head {head}"),
        Verdict::Torn { at, bytes } => println!("torn: the last {bytes} bytes, from byte {at}, are no whole record"),
        Verdict::Damaged { seq, at, why } => println!("damaged at record {seq}, byte {at}: {why}"),
    }
    let code = chain.verdict.exit_code();
    let files = if code == 0 { files(&dir.path, &chain.records) } else { 0 };
    Ok(if files > 0 { 4 } else { code })
}

/// Checks the files that the journal names by digest; says each that differs and returns how many do.
fn files(dir: &std::path::Path, records: &[crate::journal::record::Record]) -> usize {
    use crate::domain::Digest;
    use crate::journal::record::{Ask, Event, Outcome};
    let mut named: Vec<(std::path::PathBuf, Digest)> = Vec::new();
    for record in records {
        match &record.event {
            Event::RunCreated { plan, source, .. } => {
                named.push((dir.join("plan.json"), plan.clone()));
                named.push((dir.join("procedure.toml"), source.clone()));
            }
            Event::PromptOpened { ask: Ask::Confirm { set, .. }, .. } | Event::StepIntent { set: Some(set), .. } => {
                named.push((dir.join("sets").join(set.as_str()), set.clone()));
            }
            Event::StepOutcome { outcome: Outcome { log: Some(log), .. }, .. }
            | Event::UndoOutcome { outcome: Outcome { log: Some(log), .. }, .. } => {
                if let Some(digest) = &log.digest {
                    named.push((dir.join("logs").join(&log.file), digest.clone()));
                }
            }
            _ => {}
        }
    }
    named.sort();
    named.dedup();
    let mut wrong = 0;
    for (path, expected) in named {
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        match digest_of(&path) {
            Ok(found) if found == expected => {}
            Ok(_) => {
                println!("damaged: {name} is not the file that the journal names");
                wrong += 1;
            }
            Err(cause) => {
                println!("damaged: {name} cannot be read: {cause}");
                wrong += 1;
            }
        }
    }
    wrong
}

fn digest_of(path: &std::path::Path) -> std::io::Result<crate::domain::Digest> {
    use std::io::Read;
    let mut hasher = crate::domain::ids::Hasher::default();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
