//! A standard output that is closed, full or broken: no command panics, and each keeps its documented exit code.

use crate::support::estate::{BINARY, Estate, SOON, finish, wait_for};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

const STEP: &str = "[[look]]\ntitle = \"Look\"\ncheck = { exec = [\"/bin/true\"] }\n[[look]]\ntitle = \"Say\"\nnotify = \"It looks good.\"\n";

/// What standard output or standard error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Full,
    Broken,
    Closed,
}

impl End {
    fn pipe(self) -> Stdio {
        match self {
            Self::Whole | Self::Closed => Stdio::null(),
            Self::Full => File::options().write(true).open("/dev/full").unwrap().into(),
            Self::Broken => {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                writer.into()
            }
        }
    }
}

fn status(mut command: Command) -> ExitStatus {
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    wait_for("the end of a command", || {
        let ended = child.try_wait().unwrap();
        if ended.is_none() && began.elapsed() > SOON / 2 {
            let _ = child.kill();
        }
        ended
    })
}

/// Its exit code with such outputs. Closed descriptors are a shell's to make.
fn code(estate: &Estate, args: &[&str], out: End, err: End) -> i32 {
    let mut command = if out == End::Closed || err == End::Closed {
        let close = |end: End, number: u32| if end == End::Closed { format!(" {number}>&-") } else { String::new() };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("exec \"$@\"{}{}", close(out, 1), close(err, 2)), "sh", BINARY]).args(args);
        estate.surround(&mut command);
        command
    } else {
        estate.command(args)
    };
    command.stdout(out.pipe()).stderr(err.pipe());
    let ended = status(command);
    ended.code().unwrap_or_else(|| panic!("{args:?} {out:?} {err:?}: signal {:?}", ended.signal()))
}

#[test]
fn no_command_panics_and_each_keeps_its_code() {
    let estate = Estate::default();
    estate.procedure("look", "", STEP);
    estate.start("look", &[]).exits(0);
    let run = estate.run().dir.id.to_string();
    // With the code where all is printed, and where standard output cannot be written.
    let commands: [(&[&str], i32, i32); 18] = [
        (&["run", "test/look"], 0, 0),
        (&["run", "test/look", "--json"], 0, 0),
        (&["attach", "--plain", &run], 0, 0),
        (&["verify", &run], 0, 0),
        (&["report", &run], 0, 1),
        (&["report", "--format", "json", &run], 0, 1),
        (&["runs"], 0, 1),
        (&["runs", "--json"], 0, 1),
        (&["plan", "test/look"], 0, 1),
        (&["print", "test/look"], 0, 1),
        (&["rehearse", "test/look"], 0, 1),
        (&["windows"], 0, 1),
        (&["lint", "--json"], 0, 1),
        (&["schema", "procedure"], 0, 1),
        (&["man"], 0, 1),
        (&["completions", "bash"], 0, 1),
        (&["demo", "--stop"], 0, 0),
        (&["resume", &run], 2, 2),
    ];
    for (args, whole, full) in commands {
        for (out, wanted) in [(End::Whole, whole), (End::Broken, whole), (End::Closed, whole), (End::Full, full)] {
            // Standard error is whole beside it, or shares its fate; a whole one stands beside a full one.
            let err = if out == End::Whole { End::Full } else { out };
            for err in [End::Whole, err] {
                assert_eq!(code(&estate, args, out, err), wanted, "{args:?} {out:?} {err:?}");
            }
        }
    }
    let check = code(&estate, &["check"], End::Whole, End::Whole);
    assert!((0..=3).contains(&check));
    assert_eq!(code(&estate, &["check"], End::Broken, End::Whole), check);
    assert_eq!(code(&estate, &["check"], End::Full, End::Whole), 3);
}

#[test]
fn a_full_output_is_said_once_on_standard_error() {
    let estate = Estate::default();
    estate.procedure("look", "", STEP);
    for (args, word) in [(&["run", "test/look"][..], "the command goes on"), (&["runs"], "write to standard output")] {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$@\" >/dev/full", "sh", BINARY]).args(args);
        estate.surround(&mut command);
        let printed = finish(command);
        assert_eq!(printed.err.to_lowercase().matches("no space").count(), 1, "{}", printed.err);
        assert!(printed.err.contains(word) && !printed.err.contains("panicked"), "{}", printed.err);
    }
}

#[test]
fn without_arguments_and_with_few_descriptors_it_ends_by_itself() {
    let estate = Estate::default();
    estate.procedure("look", "", STEP);
    for limit in [3, 4, 6, 8, 12] {
        for args in [&["run", "test/look"][..], &["runs"], &["check"], &["verify", "none"]] {
            let mut command = Command::new("/bin/sh");
            let script = format!("ulimit -n {limit}; exec \"$@\"");
            command.args(["-c", &script, "sh", BINARY]).args(args);
            estate.surround(&mut command);
            let printed = finish(command);
            let code = printed.code.unwrap_or_else(|| panic!("{args:?} with {limit} descriptors: {}", printed.err));
            assert!(code != 101 && !printed.err.contains("panicked"), "{args:?} with {limit}: {code} {}", printed.err);
        }
    }
}

#[test]
fn json_hides_no_character_and_keeps_its_value() {
    let estate = Estate::default();
    let title = "a\u{9b}31m\u{202e}b\u{200b}\u{e0041}c";
    estate.procedure("odd", "", &format!("[[look]]\ntitle = \"{title}\"\ncheck = {{ exec = [\"/bin/true\"] }}\n"));
    estate.start("odd", &[]);
    let run = estate.run().dir.id.to_string();
    let mut holds = 0;
    for args in [
        &["plan", "--json", "test/odd"][..],
        &["rehearse", "--json", "test/odd"],
        &["check", "--json"],
        &["runs", "--json"],
        &["windows", "--json"],
        &["lint", "--json"],
        &["report", "--format", "json", &run],
    ] {
        let printed = estate.midwatch(args);
        let hidden =
            |c: char| (c.is_control() && c != '\n') || matches!(u32::from(c), 0x200b..=0x202e | 0xe0000..=0xe007f);
        assert!(!printed.out.contains(hidden), "{args:?}: {:?}", printed.out);
        let value: serde_json::Value =
            serde_json::from_str(&printed.out).unwrap_or_else(|why| panic!("{args:?}: {why}"));
        holds += usize::from(has(&value, title));
    }
    assert!(holds >= 2, "the title is in {holds} of them");
}

/// Whether a text is one of the strings of a value.
fn has(value: &serde_json::Value, text: &str) -> bool {
    match value {
        serde_json::Value::String(own) => own == text,
        serde_json::Value::Array(items) => items.iter().any(|item| has(item, text)),
        serde_json::Value::Object(entries) => entries.values().any(|item| has(item, text)),
        _ => false,
    }
}
