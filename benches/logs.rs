//! The log pane over a long log, and the sanitiser.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use midwatch::domain::Clean;
use midwatch::journal::log::{LogAt, LogFile, Page};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// How many lines the long log has.
const LINES: u64 = 1_000_000;
/// How many rows a page has.
const ROWS: u16 = 50;
/// How many lines one pass of the sanitiser reads.
const CLEANED: usize = 10_000;

/// Writes line `number`, as a service does; every eighth is coloured.
fn put(out: &mut impl Write, number: u64) -> std::io::Result<()> {
    let (level, worker, took) =
        (if number.is_multiple_of(8) { "\x1b[33mwarn\x1b[0m" } else { "info" }, number % 16, number % 97);
    writeln!(
        out,
        "2026-11-22T02:{:02}:{:02}.{:03}Z {level} worker-{worker} moved s-{number:07}.json to the archive in {took} ms",
        number / 60 % 60,
        number % 60,
        number % 1000
    )
}

/// A log of [`LINES`] lines below the build directory, written again for every bench program.
fn long() -> &'static Path {
    static LONG: OnceLock<PathBuf> = OnceLock::new();
    LONG.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("long.log");
        let mut file = BufWriter::new(File::create(&path).expect("a log"));
        (0..LINES).for_each(|number| put(&mut file, number).expect("a line"));
        file.flush().expect("the last lines");
        path
    })
}

fn opened() -> LogFile {
    LogFile::open(long()).expect("the log")
}

fn counted() -> LogFile {
    let mut log = opened();
    assert!(log.index_some(u64::MAX).expect("all lines"));
    log
}

fn page(log: &mut LogFile, at: &LogAt) -> Page {
    log.page(at, ROWS).expect("a page")
}

/// Prints how much memory the index takes.
pub fn print_bytes() {
    let log = counted();
    assert_eq!(log.total_lines(), LINES);
    #[allow(clippy::cast_precision_loss)]
    let each = log.index_bytes() as f64 / LINES as f64;
    println!(
        "\nbytes of a log's index            {:>8} for {LINES} lines of {} bytes, {each:.2} a line",
        log.index_bytes(),
        log.total_bytes()
    );
}

/// Every line counted, from nothing.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn index(bencher: Bencher<'_, '_>) {
    let bytes = opened().total_bytes();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(LINES)).bench_local(counted);
}

/// The end of a log that was not read before: what an operator waits for.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn first_tail(bencher: Bencher<'_, '_>) {
    long();
    bencher.bench_local(|| page(&mut opened(), &LogAt::Tail));
}

/// The end of a log that is counted: what each look at a followed log costs.
#[divan::bench]
fn tail(bencher: Bencher<'_, '_>) {
    let mut log = counted();
    bencher.bench_local(|| page(&mut log, &LogAt::Tail));
}

/// A page in the middle.
#[divan::bench]
fn middle(bencher: Bencher<'_, '_>) {
    let mut log = counted();
    bencher.bench_local(|| page(&mut log, &LogAt::Line(black_box(LINES / 2))));
}

/// A search that reads the whole log and finds nothing.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn search(bencher: Bencher<'_, '_>) {
    let mut log = counted();
    let at = LogAt::Next { from: 0, needle: "No Such Thing".to_owned() };
    bencher.counter(BytesCount::new(log.total_bytes())).counter(ItemsCount::new(LINES)).bench_local(|| {
        let found = page(&mut log, &at);
        assert_eq!(found.found, None);
        found
    });
}

/// Outside bytes to text that may be drawn.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn sanitiser(bencher: Bencher<'_, '_>) {
    let mut bytes = Vec::new();
    (0..CLEANED as u64).for_each(|number| put(&mut bytes, number).expect("memory"));
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(CLEANED)).bench_local(|| {
        for line in &lines {
            black_box(Clean::line(black_box(line)));
        }
    });
}
