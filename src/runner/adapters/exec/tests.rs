use super::*;
use crate::config::reader::parse as parse_toml;
use crate::domain::Wall;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn action(toml: &str) -> Action {
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml(toml, &mut problems);
    let known = Known { trusted: &[], secrets: None, databases: None };
    let action = parse(Purpose::Do, table, &Scope::default(), &known, &mut problems);
    assert_eq!(problems.into_sorted(), []);
    action.unwrap()
}

fn ran(toml: &str) -> (ActEnd, String) {
    let mut out = Vec::new();
    let end = act(&action(toml), &mut out, &AtomicBool::new(false));
    (end, String::from_utf8(out).unwrap())
}

fn look(effect: EffectClass) -> Look {
    Look {
        limit: None,
        takes_s: None,
        undo: String::new(),
        host: "h".to_owned(),
        effect,
        now: Wall::from_unix(0, 0),
        deadline: Instant::now() + Duration::from_secs(60),
        restless: Vec::new(),
    }
}

#[test]
fn only_programs_that_cannot_write_are_readers() {
    let trusted = ["/opt/doctor.py".to_owned()];
    for name in ["df", "/bin/ls", "/usr/bin/test", "/opt/doctor.py"] {
        assert!(is_reader(name, &trusted), "{name}");
    }
    for name in
        ["find", "sort", "date", "hostname", "sh", "/tmp/df", "/opt/df", "doctor.py", "/bin/sh", "", "/bin/../tmp/df"]
    {
        assert!(!is_reader(name, &trusted), "{name}");
    }
    assert_eq!(action("exec = ['df']").least, EffectClass::Read);
    assert_eq!(action("exec = ['df']\nenv = { A = 'b' }").least, EffectClass::Change);
}

#[test]
fn it_sees_its_own_environment_and_nothing_of_ours() {
    let (end, out) = ran("exec = ['/usr/bin/env']\nenv = { N = 1, PATH = '/x' }\ncwd = '/'");
    assert_eq!(end.ending, Ending::Ok);
    let names: Vec<_> = out.lines().map(|line| line.split('=').next().unwrap()).collect();
    assert!(names.iter().all(|name| ["PATH", "LANG", "HOME", "N"].contains(name)), "{names:?}");
    assert!(out.contains("N=1\n") && out.contains("PATH=/x\n") && out.contains("LANG=C.UTF-8\n"));
    assert_eq!(ran("exec = ['cat']").1, "", "standard input is empty");
    assert_eq!(ran("exec = ['echo', '$HOME', '*', 'a b']").1, "$HOME * a b\n", "no shell reads the arguments");
}

#[test]
fn ends_are_distinguished() {
    let cases = [
        ("exec = ['true']", Ending::Ok, "exit code 0"),
        ("exec = ['/bin/sh', '-c', 'exit 3']", Ending::Failed, "exit code 3"),
        ("exec = ['/bin/sh', '-c', 'kill -9 $$']", Ending::Failed, "killed by signal 9"),
    ];
    for (toml, ending, detail) in cases {
        let (end, _) = ran(toml);
        assert_eq!((end.ending, end.detail.as_str(), end.is_unknown()), (ending, detail, false), "{toml}");
    }
    let (end, _) = ran("exec = ['df']\ncwd = '/no/such/place'");
    assert!(end.is_unknown() && end.detail.starts_with("unknown: cannot start "), "{}", end.detail);
    let (end, _) = ran("exec = ['/no/such/program']");
    assert_eq!((end.ending, end.is_unknown()), (Ending::Failed, false), "an act that cannot start did not act");
}

#[test]
fn a_proof_is_read_from_the_exit() {
    let proof = |toml: &str| prove(&action(toml), &mut Vec::new(), &AtomicBool::new(false));
    assert!(matches!(proof("exec = ['test', '-d', '/']"), Proof::Done(_)));
    assert!(matches!(proof("exec = ['test', '-f', '/']"), Proof::NotDone(_)));
    assert!(matches!(proof("exec = ['grep', 'x', '/no/such/file']"), Proof::Unclear(_)));
    assert!(matches!(proof("exec = ['/no/such/program']"), Proof::Unclear(_)));
}

#[test]
fn all_output_arrives_even_what_is_written_last() {
    let (end, out) = ran("exec = ['/bin/sh', '-c', 'head -c 300000 /dev/zero; echo end >&2']");
    assert_eq!((end.ending, out.len()), (Ending::Ok, 300_004));
}

#[test]
fn a_child_that_keeps_the_output_open_is_not_waited_for() {
    // If the run waited for it, its line would be in the output.
    let (end, out) = ran("exec = ['/bin/sh', '-c', '(sleep 30; echo late) & echo started']");
    assert_eq!((end.ending, out.as_str()), (Ending::Ok, "started\n"));
}

#[test]
fn a_cancelled_flood_that_ignores_term_is_killed() {
    struct ExitNotice(mpsc::Sender<()>);
    impl Write for ExitNotice {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let flood = action("exec = ['/bin/sh', '-c', 'trap \"\" TERM; while :; do echo x; done']");
    let cancel = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| act(&flood, &mut ExitNotice(sender), &cancel));
        receiver.recv().unwrap();
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(running.join().unwrap().ending, Ending::Cancelled);
    });
}

#[test]
fn the_preview_freezes_the_very_program() {
    let home = tempfile::tempdir().unwrap();
    let tool = home.path().join("my tool");
    let toml = format!(
        "exec = ['{}', 'a b']\ncwd = '{}'\nenv = {{ SECRETLY = 'hidden' }}",
        tool.display(),
        home.path().display()
    );
    let frozen = |effect| {
        let mut set = Vec::new();
        preview(&action(&toml), &look(effect), &mut set).map(|preview| (preview, set))
    };
    assert!(frozen(EffectClass::Change).unwrap_err().message.contains("no such file, or it cannot be executed"));
    std::fs::copy("/bin/true", &tool).unwrap();
    let (preview, before) = frozen(EffectClass::Destroy).unwrap();
    assert_eq!(preview.headline, format!("Run '{}' 'a b'", tool.display()));
    assert_eq!((preview.phrase.as_str(), preview.count), ("run my-tool", 1));
    assert_eq!(preview.facts[0], ("program".to_owned(), tool.display().to_string()));
    assert!(!String::from_utf8(before.clone()).unwrap().contains("hidden"), "values of variables are not shown");
    assert_eq!(before, frozen(EffectClass::Change).unwrap().1);
    std::fs::remove_file(&tool).unwrap();
    std::fs::copy("/bin/false", &tool).unwrap();
    let after = frozen(EffectClass::Change).unwrap().1;
    let lines = adapters::drift(&mut &*before, &mut &*after);
    // The new file may have got the same inode.
    let new = [" is another file than the one shown", " has changed since it was shown"];
    assert!(new.iter().any(|what| lines == [format!("{}{what}", tool.display())]), "{lines:?}");
    assert_eq!(adapters::items(&mut &*after, 0, 9).unwrap().1.len(), 1);
}

#[test]
fn a_bare_name_is_found_in_the_fixed_path_only() {
    assert!(resolve("true").is_ok());
    let error = resolve("no-such-program-here").unwrap_err();
    assert!(error.message.ends_with(&format!("it is not in {PATH}")), "{}", error.message);
    assert!(resolve("/etc").is_err() && resolve("/etc/passwd").is_err());
}
