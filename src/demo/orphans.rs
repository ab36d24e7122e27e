//! For the tests: a server whose owner is killed.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Waits until it is so.
pub(super) fn wait_for(mut seen: impl FnMut() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs; one that has ended and is not collected does not.
pub(super) fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, state)| !state.trim_start().starts_with('Z'))
}

/// The directory to own a server in, in the process that [`an_owner_that_is_killed`] starts with this word; nowhere else.
pub(super) fn asked_to_own(word: &str) -> Option<PathBuf> {
    let dir = std::env::args_os().skip_while(|argument| argument != word).nth(1).map(PathBuf::from);
    dir.filter(|dir| dir.is_absolute())
}

/// Says which server is owned, and dies without a word to it.
pub(super) fn own_and_die(pid: Option<u32>, home: &std::path::Path) {
    println!("\nowned {} {}", pid.unwrap(), home.display());
    std::process::abort();
}

/// Runs the test named `word` in a process of its own, which dies with a server: after it, the server ends and its home is empty.
///
/// `signals` are shell words: what that process ignores, as a background process of a shell does.
pub(super) fn an_owner_that_is_killed(word: &str, signals: &str) {
    let above = tempfile::tempdir().unwrap();
    let mut owner = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("trap '' {signals}; exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().unwrap())
        .arg(word)
        .arg(above.path().join("it"))
        .arg("--nocapture")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let text = lines.map_while(io::Result::ok).find_map(|line| Some(line.strip_prefix("owned ")?.to_owned())).unwrap();
    let (pid, home) = text.split_once(' ').unwrap();
    assert!(!owner.wait().unwrap().success());
    let pid = pid.parse().unwrap();
    wait_for(|| !lives(pid));
    wait_for(|| fs::read_dir(home).map_or(0, Iterator::count) == 0);
}
