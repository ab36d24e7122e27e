//! The action registry: one list gives keys, help, palette and the checks for conflicts.

use crate::config::reader::nearest;
use crate::domain::key::{Key, KeyCode};
use crate::domain::{Error, Kind};
use std::collections::BTreeMap;

/// Where a key means something; the word is the table's name in a keymap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere outside a text field.
    Global,
    /// In anything with a cursor or more lines than fit.
    List,
    /// In the Run pane.
    Run,
    /// In the Log pane.
    Log,
    /// In a dialog that asks for consent, outside its text field.
    Prompt,
    /// In the note's text area.
    Note,
}

impl Context {
    /// Every context, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Global, Self::List, Self::Run, Self::Log, Self::Prompt, Self::Note];

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Run => "run",
            Self::Log => "log",
            Self::Prompt => "prompt",
            Self::Note => "note",
        }
    }

    /// The contexts that are open at the same time, the nearest first.
    #[must_use]
    pub fn stack(self) -> &'static [Self] {
        match self {
            Self::Global => &[Self::Global],
            Self::List => &[Self::List, Self::Global],
            Self::Run => &[Self::Run, Self::List, Self::Global],
            Self::Log => &[Self::Log, Self::List, Self::Global],
            Self::Prompt => &[Self::Prompt, Self::List, Self::Global],
            Self::Note => &[Self::Note],
        }
    }
}

/// How much harm an action leads towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It looks.
    None,
    /// It is on the way to an act, and asks before it; missing in a read-only console.
    Acts,
    /// It consents or stops; never on a key that fingers find by themselves.
    Commits,
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $context:ident, $danger:ident, $doc:literal;)*) => {
        /// Something a key or the palette can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        /// Every action, in the order of the help.
        pub const ACTIONS: &[Entry] = &[
            $(Entry {
                action: Action::$variant,
                name: $name,
                context: Context::$context,
                danger: Danger::$danger,
                doc: $doc,
            },)*
        ];
    };
}

actions! {
    Help, "help", Global, None, "Shows the keys that work here.";
    Palette, "palette", Global, None, "Finds a command by its name.";
    Back, "back", Global, None, "Goes back one level; never quits.";
    Quit, "quit", Global, None, "Goes back one level; at the top it leaves the console. Runs go on.";
    Interrupt, "interrupt", Global, None, "Leaves the dialog unanswered, or asks before leaving the console.";
    NextPane, "next-pane", Global, None, "Moves to the next pane.";
    PreviousPane, "previous-pane", Global, None, "Moves to the pane before.";
    Pane1, "pane-1", Global, None, "Moves to Health.";
    Pane2, "pane-2", Global, None, "Moves to Run.";
    Pane3, "pane-3", Global, None, "Moves to Log.";
    Zoom, "zoom", Global, None, "Gives the pane the whole screen, or takes it back.";
    Filter, "filter", Global, None, "Shows only what contains a text.";
    Refresh, "refresh", Global, None, "Reads every target now.";
    Runs, "runs", Global, None, "Lists the runs, to attach to one.";
    Log, "log", Global, None, "Opens the log of the step.";
    Note, "note", Global, Acts, "Writes a note beside the step.";
    Redraw, "redraw", Global, None, "Draws the whole screen anew.";
    Suspend, "suspend", Global, None, "Stops the console until the shell continues it. Runs go on.";
    Down, "down", List, None, "Moves down.";
    Up, "up", List, None, "Moves up.";
    PageDown, "page-down", List, None, "Moves down by a page.";
    PageUp, "page-up", List, None, "Moves up by a page.";
    Top, "top", List, None, "Moves to the first.";
    Bottom, "bottom", List, None, "Moves to the last.";
    Open, "open", List, None, "Opens what the cursor is on.";
    Act, "act", List, Acts, "Offers what can act on the row; in a run, opens its prompt.";
    Abort, "abort", Run, Commits, "Asks whether to stop the run, and whether to take back what it did.";
    Resume, "resume", Run, Commits, "Asks whether to continue an interrupted run.";
    Search, "search", Log, None, "Searches the log.";
    NextMatch, "next-match", Log, None, "Moves to the next match.";
    PreviousMatch, "previous-match", Log, None, "Moves to the match before.";
    NextError, "next-error", Log, None, "Moves to the next line that looks like an error.";
    Wrap, "wrap", Log, None, "Wraps long lines, or cuts them.";
    Timestamps, "timestamps", Log, None, "Shows when each line was written.";
    Follow, "follow", Log, None, "Follows the end of the log.";
    Confirm, "confirm", Prompt, Commits, "Confirms a change, a start, a sign-off or a decision.";
    Decline, "decline", Prompt, Commits, "Answers no, after asking once more: the run stops before the step.";
    ListSet, "list-set", Prompt, None, "Lists everything the act will touch.";
    Leave, "leave-field", Prompt, None, "Moves between the text field and the keys.";
    Save, "save", Note, Acts, "Writes the note down.";
}

/// A line of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is done.
    pub action: Action,
    /// Its word in keymap files and in the palette.
    pub name: &'static str,
    /// Where it can be done.
    pub context: Context,
    /// How dangerous it is.
    pub danger: Danger,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

impl Action {
    /// The action's line in the registry.
    #[must_use]
    pub fn entry(self) -> Option<&'static Entry> {
        ACTIONS.iter().find(|entry| entry.action == self)
    }

    /// Whether it is missing in a read-only console.
    #[must_use]
    pub fn acts(self) -> bool {
        self.entry().is_some_and(|entry| entry.danger != Danger::None)
    }
}

/// One row of a keymap file: an action of a context and all its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The table's name.
    pub context: String,
    /// The action's name.
    pub action: String,
    /// The keys, each a key or several with blanks between: `?`, `g g`.
    pub keys: Vec<String>,
    /// Where it stands: `keymaps/vim.toml:4:1`.
    pub place: String,
}

/// Which keys do what.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Keymap {
    bound: BTreeMap<Action, Vec<Vec<Key>>>,
}

/// What some keys mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// This.
    Action(Action),
    /// They are the beginning of something.
    Pending,
    /// Nothing.
    Nothing,
}

impl Keymap {
    /// Builds a keymap from layers, the built-in one first; a later layer's row replaces all keys of its action.
    ///
    /// # Errors
    /// All problems at once: unknown names, keys that no terminal can tell apart, clashes, dangerous keys.
    pub fn build(layers: &[Vec<Line>]) -> Result<Self, Vec<Error>> {
        let mut errors = Vec::new();
        let mut rows: BTreeMap<Action, (Vec<Vec<Key>>, &Line)> = BTreeMap::new();
        for line in layers.iter().flatten() {
            match read_line(line) {
                Ok((entry, keys)) => {
                    rows.insert(entry.action, (keys, line));
                }
                Err(mut problems) => errors.append(&mut problems),
            }
        }
        clashes(&rows, &mut errors);
        for needed in [Action::Help, Action::Back, Action::Quit, Action::Interrupt, Action::Confirm, Action::Leave] {
            if rows.get(&needed).is_none_or(|(keys, _)| keys.is_empty()) {
                let name = needed.entry().map_or("", |entry| entry.name);
                errors.push(wrong(format!("cannot use the keymap: {name} has no key")));
            }
        }
        let bound = rows.into_iter().map(|(action, (keys, _))| (action, keys)).collect();
        if errors.is_empty() { Ok(Self { bound }) } else { Err(errors) }
    }

    /// What the keys pressed so far mean where `context` is the nearest.
    #[must_use]
    pub fn resolve(&self, context: Context, pressed: &[Key]) -> Resolved {
        let mut pending = false;
        for near in context.stack() {
            for entry in ACTIONS.iter().filter(|entry| entry.context == *near) {
                for keys in self.keys(entry.action) {
                    if keys == pressed {
                        return Resolved::Action(entry.action);
                    }
                    pending |= keys.starts_with(pressed);
                }
            }
        }
        if pending { Resolved::Pending } else { Resolved::Nothing }
    }

    /// The keys of an action, the first being the one to show.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Vec<Key>] {
        self.bound.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action as it is shown: `g x`; empty where it has none.
    #[must_use]
    pub fn shown(&self, action: Action) -> String {
        self.keys(action).first().map(|keys| spell(keys)).unwrap_or_default()
    }

    /// All keys of an action as they are shown: `j, Down`.
    #[must_use]
    pub fn all_shown(&self, action: Action) -> String {
        self.keys(action).iter().map(|keys| spell(keys)).collect::<Vec<_>>().join(", ")
    }
}

fn spell(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn read_line(line: &Line) -> Result<(&'static Entry, Vec<Vec<Key>>), Vec<Error>> {
    let problem = |what: String| wrong(format!("{}: {what}", line.place));
    let Some(context) = Context::ALL.into_iter().find(|context| context.word() == line.context) else {
        let known = Context::ALL.map(Context::word);
        return Err(vec![closest(problem(format!("there is no context {}", line.context)), &line.context, &known)]);
    };
    let here = || ACTIONS.iter().filter(move |entry| entry.context == context);
    let Some(entry) = here().find(|entry| entry.name == line.action) else {
        let known: Vec<&str> = here().map(|entry| entry.name).collect();
        let what = format!("there is no action {} in [{}]", line.action, context.word());
        return Err(vec![closest(problem(what), &line.action, &known)]);
    };
    let (mut keys, mut errors) = (Vec::new(), Vec::new());
    for text in &line.keys {
        let pressed: Option<Vec<Key>> = text.split_whitespace().map(Key::parse).collect();
        match pressed.filter(|pressed| !pressed.is_empty()) {
            None => errors.push(problem(format!("{text:?} is not a key")).hint("write keys as g g, F1, Ctrl-L, Alt-x")),
            Some(pressed) => match refuse(entry, &pressed) {
                Some(why) => errors.push(problem(format!("{text} cannot be bound to {}: {why}", entry.name))),
                None => keys.push(pressed),
            },
        }
    }
    if errors.is_empty() { Ok((entry, keys)) } else { Err(errors) }
}

fn closest(error: Error, given: &str, known: &[&str]) -> Error {
    match nearest(given, known.iter().copied()) {
        Some(name) => error.hint(format!("did you mean {name}?")),
        None => error.hint(format!("known: {}", known.join(", "))),
    }
}

/// Why these keys must not do this, if so.
fn refuse(entry: &Entry, keys: &[Key]) -> Option<&'static str> {
    let control = |key: &Key| match key.code {
        KeyCode::Char(c) if key.ctrl => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    for key in keys {
        match control(key) {
            Some('h' | 'i' | 'j' | 'm' | '[') => return Some("a terminal sends it for another key"),
            Some('s' | 'q') => return Some("a terminal may stop its output on it"),
            _ => {}
        }
    }
    let [only] = keys else { return None };
    let by_itself = control(only).is_some()
        || matches!(only.code, KeyCode::Char('h' | 'j' | 'k' | 'l' | 'q' | 'y' | 'n' | ' '))
        || matches!(only.code, KeyCode::Up | KeyCode::Down | KeyCode::Left | KeyCode::Right)
        || matches!(only.code, KeyCode::Enter | KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab);
    (entry.danger == Danger::Commits && by_itself).then_some("it commits, and fingers find this key by themselves")
}

/// Finds keys that mean two things, or that hide the beginning of a longer sequence, wherever both are open.
fn clashes(rows: &BTreeMap<Action, (Vec<Vec<Key>>, &Line)>, errors: &mut Vec<Error>) {
    let all: Vec<_> = rows
        .iter()
        .filter_map(|(action, (keys, line))| action.entry().map(|entry| (entry, keys, *line)))
        .flat_map(|(entry, keys, line)| keys.iter().map(move |keys| (entry, keys, line)))
        .collect();
    for (place, (entry, keys, line)) in all.iter().enumerate() {
        for (other, theirs, their_line) in all.iter().skip(place + 1) {
            let same_table = entry.context == other.context;
            let together = Context::ALL
                .iter()
                .any(|context| context.stack().contains(&entry.context) && context.stack().contains(&other.context));
            let equal = keys == theirs && entry.action != other.action;
            let hides = keys != theirs && (keys.starts_with(theirs) || theirs.starts_with(keys));
            if (same_table && equal) || (together && hides) {
                errors.push(wrong(format!(
                    "{}: {} of {} clashes with {} of {} ({})",
                    line.place,
                    spell(keys),
                    entry.name,
                    spell(theirs),
                    other.name,
                    their_line.place
                )));
            }
        }
    }
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(Kind::Usage, what)
}
