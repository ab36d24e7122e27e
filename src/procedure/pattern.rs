//! Patterns of `match`: the syntax of the crate `regex`, whose time is linear in the value (<https://docs.rs/regex/latest/regex/#syntax>).
//!
//! A pattern may match anywhere in a value unless `^` and `$` tie it to its ends. `.` is any character, a newline too; `\d`,
//! `\w`, `\s` and their opposites know ASCII alone, so that a number is what every program takes for one.

use regex::{Error, Regex, RegexBuilder};

/// The most bytes that a pattern may take once its repetitions are written out.
const LARGEST: usize = 1 << 20;

/// How deep groups may be nested.
const DEEPEST: u32 = 20;

/// A pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    compiled: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The message for its author, with the place in the pattern where that is known.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Read as it is written first: an error then names a place in what its author wrote.
        compiled(text)?;
        Ok(Self { text: text.to_owned(), compiled: compiled(&of_ascii(text))? })
    }

    /// It, as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is found in a value.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        self.compiled.is_match(value)
    }
}

fn compiled(text: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(text);
    builder.dot_matches_new_line(true).nest_limit(DEEPEST).size_limit(LARGEST);
    builder.build().map_err(|error| match error {
        Error::CompiledTooBig(_) => "it is too long once its repetitions are written out".to_owned(),
        other => sentence(&other.to_string()),
    })
}

/// The crate's drawing of an error as one sentence: what is wrong, and at which character, from 1.
fn sentence(drawn: &str) -> String {
    let mut lines = drawn.lines().rev();
    let last = lines.next().unwrap_or_default();
    let why = last.strip_prefix("error: ").unwrap_or(last);
    let marks = lines.next().and_then(|line| line.strip_prefix("    "));
    let marks = marks.filter(|line| line.chars().all(|c| matches!(c, ' ' | '^')));
    match marks.and_then(|line| line.chars().position(|c| c == '^')) {
        Some(place) => format!("{why}, at character {}", place + 1),
        None => why.to_owned(),
    }
}

/// With the classes of ASCII in the place of those of Unicode.
fn of_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '\\' { rest.next() } else { None }) {
            (_, Some('d')) => out.push_str("[0-9]"),
            (_, Some('D')) => out.push_str("[^0-9]"),
            (_, Some('w')) => out.push_str("[0-9A-Za-z_]"),
            (_, Some('W')) => out.push_str("[^0-9A-Za-z_]"),
            (_, Some('s')) => out.push_str(r"[\x20\t-\r]"),
            (_, Some('S')) => out.push_str(r"[^\x20\t-\r]"),
            (c, escaped) => {
                out.push(c);
                out.extend(escaped);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, value: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(value)
    }

    #[test]
    fn patterns_are_found_or_not() {
        let image = format!("r.example/api@sha256:{}", "0a".repeat(32));
        let cases = [
            ("@sha256:[0-9a-f]{64}$", image.as_str(), true),
            ("@sha256:[0-9a-f]{64}$", &image[..image.len() - 1], false),
            ("@sha256:[0-9a-f]{64}$", &format!("{image}0"), false),
            ("^a|b$", "xb", true),
            ("^(a|b)$", "xb", false),
            ("^v\\d+(\\.\\d+){1,2}$", "v1.20.3", true),
            ("^v\\d+(\\.\\d+){1,2}$", "v1", false),
            ("^[^/]*$", "a/b", false),
            ("^[]a-]+$", "]-a", true),
            ("^(a*)*$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
            ("^x{0}$", "", true),
            ("^é.$", "éü", true),
            ("^a.b$", "a\nb", true),
            ("^a$", "a\n", false),
            ("", "", true),
            ("^a{2,}$", "aaa", true),
            ("^a{2,}$", "a", false),
            ("\\.", "a", false),
            ("^\\\\d$", "\\d", true),
            ("^((){5000}){5000}$", "", true),
        ];
        for (pattern, value, expected) in cases {
            assert_eq!(fits(pattern, value), expected, "{pattern} in {value}");
        }
    }

    #[test]
    fn classes_know_ascii_alone() {
        for (pattern, ascii, other) in [
            ("^\\d$", "7", "\u{667}"),
            ("^\\w$", "a", "é"),
            ("^\\s$", "\u{b}", "\u{a0}"),
            ("^[\\d.]$", "7", "\u{667}"),
            ("^(?x) [\\s] $", " ", "\u{a0}"),
        ] {
            assert!(fits(pattern, ascii) && !fits(pattern, other), "{pattern}");
            let opposite = pattern.replace("\\d", "\\D").replace("\\w", "\\W").replace("\\s", "\\S");
            assert!(!fits(&opposite, ascii) && fits(&opposite, other), "{opposite}");
        }
    }

    #[test]
    fn an_invalid_pattern_is_reported_with_its_place() {
        let deep = "(".repeat(30) + &")".repeat(30);
        for (bad, why) in [
            ("(", "unclosed group, at character 1"),
            ("a)", "unopened group, at character 2"),
            ("é[a", "unclosed character class, at character 2"),
            ("*a", "repetition operator missing expression, at character 1"),
            ("a{", "at character 2"),
            ("a{2,1}", "at character 2"),
            ("a{x}", "at character 3"),
            ("\\", "at character 1"),
            ("\\d\\d\\y", "at character 5"),
            ("[b-a]", "at character 2"),
            ("(a{4000}){4000}", "it is too long once its repetitions are written out"),
            (&deep, "at character 21"),
        ] {
            let text = Pattern::parse(bad).unwrap_err();
            assert!(text.ends_with(why) && !text.contains('\n'), "{bad}: {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(pattern in ".{0,40}", value in ".{0,40}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _ = pattern.fits(&value);
            }
        }
    }
}
