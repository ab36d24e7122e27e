//! Replaces the names of saved values in the texts of steps: `<server.run_id>` in a step's texts is the value once it was read.

use crate::journal::fold::RunView;
use crate::journal::record::StepHead;

/// The longest value that is put into a text, in bytes; a longer one keeps its name there, and in the record of what was read.
const LONGEST: usize = 120;

impl RunView {
    /// Puts what a read saved under a name into the texts of the steps. A name that several reads save stays as it is: which of them is
    /// meant is in the plan alone.
    pub(super) fn fill(&mut self, name: &str) {
        let bare = bare(name).to_owned();
        let savers =
            self.steps.iter().filter(|step| step.head.save.as_deref().is_some_and(|own| self::bare(own) == bare));
        let Some(saved) = self.saved.get(name).filter(|_| savers.count() == 1) else { return };
        let fits = |value: &str| !value.is_empty() && value.len() <= LONGEST && !value.contains(['\n', '<', '>']);
        let facts = saved.facts.iter().filter(|(fact, value)| fits(value) && !saved.whole.contains_key(*fact));
        let known: Vec<(String, String)> =
            facts.map(|(fact, value)| (format!("<{bare}.{fact}>"), value.clone())).collect();
        for step in &mut self.steps {
            known.iter().for_each(|(name, value)| put(&mut step.head, name, value));
        }
    }
}

/// A name without the number of the included procedure that saved it.
fn bare(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

fn put(head: &mut StepHead, name: &str, value: &str) {
    let StepHead { title, undo: rollback, what, why, when, until, .. } = head;
    for text in [title, rollback, what, why].into_iter().chain(when).chain(until) {
        if text.contains(name) {
            *text = text.replace(name, value);
        }
    }
}
