//! A private message bus with a double of systemd on it, which knows one unit and starts and stops it.

use futures_util::StreamExt;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, ObjectPath, Variant};

use super::wait_for;

/// The unit that the double knows; it is active until it is stopped.
pub const UNIT: &str = "faults.service";
const OBJECT: &str = "/org/freedesktop/systemd1/unit/faults_2eservice";

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
"#;

/// The bus, and what plays systemd on it; both end with this value.
pub struct Bus {
    socket: PathBuf,
    config: PathBuf,
    daemon: Option<Child>,
    systemd: Option<tokio::runtime::Runtime>,
    /// The main process of the unit.
    main: u32,
    /// Whether somebody cancels every job before it does anything.
    cancels: Arc<AtomicBool>,
}

impl Bus {
    /// A bus whose socket is in a directory.
    pub fn start(dir: &Path) -> Self {
        Self::start_for(dir, 4711)
    }

    /// The same, with a process that the unit's signals go to.
    pub fn start_for(dir: &Path, main: u32) -> Self {
        let mut bus = Self {
            socket: dir.join("bus"),
            config: dir.join("bus.conf"),
            daemon: None,
            systemd: None,
            main,
            cancels: Arc::default(),
        };
        fs::write(&bus.config, CONFIG.replace("SOCKET", bus.socket.to_str().unwrap())).unwrap();
        bus.come_back();
        bus
    }

    /// From now on every job is cancelled by somebody else before it does anything.
    pub fn cancels_jobs(&self) {
        self.cancels.store(true, Ordering::SeqCst);
    }

    /// How a client finds it.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }

    /// The bus itself.
    pub fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::id)
    }

    /// Ends both.
    pub fn stop(&mut self) {
        if let Some(systemd) = self.systemd.take() {
            systemd.shutdown_background();
        }
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
        let _ = fs::remove_file(&self.socket);
    }

    /// Starts both, where they were before.
    pub fn come_back(&mut self) {
        let daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", self.config.display()))
            .args(["--nofork", "--nopidfile"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.daemon = Some(daemon.expect("dbus-daemon is needed: apt-get install dbus-daemon"));
        wait_for("the bus", || std::os::unix::net::UnixStream::connect(&self.socket).ok());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (main, cancels) = (self.main, Arc::clone(&self.cancels));
        runtime.block_on(async {
            let connection = Builder::address(self.address().as_str()).build().await.unwrap();
            let calls = MessageStream::from(&connection);
            connection.request_name("org.freedesktop.systemd1").await.unwrap();
            tokio::spawn(serve(connection, calls, main, cancels));
        });
        self.systemd = Some(runtime);
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(connection: Connection, mut calls: MessageStream, main: u32, cancels: Arc<AtomicBool>) {
    let active = AtomicBool::new(true);
    while let Some(Ok(call)) = calls.next().await {
        if call.message_type() == Type::MethodCall {
            // Whoever asked may be gone.
            let _ = answer(&connection, &call, main, (&active, &cancels)).await;
        }
    }
}

async fn answer(
    connection: &Connection,
    call: &Message,
    main: u32,
    (active, cancels): (&AtomicBool, &AtomicBool),
) -> zbus::Result<()> {
    let header = call.header();
    match header.member().unwrap().as_str() {
        "Subscribe" => connection.reply(&header, &()).await,
        member @ ("StartUnit" | "StopUnit" | "RestartUnit" | "ReloadUnit") => {
            let cancelled = cancels.load(Ordering::SeqCst);
            if !cancelled {
                active.store(member != "StopUnit", Ordering::SeqCst);
            }
            let came = if cancelled { "canceled" } else { "done" };
            let job = ObjectPath::try_from("/org/freedesktop/systemd1/job/7").unwrap();
            let (path, manager) = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
            connection.emit_signal(None::<&str>, path, manager, "JobRemoved", &(7_u32, &job, UNIT, came)).await?;
            connection.reply(&header, &job).await
        }
        "LoadUnit" => connection.reply(&header, &ObjectPath::try_from(OBJECT).unwrap()).await,
        "GetAll" => {
            let interface: String = call.body().deserialize().unwrap();
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
            let mut values: HashMap<&str, Variant<'_>> = HashMap::new();
            if interface.ends_with(".Unit") {
                values.extend([
                    ("LoadState", "loaded".into()),
                    ("ActiveState", if active.load(Ordering::SeqCst) { "active" } else { "inactive" }.into()),
                    ("SubState", if active.load(Ordering::SeqCst) { "running" } else { "dead" }.into()),
                    ("UnitFileState", "enabled".into()),
                    ("NeedDaemonReload", false.into()),
                    ("StateChangeTimestamp", u64::try_from(since).unwrap().into()),
                ]);
            } else {
                values.extend([
                    ("Type", "notify".into()),
                    ("RemainAfterExit", false.into()),
                    ("Result", "success".into()),
                    ("NRestarts", 0_u32.into()),
                    ("MainPID", main.into()),
                    ("MemoryCurrent", (12_u64 << 20).into()),
                ]);
            }
            connection.reply(&header, &values).await
        }
        "KillUnit" => {
            let (unit, whom, signal): (String, String, i32) = call.body().deserialize().unwrap();
            assert_eq!((unit.as_str(), whom.as_str()), (UNIT, "main"));
            let result = Command::new("kill").args([format!("-{signal}"), main.to_string()]).status();
            assert!(result.unwrap().success());
            connection.reply(&header, &()).await
        }
        other => {
            let name = "org.freedesktop.DBus.Error.UnknownMethod";
            connection.reply_error(&header, name, &other).await
        }
    }
}
