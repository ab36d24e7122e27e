//! Commands that list: procedures, windows, runs and readings, for people, for programs, and where there is nothing.

use crate::support::estate::{BINARY, Estate, Printed, finish};
use crate::support::pty::{Exit, Pty};
use std::fs;
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// What a command draws on a terminal of 200 columns, and the colour of a word on it.
fn drawn(estate: &Estate, args: &[&str], more: &[(&str, &str)], word: &str) -> (String, vt100::Color) {
    let command = estate.command(&[]);
    let own =
        command.get_envs().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())));
    let own: Vec<(String, String)> = own.collect();
    let all: Vec<_> =
        own.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied()).collect();
    let pty = Pty::spawn(BINARY, args, &all, (200, 50));
    let screen = pty.wait_for(SOON, |screen| screen.contains(word));
    let colour = pty.look(|screen| {
        let (row, line) = screen.rows(0, 200).enumerate().find(|(_, line)| line.contains(word)).unwrap();
        let column = line.split(word).next().unwrap().chars().count();
        screen.cell(u16::try_from(row).unwrap(), u16::try_from(column).unwrap()).unwrap().fgcolor()
    });
    assert!(matches!(pty.exit(SOON), Exit::Code(_)));
    (screen, colour)
}

/// The same without an estate file, in a home of its own.
fn bare(home: &Estate, args: &[&str]) -> Printed {
    let mut command = Command::new(BINARY);
    command.args(args).env_clear().env("HOME", home.beside("home")).env("LC_ALL", "C.UTF-8");
    finish(command)
}

#[test]
fn procedures_are_listed_for_people_and_for_programs_and_one_shows_what_it_asks_for() {
    let estate = Estate::default();
    estate.configure("packs = [\"cell0\"]\n");
    let params = "[params]\ndatabase = { target = \"postgres\" }\ndays = { days = [1, 30], default = 7, help = \"How old a thing must be\" }\n";
    let rows =
        "acts_on = [{ row = \"mount\", when = \"configured == true\", params = { database = \"{{row.target}}\" } }]\n";
    let step = "[[look]]\ntitle = \"Look at {{database}} after {{days}} d\"\ncheck = { exec = [\"/bin/true\"] }\n";
    estate.procedure("own", &format!("{rows}{params}"), step);
    let printed = estate.midwatch(&["procedures"]).exits(0);
    let line = |id: &str| printed.out.lines().find(|line| line.starts_with(&format!("{id}\t"))).unwrap().to_owned();
    assert_eq!(line("test/own"), "test/own\tread\tmount\town\tTest own\tprocedures/own.toml");
    assert_eq!(
        line("common/vacuum-table"),
        "common/vacuum-table\tchange\tbloat\tcommon\tVacuum <schema>.<table>\t<built-in>/common/vacuum-table.toml"
    );
    assert!(line("cell0/checklist").starts_with("cell0/checklist\tread\t-\tcell0\t"), "{}", printed.out);
    assert!(!printed.out.contains("novacron") && printed.err.is_empty(), "{}{}", printed.out, printed.err);
    let (screen, _) = drawn(&estate, &["procedures"], &[], "test/own");
    let columns = |id: &str| {
        let line = screen.lines().find(|line| line.starts_with(id)).unwrap();
        ["change", "destroy", "read", "EFFECT"].iter().find_map(|word| line.find(&format!(" {word} ")))
    };
    assert!(columns("ID").is_some() && columns("ID") == columns("test/own"), "{screen}");
    // A text narrows it, an id shows one, and nothing at all is an error that names the nearest.
    let answer = estate.midwatch(&["procedures", "VACUUM"]).exits(0);
    assert_eq!(answer.out.lines().count(), 1, "{}", answer.out);
    let one = estate.midwatch(&["procedures", "test/own"]).exits(0).out;
    for line in [
        "acts on  mount when it is named in the estate file\n",
        "  database  the name of a postgres; needed\n",
        "  days      1 to 30 days; otherwise 7\n            How old a thing must be\n",
        "midwatch plan test/own database=…\n",
    ] {
        assert!(one.contains(line), "{line}: {one}");
    }
    let file = estate.beside("midwatch.toml");
    let before = fs::read_to_string(&file).unwrap();
    estate.configure("[[postgres]]\nname = \"main\"\nwatch = \"service=nowhere\"\n");
    estate.midwatch(&["plan", "test/own", "database=main"]).prints("  days = 7   (How old a thing must be)\n");
    fs::write(&file, before).unwrap();
    estate.midwatch(&["print", "test/own"]).exits(0).prints("- `days`: `7` (1 to 30 days): How old a thing must be\n");
    let json: serde_json::Value =
        serde_json::from_str(&estate.midwatch(&["procedures", "--json"]).exits(0).out).unwrap();
    let own = json["procedures"].as_array().unwrap().iter().find(|one| one["id"] == "test/own").unwrap();
    assert_eq!(
        (&own["effect"], &own["acts_on"][0]["row"], &own["pack"]),
        (&"read".into(), &"mount".into(), &serde_json::Value::Null)
    );
    estate.midwatch(&["procedures", "test/owm"]).exits(2).prints("did you mean test/own?");
    estate.midwatch(&["run", "nope"]).exits(2).prints("midwatch procedures lists what can be run here");
    estate.midwatch(&["plan", "nope"]).exits(2).prints("midwatch procedures lists what can be run here");
    // A file that is wrong is not in the list, and not silently so.
    fs::write(estate.beside("procedures/broken.toml"), "id = 3\n").unwrap();
    let output = estate.midwatch(&["procedures"]).exits(0).prints("not in the list").prints("procedures/broken.toml");
    assert!(output.err.contains("midwatch lint"), "{}", output.err);
}

#[test]
fn where_there_is_no_estate_file_each_command_that_misses_one_says_where_it_looked() {
    let home = Estate::default();
    let own = home.beside("home/.config/midwatch/midwatch.toml").display().to_string();
    for (args, code) in [
        (&["lint"][..], 0),
        (&["check", "backups"], 3),
        (&["windows"], 0),
        (&["plan", "cell0/checklist"], 2),
        (&["print", "cell0/checklist"], 2),
        (&["run", "cell0/checklist"], 2),
        (&["rehearse", "cell0/checklist"], 2),
        (&["procedures", "cell0/checklist"], 2),
        (&["plan", "common/vacuum-table", "database=main", "schema=a", "table=b"], 2),
    ] {
        bare(&home, args).exits(code).prints(&own).prints("/etc/midwatch/midwatch.toml");
    }
    let text = bare(&home, &["lint"]).exits(0).out;
    assert!(text.starts_with("ok: 8 built-in procedures; no estate file: looked for "), "{text}");
    let output = bare(&home, &["procedures"]).exits(0).out;
    assert!(output.lines().count() == 8 && output.lines().all(|line| line.starts_with("common/")), "{output}");
}

#[test]
fn windows_have_their_weekday_and_the_clock_that_opens_them() {
    let estate = Estate::of("production");
    let text = "schema = 1\n[[window]]\nname = \"weekly\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\nzone = \"Asia/Tokyo\"\n\
        [[window]]\nname = \"in utc\"\nstarts = \"0 22 * * SAT\"\nlasts = \"1h\"\n";
    fs::write(estate.beside("windows.toml"), text).unwrap();
    let output = estate.midwatch(&["windows", "--days", "8"]).exits(0).out;
    // 02:00 of a Sunday in Tokyo is 17:00 of Saturday in UTC.
    let own = output.lines().find(|line| line.starts_with("Sat ") && line.contains("weekly")).unwrap();
    assert!(own.contains(" 17:00 UTC  Sun 02:00 Asia/Tokyo ") && own.ends_with("weekly"), "{output}");
    let utc = output.lines().find(|line| line.starts_with("Sat ") && line.ends_with("in utc")).unwrap();
    assert!(utc.contains(" 22:00 UTC  ") && !utc.contains("Tokyo"), "{output}");
    assert!(output.lines().all(|line| line == line.trim_end()), "{output}");
    // They are those beside the estate file that is named.
    let other = estate.beside("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("midwatch.toml"), "schema = 1\nname = \"o\"\nenvironment = \"other\"\n").unwrap();
    fs::write(other.join("windows.toml"), text.replace("weekly", "elsewhere")).unwrap();
    let named = other.join("midwatch.toml").display().to_string();
    for named in [named.as_str(), "other/midwatch.toml"] {
        let message = estate.midwatch(&["--config", named, "windows"]).exits(0).out;
        assert!(message.contains("elsewhere") && !message.contains("weekly"), "{message}");
    }
}

#[test]
fn a_cron_pattern_that_cannot_be_read_says_which_field_and_what_it_takes() {
    let estate = Estate::default();
    for (starts, why) in [
        ("61 2 * * *", "the minute \"61\" is not 0 to 59"),
        ("0 25 * * SUNDAY-X", "the hour \"25\" is not 0 to 23, the weekday \"SUNDAY-X\" is not 0 to 7"),
        ("0 2 * *", "it has 4 of 5 fields"),
        ("0 2 32 13 *", "the day \"32\" is not 1 to 31, or L, the month \"13\" is not 1 to 12"),
    ] {
        let text = format!("schema = 1\n[[window]]\nname = \"w\"\nstarts = \"{starts}\"\nlasts = \"2h\"\n");
        fs::write(estate.beside("windows.toml"), text).unwrap();
        let printed = estate
            .midwatch(&["lint"])
            .exits(2)
            .prints(&format!("windows.toml:4:10: `starts` is not a cron pattern: {why}"));
        assert!(!printed.out.contains("Component") && !printed.out.contains("pattern."), "{}", printed.out);
    }
}

#[test]
fn where_nothing_is_found_the_commands_say_so_with_a_way_on() {
    let estate = Estate::default();
    let runs =
        estate.midwatch(&["runs"]).exits(0).prints("no runs yet").prints("midwatch procedures lists what can be run");
    assert!(runs.err.contains("/state/runs"), "{}", runs.err);
    let json = estate.midwatch(&["runs", "--json"]).exits(0);
    assert!(json.err.is_empty(), "{}", json.err);
    for args in [&["report", "01ARZ3NDEKTSV4RRFFQ69G5FAV"][..], &["verify", "NONE"], &["attach", "--plain", "NONE"]] {
        estate
            .midwatch(args)
            .exits(2)
            .prints("there is no run")
            .prints("/state/runs")
            .prints("midwatch runs lists them");
    }
    let text = estate.midwatch(&["check", "backups", "certificates", "checklist"]).exits(3).out;
    let file = estate.beside("midwatch.toml").display().to_string();
    for line in [
        format!("unknown   backups: nothing is configured or found; [[backup]] in {file} names what it shows\n"),
        format!(
            "unknown   certificates: nothing is configured or found; [[certificate]] in {file} names what it shows\n"
        ),
        "unknown   checklist: none is open\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}{text}");
    }
}

#[test]
fn verdicts_have_colours_on_a_terminal_alone_and_signs_are_ascii_where_the_locale_is() {
    let estate = Estate::default();
    let text = estate.midwatch(&["check", "checklist"]).exits(3).out;
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let colour = |more: &[(&str, &str)]| drawn(&estate, &["check", "checklist"], more, "unknown").1;
    assert_eq!(colour(&[("TERM", "xterm-256color")]), vt100::Color::Idx(5));
    assert_eq!(colour(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), vt100::Color::Default);
    assert_eq!(colour(&[("TERM", "dumb")]), vt100::Color::Default);
    let always = "schema = 1\n[[window]]\nname = \"größe\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\n";
    fs::write(estate.beside("windows.toml"), always).unwrap();
    let in_locale = |locale: &str, args: &[&str]| {
        let mut command = estate.command(args);
        command.env("LC_ALL", locale);
        finish(command)
    };
    assert!(in_locale("C.UTF-8", &["windows"]).exits(0).out.starts_with("open: größe · "));
    let plain = in_locale("C", &["windows"]).exits(0).out;
    assert!(plain.starts_with("open: größe - "), "what comes from outside stays as it is: {plain}");
    for args in [&["check", "health"][..], &["procedures", "common/vacuum-table"], &["procedures"]] {
        let plain = in_locale("C", args);
        let own: String = plain.out.replace("größe", "");
        assert!(!own.contains(['·', '…', '–', '±']), "{own}");
    }
}

#[test]
fn a_journal_that_is_larger_than_any_is_not_read_to_its_end() {
    let estate = Estate::default();
    let run = "01JD000000000000000000000A";
    let dir = estate.state().join("runs").join(run);
    fs::create_dir_all(&dir).unwrap();
    fs::File::create(dir.join("journal.jsonl")).unwrap().set_len((1 << 30) + 1).unwrap();
    estate.midwatch(&["runs"]).exits(0).prints(run).prints("it is larger than 1.0 GiB");
    for command in ["report", "verify"] {
        estate.midwatch(&[command, run]).exits(1).prints("it is larger than 1.0 GiB");
    }
    estate.midwatch(&["report", ""]).exits(2).prints("there is no run \"\" in ");
}
