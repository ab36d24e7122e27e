//! The report of a real run: what it proves, the states before and after, and damage.

use crate::support::estate::Estate;
use midwatch::domain::RunStatus;
use midwatch::journal::reading::Side;
use midwatch::journal::record::Event;
use std::fs;

/// An estate with one backup set, which is empty until the procedure makes a backup.
fn estate() -> Estate {
    let estate = Estate::default();
    fs::create_dir(estate.tree("backups")).unwrap();
    let mut text = fs::read_to_string(estate.beside("midwatch.toml")).unwrap();
    let files = estate.tree("backups").join("*.dump");
    text += &format!("[[backup]]\nname = \"database\"\nfiles = \"{}\"\nmax_age = \"24h\"\n", files.display());
    fs::write(estate.beside("midwatch.toml"), text).unwrap();
    let steps = r#"
[[work]]
title  = "Make a <b>backup</b>"
effect = "change"
takes  = "30s"
do     = { exec = ["sh", "-c", "echo dump >{tree}/backups/a.dump; touch -d '2 hours ago' {tree}/backups/a.dump"] }
undo   = { none = "an extra backup harms nobody" }
"#;
    estate.procedure("backup", "", steps);
    estate
}

#[test]
fn the_report_shows_every_pane_before_and_after_the_differences_first() {
    let estate = estate();
    estate.start("backup", &["--yes", "change"]).exits(0);
    let run = estate.run();
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    let sides: Vec<Side> = view.readings.iter().map(|reading| reading.side).collect();
    assert_eq!(sides, [Side::Before, Side::After]);
    // Before means before the intent of the first change.
    let kinds: Vec<String> = run.events().iter().map(|event| event.kind().to_owned()).collect();
    let place = |kind: &str| kinds.iter().position(|own| own == kind).unwrap();
    assert!(place("panes.read") < place("step.intent"), "{kinds:?}");
    run.midwatch("verify", &[]).exits(0).prints("whole");

    let value: serde_json::Value =
        serde_json::from_str(&run.midwatch("report", &["--format", "json"]).exits(0).out).unwrap();
    let different = &value["panes"]["different"]["backups"][0];
    assert_eq!(different["change"], "better", "{:#}", value["panes"]);
    assert_eq!((&different["before"]["verdict"], &different["after"]["verdict"]), (&"critical".into(), &"ok".into()));
    assert_eq!((&value["whole"], &value["timings"][0]["expected_ms"]), (&true.into(), &30_000.into()));
    assert_eq!(value["confirmations"][0]["typed"], "change");

    let page = run.midwatch("report", &["--format", "html"]).exits(0).out;
    assert!(page.starts_with("<!doctype html>") && !page.contains("role=\"alert\""));
    assert!(page.contains("Make a &lt;b&gt;backup&lt;/b&gt;") && !page.contains("<b>backup"), "{page}");
    assert!(page.contains(">better<"), "{page}");
}

#[test]
fn a_damaged_journal_or_reading_is_reported_first_and_in_the_exit_code() {
    let estate = estate();
    estate.start("backup", &["--yes", "change"]).exits(0);
    let run = estate.run();
    let view = run.sealed();
    let reading = run.dir.reading(&view.reading(Side::After).unwrap().digest);
    let kept = fs::read(&reading).unwrap();
    fs::write(&reading, "{}").unwrap();
    run.midwatch("verify", &[]).exits(4).prints("readings/");
    let page = run.midwatch("report", &["--format", "html"]).exits(4).out;
    assert!(page.contains("role=\"alert\"") && page.contains("is not the file that the journal names"), "{page}");
    fs::write(&reading, kept).unwrap();

    let mut journal = fs::read(run.dir.journal()).unwrap();
    let middle = journal.len() / 2;
    journal[middle] ^= 1;
    fs::write(run.dir.journal(), journal).unwrap();
    for form in ["html", "md", "json"] {
        let printed = run.midwatch("report", &["--format", form]).exits(4);
        assert!(printed.err.contains("The journal is damaged at record"), "{form}: {}", printed.err);
        assert!(printed.out.contains("The journal is damaged at record"), "{form}: {}", printed.out);
    }
}

#[test]
fn a_source_that_does_not_answer_is_unknown_and_holds_nothing_up() {
    let estate = estate().with("MIDWATCH_SPAN_PANES", "300");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut text = fs::read_to_string(estate.beside("midwatch.toml")).unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    text += &format!("[[service]]\nname = \"silent\"\nurl = \"{url}\"\ntimeout = \"60s\"\n");
    fs::write(estate.beside("midwatch.toml"), text).unwrap();
    estate.start("backup", &["--yes", "change"]).exits(0);
    let view = estate.run().sealed();
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    let unknown: Vec<u64> = view.readings.iter().map(|reading| reading.counts.unknown).collect();
    assert!(unknown.len() == 2 && unknown.iter().all(|count| *count >= 1), "{:?}", view.readings);
    let is_read = |event: &Event| matches!(event, Event::PanesRead { took_ms, .. } if *took_ms < 30_000);
    assert_eq!(estate.run().events().iter().filter(|event| is_read(event)).count(), 2);
}
