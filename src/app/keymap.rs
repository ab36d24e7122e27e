//! The action registry: one list gives keys, help, palette and the checks for conflicts.

use crate::config::keymap::{self, Binding, KeymapFile};
use crate::config::reader::{Place, Problem, nearest};
use crate::domain::key::{Key, KeyCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a key means something; the word is the table's name in a keymap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere outside a text field.
    Global,
    /// In anything with a cursor or more lines than fit.
    List,
    /// In the Checklist pane and in one of its items.
    Checklist,
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
    pub const ALL: [Self; 7] =
        [Self::Global, Self::List, Self::Checklist, Self::Run, Self::Log, Self::Prompt, Self::Note];

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Checklist => "checklist",
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
            // A checklist is a run, and is stopped and resumed as one.
            Self::Checklist => &[Self::Checklist, Self::Run, Self::List, Self::Global],
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
    Pane2, "pane-2", Global, None, "Moves to Backups.";
    Pane3, "pane-3", Global, None, "Moves to Certificates.";
    Pane4, "pane-4", Global, None, "Moves to Bloat.";
    Pane5, "pane-5", Global, None, "Moves to Checklist.";
    Pane6, "pane-6", Global, None, "Moves to Run.";
    Pane7, "pane-7", Global, None, "Moves to Log.";
    Zoom, "zoom", Global, None, "Gives the pane the whole screen, or takes it back.";
    Filter, "filter", Global, None, "Shows only what contains a text.";
    Refresh, "refresh", Global, None, "Reads every target now.";
    Runs, "runs", Global, None, "Lists the runs, to attach to one.";
    NextProblem, "next-problem", Global, None, "Moves to the next row that is not ok, over all panes, the worst first.";
    Problems, "problems", Global, None, "Lists every row that is not ok.";
    Log, "log", Global, None, "Opens the log of the step.";
    Note, "note", Global, Acts, "Writes a note beside the step.";
    Copy, "copy", Global, None, "Copies the row, the lines of the log or the run's id to the clipboard.";
    Mouse, "mouse", Global, None, "Gives the mouse to the terminal, for its own selection, or takes it back.";
    Redraw, "redraw", Global, None, "Draws the whole screen anew.";
    Suspend, "suspend", Global, None, "Stops the console until the shell continues it. Runs go on.";
    Down, "down", List, None, "Moves down.";
    Up, "up", List, None, "Moves up.";
    PageDown, "page-down", List, None, "Moves down by a page.";
    PageUp, "page-up", List, None, "Moves up by a page.";
    Top, "top", List, None, "Moves to the first.";
    Bottom, "bottom", List, None, "Moves to the last.";
    Open, "open", List, None, "Opens what the cursor is on; closes an open item with evidence.";
    Sort, "sort", List, None, "Sorts the rows by the next column.";
    Reverse, "reverse", List, None, "Reverses the order of the rows.";
    Facts, "facts", List, None, "In the detail of a row, shows facts under their own names.";
    Act, "act", List, Acts, "Offers what can act on the row; in a run, opens its prompt.";
    Abort, "abort", Run, Commits, "Asks whether to stop the run, and whether to take back what it did.";
    Resume, "resume", Run, Commits, "Asks whether to continue an interrupted run.";
    Hand, "hand", Checklist, Acts, "Closes the item by hand, with a note: a claim.";
    Skip, "skip", Checklist, Acts, "Passes over the item, with a reason.";
    Override, "override", Checklist, Acts, "Leads past a hard gate that did not pass, with a reason; for another person than the starter.";
    Reopen, "reopen", Checklist, Acts, "Opens the item again that was closed by hand or passed over, with a reason.";
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
    Emergency, "emergency", Prompt, Acts, "Starts the plan outside its window: asks for the reason, then a second person.";
    Leave, "leave-field", Prompt, None, "Moves between the text field and the keys.";
    Save, "save", Note, Acts, "Writes it down.";
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
    /// Builds a keymap from layers, the built-in one first; a later layer's binding replaces all keys of its action.
    ///
    /// # Errors
    /// All problems at once: unknown names, keys that no terminal can tell apart, clashes, dangerous keys.
    pub fn build(layers: &[KeymapFile]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut rows: BTreeMap<Action, Bound<'_>> = BTreeMap::new();
        for (file, binding) in layers.iter().flat_map(|layer| layer.bindings.iter().map(|row| (&*layer.file, row))) {
            match read(file, binding) {
                Ok((entry, keys)) => {
                    rows.insert(entry.action, Bound { entry, keys, file, place: binding.place });
                }
                Err(mut found) => problems.append(&mut found),
            }
        }
        clashes(&rows, &mut problems);
        for needed in [Action::Help, Action::Back, Action::Quit, Action::Interrupt, Action::Confirm, Action::Leave] {
            if rows.get(&needed).is_none_or(|bound| bound.keys.is_empty()) {
                let (file, place) = match rows.get(&needed) {
                    Some(bound) => (bound.file.to_owned(), bound.place),
                    None => (layers.last().map(|layer| layer.file.clone()).unwrap_or_default(), Place::default()),
                };
                let name = needed.entry().map_or("", |entry| entry.name);
                problems.push(Problem { file, place, message: format!("`{name}` has no key"), hint: None });
            }
        }
        let bound = rows.into_iter().map(|(action, bound)| (action, bound.keys)).collect();
        if problems.is_empty() { Ok(Self { bound }) } else { Err(problems) }
    }

    /// Loads a keymap by its name; one that is missing or wrong gives the built-in default, with what is wrong.
    #[must_use]
    pub fn load(name: &str, directories: &[PathBuf]) -> (Self, Vec<Problem>) {
        let (layers, mut problems) = keymap::load(name, directories);
        match Self::build(&layers) {
            Ok(built) => (built, problems),
            Err(mut found) => {
                problems.append(&mut found);
                (Self::build(&keymap::default_layers()).unwrap_or_default(), problems)
            }
        }
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

    /// The same as keyboards have it: `PgDn`.
    #[must_use]
    pub fn brief(&self, action: Action) -> String {
        self.shown(action).replace("PageDown", "PgDn").replace("PageUp", "PgUp")
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

/// An action with its keys and where they were bound.
struct Bound<'a> {
    entry: &'static Entry,
    keys: Vec<Vec<Key>>,
    file: &'a Path,
    place: Place,
}

fn read(file: &Path, binding: &Binding) -> Result<(&'static Entry, Vec<Vec<Key>>), Vec<Problem>> {
    let problem =
        |message: String, hint: Option<String>| Problem { file: file.to_owned(), place: binding.place, message, hint };
    let Some(context) = Context::ALL.into_iter().find(|context| context.word() == binding.context) else {
        let hint = closest(&binding.context, &Context::ALL.map(Context::word));
        return Err(vec![problem(format!("there is no context `{}`", binding.context.escape_debug()), Some(hint))]);
    };
    let here = || ACTIONS.iter().filter(move |entry| entry.context == context);
    let Some(entry) = here().find(|entry| entry.name == binding.action) else {
        let hint = closest(&binding.action, &here().map(|entry| entry.name).collect::<Vec<_>>());
        let message = format!("there is no action `{}` in [{}]", binding.action.escape_debug(), context.word());
        return Err(vec![problem(message, Some(hint))]);
    };
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for text in &binding.keys {
        let pressed: Option<Vec<Key>> = text.split_whitespace().map(Key::parse).collect();
        match pressed.filter(|pressed| !pressed.is_empty()) {
            None => {
                let hint = "keys are written as g g, F1, Ctrl-L, Alt-x".to_owned();
                problems.push(problem(format!("{text:?} is not a key"), Some(hint)));
            }
            Some(pressed) => match refuse(entry, text, &pressed) {
                Some(why) => problems.push(problem(format!("{text} cannot be bound to `{}`: {why}", entry.name), None)),
                None => keys.push(pressed),
            },
        }
    }
    if problems.is_empty() { Ok((entry, keys)) } else { Err(problems) }
}

fn closest(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known: {}", known.join(", ")),
    }
}

/// Why these keys must not do this, if so.
fn refuse(entry: &Entry, text: &str, keys: &[Key]) -> Option<&'static str> {
    for written in text.split_whitespace().map(str::to_ascii_lowercase) {
        match written.as_str() {
            "ctrl-h" | "ctrl-i" | "ctrl-j" | "ctrl-m" | "ctrl-[" => return Some("a terminal sends it for another key"),
            "ctrl-s" | "ctrl-q" => return Some("a terminal may stop its output on it"),
            _ => {}
        }
    }
    let [only] = keys else { return None };
    let by_itself = matches!(only.code, KeyCode::Char('h' | 'j' | 'k' | 'l' | 'q' | 'y' | 'n' | ' '))
        || (only.ctrl && matches!(only.code, KeyCode::Char(_)))
        || matches!(only.code, KeyCode::Up | KeyCode::Down | KeyCode::Left | KeyCode::Right)
        || matches!(only.code, KeyCode::Enter | KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab);
    (entry.danger == Danger::Commits && by_itself).then_some("it commits, and fingers find this key by themselves")
}

/// Finds keys that mean two things in one context, or that hide the beginning of a longer sequence where both are open.
fn clashes(rows: &BTreeMap<Action, Bound<'_>>, problems: &mut Vec<Problem>) {
    let all: Vec<_> = rows.values().flat_map(|bound| bound.keys.iter().map(move |keys| (bound, keys))).collect();
    for (place, (bound, keys)) in all.iter().enumerate() {
        for (other, theirs) in all.iter().skip(place + 1) {
            let together = Context::ALL.iter().any(|context| {
                context.stack().contains(&bound.entry.context) && context.stack().contains(&other.entry.context)
            });
            let equal = keys == theirs && bound.entry.context == other.entry.context;
            let hides = keys != theirs && (keys.starts_with(theirs) || theirs.starts_with(keys));
            if bound.entry.action != other.entry.action && (equal || (together && hides)) {
                // The later one is the one to change: the default layer does not clash by itself.
                let (new, old) = if bound.place > other.place { (bound, other) } else { (other, bound) };
                let (new_keys, old_keys) = if bound.place > other.place { (keys, theirs) } else { (theirs, keys) };
                let (new_name, old_name) = (new.entry.name, old.entry.name);
                problems.push(Problem {
                    file: new.file.to_owned(),
                    place: new.place,
                    message: format!(
                        "{} of `{new_name}` clashes with {} of `{old_name}`",
                        spell(new_keys),
                        spell(old_keys)
                    ),
                    hint: Some(format!("which is bound at {}:{}", old.file.display(), old.place.line)),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(rows: &[(&str, &str, &[&str])]) -> Vec<KeymapFile> {
        let mut layers = keymap::default_layers();
        let bindings = (1..).zip(rows).map(|(line, (context, action, keys))| Binding {
            context: (*context).to_owned(),
            action: (*action).to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            place: Place { line: 100 + line, column: 1 },
        });
        let (name, file) = ("mine".to_owned(), PathBuf::from("mine.toml"));
        layers.push(KeymapFile { name, inherits: None, file, bindings: bindings.collect() });
        layers
    }

    fn refused(rows: &[(&str, &str, &[&str])]) -> String {
        let problems = Keymap::build(&layer(rows)).expect_err("it is wrong");
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_default_keymap_binds_every_action_and_nothing_clashes() {
        let keymap = Keymap::build(&keymap::default_layers()).expect("the default keymap");
        for entry in ACTIONS {
            assert!(!keymap.shown(entry.action).is_empty(), "{} has no key", entry.name);
        }
        assert_eq!(keymap.all_shown(Action::Top), "g g, Home");
        assert_eq!(keymap.resolve(Context::Run, &[Key::char('g')]), Resolved::Pending);
        let abort = [Key::char('g'), Key::char('x')];
        assert_eq!(keymap.resolve(Context::Run, &abort), Resolved::Action(Action::Abort));
        assert_eq!(keymap.resolve(Context::List, &abort), Resolved::Nothing);
        // The nearest context wins: the same key filters a list and searches a log.
        assert_eq!(keymap.resolve(Context::Log, &[Key::char('/')]), Resolved::Action(Action::Search));
        assert_eq!(keymap.resolve(Context::Run, &[Key::char('/')]), Resolved::Action(Action::Filter));
    }

    #[test]
    fn every_built_in_keymap_is_sound_and_vim_moves_between_panes() {
        for name in keymap::names(&[]) {
            let (keymap, problems) = Keymap::load(&name, &[]);
            assert!(problems.is_empty(), "{name}: {problems:?}");
            assert!(ACTIONS.iter().all(|entry| !keymap.shown(entry.action).is_empty()), "{name}");
        }
        let vim = Keymap::load("vim", &[]).0;
        let keys = [('h', Action::PreviousPane), ('l', Action::NextPane), ('L', Action::Log)];
        for (key, action) in keys {
            assert_eq!(vim.resolve(Context::Log, &[Key::char(key)]), Resolved::Action(action));
        }
    }

    #[test]
    fn a_layer_replaces_all_keys_of_an_action() {
        let keymap = Keymap::build(&layer(&[("global", "log", &["L"])])).expect("a good layer");
        assert_eq!(keymap.resolve(Context::List, &[Key::char('l')]), Resolved::Nothing);
        assert_eq!(keymap.resolve(Context::List, &[Key::char('L')]), Resolved::Action(Action::Log));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_the_nearest_name() {
        let text = refused(&[("rum", "abort", &["A"]), ("run", "abrot", &["A"]), ("run", "abort", &["Ctr-A"])]);
        assert!(text.contains("mine.toml:101:1: there is no context `rum` (did you mean `run`?)"), "{text}");
        assert!(
            text.contains("mine.toml:102:1: there is no action `abrot` in [run] (did you mean `abort`?)"),
            "{text}"
        );
        assert!(text.contains("mine.toml:103:1: \"Ctr-A\" is not a key"), "{text}");
        let text = refused(&[("global", "refresh", &["R"]), ("list", "act", &["g"]), ("global", "quit", &[])]);
        assert!(text.contains("mine.toml:101:1: R of `refresh` clashes with R of `runs`"), "{text}");
        assert!(text.contains("g of `act` clashes with g g of `top`"), "{text}");
        assert!(text.contains("mine.toml:103:1: `quit` has no key"), "{text}");
    }

    #[test]
    fn keys_that_terminals_confuse_and_keys_that_fingers_find_are_refused() {
        for key in ["Ctrl-H", "Ctrl-I", "Ctrl-J", "Ctrl-M", "Ctrl-[", "Ctrl-S", "Ctrl-Q"] {
            assert!(refused(&[("global", "zoom", &[key])]).contains("terminal"), "{key}");
        }
        let by_themselves = ["h", "j", "k", "l", "Up", "Left", "Enter", "Space", "Esc", "Tab", "q", "y", "n", "Ctrl-X"];
        for (context, action) in [("prompt", "confirm"), ("run", "abort"), ("prompt", "decline"), ("run", "resume")] {
            for key in by_themselves {
                assert!(refused(&[(context, action, &[key])]).contains("commits"), "{key}");
            }
        }
    }
}
