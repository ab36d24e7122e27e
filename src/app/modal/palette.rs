//! Commands by name, narrowed by what is typed.
//!
//! What only looks comes first, then the procedures: those that read, that change, that destroy; behind them what acts on a run, and the
//! keys that only move. What changes or destroys is selected by a key, never by itself. What is typed finds, best first: a beginning of the name,
//! beginnings of its words, beginnings of words of what it does, any part of either, and at last its letters in their order.

use crate::app::field::Field;
use crate::app::keymap::{ACTIONS, Action, Danger, Entry};
use crate::app::msg::Offer;
use crate::domain::EffectClass;

/// Commands by name, narrowed by what is typed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Palette {
    /// What was typed.
    pub field: Field,
    /// The line that a key moved the cursor to; `None` where none did since the text was typed.
    pub cursor: Option<usize>,
    /// What can be chosen.
    pub choices: Vec<Command>,
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// An action of the registry.
    Action(&'static Entry),
    /// A procedure to launch.
    Procedure(Box<Offer>),
}

impl Command {
    /// What is typed to find it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Action(entry) => entry.name.to_owned(),
            Self::Procedure(offer) => format!("run {}", offer.procedure),
        }
    }

    /// What it does, without anything that is not known yet.
    #[must_use]
    pub fn doc(&self) -> String {
        match self {
            Self::Action(entry) => entry.doc.to_owned(),
            Self::Procedure(offer) => in_general(&offer.title),
        }
    }

    /// What looks first, then procedures by their effect, then what acts on a run, and what only moves last.
    fn class(&self) -> u8 {
        match self {
            Self::Action(entry) if moves(entry.action) => 5,
            Self::Action(entry) if entry.danger == Danger::None => 0,
            Self::Action(_) => 4,
            Self::Procedure(offer) => match offer.effect {
                EffectClass::Read => 1,
                EffectClass::Change => 2,
                EffectClass::Destroy => 3,
            },
        }
    }

    /// Whether it leads to nothing that changes or destroys.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        match self {
            Self::Action(entry) => entry.danger == Danger::None,
            Self::Procedure(offer) => offer.effect == EffectClass::Read,
        }
    }

    /// Whether a text is its whole name.
    fn is_named(&self, typed: &str) -> bool {
        let name = self.name();
        name == typed || name.split_once(' ').is_some_and(|(_, id)| id == typed)
    }

    /// How well a text finds it, less being better; `None` where it does not.
    fn rank(&self, typed: &str) -> Option<(u8, usize)> {
        let name = self.name().to_lowercase();
        // The name without what stands before it: `db/backup` and `backup` of `run db/backup`.
        let tails =
            [name.as_str(), name.split_once(' ').map_or("", |(_, tail)| tail), name.rsplit('/').next().unwrap_or("")];
        if tails.iter().any(|tail| tail.starts_with(typed)) {
            return Some((0, 0));
        }
        let doc = self.doc().to_lowercase();
        let begins = |text: &str| begin_words(text, typed);
        let found = [begins(&name), begins(&doc), name.contains(typed), doc.contains(typed)];
        if let Some(place) = found.iter().position(|found| *found) {
            return Some((u8::try_from(place).unwrap_or(u8::MAX) + 1, 0));
        }
        spread(&name, typed).map(|columns| (9, columns))
    }
}

/// Whether an action only moves what the keys go to.
fn moves(action: Action) -> bool {
    use Action::{
        Bottom, Down, NextPane, PageDown, PageUp, Pane1, Pane2, Pane3, Pane4, Pane5, Pane6, Pane7, PreviousPane, Top,
        Up,
    };
    let motions = [
        Bottom,
        Down,
        NextPane,
        PageDown,
        PageUp,
        Pane1,
        Pane2,
        Pane3,
        Pane4,
        Pane5,
        Pane6,
        Pane7,
        PreviousPane,
        Top,
        Up,
    ];
    motions.contains(&action)
}

/// Whether each word of what was typed begins a word of a text, one after the other.
fn begin_words(text: &str, typed: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    typed.split_whitespace().all(|part| words.any(|word| word.starts_with(part)))
}

/// Over how many characters the typed letters are spread in a text that has them all in their order.
fn spread(text: &str, typed: &str) -> Option<usize> {
    let mut chars = text.chars().enumerate();
    let mut ends: Option<(usize, usize)> = None;
    for letter in typed.chars().filter(|c| !c.is_whitespace()) {
        let (at, _) = chars.find(|(_, c)| *c == letter)?;
        ends = Some((ends.map_or(at, |(first, _)| first), at));
    }
    ends.map(|(first, last)| last - first)
}

/// A title whose parameters are not known yet, in general words: `Vacuum <schema>.<table>` is `Vacuum a table`, and what follows a colon
/// is left out where it would be nothing else.
#[must_use]
pub fn in_general(title: &str) -> String {
    let (mut out, mut rest) = (String::new(), title);
    let mut hole: Option<String> = None;
    while let Some((before, name, after)) = next_hole(rest) {
        // Of holes that only a sign stands between, the last says most.
        let joined = hole.is_some() && before.chars().all(|c| matches!(c, '.' | '/' | ':' | '-' | '@'));
        if !joined {
            close(&mut out, hole.take());
            out.push_str(before);
        }
        hole = Some(name.replace(['_', '.'], " "));
        rest = after;
    }
    if let (Some(head), Some(_), "") = (out.strip_suffix(": "), &hole, rest) {
        return head.to_owned();
    }
    close(&mut out, hole);
    out + rest
}

/// The next `<name>` of a title, with what stands before and behind it.
fn next_hole(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from) = text.split_once('<')?;
    let (name, after) = from.split_once('>')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' '));
    is_name.then_some((before, name, after))
}

fn close(out: &mut String, hole: Option<String>) {
    let Some(name) = hole else { return };
    // `the index <index>` says so already.
    let found = out.strip_suffix(' ').filter(|text| text.ends_with(name.as_str())).map(str::len);
    if let Some(length) = found {
        out.truncate(length);
        return;
    }
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) && !name.starts_with("uni") { "an" } else { "a" };
    let many = name.ends_with('s') && !name.ends_with("ss");
    out.push_str(&if many { name } else { format!("{article} {name}") });
}

impl Palette {
    /// A palette of these actions.
    #[must_use]
    pub fn new(may: impl Fn(&Entry) -> bool) -> Self {
        let choices = ACTIONS.iter().filter(|entry| may(entry)).map(Command::Action).collect();
        Self { choices, ..Self::default() }
    }

    /// What matches, the best first.
    #[must_use]
    pub fn matches(&self) -> Vec<&Command> {
        let typed = self.field.text().trim().to_lowercase();
        let ranked = self.choices.iter().filter_map(|command| Some((command.rank(&typed)?, command.class(), command)));
        let mut found: Vec<_> = ranked.collect();
        found.sort_by_key(|(rank, class, _)| (*rank, *class));
        found.into_iter().map(|(.., command)| command).collect()
    }

    /// The place of the line that is selected: where a key moved the cursor, else the best match, where that only looks or its whole
    /// name was typed.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        let best = || {
            let found = self.matches();
            let best = found.first()?;
            (best.only_looks() || best.is_named(self.field.text().trim())).then_some(0)
        };
        self.cursor.or_else(best)
    }

    /// The line that is selected.
    #[must_use]
    pub fn chosen(&self) -> Option<Command> {
        self.matches().get(self.selected()?).map(|command| (*command).clone())
    }

    /// Moves the cursor; where nothing is selected, to the first line.
    pub fn step(&mut self, by: isize) {
        let last = self.matches().len().saturating_sub(1);
        let moved = self.selected().map_or(if by == isize::MAX { last } else { 0 }, |at| at.saturating_add_signed(by));
        self.cursor = Some(moved.min(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette(typed: &str) -> Palette {
        let mut palette = Palette::new(|_| true);
        let procedures = [
            ("novacron/checklist", "NovaCron maintenance checklist"),
            ("common/vacuum-table", "Vacuum <schema>.<table>"),
            ("common/restart-unit", "Restart <unit>"),
        ];
        palette.choices.extend(procedures.map(|(id, title)| {
            Command::Procedure(Box::new(Offer {
                procedure: id.to_owned(),
                title: title.to_owned(),
                purpose: String::new(),
                effect: EffectClass::Change,
                acts_on: Vec::new(),
                takes_s: None,
                params: Vec::new(),
            }))
        }));
        palette.field = Field::new(typed.to_owned());
        palette
    }

    fn first(typed: &str) -> String {
        palette(typed).matches().first().map(|command| command.name()).unwrap_or_default()
    }

    #[test]
    fn what_is_typed_finds_the_nearest_and_procedures_come_before_motions() {
        assert_eq!(first("vac"), "run common/vacuum-table", "and not what has it in the middle: nova cron");
        assert_eq!(first("ref"), "refresh");
        assert_eq!(first("v t"), "run common/vacuum-table", "beginnings of words");
        assert_eq!(first("restart u"), "run common/restart-unit");
        assert_eq!(first("vtb"), "run common/vacuum-table", "letters in their order");
        assert_eq!(first("severity"), "", "nothing has these letters");
        let all: Vec<String> = palette("").matches().iter().map(|command| command.name()).collect();
        let place = |name: &str| all.iter().position(|other| other == name).unwrap();
        assert!(place("help") < place("run common/restart-unit"), "{all:?}");
        assert!(place("run common/restart-unit") < place("abort") && place("abort") < place("page-down"), "{all:?}");
        assert!(place("refresh") < place("pane-1") && all.len() == ACTIONS.len() + 3);
        let page: Vec<String> = palette("pa").matches().iter().map(|command| command.name()).collect();
        assert_eq!(page.first().map(String::as_str), Some("palette"), "{page:?}");
    }

    #[test]
    fn what_changes_or_destroys_is_selected_by_a_key_and_never_by_itself() {
        for effect in [EffectClass::Read, EffectClass::Change, EffectClass::Destroy] {
            for typed in ["", "v", "vac", "vacuum-table", "restart", "run", "abor", "resum"] {
                let mut palette = palette(typed);
                for choice in &mut palette.choices {
                    if let Command::Procedure(offer) = choice {
                        offer.effect = effect;
                    }
                }
                let chosen = palette.chosen();
                assert!(chosen.as_ref().is_none_or(Command::only_looks), "{typed} {effect:?}: {chosen:?}");
                let best = palette.matches().first().map(|best| best.only_looks());
                assert_eq!(chosen.is_some(), best == Some(true), "{typed} {effect:?}");
                palette.step(1);
                let place = usize::from(chosen.is_some());
                assert_eq!(palette.selected(), Some(place.min(palette.matches().len() - 1)), "{typed} {effect:?}");
            }
        }
        assert_eq!(palette("").chosen().map(|first| first.name()).as_deref(), Some("help"));
        for whole in ["run common/vacuum-table", "common/vacuum-table", "abort"] {
            assert!(palette(whole).chosen().is_some_and(|chosen| chosen.is_named(whole)), "{whole}");
        }
    }

    #[test]
    fn a_title_has_no_holes() {
        let cases = [
            ("Vacuum <schema>.<table>", "Vacuum a table"),
            ("Restart <unit>", "Restart a unit"),
            ("Dump <database>, proven by a restore", "Dump a database, proven by a restore"),
            ("Cell 0 emergency: <incident>", "Cell 0 emergency"),
            ("Delete <days> of <index>", "Delete days of an index"),
            ("Move <older_than> < 3", "Move an older than < 3"),
            ("Take a backup", "Take a backup"),
            ("Rebuild the index <schema>.<index>", "Rebuild the index"),
        ];
        for (title, general) in cases {
            assert_eq!(in_general(title), general);
        }
    }
}
