//! What is said where room is short: words stay whole, and what is out of sight is told.

use super::*;
use midwatch::config::theme::Glyphs;
use midwatch::domain::{Fact, Observation, Row, Rows, Verdict};
use std::time::Duration;

fn text(model: &mut Model) -> String {
    let screen = shown(model);
    screen.split("\n\n0:").next().unwrap_or_default().to_owned()
}

fn read(
    model: &mut Model,
    kind: TargetKind,
    name: &str,
    verdict: Verdict,
    detail: &str,
    facts: &[(&'static str, Fact)],
) {
    let mut row = Row::unread(kind, name.to_owned(), "there".to_owned(), Duration::from_secs(60));
    let facts = facts.iter().cloned().collect();
    row.saw(Observation { verdict, detail: detail.to_owned(), facts, observed_at: model.now.wall, trend: None });
    update(model, Msg::RowsRead(Rows { kind, target: name.to_owned(), rows: vec![row] }));
}

#[test]
fn rows_above_are_counted_with_the_worst_of_them() {
    let mut model = sample::console(SMALL, operator());
    read(&mut model, TargetKind::Service, "broken", Verdict::Critical, "503", &[]);
    for number in 0..40 {
        read(&mut model, TargetKind::Service, &format!("service-{number:02}"), Verdict::Ok, "200", &[]);
    }
    let top = text(&mut model);
    assert!(top.contains(" more below ") && !top.contains(" above"), "{top}");
    let mut model = pressed(model, "G");
    let foot = text(&mut model);
    assert!(foot.contains(" above, first ✖ critical ") && !foot.contains("more below"), "{foot}");
}

#[test]
fn a_long_path_takes_no_room_from_what_the_rows_say() {
    let reading = "cpu 97 % · memory 2 % over 10 s";
    for (size, keys) in [(SMALL, "z"), ((100, 30), "z"), (WIDE, "z"), (HUGE, "")] {
        let mut model = sample::console(size, operator());
        read(&mut model, TargetKind::Host, "pressure", Verdict::Ok, reading, &[]);
        let path = "/home/operator/.local/state/midwatch/demo/srv/cell0";
        read(&mut model, TargetKind::Mount, path, Verdict::Ok, "62 %", &[]);
        let screen = text(&mut pressed(model, keys));
        assert!(screen.contains(reading) && screen.contains("srv/cell0 "), "{size:?}:\n{screen}");
    }
}

#[test]
fn when_a_disk_is_full_is_said_before_a_graph_is_drawn_and_among_the_problems() {
    let reading = "94 % +44.6 %/h · full in 8 m, in this window";
    let path = "/home/operator/.local/state/midwatch/demo/srv/cell0";
    let mut model = sample::console(WIDE, operator());
    read(&mut model, TargetKind::Mount, path, Verdict::Critical, reading, &[]);
    let screen = text(&mut model);
    assert!(screen.contains("94 % +44.6 %/h · full in 8 m"), "{screen}");
    for size in [(100, 30), WIDE] {
        let mut model = sample::console(size, operator());
        read(&mut model, TargetKind::Mount, path, Verdict::Critical, reading, &[]);
        let screen = text(&mut pressed(model, "P"));
        assert!(screen.contains(reading) && screen.contains("/srv/cell0 "), "{size:?}:\n{screen}");
    }
}

#[test]
fn a_certificate_that_is_not_valid_yet_has_no_days_left() {
    for size in [SMALL, (100, 30), WIDE, HUGE] {
        let mut model = sample::console(size, operator());
        let moment = |text: &str| Fact::Text(text.to_owned());
        let facts = [
            ("days_left", Fact::Int(99)),
            ("issuer", moment("CN=R11")),
            ("not_before", moment("2026-12-10T00:00:00Z")),
        ];
        let reading = "not valid before 2026-12-10";
        read(&mut model, TargetKind::Certificate, "next.novacron.io", Verdict::Critical, reading, &facts);
        let screen = text(&mut pressed(model, "3"));
        assert!(screen.contains(reading) && !screen.contains("  99 d  "), "{size:?}:\n{screen}");
    }
}

#[test]
fn the_usual_schema_is_left_out_of_all_names_or_of_none() {
    let facts = |kind: &str| {
        let kind = ("kind", Fact::Text(kind.to_owned()));
        [("size_bytes", Fact::Int(9 << 20)), ("bloat_ratio", Fact::Real(0.4)), ("error_ratio", Fact::Real(0.02)), kind]
    };
    let names = ["public.tasks", "public.job_runs_by_the_time_of_their_start_and_owner"];
    for (size, keys, whole) in [(SMALL, "4 z", false), (WIDE, "4", false), (HUGE, "4 z", true)] {
        let mut model = sample::console(size, operator());
        read(&mut model, TargetKind::Bloat, names[0], Verdict::Ok, "", &facts("table"));
        read(&mut model, TargetKind::Bloat, names[1], Verdict::Ok, "", &facts("index"));
        let screen = text(&mut pressed(model, keys));
        assert_eq!(screen.matches("public.").count(), if whole { 2 } else { 0 }, "{size:?}:\n{screen}");
        assert!(screen.contains("job_runs_by"), "{screen}");
    }
}

#[test]
fn the_heading_that_is_sorted_by_keeps_its_letters() {
    let mut model = pressed(sample::healthy(WIDE, operator()), "4 z");
    let mut screen = text(&mut model);
    for _ in 0..8 {
        if !screen.contains("bloat▼") {
            model = pressed(model, "o");
            screen = text(&mut model);
        }
    }
    assert!(screen.contains("bloat▼") && screen.contains("size "), "{screen}");
    let buffer = drawn(&mut model, &Theme::labelled(Glyphs::Ascii));
    let screen: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
    assert!(screen.contains(" BLOAT ") && screen.contains(" size "), "{screen}");
}

#[test]
fn a_wrong_edit_is_named_without_its_directory() {
    let mut model = sample::healthy(WIDE, operator());
    let why = "/etc/midwatch/midwatch.toml:3:1: unknown key `nmae`; did you mean `name`?";
    update(&mut model, Msg::EstateEdited(Err(why.to_owned())));
    let screen = text(&mut model);
    let reading = "wrong: unknown key `nmae`; did you mean `name`? (midwatch.toml:3:1); the one before is in use";
    assert!(screen.contains(reading), "{screen}");
}

/// What stands inside the widest frame of each line.
fn inside(screen: &str) -> Vec<&str> {
    let framed = screen.lines().filter(|line| line.contains('┃'));
    framed.filter_map(|line| line.split('┃').max_by_key(|part| part.chars().count())).collect()
}

/// The lines of a screen, one with the next.
fn flat(screen: &str) -> String {
    screen.lines().map(|line| line.trim_matches(['┃', ' '])).collect::<Vec<_>>().join(" ")
}

/// The words of a dialog, one line with the next.
fn dialog(screen: &str) -> String {
    inside(screen).into_iter().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_banner_says_the_cause_at_any_width_and_which_key_shows_the_rest() {
    let cause = "unknown key `critical_after_hours`; did you mean `critical_after`?";
    let long = format!("/etc/midwatch/midwatch.toml:128:14: {}", "a cause that goes on and on ".repeat(12));
    let three =
        format!("/etc/midwatch/midwatch.toml:128:14: {cause}\nmidwatch.toml:130:1: second\nwindows.toml:2:1: third");
    for size in [SMALL, (100, 30), WIDE, HUGE] {
        let wrong = |why: &str| {
            let mut model = sample::healthy(size, operator());
            update(&mut model, Msg::EstateEdited(Err(why.to_owned())));
            model
        };
        let screen = flat(&text(&mut wrong(&format!("/etc/midwatch/midwatch.toml:128:14: {cause}"))));
        assert!(screen.contains(cause) && screen.contains("(midwatch.toml:128:14)"), "{size:?}:\n{screen}");
        let mut model = wrong(&long);
        let screen = flat(&text(&mut model));
        assert!(screen.contains("wrong: a cause that goes on") && screen.contains("P shows all of it"), "{screen}");
        let screen = dialog(&text(&mut pressed(model, "P")));
        assert!(screen.contains(long.rsplit_once("14: ").unwrap().1.trim()), "{size:?}:\n{screen}");
        let mut model = wrong(&three);
        let screen = flat(&text(&mut model));
        assert!(screen.contains(cause) && screen.contains("P shows all of it"), "{size:?}:\n{screen}");
        let screen = dialog(&text(&mut pressed(model, "P")));
        assert!(screen.contains("130:1: second") && screen.contains("windows.toml:2:1: third"), "{screen}");
    }
}

#[test]
fn whatever_the_banner_says_one_sentence_says_what_is_wrong() {
    let worst = "✖ 3 critical: service api 503";
    for size in [(60, 15), SMALL, (100, 30), WIDE] {
        let mut plain = sample::healthy(size, operator());
        let mut wrong = sample::healthy(size, operator());
        update(&mut wrong, Msg::EstateEdited(Err("midwatch.toml:3:1: unknown key `nmae`".to_owned())));
        let mut other = sample::healthy(size, operator());
        let mut runs = sample::runs();
        (runs[1].status, runs[1].damage) = (midwatch::domain::RunStatus::Waiting, None);
        update(&mut other, Msg::RunsListed(runs));
        for (model, banner) in [(&mut plain, ""), (&mut wrong, "estate is wrong"), (&mut other, "R lists")] {
            let screen = text(model);
            assert!(screen.contains(worst) && screen.contains(banner), "{size:?} {banner}:\n{screen}");
        }
    }
}

#[test]
fn every_row_in_sight_has_the_word_of_its_verdict_beside_its_sign() {
    let words = [("✖", "critical"), ("▲", "warn"), ("?", "unknown"), ("◌", "stale"), ("●", "ok")];
    for (size, keys) in
        [(SMALL, "1"), (SMALL, "2"), (SMALL, "3"), (SMALL, "4"), ((100, 30), "3"), (WIDE, ""), (HUGE, "")]
    {
        let screen = text(&mut pressed(sample::healthy(size, operator()), keys));
        let mut rows = 0;
        for part in screen.lines().flat_map(|line| line.split(['┃', '│'])).filter(|part| !part.trim().is_empty()) {
            let begins = part.trim_start_matches([' ', '▌']);
            let Some((sign, word)) = words.iter().find(|(sign, _)| begins.starts_with(&format!("{sign}  "))) else {
                continue;
            };
            assert!(begins[sign.len()..].trim_start().starts_with(word), "{size:?}: {part}\n{screen}");
            rows += 1;
        }
        assert!(rows > 4, "{size:?} {keys}:\n{screen}");
    }
}

#[test]
fn a_long_state_is_whole_where_its_pane_has_the_columns() {
    let reading = "20 MiB ±3.1 MiB of 46 MiB would come back";
    let facts = |kind: &str, size| [("size_bytes", Fact::Int(size)), ("kind", Fact::Text(kind.to_owned()))];
    for (size, keys) in [(SMALL, "4 z"), ((100, 30), "4"), (WIDE, "4 z"), (HUGE, "4"), (HUGE, "4 z")] {
        let mut model = sample::console(size, operator());
        read(&mut model, TargetKind::Bloat, "novacron", Verdict::Ok, reading, &facts("database", 52 << 20));
        let name = "public.documents_words_of_all_languages";
        read(&mut model, TargetKind::Bloat, name, Verdict::Ok, "", &facts("table", 2 << 20));
        let screen = text(&mut pressed(model, keys));
        assert!(screen.contains(reading) && screen.contains("documents_words"), "{size:?}:\n{screen}");
    }
    // What the verdict of a backup is about goes before its size.
    let mut model = sample::console(WIDE, operator());
    let reading = "2026-11-19 19:47 · checksum wrong";
    read(&mut model, TargetKind::Backup, "configs", Verdict::Critical, reading, &facts("files", 14 << 10));
    let screen = text(&mut model);
    assert!(screen.contains(reading), "{screen}");
}

#[test]
fn the_palette_says_all_of_what_the_command_under_its_cursor_does() {
    for size in [SMALL, (100, 30), WIDE] {
        let mut model = pressed(sample::healthy(size, operator()), ":");
        for entry in midwatch::app::keymap::ACTIONS.iter().take(24) {
            let screen = text(&mut model);
            let lines: Vec<&str> = inside(&screen);
            let on = lines.iter().find_map(|line| line.strip_prefix("▌ ")).and_then(|line| line.split(' ').next());
            let known = midwatch::app::keymap::ACTIONS.iter().find(|other| Some(other.name) == on);
            let doc = known.unwrap_or_else(|| panic!("{} {on:?}:\n{screen}", entry.name)).doc;
            let foot = lines[lines.len() - 2..].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
            assert_eq!(foot.trim(), doc, "{size:?}:\n{screen}");
            model = pressed(model, "Down");
        }
    }
}

#[test]
fn what_keeps_an_item_open_has_the_room_that_its_title_leaves() {
    let reading = "critical: database 31 h old · limit 24 h";
    let mut view = sample::checklist().view().unwrap();
    view.steps[6].outcome.as_mut().unwrap().detail = reading.to_owned();
    let mut model = pressed(sample::walking(SMALL, operator(), view, None), "5 z");
    let screen = text(&mut model);
    assert!(screen.contains(reading), "{screen}");
}
