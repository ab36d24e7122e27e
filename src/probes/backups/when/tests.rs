use super::*;
use crate::probes::backups::series::{Identity, Member};
use std::cmp::Ordering;

fn unix(moment: &str) -> i64 {
    moment.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn members(began: &[i64], there: i64, clock: &Clock) -> Vec<Member> {
    let of = |began: &i64| {
        let written = jiff::Timestamp::from_second(began + there * 900).unwrap().strftime("%Y%m%d_%H%M%S");
        let (name, changed) = (format!("db_{written}.dump"), began + 90);
        let (unix, from) = time(name.as_bytes(), changed, false, clock);
        let identity = Identity { inode: (0, 0), size: 1, changed: (changed, 0) };
        Member { name: name.into(), unix, from, identity, is_dir: false, size: Some(1), unread: None, uncounted: None }
    };
    began.iter().map(of).collect()
}

#[test]
fn every_offset_of_a_zone_that_is_ahead_or_behind_is_recognised() {
    let now = unix("2026-11-22T12:00:00Z");
    for here in OFFSETS {
        let zone = jiff::tz::Offset::from_seconds(i32::try_from(here * 900).unwrap()).unwrap().to_time_zone();
        let clock = Clock { now, zone };
        for there in OFFSETS {
            let began = now - 3 * DAY;
            let seen = |members: &[Member]| (members[0].unix, members[0].from);
            let (by_name, by_both) = ((began + (there - here) * 900, TimeFrom::Name), (began + 90, TimeFrom::Both));
            let mut alone = members(&[began], there, &clock);
            settle(&mut alone, &clock);
            let expected = if there > here { by_both } else { by_name };
            assert_eq!(seen(&alone), expected, "alone: here {here}, there {there}");
            // West of here, or copied at the same time each day.
            let mut two = members(&[began, began - DAY], there, &clock);
            settle(&mut two, &clock);
            let expected = match there.cmp(&here) {
                Ordering::Equal => by_name,
                Ordering::Greater => by_both,
                Ordering::Less => (by_name.0, TimeFrom::Either),
            };
            assert_eq!(seen(&two), expected, "each day: here {here}, there {there}");
            assert_eq!(two[0].latest(), if there < here { began + 90 } else { expected.0 });
            // No copy is later than the next backup but one.
            let mut often = members(&[began, began - HOUR], there, &clock);
            settle(&mut often, &clock);
            let expected = if here - there >= 8 { by_both } else { expected };
            assert_eq!(seen(&often), expected, "each hour: here {here}, there {there}");
        }
    }
}

#[test]
fn the_hour_that_comes_twice_is_decided_by_the_last_change() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let clock = Clock { now: unix("2026-10-25T06:00:00Z"), zone };
    let name = b"db_20261025_023000.dump";
    assert_eq!(time(name, unix("2026-10-25T00:31:00Z"), false, &clock).0, unix("2026-10-25T00:30:00Z"));
    assert_eq!(time(name, unix("2026-10-25T05:31:00Z"), false, &clock).0, unix("2026-10-25T00:30:00Z"));
    assert_eq!(time(name, unix("2026-10-25T01:31:00Z"), false, &clock).0, unix("2026-10-25T01:30:00Z"));
}
