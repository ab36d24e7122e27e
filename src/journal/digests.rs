//! The files that a journal names by their digest: plan, procedure, frozen sets, readings and logs.

use crate::config::plain;
use crate::domain::Digest;
use crate::domain::error::system_text;
use crate::domain::ids::Hasher;
use crate::journal::append::JOURNAL;
use crate::journal::record::{Ask, Event, Outcome, Record};
use crate::journal::witness;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The directory of the frozen sets, below a run's own.
pub const SETS: &str = "sets";

/// The directory of the readings of all panes, below a run's own.
pub const READINGS: &str = "readings";

/// The directory of what reads saved and is too long for a journal, below a run's own.
pub const SAVED: &str = "saved";

/// A file that differs from its digest in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its name below the run's directory.
    pub name: PathBuf,
    /// What is wrong with it, in a sentence.
    pub why: String,
}

/// Every file that the records name, below the run's directory, with its digest; each once.
#[must_use]
pub fn files(records: &[Record]) -> Vec<(PathBuf, Digest)> {
    let mut named: Vec<(PathBuf, Digest)> = Vec::new();
    let below = |dir: &str, digest: &Digest| (Path::new(dir).join(digest.as_str()), digest.clone());
    for record in records {
        match &record.event {
            Event::RunCreated { plan, source, .. } => {
                named.push((PathBuf::from("plan.json"), plan.clone()));
                named.push((PathBuf::from("procedure.toml"), source.clone()));
            }
            Event::PromptOpened { ask: Ask::Confirm { set, .. }, .. }
            | Event::StepIntent { set: Some(set), .. }
            | Event::UndoIntent { set: Some(set), .. } => named.push(below(SETS, set)),
            Event::PanesRead { digest, .. } => named.push(below(READINGS, digest)),
            Event::StepOutcome { outcome: Outcome { log, whole, .. }, .. }
            | Event::UndoOutcome { outcome: Outcome { log, whole, .. }, .. }
            | Event::RollbackProved { outcome: Outcome { log, whole, .. }, .. } => {
                let log = log.as_ref().and_then(|log| Some((Path::new("logs").join(&log.file), log.digest.clone()?)));
                named.extend(log);
                named.extend(whole.values().map(|whole| below(SAVED, &whole.sha256)));
            }
            _ => {}
        }
    }
    named.sort();
    named.dedup();
    named
}

/// The files that differ from their digest in the journal, or cannot be read.
#[must_use]
pub fn wrong(dir: &Path, records: &[Record]) -> Vec<Wrong> {
    let judge = |(name, expected): (PathBuf, Digest)| {
        let why = match digest_of(&dir.join(&name)) {
            Ok(found) if found == expected => return None,
            Ok(_) => "it is not the file that the journal names".to_owned(),
            Err(cause) => format!("it cannot be read: {}", system_text(cause)),
        };
        Some(Wrong { name, why })
    };
    let cut = witness::cut(dir).map(|why| Wrong { name: JOURNAL.into(), why });
    files(records).into_iter().filter_map(judge).chain(cut).collect()
}

/// The files that a runner keeps by their digest and that no record names: of a record that was cut off, or of one that a runner
/// was killed before it wrote.
#[must_use]
pub fn unnamed(dir: &Path, records: &[Record]) -> Vec<PathBuf> {
    let named = files(records);
    let is_named = |name: &PathBuf| named.iter().any(|(other, _)| other == name);
    let mut found = Vec::new();
    for below in [SETS, READINGS, SAVED] {
        let entries = std::fs::read_dir(dir.join(below)).into_iter().flatten().flatten();
        let kept = entries.filter(|entry| entry.path().extension().is_none());
        found.extend(kept.map(|entry| Path::new(below).join(entry.file_name())).filter(|name| !is_named(name)));
    }
    found.sort();
    found
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut file = plain::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::chain::read;
    use crate::journal::reading::{Counts, Side};
    use crate::journal::samples::{bytes, created, opened, set, steps};
    use crate::journal::samples::{confirm, intent};

    #[test]
    fn a_changed_file_and_a_missing_one_are_both_reported() {
        let change = crate::domain::EffectClass::Change;
        let digest = Digest::of(b"rows");
        let events = [
            created(steps()),
            Event::PanesRead { when: Side::Before, digest: digest.clone(), counts: Counts::default(), took_ms: 1 },
            opened(1, 1, confirm(change, 1, &[])),
            crate::journal::samples::accepted(1, 1, crate::journal::samples::typed("change")),
            intent(1, 1, change, Some(1)),
        ];
        let records = read(&bytes(1, &events)).records;
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("plan.json", "plan"), ("procedure.toml", "another")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        std::fs::create_dir(dir.path().join(READINGS)).unwrap();
        std::fs::write(dir.path().join(READINGS).join(digest.as_str()), "rows").unwrap();
        assert_eq!(unnamed(dir.path(), &records), Vec::<PathBuf>::new());
        let other = Path::new(READINGS).join(Digest::of(b"others").as_str());
        std::fs::write(dir.path().join(&other), "others").unwrap();
        assert_eq!(unnamed(dir.path(), &records), [other]);
        let wrong: Vec<(String, bool)> = wrong(dir.path(), &records)
            .into_iter()
            .map(|wrong| (wrong.name.display().to_string(), wrong.why.starts_with("it is not")))
            .collect();
        assert_eq!(wrong, [("procedure.toml".to_owned(), true), (format!("sets/{}", set(1)), false)]);
    }
}
