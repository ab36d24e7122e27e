//! The files of a set: limits, kept files, open files, and how far a look reaches.

use super::*;

#[test]
fn a_set_over_its_limit_is_refused_with_the_numbers() {
    let tree = Tree::new();
    for number in 0..10 {
        tree.file(format!("data/sessions/{number}.json"), 1024, if number < 5 { 100 } else { 1 });
    }
    let action = tree.act_of(DELETE);
    let with = |limit| froze(&action, &Look { limit: Some(limit), ..look() });
    let refused = |limit| with(limit).map(|(preview, _)| preview.limit).map_err(|error| (error.kind, error.message));
    assert_eq!(refused(Limit::Share(0.5)), Ok(Some("50 %, limit 50 %".to_owned())));
    assert_eq!(refused(Limit::Count(5)), Ok(Some("5, limit 5".to_owned())));
    assert_eq!(refused(Limit::Bytes(5120)), Ok(Some("5.0 KiB, limit 5.0 KiB".to_owned())));
    let message = "cannot go on: the set is over its limit: 5 of 10 files, 5.0 KiB".to_owned();
    for (limit, words) in [
        (Limit::Share(0.4), "50 %, limit 40 %"),
        (Limit::Count(4), "5, limit 4"),
        (Limit::Bytes(5119), "5.0 KiB, limit 5.0 KiB"),
    ] {
        assert_eq!(refused(limit), Err((Kind::Refused, format!("{message} ({words})"))));
    }
}

#[test]
fn an_empty_set_is_a_preview_with_a_warning_and_nothing_to_do() {
    let tree = Tree::new();
    tree.file("data/sessions/young.json", 1, 1);
    let action = tree.act_of(DELETE);
    let (preview, set) = frozen(&action);
    assert_eq!((preview.count, preview.warnings), (0, vec!["nothing fits: there is nothing to do".to_owned()]));
    assert_eq!(acted(&action, &set).0.detail, "deleted 0 of 0");
    assert_eq!(items(&mut &*set, 0, 5).unwrap(), (0, vec![]));
}

#[test]
fn the_newest_are_kept_and_the_excepted_do_not_count_among_them() {
    let tree = Tree::new();
    for (name, days) in [("a.gz", 400), ("b.gz", 300), ("c.gz", 200), ("pre-1.gz", 100), ("d.gz", 195)] {
        tree.file(format!("backups/{name}"), 1, days);
    }
    let action = tree
        .act_of("files = 'delete'\nunder = 'backups'\nmatch = '*'\nolder = 180\nkeep_newest = 2\nexcept = ['pre-*']");
    assert_eq!(names(&frozen(&action).1), ["backups/a.gz", "backups/b.gz"]);
    let all = tree.act_of("files = 'delete'\nunder = 'backups'\nmatch = '*'\nkeep_newest = 9");
    assert_eq!(frozen(&all).0.count, 0);
}

#[test]
fn open_files_are_named() {
    let tree = Tree::new();
    let held = File::open(tree.file("data/sessions/a.json", 1, 100)).unwrap();
    let (preview, _) = frozen(&tree.act_of(DELETE));
    drop(held);
    assert!(preview.facts[0].1.starts_with("1 file, by "), "{:?}", preview.facts);
    assert!(preview.facts[0].1.contains(&format!("({})", std::process::id())), "{:?}", preview.facts);
    assert!(preview.warnings.iter().any(|warning| warning.starts_with("open now: 1 file")), "{:?}", preview.warnings);
}

#[test]
fn a_set_that_is_torn_or_of_another_action_touches_nothing() {
    let tree = Tree::new();
    tree.file("data/sessions/a.json", 1, 100);
    tree.file("data/sessions/b.json", 1, 100);
    let action = tree.act_of(DELETE);
    let set = frozen(&action).1;
    let text = String::from_utf8(set.clone()).unwrap();
    let missing_line: String = text.split_inclusive('\n').take(2).collect();
    let outside = text.replace("data/sessions/a.json", "../outside");
    let other_root = text.replace(&tree.root().display().to_string(), "/");
    for bad in [&text[..text.len() - 1], &missing_line, &outside, &other_root, "", "\n", "{}\n"] {
        let (end, out) = acted(&action, bad.as_bytes());
        assert_eq!((end.ending, out.as_str()), (Ending::Failed, ""), "{bad}");
        assert!(end.detail.starts_with("nothing was touched: "), "{}", end.detail);
    }
    fs::rename(tree.root(), tree.home.path().join("was")).unwrap();
    fs::create_dir(tree.root()).unwrap();
    assert!(acted(&action, &set).0.detail.contains("another directory than the one shown"));
    let gone = tree.action(Purpose::Prove, "files = 'gone'", Some(&action));
    assert!(matches!(proven(&gone, &set), Proof::Unclear(_)), "an emptied mount point proves nothing");
    fs::create_dir_all(tree.at("data/sessions")).unwrap();
    assert!(matches!(proven(&gone, &set), Proof::Unclear(_)), "another directory proves nothing");
    assert_eq!(tree.all().len(), 2);
}

#[test]
fn a_cancelled_act_stops_between_files_and_its_proof_is_unclear() {
    struct StopAfter<'a>(u32, &'a AtomicBool);
    impl Write for StopAfter<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 -= u32::from(bytes.ends_with(b"\n"));
            self.1.fetch_or(self.0 == 0, Ordering::Relaxed);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let tree = Tree::new();
    for number in 0..10 {
        tree.file(format!("data/sessions/{number}.json"), 1, 100);
    }
    let action = tree.act_of(DELETE);
    let set = frozen(&action).1;
    let cancel = AtomicBool::new(false);
    let end = act(&action, &mut &*set, &mut StopAfter(3, &cancel), &cancel);
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Cancelled, "stopped: deleted 3 of 10"));
    let gone = tree.action(Purpose::Prove, "files = 'gone'", Some(&action));
    assert_eq!(proven(&gone, &set), Proof::Unclear("3 of 10 gone, 7 still at their place".to_owned()));
}

#[test]
fn drift_is_reported_in_twenty_lines() {
    let tree = Tree::new();
    tree.file("data/sessions/kept.json", 1, 100);
    let action = tree.act_of(DELETE);
    let before = frozen(&action).1;
    for number in 0..30 {
        tree.file(format!("data/sessions/n{number:02}.json"), 1, 100);
    }
    tree.file("data/sessions/kept.json", 2, 100);
    let after = frozen(&action).1;
    let lines = drift(&mut &*before, &mut &*after);
    assert_eq!((lines.len(), lines[0].as_str()), (21, "changed: data/sessions/kept.json"));
    assert_eq!((lines[1].as_str(), lines[20].as_str()), ("new: data/sessions/n00.json", "and 11 more"));
    assert_eq!(drift(&mut &*before, &mut &*before), Vec::<String>::new());
}

#[test]
fn a_preview_past_its_deadline_is_an_error() {
    let tree = Tree::new();
    for number in 0..300 {
        tree.file(format!("data/sessions/{number}.json"), 1, 100);
    }
    let late = Look { deadline: Instant::now(), ..look() };
    let error = froze(&tree.act_of(DELETE), &late).unwrap_err();
    assert!(error.message.ends_with("it took longer than a preview may"), "{}", error.message);
}

#[test]
fn times_before_the_epoch_and_far_ahead_are_times() {
    let tree = Tree::new();
    let old = tree.file("data/sessions/old.json", 1, 0);
    File::options().write(true).open(&old).unwrap().set_modified(UNIX_EPOCH - Duration::from_secs(5)).unwrap();
    let ahead = tree.file("data/sessions/ahead.json", 1, 0);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(8_000_000_000);
    File::options().write(true).open(&ahead).unwrap().set_modified(far).unwrap();
    let action = tree.act_of(DELETE);
    let (_, set) = frozen(&action);
    assert_eq!(names(&set), ["data/sessions/old.json"]);
    assert_eq!(acted(&action, &set).0.detail, "deleted 1 of 1");
}

#[test]
fn the_newest_is_held_against_the_checksum_beside_it() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
    let verified = || {
        let mut problems = Problems::of(Path::new("f"));
        let table = parse_toml("files = 'verify'\nunder = '.'\nmatch = '*.dump'", &mut problems);
        let scope = Scope { root: Some(place.path().display().to_string()), ..Scope::default() };
        let action = parse(Purpose::Check, table, &scope, &mut problems).unwrap();
        assert_eq!((problems.into_sorted(), action.least), (Vec::new(), EffectClass::Read));
        act(&action, &mut std::io::empty(), &mut Vec::new(), &AtomicBool::new(false))
    };
    let end = verified();
    assert!(end.ending == Ending::Failed && !end.is_unknown() && end.detail.starts_with("no file fits"), "{end:?}");
    write("a.dump", "it");
    let end = verified();
    assert_eq!(end.detail, "unknown: a.dump: it has no SHA-256 file");
    write("SHA256SUMS", &format!("{}  a.dump\n", Digest::of(b"it")));
    let end = verified();
    assert_eq!(end.ending, Ending::Ok, "{end:?}");
    assert_eq!(end.evidence.unwrap().facts["sha256"], Digest::of(b"it").to_string());
    write("a.dump.sha256", &format!("{}  a.dump\n", Digest::of(b"other")));
    let end = verified();
    assert!(end.ending == Ending::Failed && end.detail.contains("another SHA-256 than in "), "{end:?}");
    write("a.dump.sha256", "nonsense");
    assert!(verified().detail.starts_with("unknown: a.dump: "));
}
