//! Against a real `dbus-daemon` of our own, with a double of systemd on it that speaks the real protocol.

use super::*;
use crate::domain::{Fact, Trend, Verdict, Wall};
use crate::probes::units::double::{Daemon, Systemd, Values, ago, service, unit, values};
use crate::probes::units::seen::{Exit, Service, Timer};
use std::sync::Arc;
use std::time::Duration;
use zbus::Variant;

async fn one(reader: &mut UnitReader) -> Observation {
    let mut findings = reader.read().await.unwrap();
    assert_eq!(findings.len(), 1);
    let finding = findings.remove(0);
    assert_eq!(finding.object, None);
    finding.seen.unwrap()
}

#[tokio::test]
async fn an_active_unit_is_ok_with_its_facts_over_one_kept_connection() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", unit("active", "running", 200), service("success", 0));
    let mut reader = daemon.reader("nginx.service");
    let seen = one(&mut reader).await;
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Ok, "active (running) · 3 m · 12 MiB"));
    let facts = &seen.facts;
    for (name, expected) in [
        ("load_state", "loaded"),
        ("active_state", "active"),
        ("sub_state", "running"),
        ("result", "success"),
        ("unit_file_state", "enabled"),
    ] {
        assert_eq!(facts[name], Fact::Text(expected.to_owned()), "{name}");
    }
    assert_eq!((&facts["main_pid"], &facts["restarts"]), (&Fact::Int(4711), &Fact::Int(0)));
    assert_eq!((&facts["memory_bytes"], seen.trend), (&Fact::Int(12 << 20), Some(Trend::of("memory_bytes"))));
    assert_eq!(facts["need_daemon_reload"], Fact::Bool(false));
    assert!(matches!(facts["since_s"], Fact::Int(200..230)), "{facts:?}");
    assert!(matches!(&facts["since"], Fact::Text(at) if at.ends_with('Z')), "{facts:?}");

    // Memory accounting that is off is told as all bits set: it is not known, and not 16 EiB.
    systemd.set("nginx.service", Values::new(), values(&[("MemoryCurrent", u64::MAX.into())]));
    let seen = one(&mut reader).await;
    assert!(!seen.facts.contains_key("memory_bytes") && seen.trend.is_none(), "{seen:?}");
    assert_eq!(systemd.play.lock().unwrap().callers.len(), 1, "the connection is kept");

    // A service that crashes between two readings is active at both.
    systemd.set("nginx.service", Values::new(), values(&[("NRestarts", 3_u32.into())]));
    let seen = one(&mut reader).await;
    assert_eq!(
        (seen.verdict, seen.detail.as_str()),
        (Verdict::Warn, "started again, 3 restarts · active (running) · 3 m")
    );
    assert_eq!(one(&mut reader).await.verdict, Verdict::Ok, "and is ok when it stays up");
}

#[tokio::test]
async fn a_failed_unit_is_critical_and_listed() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    assert_eq!(daemon.lists().read().await, Ok(Vec::new()), "no row where nothing has failed");
    let mut own = service("exit-code", 0);
    own.extend(values(&[("ExecMainStatus", 3_i32.into()), ("ExecMainCode", 1_i32.into())]));
    systemd.has("worker@3.service", unit("failed", "failed", 130), own);
    systemd.has("nginx.service", unit("active", "running", 200), service("success", 0));
    let seen = one(&mut daemon.reader("worker@3.service")).await;
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, "failed · exit status 3 · 2 m ago"));
    assert_eq!(seen.facts["exit_status"], Fact::Int(3));

    let mut all = daemon.lists();
    let found = all.read().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].object.as_deref(), Some("worker@3.service"));
    assert_eq!(found[0].seen.as_ref().unwrap().detail, "failed · exit status 3 · 2 m ago");
    systemd.set("worker@3.service", values(&[("ActiveState", "active".into())]), Values::new());
    assert_eq!(all.read().await, Ok(Vec::new()));

    // A unit that the estate does not count as critical warns.
    systemd.set("worker@3.service", values(&[("ActiveState", "failed".into())]), Values::new());
    let entry = estate::Unit { name: "worker@3.service".to_owned(), critical: false };
    assert_eq!(one(&mut UnitReader::on(daemon.bus(), Some(entry))).await.verdict, Verdict::Warn);
}

#[tokio::test]
async fn a_unit_that_is_waiting_to_be_started_again_does_not_run() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    let mut own = service("signal", 7);
    own.extend(values(&[("ExecMainStatus", 9_i32.into()), ("ExecMainCode", 2_i32.into()), ("MainPID", 0_u32.into())]));
    systemd.has("api.service", unit("activating", "auto-restart", 2), own);
    let seen = one(&mut daemon.reader("api.service")).await;
    assert_eq!(seen.verdict, Verdict::Critical);
    assert_eq!(seen.detail, "waiting to be started again · signal 9 · 7 restarts");
    assert_eq!(seen.facts["exit_signal"], Fact::Int(9));
    assert!(!seen.facts.contains_key("main_pid"), "no process is not process 0");
    systemd.has("slow.service", unit("activating", "start-pre", 90), service("success", 0));
    let seen = one(&mut daemon.reader("slow.service")).await;
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Warn, "activating (start-pre) · 1 m"));
}

#[tokio::test]
async fn a_unit_that_does_not_exist_is_critical_and_a_wrong_name_is_a_loss() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    let seen = one(&mut daemon.reader("ngnix.service")).await;
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, "no such unit"));
    assert_eq!(seen.facts["load_state"], Fact::Text("not-found".to_owned()));
    let error = Variant::new(("org.freedesktop.systemd1.BadUnitSetting", "Exec line is missing"));
    systemd.has("odd.service", unit("inactive", "dead", 5), Values::new());
    systemd.set("odd.service", values(&[("LoadState", "bad-setting".into()), ("LoadError", error)]), Values::new());
    let seen = one(&mut daemon.reader("odd.service")).await;
    let text = "cannot be loaded: Exec line is missing";
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, text));
    let why = daemon.reader("nginx").read().await.unwrap_err();
    assert_eq!(why, "not the name of a unit: Unit name nginx is not valid.");
    assert!(systemd.play.lock().unwrap().asked.iter().all(|member| member == "LoadUnit" || member == "GetAll"));
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_by_itself_and_one_that_is_none_is_a_loss() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", unit("active", "running", 200), service("success", 0));
    let mut reader = daemon.reader("nginx.service");
    assert_eq!(one(&mut reader).await.verdict, Verdict::Ok);
    systemd.play.lock().unwrap().silent = Some("GetAll");
    assert_eq!(reader.read().await.unwrap_err(), "systemd gives no answer within 1 s");
    systemd.play.lock().unwrap().silent = None;
    assert_eq!(one(&mut reader).await.verdict, Verdict::Ok);

    for (member, text) in [
        ("GetAll", "systemd's answer to GetAll is of another form"),
        ("LoadUnit", "systemd's answer to LoadUnit is of another form"),
    ] {
        systemd.play.lock().unwrap().nonsense = Some(member);
        assert_eq!(reader.read().await.unwrap_err(), text);
    }
    systemd.play.lock().unwrap().nonsense = Some("ListUnitsFiltered");
    assert!(daemon.lists().read().await.unwrap_err().contains("ListUnitsFiltered"));
    systemd.play.lock().unwrap().nonsense = None;
    // The right form with the wrong type, and with nothing in it.
    for wrong in [values(&[("ActiveState", 1_u32.into())]), values(&[("ActiveState", "".into())])] {
        systemd.has("nginx.service", unit("active", "running", 200), service("success", 0));
        systemd.set("nginx.service", wrong, Values::new());
        assert_eq!(reader.read().await.unwrap_err(), "systemd does not tell its ActiveState");
    }
    systemd.play.lock().unwrap().units.get_mut("nginx.service").unwrap().0.clear();
    assert_eq!(reader.read().await.unwrap_err(), "systemd does not tell its LoadState");
    systemd.has("nginx.service", unit("active", "running", 200), service("success", 0));
    assert_eq!(one(&mut reader).await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_bus_that_dies_is_a_loss_until_it_is_back() {
    let mut daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    systemd.has("nginx.service", unit("active", "running", 200), service("success", 0));
    let mut reader = daemon.reader("nginx.service");
    assert_eq!(one(&mut reader).await.verdict, Verdict::Ok);
    daemon.die();
    for _ in 0..2 {
        let why = reader.read().await.unwrap_err();
        assert!(why.contains("bus"), "{why}");
    }
    assert_eq!(reader.read().await.unwrap_err(), "no connection to the bus: nobody listens on its socket");
    daemon.come_back().await;
    assert_eq!(reader.read().await.unwrap_err(), "no systemd behind the bus");
    let _systemd = Systemd::with(&daemon, Arc::clone(&systemd.play)).await;
    assert_eq!(one(&mut reader).await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn every_way_to_have_no_systemd_has_its_words() {
    let absent = Bus::at("unix:path=/nonexistent/bus");
    let entry = estate::Unit { name: "nginx.service".to_owned(), critical: true };
    let why = UnitReader::on(absent, Some(entry.clone())).read().await.unwrap_err();
    assert_eq!(why, "no connection to the bus: its socket does not exist");
    let why = UnitReader::on(Bus::at("nonsense"), None).read().await.unwrap_err();
    assert!(why.starts_with("no connection to the bus: "), "{why}");
    // A listener that never speaks.
    let dir = tempfile::tempdir().unwrap();
    let _deaf = std::os::unix::net::UnixListener::bind(dir.path().join("bus")).unwrap();
    let address = format!("unix:path={}", dir.path().join("bus").display());
    let deaf = Bus::at(&address).within(Duration::from_millis(200));
    assert_eq!(UnitReader::on(deaf, None).read().await.unwrap_err(), "the bus gives no answer within 200 ms");

    let daemon = Daemon::start().await;
    assert_eq!(daemon.lists().read().await.unwrap_err(), "no systemd behind the bus");
    // The first address of several that answers is taken.
    let several = Bus::at(&format!("unix:path=/nonexistent/bus;{}", daemon.address()));
    assert_eq!(UnitReader::on(several, Some(entry)).read().await.unwrap_err(), "no systemd behind the bus");
    let systemd = Systemd::on(&daemon).await;
    systemd.play.lock().unwrap().denied = Some("ListUnitsFiltered");
    assert_eq!(daemon.lists().read().await.unwrap_err(), "permission denied: not for you");
}

#[tokio::test]
async fn an_act_goes_through_the_same_connection_and_is_told_when_it_is_refused() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    let mut bus = daemon.bus();
    let job: zbus::OwnedObjectPath = bus.manager("RestartUnit", &("nginx.service", "replace")).await.unwrap();
    assert_eq!(job.as_str(), "/org/freedesktop/systemd1/job/7");
    // What the bus itself forbids never reaches systemd.
    let refused = bus.manager::<_, ()>("Reexecute", &()).await.unwrap_err();
    assert!(matches!(&refused, Trouble::Refused { name, .. } if name.ends_with("AccessDenied")), "{refused:?}");
    assert!(refused.words().starts_with("permission denied: "), "{}", refused.words());
    assert!(bus.lives(), "a refusal is no loss");
    // What has no answer is sent once.
    systemd.play.lock().unwrap().silent = Some("RestartUnit");
    let lost = bus.manager::<_, zbus::OwnedObjectPath>("RestartUnit", &("a.service", "replace")).await.unwrap_err();
    assert!(matches!(lost, Trouble::Lost(_)), "{lost:?}");
    assert_eq!(systemd.play.lock().unwrap().asked, ["RestartUnit", "RestartUnit"]);
}

fn judged(seen: &Seen) -> (Verdict, String) {
    let seen = judge::observation(seen, true, None, Wall::from_unix(1_000_000, 0));
    (seen.verdict, seen.detail)
}

fn state(load: &str, active: &str, sub: &str) -> Seen {
    Seen {
        load: load.to_owned(),
        active: active.to_owned(),
        sub: sub.to_owned(),
        since: Some(Wall::from_unix(1_000_000 - 7200, 0)),
        ..Seen::default()
    }
}

#[test]
fn every_state_has_its_verdict() {
    let cases = [
        (state("loaded", "active", "mounted"), Verdict::Ok, "active (mounted) · 2 h"),
        (state("loaded", "inactive", "dead"), Verdict::Critical, "inactive · 2 h"),
        (state("masked", "inactive", "dead"), Verdict::Critical, "masked · 2 h"),
        (state("masked", "active", "running"), Verdict::Warn, "masked · active (running) · 2 h"),
        (state("not-found", "active", "running"), Verdict::Warn, "its file is gone · active (running) · 2 h"),
        (state("bad-setting", "inactive", "dead"), Verdict::Critical, "cannot be loaded: bad-setting"),
        (state("loaded", "deactivating", "stop-sigterm"), Verdict::Warn, "deactivating (stop-sigterm) · 2 h"),
        (state("loaded", "reloading", "reload"), Verdict::Warn, "reloading (reload) · 2 h"),
        (state("loaded", "thriving", "well"), Verdict::Unknown, "a state that is not known here: thriving (well)"),
    ];
    for (seen, verdict, detail) in cases {
        assert_eq!(judged(&seen), (verdict, detail.to_owned()));
    }
    let changed = Seen { need_reload: Some(true), ..state("loaded", "active", "running") };
    assert_eq!(judged(&changed), (Verdict::Ok, "active (running) · 2 h · its file has changed".to_owned()));
}

#[test]
fn what_runs_once_is_at_rest_when_it_is_done() {
    let once = |service: Service, active: &str, sub: &str, result: &str| Seen {
        service: Some(Service { oneshot: true, ..service }),
        result: Some(result.to_owned()),
        ..state("loaded", active, sub)
    };
    let ended = Service { ended: Some(Wall::from_unix(1_000_000 - 600, 0)), ..Service::default() };
    let done = once(ended.clone(), "inactive", "dead", "success");
    assert_eq!(judged(&done), (Verdict::Ok, "done · 10 m ago".to_owned()));
    // Nothing is told of a run: of one that systemd keeps in memory that proves that there was none.
    let never = once(Service::default(), "inactive", "dead", "success");
    let forgotten = "no run is known: systemd forgets one that has ended where no other unit refers to this one";
    assert_eq!(judged(&never), (Verdict::Unknown, forgotten.to_owned()));
    let never = Seen { is_referred_to: true, ..never };
    assert_eq!(judged(&never), (Verdict::Warn, "has not run since the system started".to_owned()));
    let unmet = Some("ConditionPathExists=!/srv/x".to_owned());
    let skipped = Seen { unmet: unmet.clone(), ..never };
    assert_eq!(judged(&skipped), (Verdict::Warn, "not started: ConditionPathExists=!/srv/x is not met".to_owned()));
    let skipped = Seen { unmet, ..state("loaded", "inactive", "dead") };
    let text = "inactive · not started: ConditionPathExists=!/srv/x is not met · 2 h";
    assert_eq!(judged(&skipped), (Verdict::Critical, text.to_owned()));
    let running = once(Service::default(), "activating", "start", "success");
    assert_eq!(judged(&running), (Verdict::Ok, "running · 2 h".to_owned()));
    let remains = once(Service { remains: true, ..ended.clone() }, "active", "exited", "success");
    assert_eq!(judged(&remains), (Verdict::Ok, "active (exited) · 2 h".to_owned()));
    // One that remains has been stopped when it is inactive.
    let stopped = once(Service { remains: true, ..ended.clone() }, "inactive", "dead", "success");
    assert_eq!(judged(&stopped), (Verdict::Critical, "inactive · 2 h".to_owned()));
    let broken = Service { exit: Some(Exit::Status(1)), ..ended };
    let failed = once(broken, "failed", "failed", "exit-code");
    assert_eq!(judged(&failed), (Verdict::Critical, "failed · exit status 1 · 2 h ago".to_owned()));
}

#[test]
fn a_timer_that_will_not_fire_again_warns() {
    let timer = Timer { next: Some(Wall::from_unix(1_003_600, 0)), last: Some(Wall::from_unix(990_000, 0)) };
    let waiting = Seen { timer: Some(timer), ..state("loaded", "active", "waiting") };
    assert_eq!(judged(&waiting), (Verdict::Ok, "active (waiting) · 2 h".to_owned()));
    let seen = judge::observation(&waiting, true, None, Wall::from_unix(1_000_000, 0));
    assert_eq!(seen.facts["next_at"], Fact::Text("1970-01-12T14:46:40Z".to_owned()));
    assert_eq!(seen.facts["last_at"], Fact::Text("1970-01-12T11:00:00Z".to_owned()));
    let elapsed = Seen { timer: Some(Timer::default()), ..state("loaded", "active", "elapsed") };
    assert_eq!(judged(&elapsed), (Verdict::Warn, "will not fire again · active (elapsed) · 2 h".to_owned()));
}

#[tokio::test]
async fn what_crashes_again_and_again_is_seen_at_a_single_look() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    let of = async |up: u64, restarts: u32| {
        systemd.has("api.service", unit("active", "running", 0), service("success", restarts));
        systemd.set("api.service", values(&[("ActiveEnterTimestamp", ago(up))]), Values::new());
        let seen = one(&mut daemon.reader("api.service")).await;
        (seen.verdict, seen.detail.split(" · ").next().unwrap().to_owned())
    };
    assert_eq!(of(0, 57).await, (Verdict::Critical, "crashes again and again, 57 restarts".to_owned()));
    assert_eq!(of(40, 57).await, (Verdict::Warn, "started again, 57 restarts".to_owned()));
    assert_eq!(of(1, 1).await, (Verdict::Warn, "started again, 1 restart".to_owned()));
    assert_eq!(of(90, 57).await, (Verdict::Ok, "active (running)".to_owned()));
    assert_eq!(of(0, 0).await, (Verdict::Ok, "active (running)".to_owned()));
}

#[tokio::test]
async fn a_timer_is_as_good_as_what_it_starts() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    let own = values(&[("Unit", "dump.service".into()), ("Result", "success".into())]);
    systemd.has("dump.timer", unit("active", "waiting", 7200), own);
    let mut timer = daemon.reader("dump.timer");
    let seen = one(&mut timer).await;
    let text = "dump.service does not exist · active (waiting) · 2 h";
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, text));
    let ran = |result: &'static str, status: i32| {
        let mut own = service(result, 0);
        own.extend(values(&[("ExecMainStatus", status.into()), ("ExecMainCode", 1_i32.into())]));
        own
    };
    systemd.has("dump.service", unit("failed", "failed", 130), ran("exit-code", 203));
    let seen = one(&mut timer).await;
    let message =
        "dump.service failed · exit status 203/EXEC: its program cannot be executed · 2 m ago · active (waiting) · 2 h";
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, message));
    assert_eq!(seen.facts["starts"], Fact::Text("dump.service".to_owned()));
    assert_eq!(seen.facts["starts_result"], Fact::Text("exit-code".to_owned()));
    for (active, sub) in [("inactive", "dead"), ("activating", "start")] {
        systemd.has("dump.service", unit(active, sub, 130), ran("success", 0));
        let seen = one(&mut timer).await;
        assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Ok, "active (waiting) · 2 h"));
    }
}

#[tokio::test]
async fn a_condition_that_is_not_met_is_named() {
    let daemon = Daemon::start().await;
    let systemd = Systemd::on(&daemon).await;
    let conditions: Vec<(&str, bool, bool, &str, i32)> = vec![
        ("ConditionPathExists", false, false, "/etc", 1),
        ("ConditionPathExists", false, true, "/srv/x", -1),
        ("ConditionHost", false, false, "b", 0),
    ];
    systemd.has("api.service", unit("inactive", "dead", 7200), service("success", 0));
    let at = ("ConditionTimestamp", 1_000_000_u64.into());
    systemd.set(
        "api.service",
        values(&[at, ("ConditionResult", false.into()), ("Conditions", Variant::new(conditions))]),
        Values::new(),
    );
    let seen = one(&mut daemon.reader("api.service")).await;
    let text = "inactive · not started: ConditionPathExists=!/srv/x is not met · 2 h";
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, text));
    assert_eq!(seen.facts["unmet_condition"], Fact::Text("ConditionPathExists=!/srv/x".to_owned()));
}
