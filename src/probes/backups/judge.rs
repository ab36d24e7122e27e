//! What a series of backups means: facts, verdict and the words of the row.
//!
//! | what | verdict |
//! |---|---|
//! | no member; the newest older than `max_age`, empty, smaller than `min_size`, or not what its checksum says | critical |
//! | all members dated in the future; none that is finished yet; a checksum that cannot be read, or not held against it by a `check` | unknown |
//! | the newest a file whose last change is more than 26 hours before the time of its name; where that change is older than `max_age` | warn; unknown |
//! | the newest has a name that says a day of more than a year before its last change, or, of a file, behind it | unknown |
//! | the newest within `max_age` by its last change and not by its name, where either may be right | unknown |
//! | the newest, or one that may be, cannot be read | unknown |
//! | the size of the newest is not known, and `min_size` is set | unknown |
//! | the newest no more than an empty archive (`size`) | critical |
//! | the newest less than half of the median of up to 29 members before it, of at least 3; less than a tenth of one or two | warn |
//! | the newest a directory without a dump that all before it hold (`contents`) | warn |
//! | a gap among the last 7 distances; a member dated in the future beside others; one that failed since the newest | warn |
//!
//! An increment is held against increments alone.
//!
//! A gap is a distance of more than one and a half intervals with a regular one on its older side: a series that is thinned out with age
//! has none. The interval is `every`, or the median of the distances.

mod size;

use crate::config::estate::Backup;
use crate::domain::{Fact, Observation, Verdict, Wall, quantity};
use crate::probes::backups::checksum::{ENDING, Expected, ONCE, Progress};
use crate::probes::backups::series::{Member, Series};
use crate::probes::backups::when::{APART, TimeFrom};
use crate::probes::sentence::Sentence;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How many members before the newest say what is usual.
pub(super) const USUAL: usize = 3;
/// How many of the last distances warn.
const RECENT: usize = 7;

/// What is known of the newest member's checksum.
pub struct Checked {
    /// What should be.
    pub expected: Expected,
    /// What is; `None` where it is not known what should be.
    pub progress: Option<Progress>,
    /// Whether there is no reading after this one.
    pub is_once: bool,
}

/// Judges a series at a moment.
#[must_use]
pub fn judge(target: &Backup, directory: &Path, series: &Series, checked: Option<&Checked>, now: Wall) -> Observation {
    let count = |count: usize| Fact::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let mut facts = BTreeMap::from([
        ("directory", Fact::Text(directory.display().to_string())),
        ("count", count(series.count)),
        ("unfinished", count(series.unfinished)),
        ("future", count(series.future.0)),
        ("failed", count(series.failed.len())),
        ("beside", count(series.beside)),
        ("max_age_s", Fact::Int(i64::try_from(target.max_age.as_secs()).unwrap_or(i64::MAX))),
    ]);
    let unread = series.members.first().and_then(|newest| newest.unread.as_ref()).or(series.unread.as_ref());
    let uncounted = series.members.first().and_then(|newest| newest.uncounted.as_ref());
    facts.extend(unread.or(uncounted).and_then(|unread| Some(("remedy_command", Fact::Text(unread.remedy()?)))));
    let Some(newest) = series.members.first() else {
        let (verdict, detail) = none(series);
        return Observation { verdict, detail, facts, observed_at: now, trend: None };
    };
    let age = age_at(newest.unix, now);
    let made = Wall::from_unix(newest.unix, 0);
    facts.extend([
        ("newest", Fact::Text(newest.name.to_string_lossy().into_owned())),
        ("newest_at", Fact::Text(made.0.to_string())),
        ("time_from", Fact::Text(newest.from.word().to_owned())),
        ("age_s", Fact::Int(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))),
        ("path", Fact::Text(path(directory, newest))),
    ]);
    let mut sentence = of_time(target, series, newest, now);
    sentence.source(target, newest, now);
    sentence.checksum(newest, checked, &mut facts);
    sentence.size(target, series, newest, &mut facts);
    if let Some(name) = series.lacking.get(&newest.name) {
        sentence.add(Verdict::Warn, format!("without {name}"));
    }
    sentence.gaps(target, series, &mut facts);
    if series.growing > 0 && sentence.verdict != Verdict::Ok {
        sentence.add(Verdict::Ok, format!("{} being written", quantity::count(series.growing as u64)));
    }
    if series.future.0 > 0 {
        sentence.add(Verdict::Warn, format!("{} dated in the future", series.future.0));
    }
    let failed = series.failed.iter().filter(|made| **made > newest.unix).count();
    if failed > 0 {
        sentence.add(Verdict::Warn, format!("{} failed since", quantity::count(failed as u64)));
    }
    sentence.note_reason(&mut facts);
    let detail = sentence.words.join(" · ");
    Observation { verdict: sentence.verdict, detail, facts, observed_at: now, trend: None }
}

/// What the time of the newest says, and what of it cannot be read.
fn of_time(target: &Backup, series: &Series, newest: &Member, now: Wall) -> Sentence {
    let (age, least) = (age_at(newest.unix, now), age_at(newest.latest(), now));
    let made = Wall::from_unix(newest.unix, 0);
    let (verdict, words) = if newest.from == TimeFrom::Doubted {
        let changed = Wall::from_unix(newest.identity.changed.0, 0);
        (Verdict::Unknown, format!("its name says {} · last changed {}", made.date(), changed.date()))
    } else if age > target.max_age && least <= target.max_age {
        let (least, most, limit) = (quantity::age(least), quantity::age(age), quantity::age(target.max_age));
        (Verdict::Unknown, format!("{least} or {most} old: its name has no zone · limit {limit}"))
    } else {
        let verdict = if age > target.max_age { Verdict::Critical } else { Verdict::Ok };
        (verdict, when(target, age, made, now))
    };
    let mut sentence = Sentence::of(verdict, words);
    if let Some(unread) = &series.unread {
        // It may be newer than the newest: an age proves nothing.
        sentence = Sentence::of(Verdict::Ok, sentence.words.concat());
        sentence.add_time(Verdict::Unknown, &unread.words());
    }
    if let Some(unread) = &newest.unread {
        sentence.add_time(Verdict::Unknown, &unread.words());
    }
    sentence
}

/// How old it is at a moment, what was made then.
fn age_at(unix: i64, now: Wall) -> Duration {
    Duration::from_secs(u64::try_from(now.0.as_second().saturating_sub(unix)).unwrap_or(0))
}

/// Where a member lies; the rest of a key may begin with a `/` itself.
fn path(directory: &Path, member: &Member) -> String {
    format!("{}/{}", directory.to_string_lossy().trim_end_matches('/'), member.name.to_string_lossy())
}

/// A series of which nothing can be the newest.
fn none(series: &Series) -> (Verdict, String) {
    let others = [(series.unfinished, "unfinished"), (series.failed.len(), "failed"), (series.beside, "beside them")];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others: String = others.map(|(count, word)| format!(" · {count} {word}")).collect();
    if let Some(unread) = &series.unread {
        return (Verdict::Unknown, format!("{}{others}", unread.words()));
    }
    match &series.future {
        (_, Some(name)) => {
            let future = quantity::counted(u64::try_from(series.future.0).unwrap_or(u64::MAX), "backup", "backups");
            (Verdict::Unknown, format!("{future} dated in the future: {}", name.to_string_lossy()))
        }
        _ if series.growing > 0 => (Verdict::Unknown, "no finished backup · one is being written".to_owned()),
        _ => (Verdict::Critical, format!("no backup{others}")),
    }
}

/// `03:10 today`, or `31 h old · limit 24 h`.
fn when(target: &Backup, age: Duration, made: Wall, now: Wall) -> String {
    if age > target.max_age {
        return format!("{} old · limit {}", quantity::age(age), quantity::age(target.max_age));
    }
    let clock = made.0.strftime("%H:%M");
    if made.date() == now.date() {
        format!("{clock} today")
    } else if made.plus(Duration::from_secs(86_400)).date() == now.date() {
        format!("{clock} yesterday")
    } else {
        made.minute()
    }
}

impl Sentence {
    /// Says that a file was last changed long before its name says: an old file under a new name holds old data.
    fn source(&mut self, target: &Backup, newest: &Member, now: Wall) {
        let changed = newest.identity.changed.0;
        if newest.is_dir || newest.from != TimeFrom::Name || newest.unix.saturating_sub(changed) <= APART {
            return;
        }
        let age = Duration::from_secs(u64::try_from(now.0.as_second().saturating_sub(changed)).unwrap_or(0));
        let verdict = if age > target.max_age { Verdict::Unknown } else { Verdict::Warn };
        self.add_time(verdict, &format!("last changed {} ago", quantity::age(age)));
    }

    /// Says something about the time, right behind it.
    fn add_time(&mut self, verdict: Verdict, words: &str) {
        self.weigh(verdict, words);
        if let Some(first) = self.words.first_mut() {
            first.push_str(" · ");
            first.push_str(words);
        }
    }

    fn checksum(&mut self, newest: &Member, checked: Option<&Checked>, facts: &mut BTreeMap<&'static str, Fact>) {
        let Some(Checked { expected, progress, is_once }) = checked else {
            if newest.is_dir {
                facts.insert("not_verified", Fact::Text("a directory is not verified".to_owned()));
                return;
            }
            let why = format!("no SHA-256 beside it: expects {}{ENDING}", newest.name.to_string_lossy());
            facts.insert("not_verified", Fact::Text(why));
            return;
        };
        facts.insert("checksum_file", Fact::Text(expected.file.display().to_string()));
        let mut lost = |sentence: &mut Self, why: &str| {
            facts.insert("not_verified", Fact::Text(why.to_owned()));
            sentence.add_time(Verdict::Unknown, &format!("not verified: {why}"));
        };
        match (&expected.digest, progress) {
            (Err(why), _) => lost(self, why),
            (_, Some(Progress::Lost(why))) => lost(self, why),
            (_, None) => lost(self, "not read"),
            // A check that is made again and again would never come to its end.
            (_, Some(Progress::UnderWay(share))) if *is_once => {
                lost(self, &format!("only {} of it was read in {} s", quantity::percent(*share), ONCE.as_secs()));
            }
            (_, Some(Progress::UnderWay(share))) => {
                let words = format!("verifying {}", quantity::percent(*share));
                facts.insert("not_verified", Fact::Text(words.clone()));
                self.add_time(Verdict::Ok, &words);
            }
            (Ok(should), Some(Progress::Done(is, at))) => {
                facts.insert("verified", Fact::Bool(should == is));
                facts.insert("verified_at", Fact::Text(Wall::from_unix(*at, 0).0.to_string()));
                facts.insert("sha256", Fact::Text(is.to_string()));
                if should == is {
                    self.add_time(Verdict::Ok, "verified");
                } else {
                    self.add_time(Verdict::Critical, "checksum wrong");
                }
            }
        }
    }

    fn gaps(&mut self, target: &Backup, series: &Series, facts: &mut BTreeMap<&'static str, Fact>) {
        let times = series.members.iter().map(|member| member.unix);
        let distances: Vec<u64> = times
            .clone()
            .zip(times.skip(1))
            .map(|(newer, older)| u64::try_from(newer.saturating_sub(older)).unwrap_or(0))
            .collect();
        let own = (distances.len() >= USUAL).then(|| median(&mut distances.clone())).flatten();
        let Some(interval) = target.every.map(|every| every.as_secs()).or(own).filter(|interval| *interval > 0) else {
            return;
        };
        let is_regular = |distance: &u64| *distance <= interval.saturating_add(interval / 2);
        let regular_until = distances.iter().rposition(is_regular).unwrap_or(0);
        let gaps: Vec<usize> =
            (0..regular_until).filter(|at| distances.get(*at).is_some_and(|d| !is_regular(d))).collect();
        facts.extend([
            ("interval_s", Fact::Int(i64::try_from(interval).unwrap_or(i64::MAX))),
            ("gaps", Fact::Int(i64::try_from(gaps.len()).unwrap_or(i64::MAX))),
        ]);
        let recent = gaps.iter().filter(|at| **at < RECENT).count();
        if recent > 0 {
            let words = quantity::counted(u64::try_from(recent).unwrap_or(u64::MAX), "gap", "gaps");
            self.add(Verdict::Warn, words);
        }
    }
}

/// The middle of some figures; the lower one of two.
pub(super) fn median(figures: &mut [u64]) -> Option<u64> {
    figures.sort_unstable();
    figures.get(figures.len().saturating_sub(1) / 2).copied()
}
