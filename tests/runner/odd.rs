//! Something else in the place of a file of a run: a FIFO, a device, a directory, a link without an end. No command waits for it or reads it.

use crate::support::estate::{BINARY, Estate, finish};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every regular file of a run's directory, by its path below it.
fn files(run: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![run.to_owned()], Vec::new());
    while let Some(dir) = open.pop() {
        for path in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
            match path.symlink_metadata().unwrap() {
                stat if stat.is_dir() => open.push(path),
                stat if stat.is_file() => found.push(path.strip_prefix(run).unwrap().to_owned()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

#[test]
fn no_command_blocks_on_a_fifo_or_device_in_place_of_a_file() {
    let estate = Estate::default();
    estate.procedure(
        "print",
        "",
        "[[work]]\ntitle = \"Print\"\nsave = \"out\"\nread = { exec = [\"/bin/echo\", \"printed\"] }\n\
         [[work]]\ntitle = \"Touch\"\neffect = \"change\"\nundo = { none = \"a test\" }\ndo = { exec = [\"/bin/true\"] }\n",
    );
    estate.start("print", &["--yes", "change"]).exits(0);
    let run = estate.run().dir;
    let id = run.id.to_string();
    let all = files(&run.path);
    for named in ["journal.jsonl", "plan.json", "procedure.toml", "seal.json", "presence", "start.json"] {
        assert!(all.contains(&PathBuf::from(named)), "{named}: {all:?}");
    }
    for below in ["logs", "sets", "steps"] {
        assert!(all.iter().any(|file| file.starts_with(below)), "{below}: {all:?}");
    }
    let commands = [
        &["runs"][..],
        &["verify", &id],
        &["report", &id],
        &["report", "--format", "json", &id],
        &["attach", "--plain", &id],
        &["resume", &id],
    ];
    for file in &all {
        let place = run.path.join(file);
        let kept = fs::read(&place).unwrap();
        let mode = place.metadata().unwrap().permissions();
        for odd in ["fifo", "zero", "directory"] {
            fs::remove_file(&place).unwrap();
            match odd {
                "fifo" => mknodat(CWD, &place, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
                "directory" => fs::create_dir(&place).unwrap(),
                _ => symlink("/dev/zero", &place).unwrap(),
            }
            for args in commands {
                // A command that reads on and on ends at this bound, and not well.
                let mut command = Command::new("/bin/sh");
                command.args(["-c", "ulimit -v 8000000; exec \"$@\"", "sh", BINARY]).args(args);
                estate.surround(&mut command);
                let printed = finish(command);
                assert!(printed.code.is_some(), "{args:?} with {odd} at {}: {}", file.display(), printed.err);
                assert!(
                    !printed.err.contains("panicked"),
                    "{args:?} with {odd} at {}: {}",
                    file.display(),
                    printed.err
                );
            }
            let removed = if odd == "directory" { fs::remove_dir_all(&place) } else { fs::remove_file(&place) };
            removed.unwrap();
            fs::write(&place, &kept).unwrap();
            fs::set_permissions(&place, mode.clone()).unwrap();
        }
    }
    estate.midwatch(&["verify", &id]).exits(0);
}

#[test]
fn a_run_whose_journal_is_no_file_is_damaged_for_every_command() {
    let estate = Estate::default();
    estate.procedure(
        "wait",
        "",
        "[[work]]\ntitle = \"Touch\"\neffect = \"change\"\nundo = { none = \"a test\" }\ndo = { exec = [\"/bin/true\"] }\n",
    );
    let run = estate.start_waiting("wait");
    run.kill_runner();
    let (id, journal) = (run.dir.id.to_string(), run.dir.journal());
    let kept = run.dir.path.join("kept");
    fs::rename(&journal, &kept).unwrap();
    let way = format!("abort {id} --set-aside");
    for (what, lay) in [
        ("a FIFO", &(|| mknodat(CWD, &journal, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap()) as &dyn Fn()),
        ("a symbolic link", &|| symlink(&kept, &journal).unwrap()),
        ("a symbolic link", &|| symlink("/dev/zero", &journal).unwrap()),
        ("a directory", &|| fs::create_dir(&journal).unwrap()),
    ] {
        lay();
        let why = format!("{}: it is {what}, not a file", journal.display());
        for args in [
            &["verify", &id][..],
            &["report", &id],
            &["report", "--format", "json", &id],
            &["resume", &id],
            &["abort", &id],
            &["abort", "--undo", &id],
        ] {
            let printed = estate.midwatch(args).exits(4).prints(&why).prints(&way);
            assert_eq!((printed.out + &printed.err).matches(&why).count(), 1, "{args:?} says it once");
        }
        estate.midwatch(&["runs"]).prints("damaged");
        let removed = if what == "a directory" { fs::remove_dir(&journal) } else { fs::remove_file(&journal) };
        removed.unwrap();
    }
    fs::rename(&kept, &journal).unwrap();
    run.midwatch("resume", &[]).exits(0);
    run.midwatch("abort", &[]).exits(0);
}
