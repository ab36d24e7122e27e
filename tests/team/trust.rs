//! What others can change is not used; and another user's run is not taken over with root's rights unasked.

use super::people::{ANNA, BEN, ROOT, Team, is_root};
use crate::support::estate::{Estate, Printed};
use crate::support::pty::SOON;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

const CHANGE: &str = r#"
[[work]]
title  = "Append a line"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/done"] }
undo   = { none = "a test" }
"#;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A command's answer while a place has another mode.
fn while_open(place: &Path, mode: u32, command: &dyn Fn() -> Printed) -> Printed {
    let before = fs::metadata(place).unwrap().permissions();
    chmod(place, mode);
    let printed = command();
    fs::set_permissions(place, before).unwrap();
    printed
}

#[test]
fn an_estate_its_procedures_and_windows_are_refused_where_others_can_change_them() {
    let estate = Estate::default();
    estate.procedure("one", "", CHANGE);
    fs::write(estate.beside("windows.toml"), "schema = 1\n").unwrap();
    let file = estate.beside("procedures/one.toml");
    let start = || estate.start("one", &["--yes", "change"]);
    for (place, mode, command) in [
        (estate.beside("midwatch.toml"), 0o666, "chmod go-w "),
        (estate.beside("midwatch.toml"), 0o646, "chmod o-w "),
        (estate.beside(""), 0o777, "chmod go-w "),
        (estate.beside("windows.toml"), 0o666, "chmod go-w "),
        (estate.beside("procedures"), 0o777, "chmod go-w "),
        (file.clone(), 0o602, "chmod o-w "),
    ] {
        let place = place.to_str().unwrap().trim_end_matches('/').to_owned();
        let printed = while_open(Path::new(&place), mode, &start).exits(2);
        printed.prints(&format!("others may write to {place} (mode {mode:04o})")).prints(&format!("{command}{place}"));
        let lint = while_open(Path::new(&place), mode, &|| estate.midwatch(&["lint"]));
        assert_ne!(lint.code, Some(0), "{place}");
        lint.prints(&format!("others may write to {place}"));
    }
    assert_eq!(estate.lines("done"), 0);
    start().exits(0);
    if !is_root() {
        return;
    }
    for place in [estate.beside("midwatch.toml"), file, estate.beside("procedures")] {
        chown(&place, Some(BEN.uid), None).unwrap();
        let place = place.display().to_string();
        start().exits(2).prints(&format!("{place} belongs to uid {}", BEN.uid)).prints(&format!("chown root {place}"));
        chown(&place, Some(0), None).unwrap();
    }
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_device_in_a_files_place_is_named_and_no_command_would_change_it() {
    let estate = Estate::default();
    estate.procedure("one", "", CHANGE);
    for name in ["procedures/one.toml", "windows.toml", "themes/own.toml", "keymaps/own.toml", "midwatch.toml"] {
        let file = estate.beside(name);
        let kept = fs::read(&file).ok();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for device in ["/dev/zero", "/dev/tty"] {
            let _ = fs::remove_file(&file);
            symlink(device, &file).unwrap();
            let lint = estate.midwatch(&["lint", file.to_str().unwrap()]);
            let mut text = lint.out + &lint.err;
            // A theme and a keymap that are not in use stop no run.
            if !name.ends_with("own.toml") {
                let start = estate.start("one", &["--yes", "change"]).exits(2);
                text += &(start.out + &start.err);
            }
            assert!(text.contains("it is a character device, not a file"), "{name}: {text}");
            assert!(!["chmod", "chown", "others may write"].iter().any(|word| text.contains(word)), "{name}: {text}");
        }
        fs::remove_file(&file).unwrap();
        if let Some(kept) = kept {
            fs::write(&file, kept).unwrap();
        }
    }
    assert_eq!(estate.lines("done"), 0);
    estate.start("one", &["--yes", "change"]).exits(0);
}

#[test]
fn a_strangers_procedure_with_the_id_of_a_built_in_one_is_not_run_and_neither_is_the_built_in_one() {
    let estate = Estate::default();
    let id = "cell0/health-check";
    estate.configure("packs = [\"cell0\"]\n");
    estate.midwatch(&["plan", id]).prints("health");
    let text = format!(
        "format = 1\nid = \"{id}\"\ntitle = \"Harmless\"\nphases = [\"w\"]\n[[w]]\ntitle = \"health\"\ncheck = {{ exec = [\"true\"] }}\n"
    );
    let file = estate.beside("procedures/p.toml");
    fs::write(&file, text).unwrap();
    chmod(&file, 0o666);
    estate
        .midwatch(&["run", id])
        .exits(2)
        .prints("cannot use the procedure")
        .prints("others may write to")
        .prints("chmod go-w");
    chmod(&file, 0o644);
    estate.midwatch(&["run", id]).exits(0);
}

#[test]
fn a_program_that_runs_without_a_confirmation_is_refused_where_others_can_change_it() {
    let estate = Estate::default();
    fs::create_dir(estate.beside("bin")).unwrap();
    let program = estate.beside("bin/doctor");
    fs::write(&program, format!("#!/bin/sh\necho ran >>{}\n", estate.tree("ran").display())).unwrap();
    chmod(&program, 0o755);
    estate.configure(&format!(
        "trusted_reads = [\"{0}\"]\n[[notify]]\nname = \"pager\"\nprogram = [\"{0}\"]\n",
        program.display()
    ));
    estate.procedure(
        "check",
        "",
        &format!("[[work]]\ntitle = \"Look\"\ncheck = {{ exec = [\"{}\"] }}\n", program.display()),
    );
    estate.procedure("notify", "", "[[work]]\ntitle = \"Page\"\nnotify = [\"pager\"]\nmessage = \"m\"\n");
    for name in ["check", "notify"] {
        for (place, mode) in [(estate.beside("bin"), 0o777), (program.clone(), 0o777)] {
            let printed = while_open(&place, mode, &|| estate.start(name, &[]));
            // An undelivered notice stops no run; a check that could not run does.
            assert!(name == "notify" || printed.code != Some(0), "{}", printed.out);
            printed.prints("is run without a confirmation, and others may write to").prints("chmod go-w");
        }
    }
    assert_eq!(estate.lines("ran"), 0);
    for (name, ran) in [("check", 1), ("notify", 2)] {
        estate.start(name, &[]).exits(0);
        assert_eq!(estate.lines("ran"), ran);
    }
}

#[test]
fn a_members_run_is_not_taken_over_with_the_rights_of_root_unasked() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    team.estate.procedure("one", "", CHANGE);
    let run = team.start_waiting(ANNA, "one", &[]);
    run.kill_runner();
    let id = run.dir.id.as_str();
    let sudo = format!("sudo -u '#{}' midwatch --state {}", ANNA.uid, team.estate.state().display());
    for (words, verb) in
        [(vec!["resume", id], "resume"), (vec!["abort", id], "abort"), (vec!["abort", "--undo", id], "abort --undo")]
    {
        let printed = team.midwatch(ROOT, &words).exits(7);
        printed.prints(&format!("belongs to uid {}", ANNA.uid)).prints(&format!("{sudo} {verb} {id}"));
        team.midwatch(BEN, &words).exits(7).prints("only they or root can take it over");
        assert!(!run.dir.runner_lives());
    }
    // At a terminal root is shown whose run it is and what it still does, and asked for the owner's name.
    let wrong = team.terminal(ROOT, &["resume", id], (100, 24));
    wrong.wait_for(SOON, |screen| screen.contains("type the owner's name") && screen.contains("1. Append a line"));
    assert!(!wrong.screen().contains("the undo of"), "nothing is there to undo");
    wrong.send("root\r");
    wrong.wait_for(SOON, |screen| screen.contains("the name does not match"));
    wrong.exit(SOON);
    assert!(!run.dir.runner_lives());
    let right = team.terminal(ROOT, &["resume", id], (100, 24));
    right.wait_for(SOON, |screen| screen.contains("type the owner's name"));
    right.send(format!("uid {}\r", ANNA.uid));
    right.wait_for(SOON, |screen| screen.contains("goes on"));
    right.exit(SOON);
    assert_eq!(fs::metadata(format!("/proc/{}", run.runner())).unwrap().uid(), 0);
    // A runner at work is stopped through its own process, for any client.
    team.midwatch(ROOT, &["abort", id]).exits(0);
    run.sealed();
    let other = team.start_waiting(ANNA, "one", &[]);
    team.midwatch(ROOT, &["abort", other.dir.id.as_str()]).exits(0);
    other.sealed();
}

#[test]
fn a_user_that_a_directory_service_alone_knows_is_called_by_name() {
    if !is_root() {
        return;
    }
    // A user record as systemd's name service reads it, in a file system of this test's own.
    let own = "mount -t tmpfs tmpfs /run && mkdir /run/userdb && cd /run/userdb &&
        echo '{\"userName\":\"clara\",\"uid\":61077,\"gid\":61077}' >clara.user && ln -s clara.user 61077.user &&
        getent passwd clara >/dev/null || exit 77; exec \"$@\"";
    let estate = Estate::default();
    chown(estate.beside("midwatch.toml"), Some(61_077), None).unwrap();
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", own, "sh"]).arg(crate::support::estate::BINARY).args(["procedures"]);
    estate.surround(&mut command);
    let printed = crate::support::estate::finish(command);
    if printed.code == Some(77) {
        eprintln!("no name service reads user records here");
        return;
    }
    printed.exits(2).prints("midwatch.toml belongs to clara, not to root or to you");
    estate.midwatch(&["procedures"]).exits(2).prints("belongs to uid 61077");
}

#[test]
fn root_is_warned_of_each_undo_that_would_run_with_its_rights() {
    if !is_root() {
        return;
    }
    let team = Team::of("other");
    let undone = CHANGE.replace("undo   = { none = \"a test\" }", "undo   = { exec = [\"rm\", \"{tree}/done\"] }");
    team.estate.procedure("two", "", &format!("{undone}\n[[work]]\ntitle = \"Look\"\nmanual = \"Look.\"\n"));
    let run = team.start_waiting(ANNA, "two", &["--yes", "change"]);
    run.kill_runner();
    let pty = team.terminal(ROOT, &["abort", "--undo", run.dir.id.as_str()], (120, 24));
    pty.wait_for(SOON, |screen| {
        let lines = ["2. Look", "the undo of 1. Append a line, where the run is rolled back", "type the owner's name"];
        lines.iter().all(|part| screen.contains(part))
    });
    pty.send("no\r");
    pty.exit(SOON);
    assert!(!run.dir.runner_lives());
}
