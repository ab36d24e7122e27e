//! The read-only twin of an act: what exactly it will touch.

use crate::domain::{EffectClass, Wall, quantity};
use serde::{Deserialize, Serialize};

/// One object of a frozen set, as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name: a path below the root, a key, a partition. Outside bytes; sanitise before drawing.
    pub name: String,
    /// Its size in bytes, where that means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// When it last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Wall>,
    /// Where it will go, for a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Item {
    /// An object that is known by its name alone.
    #[must_use]
    pub fn named(name: String) -> Self {
        Self { name, bytes: None, modified: None, to: None }
    }
}

/// The complete text of what will run, as a person must be able to read it before confirming.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// What it is: `bash script`, or the path of the program.
    pub name: String,
    /// All of it. Outside bytes; sanitise before drawing.
    pub text: String,
}

impl Listing {
    /// The longest text that fits in one line among others, in characters.
    pub const SHORT: usize = 120;

    /// A text that needs a listing of its own: one that is long, or that its line breaks and spaces are part of.
    #[must_use]
    pub fn of_long(name: &str, text: &str) -> Option<Self> {
        let is_short = text.chars().nth(Self::SHORT).is_none() && text.split(' ').all(|word| !word.is_empty());
        let is_line = !text.contains(char::is_control) && is_short;
        (!is_line && !text.is_empty()).then(|| Self { name: name.to_owned(), text: text.to_owned() })
    }

    /// The text of an act with the text of its undo below it: who confirms the act has read both.
    #[must_use]
    pub fn with_undo(act: Option<Self>, undo: Option<&Self>) -> Option<Self> {
        let Some(undo) = undo else { return act };
        let Some(act) = act else {
            return Some(Self { name: format!("undo: {}", undo.name), text: undo.text.clone() });
        };
        let between = if act.text.ends_with('\n') { "" } else { "\n" };
        Some(Self {
            name: format!("{}, and its undo", act.name),
            text: format!("{}{between}\n-- undo: {} --\n{}", act.text, undo.name, undo.text),
        })
    }

    /// Its title: `bash script, 6 lines`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}, {}", self.name, quantity::counted(self.text.lines().count() as u64, "line", "lines"))
    }

    /// Its lines with their numbers, from 1: `  12  sync "$OUT"`.
    pub fn numbered(&self) -> impl Iterator<Item = String> + '_ {
        (1_usize..).zip(self.text.lines()).map(|(number, line)| format!("{number:>4}  {line}"))
    }
}

/// What a prompt shows of a frozen set; the set itself is a file named by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preview {
    /// What will happen, in one line: `Delete 1,284 files under data/sessions`.
    pub headline: String,
    /// The place that everything below is relative to, with the host: `cell0-prod-1:/srv/cell0/data/sessions`.
    pub place: String,
    /// How many objects the act will touch.
    pub count: u64,
    /// How many objects of the kind were looked at, where that means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The sum of their sizes in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The object that changed longest ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Item>,
    /// The object that changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Item>,
    /// The adapter's own facts as `(name, value)`: resolved path, argv, user, directory, request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, String)>,
    /// What the operator should know before saying yes: open handles, names that cannot be shown, objects left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The complete text that will run, of a script or of a program that is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// The ceiling the author set, in words, with what was found against it: `13 %, limit 40 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The undo, in words.
    #[serde(rename = "way_back")]
    pub undo: String,
    /// How long it should take, in seconds, as the author declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_s: Option<u64>,
    /// The phrase that confirms a destroy: plain ASCII, `delete 1284 files`. Empty below destroy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phrase: String,
}

/// Whether what was typed is consent to an act of this class: the word `change`, or the exact phrase of a destroy.
///
/// Commas between digits are optional: `delete 1,284 files` and `delete 1284 files` are the same phrase.
/// An empty phrase is never consent to a destroy.
#[must_use]
pub fn is_consent(effect: EffectClass, phrase: &str, typed: &str) -> bool {
    let ungrouped = |text: &str| text.replace(',', "");
    match effect {
        EffectClass::Read => true,
        EffectClass::Change => typed == "change",
        EffectClass::Destroy => !phrase.is_empty() && ungrouped(typed) == ungrouped(phrase),
    }
}
