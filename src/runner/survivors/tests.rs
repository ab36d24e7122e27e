use super::*;
use std::process::{Child, Command, Stdio};

/// A directory of an attempt, with a process that waits for the end of its standard input.
struct Attempt {
    _home: tempfile::TempDir,
    dir: std::path::PathBuf,
}

impl Attempt {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        // A directory of its own: the search covers the whole machine, where other tests run as well.
        let run = home.path().file_name().unwrap().to_owned();
        let dir = home.path().join(run).join("steps").join("3.1");
        fs::create_dir_all(&dir).unwrap();
        Self { _home: home, dir }
    }

    fn keeps(&self, file: &str, value: &impl serde::Serialize) {
        fs::write(self.dir.join(file), serde_json::to_vec(value).unwrap()).unwrap();
    }

    fn pids(&self) -> Vec<u32> {
        of_attempt(&self.dir).into_iter().map(|living| living.id.pid).collect()
    }
}

struct Waits(Child);

impl Waits {
    fn with(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("cat");
        command.env_clear().envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn only_processes_with_the_mark_belong_to_the_attempt() {
    let attempt = Attempt::new();
    let own = mark(&attempt.dir);
    let run = names(&attempt.dir).0;
    assert_eq!(own, format!("{run}.3.1"));
    let here = Waits::with(&[(MARK, &own)]);
    let older = Waits::with(&[("MIDWATCH_RUN", &run), (MARK, "3.1")]);
    let _other = Waits::with(&[(MARK, &format!("{run}.3.10"))]);
    let _foreign = Waits::with(&[("MIDWATCH_RUN", &format!("{run}x")), (MARK, "3.1")]);
    let mut expected = vec![here.0.id(), older.0.id()];
    expected.sort_unstable();
    let mut found = attempt.pids();
    found.sort_unstable();
    assert_eq!(found, expected);
    let shown = of_attempt(&attempt.dir).into_iter().find(|living| living.id.pid == here.0.id()).unwrap().shown();
    assert_eq!(shown, format!("{} (cat)", here.0.id()));
    drop(here);
    assert_eq!(attempt.pids(), [older.0.id()]);
    // No process of another boot is alive.
    let shim = ProcessId { boot_id: "another".to_owned(), ..ProcessId::own().unwrap() };
    attempt.keeps("shim.json", &shim);
    assert_eq!(attempt.pids(), Vec::<u32>::new());
}

#[test]
fn a_process_without_a_mark_is_found_by_its_group_unless_that_number_was_reused() {
    use std::os::unix::process::CommandExt;
    let attempt = Attempt::new();
    let mut leader = Command::new("cat");
    let mut leader = Waits(leader.env_clear().process_group(0).stdin(Stdio::piped()).spawn().unwrap());
    let mut member = Command::new("cat");
    member.env_clear().process_group(i32::try_from(leader.0.id()).unwrap()).stdin(Stdio::piped());
    let member = Waits(member.spawn().unwrap());
    let id = ProcessId::of(leader.0.id()).unwrap();
    let record = |id: &ProcessId| ActRecord {
        id: id.clone(),
        group: Some(id.pid),
        session: None,
        cgroup: cgroup_of(std::process::id()),
        own_group: None,
    };
    attempt.keeps("shim.json", &id);
    attempt.keeps("act.json", &record(&id));
    assert_eq!(attempt.pids(), [leader.0.id(), member.0.id()]);
    // The act is killed, its child is not.
    leader.0.kill().unwrap();
    leader.0.wait().unwrap();
    assert_eq!(attempt.pids(), [member.0.id()]);
    // In another control group it cannot be the act's.
    attempt.keeps("act.json", &ActRecord { cgroup: Some("0::/elsewhere".to_owned()), ..record(&id) });
    assert_eq!(attempt.pids(), Vec::<u32>::new());
    attempt.keeps("act.json", &record(&id));
    // Another process has the number of the leader.
    let own = ProcessId::own().unwrap();
    let later = ProcessId { start: own.start + 1, ..own };
    attempt.keeps("act.json", &ActRecord { group: record(&id).group, ..record(&later) });
    assert_eq!(attempt.pids(), Vec::<u32>::new());
}

#[test]
fn a_process_is_ended_as_itself() {
    let attempt = Attempt::new();
    let mut waits = Waits::with(&[(MARK, &mark(&attempt.dir))]);
    let living = of_attempt(&attempt.dir);
    assert_eq!(living.len(), 1);
    let another =
        Living { id: ProcessId { start: living[0].id.start + 1, ..living[0].id.clone() }, ..living[0].clone() };
    another.signal(Signal::KILL).unwrap();
    assert!(waits.0.try_wait().unwrap().is_none(), "another process of that pid was meant");
    living[0].signal(Signal::KILL).unwrap();
    waits.0.wait().unwrap();
    living[0].signal(Signal::KILL).unwrap();
}

#[test]
fn what_waits_to_be_written_down_never_began() {
    let attempt = Attempt::new();
    let spec = |holds: bool| {
        let child = r#"{"program":{"path":"/bin/true","argv":[],"cwd":"/","env":{}}}"#;
        let text = format!(r#"{{"dir":"/","child":{child},"log":"/l","timeout_ms":1,"grace_ms":1,"holds":{holds}}}"#);
        fs::write(attempt.dir.join("spec.json"), text).unwrap();
    };
    spec(false);
    assert!(!never_began(&attempt.dir), "an older version wrote it down after the start");
    spec(true);
    assert!(never_began(&attempt.dir));
    attempt.keeps("act.json", &ProcessId::own().unwrap());
    assert!(!never_began(&attempt.dir));
}

#[test]
fn group_session_and_start_are_found_behind_any_name() {
    let stat = "7 (a b) c) S 1 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2 3";
    let found = Stat::parse(stat).unwrap();
    assert_eq!((found.group, found.session, found.start), (8, 9, 4242));
    assert!(Stat::parse(&stat.replace(") S", ") Z")).is_none() && Stat::parse("garbage").is_none());
}

/// The attempt that [`__without_descriptors`] looks at, in a process of its own whose descriptors it uses up.
const LOOKED_AT: &str = "MIDWATCH_TEST_ATTEMPT";

#[test]
fn __without_descriptors() {
    let Some(dir) = std::env::var_os(LOOKED_AT) else { return };
    let mut held = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        held.push(file);
    }
    let found = of_attempt(Path::new(&dir));
    drop(held);
    println!("found: {}", shown(&found));
}

#[test]
fn what_cannot_be_looked_at_is_not_taken_for_ended() {
    let attempt = Attempt::new();
    let child = Waits::with(&[(MARK, &mark(&attempt.dir))]);
    assert_eq!(attempt.pids(), [child.0.id()]);
    let mut command = Command::new("sh");
    let own = std::env::current_exe().unwrap();
    let line = "ulimit -n 64; exec \"$0\" --exact runner::survivors::tests::__without_descriptors --nocapture";
    command.args(["-c", line]).arg(own).env(LOOKED_AT, &attempt.dir);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(text.contains("found: 0 (not to be seen: "), "{text}");
}
