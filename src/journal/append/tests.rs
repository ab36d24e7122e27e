use super::*;
use crate::domain::RunStatus;
use crate::journal::chain::read;
use crate::journal::record::LARGEST_RECORD;
use crate::journal::samples::{actor, created, night, now, recovered_night, run_id, sealed, steps, write};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

fn note(text: &str) -> Event {
    Event::Note { step: None, text: text.into() }
}

fn begun(dir: &Path, emergency: Option<&Path>) -> Appender {
    Appender::create(dir, &run_id(1), created(steps()), actor("console"), now(0), emergency).unwrap().0
}

fn reopen(dir: &Path, lock_held: bool) -> Result<Appender> {
    Appender::open(dir, lock_held, actor("resume"), now(50), None)
}

#[test]
fn what_is_appended_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let appender = write(dir.path(), &run_id(1), &night());
    let journal = fs::read(appender.path()).unwrap();
    let chain = read(&journal);
    assert_eq!(chain.verdict, Verdict::Whole { sealed: true });
    assert_eq!(chain.records.iter().map(|record| record.event.clone()).collect::<Vec<_>>(), night());
    assert_eq!(chain.walk.view(), Some(appender.view()));
    assert_eq!(fs::metadata(appender.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_second_journal_is_not_created_over_the_first() {
    let dir = tempfile::tempdir().unwrap();
    begun(dir.path(), None);
    let before = fs::read(dir.path().join(JOURNAL)).unwrap();
    let again = Appender::create(dir.path(), &run_id(2), created(steps()), actor("console"), now(0), None);
    assert_eq!(again.unwrap_err().kind, Kind::Journal);
    assert_eq!(fs::read(dir.path().join(JOURNAL)).unwrap(), before);
    let other = tempfile::tempdir().unwrap();
    let wrong = Appender::create(other.path(), &run_id(2), note("x"), actor("console"), now(0), None).unwrap_err();
    assert!(wrong.message.ends_with("the first record is not run.created"), "{wrong}");
    assert!(!other.path().join(JOURNAL).exists());
    std::os::unix::fs::symlink("/dev/null", other.path().join(JOURNAL)).unwrap();
    assert!(reopen(other.path(), true).is_err());
}

#[test]
fn an_impossible_event_is_refused_and_the_next_one_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut appender = begun(dir.path(), None);
    let before = fs::read(appender.path()).unwrap();
    let error = appender.append(sealed(RunStatus::Ok, 0), actor("runner"), now(1)).unwrap_err();
    assert_eq!(error.kind, Kind::Machine);
    assert!(error.message.contains("append run.sealed to"), "{error}");
    let error = appender.append(note(&"x".repeat(LARGEST_RECORD)), actor("runner"), now(1)).unwrap_err();
    assert!(error.kind == Kind::Machine && error.message.contains("more than 1048576"));
    assert_eq!(fs::read(appender.path()).unwrap(), before);
    assert_eq!(appender.append(note("x"), actor("runner"), now(2)).unwrap().seq, 2);
}

#[test]
fn a_reopened_journal_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let events = recovered_night();
    for event in [&events[..9], &events[9..]].into_iter().enumerate() {
        match event {
            (0, first) => drop(write(dir.path(), &run_id(1), first)),
            (_, rest) => {
                let mut appender = reopen(dir.path(), true).unwrap();
                for event in rest {
                    appender.append(event.clone(), actor("runner"), now(60)).unwrap();
                }
            }
        }
    }
    let chain = read(&fs::read(dir.path().join(JOURNAL)).unwrap());
    assert_eq!((chain.records.len(), chain.verdict), (events.len(), Verdict::Whole { sealed: true }));
    let over = reopen(dir.path(), true).unwrap_err();
    assert!(over.kind == Kind::Refused && over.message.ends_with("its run is over"), "{over}");
}

#[test]
fn a_torn_end_is_saved_cut_off_and_recorded_by_the_lock_holder_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = begun(dir.path(), None).path().to_path_buf();
    let whole = fs::read(&path).unwrap();
    let torn = b"{\"v\":1,\"seq\":2,\"ru\0\0\0";
    fs::write(&path, [&whole[..], torn].concat()).unwrap();
    let refused = reopen(dir.path(), false).unwrap_err();
    assert_eq!(refused.kind, Kind::Refused);
    assert_eq!(fs::read(&path).unwrap().len(), whole.len() + torn.len());
    let appender = reopen(dir.path(), true).unwrap();
    assert_eq!(fs::read(dir.path().join("torn-2")).unwrap(), torn);
    let chain = read(&fs::read(&path).unwrap());
    let expected = Event::JournalRecovered { bytes: 21, digest: Digest::of(torn), saved: "torn-2".into() };
    assert_eq!(chain.records[1].event, expected);
    assert_eq!((chain.verdict, appender.view().seq), (Verdict::Whole { sealed: false }, 2));
    // What a recovery that was killed before it could record the cut leaves behind.
    drop(appender);
    fs::write(dir.path().join("torn-3"), b"{\"v\"").unwrap();
    assert_eq!(reopen(dir.path(), true).unwrap().view().seq, 3);
    assert_eq!(reopen(dir.path(), true).unwrap().view().seq, 3);
}

#[test]
fn damage_and_newer_versions_are_not_written_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), &run_id(1), &night()[..3]).path().to_path_buf();
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[10] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = reopen(dir.path(), true).unwrap_err();
    assert_eq!(error.kind, Kind::Damaged);
    assert!(error.message.ends_with("damaged: record 1 at byte 0: its bytes do not match its digest"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), damaged);
    let text = String::from_utf8(whole).unwrap();
    let first = text.lines().next().unwrap();
    let head = first[..first.rfind(",\"h\":").unwrap()].replace("{\"v\":1,", "{\"v\":2,");
    let h = Digest::of(format!("{}{head}", Digest::zero()).as_bytes());
    fs::write(&path, format!("{head},\"h\":\"{h}\"}}\n")).unwrap();
    let newer = reopen(dir.path(), true).unwrap_err();
    assert!(newer.kind == Kind::Refused && newer.message.ends_with("a newer midwatch wrote it"), "{newer}");
    fs::write(&path, b"").unwrap();
    assert!(reopen(dir.path(), true).unwrap_err().message.ends_with("it has no record"));
}

#[test]
fn a_removed_or_changed_journal_ends_the_appender() {
    let dir = tempfile::tempdir().unwrap();
    let second = tempfile::tempdir().unwrap();
    let inner = dir.path().join("run");
    fs::create_dir(&inner).unwrap();
    let mut appender = begun(&inner, Some(second.path()));
    fs::remove_dir_all(&inner).unwrap();
    let error = appender.append(note("lost"), actor("runner"), now(1)).unwrap_err();
    assert_eq!(error.kind, Kind::Journal);
    assert!(error.message.ends_with("the run directory was removed"), "{error}");
    assert_eq!(appender.append(note("x"), actor("runner"), now(2)).unwrap_err(), error);
    let entry: serde_json::Value = serde_json::from_slice(&fs::read(second.path().join(EMERGENCY)).unwrap()).unwrap();
    assert_eq!(entry["run"], run_id(1).as_str());
    assert!(entry["lost"].as_str().unwrap().contains(r#""body":{"text":"lost"}"#), "{entry}");
    let mut appender = begun(dir.path(), None);
    let mut other = File::options().append(true).open(appender.path()).unwrap();
    other.write_all(b"x").unwrap();
    let error = appender.append(note("x"), actor("runner"), now(2)).unwrap_err();
    assert!(error.message.contains("another program changed it"), "{error}");
}

#[test]
fn a_failed_sync_or_write_ends_the_appender() {
    let dir = tempfile::tempdir().unwrap();
    let mut appender = begun(dir.path(), None);
    // The kernel refuses to sync a pipe, and to take bytes for a full device.
    let (_read, write) = io::pipe().unwrap();
    appender.file = File::from(OwnedFd::from(write));
    appender.len = 0;
    let error = appender.append(note("x"), actor("runner"), now(1)).unwrap_err();
    assert!(error.kind == Kind::Journal && error.message.contains("cannot sync"), "{error}");
    appender.file = File::options().append(true).open(dir.path().join(JOURNAL)).unwrap();
    assert_eq!(appender.append(note("x"), actor("runner"), now(2)).unwrap_err(), error);
    let other = tempfile::tempdir().unwrap();
    let mut appender = begun(other.path(), None);
    appender.file = File::options().append(true).open("/dev/full").unwrap();
    appender.len = 0;
    let error = appender.append(note("x"), actor("runner"), now(1)).unwrap_err();
    assert!(error.kind == Kind::Journal && error.message.contains("no space is left"), "{error}");
    assert_eq!(appender.broken(), Some(&error));
}

#[test]
fn a_short_write_is_cut_back_to_the_last_whole_record() {
    if let Ok(dir) = std::env::var("MIDWATCH_TEST_SHORT_WRITE") {
        return write_until_it_is_short(Path::new(&dir));
    }
    // A limit on the size of files makes the kernel take part of a write; it holds for a process, so another one must try.
    let dir = tempfile::tempdir().unwrap();
    let name = "journal::append::tests::a_short_write_is_cut_back_to_the_last_whole_record";
    let out = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 16; exec "$0" --exact "$1""#])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("MIDWATCH_TEST_SHORT_WRITE", dir.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(dir.path().join("was-short").exists());
    let chain = read(&fs::read(dir.path().join(JOURNAL)).unwrap());
    assert_eq!(chain.verdict, Verdict::Whole { sealed: false });
    assert!(chain.records.len() > 2);
}

/// In the limited process: appends until the limit, and sees the right end of it.
fn write_until_it_is_short(dir: &Path) {
    let mut appender = begun_without_reserve(dir);
    let error = loop {
        if let Err(error) = appender.append(note(&"x".repeat(700)), actor("runner"), now(1)) {
            break error;
        }
    };
    assert!(error.kind == Kind::Journal && error.message.contains("bytes of record"), "{error}");
    fs::write(dir.join("was-short"), b"").unwrap();
}

/// The limit refuses the reserve too, and no journal is created without one; so its first record is put there.
fn begun_without_reserve(dir: &Path) -> Appender {
    let (run, actor, now, prev, event) = (run_id(1), actor("console"), now(0), Digest::zero(), created(steps()));
    let draft = Draft { seq: 1, run: &run, wall: now.wall, boot: now.boot, actor: &actor, event: &event, prev: &prev };
    fs::write(dir.join(JOURNAL), encode(&draft).unwrap().0).unwrap();
    reopen(dir, true).unwrap()
}

#[test]
fn space_is_reserved_and_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let mut appender = begun(dir.path(), None);
    let blocks = |appender: &Appender| {
        let stat = rustix::fs::fstat(&appender.file).unwrap();
        (u64::try_from(stat.st_blocks).unwrap() * 512, u64::try_from(stat.st_size).unwrap())
    };
    if appender.reserve().is_none() {
        panic!("this file system reserves nothing; the tests need one that does");
    }
    for n in 0..10 {
        let (taken, size) = blocks(&appender);
        assert!(taken >= size + RENEW_BELOW, "{taken} for {size}");
        assert!(!appender.is_low());
        appender.append(note(&"x".repeat(60_000)), actor("runner"), now(n)).unwrap();
    }
}

#[test]
fn free_space_is_that_of_statvfs() {
    let free = free_space(Path::new("/")).unwrap();
    assert!(free.bytes > 0 && free.files != Some(0));
    assert!(free_space(Path::new("/nonexistent")).unwrap_err().message.contains("/nonexistent"));
}
