use super::*;
use crate::config::reader::Problems;
use std::path::Path;

fn at(text: &str) -> Wall {
    Wall(text.parse().unwrap())
}

fn calendar(windows: &str) -> Calendar {
    parse(&format!("schema = 1\n{windows}"), Path::new("windows.toml")).unwrap()
}

fn problems(windows: &str) -> Vec<String> {
    let found = parse(windows, Path::new("windows.toml")).unwrap_err();
    found.iter().map(ToString::to_string).collect()
}

const NOVACRON: &str = r#"
[[window]]
name = "weekly"
environment = "production"
starts = "0 2 * * SUN"
lasts = "2h"
operations = ["security_patches"]
notice = "24h"
[[window]]
name = "monthly"
environment = "production"
starts = "0 1 * * SUN#1"
lasts = "5h"
[[window]]
name = "staging"
environment = "staging"
starts = "0 22 * * *"
lasts = "2h"
zone = "Europe/Berlin"
"#;

fn spans(openings: &[Opening]) -> Vec<String> {
    openings.iter().map(|o| format!("{} {} {}", o.window, o.from.minute(), o.until.clock())).collect()
}

#[test]
fn the_agenda_lists_every_opening_in_its_order() {
    let all =
        calendar(NOVACRON).agenda(at("2026-12-05T00:00:00Z"), at("2026-12-14T00:00:00Z"), Environment::Production);
    let expected =
        ["monthly 2026-12-06 01:00 06:00:00", "weekly 2026-12-06 02:00 04:00:00", "weekly 2026-12-13 02:00 04:00:00"];
    assert_eq!(spans(&all), expected);
    let met = collisions(&all, 5);
    assert_eq!(met[0].first, [&all[1]], "the first Sunday holds both");
    assert_eq!((&met[1].first[..], met[1].all), (&[&all[0]][..], 1));
    assert_eq!(met[2], Collisions::default());
}

#[test]
fn the_open_or_next_window_is_shown() {
    let calendar = calendar(NOVACRON);
    let standing = |now: &str, of| calendar.standing(at(now), of);
    let Some(Standing::Open(open, others)) = standing("2026-11-22T02:47:31Z", Environment::Production) else {
        panic!()
    };
    assert_eq!((open.window.as_str(), open.until, others), ("weekly", at("2026-11-22T04:00:00Z"), 0));
    assert!((open.gone(at("2026-11-22T03:00:00Z")) - 0.5).abs() < 1e-9);
    let Some(Standing::Open(open, 1)) = standing("2026-12-06T03:00:00Z", Environment::Production) else { panic!() };
    assert_eq!(open.window, "weekly", "the one that ends first");
    // The end itself is outside; the beginning is inside.
    let Some(Standing::Next(next)) = standing("2026-11-22T04:00:00Z", Environment::Production) else { panic!() };
    assert_eq!(next.from, at("2026-11-29T02:00:00Z"));
    assert!(matches!(standing("2026-11-29T02:00:00Z", Environment::Production), Some(Standing::Open(..))));
    assert_eq!(standing("2026-11-29T02:00:00Z", Environment::Other), None);
}

#[test]
fn a_zone_keeps_its_own_clock_and_the_length_is_real_time() {
    let calendar = calendar(NOVACRON);
    let all = calendar.agenda(at("2026-10-24T12:00:00Z"), at("2026-10-26T12:00:00Z"), Environment::Staging);
    assert_eq!(spans(&all), ["staging 2026-10-24 20:00 22:00:00", "staging 2026-10-25 21:00 23:00:00"]);
    let over = parse(
        "schema = 1\n[[window]]\nname = \"night\"\nstarts = \"0 1 * * SUN\"\nlasts = \"4h\"\nzone = \"Europe/Berlin\"\n",
        Path::new("windows.toml"),
    );
    let all = over.unwrap().agenda(at("2026-10-24T12:00:00Z"), at("2026-10-26T12:00:00Z"), Environment::Other);
    assert_eq!(all[0].until.since(all[0].from), Duration::from_secs(4 * 3600), "through the night with 25 hours");
}

#[test]
fn a_window_that_opened_long_ago_is_open() {
    let calendar = calendar("[[window]]\nname = \"freeze\"\nstarts = \"0 0 20 12 *\"\nlasts = \"14d\"\n");
    let Some(Standing::Open(open, _)) = calendar.standing(at("2027-01-02T12:00:00Z"), Environment::Other) else {
        panic!()
    };
    assert_eq!(open.from, at("2026-12-20T00:00:00Z"));
    let always = parse(
        "schema = 1\n[[window]]\nname = \"always\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\n",
        Path::new("windows.toml"),
    );
    let standing = always.unwrap().standing(at("2026-11-22T00:00:00Z"), Environment::Other);
    let Some(Standing::Open(open, 0)) = standing else { panic!("{standing:?}") };
    assert_eq!(open.from, at("2026-11-22T00:00:00Z"));
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = r#"schema = 1
[[window]]
name = "weekly"
starts = "0 2 * * SUM"
lasts = "2h"
[[window]]
name = "never"
starts = "0 0 30 2 *"
lasts = "2h"
[[window]]
name = "skipped"
starts = "30 2 * * SUN"
lasts = "2h"
zone = "Europe/Berlin"
[[window]]
name = "skipped"
starts = "0 2 * * *"
lasts = "1 moon"
zone = "Europe/Berlim"
enviroment = "production"
[[window]]
name = "always"
starts = "0 * * * *"
lasts = "2h"
[[window]]
name = "skipped"
starts = "0 2 * * *"
lasts = "2h"
zone = "Nowhere"
[[window]]
name = "skipped"
starts = "0 2 * * *"
lasts = "2h"
"#;
    let found = problems(text);
    let expected = [
        ("windows.toml:4:", "cron pattern"),
        ("windows.toml:8:", "never comes|no time that ever comes"),
        ("windows.toml:12:", "02:30 on 2026-03-29"),
        ("windows.toml:18:", "a span from 1 min"),
        ("windows.toml:19:", "not a time zone"),
        ("windows.toml:20:", "did you mean `environment`?"),
        ("windows.toml:23:", "opens again before it has ended"),
        ("windows.toml:29:", "not a time zone"),
        ("windows.toml:31:", "on line 11 already"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (message, (place, words)) in found.iter().zip(expected) {
        assert!(
            message.contains(place) && words.split('|').any(|word| message.contains(word)),
            "{message} / {place} {words}"
        );
    }
}

#[test]
fn no_file_is_no_window_and_garbage_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let estate = dir.path().join("midwatch.toml");
    assert_eq!(load(Some(&estate)).unwrap(), Calendar::default());
    assert_eq!(load(None).unwrap(), Calendar::default());
    std::fs::write(dir.path().join(WINDOWS_FILE), "window = 3\n").unwrap();
    let error = load(Some(&estate)).unwrap_err();
    assert_eq!(error.kind.exit_code(), 2);
    assert!(error.message.contains("`schema` is missing") && error.message.contains("must be a list of tables"));
}

proptest::proptest! {
    #[test]
    fn openings_never_overlap_and_always_come_later(day in 0_i64..2000, hour in 0_u8..24, lasts in 1_u64..24) {
        let text = format!("[[window]]\nname = \"w\"\nstarts = \"0 {hour} * * *\"\nlasts = \"{lasts}h\"\n");
        let now = at("2026-01-01T12:34:56Z").plus(Duration::from_secs(86_400 * day.unsigned_abs()));
        let calendar = calendar(&text);
        let all = calendar.agenda(now, now.plus(Duration::from_secs(10 * 86_400)), Environment::Other);
        assert!(all.len() >= 10);
        assert!(all.windows(2).all(|pair| pair[0].until <= pair[1].from));
        assert!(all.iter().all(|opening| opening.until > now));
        match calendar.standing(now, Environment::Other).unwrap() {
            Standing::Open(opening, 0) => assert!(opening.holds(now)),
            Standing::Open(..) => unreachable!(),
            Standing::Next(opening) => assert!(opening.from > now && all[0] == opening),
        }
    }
}

#[test]
fn the_reader_knows_the_keys_of_the_table_and_no_other() {
    use crate::config::reader::tests::finished;
    let keys = keys::SECTIONS[2].keys;
    let whole: String = keys.iter().map(|key| format!("{} = {}\n", key.name, key.example)).collect();
    assert_eq!(calendar(&format!("[[window]]\n{whole}")).windows.len(), 1);
    let lines = problems("schema = 1\n[[window]]\nzzz = 1\n");
    for key in keys {
        let missed = lines.iter().any(|text| text.contains(&format!("`{}` is missing", key.name)));
        assert_eq!(missed, key.default.is_none(), "{}: {lines:?}", key.name);
    }
    finished();
    problems("schema = 1\n[[window]]\nzzz = 1\nstarts = \"0 2 * * *\"\nlasts = \"2h\"\nname = \"a\"\n");
    let asked = finished().into_iter().find(|(unread, _)| unread.iter().any(|key| key == "zzz")).unwrap().1;
    assert_eq!(asked, keys.iter().map(|key| key.name).collect());
}

#[test]
fn the_reader_knows_the_keys_of_the_rules_and_no_other() {
    let keys = keys::SECTIONS[1].keys;
    let whole: String = keys.iter().map(|key| format!("{} = {}\n", key.name, key.example)).collect();
    let read = calendar(&format!("[rules]\n{whole}"));
    assert_eq!(read.rules.len(), keys.len());
    let lines = problems("schema = 1\n[rules.prod]\n[rules.staging]\ndefault = \"never\"\nanytimes = []\n");
    assert_eq!(
        lines,
        [
            "windows.toml:2:8: unknown key `prod`",
            "windows.toml:4:11: `default` must be window or anytime, not \"never\"",
            "windows.toml:5:1: unknown key `anytimes` (did you mean `anytime`?)",
        ]
    );
}

#[test]
fn production_requires_a_window_by_default_and_the_others_do_not() {
    use Environment::{Other, Production, Staging};
    let demands = |rules: &str, of| calendar(rules).demands_window(of, "common/vacuum-table");
    for (rules, production, staging) in [
        ("", true, false),
        ("[rules.production]\n", true, false),
        ("[rules.production]\ndefault = \"anytime\"\n", false, false),
        ("[rules.production]\nanytime = [\"common/vacuum-table\"]\n", false, false),
        ("[rules.production]\nanytime = [\"common/vacuum\"]\n[rules.staging]\ndefault = \"window\"\n", true, true),
    ] {
        let found = (demands(rules, Production), demands(rules, Staging), demands(rules, Other));
        assert_eq!(found, (production, staging, false), "{rules}");
    }
    assert!(Calendar::default().demands_window(Production, "x"), "without a file as well");
}

#[test]
fn an_exception_for_a_procedure_that_does_not_exist_has_its_place_and_the_nearest_name() {
    let calendar = calendar("[rules.production]\nanytime = [\"common/vacum-table\", \"common/vacuum-table\"]\n");
    let mut problems = Problems::of(Path::new("windows.toml"));
    calendar.check_exceptions(&["common/vacuum-table"].into_iter(), |_| None, &mut problems);
    let lines: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    let what = "there is no procedure `common/vacum-table` (did you mean `common/vacuum-table`?)";
    assert_eq!(lines, [format!("windows.toml:3:12: {what}")]);
}

#[test]
fn the_page_of_the_windows_is_that_of_the_table() {
    crate::config::keys::page::assert_current("windows.md", &crate::config::keys::reference(keys::SECTIONS));
}

#[test]
fn only_where_a_clock_is_set_a_time_is_doubtful() {
    let (begin, end) = (DateTime::constant(2026, 1, 1, 0, 0, 0, 0), DateTime::constant(2028, 1, 2, 0, 0, 0, 0));
    let mut found = 0;
    for zone in ["UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"] {
        for (hour, minute, day) in (0..24).flat_map(|hour| [(hour, 0, "*"), (hour, 30, "*"), (hour, 15, "SUN#1")]) {
            let text = format!(
                "schema = 1\n[[window]]\nname = \"w\"\nstarts = \"{minute} {hour} * * {day}\"\nlasts = \"1h\"\nzone = \"{zone}\"\n"
            );
            let window = match parse(&text, Path::new("w")) {
                Ok(calendar) => calendar.windows[0].clone(),
                Err(problems) => {
                    // The first day is named, and each day is looked at by itself.
                    let fine = text.replace(zone, "UTC");
                    let mut window = parse(&fine, Path::new("w")).unwrap().windows[0].clone();
                    window.tz = TimeZone::get(zone).unwrap();
                    let first = window.doubtful(begin, end).unwrap().strftime("%H:%M on %Y-%m-%d").to_string();
                    assert!(problems[0].message.contains(&first), "{problems:?}");
                    found += 1;
                    window
                }
            };
            let mut next = window.next(begin, true);
            while let Some(time) = next.filter(|time| *time < end && !window.is_doubtful(*time)) {
                next = window.next(time, false);
            }
            let by_day = next.filter(|time| *time < end);
            assert_eq!(window.doubtful(begin, end), by_day, "{text}");
        }
    }
    assert!(found > 5, "{found}");
}
