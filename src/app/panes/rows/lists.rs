//! The lists of all sections.

use crate::app::model::TargetId;
use crate::app::panes::rows::RowList;
use crate::domain::{Row, Rows, Section, TargetKind, Wall};

/// A list for every section.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists {
    health: RowList,
    backups: RowList,
    certificates: RowList,
    bloat: RowList,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            health: RowList::new(Section::Health),
            backups: RowList::new(Section::Backups),
            certificates: RowList::new(Section::Certificates),
            bloat: RowList::new(Section::Bloat),
        }
    }
}

impl Lists {
    /// The list of a section.
    #[must_use]
    pub fn of(&self, section: Section) -> &RowList {
        match section {
            Section::Health => &self.health,
            Section::Backups => &self.backups,
            Section::Certificates => &self.certificates,
            Section::Bloat => &self.bloat,
        }
    }

    /// The list of a section, to change it.
    pub fn of_mut(&mut self, section: Section) -> &mut RowList {
        match section {
            Section::Health => &mut self.health,
            Section::Backups => &mut self.backups,
            Section::Certificates => &mut self.certificates,
            Section::Bloat => &mut self.bloat,
        }
    }

    /// Every list, in the order of the screen.
    pub fn all(&self) -> impl Iterator<Item = &RowList> {
        Section::ALL.into_iter().map(|section| self.of(section))
    }

    /// A row by its identity.
    #[must_use]
    pub fn row(&self, id: &TargetId) -> Option<&Row> {
        self.of(id.kind.section()).row(id)
    }

    /// Takes a target's newest rows.
    pub fn read(&mut self, rows: Rows, now: Wall) {
        self.of_mut(rows.kind.section()).read(rows, now);
    }

    /// Forgets the rows of every target that is not among these.
    pub fn keep(&mut self, targets: &[(TargetKind, String)], now: Wall) {
        for section in Section::ALL {
            self.of_mut(section).keep(targets, now);
        }
    }

    /// When the next row becomes stale, if it is not read again before.
    #[must_use]
    pub fn turns(&self) -> Option<Wall> {
        self.all().filter_map(|list| list.turns).min()
    }

    /// Judges anew what has become stale.
    pub fn tick(&mut self, now: Wall) {
        for section in Section::ALL {
            self.of_mut(section).tick(now);
        }
    }
}
