//! Every undo is asked for before step 1, and nothing is changed by asking.

use crate::support::estate::{Estate, Said};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A step that changes something by exec and is taken back by a program.
fn exec(undo: &str) -> String {
    format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"touch\", \"{{tree}}/made\"] }}\nundo = {{ {undo} }}\n"
    )
}

const MOVE: &str = "[[work]]\ntitle = \"Move\"\neffect = \"change\"\n\
    do = { files = \"move\", under = \"logs\", match = \"*.gz\", to = \"old/logs\" }\nundo = { files = \"restore\" }\n";

fn rehearsed(estate: &Estate, steps: &str) -> Said {
    estate.procedure("p", "", steps);
    let said = estate.midwatch(&["rehearse", "test/p"]);
    assert!(estate.runs().is_empty(), "a rehearsal is no run");
    said
}

#[test]
fn a_program_must_be_there_and_executable() {
    let estate = Estate::default();
    rehearsed(&estate, &exec("exec = [\"rm\", \"{tree}/made\"]")).exits(0).says("rm can be executed");
    rehearsed(&estate, &exec("exec = [\"no-such-program\"]")).exits(1).says("not possible").says("no-such-program");
    estate.file("undo", "#!/nowhere/sh\n");
    let undo = exec("exec = [\"{tree}/undo\"]");
    rehearsed(&estate, &undo).exits(1).says("cannot be executed");
    fs::set_permissions(estate.tree("undo"), fs::Permissions::from_mode(0o755)).unwrap();
    rehearsed(&estate, &undo).exits(1).says("needs /nowhere/sh");
    rehearsed(&estate, &exec("exec = [\"rm\", \"x\"], cwd = \"/nowhere\"")).exits(1).says("/nowhere is no directory");
    let none = rehearsed(&estate, &exec("none = \"nobody minds\"")).exits(0).says("no way back").says("nobody minds");
    assert!(none.out.ends_with("0 undos; 1 step has no way back\n"), "{}", none.out);
    assert_eq!(estate.names(""), ["undo"], "nothing was made");
}

#[test]
fn files_go_back_only_where_both_ends_can_be_written() {
    let estate = Estate::default();
    rehearsed(&estate, MOVE).exits(1).says("logs is not there");
    estate.file("logs/a.gz", "a");
    rehearsed(&estate, MOVE).exits(0).says("logs and old/logs, which will be made, can be written");
    assert_eq!(estate.names(""), ["logs"], "nothing was made");
    symlink("logs", estate.tree("old")).unwrap();
    rehearsed(&estate, MOVE).exits(1).says("old/logs cannot be entered: a symbolic link is in the way");
}

#[test]
fn what_an_undo_needs_is_read_first() {
    let estate = Estate::default();
    estate.file("logs/a.gz", "a");
    let read = "[[look]]\ntitle = \"Newest\"\nread = { files = \"newest\", under = \"logs\", match = \"*.gz\" }\nsave = \"before\"\n";
    let with = |fact: &str| format!("{read}{}", exec(&format!("exec = [\"echo\", \"{{{{before.{fact}}}}}\"]")));
    rehearsed(&estate, &with("name")).exits(0).says("echo can be executed");
    rehearsed(&estate, &with("missing")).exits(1).says("has no `missing`");
    fs::remove_dir_all(estate.tree("logs")).unwrap();
    rehearsed(&estate, &with("name")).exits(8).says("`before` could not be read");
}

#[test]
fn the_role_of_act_is_asked_for_its_rights() {
    let place = tempfile::tempdir().unwrap();
    let mut postgres = PrivatePostgres::start(&place.path().join("pg"), &Setup::default()).unwrap();
    let schema = "CREATE ROLE admin LOGIN; CREATE ROLE small LOGIN; CREATE TABLE public.tasks (id int); \
        ALTER TABLE public.tasks OWNER TO admin; GRANT SELECT ON public.tasks TO small; GRANT USAGE ON SCHEMA public TO small;";
    postgres.sql("postgres", schema).unwrap();
    let estate = Estate::default();
    let names = |role: &str| {
        let (watch, act) = (postgres.conninfo("postgres"), postgres.conninfo_as(role, "postgres"));
        let text = format!(
            "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[[postgres]]\nname = \"main\"\nwatch = \"\"\"{watch}\"\"\"\nact = \"\"\"{act}\"\"\"\n"
        );
        fs::write(estate.beside("midwatch.toml"), text).unwrap();
    };
    let step = |act: &str, undo: &str| {
        format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ sql = '{act}' }}\nundo = {{ sql = '{undo}' }}\n"
        )
    };
    let insert = step("INSERT INTO public.tasks VALUES (1)", "UPDATE public.tasks SET id = 0 WHERE id = 1");
    let alter = step("ALTER TABLE public.tasks ADD y int", "ALTER TABLE public.tasks RENAME y TO z");
    names("admin");
    rehearsed(&estate, &insert).exits(0).says("the server plans it");
    rehearsed(&estate, &alter).exits(0).says("owns public.tasks");
    let gone = step("ANALYZE public.tasks", "ALTER TABLE public.gone RENAME y TO z");
    rehearsed(&estate, &gone).exits(1).says("public.gone is not there");
    names("small");
    rehearsed(&estate, &insert).exits(1).says("permission denied");
    rehearsed(&estate, &alter).exits(1).says("does not own public.tasks");
    rehearsed(&estate, &step("ANALYZE public.tasks", "VACUUM public.tasks")).exits(8).says("maintain");
    names("nobody");
    rehearsed(&estate, &insert).exits(1).says("`act` gets no session");
    names("admin");
    postgres.stop();
    rehearsed(&estate, &insert).exits(8).says("unknown");
}

#[test]
fn the_answers_are_told_as_json() {
    let estate = Estate::default();
    let both = format!("{}{MOVE}", exec("exec = [\"rm\", \"{tree}/made\"]"));
    estate.procedure("p", "", &both);
    let said = estate.midwatch(&["rehearse", "test/p", "--json"]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let answers: Vec<_> =
        report["steps"].as_array().unwrap().iter().map(|step| step["answer"].as_str().unwrap()).collect();
    assert_eq!(answers, ["possible", "not possible"]);
    assert_eq!(report["exit"], 1);
}
