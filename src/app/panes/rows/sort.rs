//! By which column the rows of a pane are sorted.

use crate::domain::Section;

/// By which column the rows of a pane are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sort {
    /// The worst first; among equals the most pressing.
    #[default]
    Verdict,
    /// By name.
    Name,
    /// The oldest reading first; one that was never taken before all.
    Age,
    /// By the figure that the section is about.
    Figure,
    /// The largest first.
    Size,
    /// The largest share first.
    Share,
    /// By a word: the issuer of a certificate, the remedy of a table.
    Word,
}

impl Sort {
    /// What the rows of a section can be sorted by, in the order in which one goes through them.
    #[must_use]
    pub fn of(section: Section) -> &'static [Self] {
        match section {
            Section::Health => &[Self::Verdict, Self::Name, Self::Age, Self::Figure],
            Section::Backups => &[Self::Verdict, Self::Name, Self::Age, Self::Figure, Self::Size],
            Section::Certificates => &[Self::Verdict, Self::Name, Self::Age, Self::Figure, Self::Word],
            Section::Bloat => {
                &[Self::Verdict, Self::Name, Self::Age, Self::Figure, Self::Size, Self::Share, Self::Word]
            }
        }
    }

    /// The column after this one.
    #[must_use]
    pub fn next(self, section: Section) -> Self {
        let all = Self::of(section);
        let at = all.iter().position(|sort| *sort == self).unwrap_or(0);
        all.get((at + 1) % all.len().max(1)).copied().unwrap_or_default()
    }

    /// The fact that it sorts by; none where it is no fact.
    pub(super) fn fact(self, section: Section) -> Option<&'static str> {
        match (self, section) {
            (Self::Figure, Section::Backups) => Some("age_s"),
            (Self::Figure, Section::Certificates) => Some("days_left"),
            (Self::Figure, Section::Bloat) => Some("bloat_bytes"),
            (Self::Size, _) => Some("size_bytes"),
            (Self::Share, _) => Some("bloat_ratio"),
            (Self::Word, Section::Certificates) => Some("issuer"),
            (Self::Word, _) => Some("remedy"),
            _ => None,
        }
    }

    /// Whether figures go down the rows, the largest first, where it is not reversed.
    #[must_use]
    pub fn falls(self, section: Section) -> bool {
        match self {
            Self::Verdict | Self::Age | Self::Size | Self::Share => true,
            Self::Name | Self::Word => false,
            Self::Figure => matches!(section, Section::Backups | Section::Bloat),
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
            (Self::Size, _) => "the largest first",
            (Self::Share, _) => "the largest share of bloat first",
            (Self::Word, Section::Certificates) => "by issuer",
            (Self::Word, _) => "by remedy",
        }
    }

    /// The same in a word or two, for a title; empty for the usual order.
    #[must_use]
    pub fn mark(self, section: Section) -> &'static str {
        match (self, section) {
            (Self::Verdict, _) => "",
            (Self::Name, _) => "by name",
            (Self::Age, _) => "by reading",
            (Self::Figure, Section::Health) => "by kind",
            (Self::Figure, Section::Backups) => "by age",
            (Self::Figure, Section::Certificates) => "by days",
            (Self::Figure, Section::Bloat) => "by reclaimable",
            (Self::Size, _) => "by size",
            (Self::Share, _) => "by bloat",
            (Self::Word, Section::Certificates) => "by issuer",
            (Self::Word, _) => "by remedy",
        }
    }
}
