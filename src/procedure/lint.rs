//! What is wrong with sound procedures beside one another, and beside the date.
//!
//! An error is a contradiction: what is written cannot all be so. A warning is something that its author should look at.

pub mod argv;
pub mod fit;
pub mod retention;
pub mod review;
pub mod script;

use crate::config::reader::{Place, Problem, Problems, Table, parse};
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use jiff::civil::Date;

/// What was found, each in the order of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// What contradicts.
    pub errors: Vec<Problem>,
    /// What should be looked at.
    pub warnings: Vec<Problem>,
}

/// Judges procedures that are sound by themselves. `library` are all that there are, the judged ones among them; what is wrong
/// between two of them is told at the judged one.
#[must_use]
pub fn judge(judged: &[&Procedure], library: &Library, today: Date) -> Judged {
    let mut found = Judged::default();
    for procedure in judged {
        let top = top(procedure);
        found.errors.extend(fit::errors(procedure, &top, library));
        found.warnings.extend(review::warnings(procedure, &top, today));
        found.warnings.extend(script::warnings(procedure));
    }
    found.errors.extend(retention::errors(judged, library));
    for problems in [&mut found.errors, &mut found.warnings] {
        problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
        problems.dedup();
    }
    found
}

/// The top of a file that was read before, for the places of its keys.
fn top(procedure: &Procedure) -> Table {
    parse(&procedure.text, &mut Problems::of(&procedure.file))
}

fn problem(procedure: &Procedure, place: Place, message: String, hint: Option<String>) -> Problem {
    Problem { file: procedure.file.clone(), place, message, hint }
}
