//! Why a relation has no estimate, and what would help. `ANALYZE` is named only where it helps.

use crate::probes::bloat::catalog::{Relation, Sized};
use crate::probes::bloat::count::Count;
use crate::probes::bloat::widths::Missing;

/// Why a relation has no estimate, and what would help.
pub(super) struct Unknown {
    pub(super) why: String,
    pub(super) remedy: Option<&'static str>,
    /// Whether the role may not see the statistics.
    pub(super) hidden: bool,
    /// Whether the right to read all data would show them; row security holds for a role with it, too.
    pub(super) grant: bool,
    /// Whether relations of this kind are shown for their size alone: no statistics tell what is wanted, on any day.
    pub(super) size_alone: bool,
}

impl Unknown {
    /// Unknown until somebody does something.
    pub(super) fn new(why: impl Into<String>, remedy: &'static str) -> Self {
        Self { why: why.into(), remedy: Some(remedy), hidden: false, grant: false, size_alone: false }
    }

    /// Shown for its size.
    pub(super) fn by_size_alone(why: &str) -> Self {
        Self {
            why: format!("{why}: size alone, not estimable"),
            remedy: None,
            hidden: false,
            grant: false,
            size_alone: true,
        }
    }

    fn to_analyze(why: &str, standby: bool) -> Self {
        let place = if standby { " on the primary" } else { "" };
        Self::new(format!("{why}, ANALYZE needed{place}"), "analyze")
    }

    fn hidden(why: &str) -> Self {
        Self { hidden: true, ..Self::new(why, "grant") }
    }
}

/// What is missing, with the column that lacks it where others have it.
pub(super) fn missing(missing: Missing, relation: &Relation, standby: bool) -> Unknown {
    let column = relation.lacking.as_ref().map_or_else(String::new, |name| format!(" of column {name}"));
    match missing {
        Missing::NeverAnalyzed => Unknown::to_analyze(&format!("no statistics{column}"), standby),
        Missing::Off => {
            let why = format!("no statistics{column}: SET STATISTICS 0 keeps ANALYZE from them");
            Unknown::new(why, "set statistics")
        }
        Missing::Denied => Unknown { grant: true, ..Unknown::hidden("no right to its statistics") },
        Missing::RowSecurity => Unknown::hidden("row security hides its statistics"),
    }
}

/// Why an error bar is too long to say anything. Counts that are old can be mended.
pub(super) fn useless(sized: &Sized, count: Count, standby: bool) -> Unknown {
    if count.drift > 0.0 || count.unsure > 0.0 {
        return Unknown::to_analyze("it changed much since it was counted", standby);
    }
    if sized.toast > sized.main {
        return Unknown::by_size_alone("TOAST of short pieces");
    }
    if count.stale {
        return Unknown::to_analyze("its statistics do not fit its size", standby);
    }
    Unknown::by_size_alone("fresh statistics do not fit its size")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(toast: u64, drift: f64, stale: bool) -> (String, Option<&'static str>, bool) {
        let sized =
            Sized { oid: 1, index: false, left: false, unseen: false, locked: false, main: 100, toast, ages: None };
        let unknown = useless(&sized, Count { live: 1.0, unsure: 0.0, drift, stale }, false);
        (unknown.why, unknown.remedy, unknown.size_alone)
    }

    #[test]
    fn analyze_is_proposed_only_where_it_helps() {
        let analyze = Some("analyze");
        assert_eq!(
            why(0, 0.9, true),
            ("it changed much since it was counted, ANALYZE needed".to_owned(), analyze, false)
        );
        assert_eq!(
            why(0, 0.0, true),
            ("its statistics do not fit its size, ANALYZE needed".to_owned(), analyze, false)
        );
        let alone = "fresh statistics do not fit its size: size alone, not estimable".to_owned();
        assert_eq!(why(0, 0.0, false), (alone, None, true));
        assert_eq!(why(200, 0.0, true).0, "TOAST of short pieces: size alone, not estimable");
        let standby = Unknown::to_analyze("no statistics", true);
        assert_eq!(standby.why, "no statistics, ANALYZE needed on the primary");
    }
}
