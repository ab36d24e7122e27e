//! Locks on the identity of the thing, not on its name.
//!
//! A lock is held twice over: by the kernel, for as long as the runner lives; and by the journal, for as long as the run is
//! not sealed. So a run whose runner died keeps its claim until somebody resumes or aborts it, while its shim may
//! still be at work on the thing.

use crate::config::state::team;
use crate::domain::error::Result;
use crate::domain::{Digest, Error, Kind, RunId, Wall};
use crate::probes::clock;
use crate::runner::ofd;
use crate::runner::rundir::{RunDir, open_private, read_bounded};
use crate::runner::things::Thing;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What a lock file says of its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    run: RunId,
    dir: PathBuf,
    name: String,
    by: String,
    /// Since when; not known of a lock that an older version took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Wall>,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Held {
    /// The name in the procedure.
    pub name: String,
    /// The identity of the thing.
    pub identity: String,
    path: PathBuf,
    file: File,
}

impl Held {
    /// Whether the lock file is still the one that is held: where another file has its name, somebody else may hold that.
    ///
    /// # Errors
    /// `Locked` when it was removed or replaced.
    pub fn confirm(&self) -> Result<()> {
        let doing = format!("keep the lock {}", self.name);
        let open = self.file.metadata().map_err(|cause| Error::machine(&doing, cause))?;
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (open.dev(), open.ino()) => Ok(()),
            _ => Err(Error::new(Kind::Locked, format!("{} was removed or replaced", self.path.display()))
                .hint("another run may hold it by now; see that none does before this one is resumed")),
        }
    }
}

/// Takes the locks on all these things, all or nothing, in the order of their identities.
///
/// # Errors
/// `Locked` with the holder when another run has one; a machine error when the lock directory cannot be used.
pub fn take_all(dir: &Path, things: Vec<Thing>, run: &RunDir, by: &str) -> Result<Vec<Held>> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.mode(0o700).recursive(true).create(dir);
    made.map_err(|cause| Error::machine(format!("make the lock directory {}", dir.display()), cause))?;
    things.into_iter().map(|(identity, name)| take(dir, identity, name, run, by)).collect()
}

fn take(dir: &Path, identity: String, name: String, run: &RunDir, by: &str) -> Result<Held> {
    let path = dir.join(format!("{}.lock", Digest::of(identity.as_bytes())));
    let doing = format!("lock {name}");
    let io = |cause: std::io::Error| Error::machine(&doing, cause);
    let mut file = open_private(&path).map_err(io)?;
    if file.metadata().map_err(io)?.uid() == rustix::process::geteuid().as_raw() {
        team::share(&file, dir, 0o660).map_err(io)?;
    }
    let mine = ofd::try_lock(&file).map_err(io)?;
    let holder = read_bounded(&path, 64 << 10).ok().and_then(|bytes| serde_json::from_slice::<Holder>(&bytes).ok());
    if !mine {
        return Err(refusal(&name, holder.as_ref(), "is held by"));
    }
    let (open, on_disk) = (file.metadata().map_err(io)?, fs::metadata(&path).map_err(io)?);
    if (open.dev(), open.ino()) != (on_disk.dev(), on_disk.ino()) {
        return Err(Error::new(Kind::Locked, format!("the lock file of {name} was replaced while it was taken")));
    }
    let holder_of_file = holder.clone();
    if let Some(holder) = holder.filter(|holder| holder.run != run.id && claims(holder)) {
        return Err(refusal(&name, Some(&holder), "is still claimed by the unfinished"));
    }
    let since = holder_since(holder_of_file.as_ref(), run).unwrap_or_else(|| clock::now().wall);
    let said = Holder {
        run: run.id.clone(),
        dir: run.path.clone(),
        name: name.clone(),
        by: by.to_owned(),
        since: Some(since),
    };
    let bytes = serde_json::to_vec(&said).map_err(|cause| Error::machine(&doing, cause))?;
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&bytes)).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(Held { name, identity, path, file })
}

/// Since when the same run holds it, through whatever runner.
fn holder_since(holder: Option<&Holder>, run: &RunDir) -> Option<Wall> {
    holder.filter(|holder| holder.run == run.id)?.since
}

/// Whether the run that a free lock names is not sealed yet.
fn claims(holder: &Holder) -> bool {
    let Ok(dir) = RunDir::at(&holder.dir) else { return false };
    match fs::read(dir.journal()) {
        Ok(bytes) => {
            use crate::journal::chain::{Verdict, read};
            !bytes.is_empty() && !matches!(read(&bytes).verdict, Verdict::Whole { sealed: true })
        }
        // Of a run that this user may not read, nobody here can say that it is over.
        Err(cause) => cause.kind() != std::io::ErrorKind::NotFound,
    }
}

fn refusal(name: &str, holder: Option<&Holder>, verb: &str) -> Error {
    let Some(holder) = holder else {
        return Error::new(Kind::Locked, format!("{name} is locked by another run that has not said its name"));
    };
    let since = holder.since.map(|at| format!(" since {} UTC", at.minute())).unwrap_or_default();
    let alias = if holder.name == name { String::new() } else { format!(", which calls it {}", holder.name) };
    let message = format!("{name} {verb} run {} of {}{since}{alias}", holder.run, holder.by);
    Error::new(Kind::Locked, message)
        .hint(format!("see it: midwatch attach {}", holder.run))
        .hint(format!("continue it: midwatch resume {}; or stop it: midwatch abort {}", holder.run, holder.run))
}
