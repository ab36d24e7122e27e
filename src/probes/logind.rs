//! Whether what is started here outlives the session it is started from.
//!
//! ```text
//!  /proc/self/cgroup ─> session-3.scope ─> KillUserProcesses, KillOnlyUsers, KillExcludeUsers   (bus, else logind.conf)
//!                    ─> user@1000.service ─> Linger                                             (bus, else /var/lib/systemd/linger)
//!                    ─> anywhere else: it does
//! ```
//! Lingering keeps the user's manager, not what runs in the scope of a session: `logind.conf(5)`, `loginctl(1)`.

use crate::probes::units::bus::{Bus, Properties};
use std::fs;
use std::path::{Path, PathBuf};

/// The login manager's name on the bus, and its objects: `org.freedesktop.login1(5)`.
pub(crate) const LOGIN: &str = "org.freedesktop.login1";
const MANAGER_PATH: &str = "/org/freedesktop/login1";

/// Where `logind.conf` and its drop-ins lie, the strongest first: `logind.conf(5)`.
const PLACES: [&str; 4] = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];
/// The largest such file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// What becomes of a process when its user logs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logout {
    /// It goes on.
    Survives,
    /// It is killed, for this reason.
    Ends(String),
    /// Nobody tells; why.
    Unknown(String),
}

impl Logout {
    /// What whoever starts something here should know, with the way on; `None` where it goes on.
    #[must_use]
    pub fn warning(&self, user: &str) -> Option<String> {
        let way = format!(
            "start it where it outlives you: loginctl enable-linger {user}, then systemd-run --user --scope midwatch"
        );
        match self {
            Self::Survives => None,
            Self::Ends(why) => Some(format!("when you log out, the run is killed: {why}; {way}")),
            Self::Unknown(why) => Some(format!("whether the run outlives your logout is not known: {why}; {way}")),
        }
    }
}

/// A process, as its end at logout depends on it.
#[derive(Clone, Debug)]
pub struct Process {
    /// What `/proc/PID/cgroup` says.
    pub cgroup: String,
    /// Its user's number.
    pub uid: u32,
    /// Its user's name.
    pub user: String,
    /// The root of the system's own directories.
    pub root: PathBuf,
}

/// Where in the tree of control groups a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the scope of a login session.
    Session,
    /// Below the user's own manager.
    UserManager,
    /// Where no logout reaches.
    Elsewhere,
}

impl Process {
    /// This process, on this machine; `MIDWATCH_CGROUP` names another file to read in debug builds.
    #[must_use]
    pub fn own(user: &str) -> Self {
        let file = runtime_dir().unwrap_or_else(|| PathBuf::from("/proc/self/cgroup"));
        let cgroup = fs::read_to_string(file).unwrap_or_default();
        let uid = rustix::process::getuid().as_raw();
        Self { cgroup, uid, user: user.to_owned(), root: PathBuf::from("/") }
    }

    /// `0::/user.slice/user-1000.slice/session-3.scope`, or with version 1 the line of `name=systemd`: `cgroups(7)`.
    fn place(&self) -> Place {
        let paths = self.cgroup.lines().filter_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (number, controllers) = (parts.next()?, parts.next()?);
            let ours = (number == "0" && controllers.is_empty()) || controllers == "name=systemd";
            parts.next().filter(|_| ours)
        });
        let all: Vec<&str> = paths.flat_map(|path| path.split('/')).collect();
        let is_scope = |part: &&str| part.starts_with("session-") && part.ends_with(".scope");
        let is_manager = |part: &&str| part.starts_with("user@") && part.ends_with(".service");
        if all.iter().any(is_manager) {
            Place::UserManager
        } else if all.iter().any(is_scope) {
            Place::Session
        } else {
            Place::Elsewhere
        }
    }

    /// What becomes of it when its user logs out, as the system's bus and files tell.
    ///
    /// Blocks for a few seconds at the most, and only in a session.
    #[must_use]
    pub fn at_logout(&self) -> Logout {
        if self.place() == Place::Elsewhere {
            return Logout::Survives;
        }
        let own = self.clone();
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            let logout = runtime.block_on(own.asking(Bus::system()));
            runtime.shutdown_background();
            Some(logout)
        });
        asked.join().ok().flatten().unwrap_or_else(|| Logout::Unknown("it could not be looked up".to_owned()))
    }

    /// The same on another bus than the system's.
    pub(crate) async fn asking(&self, mut bus: Bus) -> Logout {
        match self.place() {
            Place::Elsewhere => Logout::Survives,
            Place::UserManager => self.with_the_manager(&mut bus).await,
            Place::Session => self.with_the_session(&mut bus).await,
        }
    }

    async fn with_the_manager(&self, bus: &mut Bus) -> Logout {
        let path = format!("{MANAGER_PATH}/user/_{}", self.uid);
        let found = bus.properties_of(LOGIN, &path, "User").await.ok().and_then(|user| user.flag("Linger"));
        let kept = self.root.join("var/lib/systemd/linger").join(&self.user);
        match found.unwrap_or_else(|| kept.exists()) {
            true => Logout::Survives,
            false => {
                Logout::Ends(format!("the manager of {} ends with the last session, without lingering", self.user))
            }
        }
    }

    async fn with_the_session(&self, bus: &mut Bus) -> Logout {
        let found = bus.properties_of(LOGIN, MANAGER_PATH, "Manager").await.ok();
        let settings = found.as_ref().and_then(Settings::parse).unwrap_or_else(|| Settings::read(&self.root));
        settings.judge(&self.user)
    }
}

/// What the login manager does with the processes of a session that ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Settings {
    kill: Option<bool>,
    only: Vec<String>,
    /// Root alone where nothing is said.
    exclude: Option<Vec<String>>,
}

impl Settings {
    fn parse(manager: &Properties) -> Option<Self> {
        let exclude = Some(manager.texts("KillExcludeUsers")).filter(|users| !users.is_empty());
        Some(Self { kill: Some(manager.flag("KillUserProcesses")?), only: manager.texts("KillOnlyUsers"), exclude })
    }

    /// Reads `logind.conf` and its drop-ins. What is built in stands in the packaged file behind a `#`.
    fn read(root: &Path) -> Self {
        let mut settings = Self::default();
        let main = PLACES.iter().find_map(|place| text(&root.join(place).join("logind.conf")));
        if let Some(main) = &main {
            settings.kill = assigned(main, "#KillUserProcesses").last().and_then(truth);
        }
        let mut names: Vec<(String, PathBuf)> = Vec::new();
        for place in PLACES {
            let entries = fs::read_dir(root.join(place).join("logind.conf.d")).into_iter().flatten().flatten();
            for entry in entries {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".conf") && !names.iter().any(|(known, _)| *known == name) {
                    names.push((name, entry.path()));
                }
            }
        }
        names.sort();
        let drop_ins = names.iter().filter_map(|(_, path)| text(path));
        for file in main.into_iter().chain(drop_ins) {
            settings.take(&file);
        }
        settings
    }

    fn take(&mut self, file: &str) {
        if let Some(kill) = assigned(file, "KillUserProcesses").last().and_then(truth) {
            self.kill = Some(kill);
        }
        for value in assigned(file, "KillOnlyUsers") {
            self.only = words(value);
        }
        for value in assigned(file, "KillExcludeUsers") {
            self.exclude = Some(words(value));
        }
    }

    /// Source: `manager_shall_kill` as `logind.conf(5)` describes it.
    fn judge(&self, user: &str) -> Logout {
        let excluded = self.exclude.as_ref().map_or(user == "root", |users| users.iter().any(|name| name == user));
        let only = !self.only.is_empty();
        match self.kill {
            _ if excluded => Logout::Survives,
            _ if only && self.only.iter().any(|name| name == user) => {
                Logout::Ends(format!("KillOnlyUsers of the login manager names {user}"))
            }
            _ if only => Logout::Survives,
            Some(false) => Logout::Survives,
            Some(true) => Logout::Ends("the login manager has KillUserProcesses=yes".to_owned()),
            None => Logout::Unknown("neither the login manager nor logind.conf tells".to_owned()),
        }
    }
}

/// The values that are assigned to a key in the section `[Login]`.
fn assigned<'a>(file: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let mut inside = false;
    file.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with('[') {
            inside = line == "[Login]";
        }
        let (name, value) = line.split_once('=').filter(|_| inside)?;
        (name.trim_end() == key).then(|| value.trim())
    })
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

/// A boolean as systemd reads it: `systemd.syntax(7)`.
fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

fn text(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    fs::File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(debug_assertions)]
fn runtime_dir() -> Option<PathBuf> {
    std::env::var_os("MIDWATCH_CGROUP").map(PathBuf::from)
}

#[cfg(not(debug_assertions))]
fn moved() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests;
