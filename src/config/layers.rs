//! Finds themes and keymaps by name, with all that they inherit from.
//!
//! A file may name the one it inherits from; one that names none inherits from the built-in root. A file of the user may have
//! the name of a built-in one, and may even inherit from its own name: that is then the next file of that name, the built-in
//! one last.

use crate::config::file::{problem_of, read_trusted};
use crate::config::patience;
use crate::config::reader::{Place, Problem, Problems, Table, nearest, parse};
use std::path::{Path, PathBuf};

/// The one schema of themes and keymaps.
const SCHEMA: i64 = 1;

/// Where the files of one kind lie.
pub(crate) struct Layers<'a> {
    /// `theme` or `keymap`.
    pub what: &'static str,
    /// The directories of the user, strongest first.
    pub directories: &'a [PathBuf],
    /// The built-in files: name and text.
    pub built_in: &'static [(&'static str, &'static str)],
    /// The built-in file that every other inherits from.
    pub root: &'static str,
}

/// One file of a chain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layer<L> {
    pub name: String,
    pub inherits: Option<String>,
    pub file: PathBuf,
    pub content: L,
}

impl Layers<'_> {
    /// Reads a file and all it inherits from, the root first; `read` takes the keys that are not the header's.
    ///
    /// # Errors
    /// Everything wrong with any of the files, a missing one and a circle included.
    pub fn chain<L>(
        &self,
        name: &str,
        read: impl Fn(&mut Table, &mut Problems) -> L,
    ) -> Result<Vec<Layer<L>>, Vec<Problem>> {
        let mut layers: Vec<Layer<L>> = Vec::new();
        let asked = PathBuf::from(format!("{}s/{}.toml", self.what, name.escape_debug()));
        let (mut wanted, mut from) = (name.to_owned(), (asked, Place { line: 1, column: 1 }));
        let mut all = Vec::new();
        loop {
            let (file, text) = match self.find(&wanted, &layers) {
                Ok(found) => found,
                Err(Missing::Unreadable(problem)) => {
                    all.push(problem);
                    break;
                }
                Err(Missing::Nowhere { message, hint }) => {
                    all.push(Problem { file: from.0, place: from.1, message, hint });
                    break;
                }
            };
            let mut problems = Problems::of(&file);
            let (layer, at) = self.read_layer(&text, &file, &wanted, &mut problems, &read);
            all.extend(problems.into_sorted());
            let parent = layer.inherits.clone();
            let is_root = layer.name == self.root && file == self.built_in_file(self.root);
            layers.push(layer);
            match parent {
                Some(parent) => (wanted, from) = (parent, (file, at)),
                None if is_root => break,
                None => (wanted, from) = (self.root.to_owned(), (file, at)),
            }
        }
        layers.reverse();
        if all.is_empty() { Ok(layers) } else { Err(all) }
    }

    /// Reads one file; also says where its parent is named.
    fn read_layer<L>(
        &self,
        text: &str,
        file: &Path,
        name: &str,
        problems: &mut Problems,
        read: impl Fn(&mut Table, &mut Problems) -> L,
    ) -> (Layer<L>, Place) {
        let mut table = parse(text, problems);
        let known = table.schema(SCHEMA, problems);
        let name_at = table.place_of("name");
        if let Some(given) = table.required_text("name", problems).filter(|given| given != name) {
            let (given, what) = (given.escape_debug(), self.what);
            problems.add(name_at, format!("`name` is `{given}`, but the {what}'s file is called `{name}.toml`"));
        }
        let at = table.place_of("inherits");
        let inherits = table.text("inherits", problems);
        let content = read(&mut table, problems);
        if known {
            table.finish(problems);
        }
        (Layer { name: name.to_owned(), inherits, file: file.to_owned(), content }, at)
    }

    /// The text of the strongest file of this name that the chain does not hold yet.
    fn find<L>(&self, name: &str, chain: &[Layer<L>]) -> Result<(PathBuf, String), Missing> {
        let held = |file: &Path| chain.iter().any(|layer| layer.file == file);
        let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if is_plain {
            let files = self.directories.iter().map(|directory| directory.join(format!("{name}.toml")));
            for file in files.filter(|file| !held(file)) {
                if patience::at(&file, || file.symlink_metadata()).is_ok() {
                    let text = read_trusted(&file, &format!("the {}", self.what));
                    return text
                        .map(|text| (file.clone(), text))
                        .map_err(|error| Missing::Unreadable(problem_of(&file, error)));
                }
            }
            let file = self.built_in_file(name);
            let built_in = self.built_in.iter().find(|(built_in, _)| *built_in == name);
            if let Some((_, text)) = built_in.filter(|_| !held(&file)) {
                return Ok((file, (*text).to_owned()));
            }
        }
        if chain.iter().any(|layer| layer.name == name) {
            let mut names: Vec<&str> = chain.iter().map(|layer| layer.name.as_str()).collect();
            names.push(name);
            let message = format!("the {} inherits from itself: {}", self.what, names.join(" > "));
            return Err(Missing::Nowhere { message, hint: None });
        }
        let known = self.names();
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        let message = format!("there is no {} `{}`", self.what, name.escape_debug());
        Err(Missing::Nowhere { message, hint: Some(hint) })
    }

    /// Every built-in name, sorted.
    pub fn names(&self) -> Vec<String> {
        let list = |directory: &Path| directory.read_dir().into_iter().flatten().flatten().collect::<Vec<_>>();
        let own = self.directories.iter().flat_map(|directory| patience::at(directory, || list(directory)));
        let own = own.map(|entry| entry.path()).filter(|file| file.extension().is_some_and(|end| end == "toml"));
        let own = own.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        let mut names: Vec<_> = own.chain(self.built_in.iter().map(|(name, _)| (*name).to_owned())).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What a built-in file is called in messages.
    fn built_in_file(&self, name: &str) -> PathBuf {
        format!("built-in {}s/{name}.toml", self.what).into()
    }
}

/// Why a file of some name cannot be had.
enum Missing {
    Unreadable(Problem),
    Nowhere { message: String, hint: Option<String> },
}
