//! On a private bus, with a double of systemd.

use super::job::act_on;
use super::*;
use crate::config::reader::parse as parse_toml;
use crate::probes::units::double::{Daemon, Systemd, Values, service, unit, values};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

fn parsed(purpose: Purpose, toml: &str, of: Option<Action>) -> Result<Action, Vec<String>> {
    let mut problems = Problems::of(Path::new("f"));
    let table = parse_toml(toml, &mut problems);
    let action = parse(purpose, table, &Scope { of, ..Scope::default() }, &mut problems);
    let lines: Vec<String> = problems.into_sorted().into_iter().map(|problem| problem.message).collect();
    action.filter(|_| lines.is_empty()).ok_or(lines)
}

fn restart() -> Action {
    parsed(Purpose::Do, "systemd = 'restart'\nunit = 'nginx.service'", None).unwrap()
}

#[test]
fn actions_are_read_and_wrong_ones_are_reported() {
    assert_eq!((restart().line.as_str(), restart().least), ("restart nginx.service", EffectClass::Change));
    let active = parsed(Purpose::Check, "systemd = 'is-active'\nunit = 'a@b.timer'", None).unwrap();
    assert_eq!((active.line.as_str(), active.least), ("a@b.timer is active", EffectClass::Read));
    let cases: [(Purpose, &str, &str); 7] = [
        (
            Purpose::Do,
            "systemd = 'is-active'\nunit = 'a.service'",
            "`is-active` belongs under `check` or `read` or `prove`, not `do`",
        ),
        (
            Purpose::Check,
            "systemd = 'restart'\nunit = 'a.service'",
            "`restart` belongs under `do` or `undo`, not `check`",
        ),
        (
            Purpose::Do,
            "systemd = 'restrat'\nunit = 'a.service'",
            "`systemd` must be one of is-active, restarted, restart, reload, stop, start, not \"restrat\"",
        ),
        (Purpose::Do, "systemd = 'restart'", "`unit` is missing"),
        (Purpose::Do, "systemd = 'restart'\nunit = 'nginx'", "\"nginx\" is not the name of a unit"),
        (Purpose::Do, "systemd = 'restart'\nunit = '../a.service'", "\"../a.service\" is not the name of a unit"),
        (
            Purpose::Undo,
            "systemd = 'start'\nunit = 'other.service'",
            "`start` here is about the unit of the step's `do`",
        ),
    ];
    for (purpose, toml, text) in cases {
        assert_eq!(parsed(purpose, toml, Some(restart())), Err(vec![text.to_owned()]), "{toml}");
    }
    assert!(parsed(Purpose::Undo, "systemd = 'start'\nunit = 'nginx.service'", Some(restart())).is_ok());
    assert!(parsed(Purpose::Prove, "systemd = 'restarted'\nunit = 'nginx.service'", Some(restart())).is_ok());
}

fn look() -> Look {
    Look {
        limit: None,
        takes_s: None,
        undo: String::new(),
        host: "host".to_owned(),
        effect: EffectClass::Change,
        now: clock::now().wall,
        deadline: Instant::now() + Duration::from_secs(20),
        restless: Vec::new(),
    }
}

/// The units that are restarted with it: more than fit into one line, and every one of them named.
const FOLLOWING: &str = "sidecar.service, site1.target, site2.target, site3.target, site4.target, site5.target, \
    site6.target, site7.target, site8.target, site9.target";

fn nginx(invocation: u8) -> Values {
    let mut known = unit("active", "running", 200);
    known.extend(values(&[
        ("FragmentPath", "/etc/systemd/system/nginx.service".into()),
        ("InvocationID", vec![invocation; 2].into()),
        ("CanReload", false.into()),
        ("RequiredBy", (1..=9).map(|number| format!("site{number}.target")).collect::<Vec<_>>().into()),
        ("BoundBy", vec!["sidecar.service".to_owned()].into()),
    ]));
    known
}

async fn frozen_set(daemon: &Daemon) -> (Preview, Vec<u8>) {
    let mut set = Vec::new();
    let seen = preview_on(daemon.bus(), &restart(), &look(), &mut set).await.unwrap();
    (seen, set)
}

async fn acted(daemon: &Daemon, set: &[u8], cancel: &AtomicBool) -> ActEnd {
    act_on(daemon.bus(), &restart(), &mut &*set, &mut Vec::new(), cancel).await
}

#[tokio::test]
async fn a_restart_shows_what_follows_and_waits_for_its_job() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", nginx(1), service("success", 0));
    let (seen, set) = frozen_set(&daemon).await;
    assert_eq!((seen.headline.as_str(), seen.count, seen.phrase.as_str()), ("Restart nginx.service", 1, ""));
    assert_eq!(seen.facts[0], ("state".to_owned(), "active (running) since 3 m ago".to_owned()));
    assert_eq!(seen.facts[1], ("main process".to_owned(), "4711".to_owned()));
    assert_eq!(seen.facts[2], ("restarted with it".to_owned(), FOLLOWING.to_owned()));
    assert_eq!(frozen_set(&daemon).await.1, set, "nothing in the set ages");

    let prove = parsed(Purpose::Prove, "systemd = 'restarted'\nunit = 'nginx.service'", Some(restart())).unwrap();
    assert!(matches!(prove_on(daemon.bus(), &prove, &mut &set[..]).await, Proof::NotDone(_)));
    let again = values(&[("InvocationID", vec![2_u8; 2].into())]);
    systemd.play.lock().unwrap().jobs.insert("nginx.service", (again, "done"));
    let end = acted(&daemon, &set, &AtomicBool::new(false)).await;
    assert_eq!(
        (end.ending, end.detail.as_str()),
        (Ending::Ok, "job done: nginx.service is active (running) since 3 m ago")
    );
    assert!(matches!(prove_on(daemon.bus(), &prove, &mut &set[..]).await, Proof::Done(_)));
    assert_ne!(frozen_set(&daemon).await.1, set, "another run of it is another set");
}

#[tokio::test]
async fn a_job_that_fails_and_a_unit_that_falls_are_failures() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", nginx(1), service("exit-code", 0));
    let (_, set) = frozen_set(&daemon).await;
    let fallen = || values(&[("ActiveState", "failed".into()), ("SubState", "failed".into())]);
    for (result, text) in [
        ("done", "job done: nginx.service is failed (failed) since 3 m ago, exit-code"),
        ("failed", "job failed: nginx.service is failed (failed) since 3 m ago, exit-code"),
        ("timeout", "job timed out: nginx.service is failed (failed) since 3 m ago, exit-code"),
    ] {
        systemd.play.lock().unwrap().jobs.insert("nginx.service", (fallen(), result));
        let end = acted(&daemon, &set, &AtomicBool::new(false)).await;
        assert_eq!((end.ending, end.detail.as_str()), (Ending::Failed, text));
    }
    systemd.play.lock().unwrap().denied = Some("RestartUnit");
    let end = acted(&daemon, &set, &AtomicBool::new(false)).await;
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Failed, "nothing was done: permission denied: not for you"));
}

#[tokio::test]
async fn a_stop_cancels_the_job_and_a_lost_bus_leaves_it_unknown() {
    let mut daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", nginx(1), service("success", 0));
    let (_, set) = frozen_set(&daemon).await;
    let cancel = Arc::new(AtomicBool::new(true));
    let end = acted(&daemon, &set, &cancel).await;
    assert_eq!(end.ending, Ending::Cancelled);
    assert!(end.detail.starts_with("job cancelled: "), "{end:?}");
    assert!(systemd.play.lock().unwrap().asked.contains(&"CancelJob".to_owned()));

    let (bus, play) = (daemon.bus(), Arc::clone(&systemd.play));
    play.lock().unwrap().asked.clear();
    let action = restart();
    let kill = async {
        while !play.lock().unwrap().asked.contains(&"RestartUnit".to_owned()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        daemon.die();
    };
    let never = AtomicBool::new(false);
    let (mut set, mut out) = (&set[..], Vec::new());
    let (end, ()) = tokio::join!(act_on(bus, &action, &mut set, &mut out, &never), kill);
    assert_eq!(end.ending, Ending::Unknown, "{end:?}");
}

#[tokio::test]
async fn an_impossible_change_is_refused_before_the_prompt() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", nginx(1), service("success", 0));
    let reload = parsed(Purpose::Do, "systemd = 'reload'\nunit = 'nginx.service'", None).unwrap();
    let why = preview_on(daemon.bus(), &reload, &look(), &mut Vec::new()).await.unwrap_err();
    assert_eq!((why.kind, why.message.as_str()), (Kind::Refused, "cannot go on: nginx.service cannot be reloaded"));
    let none = parsed(Purpose::Do, "systemd = 'restart'\nunit = 'none.service'", None).unwrap();
    let why = preview_on(daemon.bus(), &none, &look(), &mut Vec::new()).await.unwrap_err();
    assert_eq!(why.message, "cannot go on: none.service is not loaded (not-found)");
    // Its file has changed since it was shown.
    let (_, set) = frozen_set(&daemon).await;
    systemd.set(
        "nginx.service",
        values(&[("FragmentPath", "/run/systemd/system/nginx.service".into())]),
        Values::new(),
    );
    let end = acted(&daemon, &set, &AtomicBool::new(false)).await;
    assert_eq!(end.detail, "nothing was done: nginx.service is defined in another way than was shown");
    assert!(!systemd.play.lock().unwrap().asked.contains(&"RestartUnit".to_owned()));
}

#[tokio::test]
async fn being_active_is_checked_and_no_answer_is_unknown() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", nginx(1), service("success", 0));
    systemd.has("slow.service", unit("activating", "start-pre", 90), service("success", 0));
    let asked = async |name: &str| {
        let check = parsed(Purpose::Check, &format!("systemd = 'is-active'\nunit = '{name}'"), None).unwrap();
        act_on(daemon.bus(), &check, &mut std::io::empty(), &mut Vec::new(), &AtomicBool::new(false)).await
    };
    let end = asked("nginx.service").await;
    assert_eq!((end.ending, end.detail.as_str()), (Ending::Ok, "active (running) since 3 m ago"));
    assert_eq!(end.evidence.unwrap().facts["main_pid"], "4711");
    assert_eq!(asked("slow.service").await.detail, "activating (start-pre) since 1 m ago");
    let end = asked("none.service").await;
    assert_eq!((end.ending, end.detail.as_str(), end.is_unknown()), (Ending::Failed, "no such unit", false));
    systemd.play.lock().unwrap().silent = Some("GetAll");
    assert!(asked("nginx.service").await.is_unknown());
}
