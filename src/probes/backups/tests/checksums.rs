//! Checksums beside a backup.

use super::*;

#[test]
fn a_checksum_beside_it_is_held_against_the_data() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "2026-11-22T0310.dump", 100, "2026-11-22T03:11:00Z");
    let target = entry(dir.path(), "*.dump");
    let sum = dir.path().join("2026-11-22T0310.dump.sha256");
    let right = Digest::of(&[b'x'; 100]);
    fs::write(&sum, format!("{right}  2026-11-22T0310.dump\n")).unwrap();
    let found = seen(&target);
    assert_eq!(outcome(&found), (Verdict::Ok, "03:10 today · verified · 100 B"));
    assert_eq!((&found.facts["verified"], text(&found, "verified_at").as_str()), (&Fact::Bool(true), NOW));
    assert_eq!((text(&found, "checksum_file"), text(&found, "sha256")), (sum.display().to_string(), right.to_string()));

    let mut memory = Memory::default();
    let mut look = || looked(&target, &mut memory).unwrap();
    assert_eq!(look().verdict, Verdict::Ok);
    // One bit of the same size at the same second: another inode time tells.
    put(dir.path(), "2026-11-22T0310.dump", 100, "2026-11-22T03:11:01Z");
    let mut bytes = vec![b'x'; 100];
    bytes[50] ^= 1;
    fs::write(dir.path().join("2026-11-22T0310.dump"), &bytes).unwrap();
    touch(dir.path(), "2026-11-22T0310.dump", unix("2026-11-22T03:11:02Z"));
    // It differs from the last look, so it is waited for once.
    let found = seen(&target);
    assert_eq!(outcome(&found), (Verdict::Critical, "03:10 today · checksum wrong · 100 B"));
    assert_eq!(found.facts["verified"], Fact::Bool(false));

    fs::write(&sum, "words").unwrap();
    let found = seen(&target);
    assert_eq!(outcome(&found), (Verdict::Unknown, "03:10 today · not verified: no SHA-256 in it · 100 B"));
    assert!(!found.facts.contains_key("verified"));
    fs::remove_file(&sum).unwrap();
    fs::write(dir.path().join("SHA256SUMS"), format!("{}  2026-11-22T0310.dump\n", Digest::of(&bytes))).unwrap();
    assert_eq!(seen(&target).facts["verified"], Fact::Bool(true));
}

#[test]
fn a_check_that_does_not_come_to_the_end_of_a_checksum_is_not_ok() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "2026-11-22T0310.dump", 100, "2026-11-22T03:11:00Z");
    let series = series::list(&format!("{}/*.dump", dir.path().display()), &HashMap::new(), &utc()).unwrap();
    let outcome = |is_once| {
        let expected = checksum::Expected { file: "it.sha256".into(), digest: Ok(Digest::of(b"")) };
        let progress = Some(checksum::Progress::UnderWay(0.22));
        let checked = Checked { expected, progress, is_once };
        let seen = judge::judge(&entry(dir.path(), "*.dump"), dir.path(), &series, Some(&checked), now());
        (seen.verdict, seen.detail)
    };
    assert_eq!(outcome(false), (Verdict::Ok, "03:10 today · verifying 22 % · 100 B".to_owned()));
    let words = "03:10 today · not verified: only 22 % of it was read in 15 s · 100 B";
    assert_eq!(outcome(true), (Verdict::Unknown, words.to_owned()));
}

#[test]
fn the_checksum_of_each_series_is_held_against_its_newest() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = Digest::of(b"other");
    for day in 20..23 {
        for (name, size) in [("app", 100), ("billing", 200)] {
            put(dir.path(), &format!("{name}_2026-11-{day}T0210.dump"), size, &format!("2026-11-{day}T02:11:00Z"));
        }
        put(dir.path(), &format!("app_2026-11-{day}T0210.dump.key.enc"), 60, &format!("2026-11-{day}T02:12:00Z"));
    }
    let target = entry(dir.path(), "*");
    assert_eq!(outcome(&seen(&target)), (Verdict::Ok, "02:10 today · 200 B"));
    fs::write(dir.path().join("app_2026-11-22T0210.dump.sha256"), format!("{wrong}\n")).unwrap();
    let found = seen(&target);
    assert_eq!(outcome(&found), (Verdict::Critical, "app_*.dump: 02:10 today · checksum wrong · 100 B"));
    assert_eq!(text(&found, "reason"), "app_*.dump: checksum wrong");
    assert_eq!((text(&found, "shape").as_str(), &found.facts["series"]), ("app_*.dump", &Fact::Int(2)));
}
