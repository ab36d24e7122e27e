//! What is kept of a log: its caps, its streams, its times, and no secret.

use super::*;

/// Writes numbered lines in chunks that divide them anyhow; returns what was written.
fn flood(writer: &mut LogWriter, lines: Range<u64>) -> Vec<u8> {
    let text: Vec<u8> = lines.flat_map(|n| format!("line {n:05}\n").into_bytes()).collect();
    for chunk in text.chunks(37) {
        writer.write(chunk, Stream::Out, wall(0));
    }
    text
}

/// What a log reads as: every line with a newline.
fn whole(log: &mut LogFile) -> String {
    let page = log.page(&LogAt::Line(0), u16::MAX).unwrap();
    assert_eq!(page.lines.len() as u64, page.total_lines);
    texts(&page).iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_capped_log_keeps_both_ends_and_counts_what_it_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1-1.log");
    let mut writer = LogWriter::create(&path, 100, 800).unwrap();
    let mut log = LogFile::open(&path).unwrap();
    let mut text = Vec::new();
    let mut mark = String::new();
    for step in 0..40 {
        text.extend(flood(&mut writer, step * 10..step * 10 + 10));
        // The reader sees one log while it is written: the first lines, a mark, the newest lines.
        let seen = whole(&mut log);
        let all = String::from_utf8(text.clone()).unwrap();
        if let Some((first, last)) = seen.split_once("[midwatch: ") {
            let (count, last) = last.split_once('\n').unwrap();
            mark = format!("[midwatch: {count}\n");
            assert_eq!(first, &all[..99]);
            assert!(all.ends_with(last) && (600..=800).contains(&last.len()), "{}", last.len());
            let gap = all.len() - first.len() - last.len();
            let gap = crate::domain::quantity::count(gap as u64);
            assert_eq!(count, format!("{gap} bytes were dropped here]"));
        } else {
            assert_eq!(seen, all);
        }
        assert_eq!(texts(&log.page(&LogAt::Tail, 1).unwrap()), [format!("line {:05}", step * 10 + 9)]);
    }
    assert!(!mark.is_empty());
    let before = whole(&mut log);
    let LogEnd { file, bytes, dropped, digest } = writer.finish(wall(1));
    assert_eq!((file.as_str(), bytes), ("1-1.log", text.len() as u64));
    // On disk there is one file now, and it is what the reader saw.
    let kept = fs::read(&path).unwrap();
    assert_eq!(String::from_utf8(kept.clone()).unwrap(), before);
    assert_eq!(kept.len() as u64, bytes - dropped + mark.len() as u64);
    assert_eq!(digest, Some(Digest::of(&kept)));
    assert_eq!(whole(&mut log), before);
    assert_eq!(log.page(&LogAt::Tail, 1).unwrap().dropped, dropped);
    let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1-1.log", "1-1.log.at", "1-1.log.parts"]);
    let lines = Command::new("sha256sum").arg(&path).output().unwrap().stdout;
    assert!(String::from_utf8(lines).unwrap().starts_with(digest.unwrap().as_str()));
}

#[test]
fn a_log_within_its_caps_is_whole_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    for (name, cap) in [("parts", 100), ("one", 100_000)] {
        let path = dir.path().join(name);
        let mut writer = LogWriter::create(&path, cap, 8000).unwrap();
        let text = flood(&mut writer, 0..100);
        let end = writer.finish(wall(0));
        assert_eq!((end.bytes, end.dropped, end.digest), (text.len() as u64, 0, Some(Digest::of(&text))));
        assert_eq!(fs::read(&path).unwrap(), text);
        assert!(!parts::beside(&path, "parts").exists());
    }
}

#[test]
fn an_endless_line_is_capped_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut writer = LogWriter::create(&path, 1000, 8000).unwrap();
    let mut log = LogFile::open(&path).unwrap();
    for _ in 0..1000 {
        writer.write(&[b'z'; 999], Stream::Out, wall(0));
    }
    assert!(log.page(&LogAt::Tail, 5).unwrap().total_bytes <= 9100);
    let end = writer.finish(wall(0));
    let kept = fs::read_to_string(&path).unwrap();
    assert_eq!(end.bytes, 999_000);
    let mark = kept.lines().find(|line| line.starts_with("[midwatch: ")).unwrap();
    assert_eq!(mark, format!("[midwatch: {} bytes were dropped here]", crate::domain::quantity::count(end.dropped)));
    assert_eq!(kept.len() as u64, end.bytes - end.dropped + mark.len() as u64 + 2);
}

#[test]
fn a_writer_that_was_killed_leaves_a_log_that_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut writer = LogWriter::create(&path, 100, 800).unwrap();
    flood(&mut writer, 0..200);
    let before = whole(&mut LogFile::open(&path).unwrap());
    drop(writer);
    assert_eq!(whole(&mut LogFile::open(&path).unwrap()), before);
    // Killed while it gathered: the head has more, but the side file still counts.
    File::options().append(true).open(&path).unwrap().write_all(b"half of what follows").unwrap();
    assert_eq!(whole(&mut LogFile::open(&path).unwrap()), before);
}

#[test]
fn lines_know_their_stream_and_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut writer = LogWriter::create(&path, CAP_FIRST, CAP_LAST).unwrap();
    for (n, from) in [(0, Stream::Out), (1, Stream::Err), (2, Stream::Out), (3, Stream::Out)] {
        writer.write(format!("line {n}\n").as_bytes(), from, wall(n * 1000));
    }
    writer.finish(wall(9000));
    let mut log = LogFile::open(&path).unwrap();
    let page = log.page(&LogAt::Line(0), 9).unwrap();
    let stamps: Vec<(bool, Option<Wall>)> = page.lines.iter().map(|line| (line.stderr, line.at)).collect();
    let expected = [(false, 0), (true, 1000), (false, 2000), (false, 3000)];
    assert_eq!(stamps, expected.map(|(stderr, ms)| (stderr, Some(wall(ms)))));
    // Absent, short, and nonsense.
    let at = parts::beside(&path, "at");
    let good = fs::read(&at).unwrap();
    assert_eq!(good.len(), 64);
    for bad in [&b""[..], &good[..9], &[255; 64], &[good[48..].to_vec(), good[..16].to_vec()].concat()] {
        fs::write(&at, bad).unwrap();
        let page = LogFile::open(&path).unwrap().page(&LogAt::Line(0), 9).unwrap();
        assert_eq!(page.lines[0].at, None, "{bad:?}");
    }
}

#[test]
fn times_survive_the_gap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut writer = LogWriter::create(&path, 100, 800).unwrap();
    for n in 0..500 {
        writer.write(format!("line {n:05}\n").as_bytes(), Stream::Out, wall(n * 100));
    }
    let check = |log: &mut LogFile| {
        let page = log.page(&LogAt::Line(0), u16::MAX).unwrap();
        for line in page.lines.iter().filter(|line| line.bytes.starts_with(b"line ")) {
            let n: i64 = String::from_utf8_lossy(&line.bytes)[5..].parse().unwrap();
            assert_eq!(line.at, Some(wall(n * 100)), "line {n}");
        }
        assert!(page.lines.iter().any(|line| line.bytes.starts_with(b"[midwatch: ")));
    };
    let mut log = LogFile::open(&path).unwrap();
    check(&mut log);
    writer.finish(wall(60_000));
    check(&mut log);
    check(&mut LogFile::open(&path).unwrap());
}

#[test]
fn secrets_are_masked_in_both_streams_before_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut writer = LogWriter::create(&path, CAP_FIRST, CAP_LAST).unwrap().masking(&[b"hunter2".to_vec()]);
    for (text, from) in [
        ("pw hun", Stream::Out),
        ("err hunter", Stream::Err),
        ("ter2\n", Stream::Out),
        ("2\n", Stream::Err),
        ("hunt", Stream::Out),
    ] {
        writer.write(text.as_bytes(), from, wall(0));
    }
    writer.finish(wall(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), "pw err [masked]\n[masked]\nhunt");
}

#[test]
fn bytes_that_the_disk_does_not_take_are_counted_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut writer = LogWriter::create(&path, CAP_FIRST, CAP_LAST).unwrap();
    writer.write(b"fine\n", Stream::Out, wall(0));
    let disk = writer.swap_head(File::options().append(true).open("/dev/full").unwrap());
    writer.write(b"lost\n", Stream::Out, wall(0));
    writer.write(b"lost too\n", Stream::Err, wall(0));
    writer.swap_head(disk);
    writer.write(b"fine again\n", Stream::Out, wall(0));
    let end = writer.finish(wall(0));
    let kept = fs::read_to_string(&path).unwrap();
    let mark = "[midwatch: 14 bytes could not be written: no space is left on the device]";
    assert_eq!(kept, format!("fine\n{mark}\nfine again\n"));
    assert_eq!((end.bytes, end.dropped, end.digest), (30, 14, Some(Digest::of(kept.as_bytes()))));
    assert_eq!(LogFile::open(&path).unwrap().page(&LogAt::Tail, 1).unwrap().dropped, 14);
    assert!(LogWriter::create(&path, 1, 1).is_err());
}
