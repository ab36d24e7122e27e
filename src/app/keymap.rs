//! Which keys do what: a keymap is built from layers of files and checked against the action registry.

mod actions;
mod reference;

pub use actions::{ACTIONS, Action, Context, Danger, Entry};
pub use reference::reference;

use crate::config::keymap::{self, Binding, KeymapFile};
use crate::config::reader::{Place, Problem, nearest};
use crate::domain::key::{Key, KeyCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    /// All problems at once: unknown names, keys that no terminal can distinguish, clashes, dangerous keys.
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

    /// A key of an action that is no letter, so that it works where letters are text too.
    #[must_use]
    pub fn beside_text(&self, action: Action) -> Option<String> {
        let is_letter = |key: &Key| matches!(key.code, KeyCode::Char(_)) && !key.ctrl && !key.alt;
        self.keys(action).iter().find(|keys| !keys.iter().any(is_letter)).map(|keys| spell(keys))
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
    (entry.danger == Danger::Commits && by_itself).then_some("it commits, and people press this key by habit")
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
