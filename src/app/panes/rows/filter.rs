//! Which rows of a pane are shown: those that contain a text or match a pattern; behind a `!`, all others.

use regex::Regex;

/// What is typed to filter rows. Capital and small letters are alike.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    inverse: bool,
    needle: String,
    pattern: Option<Regex>,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The largest program that a pattern may become, in bytes.
const LARGEST: usize = 1 << 20;

impl Filter {
    /// Reads what was typed. What is no pattern is a text like any other.
    #[must_use]
    pub fn new(text: String) -> Self {
        let lower = text.to_lowercase();
        let (inverse, needle) = lower.strip_prefix('!').map_or((false, lower.as_str()), |needle| (true, needle));
        let pattern = regex::RegexBuilder::new(needle).size_limit(LARGEST).build().ok();
        Self { inverse, pattern: pattern.filter(|_| !needle.is_empty()), needle: needle.to_owned(), text }
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.needle.is_empty()
    }

    /// Whether something that says these texts is shown.
    #[must_use]
    pub fn shows(&self, texts: &[&str]) -> bool {
        let holds = |text: &&str| {
            let text = text.to_lowercase();
            text.contains(&self.needle) || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&text))
        };
        self.is_empty() || texts.iter().any(holds) != self.inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_text_or_a_pattern_and_may_be_inverse() {
        let cases: [(&str, &[&str], bool); 14] = [
            ("", &["anything"], true),
            ("!", &["anything"], true),
            ("SRV", &["/srv/cell0"], true),
            ("srv", &["/var", "mount"], false),
            ("!srv", &["/srv/cell0", "mount"], false),
            ("!srv", &["/var", "mount"], true),
            ("cpu|load", &["load"], true),
            ("!cpu|load", &["load"], false),
            ("^api$", &["api"], true),
            ("^api$", &["api-2"], false),
            // No pattern, and not a wish for nothing.
            ("*.novacron.io", &["*.novacron.io"], true),
            ("(index", &["tasks_pkey (index)"], true),
            ("a.c", &["abc"], true),
            ("Ä", &["ähnlich"], true),
        ];
        for (text, texts, shown) in cases {
            assert_eq!(Filter::new(text.to_owned()).shows(texts), shown, "{text:?} of {texts:?}");
        }
    }
}
