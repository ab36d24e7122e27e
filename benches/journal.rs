//! The journal: appending durably, and reading a long one.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use midwatch::demo::sample;
use midwatch::domain::time::Now;
use midwatch::domain::{Actor, Digest, EffectClass, RunId, Verb};
use midwatch::journal::append::Appender;
use midwatch::journal::chain::{Draft, Walk, encode};
use midwatch::journal::record::{Event, StepHead};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// How many records the long journal has.
const RECORDS: u64 = 100_000;

/// Where a journal is written.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Below the build directory.
    Disk,
    /// In memory: what is left when nothing is waited for.
    Tmpfs,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk => "disk",
            Self::Tmpfs => "tmpfs",
        })
    }
}

impl Place {
    fn dir(self) -> TempDir {
        let base = match self {
            Self::Disk => PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
            Self::Tmpfs => PathBuf::from("/dev/shm"),
        };
        TempDir::new_in(base).expect("a directory to write to")
    }
}

fn run() -> RunId {
    RunId::new(1_795_315_200_000, 1)
}

fn actor() -> Actor {
    Actor {
        uid: 1000,
        login_uid: Some(1000),
        pid: 4242,
        name: "operator".to_owned(),
        host: "bastion-1".to_owned(),
        through: "console".to_owned(),
    }
}

fn moment(number: u64) -> Now {
    sample::now(i64::try_from(number).unwrap_or(0))
}

fn created() -> Event {
    let step = StepHead {
        takes_s: Some(5),
        ..StepHead::new("look", "Verify the newest backup", Verb::Check, EffectClass::Read)
    };
    Event::RunCreated {
        procedure: "cell0/data-retention".to_owned(),
        title: "Data retention cleanup".to_owned(),
        plan: Digest::of(b"plan"),
        source: Digest::of(b"source"),
        estate: "cell0".to_owned(),
        environment: "staging".to_owned(),
        params: BTreeMap::from([("root".to_owned(), "/srv/cell0".to_owned())]),
        phases: vec!["look".to_owned()],
        steps: vec![step],
        order: midwatch::domain::Order::Listed,
        rollback: None,
        version: "0.1.0".to_owned(),
        confirmed: "console".to_owned(),
        terms: Box::default(),
    }
}

fn note(number: u64) -> Event {
    Event::Note { step: Some(0), text: format!("archive {number} of the night agrees with its checksum") }
}

/// A whole journal of [`RECORDS`] records.
fn long() -> &'static [u8] {
    static LONG: OnceLock<Vec<u8>> = OnceLock::new();
    LONG.get_or_init(|| {
        let (run, actor, mut prev, mut bytes) = (run(), actor(), Digest::zero(), Vec::new());
        for seq in 1..=RECORDS {
            let event = if seq == 1 { created() } else { note(seq) };
            let Now { wall, boot } = moment(seq);
            let draft = Draft { seq, run: &run, wall, boot, actor: &actor, event: &event, prev: &prev };
            let (line, h) = encode(&draft).expect("a record");
            bytes.extend_from_slice(&line);
            prev = h;
        }
        bytes
    })
}

fn begin(dir: &Path) -> Appender {
    Appender::create(dir, &run(), created(), actor(), moment(1), None).expect("a journal").0
}

/// Prints how large the long journal is.
pub fn print_bytes() {
    let bytes = long().len() as u64;
    println!("\nbytes of a journal                {:>8} a record, {bytes} for {RECORDS} records", bytes / RECORDS);
}

/// One record: folded, written, and synced with `fdatasync`.
#[divan::bench(args = [Place::Disk, Place::Tmpfs])]
fn append(bencher: Bencher<'_, '_>, place: Place) {
    let dir = place.dir();
    let (mut journal, mut number) = (begin(dir.path()), 1);
    bencher.bench_local(|| {
        number += 1;
        journal.append(note(number), actor(), moment(number)).expect("a record")
    });
}

/// The way from the bytes of a journal to a run: every record parsed, its digest proved, folded.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn chain_and_fold(bencher: Bencher<'_, '_>) {
    let bytes = long();
    bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let mut walk = Walk::default();
        let (good, verdict) = walk.all(bytes, drop).expect("bytes in memory");
        assert_eq!((good, verdict.exit_code()), (bytes.len() as u64, 0), "{verdict}");
        walk
    });
}
