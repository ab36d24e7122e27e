//! Which members of a pattern are one series, and what each of these says.
//!
//! `/backups/*.dump` may fit the dumps of several databases. Members of one shape (`shape`) are a line of their own. The row is about the
//! worst line, by its pattern; if all are ok, about the series of the newest member.
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
//! distances. `split` tells by numbers, too, where names of one shape are several series; what is a guess there is a warning at most, and
//! says so. What a pattern of `ended` fits is not judged.

mod marks;
mod split;

use crate::config::estate::Backup;
use crate::domain::{Fact, Observation, Verdict, Wall, glob};
use crate::probes::backups::judge::{self, Checked, USUAL, median};
use crate::probes::backups::lines::marks::Mark;
use crate::probes::backups::lines::split::{By, Split};
use crate::probes::backups::series::{KEPT, Member, Series};
use crate::probes::backups::shape;
use crate::probes::backups::when::TimeFrom;
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

/// How many members of each shape and number are kept.
#[derive(Default)]
pub(super) struct Kept(HashMap<(Vec<Vec<u8>>, Vec<Mark>), usize>);

impl Kept {
    fn key(member: &Member) -> (Vec<Vec<u8>>, Vec<Mark>) {
        let marks = marks::of(member.name.as_bytes()).into_iter().map(|(mark, _)| mark);
        (shape(member), marks.collect())
    }

    /// Whether one more of the shape of a member is kept.
    pub(super) fn has_room(&self, member: &Member) -> bool {
        self.0.get(&Self::key(member)).is_none_or(|many| *many < KEPT)
    }

    /// Counts one that is kept.
    pub(super) fn add(&mut self, member: &Member) {
        *self.0.entry(Self::key(member)).or_default() += 1;
    }
}

/// The members of each line, newest first, the line of the newest first.
fn lines(members: Vec<Member>, max_age: Duration, now: i64) -> Vec<Split> {
    let groups = split::grouped(members, shape);
    let is_alone = groups.len() == 1;
    let mut lines: Vec<Split> =
        groups.into_iter().flat_map(|members| split::of(members, is_alone, max_age, now)).collect();
    let newest = |line: &Split| line.members.first().map(|member| (member.unix, member.name.clone()));
    lines.sort_by_key(|line| std::cmp::Reverse(newest(line)));
    lines.iter_mut().for_each(|line| line.members.truncate(KEPT));
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
    let is_ended = |member: &Member| target.ended.iter().any(|pattern| is_of(pattern, member));
    let (over, members): (Vec<Member>, Vec<Member>) = series.members.iter().cloned().partition(is_ended);
    let lines = lines(members, target.max_age, now.0.as_second());
    let mut ended: Vec<String> =
        target.ended.iter().filter(|pattern| over.iter().any(|member| is_of(pattern, member))).cloned().collect();
    let mut worst: Option<Observation> = None;
    for (place, Split { members, by }) in lines.iter().enumerate() {
        let Some(newest) = members.first() else { continue };
        if place > 0 && shape(newest).is_empty() && lines.iter().any(|line| line.is_of_shape()) {
            continue;
        }
        let line = Line { target, directory, members, by: *by, now, is_first: place == 0 };
        let seen = match line.state() {
            State::Ended => {
                ended.push(line.pattern());
                if members.len() < 2 {
                    continue;
                }
                line.none_since(Verdict::Warn, series)
            }
            State::Late if members.len() < 2 || *by == By::Guess => line.none_since(Verdict::Warn, series),
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
    let mut seen = worst.unwrap_or_else(|| {
        judge::judge(target, directory, &Series { members: Vec::new(), ..series.clone() }, None, now)
    });
    if lines.len() > 1 {
        seen.facts.insert("series", Fact::Int(i64::try_from(lines.len()).unwrap_or(i64::MAX)));
    }
    if !ended.is_empty() {
        seen.facts.insert("ended", Fact::Text(ended.join(", ")));
    }
    go_on(seen, target, &over, lines.is_empty(), now)
}

/// Whether a pattern of `ended` fits a member by its name, or by the last part of its key.
fn is_of(pattern: &str, member: &Member) -> bool {
    let name = member.name.as_bytes();
    let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    glob::fits(pattern.as_bytes(), name) || glob::fits(pattern.as_bytes(), last)
}

/// Says where `ended` names what has not ended, or everything.
fn go_on(mut seen: Observation, target: &Backup, over: &[Member], is_all: bool, now: Wall) -> Observation {
    let Some(newest) = over.first() else { return seen };
    let age = Duration::from_secs(u64::try_from(now.0.as_second().saturating_sub(newest.unix)).unwrap_or(0));
    let said = if is_all {
        seen.verdict = Verdict::Unknown;
        seen.detail.clear();
        "`ended` names every backup that is here".to_owned()
    } else if age <= target.max_age && seen.verdict.worse(Verdict::Warn) == Verdict::Warn {
        seen.verdict = Verdict::Warn;
        format!(
            "`ended` names {}, which is of {}",
            newest.name.to_string_lossy(),
            Wall::from_unix(newest.unix, 0).minute()
        )
    } else {
        return seen;
    };
    seen.facts.entry("reason").or_insert_with(|| Fact::Text(said.clone()));
    let between = if seen.detail.is_empty() { "" } else { " · " };
    seen.detail = format!("{}{between}{said}", seen.detail);
    seen
}

impl Split {
    /// Whether its names differ by what changes, so that others without a time were made by hand beside them.
    fn is_of_shape(&self) -> bool {
        self.members.first().is_some_and(|newest| !shape(newest).is_empty())
    }
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
    by: By,
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
        // Slots that are written in turn are each as far apart as all of them together.
        let least = if self.by == By::Guess { 1 } else { USUAL };
        let usual = if apart.len() >= least { median(&mut apart) } else { None };
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
        let Some(newest) = self.members.first() else { return String::new() };
        let is_alone = self.members.len() == 1 && newest.from == TimeFrom::Mtime;
        if is_alone && !marks::of(newest.name.as_bytes()).is_empty() {
            return newest.name.to_string_lossy().into_owned();
        }
        // Its numbers stay where they are what tells it from the others.
        let all: Vec<_> = self.members.iter().map(|member| marks::of(member.name.as_bytes())).collect();
        let is_same =
            |place: usize, mark: &Mark| all.iter().all(|marks| marks.get(place).is_some_and(|(own, _)| own == mark));
        let own = marks::of(newest.name.as_bytes()).into_iter().enumerate();
        let kept =
            own.filter(|(place, (mark, _))| self.by != By::Words && is_same(*place, mark)).map(|(_, (_, at))| at);
        shape::pattern(newest.name.as_bytes(), &kept.collect::<Vec<_>>())
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
        let hint = if self.by == By::Guess { "; if it has ended, name it in `ended`" } else { "" };
        let reason = format!("{}: none since {}{hint}", self.pattern(), since.minute());
        seen.facts.insert("reason", Fact::Text(reason.clone()));
        Observation { verdict, detail: reason, ..seen }
    }
}
