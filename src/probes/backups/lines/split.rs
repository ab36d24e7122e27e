//! Splits members whose names have one shape into the series that their numbers, or their words, tell apart.
//!
//! | names of one shape | are |
//! |---|---|
//! | with a time, whose numbers come again and again: `db1-2026-11-29`, `db2-2026-11-29`, `db1-2026-11-30` | a series for each number |
//! | with a time, each number once: `backup-1-2026-11-29`, `backup-2-2026-11-30` | one series that counts |
//! | without a time, of other words: `app.dump`, `billing.dump` | a series each |
//! | without a time, of one word with numbers: `dump1.tar` to `dump7.tar` | one series that goes round: each is written again within as many times `max_age` as there are |
//!
//! One that is not written again in that time may be a series of its own, and so may a number that comes again but never beside
//! another: it is a guess, and a warning at most.

use crate::probes::backups::judge::median;
use crate::probes::backups::lines::marks::{self, Mark};
use crate::probes::backups::series::Member;
use crate::probes::backups::shape;
use crate::probes::backups::when::TimeFrom;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// What tells a series from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The words of its names.
    Words,
    /// A number, and its members were made together with those of other numbers.
    Number,
    /// A number, and nothing proves that it is no counter.
    Guess,
}

/// Members of one series, newest first.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub(super) members: Vec<Member>,
    pub(super) by: By,
}

impl Split {
    fn by_words(members: Vec<Member>) -> Self {
        Self { members, by: By::Words }
    }
}

/// The series among members of one shape; `is_alone` where there is no other shape.
pub(super) fn of(members: Vec<Member>, is_alone: bool, max_age: Duration, now: i64) -> Vec<Split> {
    if members.iter().any(|member| member.from != TimeFrom::Mtime) {
        return stamped(members, max_age, now);
    }
    let has_numbers = members.first().is_some_and(|member| shape::has_time(&shape::of(member.name.as_bytes())));
    if !has_numbers && !is_alone {
        return vec![Split::by_words(members)];
    }
    // Words alone, and those right before numbers.
    let key = |member: &Member| {
        let letters: Vec<Vec<u8>> = marks_of(member).into_iter().map(|mark| mark.letters).collect();
        (shape::without_slots(shape::of(member.name.as_bytes())), letters)
    };
    let turns = |members: Vec<Member>| match begins(&members) {
        true => round(members, marks_of, max_age, now),
        false => vec![Split::by_words(members)],
    };
    grouped(members, key).into_iter().flat_map(turns).collect()
}

/// Whether numbers that stand alone begin with 0 or 1, as those of a series do: `a-28`, `a-29` are days.
fn begins(members: &[Member]) -> bool {
    let last = |member: &Member| marks_of(member).pop();
    let is_word = |mark: &Mark| !mark.letters.is_empty();
    let is_low = |mark: &Mark| matches!(mark.digits.as_slice(), b"0" | b"00" | b"1" | b"01");
    members.iter().filter_map(last).any(|mark| is_word(&mark) || is_low(&mark))
}

/// The series among members of one shape whose names say a time.
fn stamped(members: Vec<Member>, max_age: Duration, now: i64) -> Vec<Split> {
    let all: Vec<Vec<Mark>> = members.iter().map(marks_of).collect();
    let many = all.first().map_or(0, Vec::len);
    if many == 0 || all.iter().any(|marks| marks.len() != many) {
        return vec![Split::by_words(members)];
    }
    let at = |place: usize| all.iter().filter_map(move |marks| marks.get(place));
    let distinct = |place: usize| at(place).collect::<HashSet<_>>().len();
    // What counts, or is made up, comes once; what names a series comes again.
    let distinguishing: Vec<usize> = (0..many).filter(|at| (2..=members.len() / 2).contains(&distinct(*at))).collect();
    if distinguishing.is_empty() {
        let is_word = |place: &usize| {
            let letters: HashSet<_> = at(*place).map(|mark| &mark.letters).collect();
            letters.len() == 1 && letters.iter().all(|letters| !letters.is_empty()) && distinct(*place) > 1
        };
        return match (0..many).find(is_word) {
            Some(place) => round(members, |member| marks_of(member).get(place).cloned(), max_age, now),
            None => vec![Split::by_words(members)],
        };
    }
    let key = |member: &Member| {
        let marks = marks_of(member);
        distinguishing.iter().filter_map(|place| marks.get(*place).cloned()).collect::<Vec<_>>()
    };
    let series = grouped(members, key);
    let by = |own: &Vec<Member>| {
        let others = series.iter().filter(|other| other.first().map(&key) != own.first().map(&key)).flatten();
        if is_made_beside(own, others) { By::Number } else { By::Guess }
    };
    let all_by: Vec<By> = series.iter().map(by).collect();
    series.into_iter().zip(all_by).map(|(members, by)| Split { members, by }).collect()
}

/// Members that are written in turn, without those that should have been written again since.
fn round<K: Hash + Eq>(members: Vec<Member>, key: impl Fn(&Member) -> K, max_age: Duration, now: i64) -> Vec<Split> {
    let places = members.iter().map(&key).collect::<HashSet<_>>().len();
    let turn = max_age.saturating_mul(u32::try_from(places).unwrap_or(u32::MAX));
    let is_late = |member: &Member| age(member, now) > turn;
    if places < 2 || !members.iter().any(is_late) || members.iter().all(is_late) || is_sequence(&members, max_age) {
        return vec![Split::by_words(members)];
    }
    // One that was written again since, under the same number, is only older.
    let current: HashSet<K> = members.iter().filter(|member| !is_late(member)).map(&key).collect();
    let (late, rest): (Vec<Member>, Vec<Member>) =
        members.into_iter().partition(|member| is_late(member) && !current.contains(&key(member)));
    let late = grouped(late, key).into_iter().map(|members| Split { members, by: By::Guess });
    std::iter::once(Split::by_words(rest)).chain(late).collect()
}

/// Whether numbers go on with time, also from the last to the first, and none is long after the one before.
fn is_sequence(members: &[Member], max_age: Duration) -> bool {
    let number = |member: &Member| {
        let marks = marks_of(member);
        std::str::from_utf8(&marks.last()?.digits).ok()?.parse::<u64>().ok()
    };
    let Some(numbers) = members.iter().map(number).collect::<Option<Vec<u64>>>() else { return false };
    let pairs = || numbers.iter().zip(numbers.iter().skip(1));
    let (rising, falling) = (pairs().filter(|(a, b)| a < b).count(), pairs().filter(|(a, b)| a > b).count());
    let longest = apart(members).max().unwrap_or(0);
    numbers.len() > 2 && rising.min(falling) <= 1 && longest <= max_age.as_secs().saturating_mul(3)
}

/// Whether at least half of the members, and two of them, were each made close to one of another series.
fn is_made_beside<'a>(own: &[Member], others: impl Iterator<Item = &'a Member>) -> bool {
    let Some(usual) = median(&mut apart(own).collect::<Vec<_>>()) else { return false };
    let others: Vec<i64> = others.map(|member| member.unix).collect();
    let is_close = |member: &&Member| others.iter().any(|unix| member.unix.abs_diff(*unix) <= usual / 8);
    let close = own.iter().filter(is_close).count();
    close > 1 && close * 2 >= own.len()
}

/// The distances between members, in seconds.
fn apart(members: &[Member]) -> impl Iterator<Item = u64> {
    members.iter().zip(members.iter().skip(1)).map(|(newer, older)| newer.unix.abs_diff(older.unix))
}

fn age(member: &Member, now: i64) -> Duration {
    Duration::from_secs(u64::try_from(now.saturating_sub(member.unix)).unwrap_or(0))
}

fn marks_of(member: &Member) -> Vec<Mark> {
    marks::of(member.name.as_bytes()).into_iter().map(|(mark, _)| mark).collect()
}

/// Members by what they have in common, each in the order in which they came.
pub(super) fn grouped<K: Hash + Eq>(members: Vec<Member>, key: impl Fn(&Member) -> K) -> Vec<Vec<Member>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<Member>> = Vec::new();
    for member in members {
        let place = *places.entry(key(&member)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(member),
            None => groups.push(vec![member]),
        }
    }
    groups
}
