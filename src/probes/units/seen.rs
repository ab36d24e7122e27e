//! What systemd says of one unit.

use crate::domain::Wall;
use crate::probes::units::bus::{Bus, Properties};

/// The properties that matter, as systemd words them: `org.freedesktop.systemd1(5)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    pub(super) load: String,
    /// Why it could not be loaded.
    pub(super) load_error: Option<String>,
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, `maintenance`, `refreshing`.
    pub(super) active: String,
    /// `running`, `exited`, `dead`, `auto-restart`, `waiting`, `listening`, `mounted` and many more.
    pub(super) sub: String,
    /// `enabled`, `disabled`, `static`.
    pub(super) file_state: Option<String>,
    /// Whether its file has changed since it was loaded.
    pub(super) need_reload: Option<bool>,
    /// When it came into its present state.
    pub(super) since: Option<Wall>,
    /// How its last run ended: `success`, `exit-code`, `signal`, `timeout`, `oom-kill`, `start-limit-hit`.
    pub(super) result: Option<String>,
    /// Of a service: what it is.
    pub(super) service: Option<Service>,
    /// How often systemd has started it again by itself.
    pub(super) restarts: Option<u64>,
    /// The memory of its processes, in bytes.
    pub(super) memory: Option<u64>,
    /// Of a timer: when it fires next, and when it last did.
    pub(super) timer: Option<Timer>,
    /// Of a socket: how many connections are open.
    pub(super) connections: Option<u64>,
    /// When it last became active.
    pub(super) entered: Option<Wall>,
    /// The condition or assertion for which it was not started: `ConditionPathExists=/srv/data`.
    pub(super) unmet: Option<String>,
    /// The conditions that have not been looked at since systemd loaded it.
    pub(super) conditions: Vec<String>,
    /// Whether another unit refers to it, so that systemd does not forget it when it has ended.
    pub(super) is_referred_to: bool,
    /// Of a timer or a path: the unit that it starts.
    pub(super) starts: Option<String>,
    /// How that unit is.
    pub(super) started: Option<Box<Self>>,
}

/// The reverse dependencies that keep a unit in systemd's memory.
const REFERENCES: [&str; 6] = ["TriggeredBy", "WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "ConsistsOf"];

/// The parts that only a service has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Service {
    /// Whether it runs once and ends: `Type=oneshot`.
    pub(super) oneshot: bool,
    /// Whether it counts as active after it has ended.
    pub(super) remains: bool,
    /// Its main process.
    pub(super) main_pid: Option<u64>,
    /// How its main process last ended: the exit status, or the signal.
    pub(super) exit: Option<Exit>,
    /// When its main process last ended.
    pub(super) ended: Option<Wall>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Status(i64),
    Signal(i64),
}

/// The parts that only a timer has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Timer {
    pub(super) next: Option<Wall>,
    pub(super) last: Option<Wall>,
}

impl Seen {
    /// Reads a unit's object.
    ///
    /// # Errors
    /// Why its state is not known. What only some versions of systemd tell may be missing.
    pub(super) async fn read(bus: &mut Bus, name: &str, path: &str) -> Result<Self, String> {
        let unit = bus.properties(path, "Unit").await.map_err(|trouble| trouble.words())?;
        let state = |property: &str| {
            let text = unit.text(property).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| format!("systemd does not tell its {property}"))
        };
        let mut seen = Self {
            load: state("LoadState")?,
            active: state("ActiveState")?,
            sub: state("SubState")?,
            load_error: unit.message("LoadError"),
            file_state: unit.text("UnitFileState").filter(|text| !text.is_empty()).map(str::to_owned),
            need_reload: unit.flag("NeedDaemonReload"),
            since: moment(&unit, "StateChangeTimestamp"),
            entered: moment(&unit, "ActiveEnterTimestamp"),
            unmet: unmet(&unit, "Condition").or_else(|| unmet(&unit, "Assert")),
            conditions: untested(&unit),
            is_referred_to: REFERENCES.iter().any(|list| !unit.texts(list).is_empty()),
            ..Self::default()
        };
        // A unit that could not be loaded has nothing of its own kind.
        if let (Some(kind), "loaded") = (interface(name), seen.load.as_str()) {
            let own = bus.properties(path, kind).await.map_err(|trouble| trouble.words())?;
            seen.take_own(kind, &own);
        }
        Ok(seen)
    }

    fn take_own(&mut self, kind: &str, own: &Properties) {
        self.result = own.text("Result").map(str::to_owned);
        self.memory = own.number("MemoryCurrent");
        match kind {
            "Service" => {
                self.restarts = own.number("NRestarts");
                self.service = Some(Service {
                    oneshot: own.text("Type") == Some("oneshot"),
                    remains: own.flag("RemainAfterExit").unwrap_or(false),
                    main_pid: own.number("MainPID").filter(|pid| *pid != 0),
                    exit: exit(own),
                    ended: moment(own, "ExecMainExitTimestamp"),
                });
            }
            "Timer" => {
                let (next, last) = (moment(own, "NextElapseUSecRealtime"), moment(own, "LastTriggerUSec"));
                self.timer = Some(Timer { next, last });
                self.starts = own.text("Unit").filter(|unit| !unit.is_empty()).map(str::to_owned);
            }
            "Path" => self.starts = own.text("Unit").filter(|unit| !unit.is_empty()).map(str::to_owned),
            "Socket" => self.connections = own.number("NConnections"),
            _ => {}
        }
    }
}

/// The first condition (or assertion) that was not met when the unit was last to be started; none where all were.
///
/// Source: `org.freedesktop.systemd1(5)`: `Conditions` and `Asserts` hold the name, two flags, the parameter, and a negative number
/// where it was not met.
fn unmet(unit: &Properties, kind: &str) -> Option<String> {
    moment(unit, &format!("{kind}Timestamp"))?;
    unit.flag(&format!("{kind}Result")).filter(|met| !met)?;
    let all = unit.conditions(&format!("{kind}s"));
    let failed = all.iter().find(|(.., state)| *state < 0).map(words);
    Some(
        failed
            .unwrap_or_else(|| format!("a{} of its file", if kind == "Assert" { "n assertion" } else { " condition" })),
    )
}

/// The conditions of a unit that was not to be started since systemd loaded it.
fn untested(unit: &Properties) -> Vec<String> {
    if moment(unit, "ConditionTimestamp").is_some() {
        return Vec::new();
    }
    unit.conditions("Conditions").iter().map(words).collect()
}

/// A condition as its file has it.
fn words((name, _, negated, parameter, _): &(String, bool, bool, String, i32)) -> String {
    format!("{name}={}{parameter}", if *negated { "!" } else { "" })
}

/// How the main process ended, by the codes of `waitid(2)`: `CLD_EXITED` 1, `CLD_KILLED` 2, `CLD_DUMPED` 3.
fn exit(own: &Properties) -> Option<Exit> {
    let status = own.signed("ExecMainStatus")?;
    match own.signed("ExecMainCode")? {
        1 => Some(Exit::Status(status)),
        2 | 3 => Some(Exit::Signal(status)),
        _ => None,
    }
}

/// A moment in microseconds since the epoch; zero means never.
fn moment(properties: &Properties, name: &str) -> Option<Wall> {
    let micros = properties.number(name).filter(|micros| *micros != 0)?;
    let seconds = i64::try_from(micros / 1_000_000).ok()?;
    let nanos = u32::try_from(micros % 1_000_000 * 1000).ok()?;
    Some(Wall::from_unix(seconds, nanos))
}

/// The interface of a unit's own kind, where it tells something that is read.
fn interface(name: &str) -> Option<&'static str> {
    let (_, suffix) = name.rsplit_once('.')?;
    match suffix {
        "service" => Some("Service"),
        "timer" => Some("Timer"),
        "socket" => Some("Socket"),
        "mount" => Some("Mount"),
        "automount" => Some("Automount"),
        "swap" => Some("Swap"),
        "path" => Some("Path"),
        "scope" => Some("Scope"),
        "slice" => Some("Slice"),
        _ => None,
    }
}
