//! Previews a step and freezes the set that it will touch.

use crate::domain::error::Result;
use crate::domain::ids::Hasher;
use crate::domain::{Digest, EffectClass, Error, Preview, Verb};
use crate::journal::record::Covered;
use crate::procedure::condition::spoken;
use crate::procedure::plan::{Action, Step};
use crate::procedure::template::OfRun;
use crate::runner::adapters::{self, Look};
use crate::runner::engine::Engine;
use crate::runner::rundir::sync_dir;
use crate::runner::{failpoint, identity};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A frozen set with what a prompt shows of it.
pub struct Frozen {
    /// Its digest, and its name below `sets/`.
    pub digest: Digest,
    /// What a prompt shows.
    pub preview: Preview,
}

impl Engine {
    /// Previews a step and keeps its set, durable; `Err` inside is a refusal that a person must decide about.
    ///
    /// # Errors
    /// When the journal cannot be written meanwhile.
    pub(super) async fn freeze(&mut self, step: u32) -> Result<std::result::Result<Frozen, Error>> {
        let planned = self.planned(step)?;
        let action = match planned.act.as_ref().map(|action| self.filled(action)) {
            Some(Ok(action)) => action,
            Some(Err(why)) => return Ok(Err(Error::machine(format!("preview step {}", step + 1), why))),
            None => return Ok(Err(Error::machine(format!("preview step {}", step + 1), "it has no action"))),
        };
        let sets = self.dir.path.join("sets");
        let work = tokio::task::spawn_blocking(move || look(&action, &planned, &sets));
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    let seen = done.map_err(|cause| Error::machine(format!("preview step {}", step + 1), cause));
                    return Ok(seen.and_then(|seen| seen).and_then(|(part, frozen)| self.store(&part, frozen)));
                }
                call = self.control.calls.recv() => {
                    if let Some(call) = call && self.take_call(call)? {
                        return Ok(Err(Error::machine(format!("preview step {}", step + 1), "the run was stopped")));
                    }
                }
            }
        }
    }

    /// Makes a set's file durable under its digest.
    fn store(&self, part: &Path, frozen: Frozen) -> Result<Frozen> {
        let doing = "keep the frozen set";
        let kept = fs::rename(part, self.dir.set(&frozen.digest)).and_then(|()| sync_dir(&self.dir.path.join("sets")));
        kept.map_err(|cause| Error::machine(doing, cause))?;
        failpoint::pass("set.written");
        Ok(frozen)
    }

    /// What moved since a set was frozen; `None` when it is the same.
    pub(super) async fn moved(&mut self, step: u32, set: &Digest) -> Result<Option<Vec<String>>> {
        let before = self.dir.set(set);
        let after = match self.freeze(step).await? {
            Err(refusal) => return Ok(Some(vec![format!("it cannot be previewed any more: {refusal}")])),
            Ok(frozen) if frozen.digest == *set => return Ok(None),
            Ok(frozen) => self.dir.set(&frozen.digest),
        };
        let open = |path: &PathBuf| File::open(path).map(BufReader::new);
        Ok(Some(match (open(&before), open(&after)) {
            (Ok(mut before), Ok(mut after)) => adapters::moved(&mut before, &mut after),
            _ => vec!["the frozen set cannot be read any more".to_owned()],
        }))
    }

    /// The later change steps of the same phase that can be previewed now: one consent covers those whose set stays.
    pub(super) async fn foresee(&mut self, step: u32) -> Result<Vec<Covered>> {
        let phase = self.planned(step)?.phase;
        let mut covered = Vec::new();
        let count = u32::try_from(self.plan.steps.len()).unwrap_or(u32::MAX);
        for later in step + 1..count {
            let planned = self.planned(later)?;
            if planned.phase != phase || planned.verb != Verb::Do || planned.effect != EffectClass::Change {
                continue;
            }
            if !matches!(self.judge_when(&planned), Ok(None)) {
                continue;
            }
            if let Ok(frozen) = self.freeze(later).await?
                && frozen.preview.count > 0
            {
                let headline = frozen.preview.headline;
                covered.push(Covered { step: later, set: frozen.digest, headline });
            }
        }
        Ok(covered)
    }

    /// An action with the run's own references filled in; the error says what is not known.
    pub(super) fn filled(&self, action: &Action) -> std::result::Result<Action, String> {
        let dir = self.dir.path.to_string_lossy();
        action.of_run(OfRun { id: self.dir.id.as_str(), dir: &dir, saved: &self.view().saved })
    }

    /// The value of a reference that the plan left to the run; what is empty is not known.
    pub(super) fn known(&self, name: &str) -> std::result::Result<String, String> {
        let dir = self.dir.path.to_string_lossy();
        let run = OfRun { id: self.dir.id.as_str(), dir: &dir, saved: &self.view().saved };
        match run.value(name)? {
            None => Err(format!("`{name}` is nothing that the run knows")),
            Some(value) if value.trim().is_empty() => Err(format!("`{}` is empty", spoken(&format!("{{{{{name}}}}}")))),
            Some(value) => Ok(value),
        }
    }

    /// Text for people with the run's own references filled in; what is not known is said in its place.
    pub(super) fn told(&self, text: &str) -> String {
        let dir = self.dir.path.to_string_lossy();
        let run = OfRun { id: self.dir.id.as_str(), dir: &dir, saved: &self.view().saved };
        run.fill(text).unwrap_or_else(|why| format!("{text} ({why})"))
    }
}

/// Previews into a file beside the sets; one preview of a run is made at a time, so one name serves.
fn look(action: &Action, planned: &Step, sets: &Path) -> Result<(PathBuf, Frozen)> {
    let doing = format!("preview {}", planned.title);
    let part = sets.join(format!("part-{}", std::process::id()));
    let file = File::create(&part).map_err(|cause| Error::machine(&doing, cause))?;
    let mut set = Hashing { inner: BufWriter::new(file), hasher: Hasher::default() };
    let look = Look::of(planned, identity::host_name());
    let preview = adapters::preview(action, &look, &mut set)?;
    let synced = set.inner.flush().and_then(|()| set.inner.get_ref().sync_all());
    synced.map_err(|cause| Error::machine(&doing, cause))?;
    Ok((part, Frozen { digest: set.hasher.finish(), preview }))
}

/// Writes through, and hashes what passes.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
