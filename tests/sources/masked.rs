//! `midwatch check` on hosts whose kernel or mount table lacks something, made of this one by what is mounted over its files.

use super::*;
use crate::support::estate::BINARY;
use serde_json::Value;

/// Runs `check health --json` where the shell has first done what is given; `$1` is a directory of the test's own.
fn check(prepare: &str, own: &Path) -> (Printed, Value) {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command.arg(format!("{prepare} && exec \"$2\" check health --json")).args([
        Path::new("sh"),
        own,
        Path::new(BINARY),
    ]);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", own);
    let printed = finish(command);
    let report =
        serde_json::from_str(&printed.out).unwrap_or_else(|cause| panic!("{cause}: {} {}", printed.out, printed.err));
    assert!(printed.err.is_empty(), "{}", printed.err);
    (printed, report)
}

fn rows<'a>(report: &'a Value, kind: &str) -> Vec<&'a Value> {
    report["panes"]["health"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).collect()
}

#[test]
fn a_kernel_without_pressure_makes_no_row_of_the_host_unknown() {
    let own = tempfile::tempdir().unwrap();
    let (_, report) = check("mount -t tmpfs none /proc/pressure", own.path());
    let host = rows(&report, "host");
    assert_eq!(host.len(), 5);
    assert!(host.iter().all(|row| row["verdict"] != "unknown"), "{host:#?}");
    let pressure = host.iter().find(|row| row["target"] == "pressure").unwrap();
    assert_eq!((&pressure["verdict"], &pressure["facts"]["not_available"]), (&Value::from("ok"), &Value::from(true)));
}

#[test]
fn a_mount_table_that_fails_is_a_row_with_its_reason() {
    let own = tempfile::tempdir().unwrap();
    let table = own.path().join("table");
    let over = "mount --bind \"$1/table\" /proc/$$/mountinfo";
    let good = "1 0 8:1 / / rw - ext4 /dev/sda rw\n";
    let cases = [
        (format!("{good}nonsense\n"), "line 2 of the mount table cannot be read"),
        (String::new(), "the mount table is empty"),
    ];
    for (text, why) in cases {
        fs::write(&table, text).unwrap();
        let (printed, report) = check(over, own.path());
        let [row] = rows(&report, "mount")[..] else { panic!("{report:#}") };
        assert_eq!((row["target"].as_str(), row["verdict"].as_str()), (Some("mounts"), Some("unknown")));
        assert_eq!((row["detail"].as_str(), row["source"].as_str()), (Some(why), Some("/proc/self/mountinfo")));
        assert_eq!(printed.code, Some(3));
    }
    fs::write(&table, good).unwrap();
    let (_, report) = check(over, own.path());
    assert_eq!(rows(&report, "mount").iter().map(|row| &row["target"]).collect::<Vec<_>>(), ["/"]);
}
