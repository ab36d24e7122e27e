//! What lies below the root by its path and not by its mount, as the real kernel has it.

use crate::support::estate::{Estate, Printed, finish};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// Runs a procedure where a file from outside is mounted over one below the root.
fn with_a_mount(estate: &Estate, arguments: &[&str]) -> Printed {
    let inner = estate.command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command.arg("mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"").arg("sh");
    command.arg(estate.beside("outside")).arg(estate.tree("data/mounted"));
    command.arg(inner.get_program()).args(inner.get_args());
    estate.surround(&mut command);
    finish(command)
}

fn estate(step: &str) -> Estate {
    let estate = Estate::default();
    for name in ["own", "mounted"] {
        estate.file(&format!("data/{name}"), "text");
    }
    fs::write(estate.beside("outside"), "another\n").unwrap();
    for path in [estate.beside("outside"), estate.tree("data/own"), estate.tree("data/mounted")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    estate.procedure("work", "", step);
    estate
}

fn step(effect: &str, action: &str) -> String {
    format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"{effect}\"\ndo = {{ {action}, under = \"data\", match = \"*\" }}\nundo = {{ none = \"a test\" }}\n"
    )
}

#[test]
fn a_file_that_is_mounted_over_a_name_is_left_out_by_every_act() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root makes a mount; the walk is the same for every user.
    }
    let cases = [
        ("change", "files = \"permissions\", mode = \"0640\""),
        ("change", "files = \"move\", to = \"else\""),
        ("change", "files = \"archive\", to = \"else\""),
        ("change", "files = \"rotate\", reopen = \"each-line\""),
        ("destroy", "files = \"delete\""),
    ];
    for (effect, action) in cases {
        let estate = estate(&step(effect, action));
        let printed = with_a_mount(&estate, &["plan", "test/work"]);
        assert!(
            printed.out.contains("1 file left out: mounted from elsewhere"),
            "{action}: {}{}",
            printed.out,
            printed.err
        );
        let consent: &[&str] =
            if effect == "destroy" { &["--confirm", "delete 1 files"] } else { &["--yes", "change"] };
        let arguments = [&["run", "test/work"], consent].concat();
        with_a_mount(&estate, &arguments).exits(0);
        let outside = fs::metadata(estate.beside("outside")).unwrap();
        assert_eq!((outside.mode() & 0o7777, outside.len()), (0o600, 8), "{action}");
        let below = fs::metadata(estate.tree("data/mounted")).unwrap();
        assert_eq!((below.mode() & 0o7777, below.len()), (0o600, 4), "{action}");
        let own = fs::metadata(estate.tree("data/own"));
        assert!(own.is_err() || own.is_ok_and(|own| own.mode() & 0o7777 == 0o640 || own.len() == 0), "{action}");
    }
}
