//! When a member was made: by its name, its last change, the zone of this host, and the other members.
//!
//! | its name says | its time |
//! |---|---|
//! | a moment in a zone | that moment |
//! | a moment without a zone | that moment in the zone of this host; where it lies behind the last change, the last change |
//! | an hour, a day | the last change where it is not later than that hour or day here; else the beginning of that hour or day |
//! | seconds since the epoch | that moment, unless it lies in the future |
//! | nothing | the last change |
//!
//! Of several the latest counts that is not in the future; seconds since the epoch make a day or an hour precise that they fall into. A
//! day that is in the future and more than a year behind the last change is no time. One that is more than a year before it is a
//! doubt: the data may be as old as it says, and copied lately; or it is a number. So is one of a file that is more than a year behind
//! the last change: what the file holds is as old as that. The last change of an object is that of its upload.
//!
//! A copy has a later last change than its data, and so has a name of a zone to the west. `settle` tells the two apart by the other members.

mod settle;

pub use settle::settle;

use crate::probes::backups::stamp::{self, Stamp};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

/// A clock may be this far ahead of ours, in seconds.
pub const SKEW: i64 = 300;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Seconds of an hour.
const HOUR: i64 = 3600;
/// How far from UTC a zone may be, in seconds.
const ZONES: i64 = 14 * HOUR;
/// How far two zones may be from each other, in seconds.
pub(super) const APART: i64 = 26 * HOUR;
/// How long after the moment of its name a file is done, in seconds, where a zone is to be recognised by it.
const TAKES: i64 = 600;
/// A name and a last change that differ by more than this many seconds contradict each other.
const YEAR: i64 = 366 * DAY;
/// The offsets from UTC that are in use, in quarters of an hour. Source: IANA time zone database.
const OFFSETS: [i64; 40] = [
    -48, -44, -40, -38, -36, -32, -28, -24, -20, -16, -14, -12, -10, -8, -4, 0, 4, 8, 12, 14, 16, 18, 20, 22, 23, 24,
    26, 28, 32, 35, 36, 38, 40, 42, 44, 48, 51, 52, 55, 56,
];

/// The moment and the zone by which names are read.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Seconds since the epoch.
    pub now: i64,
    /// The zone of this host.
    pub zone: TimeZone,
}

impl Clock {
    /// The clock of this host at a moment in seconds since the epoch: its zone is that of `TZ`, or of `/etc/localtime`.
    #[must_use]
    pub fn here(now: i64) -> Self {
        Self { now, zone: TimeZone::system() }
    }

    /// Seconds since the epoch of a moment on this host's clock.
    fn unix(&self, civil: DateTime) -> i64 {
        let found = self.zone.to_ambiguous_zoned(civil).compatible();
        found.map_or_else(|_| utc(civil), |zoned| zoned.timestamp().as_second())
    }

    /// The same, the second one of a moment that comes twice where the file was changed soon after that.
    fn unix_by(&self, civil: DateTime, changed: i64) -> i64 {
        let second = self.zone.to_ambiguous_zoned(civil).later().map(|zoned| zoned.timestamp().as_second());
        second.ok().filter(|second| (0..=TAKES).contains(&(changed - second))).unwrap_or_else(|| self.unix(civil))
    }
}

/// Where a member's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFrom {
    /// Its name.
    Name,
    /// The last change of the file.
    Mtime,
    /// The day, or a moment of an unknown zone, from the name, and the rest from the last change.
    Both,
    /// Its name on this host's clock; where that is of a zone to the west, the last change.
    Either,
    /// Its name, which the last change contradicts.
    Doubted,
}

impl TimeFrom {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mtime => "mtime",
            Self::Both => "name and mtime",
            Self::Either => "name or mtime",
            Self::Doubted => "name against mtime",
        }
    }
}

fn utc(civil: DateTime) -> i64 {
    TimeZone::UTC.to_ambiguous_zoned(civil).compatible().map_or(0, |zoned| zoned.timestamp().as_second())
}

/// Where a stamp of the calendar lies on this host's clock.
fn begins(stamp: Stamp, clock: &Clock) -> Option<i64> {
    match stamp {
        Stamp::Day(date) => Some(clock.unix(date.to_datetime(Time::midnight()))),
        Stamp::Hour(civil) | Stamp::Local(civil) => Some(clock.unix(civil)),
        Stamp::Moment(unix) => Some(unix),
        Stamp::Epoch(_) => None,
    }
}

/// The stamp of the calendar that counts, with where it lies: the latest that is not in the future.
fn calendar(stamps: &[Stamp], clock: &Clock) -> Option<(Stamp, i64)> {
    let all = || stamps.iter().filter_map(|stamp| Some((*stamp, begins(*stamp, clock)?)));
    let past = all().filter(|(_, unix)| *unix <= clock.now + SKEW + APART).max_by_key(|(_, unix)| *unix);
    past.or_else(|| all().max_by_key(|(_, unix)| *unix))
}

/// About when a member was made, by its name alone; `None` where its last change is needed.
#[must_use]
pub fn guess(name: &[u8], clock: &Clock) -> Option<i64> {
    let (_, unix) = calendar(&stamp::find(name), clock)?;
    (unix <= clock.now + SKEW).then_some(unix)
}

/// When a member was made, in seconds since the epoch. `changed` is its last change; that of a directory says less, because some
/// programs give it that of what they copied.
#[must_use]
pub fn time(name: &[u8], changed: i64, is_dir: bool, clock: &Clock) -> (i64, TimeFrom) {
    let stamps = stamp::find(name);
    let epochs = || stamps.iter().filter_map(|stamp| if let Stamp::Epoch(unix) = stamp { Some(*unix) } else { None });
    let Some((stamp, begins)) = calendar(&stamps, clock) else {
        let past = || epochs().filter(|unix| *unix <= clock.now + SKEW);
        let Some(unix) = past().filter(|unix| *unix >= changed - YEAR).max().or_else(|| past().max()) else {
            return (changed, TimeFrom::Mtime);
        };
        return (unix, if unix < changed - YEAR { TimeFrom::Doubted } else { TimeFrom::Name });
    };
    let is_settled = (..=clock.now + SKEW).contains(&changed);
    let precise = |from: i64, until: i64| epochs().find(|unix| (from - ZONES..until + ZONES).contains(unix));
    let both = (changed, TimeFrom::Both);
    let found = match stamp {
        Stamp::Day(date) => {
            let start = utc(date.to_datetime(Time::midnight()));
            let ends = date.tomorrow().map_or(begins + DAY, |next| clock.unix(next.to_datetime(Time::midnight())));
            match precise(start, start + DAY) {
                Some(unix) => (unix, TimeFrom::Name),
                // Somewhere to the east it was that day when the file was changed.
                None if is_settled && (start - ZONES..ends + TAKES).contains(&changed) => both,
                None => (begins, TimeFrom::Name),
            }
        }
        Stamp::Hour(civil) => {
            let start = utc(civil.date().to_datetime(Time::midnight()));
            match precise(start, start + DAY) {
                Some(unix) => (unix, TimeFrom::Name),
                None if is_settled && (start - ZONES..begins + HOUR + TAKES).contains(&changed) => both,
                // Ten digits may be any number.
                None if (begins - changed).abs() > YEAR => return (changed, TimeFrom::Mtime),
                None => (begins, TimeFrom::Name),
            }
        }
        Stamp::Local(civil) => match precise(utc(civil), utc(civil)) {
            Some(unix) => (unix, TimeFrom::Name),
            None if is_settled && is_to_the_east(civil, begins, changed, is_dir) => both,
            None => (clock.unix_by(civil, changed), TimeFrom::Name),
        },
        Stamp::Moment(_) | Stamp::Epoch(_) => (begins, TimeFrom::Name),
    };
    if found.1 != TimeFrom::Name {
        return found;
    }
    if found.0 > clock.now + SKEW && found.0 > changed + YEAR {
        return (changed, TimeFrom::Mtime);
    }
    // What a file holds is not newer than its last change; a directory may have the one of what was copied.
    let is_doubted = found.0 < changed - YEAR || (!is_dir && found.0 > changed + YEAR);
    if is_doubted { (found.0, TimeFrom::Doubted) } else { found }
}

/// When an object was made: by the last part of its key, else by all of it.
#[must_use]
pub fn time_of_key(key: &[u8], changed: i64, clock: &Clock) -> (i64, TimeFrom) {
    time(&timed(key), changed, false, clock)
}

/// What says the time in a name or in a key: its last part, else all parts, as in `2026/11/30/main.dump`.
fn timed(key: &[u8]) -> Vec<u8> {
    let last = key.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if stamp::find(last).is_empty() {
        key.iter().map(|byte| if *byte == b'/' { b'-' } else { *byte }).collect()
    } else {
        last.to_vec()
    }
}

/// Whether a moment without a zone was written by a clock that is ahead of this host's, by the last change of the file: that lies before it.
fn is_to_the_east(civil: DateTime, here: i64, changed: i64, is_dir: bool) -> bool {
    let is_behind = changed < here - SKEW && changed >= here - APART;
    // What a file holds is not newer than its last change; a directory may have the one of what was copied.
    is_behind && (!is_dir || is_of_zone(civil, changed))
}

/// Whether a file was changed soon after a moment in some zone.
fn is_of_zone(civil: DateTime, changed: i64) -> bool {
    OFFSETS.iter().any(|quarters| (-SKEW..=TAKES).contains(&(changed - (utc(civil) - quarters * 900))))
}

#[cfg(test)]
mod tests;
