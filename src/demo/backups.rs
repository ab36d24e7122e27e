//! The demo's backups: one set that is fresh and verified, one that is stale, one whose newest member is not what its checksum says.

use crate::demo::build;
use crate::domain::error::{Error, Result};
use crate::domain::{Digest, Wall};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

const HOUR: u64 = 3600;
/// How many members each set has, a day apart.
const MEMBERS: u64 = 10;

/// A set: what it is called, where it lies, how its members end, their bytes, how old the newest is in minutes, and whether its data are still right.
struct Plan {
    name: &'static str,
    at: &'static str,
    ending: &'static str,
    bytes: u64,
    newest: u64,
    right: bool,
}

const PLANS: [Plan; 3] = [
    Plan { name: "files", at: "srv/cell0/backups", ending: "tar.gz", bytes: 96 << 10, newest: 170, right: true },
    Plan {
        name: "database",
        at: "srv/backups/database",
        ending: "dump",
        bytes: 64 << 10,
        newest: 31 * 60 + 20,
        right: true,
    },
    Plan { name: "configs", at: "srv/backups/configs", ending: "tar.gz", bytes: 14 << 10, newest: 165, right: false },
];

/// Makes the sets below a directory, as of `now`; gives their entries in the estate file.
///
/// # Errors
/// A file cannot be written, or the path is not UTF-8.
pub fn build(dir: &Path, now: Wall) -> Result<String> {
    let mut entries = String::new();
    for plan in &PLANS {
        let set = dir.join(plan.at);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&set)
            .map_err(|cause| Error::machine(format_args!("make {}", set.display()), cause))?;
        for day in 0..MEMBERS {
            member(plan, &set, day, now)?;
        }
        let pattern = set.join(format!("*.{}", plan.ending));
        let pattern = pattern.to_str().ok_or_else(|| {
            Error::machine(format_args!("build the demo in {}", dir.display()), "the path is not UTF-8")
        })?;
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let (name, files) = (quoted(plan.name), quoted(pattern));
        let _ = write!(entries, "\n[[backup]]\nname = {name}\nfiles = {files}\nmax_age = \"24h\"\nevery = \"24h\"\n");
    }
    Ok(entries)
}

/// One member with its checksum; each a little larger than the one before it.
fn member(plan: &Plan, set: &Path, day: u64, now: Wall) -> Result<()> {
    let age = Duration::from_secs(plan.newest * 60 + day * 24 * HOUR);
    let made = build::before(now, age);
    let name = format!("{}-{}.{}", plan.name, made.0.strftime("%Y%m%dT%H%M%SZ"), plan.ending);
    let size = plan.bytes.saturating_sub(plan.bytes / 100 * day);
    let text = build::lines(plan.name, now, age, 200);
    let mut data: Vec<u8> = text.bytes().cycle().take(usize::try_from(size).unwrap_or(0)).collect();
    let sum = format!("{}  {name}\n", Digest::of(&data));
    if day == 0
        && !plan.right
        && let Some(byte) = data.get_mut(4321)
    {
        *byte ^= 1;
    }
    build::write(&set.join(&name), &data, made)?;
    build::write(&set.join(format!("{name}.sha256")), sum.as_bytes(), made)
}
