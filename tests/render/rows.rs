//! The columns of rows, the detail of one, the list of all problems, and the palette.

use super::*;
use midwatch::config::estate::Estate;
use std::path::Path;

screen!(row_of_a_backup_120x36, {
    let mut model = pressed(sample::healthy(WIDE, operator()), "2 j Enter");
    let target = sample::id(TargetKind::Backup, "database");
    update(&mut model, Msg::Offered { target: target.clone(), offers: sample::offers(), withheld: Vec::new() });
    let params = std::collections::BTreeMap::from([("set".to_owned(), "database".to_owned())]);
    update(&mut model, Msg::ActsKnown { target, acts: vec![("db/backup".to_owned(), params.clone())] });
    let runs = sample::runs().into_iter().skip(1).take(2);
    let runs = runs.map(|run| midwatch::app::msg::RunSummary {
        procedure: "db/backup".to_owned(),
        title: "Take a backup".to_owned(),
        params: params.clone(),
        ..run
    });
    update(&mut model, Msg::RunsListed(runs.collect()));
    model
});
screen!(row_of_a_certificate_120x36, pressed(sample::healthy(WIDE, operator()), "3 j j j Enter"));
screen!(row_with_a_grant_80x24, pressed(sample::healthy(SMALL, operator()), "4 / b i l l Enter j Enter"));
screen!(row_raw_80x24, pressed(sample::healthy(SMALL, operator()), "j Enter f"));
screen!(problems_100x30, pressed(sample::healthy((100, 30), operator()), "P j"));

screen!(bloat_reversed_120x36, pressed(sample::healthy(WIDE, operator()), "4 z o o o o O"));
screen!(health_zoomed_120x36, pressed(sample::healthy(WIDE, operator()), "z o"));
screen!(filtered_inverse_80x24, pressed(sample::healthy(SMALL, operator()), "/ ! s r v Enter j"));

#[test]
fn the_palette_stands_still_while_one_types() {
    let place = |keys: &str| {
        let mut model = pressed(sample::healthy(WIDE, operator()), ":");
        update(&mut model, Msg::ProceduresListed(sample::offers()));
        let screen = shown(&mut pressed(model, keys));
        let grid: Vec<&str> = screen.lines().take(36).collect();
        let top = grid.iter().position(|line| line.contains("┏ Commands")).unwrap();
        let bottom = grid.iter().position(|line| line.contains("┗ Enter does it")).unwrap();
        (top, grid[top + 1].contains('▌'), bottom)
    };
    let empty = place("");
    assert!(empty.1, "the input line is the first");
    for keys in ["r", "r e f r", "z z z z", "End", "PageDown PageDown"] {
        assert_eq!(place(keys), empty, "{keys}");
    }
}

#[test]
fn the_order_by_what_can_be_had_back_is_marked_at_its_heading() {
    let screens = (1..8)
        .map(|times| shown(&mut pressed(sample::healthy(WIDE, operator()), &format!("4 z{}", " o".repeat(times)))));
    let sorted: Vec<String> = screens.filter(|screen| screen.contains("by reclaimable")).collect();
    assert!(!sorted.is_empty() && sorted.iter().all(|screen| screen.contains("by reclaimable▼")), "{sorted:#?}");
}

#[test]
fn what_an_empty_pane_says_to_write_is_a_whole_estate_file() {
    for (pane, section) in [("2", "[[backup]]"), ("3", "[[certificate]]"), ("4", "[[postgres]]")] {
        let screen = shown(&mut pressed(sample::bare(SMALL, operator()), pane));
        let lines = screen.lines().skip_while(|line| !line.contains("write into")).skip(1);
        let text = lines.map(|line| line.trim_matches(['┃', ' '])).take_while(|line| !line.is_empty());
        let text = text.collect::<Vec<_>>().join("\n");
        assert!(text.contains(section), "{screen}");
        let estate = Estate::parse(&text, Path::new("midwatch.toml"));
        let estate = estate.unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
        assert_eq!((estate.name.as_str(), estate.environment.word()), ("novacron", "production"));
    }
}
