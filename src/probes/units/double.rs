//! A double of systemd that speaks the real protocol, on a real `dbus-daemon` of our own.

use crate::config::estate;
use crate::probes::units::UnitReader;
use crate::probes::units::bus::Bus;
use futures_util::StreamExt;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, MessageStream, ObjectPath, Variant};

/// A private message bus; killed when dropped.
pub(crate) struct Daemon {
    dir: tempfile::TempDir,
    child: Child,
}

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
    <deny send_interface="org.freedesktop.systemd1.Manager" send_member="Reexecute"/>
  </policy>
</busconfig>
"#;

impl Daemon {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Self::spawn(&dir.path().join("bus"), &dir.path().join("bus.conf"));
        let mut daemon = Self { dir, child };
        daemon.listens().await;
        daemon
    }

    fn spawn(socket: &Path, config: &Path) -> Child {
        std::fs::write(config, CONFIG.replace("SOCKET", socket.to_str().unwrap())).unwrap();
        Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is needed: apt-get install dbus-daemon")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("bus")
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    pub(crate) async fn listens(&mut self) {
        let began = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the bus does not start");
            assert!(self.child.try_wait().unwrap().is_none(), "the bus has ended");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn die(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn come_back(&mut self) {
        std::fs::remove_file(self.socket()).unwrap();
        self.child = Self::spawn(&self.socket(), &self.dir.path().join("bus.conf"));
        self.listens().await;
    }

    pub(crate) fn bus(&self) -> Bus {
        Bus::at(&self.address()).within(Duration::from_millis(1500))
    }

    pub(crate) fn reader(&self, name: &str) -> UnitReader {
        UnitReader::on(self.bus(), Some(estate::Unit { name: name.to_owned(), critical: true }))
    }

    pub(crate) fn lists(&self) -> UnitReader {
        UnitReader::on(self.bus(), None)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) type Values = HashMap<&'static str, Variant<'static>>;

/// What the double of systemd is asked, and what it plays.
#[derive(Default)]
pub(crate) struct Play {
    /// Each unit's properties: those of every unit, and those of its kind.
    pub(crate) units: HashMap<&'static str, (Values, Values)>,
    /// A member that is never answered.
    pub(crate) silent: Option<&'static str>,
    /// A member that is answered with a text instead.
    pub(crate) nonsense: Option<&'static str>,
    /// A member that is refused for want of a right.
    pub(crate) denied: Option<&'static str>,
    /// What a job does to its unit before it is removed, and how it ends; it stays where nothing is said.
    pub(crate) jobs: HashMap<&'static str, (Values, &'static str)>,
    pub(crate) callers: BTreeSet<String>,
    pub(crate) asked: Vec<String>,
}

/// A double of systemd.
#[derive(Clone)]
pub(crate) struct Systemd {
    pub(crate) play: Arc<Mutex<Play>>,
    pub(crate) connection: Connection,
}

pub(crate) fn path_of(name: &str) -> String {
    let escaped: String = name
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("_{byte:02x}") })
        .collect();
    format!("/org/freedesktop/systemd1/unit/{escaped}")
}

impl Systemd {
    pub(crate) async fn on(daemon: &Daemon) -> Self {
        Self::with(daemon, Arc::default()).await
    }

    pub(crate) async fn with(daemon: &Daemon, play: Arc<Mutex<Play>>) -> Self {
        let connection = Builder::address(daemon.address().as_str()).build().await.unwrap();
        let calls = MessageStream::from(&connection);
        connection.request_name("org.freedesktop.systemd1").await.unwrap();
        let systemd = Self { play, connection };
        tokio::spawn(systemd.clone().serve(calls));
        systemd
    }

    pub(crate) fn has(&self, name: &'static str, unit: Values, own: Values) {
        self.play.lock().unwrap().units.insert(name, (unit, own));
    }

    pub(crate) fn set(&self, name: &'static str, unit: Values, own: Values) {
        let mut play = self.play.lock().unwrap();
        let (known, known_own) = play.units.get_mut(name).unwrap();
        known.extend(unit);
        known_own.extend(own);
    }

    async fn serve(self, mut calls: MessageStream) {
        while let Some(Ok(call)) = calls.next().await {
            if call.message_type() != Type::MethodCall {
                continue;
            }
            let header = call.header();
            let member = header.member().unwrap().as_str().to_owned();
            {
                let mut play = self.play.lock().unwrap();
                play.callers.insert(header.sender().unwrap().to_string());
                play.asked.push(member.clone());
            }
            let (silent, nonsense, denied) = {
                let play = self.play.lock().unwrap();
                (play.silent, play.nonsense, play.denied)
            };
            if silent == Some(&member) {
                continue;
            }
            let replied = if nonsense == Some(&member) {
                self.connection.reply(&header, &"forty-two").await
            } else if denied == Some(&member) {
                let name = "org.freedesktop.DBus.Error.AccessDenied";
                self.connection.reply_error(&header, name, &"not for you").await
            } else {
                self.answer(&call, &member).await
            };
            // Whoever asked may be gone.
            let _ = replied;
        }
    }

    async fn answer(&self, call: &zbus::Message, member: &str) -> zbus::Result<()> {
        let header = call.header();
        match member {
            "LoadUnit" => {
                let name: String = call.body().deserialize().unwrap();
                if !name.contains('.') {
                    let why = format!("Unit name {name} is not valid.");
                    return self
                        .connection
                        .reply_error(&header, "org.freedesktop.DBus.Error.InvalidArgs", &why.as_str())
                        .await;
                }
                self.connection.reply(&header, &ObjectPath::try_from(path_of(&name)).unwrap()).await
            }
            "ListUnitsFiltered" => {
                let states: Vec<String> = call.body().deserialize().unwrap();
                assert_eq!(states, ["failed"]);
                let listed: Vec<_> = {
                    let play = self.play.lock().unwrap();
                    let failed = play.units.iter().filter(|(_, (unit, _))| unit["ActiveState"] == "failed".into());
                    let path = |name: &str| ObjectPath::try_from(path_of(name)).unwrap().into_owned();
                    let none = || ObjectPath::try_from("/").unwrap();
                    failed
                        .map(|(name, _)| (*name, "", "loaded", "failed", "failed", "", path(name), 0_u32, "", none()))
                        .collect()
                };
                self.connection.reply(&header, &listed).await
            }
            "GetAll" => {
                let interface: String = call.body().deserialize().unwrap();
                let path = header.path().unwrap().as_str().to_owned();
                let values: HashMap<String, Variant<'static>> = {
                    let play = self.play.lock().unwrap();
                    let known = play.units.iter().find(|(name, _)| path_of(name) == path);
                    let gone = (
                        values(&[
                            ("LoadState", "not-found".into()),
                            ("ActiveState", "inactive".into()),
                            ("SubState", "dead".into()),
                        ]),
                        Values::new(),
                    );
                    let (unit, own) = known.map_or(&gone, |(_, known)| known);
                    let asked = if interface.ends_with(".Unit") { unit } else { own };
                    asked.iter().map(|(name, value)| ((*name).to_owned(), value.try_clone().unwrap())).collect()
                };
                self.connection.reply(&header, &values).await
            }
            "Subscribe" => self.connection.reply(&header, &()).await,
            "CancelJob" => {
                self.connection.reply(&header, &()).await?;
                self.remove_job("any.service", "canceled").await
            }
            "RestartUnit" | "StartUnit" | "StopUnit" | "ReloadUnit" => {
                let (name, mode): (String, String) = call.body().deserialize().unwrap();
                assert_eq!(mode, "replace");
                let job = {
                    let mut play = self.play.lock().unwrap();
                    let job = play.jobs.iter().find(|(unit, _)| **unit == name);
                    let job = job.map(|(unit, (values, result))| (*unit, values_of(values), *result));
                    if let Some((unit, values, _)) = &job
                        && let Some((known, _)) = play.units.get_mut(unit)
                    {
                        known.extend(values_of(values));
                    }
                    job
                };
                let path = ObjectPath::try_from(JOB).unwrap();
                // A job may be over before its caller is told of it.
                if let Some((unit, _, result)) = job {
                    self.remove_job(unit, result).await?;
                }
                self.connection.reply(&header, &path).await
            }
            other => panic!("systemd was asked for {other}"),
        }
    }
}

/// The one job of the double.
const JOB: &str = "/org/freedesktop/systemd1/job/7";

impl Systemd {
    /// Says that the job is over.
    pub(crate) async fn remove_job(&self, unit: &str, result: &str) -> zbus::Result<()> {
        let job = ObjectPath::try_from(JOB).unwrap();
        let manager = "org.freedesktop.systemd1.Manager";
        let body = (7_u32, job, unit, result);
        self.connection.emit_signal(None::<&str>, "/org/freedesktop/systemd1", manager, "JobRemoved", &body).await
    }
}

fn values_of(given: &Values) -> Values {
    given.iter().map(|(name, value)| (*name, value.try_clone().unwrap())).collect()
}

pub(crate) fn values(given: &[(&'static str, Variant<'static>)]) -> Values {
    given.iter().map(|(name, value)| (*name, value.try_clone().unwrap())).collect()
}

/// Microseconds since the epoch, some seconds ago.
pub(crate) fn ago(seconds: u64) -> Variant<'static> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from((now - Duration::from_secs(seconds)).as_micros()).unwrap().into()
}

pub(crate) fn unit(active: &'static str, sub: &'static str, since: u64) -> Values {
    values(&[
        ("LoadState", "loaded".into()),
        ("ActiveState", active.into()),
        ("SubState", sub.into()),
        ("UnitFileState", "enabled".into()),
        ("NeedDaemonReload", false.into()),
        ("StateChangeTimestamp", ago(since)),
    ])
}

pub(crate) fn service(result: &'static str, restarts: u32) -> Values {
    values(&[
        ("Type", "notify".into()),
        ("RemainAfterExit", false.into()),
        ("Result", result.into()),
        ("NRestarts", restarts.into()),
        ("MainPID", 4711_u32.into()),
        ("MemoryCurrent", (12_u64 << 20).into()),
    ])
}
