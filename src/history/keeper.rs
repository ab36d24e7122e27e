//! Reads the last hour, writes where no other process does, and puts a damaged file aside.

use super::fault::Fault;
use super::pending::Pending;
use super::place::Place;
use super::{About, Event, SHOWN, read, schema, write};
use crate::config::state;
use crate::domain::error::Result;
use crate::domain::series::minute;
use crate::domain::{Error, Kind, Past, Wall};
use crate::probes::clock;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// What is older was written by the process that holds the lock, if one does.
const THEIRS: Duration = Duration::from_secs(180);

/// Works at the file of one estate.
pub(super) struct Keeper<'a> {
    about: About,
    /// Whether it makes the directory where it is missing.
    makes: bool,
    report: &'a dyn Fn(Event),
    /// The lock, while this process is the one that writes.
    lock: Option<File>,
    /// The hour in which the names were swept last.
    swept: Option<i64>,
    /// The failure that was reported last: each is reported once.
    reported: Option<String>,
}

impl<'a> Keeper<'a> {
    pub fn new(about: About, makes: bool, report: &'a dyn Fn(Event)) -> Self {
        Self { about, makes, report, lock: None, swept: None, reported: None }
    }

    /// Reads the last hour and reports it.
    pub fn read(&mut self) {
        let read = self.past(SHOWN, true);
        if let Some(past) = self.settle(read) {
            (self.report)(Event::Read(Arc::new(past)));
        }
    }

    /// Writes what is pending, where this process is the one that does; what cannot be written stays pending.
    pub fn write(&mut self, pending: &mut Pending) {
        let wrote = self.written(pending, clock::now().wall);
        self.settle(wrote);
    }

    /// The figures of the last minutes; none where there is no file. `claims`: whether this process would write, too.
    pub fn past(&mut self, minutes: i64, claims: bool) -> Result<Past> {
        let (Some(place), now) = (self.place()?, clock::now().wall) else { return Ok(Past::default()) };
        let _ = claims && self.claim(&place)?;
        let estate = self.about.estate();
        self.mended(&place, |writes| {
            // A journal that a killed writer left is rolled back by the next writer.
            let db = match writes && place.look()?.is_some() {
                true => Some(schema::open(&place)?),
                false => schema::open_to_read(&place)?,
            };
            let Some(db) = db else { return Ok(Past::default()) };
            let read = read::figures(&db, &estate, minute(now) - minutes, now);
            read.map_err(|cause| Fault::of(&place.database(), &cause))
        })
    }

    fn written(&mut self, pending: &mut Pending, now: Wall) -> Result<()> {
        let Some(place) = self.place()?.filter(|_| !pending.0.is_empty()) else { return Ok(()) };
        if !self.claim(&place)? {
            let theirs = now.0.checked_sub(THEIRS).map_or(now, Wall);
            pending.forget_before(theirs);
            return Ok(());
        }
        let (estate, hour) = (self.about.estate(), minute(now) / 60);
        let sweep = self.swept != Some(hour);
        self.mended(&place, |_| {
            let mut db = schema::open(&place)?;
            let wrote = write::figures(&mut db, &estate, pending, minute(now), sweep);
            wrote.map_err(|cause| Fault::of(&place.database(), &cause))
        })?;
        self.swept = Some(hour);
        pending.0.clear();
        Ok(())
    }

    /// The directory; none where it is missing and this process makes none.
    fn place(&self) -> Result<Option<Place>> {
        let (state, around) = (&self.about.state, &self.about.around);
        if !self.makes && !state::has_log_home(state, around) {
            return Ok(None);
        }
        Place::prepare(state, around).map(Some)
    }

    /// Becomes the one that writes, if it is not yet and no other process is; whether it is.
    fn claim(&mut self, place: &Place) -> Result<bool> {
        if self.lock.is_none() {
            self.lock = place.claim(&self.about.estate())?;
        }
        Ok(self.lock.is_some())
    }

    /// Works at the file; one that is damaged is put aside first where this process writes, and a new one begun.
    fn mended<T>(&self, place: &Place, mut work: impl FnMut(bool) -> std::result::Result<T, Fault>) -> Result<T> {
        let (path, found) = (place.database(), place.look()?);
        let why = match work(self.lock.is_some()) {
            Err(Fault::Damaged(why)) if self.lock.is_some() => why,
            done => return done.map_err(|fault| fault.into_error(&path)),
        };
        if let Some(kept) = place.set_aside(found, clock::now().wall)? {
            let message = format!("the history in {} was damaged, and a new one is begun", path.display());
            let error =
                Error::new(Kind::Machine, message).hint(format!("the damaged one is kept as {}", kept.display()));
            tracing::warn!(cause = why, kept = %kept.display(), "history damaged");
            (self.report)(Event::Trouble(error));
        }
        work(true).map_err(|fault| fault.into_error(&path))
    }

    /// Reports what failed, once, and when it works again.
    fn settle<T>(&mut self, done: Result<T>) -> Option<T> {
        match done {
            Ok(done) => {
                if self.reported.take().is_some() {
                    tracing::info!("history kept again");
                }
                Some(done)
            }
            Err(error) => {
                if self.reported.as_ref() != Some(&error.message) {
                    self.reported = Some(error.message.clone());
                    tracing::warn!(cause = error.message, hint = error.hints.join("; "), "history not kept");
                    (self.report)(Event::Trouble(error));
                }
                None
            }
        }
    }
}
