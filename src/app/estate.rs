//! Edits of the estate and its windows while the console is open. A wallboard uses them at once; in a console a person does, for what is
//! on the screen may be about the estate as it was.

use crate::app::effect::{Effect, Query};
use crate::app::keymap::Action;
use crate::app::modal::Modal;
use crate::app::model::{Edited, Model};
use crate::app::msg::EstateShown;
use crate::app::window::WindowWatch;
use crate::config::estate::Environment;
use crate::domain::quantity;

/// Takes note of an edit.
pub(super) fn edited(model: &mut Model, edited: Result<bool, String>) -> Vec<Effect> {
    model.edited = match edited {
        Ok(true) if model.wallboard.is_some() => return vec![Effect::Query(Query::Reload)],
        Ok(true) => Some(Edited::Ready),
        // Back to what is in use.
        Ok(false) => None,
        Err(why) => Some(Edited::Wrong(why)),
    };
    Vec::new()
}

/// Shows the edited estate. What was planned with the one before is closed: nothing may be confirmed that is not on the screen.
pub(super) fn loaded(model: &mut Model, shown: EstateShown) -> Vec<Effect> {
    let now = model.now.wall;
    model.edited = None;
    model.lists.keep(&shown.targets, now);
    model.targets = shown.counts();
    let environment = Environment::from_word(&shown.environment);
    (model.estate, model.environment, model.estate_file) = (shown.name, shown.environment, shown.file);
    model.not_found = shown.not_found;
    model.window = WindowWatch::new(shown.calendar, environment, now);
    model.close_where(|modal| {
        matches!(
            modal,
            Modal::Plan { .. }
                | Modal::Emergency(_)
                | Modal::Params(_)
                | Modal::Offers { .. }
                | Modal::Procedures { .. }
        )
    });
    let targets = quantity::counted(shown.targets.len() as u64, "target", "targets");
    model.notify(format!("the edited estate is in use: {targets}"));
    vec![Effect::Query(Query::ListRuns), Effect::Query(Query::ListChecklists)]
}

impl Model {
    /// Why an edit cannot be used.
    #[must_use]
    pub fn estate_trouble(&self) -> Option<String> {
        match &self.edited {
            Some(Edited::Wrong(why)) => {
                // Which directory it is in is known, and the cause must not be cut for it.
                let directory = self.estate_file.rsplit_once('/').map_or("", |(directory, _)| directory);
                let short = why.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/')).unwrap_or(why);
                Some(format!("the edited estate is wrong, the one before is in use: {short}"))
            }
            _ => None,
        }
    }

    /// What the banner says of an edit.
    #[must_use]
    pub fn estate_banner(&self) -> Option<String> {
        match &self.edited {
            Some(Edited::Ready) => {
                let key = self.keymap.shown(Action::Refresh);
                Some(format!("the estate file or its windows changed: {key} uses them"))
            }
            _ => self.estate_trouble(),
        }
    }
}
