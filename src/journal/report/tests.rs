use super::markdown::{is_unseen, safe};
use super::*;
use crate::journal::chain::read;
use crate::journal::samples::{bytes, night, recovered_night};

/// The report of a history whose files are not there.
fn of(events: &[Event]) -> Report {
    let report = Report::of(Path::new("/nonexistent"), read(&bytes(1, events))).unwrap();
    Report { wrong: Vec::new(), ..report }
}

#[test]
fn the_status_counts_what_was_skipped_and_the_deviations_that_are_listed() {
    for (events, begins) in [(night(), "aborted, "), (recovered_night(), "ok, 1 settled by hand, 1 skipped, ")] {
        let page = markdown(&of(&events));
        let status = page.lines().find_map(|line| line.strip_prefix("| Status | ")?.strip_suffix(" |")).unwrap();
        let listed = page.lines().filter(|line| line.starts_with("- record ")).count();
        let ends = format!(", {listed} deviations");
        assert!(listed > 1 && status.starts_with(begins) && status.ends_with(&ends), "{status} of {page}");
    }
}

#[test]
fn the_report_shows_the_run() {
    let report = of(&night());
    let (text, view) = (markdown(&report), &report.view);
    let anna = "anna (uid 1000, login 1000) on bastion, through";
    for expected in [
        "# Delete data past retention\n",
        &format!("| Started | 2026-08-22 01:47:31 UTC by {anna} console, confirmed: console |"),
        "| Ended | 2026-08-22 01:47:47 UTC, after 16 s |",
        &format!("| Plan | {} |", view.plan),
        "| Parameter root | /srv/cell0 |",
        "| Lock host | machine-id:0123 |",
        "refused: typed \\`chnage\\` (prompt 1\\\\u{1b}\\[2J)",
        "prompt closed, what it showed has drifted: one file more",
        "confirmed with the word change",
        "ok: deleted 1,284, left 2 alone (code 0, 1 s, deleted 1,284, left alone 2, log 1-1.log: 100 B)",
        "| 2 | disk \\| at \\`84 %\\`\\\\n\\# fine |",
        &format!("{anna} runner asked to roll the run back"),
        "the undo of step 2 (a do step) ended ok",
        &format!("The journal has 17 records; the digest of the last is {}.", view.head),
        &format!("    midwatch verify {}\n", view.id),
    ] {
        assert!(text.contains(expected), "{expected}\n\n{text}");
    }
    assert!(text.contains(&format!("set {}", crate::journal::samples::set(1))));
}

#[test]
fn what_did_not_go_as_planned_is_shown() {
    let text = markdown(&of(&recovered_night()));
    for expected in [
        "step 1 (a check step) ended failed",
        "step 1 (a check step) was skipped: known",
        "a new runner took over: runner gone",
        "step 2 (a do step) ended unknown",
        "step 2 (a do step) was unknown and settled as done: looked",
        "decided skip: checked by hand",
        "confirmed with the phrase delete 1,284 files",
        "signed: calm",
        "posted in the channel",
    ] {
        assert!(text.contains(expected), "{expected}\n\n{text}");
    }
}

#[test]
fn outside_text_cannot_break_the_page() {
    let text = "a|b`c\r\n# d\u{1b}]52;\u{202e}\u{200b}<script>[x](javascript:y) https://evil \u{e0041}";
    let shown = safe(text);
    assert!(!shown.contains(|symbol: char| is_unseen(symbol)), "{shown}");
    let expected = "a\\|b\\`c\\\\u{d}\\\\n\\# d\\\\u{1b}\\]52;\\\\u{202e}\\\\u{200b}\\<script\\>\\[x\\](javascript:y) `https://evil` \\\\u{e0041}";
    assert_eq!(shown, expected);
    let mut events = night();
    for event in &mut events {
        if let Event::Note { text: note, .. } = event {
            *note = text.to_owned();
        }
    }
    let page = markdown(&of(&events));
    assert!(!page.contains(['\u{1b}', '\r']) && !page.contains("<script>"));
    let row = page.lines().find(|line| line.contains("script")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
}

#[test]
fn json_has_every_record_and_the_head() {
    let report = of(&night());
    let (value, view) = (json(&report), &report.view);
    assert_eq!(value["records"].as_array().unwrap().len(), 17);
    assert_eq!(value["head"], view.head.as_str());
    assert_eq!(value["records"][16]["h"], view.head.as_str());
    assert_eq!(value["records"][9]["body"]["answer"], serde_json::json!({"answer": "confirm", "typed": "change"}));
    assert_eq!((&value["status"], &value["count"]), (&serde_json::json!("aborted"), &serde_json::json!(17)));
    assert_eq!(value["steps"][1]["state"], "undone");
    assert_eq!(value["refused"][0]["why"], "typed `chnage`");
}

#[test]
fn a_damaged_journal_is_reported_at_the_top_of_every_form() {
    let mut text = bytes(1, &night());
    let last = text.len() - 30;
    text[last] ^= 1;
    let report = Report::of(Path::new("/nonexistent"), read(&text)).unwrap();
    let page = markdown(&report);
    let (alarm, head) =
        (page.find("**NOT WHOLE.** The journal is damaged at record 17").unwrap(), page.find("| Run |"));
    assert!(alarm < head.unwrap(), "{page}");
    let value = json(&report);
    assert_eq!(value["whole"], serde_json::json!(false));
    assert!(value["faults"][0].as_str().unwrap().contains("record 17"));
    // Without one whole record there is nothing to report.
    assert!(Report::of(Path::new("/nonexistent"), read(b"{}\n")).is_err());
}

#[test]
fn an_address_is_no_link_and_a_colon_in_a_sentence_stays() {
    assert_eq!(safe("done: at www.evil.com"), "done: at www\\.evil.com");
    assert_eq!(safe("WWW.x http://y mailto:z :"), "WWW\\.x `http://y` mailto\\:z :");
    assert_eq!(
        safe("GET http://a_b/c*d?x=1&y: refused (see HTTPS://e/f)."),
        "GET `http://a_b/c*d?x=1&y`: refused (see `HTTPS://e/f`)."
    );
    assert_eq!(safe("a|http://x|y `http://z`"), "a\\|`http://x`\\|y \\``http://z`\\`");
    assert_eq!(safe("://"), "`://`");
    assert_eq!(safe("at 02:43:24 XMPP:a file:/x"), "at 02:43:24 XMPP\\:a file:/x");
}

#[test]
fn an_underscore_is_escaped_where_it_would_mark_something_up() {
    assert_eq!(safe("left_alone age_s _cpu_ a_ _b __init__"), "left_alone age_s \\_cpu\\_ a\\_ \\_b \\_\\_init\\_\\_");
}

#[test]
fn a_section_without_rows_is_left_out() {
    let begun = markdown(&of(&night()[..1]));
    for heading in ["## Attempts", "## Questions and answers", "## Notes", "## Deviations", "## Appendix"] {
        assert!(!begun.contains(heading), "{heading}: {begun}");
    }
    let whole = markdown(&of(&night()));
    for heading in ["## Attempts", "## Questions and answers", "## Notes", "## Deviations"] {
        assert!(whole.contains(heading), "{heading}: {whole}");
    }
}

#[test]
fn json_on_a_terminal_is_the_same_value_and_shows_everything() {
    let mut report = of(&night());
    report.view.title = "a\u{9b}2J\u{202e}\u{e0041}\u{1b}".to_owned();
    let text = json_text(&report);
    assert!(!text.contains(|symbol: char| symbol != '\n' && is_unseen(symbol)), "{text}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json(&report));
}

#[test]
fn no_duration_in_it_holds_what_a_clock_was_set_by() {
    let mut events = night();
    let last = events.len() - 1;
    events.insert(last, Event::ClockJump { by_ms: 9_000 });
    let report = of(&events);
    assert!(markdown(&report).contains("| Ended | 2026-08-22 01:47:48 UTC, after 8 s |"), "{}", markdown(&report));
    assert!(html(&report).contains("<b>8 s</b><span>duration</span>"));
}

#[test]
fn what_was_stopped_is_nowhere_marked_as_gone_wrong() {
    use crate::domain::RunStatus;
    use crate::journal::record::{Ending, Event};
    use crate::journal::samples::{ended, outcome, undone};
    use model::Tone;
    let report = of(&night());
    let last = report.records.last().unwrap().clone();
    let mut wrong = Vec::new();
    for (ending, tone) in [(Ending::Cancelled, Tone::Odd), (Ending::Failed, Tone::Bad), (Ending::TimedOut, Tone::Bad)] {
        let proof = Event::RollbackProved { step: 0, outcome: outcome(ending) };
        for event in [ended(0, 1, ending), ended(1, 1, ending), undone(1, 1, ending), proof] {
            let record = Record { event, ..last.clone() };
            let (own, what) = model::deviation(&report.view, &record).unwrap();
            wrong.extend((own != tone).then(|| what.clone()));
            assert!(what.ends_with(&format!("ended {}", ending.word())), "{what}");
            let moments = timeline::moments(&report.view, std::slice::from_ref(&record));
            wrong.extend((moments[0].tone != tone).then(|| moments[0].what.clone()));
        }
    }
    for (status, tone) in [(RunStatus::Ok, Tone::Good), (RunStatus::Aborted, Tone::Odd), (RunStatus::Failed, Tone::Bad)]
    {
        let event = Event::RunSealed { status, unknown: 0, rolled_back: None };
        let record = Record { event, ..last.clone() };
        let moments = timeline::moments(&report.view, std::slice::from_ref(&record));
        wrong.extend((moments[0].tone != tone).then(|| moments[0].what.clone()));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn an_undone_step_shows_the_result_of_its_undo_first() {
    let mut events = night();
    for event in &mut events {
        if let Event::UndoOutcome { outcome, .. } = event {
            "gave 1,284 back".clone_into(&mut outcome.detail);
        }
    }
    let report = of(&events);
    for text in [markdown(&report), html(&report)] {
        let row = text.lines().find(|line| line.contains("undone") && line.contains("act: ok: ")).unwrap();
        assert!(row.find("undo: ok: gave 1,284 back") < row.find("act: ok: "), "{row}");
        assert!(row.contains("undo: ok: gave 1,284 back"), "{row}");
    }
}

#[test]
fn an_undo_that_the_plan_calls_for_is_no_deviation() {
    let deviations = |undo_of: Vec<u32>| {
        let mut report = of(&night());
        report.view.rollback_state = None;
        report.view.steps[2].head.undo_of = undo_of;
        markdown(&report).matches("the undo of step 2 (a do step) ended ok").count()
    };
    assert_eq!((deviations(Vec::new()), deviations(vec![1])), (1, 0));
    // After a rollback began it is part of that.
    let mut report = of(&night());
    report.view.steps[2].head.undo_of = vec![1];
    let began = report.view.started;
    let (why, steps, proved) = ("w".to_owned(), vec![1], std::collections::BTreeMap::new());
    report.view.rollback_state = Some(crate::journal::fold::RollbackView { began, why, steps, proved });
    assert!(markdown(&report).contains("the undo of step 2 (a do step) ended ok"));
}
