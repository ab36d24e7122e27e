//! Edits of the estate and its windows while the console is open. A wallboard uses them at once; in a console a person does, for what is
//! on the screen may be about the estate as it was.

use crate::app::effect::{Effect, Query};
use crate::app::keymap::Action;
use crate::app::modal::Modal;
use crate::app::model::Model;
use crate::app::msg::EstateShown;
use crate::app::window::WindowWatch;
use crate::config::estate::Environment;
use crate::domain::quantity;

/// What became of an edit of the estate or its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// It can be used, and waits to be.
    Ready,
    /// It cannot be used, and why; what was there before is still in use.
    Wrong(String),
    /// It cannot be used, and why, and it could not from the start: runs can be followed, and nothing can be started.
    Unusable(String),
}

/// Takes note of an edit.
pub(super) fn edited(model: &mut Model, edited: Result<bool, String>) -> Vec<Effect> {
    let unusable = matches!(model.edited, Some(Edited::Unusable(_)));
    model.edited = match edited {
        // Nothing on the screen was planned with what stood in for it.
        Ok(true) if unusable || model.wallboard.is_some() => return vec![Effect::Query(Query::Reload)],
        Err(why) if unusable => Some(Edited::Unusable(why)),
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
    /// Why an edit cannot be used: the first cause, then its place, for the end of a sentence is what is cut.
    #[must_use]
    pub fn estate_trouble(&self) -> Option<String> {
        let causes = self.estate_causes();
        let (cause, place) = placed(causes.first()?);
        let more = match causes.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        Some(match &self.edited {
            Some(Edited::Unusable(_)) => format!("nothing can be started: {cause}{place}{more}"),
            _ => format!("the edited estate is wrong: {cause}{place}{more}; the one before is in use"),
        })
    }

    /// Every cause why an edit cannot be used, each behind its place.
    #[must_use]
    pub fn estate_causes(&self) -> Vec<&str> {
        let Some(Edited::Wrong(why) | Edited::Unusable(why)) = &self.edited else { return Vec::new() };
        // Which directory it is in is known.
        let directory = self.estate_file.rsplit_once('/').map_or("", |(directory, _)| directory);
        let short = |line| str::strip_prefix(line, directory).and_then(|rest| rest.strip_prefix('/')).unwrap_or(line);
        why.lines().map(short).collect()
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

    /// All that a banner says, nothing cut off: the causes of a wrong edit, and what was found at the start.
    #[must_use]
    pub fn banners_in_full(&self) -> Vec<String> {
        let edit = self.estate_banner().into_iter().filter(|_| self.estate_causes().len() < 2);
        let many = self.estate_causes();
        let head = (many.len() > 1).then(|| "the edited estate is wrong, the one before is in use:".to_owned());
        let causes = many.iter().filter(|_| many.len() > 1).map(|cause| (*cause).to_owned());
        edit.chain(head).chain(causes).chain(self.banners.iter().cloned()).collect()
    }
}

/// A cause without its place, `midwatch.toml:3:1`, and that place; empty where it has none.
fn placed(why: &str) -> (&str, &str) {
    let is_place = |place: &str| {
        let mut numbers = place.rsplit(':').take(2);
        place.contains(':') && numbers.all(|part| part.parse::<u32>().is_ok())
    };
    let found = why.match_indices(": ").filter_map(|(at, _)| Some((why.get(..at)?, why.get(at + 2..)?)));
    found.into_iter().find(|(place, _)| is_place(place)).map_or((why, ""), |(place, cause)| (cause, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_stands_before_its_place() {
        for (why, cause, place) in [
            ("midwatch.toml:3:1: unknown key `nmae`", "unknown key `nmae`", "midwatch.toml:3:1"),
            ("a: b.toml:3:1: expected: a text", "expected: a text", "a: b.toml:3:1"),
            ("midwatch.toml: Permission denied", "midwatch.toml: Permission denied", ""),
            ("", "", ""),
        ] {
            assert_eq!(placed(why), (cause, place), "{why}");
        }
    }
}
