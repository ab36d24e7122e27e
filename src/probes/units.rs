//! systemd units over D-Bus: one that is named, or every failed one of this host.
//!
//! ```text
//!  Manager.LoadUnit(name) -> path -> Properties.GetAll(Unit) + GetAll(Service, Timer, Socket …) -> observation
//!  Manager.ListUnitsFiltered(["failed"]) -> paths -> the same, one finding for each
//! ```
//! `LoadUnit` starts nothing: it makes systemd read a unit that is not in its memory, as `systemctl status` does.
//!
//! Facts, as far as systemd tells them: `load_state`, `active_state`, `sub_state`, `result`, `since` (UTC) and `since_s` (of the
//! present state), `main_pid`, `restarts`, `memory_bytes`, `unit_file_state`, `need_daemon_reload`, `load_error`, `exit_status` or
//! `exit_signal`; of a timer `next_at` and `last_at`, of a timer or a path `starts` and `starts_result`, of a socket `connections`.

pub(crate) mod bus;
#[cfg(test)]
pub(crate) mod double;
mod ending;
pub(crate) mod jobs;
mod judge;
mod seen;

use crate::config::estate;
use crate::domain::{Fact, Finding, Observation};
use crate::probes::clock;
use crate::probes::units::bus::{Bus, Trouble};
use crate::probes::units::seen::Seen;

/// Where units are read from.
pub const SOURCE: &str = "org.freedesktop.systemd1";

/// How many failed units get a row each.
const MOST_FAILED: usize = 200;

/// Reads one unit, or all failed ones, again and again over one connection.
pub struct UnitReader {
    target: Option<estate::Unit>,
    bus: Bus,
    restarts: Option<u64>,
}

/// The observation with the unit's name as a fact, whatever its row is called.
fn called(name: &str, mut seen: Observation) -> Observation {
    seen.facts.insert("unit", Fact::Text(name.to_owned()));
    seen
}

impl UnitReader {
    /// A reader that has read nothing yet: of one unit, or of every failed one.
    #[must_use]
    pub fn new(target: Option<estate::Unit>) -> Self {
        Self::on(Bus::system(), target)
    }

    /// The same on another bus than the system's.
    pub(crate) fn on(bus: Bus, target: Option<estate::Unit>) -> Self {
        Self { target, bus, restarts: None }
    }

    /// Reads once.
    ///
    /// # Errors
    /// Why nothing was learnt: no bus, no systemd behind it, no permission, no answer in time, or one that is none.
    pub async fn read(&mut self) -> Result<Vec<Finding>, String> {
        match self.target.clone() {
            Some(unit) => self.named(&unit).await.map(|seen| vec![Finding::of_target(seen)]),
            None => self.failed().await,
        }
    }

    async fn named(&mut self, unit: &estate::Unit) -> Result<Observation, String> {
        let path = match self.bus.load_unit(&unit.name).await {
            Ok(path) => path,
            Err(Trouble::Refused { name, .. }) if name == NO_SUCH_UNIT => {
                return Ok(judge::observation(&missing(), unit.critical, None, clock::now().wall));
            }
            Err(Trouble::Refused { name, message }) if name == INVALID => {
                return Err(format!("not the name of a unit: {message}"));
            }
            Err(trouble) => return Err(trouble.words()),
        };
        let mut seen = Seen::read(&mut self.bus, &unit.name, &path).await?;
        if let Some(name) = seen.starts.clone() {
            seen.started = Some(Box::new(self.started(&name).await?));
        }
        let before = std::mem::replace(&mut self.restarts, seen.restarts);
        Ok(called(&unit.name, judge::observation(&seen, unit.critical, before, clock::now().wall)))
    }

    /// The unit that a timer or a path starts; how it ended is what the one that starts it does not say.
    async fn started(&mut self, name: &str) -> Result<Seen, String> {
        match self.bus.load_unit(name).await {
            Ok(path) => Seen::read(&mut self.bus, name, &path).await,
            Err(Trouble::Refused { name, .. }) if name == NO_SUCH_UNIT => Ok(missing()),
            Err(trouble) => Err(trouble.words()),
        }
    }

    async fn failed(&mut self) -> Result<Vec<Finding>, String> {
        let listed = self.bus.failed_units().await.map_err(|trouble| trouble.words())?;
        let mut findings = Vec::new();
        for (name, path) in listed.iter().take(MOST_FAILED) {
            match Seen::read(&mut self.bus, name, path).await {
                // It has been started again since the list was made.
                Ok(seen) if seen.active != "failed" => {}
                Ok(seen) => {
                    let seen = called(name, judge::observation(&seen, true, None, clock::now().wall));
                    findings.push(Finding::of(name.clone(), Ok(seen)));
                }
                // Where the bus itself is gone, nothing is known of the others either.
                Err(why) if !self.bus.lives() => return Err(why),
                Err(why) => findings.push(Finding::of(name.clone(), Err(why))),
            }
        }
        if let Some(more) = listed.len().checked_sub(MOST_FAILED).filter(|more| *more > 0) {
            findings.push(Finding::of("others", Err(format!("{more} more failed units are not listed"))));
        }
        Ok(findings)
    }
}

/// A unit that systemd does not know.
fn missing() -> Seen {
    Seen { load: "not-found".to_owned(), active: "inactive".to_owned(), ..Seen::default() }
}

/// What systemd says of a unit that it does not know: `org.freedesktop.systemd1(5)`.
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";
const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

#[cfg(test)]
mod tests;
