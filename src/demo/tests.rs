use super::*;
use crate::demo::place::{LOCK, MARKER};
use std::thread::JoinHandle;

/// A keeper in a thread, in place of its process.
fn start(dir: &Path) -> JoinHandle<Result<()>> {
    let dir = dir.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(supervisor::keep_until(&dir, std::future::pending()))
    })
}

fn wait_for(mut seen: impl FnMut() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory whose path is far longer than a socket address may be.
fn deep() -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("d".repeat(150)).join("demo");
    (above, dir)
}

#[test]
fn a_living_keeper_is_found_again_and_stop_removes_everything() {
    let (_above, dir) = deep();
    let place = Place::create(&dir).unwrap();
    let supervisor = start(&dir);
    // The program would fail at once: a keeper lives, so it is not started.
    wait_for(|| place.is_kept().unwrap());
    let demo = ensure(&dir, Path::new("/bin/false")).unwrap();
    assert!(demo.already && demo.config.is_file() && demo.state.is_dir());
    assert!(fs::read_to_string(dir.join(supervisor::READY)).unwrap().contains("midwatch.toml"));
    let lock = fs::read_to_string(dir.join(LOCK)).unwrap();
    assert!(lock.starts_with(&format!("pid {}\nstart ", std::process::id())) && lock.contains("\nboot "), "{lock}");
    assert_eq!(ask(&place, "dance", PING_LIMIT).unwrap(), "unknown request");
    // The keeper may close before all of it is written.
    let _ = ask(&place, &"x".repeat(100_000), PING_LIMIT);

    let second = start(&dir).join().unwrap();
    assert_eq!(second.unwrap_err().kind, Kind::Locked);
    assert!(answers(&place), "the second keeper did no harm");

    assert!(stop(&dir).unwrap());
    assert!(!dir.exists());
    supervisor.join().unwrap().unwrap();
    assert!(!stop(&dir).unwrap(), "there is nothing left to stop");
}

#[test]
fn the_demos_redis_is_read_and_ends_with_it() {
    use crate::config::estate::Estate;
    use crate::config::paths::Surroundings;
    use crate::domain::{TargetKind, Verdict};
    use crate::probes::{self, Target};
    let (_above, dir) = deep();
    let place = Place::create(&dir).unwrap();
    let supervisor = start(&dir);
    wait_for(|| place.is_kept().unwrap());
    let demo = ensure(&dir, Path::new("/bin/false")).unwrap();
    assert_eq!(demo.absent, Vec::<String>::new());
    let estate = Estate::load(&demo.config).unwrap();
    let targets = probes::estate::targets(&estate, &Surroundings::default());
    let queue: Vec<Target> = targets.into_iter().filter(|target| matches!(target, Target::Redis(_))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(probes::read_all(queue, Duration::from_secs(10)));
    let [rows] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!((rows.kind, rows.target.as_str(), rows.rows.len()), (TargetKind::Redis, "queue", 4));
    for row in &rows.rows {
        let seen = row.observation.as_ref().unwrap();
        assert_eq!((seen.verdict, &row.lost), (Verdict::Ok, &None), "{row:?}");
        assert!(row.source.starts_with("unix:///") && row.source.ends_with("/redis.sock"), "{}", row.source);
    }
    let socket = PathBuf::from(rows.rows[0].source.trim_start_matches("unix://"));
    assert!(socket.exists());
    assert!(stop(&dir).unwrap());
    supervisor.join().unwrap().unwrap();
    assert!(!socket.exists() && !dir.exists() && UnixStream::connect(&socket).is_err());
}

#[test]
fn a_keeper_ends_when_its_directory_is_removed() {
    let (_above, dir) = deep();
    let place = Place::create(&dir).unwrap();
    let supervisor = start(&dir);
    wait_for(|| answers(&place));
    let quarantined = dir.with_file_name("elsewhere");
    fs::rename(&dir, &quarantined).unwrap();
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("precious"), "x").unwrap();
    supervisor.join().unwrap().unwrap();
    assert!(dir.join("precious").exists() && quarantined.join(MARKER).exists(), "it removed what was not its own");
}

#[test]
fn leftovers_of_a_dead_keeper_are_cleaned_but_not_the_records_of_runs() {
    let (_above, dir) = deep();
    let place = Place::create(&dir).unwrap();
    fs::create_dir_all(dir.join("srv/cell0/data/sessions")).unwrap();
    fs::write(dir.join("srv/cell0/data/sessions/left.json"), "x").unwrap();
    fs::create_dir_all(dir.join("state/runs/01J")).unwrap();
    fs::write(dir.join(supervisor::READY), "pid 1\n").unwrap();
    drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
    assert!(!answers(&place), "nothing listens on the socket that was left");
    let supervisor = start(&dir);
    wait_for(|| answers(&place));
    assert_eq!(fs::read_dir(dir.join("srv/cell0/data/sessions")).unwrap().count(), 1200);
    assert!(dir.join("state/runs/01J").exists());
    assert!(stop(&dir).unwrap());
    supervisor.join().unwrap().unwrap();
}

#[test]
fn leftovers_are_removed_by_stop_and_other_directories_never() {
    let (above, dir) = deep();
    Place::create(&dir).unwrap();
    fs::create_dir_all(dir.join("srv")).unwrap();
    assert!(stop(&dir).unwrap() && !dir.exists());

    let other = above.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("precious"), "x").unwrap();
    assert_eq!(stop(&other).unwrap_err().kind, Kind::Refused);
    assert_eq!(ensure(&other, Path::new("/bin/false")).unwrap_err().kind, Kind::Refused);
    std::os::unix::fs::symlink(&other, above.path().join("link")).unwrap();
    assert_eq!(stop(&above.path().join("link")).unwrap_err().kind, Kind::Refused);
    assert!(other.join("precious").exists());
}

#[test]
fn a_keeper_that_cannot_start_fails_at_once_with_the_reason() {
    let (_above, dir) = deep();
    let began = Instant::now();
    assert!(ensure(&dir, Path::new("/bin/false")).is_err());
    assert!(ensure(&dir, Path::new("/no/such/program")).unwrap_err().message.contains("/no/such/program"));
    fs::write(dir.join(supervisor::FAILED), "an old story\n").unwrap();
    assert!(!ensure(&dir, Path::new("/bin/false")).unwrap_err().message.contains("old story"));
    fs::write(dir.join(build::STATE), "in the way").unwrap();
    let error = ensure(&dir, &std::env::current_exe().unwrap()).unwrap_err();
    assert!(error.message.contains("cannot make") && error.message.contains("state"), "{error}");
    assert!(began.elapsed() < START_LIMIT);
}

/// What `ensure` starts in these tests: the test program with `__keeper DIR`, which it takes for the names of tests to run.
#[test]
fn __keeper() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, dir] = args.as_slice()
        && word == "__keeper"
    {
        supervisor::keep(Path::new(dir)).unwrap();
    }
}

#[test]
fn a_keeper_is_a_process_of_its_own_that_survives_a_hang_up_and_cleans_up_when_terminated() {
    use rustix::process::{Pid, Signal, kill_process};
    let (_above, dir) = deep();
    let exe = std::env::current_exe().unwrap();
    let pid = || {
        let lock = fs::read_to_string(dir.join(LOCK)).unwrap();
        lock.lines().next().unwrap().strip_prefix("pid ").unwrap().parse::<i32>().unwrap()
    };
    let send = |signal| kill_process(Pid::from_raw(pid()).unwrap(), signal).unwrap();
    assert!(!ensure(&dir, &exe).unwrap().already);
    let first = pid();
    let stat = fs::read_to_string(format!("/proc/{first}/stat")).unwrap();
    let session = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(session, first.to_string());

    send(Signal::HUP);
    let place = Place::open(&dir).unwrap();
    // Each answer is one turn of the keeper's loop, which has seen the signal after a few.
    assert!((0..50).all(|_| answers(&place)));
    assert!(ensure(&dir, &exe).unwrap().already);
    assert_eq!(pid(), first);

    fs::create_dir(dir.join("state/kept")).unwrap();
    send(Signal::KILL);
    wait_for(|| !place.is_kept().unwrap());
    assert!(!ensure(&dir, &exe).unwrap().already);
    assert!(pid() != first && dir.join("state/kept").exists());

    send(Signal::TERM);
    wait_for(|| !dir.exists());
    // At once again: the ending keeper and the new one do not meet.
    assert!(!ensure(&dir, &exe).unwrap().already);
    assert!(stop(&dir).unwrap() && !dir.exists());
}

#[test]
fn two_that_start_at_once_share_one_keeper() {
    let (_above, dir) = deep();
    let exe = std::env::current_exe().unwrap();
    let both = [(); 4].map(|()| {
        let (dir, exe) = (dir.clone(), exe.clone());
        std::thread::spawn(move || ensure(&dir, &exe))
    });
    for one in both {
        one.join().unwrap().unwrap();
    }
    assert!(stop(&dir).unwrap());
}

#[test]
fn a_crowd_of_silent_clients_does_not_keep_others_out() {
    let (_above, dir) = deep();
    let place = Place::create(&dir).unwrap();
    let supervisor = start(&dir);
    wait_for(|| answers(&place));
    let crowd: Vec<_> = (0..100).filter_map(|_| UnixStream::connect(place.socket()).ok()).collect();
    assert!(crowd.len() >= 64);
    wait_for(|| answers(&place));
    assert!(stop(&dir).unwrap());
    supervisor.join().unwrap().unwrap();
}
