//! What a console leaves where it is the first that needs the state directory: nothing that others can read.

use super::{Home, MIDWATCH, WIDE, leave};
use crate::support::pty::{Pty, SOON};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Every path below a directory with its mode, the directory included.
fn modes(path: &Path, found: &mut Vec<(String, u32)>) {
    let is = fs::symlink_metadata(path).unwrap();
    found.push((path.display().to_string(), is.mode() & 0o777));
    if is.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| modes(&entry.unwrap().path(), found));
    }
}

#[test]
fn the_state_directory_is_for_its_user_alone_whichever_command_makes_it() {
    for umask in ["000", "002", "022", "077"] {
        let home = Home::with("", &[("list", super::LIST)]);
        let own = home.environment();
        let environment: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // The estate is the user's alone all the same.
        let script = format!("umask {umask}; exec {MIDWATCH} --state {}", home.word("local/state/midwatch"));
        let pty = Pty::spawn("sh", &["-c", &script], &environment, WIDE);
        pty.wait_until(SOON, vt100::Screen::alternate_screen);
        leave(&pty);
        let mut found = Vec::new();
        modes(&home.path("local"), &mut found);
        assert!(found.iter().any(|(path, _)| path.ends_with(".log")), "{found:?}");
        let open: Vec<_> = found.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
        assert!(open.is_empty(), "umask {umask}: {open:?}");
        // And a run can begin there.
        let script = format!(
            "umask {umask}; exec {MIDWATCH} --state {} run test/list root={} </dev/null",
            home.word("local/state/midwatch"),
            home.word("work")
        );
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).envs(environment.iter().copied());
        let printed = crate::support::estate::finish(command).exits(75);
        assert!(printed.err.is_empty(), "{}", printed.err);
    }
}
