//! What was confirmed is what runs: a program that is replaced after the answer is not started.

use crate::support::estate::{BINARY, Estate, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Ask, Choice, Closed, Ending, Event, Lapsed, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// An executable script that appends a word to `done`.
fn script(estate: &Estate, name: &str, word: &str) -> PathBuf {
    let text = format!("#!/bin/sh\necho {word} >>{}\n", estate.tree("done").display());
    estate.file(name, &text);
    let path = estate.tree(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Writes the procedure of one step that runs this.
fn procedure(estate: &Estate, argv: &[&str]) {
    procedure_with(estate, argv, "");
}

/// The same with further keys of its action.
fn procedure_with(estate: &Estate, argv: &[&str], keys: &str) {
    let steps = format!(
        "[[work]]\ntitle = \"Run it\"\neffect = \"change\"\ndo = {{ exec = {argv:?}{keys} }}\nundo = {{ none = \"a test\" }}\n"
    );
    estate.procedure("one", "", &steps);
}

/// An estate with a service that answers when the test lets it, so that the panes are read as long as that.
fn slow() -> (Estate, TcpListener) {
    let estate = Estate::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    estate.configure(&format!("[[service]]\nname = \"slow\"\nurl = \"{url}\"\ntimeout = \"50s\"\n"));
    (estate, listener)
}

/// Confirms the run while the panes are read, lets something happen, and lets the panes come.
fn confirmed_and_then<'a>(estate: &'a Estate, listener: TcpListener, happens: impl FnOnce()) -> Run<'a> {
    let run = estate.start_waiting("one");
    let (mut asked, _) = listener.accept().unwrap();
    let first = run.prompt();
    run.accept(&first, consent(&first));
    happens();
    asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    drop((asked, listener));
    let second = run.prompt_after(&first.id);
    let lapsed: Vec<Event> =
        run.events().into_iter().filter(|event| matches!(event, Event::ConsentLapsed { .. })).collect();
    assert!(matches!(&lapsed[..], [Event::ConsentLapsed { prompt, step: 0, .. }] if *prompt == first.id), "{lapsed:?}");
    assert_eq!((run.count("step.intent"), estate.lines("done")), (0, 0));
    run.accept(&second, consent(&second));
    run
}

fn outcome(run: &Run<'_>) -> Outcome {
    run.wait("an outcome", |view| view.steps[0].outcome.is_some()).steps[0].outcome.clone().unwrap()
}

fn replace(with: &Path, what: &Path) {
    fs::rename(with, what).unwrap();
}

#[test]
fn a_consent_whose_set_cannot_be_kept_again_lapses_for_that_and_not_for_a_drift() {
    let (estate, listener) = slow();
    let shown = script(&estate, "program", "shown");
    procedure(&estate, &[shown.to_str().unwrap()]);
    let run = estate.start_waiting("one");
    let (mut asked, _) = listener.accept().unwrap();
    let first = run.prompt();
    run.accept(&first, consent(&first));
    let (sets, away) = (run.dir.path.join("sets"), run.dir.path.join("sets.away"));
    fs::rename(&sets, &away).unwrap();
    asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    drop((asked, listener));
    let next = run.prompt_after(&first.id);
    let lapsed = run.events().into_iter().find_map(|event| match event {
        Event::ConsentLapsed { step: 0, why, drift, .. } => Some((why, drift.join("; "))),
        _ => None,
    });
    let (why, cause) = lapsed.unwrap();
    assert!(why == Lapsed::Unread && cause.contains("no such file or directory"), "{why:?}: {cause}");
    assert_eq!((run.count("step.intent"), estate.lines("done")), (0, 0));
    fs::rename(&away, &sets).unwrap();
    run.accept(&next, decide(Choice::Retry));
    let again = run.prompt_after(&next.id);
    run.accept(&again, consent(&again));
    assert_eq!(outcome(&run).ending, Ending::Ok);
    let printed = run.midwatch("report", &[]).exits(0);
    assert!(printed.out.contains("could not be read again: ") && !printed.out.contains("drifted"), "{}", printed.out);
    estate.nothing_runs();
}

#[test]
fn a_program_that_is_replaced_after_the_answer_is_asked_about_again() {
    let (estate, listener) = slow();
    let (shown, other) = (script(&estate, "program", "shown"), script(&estate, "other", "other"));
    procedure(&estate, &[shown.to_str().unwrap()]);
    let run = confirmed_and_then(&estate, listener, || replace(&other, &shown));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(fs::read_to_string(estate.tree("done")).unwrap(), "other\n", "that was confirmed the second time");
    run.is_whole_and_known();
    let text = format!("{} is another file than the one shown", shown.display());
    run.midwatch("report", &[]).exits(0).prints("answer lapsed, what was confirmed has drifted").prints(&text);
}

#[test]
fn an_answer_given_in_advance_counts_once() {
    for effect in ["change", "destroy"] {
        let (estate, listener) = slow();
        let (shown, other) = (script(&estate, "program", "shown"), script(&estate, "other", "other"));
        let steps = format!(
            "[[work]]\ntitle = \"Run it\"\neffect = \"{effect}\"\ndo = {{ exec = [{shown:?}] }}\nundo = {{ none = \"a test\" }}\n"
        );
        estate.procedure("one", "", &steps);
        let printed = std::thread::scope(|scope| {
            let run = scope.spawn(|| estate.start("one", &["--yes", "change", "--confirm", "run program"]));
            let (mut asked, _) = listener.accept().unwrap();
            wait_for("the answer", || (estate.run().count("answer.accepted") == 1).then_some(()));
            replace(&other, &shown);
            asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            drop((asked, listener));
            run.join().unwrap()
        });
        printed.exits(75).prints("asks again: an answer given in advance counts once");
        let run = estate.run();
        assert_eq!((run.count("prompt.opened"), run.count("answer.accepted")), (2, 1), "{effect}");
        assert_eq!((run.count("step.intent"), estate.lines("done")), (0, 0), "{effect}");
    }
}

#[test]
fn a_file_that_the_arguments_name_is_compared_as_well() {
    let (estate, listener) = slow();
    estate.file("text", &format!("echo shown >>{}\n", estate.tree("done").display()));
    let text = estate.tree("text");
    procedure(&estate, &["sh", text.to_str().unwrap()]);
    let other = format!("echo other >>{}\n", estate.tree("done").display());
    let run = confirmed_and_then(&estate, listener, || fs::write(&text, &other).unwrap());
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    run.is_whole_and_known();
}

/// Which of the files that a program runs and reads is replaced.
#[derive(Clone, Copy, Debug)]
enum Replaced {
    NativeProgram,
    Script,
    Interpreter,
    InterpreterByEnv,
    InterpreterByItsPath,
    ScriptOfAShell,
    Argument,
    ArgumentBehindALetter,
}

/// The run of a program of whose files one is another when its shim begins, as if it had been replaced after the last look.
fn started_on_another(what: Replaced) -> (Estate, Outcome) {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_FAILPOINT", "stop:intent.post");
    let shown = script(&estate, "shown", "shown");
    let (done, made) = (estate.tree("done"), estate.tree("made"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let argv = match what {
        Replaced::NativeProgram => {
            fs::copy("/bin/touch", &shown).unwrap();
            vec![path(&shown), path(&made)]
        }
        Replaced::Script => vec![path(&shown)],
        Replaced::Interpreter | Replaced::InterpreterByEnv | Replaced::InterpreterByItsPath => {
            fs::copy("/bin/sh", &shown).unwrap();
            let by_it = script(&estate, "by-it", "shown");
            let named = match what {
                Replaced::InterpreterByEnv => format!("/usr/bin/env -S {}", shown.display()),
                Replaced::InterpreterByItsPath => "/usr/bin/env -S shown".to_owned(),
                _ => shown.display().to_string(),
            };
            fs::write(&by_it, format!("#!{named} -e\necho shown >>{}\n", done.display())).unwrap();
            vec![path(&by_it)]
        }
        Replaced::ScriptOfAShell => vec!["sh".to_owned(), path(&shown)],
        Replaced::Argument => vec!["cp".to_owned(), path(&shown), path(&made)],
        Replaced::ArgumentBehindALetter => {
            vec!["sed".to_owned(), format!("-f{}", shown.display()), format!("-nw{}", made.display())]
        }
    };
    let keys = match what {
        Replaced::InterpreterByItsPath => format!(", env = {{ PATH = \"{}\" }}", estate.tree("").display()),
        _ => String::new(),
    };
    procedure_with(&estate, &argv.iter().map(String::as_str).collect::<Vec<_>>(), &keys);
    let other = script(&estate, "other", "other");
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    let runner = run.runner();
    run.accept(&prompt, consent(&prompt));
    // The runner stops between the last look and the start of the shim.
    let stat = format!("/proc/{runner}/stat");
    wait_for("the stop", || fs::read_to_string(&stat).unwrap().contains(") T ").then_some(()));
    replace(&other, &shown);
    kill_process(Pid::from_raw(i32::try_from(runner).unwrap()).unwrap(), Signal::CONT).unwrap();
    let end = outcome(&run);
    drop(run);
    (estate, end)
}

#[test]
fn a_file_replaced_after_the_last_look_is_not_executed() {
    use Replaced::{Argument, ArgumentBehindALetter, Interpreter, InterpreterByEnv, InterpreterByItsPath};
    use Replaced::{NativeProgram, Script, ScriptOfAShell};
    let by_interpreter = [Interpreter, InterpreterByEnv, InterpreterByItsPath];
    for what in
        [NativeProgram, Script, ScriptOfAShell, Argument, ArgumentBehindALetter].into_iter().chain(by_interpreter)
    {
        let (estate, end) = started_on_another(what);
        assert_eq!((end.ending, end.code), (Ending::Failed, Some(126)), "{what:?}: {end:?}");
        let text = format!("could not be started: {} is another file", estate.tree("shown").display());
        assert!(end.detail.contains(&text), "{what:?}: {end:?}");
        assert_eq!((estate.lines("done"), estate.tree("made").exists()), (0, false), "{what:?}");
    }
}

#[test]
fn the_prompt_names_files_that_are_not_compared() {
    let estate = Estate::default();
    estate.file("dir/one", "");
    let (dir, made) = (estate.tree("dir"), estate.tree("made"));
    let (dir, made) = (dir.to_str().unwrap(), made.to_str().unwrap());
    let code = "files that the text in its arguments runs or reads".to_owned();
    for (argv, expected) in [
        (vec!["sh", "-c", "true"], Some(code.clone())),
        (vec!["bash", "-euc", "true"], Some(code)),
        (vec!["cp", "-r", dir, made], Some(format!("files in {dir}"))),
        (vec!["touch", made], None),
    ] {
        procedure(&estate, &argv);
        let run = estate.start_waiting("one");
        let Ask::Confirm { preview, .. } = run.prompt().ask else { panic!("{argv:?}") };
        let found = preview.facts.iter().find(|(name, _)| name == "not compared").map(|(_, text)| text.clone());
        assert_eq!(found, expected, "{argv:?}");
        run.midwatch("abort", &[]).exits(0);
        run.sealed();
    }
}

#[test]
fn the_act_runs_the_runners_own_program_even_if_its_path_is_replaced() {
    let estate = Estate::default();
    let own = estate.beside("own");
    let estate = estate.running(&own);
    fs::copy(BINARY, &own).unwrap();
    let evil = script(&estate, "other", "evil");
    for below in ["logs/a.gz", "to/kept"] {
        estate.file(below, "some bytes");
    }
    let done = estate.tree("done");
    let steps = format!(
        "[[work]]\ntitle = \"Say\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"echo acted >>{}\"] }}\n\
         undo = {{ none = \"a test\" }}\n[[work]]\ntitle = \"Move\"\neffect = \"change\"\n\
         do = {{ files = \"move\", under = \"logs\", match = \"*.gz\", to = \"to\" }}\nundo = {{ files = \"restore\" }}\n",
        done.display()
    );
    estate.procedure("one", "", &steps);
    let run = estate.start_waiting("one");
    let first = run.prompt();
    fs::remove_file(&own).unwrap();
    run.accept(&first, consent(&first));
    let second = run.prompt_after(&first.id);
    fs::rename(&evil, &own).unwrap();
    run.accept(&second, consent(&second));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(fs::read_to_string(&done).unwrap(), "acted\n");
    assert!(estate.tree("to/a.gz").exists());
}

#[test]
fn a_native_program_keeps_its_names_and_is_executed_by_its_descriptor() {
    let estate = Estate::default();
    let program = estate.tree("own-name");
    fs::copy("/bin/sh", &program).unwrap();
    let text = "cat /proc/$$/comm; tr '\\0' '\\n' </proc/$$/cmdline; readlink /proc/$$/exe; ls -l /proc/$$/fd; true";
    procedure(&estate, &[program.to_str().unwrap(), "-c", text]);
    estate.start("one", &["--yes", "change"]).exits(0);
    let log = fs::read_to_string(estate.run().dir.log("1.1.log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!((lines[0], lines[1], lines[2]), ("own-name", program.to_str().unwrap(), "-c"), "{log}");
    assert!(lines.contains(&program.to_str().unwrap()), "the very file is executed: {log}");
    let leaked = ["socket:", "spec.json"];
    assert!(log.contains("/dev/null") && !leaked.iter().any(|what| log.contains(what)), "{log}");
}

#[test]
fn a_script_changed_while_its_interpreter_starts_is_ended_and_reported() {
    let estate = Estate::default();
    let shown = estate.tree("program");
    // It changes itself in its place, and would go on for long.
    let text = "#!/bin/sh\necho '#' >>\"$0\"\necho begun >>\"${0%/*}/done\"\nsleep 600\n";
    estate.file("program", text);
    fs::set_permissions(&shown, fs::Permissions::from_mode(0o755)).unwrap();
    procedure(&estate, &[shown.to_str().unwrap()]);
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Unknown, "{end:?}");
    assert!(end.detail.contains("what ran is not what was confirmed") && end.detail.contains("was stopped"), "{end:?}");
    estate_is_quiet(&run);
}

/// That nothing but the runner is there.
fn estate_is_quiet(run: &Run<'_>) {
    wait_for("the end of the act", || {
        run.estate.processes().iter().all(|process| process.line.contains(" __runner ")).then_some(())
    });
}

#[test]
fn a_script_that_replaces_itself_by_a_new_one_goes_on() {
    let estate = Estate::default();
    let shown = estate.tree("program");
    let text = "#!/bin/sh\ncp \"$0\" \"$0.new\"\necho '#' >>\"$0.new\"\nmv \"$0.new\" \"$0\"\n\
                while ! test -e \"${0%/*}/go\"; do sleep 0.02; done\necho done >>\"${0%/*}/done\"\n";
    estate.file("program", text);
    fs::set_permissions(&shown, fs::Permissions::from_mode(0o755)).unwrap();
    procedure(&estate, &[shown.to_str().unwrap()]);
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    wait_for("the new script", || fs::read_to_string(&shown).unwrap().ends_with("#\n").then_some(()));
    // The second comparison is a tenth of a second after the start, and leaves no trace.
    let began = std::time::Instant::now();
    wait_for("the second comparison", || (began.elapsed().as_millis() > 400).then_some(()));
    fs::write(estate.tree("go"), "").unwrap();
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Ok, "{end:?}");
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_script_that_others_could_replace_is_refused() {
    let estate = Estate::default();
    let shown = script(&estate, "program", "shown");
    fs::set_permissions(&shown, fs::Permissions::from_mode(0o757)).unwrap();
    procedure(&estate, &[shown.to_str().unwrap()]);
    estate.start("one", &["--yes", "change"]).prints("is a script, and others may write to");
    assert_eq!((estate.run().count("step.intent"), estate.lines("done")), (0, 0));
}

#[test]
fn a_file_that_changes_all_the_time_can_still_be_confirmed() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_PROMPT_REREAD", "50");
    estate.file("log", "one\n");
    let log = estate.tree("log");
    procedure(&estate, &["truncate", "-s", "0", log.to_str().unwrap()]);
    let run = estate.start_waiting("one");
    let write = || File::options().append(true).open(&log).unwrap().write_all(b"more\n").unwrap();
    let warns = |view: &midwatch::journal::fold::RunView| {
        let open = view.prompt.as_ref();
        open.is_some_and(|open| matches!(&open.ask, Ask::Confirm { preview, .. } if !preview.warnings.is_empty()))
    };
    wait_for("the warning", || {
        write();
        warns(&run.view()).then_some(())
    });
    let closed = |event: &Event| matches!(event, Event::PromptClosed { why: Closed::Drifted, .. });
    assert!(run.events().iter().filter(|event| closed(event)).count() >= 2);
    let prompt = run.prompt();
    write();
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
}
