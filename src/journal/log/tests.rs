mod kept;

use super::*;
use crate::domain::Digest;
use crate::journal::record::LogEnd;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;

fn wall(ms: i64) -> Wall {
    Wall(jiff::Timestamp::from_millisecond(1_787_363_251_000 + ms).unwrap())
}

fn texts(page: &Page) -> Vec<String> {
    page.lines.iter().map(|line| String::from_utf8_lossy(&line.bytes).into_owned()).collect()
}

fn opened(path: &Path, content: &[u8]) -> LogFile {
    fs::write(path, content).unwrap();
    LogFile::open(path).unwrap()
}

fn next(from: u64, needle: &str) -> LogAt {
    LogAt::Next { from, needle: needle.into() }
}

fn back(from: u64, needle: &str) -> LogAt {
    LogAt::Back { from, needle: needle.into() }
}

#[test]
fn a_million_lines_take_little_memory_and_are_all_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1-1.log");
    let mut content = String::new();
    for n in 0..1_000_000 {
        use std::fmt::Write as _;
        writeln!(content, "line {n:07} of the log").unwrap();
    }
    let mut log = opened(&path, content.as_bytes());
    // The tail is there before the lines are counted.
    let page = log.page(&LogAt::Tail, 3).unwrap();
    assert_eq!(texts(&page), ["line 0999997 of the log", "line 0999998 of the log", "line 0999999 of the log"]);
    assert!(!page.counted && page.following);
    let off_by = page.total_lines.abs_diff(1_000_000);
    assert!(off_by < 10, "equal lines make a good estimate, {off_by}");
    while !log.index_some(1 << 20).unwrap() {}
    assert!(log.index_bytes() <= 64 << 10, "{} bytes", log.index_bytes());
    let page = log.page(&LogAt::Tail, 3).unwrap();
    assert_eq!((page.top, page.total_lines, page.counted), (999_997, 1_000_000, true));
    for wanted in [0, 1, 654, 655, 500_000, 999_998] {
        let page = log.page(&LogAt::Line(wanted), 2).unwrap();
        assert_eq!(
            texts(&page),
            [format!("line {wanted:07} of the log"), format!("line {:07} of the log", wanted + 1)]
        );
        assert_eq!((page.top, page.following, page.total_bytes), (wanted, false, 24_000_000));
    }
    assert_eq!(log.page(&LogAt::Line(5_000_000), 2).unwrap().top, 999_998);
    assert_eq!(log.page(&next(0, "LINE 0777777"), 9).unwrap().found, Some(777_777));
}

#[test]
fn a_search_finds_the_next_line_and_wraps_around() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = opened(&dir.path().join("l"), b"one\ntwo needle\nthree\nNeedle four\nfive\nsix");
    let cases = [
        (next(0, "needle"), Some(1)),
        (next(1, "needle"), Some(3)),
        (next(3, "needle"), Some(1)),
        (next(5, "NEEDLE"), Some(1)),
        (next(900, "needle"), Some(1)),
        (back(3, "needle"), Some(1)),
        (back(1, "needle"), Some(3)),
        (back(0, "needle"), Some(3)),
        (back(5, "needle"), Some(3)),
        (next(4, "six"), Some(5)),
        (next(5, "six"), Some(5)),
        (next(0, "one"), Some(0)),
        (back(0, "one"), Some(0)),
        (next(0, "seven"), None),
        (back(0, "seven"), None),
        (next(0, ""), None),
    ];
    for (at, expected) in cases {
        let page = log.page(&at, 2).unwrap();
        assert_eq!((page.found, page.searched), (expected, true), "{at:?}");
    }
}

#[test]
fn a_search_looks_across_its_own_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let chunk = 256 << 10;
    for place in [chunk - 7, chunk - 3, chunk - 1, chunk, 2 * chunk - 2] {
        let mut content = vec![b'x'; 3 * chunk];
        for at in (0..content.len()).step_by(100) {
            content[at] = b'\n';
        }
        content[place - 3..place + 9].copy_from_slice(b"\n failed !!\n");
        let line = content[..place - 2].iter().filter(|byte| **byte == b'\n').count() as u64;
        let mut log = opened(&dir.path().join("l"), &content);
        assert_eq!(log.page(&next(0, "FAILED"), 1).unwrap().found, Some(line), "at {place}");
        assert_eq!(log.page(&back(0, "failed"), 1).unwrap().found, Some(line), "at {place}");
        assert_eq!(log.page(&LogAt::NextError { from: 0 }, 1).unwrap().found, Some(line), "at {place}");
    }
}

#[test]
fn an_error_is_a_whole_word() {
    let dir = tempfile::tempdir().unwrap();
    for (text, is_error) in [
        ("ERROR: relation does not exist", true),
        ("level=error msg", true),
        ("Traceback (most recent call last):", true),
        ("thread 'main' panicked at", true),
        ("2 failed, 3 passed", true),
        ("exception", true),
        ("[Fatal]", true),
        ("no terrors here", false),
        ("failover done", false),
        ("error_count 0", false),
        ("errorless, unfailing", false),
        ("profile: fine", false),
    ] {
        let mut log = opened(&dir.path().join("l"), format!("first\n{text}\n").as_bytes());
        let found = log.page(&LogAt::NextError { from: 0 }, 1).unwrap().found;
        assert_eq!(found, is_error.then_some(1), "{text}");
    }
}

#[test]
fn a_long_line_is_cut_and_shows_by_how_much() {
    let dir = tempfile::tempdir().unwrap();
    let long = 10 << 20;
    let content = [b"before\n".to_vec(), vec![b'x'; long], b"\nafter\n".to_vec()].concat();
    let mut log = opened(&dir.path().join("l"), &content);
    for counted in [false, true] {
        while counted && !log.index_some(1 << 20).unwrap() {}
        let page = log.page(&LogAt::Line(0), 3).unwrap();
        let lines: Vec<(usize, u64)> = page.lines.iter().map(|line| (line.bytes.len(), line.cut)).collect();
        assert_eq!(lines, [(6, 0), (4096, (long - 4096) as u64), (5, 0)]);
    }
    let page = log.page(&LogAt::Tail, 2).unwrap();
    assert_eq!((page.top, page.lines[0].cut), (1, (long - 4096) as u64));
    // Without an index, a line that has no beginning within eight megabytes is shown from there.
    let mut log = LogFile::open(&dir.path().join("l")).unwrap();
    let page = log.page(&LogAt::Tail, 2).unwrap();
    assert!(!page.counted);
    assert_eq!((page.lines[0].bytes.len(), texts(&page)[1].as_str()), (4096, "after"));
    // An endless line at the end, and one that is exactly as long as is shown.
    let mut log = opened(&dir.path().join("l"), &vec![b'y'; 4097]);
    assert_eq!(log.page(&LogAt::Tail, 5).unwrap().lines[0].cut, 1);
    let mut log = opened(&dir.path().join("l"), &vec![b'y'; 4096]);
    assert_eq!(log.page(&LogAt::Tail, 5).unwrap().lines[0].cut, 0);
}

#[test]
fn the_uncounted_tail_is_the_counted_one() {
    let dir = tempfile::tempdir().unwrap();
    for content in ["", "a", "a\n", "\n", "\n\n", "a\nb", "a\nb\n", "a\n\nb\n\n"] {
        for rows in 1..4 {
            let mut log = opened(&dir.path().join("l"), content.as_bytes());
            let quick = log.uncounted_tail(rows).unwrap();
            let slow = log.page(&LogAt::Tail, u16::try_from(rows).unwrap()).unwrap();
            let expected: Vec<&str> = content.split_terminator('\n').collect();
            let skip = expected.len().saturating_sub(usize::try_from(rows).unwrap());
            assert_eq!(texts(&slow), expected[skip..], "{content:?} {rows}");
            assert_eq!(texts(&quick), texts(&slow), "{content:?} {rows}");
            assert_eq!(slow.total_lines, expected.len() as u64, "{content:?}");
        }
    }
}

#[test]
fn a_growing_log_shows_what_comes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut log = opened(&path, b"one\ntw");
    let mut file = File::options().append(true).open(&path).unwrap();
    assert_eq!(texts(&log.page(&LogAt::Tail, 9).unwrap()), ["one", "tw"]);
    file.write_all(b"o\n").unwrap();
    assert_eq!(texts(&log.page(&LogAt::Tail, 9).unwrap()), ["one", "two"]);
    file.write_all(b"three").unwrap();
    let page = log.page(&LogAt::Tail, 2).unwrap();
    assert_eq!((texts(&page), page.top, page.total_lines), (vec!["two".into(), "three".into()], 1, 3));
}

#[test]
fn a_log_that_shrank_or_vanished_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1-1.log");
    assert!(LogFile::open(&path).unwrap_err().message.contains("1-1.log"));
    let mut log = opened(&path, b"one\ntwo\n");
    log.page(&LogAt::Tail, 1).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
    let error = log.page(&LogAt::Tail, 1).unwrap_err();
    assert_eq!(error.message, format!("cannot read the log {}: it was cut short from 8 to 3 bytes", path.display()));
    let mut log = LogFile::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = log.page(&LogAt::Tail, 1).unwrap_err();
    assert_eq!(error.message, format!("cannot read the log {}: it was removed", path.display()));
    fs::create_dir(&path).unwrap();
    assert!(LogFile::open(&path).is_err());
}

#[test]
fn binary_content_is_kept_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<Vec<u8>> =
        vec![vec![0, 1, 2, 255, 254], b"\xff\xfeu\0t\0f\0".to_vec(), b"\r\x1b]0;x\x07".to_vec(), vec![0; 9000]];
    let mut writer = LogWriter::create(&dir.path().join("l"), CAP_FIRST, CAP_LAST).unwrap();
    writer.write(&lines.join(&b'\n'), Stream::Out, wall(0));
    let end = writer.finish(wall(1));
    let mut log = LogFile::open(&dir.path().join("l")).unwrap();
    let page = log.page(&LogAt::Line(0), 9).unwrap();
    let shown: Vec<Vec<u8>> = page.lines.iter().map(|line| line.bytes.clone()).collect();
    assert_eq!(shown, [&lines[..3], &[vec![0; 4096]]].concat());
    assert_eq!(end.digest, Some(Digest::of(&lines.join(&b'\n'))));
}

#[test]
fn a_word_that_begins_before_the_chunk_does_not_begin_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let chunk = 256 << 10;
    // The search begins at line 1, two bytes in; the `error` of `terror` begins where its second chunk does.
    let mut content = vec![b'.'; chunk + 100];
    content[1] = b'\n';
    content[chunk + 1..chunk + 7].copy_from_slice(b"terror");
    let mut log = opened(&dir.path().join("l"), &content);
    assert_eq!(log.page(&LogAt::NextError { from: 0 }, 1).unwrap().found, None);
    content[chunk + 1] = b' ';
    let mut log = opened(&dir.path().join("l"), &content);
    assert_eq!(log.page(&LogAt::NextError { from: 0 }, 1).unwrap().found, Some(1));
}
