//! The directory of a run.
//!
//! ```text
//! runs/<id>/  plan.json  procedure.toml  windows.toml  start.json  journal.jsonl  seal.json  runner.lock  runner.err  control.sock
//!             presence  alive
//!             sets/<sha256>   readings/<sha256>   logs/<step>.<attempt>.log   steps/<step>.<attempt>/{spec,shim,result,exit}.json
//! ```

use crate::config::file::kind_word;
use crate::config::state::team;
use crate::config::{patience, plain};
use crate::domain::error::Result;
use crate::domain::{Digest, Error, Kind, RunId, Whole};
use crate::journal::digests;
use crate::procedure::plan::Plan;
use crate::runner::ofd;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The files that a run itself keeps in its directory; its steps made all others.
pub const OWN: [&str; 14] = [
    "plan.json",
    "procedure.toml",
    "start.json",
    "journal.jsonl",
    "seal.json",
    "runner.lock",
    "runner.err",
    "control.sock",
    ALIVE,
    "sets",
    "readings",
    "saved",
    "logs",
    "steps",
];
/// The file whose bytes carry the locks of the processes attached to the run.
pub const PRESENCE: &str = "presence";

/// The file whose lock shows the members of a team that the runner lives; `runner.lock` is for the run's own user
/// only.
pub const ALIVE: &str = "alive";

/// The locks of a runner on its run, held until they are dropped.
#[derive(Debug)]
pub struct Taken {
    _lock: File,
    _alive: Option<File>,
}

/// The paths of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    /// The run.
    pub id: RunId,
    /// Its directory, absolute.
    pub path: PathBuf,
}

/// The confirmed start, frozen before the runner is launched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The confirmed plan hash.
    pub plan: Digest,
    /// How it was confirmed: `console` or `invoked`.
    pub how: String,
    /// The directory of the locks.
    pub locks: PathBuf,
    /// The estate file, absolute; none if the estate was discovered. Probed targets are looked up in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estate: Option<PathBuf>,
    /// The digest of the frozen `windows.toml`, if the procedure needs a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Digest>,
    /// The reason for running outside its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// The warnings that were shown at the start, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<String>,
}

impl RunDir {
    /// The directory of a run below a state directory.
    #[must_use]
    pub fn of(state: &Path, id: RunId) -> Self {
        let path = state.join("runs").join(id.as_str());
        Self { id, path }
    }

    /// The run in a directory.
    ///
    /// # Errors
    /// When the directory's name is not a run id.
    pub fn at(path: &Path) -> Result<Self> {
        let id = path.file_name().and_then(|name| name.to_str()).and_then(RunId::parse);
        let Some(id) = id else {
            return Err(Error::new(Kind::Usage, format!("{} is not the directory of a run", path.display())));
        };
        Ok(Self { id, path: path.to_owned() })
    }

    /// Makes the directory of a new run with its frozen plan and procedure, all durable before it returns.
    ///
    /// # Errors
    /// When the state directory cannot take it; nothing but the half-made directory is left, which is removed.
    pub fn create(state: &Path, id: RunId, plan: &Plan, procedure: &[u8], start: &Start) -> Result<Self> {
        let dir = Self::of(state, id);
        let made = dir.fill(plan, procedure, start);
        if made.is_err() {
            let _ = fs::remove_dir_all(&dir.path);
        }
        made.map(|()| dir)
    }

    fn fill(&self, plan: &Plan, procedure: &[u8], start: &Start) -> Result<()> {
        let doing = format!("make the run directory {}", self.path.display());
        let io = |cause: io::Error| {
            Error::machine(&doing, cause)
                .of_kind(Kind::Journal)
                .hint("look at the state directory: its space, its owner, its mode")
        };
        let mut builder = fs::DirBuilder::new();
        builder.mode(0o700).recursive(true);
        let runs = self.path.parent().unwrap_or(&self.path);
        builder.create(runs).map_err(io)?;
        builder.recursive(false).create(&self.path).map_err(io)?;
        team::share_dir(&self.path, runs).map_err(io)?;
        for sub in [digests::SETS, digests::READINGS, "logs", "steps"] {
            builder.create(self.path.join(sub)).map_err(io)?;
        }
        for shared in [digests::SETS, digests::READINGS, "logs"] {
            team::share_dir(&self.path.join(shared), &self.path).map_err(io)?;
        }
        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|cause| Error::machine(&doing, cause));
        let start = json(serde_json::to_vec(start))?;
        let presence: &[u8] = &[];
        let files = [("plan.json", &*plan.to_json()?), ("procedure.toml", procedure), ("start.json", &start)];
        for (name, bytes) in files.into_iter().chain([(PRESENCE, presence)]) {
            write_durably(&self.path.join(name), bytes).map_err(io)?;
        }
        // A process that may open it can keep a runner out with a shared lock, so only the owner may.
        open_private(&self.path.join("runner.lock")).and_then(|file| file.sync_all()).map_err(io)?;
        sync_dir(&self.path).map_err(io)?;
        sync_dir(runs).map_err(io)
    }

    /// The frozen plan, checked against the confirmed hash.
    ///
    /// # Errors
    /// When a file is missing or unreadable, or the plan is not the confirmed one.
    pub fn load(&self) -> Result<(Plan, Start)> {
        let read = |name: &str| {
            let path = self.path.join(name);
            read_bounded(&path, 64 << 20).map_err(|cause| Error::machine(format!("read {}", path.display()), cause))
        };
        let start: Start = serde_json::from_slice(&read("start.json")?)
            .map_err(|cause| Error::machine(format!("read the start of run {}", self.id), cause))?;
        let bytes = read("plan.json")?;
        if Digest::of(&bytes) != start.plan {
            return Err(Error::new(Kind::Refused, "the frozen plan is not the one that was confirmed"));
        }
        Ok((Plan::from_json(&bytes)?, start))
    }

    /// Freezes the windows of a new run, durably.
    ///
    /// # Errors
    /// When the directory cannot take them.
    pub fn freeze_windows(&self, text: &str) -> Result<()> {
        write_durably(&self.windows(), text.as_bytes()).map_err(|cause| {
            Error::machine(format!("keep the windows of run {}", self.id), cause).of_kind(Kind::Journal)
        })
    }

    /// The windows as the run froze them.
    #[must_use]
    pub fn windows(&self) -> PathBuf {
        self.path.join("windows.toml")
    }

    /// The directory of all runs.
    #[must_use]
    pub fn runs(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The state directory.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.runs().parent().unwrap_or(&self.path)
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// A log by its name in the journal.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(name)
    }

    /// A frozen set.
    #[must_use]
    pub fn set(&self, digest: &Digest) -> PathBuf {
        self.path.join(digests::SETS).join(digest.as_str())
    }

    /// A reading of all panes.
    #[must_use]
    pub fn reading(&self, digest: &Digest) -> PathBuf {
        self.path.join(digests::READINGS).join(digest.as_str())
    }

    /// The file of a saved value that is too long for the journal.
    #[must_use]
    pub fn saved(&self, digest: &Digest) -> PathBuf {
        self.path.join(digests::SAVED).join(digest.as_str())
    }

    /// Writes such a value durably, under its digest.
    ///
    /// # Errors
    /// As `write(2)` and `fsync(2)`.
    pub fn keep_saved(&self, value: &[u8]) -> io::Result<Whole> {
        let whole = Whole { sha256: Digest::of(value), bytes: value.len() as u64 };
        let path = self.saved(&whole.sha256);
        let dir = self.path.join(digests::SAVED);
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => {
                team::share_dir(&dir, &self.path)?;
                sync_dir(&self.path)?;
            }
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cause),
        }
        write_durably(&path, value)?;
        Ok(whole)
    }

    /// The directory of one attempt: `3.1`, or `3.1.undo`.
    #[must_use]
    pub fn attempt(&self, name: &str) -> PathBuf {
        self.path.join("steps").join(name)
    }

    /// Takes the run for a runner; `None` if another runner has it.
    ///
    /// # Errors
    /// When the lock file cannot be opened; kind `Locked` with the process where something that is no runner holds it.
    pub fn take(&self) -> Result<Option<Taken>> {
        let path = self.path.join("runner.lock");
        let doing = format!("take run {}", self.id);
        let file = open_private(&path).map_err(|cause| Error::machine(&doing, cause))?;
        // An earlier version let the group of a team read it.
        let open_to_others = file.metadata().is_ok_and(|found| found.mode() & 0o077 != 0);
        if open_to_others {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
        if ofd::try_lock(&file).map_err(|cause| Error::machine(&doing, cause))? {
            return Ok(Some(Taken { _lock: file, _alive: self.show_alive() }));
        }
        if ofd::is_locked(&file).unwrap_or(true) {
            return Ok(None);
        }
        let (who, place) = (ofd::holders_words(&path), path.display());
        let message = format!("cannot {doing}: {who} holds a shared lock on {place}, and is no runner");
        Err(Error::new(Kind::Locked, message)
            .hint(format!("see who has it open: fuser -v {place}"))
            .hint("the run can be taken when that process has ended or closed the file"))
    }

    /// Shows the team that the runner lives, by the exclusive lock on a file that is new each time: a member's lock
    /// on the previous file has no effect. If this fails, the run goes on, and looks interrupted to the others.
    fn show_alive(&self) -> Option<File> {
        self.team()?;
        let draft = self.path.join("alive.part");
        let _ = fs::remove_file(&draft);
        let file = open_private(&draft).ok()?;
        if !ofd::try_lock(&file).ok()? {
            return None;
        }
        team::share(&file, &self.path, 0o640).ok()?;
        fs::rename(&draft, self.path.join(ALIVE)).ok()?;
        Some(file)
    }

    /// Whether a runner has the run.
    #[must_use]
    pub fn runner_lives(&self) -> bool {
        patience::at(&self.path, || self.is_taken())
    }

    fn is_taken(&self) -> bool {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |name: &str| rustix::fs::open(self.path.join(name), flags, Mode::empty());
        let file = match open("runner.lock") {
            // Another user's run: its runner shows the lock to the team.
            Err(Errno::ACCESS) => open(ALIVE),
            opened => opened,
        };
        file.is_ok_and(|file| ofd::is_locked(&File::from(file)).unwrap_or(false))
    }

    /// The group of a run in a team directory; `None` for a run of one user.
    #[must_use]
    pub fn team(&self) -> Option<u32> {
        team::group_of(&self.path)
    }

    /// The owner of the run.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        fs::symlink_metadata(&self.path).ok().map(|found| found.uid())
    }

    /// A short path to the control socket, with the descriptor that keeps it valid: a socket's path may have 107
    /// bytes.
    ///
    /// # Errors
    /// When the run directory cannot be opened.
    pub fn socket(&self) -> Result<(OwnedFd, PathBuf)> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let dir = rustix::fs::open(&self.path, flags, Mode::empty())
            .map_err(|cause| Error::machine(format!("open {}", self.path.display()), cause))?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/control.sock", dir.as_raw_fd()));
        Ok((dir, path))
    }
}

/// Opens a file for reading and writing that only its owner may access, and creates it if there is none.
///
/// # Errors
/// As `open(2)`; where something else than a plain file has the name, at once.
pub fn open_private(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    // In a sticky directory the kernel refuses `O_CREAT` on another user's file (`fs.protected_regular`), so creation
    // comes second.
    let opened = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => match rustix::fs::open(path, flags | OFlags::CREATE | OFlags::EXCL, mode) {
            // Another process created it first.
            Err(Errno::EXIST) => rustix::fs::open(path, flags, Mode::empty()),
            made => made,
        },
        opened => opened,
    };
    let file = File::from(opened?);
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    if kind != FileType::RegularFile {
        let why = format!("it is {}, not a file", kind_word(kind));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(file)
}

/// Writes a new file completely or not at all: to a temporary file, synced and renamed, with its directory synced. In
/// a shared directory, the group may read it.
///
/// # Errors
/// As `write(2)`, `fsync(2)` and `rename(2)`.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("part");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    team::share(&file, path.parent().unwrap_or(path), 0o640)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

/// Makes a directory's entries durable.
///
/// # Errors
/// As `fsync(2)`.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The largest specification and result of an attempt that are read again, in bytes: both may hold values that a read
/// saved.
pub const LARGEST_OF_ATTEMPT: u64 = 64 << 20;

/// Reads a plain file of at most `limit` bytes.
///
/// # Errors
/// As `read(2)`, or when it is larger.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    plain::read(path, limit)
}
