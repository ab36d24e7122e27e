//! Which members of a pattern are one series, and what each of these says.
//!
//! `/backups/*.dump` may fit the dumps of several databases. Members of one shape (`shape`) are a line of their own. The row is about the
//! worst line, by its pattern; where all are well, about that of the newest member.
//!
//! | a line other than that of the newest | verdict |
//! |---|---|
//! | no member within its limit, of two members or more | critical |
//! | no member within its limit, of one member: it may be one that was made by hand | warn |
//! | no member for more than thirty times its limit, of two members or more: it has ended | warn |
//! | no member for more than thirty times its limit, of one member | named in `ended` |
//! | members within its limit | as `judge` says |
//!
//! The limit of a line is `max_age`; of one that is made less often, by four members or more, one and a half times the median of their
//! distances. A name without a time comes once: all of these are one line, that is judged where it has the newest member. A line that
//! has ended is left out by a pattern that does not fit it.

use crate::config::estate::Backup;
use crate::domain::{Fact, Observation, Verdict, Wall};
use crate::probes::backups::judge::{self, Checked, USUAL, median};
use crate::probes::backups::series::{KEPT, Member, Series};
use crate::probes::backups::shape;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// After how many times its limit a line has ended.
const ENDED: u32 = 30;

/// The shape of a member's name; nothing where it says no time.
pub(super) fn shape(member: &Member) -> Vec<Vec<u8>> {
    let shape = shape::of(member.name.as_bytes());
    if shape::has_time(&shape) { shape } else { Vec::new() }
}

/// How many members of each shape are kept.
#[derive(Default)]
pub(super) struct Kept(HashMap<Vec<Vec<u8>>, usize>);

impl Kept {
    /// Whether one more of the shape of a member is kept.
    pub(super) fn has_room(&self, member: &Member) -> bool {
        self.0.get(&shape(member)).is_none_or(|many| *many < KEPT)
    }

    /// Counts one that is kept.
    pub(super) fn add(&mut self, member: &Member) {
        *self.0.entry(shape(member)).or_default() += 1;
    }
}

/// The members of each line, newest first, the line of the newest first.
fn lines(members: &[Member]) -> Vec<Vec<Member>> {
    let mut places: HashMap<Vec<Vec<u8>>, usize> = HashMap::new();
    let mut lines: Vec<Vec<Member>> = Vec::new();
    for member in members {
        let place = *places.entry(shape(member)).or_insert(lines.len());
        match lines.get_mut(place) {
            Some(line) => line.push(member.clone()),
            None => lines.push(vec![member.clone()]),
        }
    }
    lines
}

/// Judges all lines of a pattern at a moment; `checked` says what the checksum of a line's newest member says.
pub(super) fn judge(
    target: &Backup,
    directory: &Path,
    series: &Series,
    checked: &mut dyn FnMut(&Member) -> Option<Checked>,
    now: Wall,
) -> Observation {
    let lines = lines(&series.members);
    let mut ended = Vec::new();
    let mut worst: Option<Observation> = None;
    for (place, members) in lines.iter().enumerate() {
        let Some(newest) = members.first() else { continue };
        if place > 0 && shape(newest).is_empty() {
            continue;
        }
        let line = Line { target, directory, members, now, is_first: place == 0 };
        let seen = match line.state() {
            State::Ended => {
                ended.push(line.pattern());
                if members.len() < 2 {
                    continue;
                }
                line.none_since(Verdict::Warn, series)
            }
            State::Late if members.len() < 2 => line.none_since(Verdict::Warn, series),
            State::Late => line.none_since(Verdict::Critical, series),
            State::Current => line.judge(series, checked(newest).as_ref(), lines.len() > 1),
        };
        if worst
            .as_ref()
            .is_none_or(|worst| worst.verdict != seen.verdict && worst.verdict.worse(seen.verdict) == seen.verdict)
        {
            worst = Some(seen);
        }
    }
    let mut seen = worst.unwrap_or_else(|| judge::judge(target, directory, series, None, now));
    if lines.len() > 1 {
        seen.facts.insert("series", Fact::Int(i64::try_from(lines.len()).unwrap_or(i64::MAX)));
    }
    if !ended.is_empty() {
        seen.facts.insert("ended", Fact::Text(ended.join(", ")));
    }
    seen
}

/// How a line stands to its limit.
enum State {
    Current,
    Late,
    Ended,
}

/// One line of a pattern.
struct Line<'a> {
    target: &'a Backup,
    directory: &'a Path,
    members: &'a [Member],
    now: Wall,
    /// Whether it has the newest member of all.
    is_first: bool,
}

impl Line<'_> {
    /// How old its newest member may be.
    fn limit(&self) -> Duration {
        let times = self.members.iter().map(|member| member.unix);
        let apart = times.clone().zip(times.skip(1)).map(|(newer, older)| newer.saturating_sub(older));
        let mut apart: Vec<u64> = apart.map(|seconds| u64::try_from(seconds).unwrap_or(0)).collect();
        let usual = if apart.len() >= USUAL { median(&mut apart) } else { None };
        let usual = Duration::from_secs(usual.unwrap_or(0));
        let longer = |span: Duration| span.saturating_add(span / 2);
        let is_rare = usual > longer(self.target.max_age) && !self.is_first;
        if is_rare { longer(usual) } else { self.target.max_age }
    }

    fn state(&self) -> State {
        let unix = self.members.first().map_or(i64::MIN, |newest| newest.unix);
        let age = Duration::from_secs(u64::try_from(self.now.0.as_second().saturating_sub(unix)).unwrap_or(0));
        let limit = self.limit();
        match () {
            () if self.is_first || age <= limit => State::Current,
            () if age <= limit.saturating_mul(ENDED) => State::Late,
            () => State::Ended,
        }
    }

    fn pattern(&self) -> String {
        self.members.first().map_or_else(String::new, |newest| shape::pattern(newest.name.as_bytes()))
    }

    /// What it says of itself; `is_one_of_many` where others must be distinguished from it.
    fn judge(&self, series: &Series, checked: Option<&Checked>, is_one_of_many: bool) -> Observation {
        let own = Series { members: self.members.to_vec(), ..series.clone() };
        let target = Backup { max_age: self.limit(), ..self.target.clone() };
        let mut seen = judge::judge(&target, self.directory, &own, checked, self.now);
        if is_one_of_many {
            seen.facts.insert("shape", Fact::Text(self.pattern()));
            if seen.verdict != Verdict::Ok {
                self.name(&mut seen);
            }
        }
        seen
    }

    /// Names it in what the row says.
    fn name(&self, seen: &mut Observation) {
        let pattern = self.pattern();
        if let Some(Fact::Text(reason)) = seen.facts.get_mut("reason") {
            *reason = format!("{pattern}: {reason}");
        }
        seen.detail = format!("{pattern}: {}", seen.detail);
    }

    /// That it has no member since its newest.
    fn none_since(&self, verdict: Verdict, series: &Series) -> Observation {
        let mut seen = self.judge(series, None, true);
        let since = self.members.first().map_or(self.now, |newest| Wall::from_unix(newest.unix, 0));
        let reason = format!("{}: none since {}", self.pattern(), since.minute());
        seen.facts.insert("reason", Fact::Text(reason.clone()));
        Observation { verdict, detail: reason, ..seen }
    }
}
