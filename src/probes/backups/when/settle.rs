//! What the members of a series say of each other's times.
//!
//! | the last changes of members whose names say different times | what follows |
//! |---|---|
//! | are all at once | they were copied: the names count |
//! | are as far apart as the names, each behind its name by the offset of a zone to the west | a zone, or a copy that is made at the same time each day: the names count, and the last changes may be right (`Either`) |
//! | the same, and that offset is twice as long as two of them are apart | a zone: a copy of one is made before the next but one. The last changes count |
//! | say what the names do not, of one and the same date more than a year ago | it is a number: the last changes count |
//!
//! A member alone proves neither, so its name counts: nothing that was copied lately looks fresh.

use crate::probes::backups::series::Member;
use crate::probes::backups::stamp::{self, Stamp};
use crate::probes::backups::when::{APART, Clock, DAY, HOUR, TAKES, TimeFrom, calendar, is_of_zone, timed};
use std::os::unix::ffi::OsStrExt;

/// Two files of one set are copied within this many seconds.
const ONE_COPY: i64 = DAY;

/// What the name of a member says, where it says no moment of a known zone.
struct Named {
    stamp: Stamp,
    /// Where that begins here.
    begins: i64,
    changed: i64,
}

impl Named {
    fn of(member: &Member, clock: &Clock) -> Option<Self> {
        if !matches!(member.from, TimeFrom::Name | TimeFrom::Both) {
            return None;
        }
        let (stamp, begins) = calendar(&stamp::find(&timed(member.name.as_bytes())), clock)?;
        let changed = member.identity.changed.0;
        matches!(stamp, Stamp::Day(_) | Stamp::Hour(_) | Stamp::Local(_)).then_some(Self { stamp, begins, changed })
    }

    /// How long what it says lasts; how far apart copies of one set are at most; how exactly two of one zone keep their distance.
    fn spans(&self) -> (i64, i64, i64) {
        match self.stamp {
            Stamp::Day(_) => (DAY, HOUR, 3 * HOUR),
            Stamp::Hour(_) => (HOUR, TAKES, HOUR / 2),
            _ => (HOUR, TAKES, TAKES),
        }
    }

    /// How far another one is from it, by name and by last change; `None` where their names do not say different times of one kind.
    fn apart(&self, other: &Self) -> Option<(i64, i64)> {
        let is_alike = std::mem::discriminant(&self.stamp) == std::mem::discriminant(&other.stamp);
        let (named, changed) = (self.begins - other.begins, self.changed - other.changed);
        (is_alike && named.abs() >= self.spans().0).then_some((named, changed))
    }
}

/// Settles the times of the members of a series by each other.
pub fn settle(members: &mut [Member], clock: &Clock) {
    believe_the_last_change(members);
    let named: Vec<Option<Named>> = members.iter().map(|member| Named::of(member, clock)).collect();
    for (member, own) in members.iter_mut().zip(&named) {
        let Some(own) = own else { continue };
        let (lasts, at_once, exact) = own.spans();
        let late = own.changed - own.begins;
        let mut distances = named.iter().flatten().filter_map(|other| own.apart(other));
        if member.from == TimeFrom::Both {
            let is_copied = late >= 0 && distances.any(|(_, changed)| changed.abs() <= at_once);
            if is_copied && !matches!(own.stamp, Stamp::Local(_)) {
                (member.unix, member.from) = (own.begins, TimeFrom::Name);
            }
            continue;
        }
        // It was changed later than its name says, and so were the others.
        let is_late = late > if matches!(own.stamp, Stamp::Local(_)) { TAKES } else { lasts } && late <= APART + lasts;
        if !is_late || own.changed > clock.now {
            continue;
        }
        let alike = distances.filter(|(named, changed)| (named - changed).abs() <= exact).map(|(named, _)| named.abs());
        let Some(nearest) = alike.min() else { continue };
        match own.stamp {
            // The day is over here; how long it went on there is not known.
            Stamp::Day(_) => (member.unix, member.from) = (own.begins + DAY, TimeFrom::Both),
            Stamp::Local(civil) if !is_of_zone(civil, own.changed) => {}
            _ if late >= 2 * nearest => (member.unix, member.from) = (own.changed, TimeFrom::Both),
            _ => member.from = TimeFrom::Either,
        }
    }
}

/// Takes the last change of each member whose name says the same day as that of another one, where both contradict their last changes:
/// it is a number and no time. What is copied lately is copied at once.
fn believe_the_last_change(members: &mut [Member]) {
    let doubted: Vec<(i64, i64)> = members
        .iter()
        .filter(|member| member.from == TimeFrom::Doubted)
        .map(|member| (member.unix, member.identity.changed.0))
        .collect();
    for member in members.iter_mut().filter(|member| member.from == TimeFrom::Doubted) {
        let (own, changed) = (member.unix, member.identity.changed.0);
        if doubted.iter().any(|(unix, other)| *unix == own && (other - changed).abs() > ONE_COPY) {
            (member.unix, member.from) = (changed, TimeFrom::Mtime);
        }
    }
}
