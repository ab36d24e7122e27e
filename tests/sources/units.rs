//! Units of a real systemd: the manager of a user, with a bus and files of its own in namespaces of its own.

use super::check::{report, row};
use super::*;
use serde_json::Value;

/// The units by name. What crashes is given no limit of starts, and what is wanted by the default target stays in memory.
const UNITS: [(&str, &str); 7] = [
    (
        "crash.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'sleep 0.5; exit 1'\nRestart=always\nRestartSec=0.2\n",
    ),
    ("bad.timer", "[Timer]\nOnActiveSec=100ms\nOnUnitActiveSec=60\nAccuracySec=10ms\n"),
    ("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n"),
    ("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"),
    ("noexec.service", "[Service]\nExecStart=/no/such/program\n"),
    (
        "wanted.service",
        "[Unit]\nConditionPathExists=/no/such\n[Service]\nExecStart=/bin/sleep 100\n[Install]\nWantedBy=default.target\n",
    ),
    ("skipped.service", "[Unit]\nConditionPathExists=!/etc\n[Service]\nExecStart=/bin/sleep 100\n"),
];

/// Starts the bus and the manager, starts the units, waits until the crashing one has crashed three times, and looks once.
const SCRIPT: &str = r#"
mount -t tmpfs midwatch-test /run
mkdir -p /run/systemd/system /run/u
chmod 700 /run/u
export XDG_RUNTIME_DIR=/run/u DBUS_SESSION_BUS_ADDRESS=unix:path=/run/u/bus
dbus-daemon --session --address=unix:path=/run/u/bus --nofork --nopidfile 2>/run/bus.log &
until test -S /run/u/bus; do sleep 0.05; done
/lib/systemd/systemd --user 2>/run/systemd.log &
until systemctl --user is-active --quiet default.target; do sleep 0.05; done
for unit in crash.service bad.timer once.service noexec.service skipped.service; do systemctl --user start $unit; done
until test "$(systemctl --user show -P NRestarts crash.service)" -ge 3; do sleep 0.05; done
until systemctl --user is-failed --quiet bad.service; do sleep 0.05; done
code=0
DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS "$0" check health --json || code=$?
systemctl --user exit || true
exit $code
"#;

#[test]
fn a_real_systemd_tells_of_crash_loops_timers_conditions_and_forgotten_runs() {
    let estate = Estate::default();
    let units = estate.beside("config/systemd/user");
    fs::create_dir_all(units.join("default.target.wants")).unwrap();
    for (name, text) in UNITS {
        fs::write(units.join(name), text).unwrap();
        estate.configure(&format!("[[unit]]\nname = \"{name}\"\n"));
    }
    std::os::unix::fs::symlink(units.join("wanted.service"), units.join("default.target.wants/wanted.service"))
        .unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-c", SCRIPT, crate::support::estate::BINARY]);
    estate.surround(&mut command);
    command.env("XDG_CONFIG_HOME", estate.beside("config"));
    let printed = finish(command).exits(2);
    let read = report(&printed);
    let of = |name: &str| -> (&Value, &str) {
        let row = row(&read, "unit", name, None);
        (&row["verdict"], row["detail"].as_str().unwrap())
    };
    let describe = |name: &str, verdict: &str, words: &str| {
        let (seen, detail) = of(name);
        assert!(seen == verdict && detail.contains(words), "{name}: {seen} {detail}");
    };
    // Whether it is up at that moment or waits.
    describe("crash.service", "critical", " restarts");
    describe("bad.timer", "critical", "bad.service failed · exit status 1");
    describe("bad.service", "critical", "failed · exit status 1");
    describe("once.service", "unknown", "no run is known");
    describe("noexec.service", "critical", "exit status 203/EXEC: its program cannot be executed");
    describe("wanted.service", "critical", "not started: ConditionPathExists=/no/such is not met");
    describe("skipped.service", "critical", "starts only where ConditionPathExists=!/etc holds");
}
