//! Builds the estate's files: what the shipped procedures find work in.

use crate::demo::backups;
use crate::demo::database::{self, Database};
use crate::demo::night;
use crate::demo::own;
use crate::demo::services::Served;
use crate::domain::Wall;
use crate::domain::error::{Error, Result};
use rustix::fs::Timestamps;
use rustix::time::Timespec;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The estate file's name below the demo's directory.
pub const CONFIG: &str = "midwatch.toml";
/// The state directory's name below the demo's directory.
pub const STATE: &str = "state";

/// How many sessions there are, and how many of them are past 90 days.
const SESSIONS: u32 = 1200;
const OLD_SESSIONS: u32 = 350;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;
/// Logs that something writes to.
const LOGS: [&str; 3] = ["gateway.log", "worker.log", "audit.log"];
/// How long ago each of a log's rotations was, newest first.
const ROTATIONS: [u64; 5] = [5 * HOUR, 29 * HOUR, 53 * HOUR, 77 * HOUR, 101 * HOUR];
/// How old the logs in the archive are, in days.
const ARCHIVED: [u64; 6] = [12, 40, 75, 130, 290, 410];

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoEstate {
    /// The estate file.
    pub config: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// The tree that the mount entry names.
    pub root: PathBuf,
    /// How many sessions there are.
    pub sessions: u32,
    /// How many of them are older than 90 days.
    pub old_sessions: u32,
    /// How many rotated logs wait beside the current ones.
    pub rotated: u32,
}

/// Builds everything below an empty directory, as of `now`; the estate file comes last, with further `entries` at its end.
///
/// # Errors
/// A file cannot be written, or the path is not UTF-8, which an estate file cannot say.
pub fn build(
    dir: &Path,
    now: Wall,
    services: &[Served],
    database: Option<&Database>,
    entries: &str,
) -> Result<DemoEstate> {
    let root = dir.join("srv/cell0");
    let estate = estate_file(&root, services, database)? + &backups::build(dir, now)? + entries;
    let (sessions, logs) = (root.join("data/sessions"), root.join("logs"));
    let (archive, state) = (logs.join("archive"), dir.join(STATE));
    for made in [&sessions, &archive, &state] {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(made)
            .map_err(|cause| Error::machine(format_args!("make {}", made.display()), cause))?;
    }
    for number in 0..SESSIONS {
        write_session(&sessions, number, now)?;
    }
    let mut rotated = 0;
    for log in LOGS {
        write(&logs.join(log), lines(log, now, Duration::ZERO, 40).as_bytes(), now)?;
        for (turn, age) in (1..).zip(ROTATIONS.map(Duration::from_secs)) {
            write_packed(&logs.join(format!("{log}.{turn}.gz")), log, now, age)?;
            rotated += 1;
        }
        for age in ARCHIVED.map(|days| Duration::from_secs(days * DAY)) {
            let date = before(now, age).0.strftime("%Y%m%d");
            write_packed(&archive.join(format!("{log}-{date}.gz")), log, now, age)?;
        }
    }
    night::build(dir, now)?;
    own::build(dir, now, services)?;
    let config = dir.join(CONFIG);
    write(&config, estate.as_bytes(), now)?;
    Ok(DemoEstate { config, state, root, sessions: SESSIONS, old_sessions: OLD_SESSIONS, rotated })
}

/// The estate file's text.
fn estate_file(root: &Path, services: &[Served], database: Option<&Database>) -> Result<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let root = root
        .to_str()
        .ok_or_else(|| Error::machine(format_args!("build the demo in {}", root.display()), "the path is not UTF-8"))?;
    let mut text =
        "schema = 1\nname = \"demo\"\nenvironment = \"other\"\n# The procedures of the pack cell0 lie beside this file, with the port that the gateway has here.\npacks = [\"novacron\"]\n".to_owned();
    for service in services {
        let (name, url) = (quoted(&service.name), quoted(&service.url));
        let _ = write!(text, "\n[[service]]\nname = {name}\nurl = {url}\n");
    }
    let _ = write!(
        text,
        "\n# Nothing is mounted there: the row is that of the mount that holds it.\n[[mount]]\npath = {}\n",
        quoted(root)
    );
    if let Some(Database { watch, act, .. }) = database {
        let (name, watch, act) = (quoted(database::NAME), quoted(watch), quoted(act));
        let _ = write!(text, "\n[[postgres]]\nname = {name}\nwatch = {watch}\nact = {act}\n");
    }
    Ok(text)
}

/// One session; the first ones are past 90 days, by at least a day, and the others short of it by as much.
fn write_session(dir: &Path, number: u32, now: Wall) -> Result<()> {
    // An odd factor makes every 16-bit name once.
    let name = number.wrapping_mul(40_503) & 0xffff;
    let days = if number < OLD_SESSIONS { 91 + u64::from(number % 560) } else { u64::from(number % 89) };
    let seen = before(now, Duration::from_secs(days * DAY + u64::from(number % 80) * 60));
    let turns: Vec<u32> = (0..number % 24).map(|turn| name.wrapping_mul(turn + 1) & 0xfff).collect();
    let body = serde_json::json!({
        "session": format!("s-{name:04x}"),
        "user": format!("user-{}", name % 211),
        "last_seen": seen.0.to_string(),
        "turns": turns,
    });
    write(&dir.join(format!("s-{name:04x}.json")), format!("{body}\n").as_bytes(), seen)
}

fn write_packed(path: &Path, log: &str, now: Wall, age: Duration) -> Result<()> {
    let at = before(now, age);
    let seconds = u32::try_from(at.0.as_second()).unwrap_or(0);
    write(path, &packed(lines(log, now, age, 120).as_bytes(), seconds), at)
}

/// Writes a file that was last changed at a moment.
pub(super) fn write(path: &Path, bytes: &[u8], changed: Wall) -> Result<()> {
    let moment = Timespec { tv_sec: changed.0.as_second(), tv_nsec: changed.0.subsec_nanosecond().max(0).into() };
    let times = Timestamps { last_access: moment, last_modification: moment };
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        Ok(rustix::fs::futimens(&file, &times)?)
    });
    written.map_err(|cause| Error::machine(format_args!("write {}", path.display()), cause))
}

/// Log lines up to a moment, one for each minute.
pub(super) fn lines(log: &str, now: Wall, age: Duration, count: u32) -> String {
    let source = log.trim_end_matches(".log");
    let mut text = String::new();
    for minute in (0..count).rev() {
        let at = before(now, age + Duration::from_secs(60 * u64::from(minute)));
        let (level, message) = match minute % 17 {
            0 => ("WARN", "queue is slow, 1.2 s behind"),
            5 => ("ERROR", "upstream refused the connection, trying again"),
            _ => ("INFO", "request done"),
        };
        let _ = writeln!(
            text,
            "{} {level} {source}: {message} id={:04x}",
            at.0.strftime("%FT%TZ"),
            minute.wrapping_mul(40_503) & 0xffff
        );
    }
    text
}

/// A moment before another.
pub(super) fn before(now: Wall, age: Duration) -> Wall {
    Wall(now.0.checked_sub(age).unwrap_or(now.0))
}

/// A gzip member of stored blocks (RFC 1952 and RFC 1951, 3.2.4): valid, and not smaller than what is in it.
fn packed(bytes: &[u8], changed: u32) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0];
    out.extend(changed.to_le_bytes());
    out.extend([0, 3]);
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let size = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(size.to_le_bytes());
        out.extend((!size).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

/// CRC-32 as RFC 1952 has it, bit by bit: there is little to sum.
fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    });
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn ages(dir: &Path, suffix: &str) -> Vec<Duration> {
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_name().to_str().unwrap().ends_with(suffix));
        let modified = files.map(|entry| entry.metadata().unwrap().modified().unwrap());
        modified.map(|time| SystemTime::now().duration_since(time).unwrap_or_default()).collect()
    }

    type Result<T> = std::result::Result<T, std::io::Error>;

    #[test]
    fn the_estate_holds_what_the_procedures_look_for() {
        let dir = tempfile::tempdir().unwrap();
        let served = vec![Served { name: "api".into(), url: "http://127.0.0.1:9/health".into() }];
        let now = crate::probes::clock::now().wall;
        let estate = build(dir.path(), now, &served, None, "\n[more]\n").unwrap();
        let day = Duration::from_secs(DAY);

        let sessions = ages(&estate.root.join("data/sessions"), ".json");
        assert_eq!((sessions.len(), estate.sessions), (1200, 1200));
        assert_eq!(sessions.iter().filter(|age| **age > day * 90).count(), 350);
        assert_eq!(sessions.iter().filter(|age| **age > day * 89 && **age < day * 91).count(), 0, "none on the edge");
        let logs = estate.root.join("logs");
        assert_eq!(ages(&logs, ".log").len(), 3);
        let rotated = ages(&logs, ".gz");
        assert_eq!((rotated.len(), estate.rotated), (15, 15));
        assert_eq!(rotated.iter().filter(|age| **age > day).count(), 12);
        let archived = ages(&logs.join("archive"), ".gz");
        assert_eq!((archived.len(), archived.iter().filter(|age| **age > day * 365).count()), (18, 3));
        assert!(estate.state.is_dir());

        let text = fs::read_to_string(&estate.config).unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["environment"].as_str(), Some("other"));
        assert!(table["more"].is_table());
        assert_eq!(table["service"][0]["url"].as_str(), Some("http://127.0.0.1:9/health"));
        assert_eq!(table["mount"][0]["path"].as_str(), estate.root.to_str());
    }

    #[test]
    fn a_packed_log_is_a_whole_gzip_member() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(packed(b"hi", 0)[10..17], [1, 2, 0, 0xfd, 0xff, b'h', b'i']);
        let two_blocks = packed(&vec![b'x'; 70_000], 0);
        assert_eq!(two_blocks.len(), 10 + 5 + 65_535 + 5 + 4465 + 8);
        assert_eq!((two_blocks[10], two_blocks[10 + 5 + 65_535]), (0, 1));
    }

    #[test]
    fn any_utf8_path_is_quoted_rightly_in_the_estate_file() {
        let text = estate_file(Path::new("/tmp/a \"b\" \\c\n'd'"), &[], None).unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["mount"][0]["path"].as_str(), Some("/tmp/a \"b\" \\c\n'd'"));
    }
}
