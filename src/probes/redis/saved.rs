//! When the data were last saved as a snapshot, and how that went.

use crate::domain::Wall;
use crate::probes::redis::info::{Info, Lack};
use crate::probes::redis::server::span;

/// How far the time of the first "save" may be from that of the start, in seconds: both are taken while the server starts.
const START: u64 = 2;

/// How far a save may lie ahead of the clock that it is compared with, in seconds.
const AHEAD: u64 = 60;

/// When data were last saved as a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// At this moment.
    At(Wall),
    /// Never since the server started.
    Never,
    /// The server does not tell.
    Untold,
}

impl Info {
    /// When its data were last saved as a snapshot; `now` stands for its clock where it does not tell that.
    #[must_use]
    pub fn saved(&self, now: Wall) -> Saved {
        self.last_save(now).unwrap_or(Saved::Untold)
    }

    /// The same; never [`Saved::Untold`].
    ///
    /// # Errors
    /// What INFO lacks for it.
    pub(super) fn last_save(&self, now: Wall) -> Result<Saved, String> {
        let clock = u64::try_from(self.clock().unwrap_or(now).0.as_second()).unwrap_or_default();
        let moment = |key: &str, at: u64| match at.checked_sub(clock).filter(|ahead| *ahead > AHEAD) {
            Some(ahead) => Err(format!("{key} is {} ahead of the clock", span(ahead))),
            None => i64::try_from(at)
                .map(|at| Saved::At(Wall::from_unix(at, 0)))
                .map_err(|_| format!("INFO has no readable {key}")),
        };
        let in_words = |lack: Lack| lack.to_string();
        if let Some((key, file)) = self.dragonfly_save() {
            let at = self.need_number(key).map_err(in_words)?;
            if !self.has(file) {
                return Err(self.lack(file).to_string());
            }
            // Dragonfly names no file before the first one.
            return if at > 0 && self.text(file).is_some() { moment(key, at) } else { Ok(Saved::Never) };
        }
        let key = "rdb_last_save_time";
        let at = self.need_number(key).map_err(in_words)?;
        if at == 0 {
            return Ok(Saved::Never);
        }
        // A server begins with the time of its start in the place of a save, and with the status of one that went well (`initServer`
        // in server.c). The count of saves alone is no proof: CONFIG RESETSTAT undoes it, and it counts attempts, so one
        // that failed or is under way is among them (`rdbSaveBackground` in rdb.c).
        let uptime = self.need_number("uptime_in_seconds").map_err(in_words)?;
        let at_start = clock.checked_sub(uptime).is_some_and(|began| began.abs_diff(at) <= START);
        let under_way = u64::from(self.flag("rdb_bgsave_in_progress") == Some(true));
        let ended = self.number("rdb_saves").unwrap_or_default().saturating_sub(under_way);
        let never = at_start && (ended == 0 || self.save_went_well() == Some(false));
        if never { Ok(Saved::Never) } else { moment(key, at) }
    }

    /// The names that Dragonfly has for the moment of the last save and for its file; before 1.14 it had others.
    fn dragonfly_save(&self) -> Option<(&'static str, &'static str)> {
        let pairs = [("last_success_save", "last_saved_file"), ("last_save", "last_save_file")];
        let there = pairs.into_iter().find(|(moment, _)| self.has(moment));
        there.or_else(|| (self.product().0 == "dragonfly").then_some(("last_success_save", "last_saved_file")))
    }

    /// Whether the last save went well, where there was one.
    #[must_use]
    pub fn save_went_well(&self) -> Option<bool> {
        self.save_status().ok()
    }

    /// The same.
    ///
    /// # Errors
    /// What INFO lacks for it.
    pub(super) fn save_status(&self) -> Result<bool, Lack> {
        let Some((key, _)) = self.dragonfly_save() else { return self.need_status("rdb_last_bgsave_status") };
        let well = self.need_number(key)?;
        match self.need_number("last_failed_save") {
            Ok(failed) => Ok(failed <= well),
            // Before 1.14 it tells of the last that went well, and of none that failed.
            Err(lack) if lack.is_absent() && key == "last_save" => Ok(true),
            Err(lack) => Err(lack),
        }
    }

    /// Changes since the last save.
    #[must_use]
    pub fn unsaved(&self) -> Option<u64> {
        self.number("rdb_changes_since_last_save").or_else(|| self.number("rdb_changes_since_last_success_save"))
    }
}
