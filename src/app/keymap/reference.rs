//! The built-in keys in Markdown, for `docs/reference/keys.md`.

use crate::app::keymap::{ACTIONS, Context, Danger, Keymap};
use std::fmt::Write;

/// A table of keys for each context: the action's name in a keymap file, its keys, and what it does.
#[must_use]
pub fn reference() -> String {
    let (keymap, _) = Keymap::load(crate::config::keymap::DEFAULT, &[]);
    let mut text = String::new();
    for context in Context::ALL {
        let _ = writeln!(text, "**`[{}]`** {}\n", context.word(), context.doc());
        text.push_str("| keys | action | |\n|---|---|---|\n");
        for entry in ACTIONS.iter().filter(|entry| entry.context == context) {
            let keys = keymap.keys(entry.action).iter().map(|keys| {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                format!("`{}`", keys.join(" "))
            });
            let keys = keys.collect::<Vec<_>>().join(", ").replace('|', "\\|");
            let note = if entry.danger == Danger::None { "" } else { " Not in a read-only console." };
            let _ = writeln!(text, "| {keys} | `{}` | {}{note} |", entry.name, entry.doc);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::reference;
    use crate::config::keys::page;

    #[test]
    fn the_page_of_keys_is_that_of_the_registry() {
        page::assert_current("keys.md", &reference());
    }
}
