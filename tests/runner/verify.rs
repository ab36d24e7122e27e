//! `midwatch verify` on the directory of a real run, whole and then spoilt.

use super::failpoints::killed;
use crate::support::estate::{Estate, SOON};
use crate::support::run::Run;
use midwatch::domain::RunStatus;
use std::fs;
use std::path::Path;

fn finished(estate: &Estate) -> Run<'_> {
    for below in ["data/a.json", "data/b.json", "logs/a.gz", "to/kept"] {
        estate.file(below, "some bytes");
    }
    let steps = r#"
[[work]]
title  = "Speak"
effect = "change"
do     = { exec = ["sh", "-c", "echo some words"] }
undo   = { none = "a test" }
[[work]]
title  = "Move"
effect = "change"
do     = { files = "move", under = "logs", match = "*.gz", to = "to" }
undo   = { files = "restore" }
[[work]]
title  = "Delete"
effect = "destroy"
do     = { files = "delete", under = "data", match = "*.json" }
undo   = { none = "a test" }
"#;
    estate.procedure("all", "", steps);
    estate.start("all", &["--yes", "change", "--confirm", "delete 2 files"]).exits(0);
    estate.run()
}

/// Spoils a file, looks, and puts it back.
fn spoilt(run: &Run<'_>, path: &Path, spoil: impl Fn(&mut Vec<u8>), code: i32, text: &str) {
    let good = fs::read(path).unwrap();
    let mut bad = good.clone();
    spoil(&mut bad);
    fs::write(path, bad).unwrap();
    let printed = run.midwatch("verify", &[]).exits(code).prints(text);
    assert!(code == 0 || !printed.out.contains("whole and"), "one verdict: {}", printed.out);
    fs::write(path, good).unwrap();
}

#[test]
fn a_whole_run_is_whole_and_every_damage_is_detected() {
    let estate = Estate::default();
    let run = finished(&estate);
    run.midwatch("verify", &[]).exits(0).prints("whole and sealed");
    let journal = run.dir.journal();
    spoilt(&run, &journal, |bytes| bytes.extend_from_slice(b"{\"v\":1,\"seq\""), 3, "torn");
    spoilt(&run, &journal, |bytes| bytes.extend_from_slice(&[0; 300]), 3, "torn");
    // Its seal has the number of records: a lost record is no torn end.
    spoilt(&run, &journal, |bytes| bytes.truncate(bytes.len() - 1), 4, "damaged: journal.jsonl: seal.json records");
    spoilt(&run, &journal, |bytes| bytes.extend_from_slice(b"{}\n"), 4, "damaged");
    let length = fs::metadata(&journal).unwrap().len() as usize;
    for place in (0..12).map(|part| part * (length - 2) / 12) {
        spoilt(&run, &journal, |bytes| bytes[place] ^= 1, 4, "damaged at record");
        spoilt(&run, &journal, |bytes| bytes[place] = 0, 4, "damaged");
        spoilt(&run, &journal, |bytes| bytes.truncate(place), 4, "damaged");
    }
    let first = fs::read(&journal).unwrap().iter().position(|byte| *byte == b'\n').unwrap();
    for place in [1, first / 2, first] {
        spoilt(&run, &journal, |bytes| bytes.truncate(place), 4, "damaged: journal.jsonl: seal.json records");
    }
    spoilt(&run, &journal, |bytes| bytes.fill(0), 4, "damaged: journal.jsonl: seal.json records");
    spoilt(&run, &journal, |bytes| bytes[length - 1] = 0, 4, "damaged: journal.jsonl: seal.json records");
    for file in ["plan.json", "procedure.toml", "logs/1.1.log"] {
        spoilt(&run, &run.dir.path.join(file), |bytes| bytes[0] ^= 1, 4, file);
    }
    // The sets: of the prompts, and of the step that another step's prompt covered.
    let sets: Vec<_> = run.view().steps.iter().filter_map(|step| step.set.clone()).collect();
    assert_eq!(sets.len(), 3);
    for set in sets {
        spoilt(&run, &run.dir.set(&set), |bytes| bytes.push(b'\n'), 4, set.as_str());
        let path = run.dir.set(&set);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        run.midwatch("verify", &[]).exits(4).prints("cannot be read");
        fs::write(&path, kept).unwrap();
    }
    run.midwatch("verify", &[]).exits(0).prints("whole and sealed");
}

#[test]
fn a_torn_end_is_cut_off_by_the_next_runner_and_a_damaged_journal_is_not_gone_on_with() {
    let estate = Estate::default();
    estate.procedure("sign", "", "[[work]]\ntitle = \"Look\"\nmanual = \"Look.\"\n");
    let run = estate.start_waiting("sign");
    run.midwatch("verify", &[]).exits(0).prints("not sealed");
    run.kill_runner();
    let good = fs::read(run.dir.journal()).unwrap();
    let damaged: Vec<u8> = good.iter().enumerate().map(|(at, byte)| if at == 40 { byte ^ 1 } else { *byte }).collect();
    fs::write(run.dir.journal(), damaged).unwrap();
    run.midwatch("resume", &[]).exits(4).prints("record 1 at byte 0");
    fs::write(run.dir.journal(), [&good[..], b"{\"v\":1,\"seq\":4"].concat()).unwrap();
    run.midwatch("verify", &[]).exits(3).prints("torn");
    run.midwatch("resume", &[]).exits(0);
    run.drive();
    assert_eq!(run.count("journal.recovered"), 1);
    run.is_whole_and_known();
}

/// The ends of the journal's lines, in bytes.
fn line_ends(bytes: &[u8]) -> Vec<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

#[test]
fn a_sealed_journal_that_is_cut_at_the_end_of_a_line_is_damaged_for_every_command() {
    let estate = Estate::default();
    let run = finished(&estate);
    let (journal, good) = (run.dir.journal(), fs::read(run.dir.journal()).unwrap());
    let mut cuts = line_ends(&good);
    cuts.pop();
    cuts.push(0);
    for seal in [true, false] {
        for cut in &cuts {
            fs::write(&journal, &good[..*cut]).unwrap();
            let before_any_attempt = fs::read_to_string(&journal).unwrap().matches("step.intent").count() == 0;
            // Without its seal beside it, the attempts show it as long as one of theirs is missing; after that nothing proves it.
            if !seal && !before_any_attempt {
                let printed = run.midwatch("verify", &[]);
                let text = fs::read_to_string(&journal).unwrap();
                if text.matches("step.intent").count() == 3 {
                    let ends = format!("not sealed: it ends after record {}", text.lines().count());
                    let answer = printed.exits(0).prints(&ends).prints("no runner has it");
                    assert!(!answer.out.contains("whole"), "{}", answer.out);
                } else {
                    printed.exits(4).prints("damaged");
                }
                continue;
            }
            run.midwatch("verify", &[]).exits(4).prints("damaged");
            run.midwatch("report", &[]).exits(4);
            run.midwatch("attach", &["--plain"]).exits(4);
            run.midwatch("resume", &[]).exits(4);
            run.midwatch("abort", &[]).exits(4);
            estate.midwatch(&["runs"]).exits(0).prints("damaged");
        }
        let _ = fs::remove_file(run.dir.path.join("seal.json"));
    }
    fs::write(&journal, &good).unwrap();
    run.midwatch("verify", &[]).exits(0).prints("whole and sealed");
    run.midwatch("attach", &["--plain"]).exits(0);
}

#[test]
fn damage_after_a_prompt_or_after_the_seal_is_never_called_waiting_or_ok() {
    let estate = Estate::default();
    let run = finished(&estate);
    let (journal, good) = (run.dir.journal(), fs::read(run.dir.journal()).unwrap());
    fs::write(&journal, [&good[..], b"{}\n"].concat()).unwrap();
    run.midwatch("attach", &["--plain"]).exits(4).prints("record ");
    estate.procedure("sign", "", "[[work]]\ntitle = \"Look\"\nmanual = \"Look.\"\n");
    let run = estate.start_waiting("sign");
    run.kill_runner();
    let good = fs::read(run.dir.journal()).unwrap();
    fs::write(run.dir.journal(), [&good[..], b"{}\n"].concat()).unwrap();
    run.midwatch("attach", &["--plain"]).exits(4);
}

#[test]
fn a_run_that_never_began_is_not_waited_for_and_can_be_removed() {
    let estate = Estate::default();
    estate.procedure("sign", "", "[[work]]\ntitle = \"Look\"\nmanual = \"Look.\"\n");
    let run = estate.start_waiting("sign");
    run.kill_runner();
    let good = fs::read(run.dir.journal()).unwrap();
    for torn in [&b""[..], &[0; 300], &good[..40]] {
        fs::write(run.dir.journal(), torn).unwrap();
        run.midwatch("verify", &[]).exits(3).prints("never began");
        run.midwatch("attach", &["--plain"]).exits(4).prints("never began");
        run.midwatch("resume", &[]).exits(7).prints("remove it: midwatch abort");
        estate
            .midwatch(&["runs"])
            .exits(0)
            .prints("never began")
            .prints(&format!("remove it: midwatch abort {}", run.dir.id));
    }
    run.midwatch("abort", &[]).exits(0).prints("its directory is removed");
    assert!(!run.dir.path.exists());
    estate.midwatch(&["runs"]).exits(0).prints("no runs yet");
}

/// A checklist whose one item is looked at: its log is written before the record of the look.
const LOOK: &str = r#"
[[before]]
title = "Fresh"
check = { files = "newest", under = "backups", match = "*.gz", younger = "24h" }
"#;

#[test]
fn a_runner_killed_between_a_log_and_its_record_leaves_no_damaged_run() {
    let mut estate = Estate::default().with("MIDWATCH_FAILPOINT", "intent.pre@1");
    estate.file("backups/a.gz", "some bytes");
    estate.procedure("list", "order = \"any\"", LOOK);
    estate.start("list", &[]);
    killed(&mut estate, "intent.pre", "intent.pre@1");
    let run = estate.run();
    assert!(run.dir.log("1.1.log").exists(), "the log is there before its record");
    assert_eq!(run.count("step.intent"), 0);
    run.midwatch("verify", &[]).exits(0).prints("not sealed: it ends after record").prints("no runner has it");
    run.midwatch("resume", &[]).exits(0);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    run.is_whole_and_known();
}

const STEP: &str =
    "[[work]]\ntitle = \"S\"\neffect = \"change\"\ndo = { exec = [\"true\"] }\nundo = { none = \"x\" }\n";

#[test]
fn a_run_that_no_runner_can_resume_is_set_aside_by_a_person() {
    let estate = Estate::default();
    estate.procedure("one", "lock = [\"target\"]", STEP);
    for name in ["start.json", "plan.json", "journal.jsonl"] {
        let run = estate.start_waiting("one");
        let (id, file) = (run.dir.id.to_string(), run.dir.path.join(name));
        // A run that can be resumed is not set aside, nor one with a runner.
        run.midwatch("abort", &["--set-aside"]).exits(7).prints("by a person at a terminal");
        run.kill_runner();
        let mut bytes = fs::read(&file).unwrap();
        let spoilt = bytes.len() / 2;
        bytes[spoilt] ^= 1;
        fs::write(&file, if name == "start.json" { Vec::new() } else { bytes }).unwrap();
        run.midwatch("verify", &[]).exits(4).prints("damaged");
        for command in ["resume", "abort"] {
            run.midwatch(command, &[]).prints(&format!("midwatch abort {id} --set-aside"));
        }
        estate.start("one", &["--yes", "change"]).exits(6).prints(&format!("midwatch abort {id} --set-aside"));
        let pty = estate.terminal(&["abort", &id, "--set-aside"], (120, 24));
        pty.wait_for(SOON, |screen| screen.contains("to put it aside"));
        pty.send("nothing\r");
        pty.wait_for(SOON, |screen| screen.contains("nothing was done"));
        assert!(run.dir.path.exists());
        let pty = estate.terminal(&["abort", &id, "--set-aside"], (120, 24));
        pty.wait_for(SOON, |screen| screen.contains("to put it aside"));
        pty.send(format!("{id}\r"));
        pty.wait_for(SOON, |screen| screen.contains("lies in"));
        assert!(!run.dir.path.exists() && estate.state().join("aside").join(&id).join(name).exists());
        estate.start("one", &["--yes", "change"]).exits(0);
    }
}
