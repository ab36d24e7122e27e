//! The phrase that a destroy requires, as far as it is known before the preview: the action's verb, the count, the
//! noun.

use crate::procedure::plan::Action;
use crate::runner::adapters::{exec, files, objects, sql, systemd};

/// The placeholder for a count that only the preview knows.
const COUNT: &str = "N";

/// The phrase with `N` for the count; `None` if only the preview knows it.
#[must_use]
pub fn phrase(action: &Action) -> Option<String> {
    let text = |key: &str| action.spec.get(key).and_then(serde_json::Value::as_str);
    match action.adapter.as_str() {
        exec::KEY => {
            let name = action.spec.get("argv")?.get(0)?.as_str()?;
            Some(format!("run {}", plain_word(name.rsplit('/').next()?, "program")))
        }
        files::KEY => Some(format!("{} {COUNT} {}", text("op")?, files::NOUN)),
        objects::KEY => Some(format!("{} {COUNT} {}", text("op")?, objects::NOUN)),
        systemd::KEY => Some(format!("{} 1 {}", text("op")?, plain_word(text("unit")?, "unit"))),
        sql::KEY => sql::phrase(action, COUNT),
        _ => None,
    }
}

/// A word of plain ASCII for a phrase: any character except letters, digits, `.`, `_` and `-` becomes `-`.
pub(super) fn plain_word(text: &str, otherwise: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let word: String = text.chars().map(plain).collect();
    if word.chars().any(|c| c.is_ascii_alphanumeric()) { word } else { otherwise.to_owned() }
}
