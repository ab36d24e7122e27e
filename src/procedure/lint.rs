//! What is wrong with sound procedures beside one another, and beside the date.
//!
//! An error is a contradiction: what is written cannot all be so. A warning is something that its author should look at.

pub mod argv;
pub mod fit;
pub mod retention;
pub mod review;
pub mod script;
pub mod targets;
pub mod windows;

use crate::config::reader::{Place, Problem, Problems, Table, parse};
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use jiff::civil::Date;
use retention::Places;
use windows::Hours;

/// What was found, each in the order of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// What contradicts.
    pub errors: Vec<Problem>,
    /// What should be looked at.
    pub warnings: Vec<Problem>,
}

impl Judged {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.errors.extend(other.errors);
        self.warnings.extend(other.warnings);
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        for problems in [&mut self.errors, &mut self.warnings] {
            problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
            problems.dedup();
        }
        self
    }
}

/// Judges procedures that are sound by themselves. `library` are all that there are, the judged ones among them; what is wrong
/// between two of them is reported at the judged one. `hours` are the estate's windows, where they are known; `places` what its rows
/// give to procedures.
#[must_use]
pub fn judge(
    judged: &[&Procedure],
    library: &Library,
    hours: Option<Hours<'_>>,
    places: &Places,
    today: Date,
) -> Judged {
    let mut found = Judged::default();
    for procedure in judged {
        let top = top(procedure);
        found.errors.extend(fit::errors(procedure, &top, library));
        found.errors.extend(hours.iter().flat_map(|hours| windows::contradicts(procedure, library, *hours)));
        found.warnings.extend(review::warnings(procedure, &top, today));
        found.warnings.extend(script::warnings(procedure));
    }
    let kept = retention::find(judged, library, places);
    found.errors.extend(kept.errors);
    found.warnings.extend(kept.warnings);
    found.sorted()
}

/// Judges the windows of an estate by all procedures that there are.
#[must_use]
pub fn judge_windows(library: &Library, hours: Hours<'_>) -> Judged {
    let mut errors = windows::crowded(hours, library);
    errors.extend(windows::exceptions(hours, library));
    Judged { errors, warnings: windows::unserved(hours, library) }.sorted()
}

/// The top of a file that was read before, for the places of its keys.
fn top(procedure: &Procedure) -> Table {
    parse(&procedure.text, &mut Problems::of(&procedure.file))
}

fn problem(procedure: &Procedure, place: Place, message: String, hint: Option<String>) -> Problem {
    Problem { file: procedure.file.clone(), place, message, hint }
}
