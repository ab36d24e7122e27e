//! How a run is named on the command line, and the commands that Midwatch prints to be typed.

use crate::support::estate::{BINARY, Estate, Printed, finish};
use std::fs;
use std::path::Path;
use std::process::Command;

fn estate() -> Estate {
    let estate = Estate::default();
    estate.procedure("sign", "", "[[look]]\ntitle = \"Sign\"\nmanual = \"Sign.\"\n");
    estate
}

/// Runs a line as a shell takes it, where `midwatch` is this program and nothing else is set.
fn typed(estate: &Estate, line: &str) -> Printed {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    estate.surround(&mut command);
    let programs = Path::new(BINARY).parent().unwrap().to_str().unwrap();
    command.env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()));
    command.env_remove("MIDWATCH_CONFIG").env_remove("MIDWATCH_STATE");
    finish(command)
}

#[test]
fn the_command_that_is_printed_leads_back_to_the_run_as_it_stands() {
    let estate = estate();
    // Both are named by an option alone, and a shell would cut their names.
    let (place, state) = (estate.beside("a place's"), estate.beside("a state"));
    fs::create_dir_all(place.join("procedures")).unwrap();
    fs::copy(estate.beside("midwatch.toml"), place.join("midwatch.toml")).unwrap();
    fs::copy(estate.procedure_file("sign"), place.join("procedures/sign.toml")).unwrap();
    let quoted = |path: &Path| format!("'{}'", path.to_str().unwrap().replace('\'', "'\\''"));
    let options = format!("--config {} --state {}", quoted(&place.join("midwatch.toml")), quoted(&state));
    let printed = typed(&estate, &format!("midwatch run test/sign {options}")).exits(75);
    let line = printed.out.lines().find_map(|line| line.strip_prefix("it waits for a person: ")).expect(&printed.out);
    assert!(line.contains(" --config '"), "{line}");
    let again = typed(&estate, &format!("{line} --plain")).exits(75);
    assert!(again.out.contains(&format!("it waits for a person: {line}")), "{}", again.out);
    // From the environment they come by themselves.
    let answer = estate.start("sign", &[]).exits(75);
    answer.prints(&format!("it waits for a person: midwatch attach {}", estate.run().dir.id));
    typed(&estate, &format!("midwatch abort {options} {}", line.rsplit(' ').next().unwrap())).exits(0);
    estate.run().midwatch("abort", &[]).exits(0);
    estate.nothing_runs();
}

#[test]
fn the_end_of_an_id_names_a_run_and_one_that_fits_several_lists_them() {
    let estate = estate();
    estate.start_waiting("sign");
    let run = estate.run().dir;
    let id = run.id.as_str();
    let end = &id[20..];
    estate.midwatch(&["report", end]).exits(0).prints(id);
    estate.midwatch(&["attach", "--help"]).exits(0).prints("or the end of it");
    // Another one whose id ends so.
    let other = format!("{}{}{end}", &id[..19], if id.as_bytes()[19] == b'7' { '8' } else { '7' });
    let from = run.path.to_str().unwrap().to_owned();
    let copied = Command::new("cp").args(["-r", &from, &from.replace(id, &other)]).status().unwrap();
    assert!(copied.success());
    let printed = estate.midwatch(&["report", end]).exits(2);
    for expected in [&format!("2 runs have an id that ends in {end}"), id, &other, "Test sign"] {
        assert!(printed.err.contains(expected), "{expected}: {}", printed.err);
    }
    let longer = &id[19..];
    estate.midwatch(&["report", longer]).exits(0).prints(id);
    fs::remove_dir_all(from.replace(id, &other)).unwrap();
    estate.midwatch(&["abort", end]).exits(0);
    estate.nothing_runs();
}
