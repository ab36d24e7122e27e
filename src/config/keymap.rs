//! Keymaps as they are written; what an action is and which keys clash is known above, where the actions are.

use crate::config::layers::{Layer, Layers};
use crate::config::reader::{Place, Problem, Problems, Table, Value};
use std::path::PathBuf;

/// The keymap that every other inherits from, and the one that is used when none is named.
pub const DEFAULT: &str = "default";

const BUILT_IN: &[(&str, &str)] =
    &[(DEFAULT, include_str!("../../keymaps/default.toml")), ("vim", include_str!("../../keymaps/vim.toml"))];

/// One keymap file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeymapFile {
    /// Its name.
    pub name: String,
    /// The keymap it inherits from.
    pub inherits: Option<String>,
    /// The file; a built-in one is called `built-in keymaps/default.toml`.
    pub file: PathBuf,
    /// What it binds, in the order of the file.
    pub bindings: Vec<Binding>,
}

/// An action of a context and all its keys; none takes the action's keys away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The table: `global`, `list`, `run` …
    pub context: String,
    /// The action's name.
    pub action: String,
    /// The keys as written: `?`, `g g`, `Ctrl-L`.
    pub keys: Vec<String>,
    /// The place of the action.
    pub place: Place,
}

/// Loads a keymap with all it inherits from, the built-in default first.
///
/// A keymap that is missing or wrong gives the built-in default alone with everything that is wrong: worth one line on the
/// screen, and never a reason not to open it.
#[must_use]
pub fn load(name: &str, directories: &[PathBuf]) -> (Vec<KeymapFile>, Vec<Problem>) {
    match load_layers(name, directories) {
        Ok(layers) => (layers, Vec::new()),
        Err(problems) => (default_layers(), problems),
    }
}

/// The built-in default alone, for a keymap that turns out to be unfit above.
#[must_use]
pub fn default_layers() -> Vec<KeymapFile> {
    // It can be read, and a test holds it to that.
    load_layers(DEFAULT, &[]).unwrap_or_default()
}

/// The names of all keymaps there are.
#[must_use]
pub fn names(directories: &[PathBuf]) -> Vec<String> {
    layers(directories).names()
}

fn layers(directories: &[PathBuf]) -> Layers<'_> {
    Layers { what: "keymap", directories, built_in: BUILT_IN, root: DEFAULT }
}

fn load_layers(name: &str, directories: &[PathBuf]) -> Result<Vec<KeymapFile>, Vec<Problem>> {
    let chain = layers(directories).chain(name, read)?;
    let file = |layer: Layer<Vec<Binding>>| KeymapFile {
        name: layer.name,
        inherits: layer.inherits,
        file: layer.file,
        bindings: layer.content,
    };
    Ok(chain.into_iter().map(file).collect())
}

/// Takes every table as a context.
fn read(root: &mut Table, problems: &mut Problems) -> Vec<Binding> {
    let mut bindings = Vec::new();
    for context in std::mem::take(&mut root.entries) {
        let Value::Table(table) = context.node.value else {
            problems.add(context.at, format!("unknown key `{}`", context.key.escape_debug()));
            continue;
        };
        for action in table.entries {
            let keys = match action.node.value {
                Value::List(items) => items,
                other => {
                    let name = action.key.escape_debug();
                    let message = format!("`{name}` must be a list of keys, not {}", other.kind());
                    problems.add_with_hint(action.node.at, message, "such as [\"g g\", \"Home\"]");
                    continue;
                }
            };
            let mut texts = Vec::new();
            for key in keys {
                match key.value {
                    Value::Text(text) => texts.push(text),
                    other => problems.add(key.at, format!("a key is text, not {}", other.kind())),
                }
            }
            bindings.push(Binding { context: context.key.clone(), action: action.key, keys: texts, place: action.at });
        }
    }
    bindings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn messages(problems: &[Problem], dir: &std::path::Path) -> Vec<String> {
        problems.iter().map(|problem| problem.to_string().replace(&format!("{}/", dir.display()), "")).collect()
    }

    #[test]
    fn the_default_is_whole() {
        let (layers, problems) = load(DEFAULT, &[]);
        assert_eq!((layers.len(), problems), (1, vec![]));
        assert_eq!(layers, default_layers());
        let help = layers[0].bindings.iter().find(|b| (b.context.as_str(), b.action.as_str()) == ("global", "help"));
        assert!(help.is_some_and(|binding| binding.keys.contains(&"?".to_owned())));
        assert!(layers[0].bindings.iter().all(|binding| !binding.keys.is_empty()));
    }

    #[test]
    fn a_users_keymap_inherits_from_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let text = "schema = 1\nname = \"mine\"\n[list]\ntop = [\"g g\", \"Home\"]\nbottom = []\n";
        fs::write(dir.path().join("mine.toml"), text).unwrap();
        let directories = [dir.path().to_owned()];
        let (layers, problems) = load("mine", &directories);
        assert_eq!(problems, []);
        assert_eq!(layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["default", "mine"]);
        let bind = |action: &str, keys: &[&str], line| Binding {
            context: "list".into(),
            action: action.into(),
            keys: keys.iter().map(ToString::to_string).collect(),
            place: Place { line, column: 1 },
        };
        assert_eq!(layers[1].bindings, [bind("top", &["g g", "Home"], 4), bind("bottom", &[], 5)]);
        assert_eq!(names(&directories), ["default", "mine", "vim"]);
    }

    #[test]
    fn a_keymap_that_others_can_change_is_replaced_by_the_default() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (above, file) = (dir.path().join("keymaps"), dir.path().join("keymaps/mine.toml"));
        fs::create_dir(&above).unwrap();
        fs::write(&file, "schema = 1\nname = \"mine\"\n").unwrap();
        let loaded = || load("mine", std::slice::from_ref(&above));
        assert_eq!((loaded().0.len(), loaded().1.len()), (2, 0));
        for (place, open, closed) in [(&file, 0o606, 0o644), (&above, 0o757, 0o755)] {
            fs::set_permissions(place, fs::Permissions::from_mode(open)).unwrap();
            let (layers, problems) = loaded();
            assert_eq!((layers, problems.len()), (default_layers(), 1));
            let why = format!("others may write to {} (mode {open:04o})", place.display());
            assert!(problems[0].to_string().contains(&why), "{}", problems[0]);
            fs::set_permissions(place, fs::Permissions::from_mode(closed)).unwrap();
        }
    }

    #[test]
    fn a_bad_keymap_gives_the_default_and_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let text = "schema = 1\nname = \"vim\"\ninherits = \"emacs\"\nhelp = [\"?\"]\n[list]\ntop = \"g\"\nup = [1]\n";
        fs::write(dir.path().join("vim.toml"), text).unwrap();
        let (layers, problems) = load("vim", &[dir.path().to_owned()]);
        assert_eq!(layers, default_layers());
        let expected = [
            "vim.toml:4:1: unknown key `help`",
            "vim.toml:6:7: `top` must be a list of keys, not text (such as [\"g g\", \"Home\"])",
            "vim.toml:7:7: a key is text, not a whole number",
            "vim.toml:3:12: there is no keymap `emacs` (there are default, vim)",
        ];
        assert_eq!(messages(&problems, dir.path()), expected);
        let (layers, problems) = load("../../etc/passwd", &[dir.path().to_owned()]);
        assert_eq!((layers, problems.len()), (default_layers(), 1));
    }
}
