//! What is not ok over all panes: the worst first, one sentence for all of it, and the next one after the cursor.

use crate::app::effect::Effect;
use crate::app::modal::Modal;
use crate::app::model::{Model, Pane, TargetId};
use crate::app::panes::checklist;
use crate::app::panes::rows::{Lists, RowList};
use crate::app::reason;
use crate::domain::{Row, Section, TargetKind, Verdict, Wall, quantity};

/// How a problem stands, in the order in which one goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Past its critical limit.
    Critical,
    /// Past its warning limit.
    Warn,
    /// Not known.
    Unknown,
    /// Known, and too long ago.
    Stale,
}

impl Class {
    /// Every class, in order.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Warn, Self::Unknown, Self::Stale];

    /// The class of a row; `None` where it is ok.
    #[must_use]
    pub fn of(row: &Row, now: Wall) -> Option<Self> {
        if row.is_stale(now) {
            return Some(Self::Stale);
        }
        match row.verdict(now) {
            Verdict::Ok => None,
            Verdict::Warn => Some(Self::Warn),
            Verdict::Critical => Some(Self::Critical),
            Verdict::Unknown => Some(Self::Unknown),
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
        }
    }
}

/// A row that is not ok.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// How it stands.
    pub class: Class,
    /// Its pane.
    pub section: Section,
    /// The row.
    pub row: &'a Row,
}

/// Every row that is not ok, the worst first; of one class pane by pane, in the order of their names.
#[must_use]
pub fn all(lists: &Lists, now: Wall) -> Vec<Problem<'_>> {
    let of = |list: &'_ RowList| list.section();
    let mut found: Vec<Problem<'_>> = lists
        .all()
        .flat_map(|list| list.rows().map(move |row| (of(list), row)))
        .filter_map(|(section, row)| Some(Problem { class: Class::of(row, now)?, section, row }))
        .collect();
    found.sort_by_cached_key(|problem| (problem.class, problem.section, problem.row.name()));
    found
}

/// How many rows stand how.
#[must_use]
pub fn counts(lists: &Lists, now: Wall) -> [(Class, usize); 4] {
    let found = all(lists, now);
    Class::ALL.map(|class| (class, found.iter().filter(|problem| problem.class == class).count()))
}

/// What a row is called where its pane is not beside it: `backup configs`, `mount /srv`, `cpu`.
#[must_use]
pub fn named(row: &Row) -> String {
    match row.kind {
        // A part of this host says itself what it is.
        TargetKind::Host => row.name(),
        kind => format!("{} {}", kind.word(), row.name()),
    }
}

/// All of it in one sentence: `4 critical: backup configs checksum wrong, certificate *.x expired 2 d ago and 2 more · 12 unknown`.
///
/// The rows of the worst class are named, as many as `fits` takes; each other class is counted. It says nothing that changes by itself.
/// `None` while no row was read.
#[must_use]
pub fn summary(lists: &Lists, now: Wall, fits: impl Fn(&str) -> bool) -> Option<(Option<Class>, String)> {
    let rows = lists.all().map(|list| list.rows().count()).sum::<usize>();
    if rows == 0 {
        return None;
    }
    let found = all(lists, now);
    let Some(worst) = found.first().map(|problem| problem.class) else {
        return Some((None, format!("all {} ok", quantity::counted(rows as u64, "row", "rows"))));
    };
    let count = |class: Class| found.iter().filter(|problem| problem.class == class).count();
    let others: String = Class::ALL
        .into_iter()
        .filter(|class| *class != worst && count(*class) > 0)
        .map(|class| format!(" · {} {}", quantity::count(count(class) as u64), class.word()))
        .collect();
    let of = count(worst);
    let reason = |problem: &Problem<'_>| format!("{} {}", named(problem.row), reason::brief(problem.row, now));
    let lines: Vec<String> = found.iter().take(of.min(MOST_NAMED)).map(reason).collect();
    let with = |names: usize, others: &str| {
        let head = format!("{} {}", quantity::count(of as u64), worst.word());
        let named = lines.get(..names).unwrap_or(&lines).join(", ");
        let more = match of - names {
            _ if names == 0 => String::new(),
            0 => String::new(),
            more => format!(" and {} more", quantity::count(more as u64)),
        };
        let colon = if names > 0 { ": " } else { "" };
        format!("{head}{colon}{named}{more}{others}")
    };
    // What is worst by its name and reason is worth more than how the others stand.
    let rest = found.len() - of;
    let brief = if rest == 0 { String::new() } else { format!(" · {} others not ok", quantity::count(rest as u64)) };
    let ways = (1..=lines.len()).rev().map(|names| with(names, &others));
    let ways = ways.chain([with(1, &brief), with(1, "")]);
    let most = ways.chain([with(0, &others)]).find(|text| fits(text));
    Some((Some(worst), most.unwrap_or_else(|| with(0, &others))))
}

/// The most rows that a sentence names, however much room there is: more is a list.
const MOST_NAMED: usize = 6;

/// Goes to the problem after the one under the cursor, and from the last to the first; opens nothing.
pub(crate) fn next(model: &mut Model) -> Vec<Effect> {
    let now = model.now.wall;
    let found: Vec<TargetId> = all(&model.lists, now).iter().map(|problem| TargetId::of(problem.row)).collect();
    let here = model.focus.section().and_then(|section| model.lists.of(section).under_cursor()).map(TargetId::of);
    let at = here.and_then(|id| found.iter().position(|other| *other == id));
    let next = at.map_or(0, |at| (at + 1) % found.len().max(1));
    let Some(target) = found.get(next).cloned() else {
        model.notify("nothing is critical, warn, unknown or stale");
        return Vec::new();
    };
    let list = model.lists.of(target.kind.section());
    let hidden = !list.filter().is_empty() && !list.shown().any(|row| target.is_of(row));
    let off =
        if hidden { format!("; the filter of {} is off", Pane::of(list.section()).word()) } else { String::new() };
    model.notify(format!("problem {} of {}{off}", next + 1, found.len()));
    go(model, &target)
}

/// Puts the cursor on a row, and the keys into its pane.
pub(crate) fn go(model: &mut Model, target: &TargetId) -> Vec<Effect> {
    let (section, now) = (target.kind.section(), model.now.wall);
    model.focus = Pane::of(section);
    let list = model.lists.of_mut(section);
    // A cursor on a row that the filter keeps out would show a row that does not match.
    if !list.shown().any(|row| target.is_of(row)) && list.row(target).is_some() {
        list.set_filter(String::new(), now);
    }
    model.lists.of_mut(section).point(target);
    checklist::entered(model)
}

/// Lists them all.
pub(crate) fn open(model: &mut Model) {
    let now = model.now.wall;
    let first = all(&model.lists, now).first().map(|problem| TargetId::of(problem.row));
    model.open(Modal::Problems { cursor: first });
}

/// Moves the cursor of the list; one whose row is no problem any more goes on from the first.
pub(crate) fn step(model: &mut Model, by: isize) {
    let now = model.now.wall;
    let found: Vec<TargetId> = all(&model.lists, now).iter().map(|problem| TargetId::of(problem.row)).collect();
    if let Some(Modal::Problems { cursor }) = model.modal_mut() {
        let at = cursor.as_ref().and_then(|id| found.iter().position(|other| other == id));
        let place = at.map_or(0, |at| at.saturating_add_signed(by)).min(found.len().saturating_sub(1));
        *cursor = found.get(place).cloned();
    }
}
