//! Object stores through the real runner, against a real server that checks signatures.

use crate::runner::failpoints::{IN_THE_ACT, OF_ONE_STEP, each, killed};
use crate::support::estate::Estate;
use crate::support::run::{consent, decide};
use crate::support::s3::{KEY, S3, SECRET};
use midwatch::domain::{RunStatus, Wall};
use midwatch::journal::record::{Ask, Choice, Ending};
use std::time::{Duration, SystemTime};

const BUCKET: &str = "nova-backups";

/// An estate that knows the store.
fn estate(s3: &S3) -> Estate {
    let estate = Estate::default().with("S3_ID", KEY).with("S3_KEY", SECRET);
    estate.configure(&s3.entry(BUCKET));
    estate
}

fn put(estate: &Estate, more: &str) {
    let effect = if more.contains("overwrite") { "destroy" } else { "change" };
    let steps = format!(
        r#"
[[work]]
title  = "Copy away"
effect = "{effect}"
rerun  = "safe"
do     = {{ objects = "put", from = "{{tree}}/backup", to = "s3://{BUCKET}/runs/one/"{more} }}
prove  = {{ objects = "same-sha256" }}
undo   = {{ none = "an extra backup harms nobody" }}
"#
    );
    estate.procedure("put", "", &steps);
}

fn backup(estate: &Estate) {
    for (name, text) in [("db.dump", "database"), ("deep/config.json", "{}"), ("deep/er/volume.json", "[]")] {
        estate.file(&format!("backup/{name}"), text);
    }
}

fn whole(s3: &S3, case: &str) {
    let keys = ["runs/one/db.dump", "runs/one/deep/config.json", "runs/one/deep/er/volume.json"];
    assert_eq!(s3.keys(BUCKET), keys, "{case}");
    for (key, text) in keys.iter().zip(["database", "{}", "[]"]) {
        assert_eq!(std::fs::read_to_string(s3.path(BUCKET, key)).unwrap(), text, "{case}");
    }
}

#[test]
fn killed_anywhere_every_file_is_put_once() {
    each(&OF_ONE_STEP, |point, case| {
        let s3 = S3::start(BUCKET);
        let mut estate = estate(&s3).with("MIDWATCH_FAILPOINT", case);
        backup(&estate);
        put(&estate, "");
        estate.start("put", &["--yes", "change"]);
        killed(&mut estate, point, case);
        assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok), "{case}");
        whole(&s3, case);
        estate.run().is_whole_and_known();
        estate.keeps_nowhere(SECRET);
        estate.nothing_runs();
    });
    each(&IN_THE_ACT, |_, case| {
        let s3 = S3::start(BUCKET);
        let estate = estate(&s3).with("MIDWATCH_FAILPOINT", case);
        backup(&estate);
        put(&estate, "");
        estate.start("put", &["--yes", "change"]);
        assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok), "{case}");
        assert!(estate.run().unknown() > 0, "{case}: the act was not killed");
        whole(&s3, case);
        estate.nothing_runs();
    });
}

fn delete(estate: &Estate, more: &str) {
    let steps = format!(
        r#"
[[work]]
title  = "Delete old ones"
effect = "destroy"
rerun  = "safe"
do     = {{ objects = "delete", under = "s3://{BUCKET}/old/", match = "*.dump", batch = 2{more} }}
prove  = {{ objects = "gone" }}
undo   = {{ none = "past retention" }}
"#
    );
    estate.procedure("delete", "", &steps);
}

#[test]
fn killed_anywhere_every_object_is_deleted_and_nothing_else() {
    let filled = || {
        let s3 = S3::start(BUCKET);
        for number in 0..5 {
            s3.object(BUCKET, &format!("old/{number}.dump"), b"old");
        }
        s3.object(BUCKET, "old/kept.txt", b"kept");
        s3.object(BUCKET, "older/0.dump", b"kept");
        s3
    };
    let left = ["old/kept.txt", "older/0.dump"];
    each(&OF_ONE_STEP, |point, case| {
        let s3 = filled();
        let mut estate = estate(&s3).with("MIDWATCH_FAILPOINT", case);
        delete(&estate, "");
        estate.start("delete", &["--confirm", "delete 5 objects"]);
        killed(&mut estate, point, case);
        assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok), "{case}");
        assert_eq!(s3.keys(BUCKET), left, "{case}");
        estate.run().is_whole_and_known();
        estate.nothing_runs();
    });
    each(&[("act.item", &[3, 5]), ("act.half", &[2])], |_, case| {
        let s3 = filled();
        let estate = estate(&s3).with("MIDWATCH_FAILPOINT", case);
        delete(&estate, "");
        estate.start("delete", &["--confirm", "delete 5 objects"]);
        assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok), "{case}");
        assert!(estate.run().unknown() > 0, "{case}: the act was not killed");
        assert_eq!(s3.keys(BUCKET), left, "{case}");
        estate.nothing_runs();
    });
}

#[test]
fn other_content_is_never_overwritten_without_overwrite() {
    let s3 = S3::start(BUCKET);
    let estate = estate(&s3);
    backup(&estate);
    put(&estate, "");
    estate.start("put", &["--yes", "change"]).exits(0);
    // Once more: all of it is there already.
    estate.start("put", &["--yes", "change"]).exits(0).prints("3 already so");
    estate.file("backup/db.dump", "another database");
    estate.start("put", &["--yes", "change"]).prints("one key is there already with other content: runs/one/db.dump");
    assert_eq!(std::fs::read_to_string(s3.path(BUCKET, "runs/one/db.dump")).unwrap(), "database");
    put(&estate, ", overwrite = true");
    estate.start("put", &["--confirm", "put 3 objects"]).exits(0);
    assert_eq!(std::fs::read_to_string(s3.path(BUCKET, "runs/one/db.dump")).unwrap(), "another database");
}

#[test]
fn objects_changed_between_the_plan_and_the_act_are_left_alone() {
    let s3 = S3::start(BUCKET);
    for number in 0..4 {
        s3.object(BUCKET, &format!("old/{number}.dump"), b"old");
    }
    // The act waits at its first object until the test has changed another.
    let estate = estate(&s3);
    delete(&estate, "");
    let run = estate.start_waiting("delete");
    let prompt = run.prompt();
    let Ask::Confirm { preview, .. } = &prompt.ask else { panic!("{prompt:?}") };
    assert_eq!((preview.phrase.as_str(), preview.count, preview.bytes), ("delete 4 objects", 4, Some(12)));
    s3.object(BUCKET, "old/2.dump", b"new");
    let answered = run.answer(&prompt, consent(&prompt));
    assert!(
        format!("{answered:?}").contains("Rejected") || run.prompt_after(&prompt.id).id != prompt.id,
        "{answered:?}"
    );
    assert_eq!(s3.keys(BUCKET).len(), 4, "nothing went by a consent to another set");
}

#[test]
fn wrong_credentials_and_a_dead_store_are_reported_and_change_nothing() {
    let s3 = S3::start(BUCKET);
    let wrong = Estate::default().with("S3_ID", KEY).with("S3_KEY", "another key");
    wrong.configure(&s3.entry(BUCKET));
    backup(&wrong);
    put(&wrong, "");
    let printed = wrong.start("put", &["--yes", "change"]).prints("SignatureDoesNotMatch");
    assert!(printed.code != Some(0) && !printed.out.contains("another key"), "{printed:?}");
    let estate = estate(&s3).with("MIDWATCH_SPAN_STORE", "300");
    backup(&estate);
    put(&estate, "");
    s3.stall();
    assert!(estate.start("put", &["--yes", "change"]).code != Some(0));
    s3.hang_up();
    assert!(estate.start("put", &["--yes", "change"]).code != Some(0));
    s3.serve();
    assert_eq!(s3.keys(BUCKET).len(), 0);
    estate.start("put", &["--yes", "change"]).exits(0);
    whole(&s3, "served again");
}

#[test]
fn a_store_that_goes_away_at_the_act_is_a_failure_that_can_be_tried_again() {
    let s3 = S3::start(BUCKET);
    let estate = estate(&s3).with("MIDWATCH_SPAN_STORE", "300");
    backup(&estate);
    put(&estate, "");
    let run = estate.start_waiting("put");
    let prompt = run.prompt();
    s3.hang_up();
    run.accept_or_not(&prompt, consent(&prompt));
    s3.serve();
    // Whichever part the runner saw, the run ends ok and every object is there once.
    let view = loop {
        let view = run.wait("a prompt or the end", |view| view.sealed.is_some() || view.prompt.is_some());
        match view.prompt.clone() {
            None => break view,
            Some(open) if matches!(open.ask, Ask::Decide { .. }) => run.accept_or_not(&open, decide(Choice::Retry)),
            Some(open) => run.accept_or_not(&open, consent(&open)),
        }
    };
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    whole(&s3, "tried again");
}

#[test]
fn a_large_file_goes_in_parts_and_is_there_whole() {
    let s3 = S3::start(BUCKET);
    let estate = estate(&s3);
    let content: Vec<u8> = (0..(9_u32 << 20)).map(|number| u8::try_from(number % 251).unwrap()).collect();
    std::fs::create_dir(estate.tree("backup")).unwrap();
    std::fs::write(estate.tree("backup/large.dump"), &content).unwrap();
    put(&estate, "");
    let run = estate.start_waiting("put");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.wait("the proof", |view| view.steps[0].outcome.is_some());
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert!(std::fs::read(s3.path(BUCKET, "runs/one/large.dump")).unwrap() == content);
}

/// One check or read, and its outcome.
fn looked(estate: &Estate, verb: &str, action: &str) -> midwatch::journal::record::Outcome {
    let save = if verb == "read" { "save = \"seen\"" } else { "" };
    estate.procedure("look", "", &format!("\n[[look]]\ntitle = \"Look\"\n{save}\n{verb} = {{ {action} }}\n"));
    estate.start("look", &[]);
    let run = estate.run();
    let end = run.wait("an outcome", |view| view.steps[0].outcome.is_some()).steps[0].outcome.clone().unwrap();
    if run.view().sealed.is_none() {
        run.ask(midwatch::runner::protocol::Demand::Abort { undo: false });
        run.sealed();
    }
    end
}

#[test]
fn more_keys_than_one_page_are_all_seen_and_the_newest_is_by_time() {
    let s3 = S3::start(BUCKET);
    let estate = estate(&s3);
    let empty = looked(
        &estate,
        "check",
        &format!("objects = \"newest\", under = \"s3://{BUCKET}/db/\", match = \"*\", younger = \"24h\""),
    );
    assert!(empty.ending == Ending::Failed && empty.detail.starts_with("no object fits"), "{empty:?}");
    for number in 0..1101 {
        s3.object(BUCKET, &format!("db/{number:04}.dump"), b"x");
    }
    let day = Duration::from_secs(86_400);
    for number in 0..1101 {
        let file = std::fs::File::options().write(true).open(s3.path(BUCKET, &format!("db/{number:04}.dump"))).unwrap();
        file.set_modified(SystemTime::now() - day * if number == 7 { 1 } else { 3 }).unwrap();
    }
    let listed = looked(&estate, "read", &format!("objects = \"list\", under = \"s3://{BUCKET}/db/\""));
    let facts = listed.evidence.unwrap().facts;
    assert_eq!((facts["count"].as_str(), facts["newest"].as_str()), ("1101", "db/0007.dump"));
    let newest = |younger: &str| {
        let action =
            format!("objects = \"newest\", under = \"s3://{BUCKET}/db/\", match = \"*.dump\", younger = \"{younger}\"");
        looked(&estate, "check", &action)
    };
    let stale = newest("12h");
    assert!(stale.ending == Ending::Failed && stale.detail.contains("db/0007.dump"), "{stale:?}");
    assert_eq!(newest("30h").ending, Ending::Ok);
    s3.stall();
    let quick = estate.with("MIDWATCH_SPAN_STORE", "200");
    let lost = looked(
        &quick,
        "check",
        &format!("objects = \"newest\", under = \"s3://{BUCKET}/db/\", match = \"*\", younger = \"9d\""),
    );
    assert!(lost.detail.starts_with("unknown: "), "{lost:?}");
}

#[test]
fn an_object_is_read_and_held_against_the_checksum_beside_it() {
    let s3 = S3::start(BUCKET);
    let estate = estate(&s3);
    let verify = format!("objects = \"verify\", under = \"s3://{BUCKET}/db/\", match = \"*.dump\"");
    s3.object(BUCKET, "db/a.dump", b"it");
    assert!(looked(&estate, "check", &verify).detail.starts_with("unknown: db/a.dump: it has no SHA-256 file"));
    let sum = midwatch::domain::Digest::of(b"it");
    s3.object(BUCKET, "db/SHA256SUMS", format!("{sum}  a.dump\n").as_bytes());
    assert_eq!(looked(&estate, "check", &verify).ending, Ending::Ok);
    s3.object(BUCKET, "db/a.dump.sha256", format!("{}\n", midwatch::domain::Digest::of(b"other")).as_bytes());
    let other = looked(&estate, "check", &verify);
    assert!(other.ending == Ending::Failed && other.detail.contains("another SHA-256 than in"), "{other:?}");
    s3.object(BUCKET, "latest.txt", b"a.dump\n");
    let got = looked(&estate, "read", &format!("objects = \"get\", from = \"s3://{BUCKET}/latest.txt\""));
    assert_eq!(got.evidence.unwrap().facts["value"], "a.dump");
    let none = looked(&estate, "read", &format!("objects = \"get\", from = \"s3://{BUCKET}/none\""));
    assert!(none.ending == Ending::Failed && none.detail.starts_with("there is no "), "{none:?}");
}

#[test]
fn the_backups_pane_reads_a_series_in_a_store() {
    let s3 = S3::start(BUCKET);
    let estate = estate(&s3);
    estate.configure(&format!("[[backup]]\nname = \"database\"\nobjects = \"s3://{BUCKET}/db/\"\nmax_age = \"24h\"\n"));
    let check = |estate: &Estate| {
        let printed = estate.midwatch(&["check", "backups", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
        (printed.code, json.to_string())
    };
    let (code, json) = check(&estate);
    assert!(code == Some(2) && json.contains("no backup"), "{code:?} {json}");
    let now = Wall(jiff::Timestamp::now());
    let (fresh, old) = (now.0.strftime("%Y%m%dT%H%M%SZ"), "20240101T000000Z");
    // The last by its name, and put last, is not the newest.
    s3.object(BUCKET, &format!("db/a-{fresh}.dump"), b"new");
    s3.object(BUCKET, &format!("db/z-{old}.dump"), b"old");
    let (code, json) = check(&estate);
    assert!(code == Some(0) && json.contains(&format!("a-{fresh}.dump")), "{code:?} {json}");
    let wrong = Estate::default().with("S3_ID", KEY).with("S3_KEY", "another");
    wrong.configure(&s3.entry(BUCKET));
    wrong.configure(&format!("[[backup]]\nname = \"database\"\nobjects = \"s3://{BUCKET}/db/\"\nmax_age = \"24h\"\n"));
    let (code, json) = check(&wrong);
    assert!(code == Some(3) && json.contains("does not accept the access key"), "{code:?} {json}");
}
