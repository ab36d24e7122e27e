//! The packs of built-in procedures that an estate can name; what every estate is offered, `common`, is none of them.

use crate::config::reader::{Problems, Table, nearest};
use std::fmt;

/// The key of the estate file.
pub const KEY: &str = "packs";

/// The words of the packs, in the order of [`Pack::ALL`].
pub const WORDS: &[&str] = &["cell0", "novacron"];

/// A pack: built-in procedures that were written for one system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pack {
    /// The host of Cell 0: its logs, its sessions, its checklist.
    Cell0,
    /// The platform NovaCron: its queue, its checks before a window, its checklist.
    NovaCron,
}

impl Pack {
    /// Every pack.
    pub const ALL: [Self; 2] = [Self::Cell0, Self::NovaCron];

    /// The one word for it, which is also the first part of its procedures' ids.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cell0 => "cell0",
            Self::NovaCron => "novacron",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pack| pack.word() == word)
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Takes `packs` out of the top of an estate file.
pub(in crate::config) fn read(root: &mut Table, problems: &mut Problems) -> Vec<Pack> {
    let mut packs = Vec::new();
    for (at, word) in root.texts(KEY, problems).unwrap_or_default() {
        match Pack::from_word(&word) {
            Some(pack) if packs.contains(&pack) => problems.add(at, "this pack is in the list already"),
            Some(pack) => packs.push(pack),
            None if word == "common" => {
                problems.add_with_hint(
                    at,
                    "`common` is offered to every estate and is not a pack",
                    "remove it from the list",
                );
            }
            None => {
                let message =
                    format!("there is no built-in pack `{}`: there are {}", word.escape_debug(), WORDS.join(", "));
                match nearest(&word, WORDS.iter().copied()) {
                    Some(near) => problems.add_with_hint(at, message, format!("did you mean `{near}`?")),
                    None => problems.add(at, message),
                }
            }
        }
    }
    packs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::estate::Estate;
    use std::path::Path;

    fn read_packs(list: &str) -> Result<Vec<Pack>, Vec<String>> {
        let text = format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\npacks = {list}\n");
        let read = Estate::parse(&text, Path::new("f"));
        read.map(|estate| estate.packs).map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_unknown_pack_is_refused_with_its_place_and_the_nearest_name() {
        assert_eq!(Pack::ALL.map(Pack::word), WORDS);
        assert_eq!(read_packs("[\"novacron\", \"cell0\"]"), Ok(vec![Pack::NovaCron, Pack::Cell0]));
        assert_eq!(read_packs("[]"), Ok(Vec::new()));
        let lines = [
            "f:4:19: there is no built-in pack `novacorn`: there are cell0, novacron (did you mean `novacron`?)",
            "f:4:31: this pack is in the list already",
            "f:4:40: `common` is offered to every estate and is not a pack (remove it from the list)",
            "f:4:50: there is no built-in pack `x\\n`: there are cell0, novacron",
        ];
        let found = read_packs("[\"cell0\", \"novacorn\", \"cell0\", \"common\", \"x\\n\"]");
        assert_eq!(found, Err(lines.map(str::to_owned).to_vec()));
    }
}
