//! Which rows of a pane come first.

use crate::domain::Section;

/// Which rows of a pane come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sort {
    /// The worst; among equals the most pressing.
    #[default]
    Verdict,
    /// By name.
    Name,
    /// The oldest reading; one that was never taken before all.
    Age,
    /// By the figure that the section is about.
    Figure,
}

impl Sort {
    /// The manner that comes after this one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Verdict => Self::Name,
            Self::Name => Self::Age,
            Self::Age => Self::Figure,
            Self::Figure => Self::Verdict,
        }
    }

    /// What comes first, in a section.
    #[must_use]
    pub fn word(self, section: Section) -> &'static str {
        match (self, section) {
            (Self::Verdict, _) => "the worst first",
            (Self::Name, _) => "by name",
            (Self::Age, _) => "the oldest reading first",
            (Self::Figure, Section::Health) => "by kind",
            (Self::Figure, Section::Backups) => "the oldest backup first",
            (Self::Figure, Section::Certificates) => "the fewest days first",
            (Self::Figure, Section::Bloat) => "the most to have back first",
        }
    }

    /// The same in one word, for a title; empty for the usual manner.
    #[must_use]
    pub fn mark(self, section: Section) -> &'static str {
        match (self, section) {
            (Self::Verdict, _) => "",
            (Self::Name, _) => "by name",
            (Self::Age, _) => "by reading",
            (Self::Figure, Section::Health) => "by kind",
            (Self::Figure, Section::Backups) => "by age",
            (Self::Figure, Section::Certificates) => "by days",
            (Self::Figure, Section::Bloat) => "by size",
        }
    }
}
