//! The panes: what each is called, its number, and where its keys are looked up.

use crate::app::keymap::Context;
use crate::domain::Section;

/// A pane of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// Whether everything works.
    Health,
    /// Whether it could be had back.
    Backups,
    /// Whether it will be believed tomorrow.
    Certificates,
    /// What a rewrite would give back.
    Bloat,
    /// The items of the followed checklist.
    Checklist,
    /// The followed run.
    Run,
    /// The log of a step.
    Log,
}

impl Pane {
    /// Every pane, by its number.
    pub const ALL: [Self; 7] =
        [Self::Health, Self::Backups, Self::Certificates, Self::Bloat, Self::Checklist, Self::Run, Self::Log];

    /// The pane of a section.
    #[must_use]
    pub fn of(section: Section) -> Self {
        match section {
            Section::Health => Self::Health,
            Section::Backups => Self::Backups,
            Section::Certificates => Self::Certificates,
            Section::Bloat => Self::Bloat,
        }
    }

    /// The section whose rows it shows; `None` for the panes of the run.
    #[must_use]
    pub fn section(self) -> Option<Section> {
        Section::ALL.into_iter().find(|section| Self::of(*section) == self)
    }

    /// The number on its frame.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Health => 1,
            Self::Backups => 2,
            Self::Certificates => 3,
            Self::Bloat => 4,
            Self::Checklist => 5,
            Self::Run => 6,
            Self::Log => 7,
        }
    }

    /// The word on its frame.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Health => "Health",
            Self::Backups => "Backups",
            Self::Certificates => "Certificates",
            Self::Bloat => "Bloat",
            Self::Checklist => "Checklist",
            Self::Run => "Run",
            Self::Log => "Log",
        }
    }

    /// Where its keys are looked up.
    #[must_use]
    pub fn context(self) -> Context {
        match self {
            Self::Health | Self::Backups | Self::Certificates | Self::Bloat => Context::List,
            Self::Checklist => Context::Checklist,
            Self::Run => Context::Run,
            Self::Log => Context::Log,
        }
    }
}
