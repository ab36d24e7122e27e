//! The columns of rows, the detail of one, the list of all problems, and the palette.

use super::*;
use midwatch::app::reason;
use midwatch::config::estate::Estate;
use midwatch::domain::{Observation, Row, Rows, Section, Verdict};
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
        let bottom = grid.iter().position(|line| line.contains("Esc goes back")).unwrap();
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

/// Rows whose verdict has a cause, as the probes say it.
const CAUSES: [(TargetKind, &str, Verdict, &str); 24] = {
    use TargetKind::{Backup, Bloat, Certificate, Kubernetes, Mount, Postgres, Redis, Service, Unit};
    use Verdict::{Critical, Unknown, Warn};
    [
        (Certificate, "next.novacron.io", Critical, "not valid before 2026-12-10"),
        (Certificate, "wildcard.novacron.io", Critical, "not valid before 2026-11-01 00:00 UTC"),
        (Certificate, "api.internal.novacron.io", Critical, "expired 2 d ago"),
        (Certificate, "api.novacron.io", Warn, "61 d · R11 · issuer Site Root is neither served nor trusted"),
        (Certificate, "api.novacron.io", Critical, "it is a CA's own certificate, which some clients refuse"),
        (Certificate, "api.novacron.io", Warn, "clients do not know its critical extension 1.2.3.4"),
        (Backup, "configs", Critical, "23:27 yesterday · checksum wrong · 14 KiB"),
        (Backup, "database-of-the-warehouse", Critical, "03:10 today · 10 B · 2 dated in the future"),
        (Backup, "database", Critical, "no finished backup · one is being written"),
        (Backup, "database", Unknown, "03:10 today · not verified: no SHA-256 in it · 100 B"),
        (Redis, "queue", Critical, "no good replica, writes are refused (NOREPLICAS) · no replicas"),
        (Redis, "queue", Critical, "serves nothing while its primary is down (MASTERDOWN)"),
        (Redis, "queue", Warn, "the last save failed · kept nowhere: no save, no AOF"),
        (Redis, "queue", Warn, "its primary is silent for 1 m · of 10.0.0.1:6379 · 4.0 KiB behind"),
        (Postgres, "novacron", Unknown, "the port speaks TLS: its URL must begin with rediss://"),
        (Postgres, "novacron", Unknown, "timed out after 5 s"),
        (Service, "novacron-scheduler", Critical, "503, not 200 or 204 · 12 ms"),
        (Service, "novacron-scheduler", Unknown, "no name server answers"),
        (Mount, "/srv/archive/of/novacron", Critical, "not mounted: the estate wants a mount point, and / holds it"),
        (Mount, "/srv/archive/of/novacron", Warn, "84 % +1.1 %/h · full in 45 m, in this window · held by /srv"),
        (Unit, "novacron-worker.service", Critical, "crashes again and again, 57 restarts · 3 m"),
        (Unit, "novacron-worker.service", Critical, "failed · exit status 3 · 2 m ago"),
        (Kubernetes, "shop", Warn, "ready · memory pressure · PID pressure · v1.33.1"),
        (Bloat, "public.audit_logs_created_at", Critical, "invalid: uniqueness is not enforced in every partition"),
    ]
};

fn caused((kind, name, verdict, detail): (TargetKind, &str, Verdict, &str)) -> Row {
    let every = std::time::Duration::from_secs(60);
    let mut row = Row::unread(kind, name.to_owned(), "there".to_owned(), every);
    let at = sample::now(451).wall;
    match verdict {
        Verdict::Unknown => row.lost(detail.to_owned(), at),
        _ => row.saw(Observation {
            verdict,
            detail: detail.to_owned(),
            facts: std::collections::BTreeMap::new(),
            observed_at: at,
            trend: None,
        }),
    }
    row
}

#[test]
fn the_cause_of_a_verdict_is_in_the_list_as_far_as_it_fits_and_whole_in_the_detail() {
    for (size, inner) in [(SMALL, 78), ((100, 30), 98), (WIDE, 58)] {
        for given in CAUSES {
            let row = caused(given);
            let mut model = sample::console(size, operator());
            let cause = reason::brief(&row, model.now.wall);
            let section = row.kind.section();
            let rows = Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] };
            update(&mut model, Msg::RowsRead(rows));
            let pane = Section::ALL.iter().position(|one| *one == section).unwrap() + 1;
            let mut model = pressed(model, &format!("{pane} j"));
            let screen = shown(&mut model);
            // Beside the symbol, the word, and what must stay of the name.
            let room = inner - 4 - 9 - 12 - 2 - 1;
            let first =
                if cause.chars().count() <= room { cause.clone() } else { cause.chars().take(room / 2).collect() };
            assert!(screen.contains(&first), "{size:?}: {given:?}: {first:?}\n{screen}");
            let detail = shown(&mut pressed(model, "Enter"));
            let inside =
                detail.lines().filter_map(|line| line.split_once('┃')?.1.rsplit_once('┃')).map(|(text, _)| text);
            let text = inside.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
            assert!(text.contains(&cause), "{size:?}: {given:?}: {cause:?}\n{text}\n{detail}");
        }
    }
}

#[test]
fn the_heading_that_says_how_rows_are_sorted_is_a_whole_word_at_every_width() {
    const WORDS: [&str; 10] =
        ["verdict", "name", "size", "days", "issuer", "bloat", "remedy", "read", "state", "reclaimable"];
    for width in (40..=200).step_by(5) {
        for (pane, sorted) in [2, 3, 4].into_iter().flat_map(|pane| (0..7).map(move |sorted| (pane, sorted))) {
            let keys = format!("{pane} z{}", " o".repeat(sorted));
            let screen = shown(&mut pressed(sample::healthy((width, 30), operator()), &keys));
            let heading = screen.lines().skip_while(|line| !line.contains('┏')).nth(1).unwrap();
            let Some((before, _)) = heading.split_once(['▼', '▲']) else {
                // A column that has no room here: the title of the pane says it.
                assert!(sorted > 0 && screen.contains(" by "), "{width} {keys}: {screen}");
                continue;
            };
            let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap();
            assert!(WORDS.contains(&word), "{width} {keys}: {heading}");
        }
    }
}
