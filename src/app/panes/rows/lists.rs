//! The lists of all sections.

use crate::app::model::TargetId;
use crate::app::panes::rows::RowList;
use crate::domain::{Past, Row, Rows, Section, TargetKind, Wall};
use std::sync::Arc;

/// A list for every section.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists {
    health: RowList,
    backups: RowList,
    certificates: RowList,
    bloat: RowList,
    /// What was read before this console was there.
    past: Arc<Past>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            health: RowList::new(Section::Health),
            backups: RowList::new(Section::Backups),
            certificates: RowList::new(Section::Certificates),
            bloat: RowList::new(Section::Bloat),
            past: Arc::default(),
        }
    }
}

impl RowList {
    /// How many targets have been tried at least once.
    #[must_use]
    pub fn targets_read(&self) -> usize {
        self.places.len()
    }

    /// The rows of each target as they were read.
    fn read_rows(&self) -> impl Iterator<Item = Rows> {
        let of = |((kind, target), at): (&(TargetKind, String), &usize)| {
            let rows = self.groups.get(*at)?.rows.clone();
            Some(Rows { kind: *kind, target: target.clone(), rows })
        };
        self.places.iter().filter_map(of)
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

    /// Takes a target's newest rows, and gives them their past.
    pub fn read(&mut self, mut rows: Rows, now: Wall) {
        self.past.join(&mut rows);
        self.of_mut(rows.kind.section()).read(rows, now);
    }

    /// Takes what was read before this console was there; rows that are here already have their past at once.
    pub fn remember(&mut self, past: Arc<Past>, now: Wall) {
        self.past = past;
        for section in Section::ALL {
            let read: Vec<Rows> = self.of(section).read_rows().collect();
            read.into_iter().for_each(|rows| self.read(rows, now));
        }
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

    /// Judges again what has become stale.
    pub fn tick(&mut self, now: Wall) {
        for section in Section::ALL {
            self.of_mut(section).tick(now);
        }
    }
}
