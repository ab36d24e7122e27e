//! What a step does to the world, in three classes.

use serde::{Deserialize, Serialize};

/// How much an action can harm: `read` < `change` < `destroy`.
///
/// An adapter sets a least effect that an author cannot lower; the class decides the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectClass {
    /// Looks only.
    Read,
    /// Changes something that a named rollback can restore, or that does no harm.
    Change,
    /// Removes something.
    Destroy,
}

impl EffectClass {
    /// Every class, mildest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Change, Self::Destroy];

    /// The one word for it in files, help and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::Destroy => "destroy",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}
