//! What the shell puts in the place of a part of a word: its variables and the commands that it substitutes, in one pass.

/// A part of a word in whose place the shell puts something else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expansion {
    /// Whether it is in double quotes, so that what is put there is not split into words.
    pub quoted: bool,
    /// The script that is carried out, where it is a command.
    pub script: Option<String>,
}

/// The expansions of a word, those within others left out; what is behind one that does not end is left out as well.
pub(super) fn expansions(word: &str) -> Vec<Expansion> {
    let (mut found, mut rest, mut quoted) = (Vec::new(), word, false);
    let mut dollar = false;
    while let Some(first) = rest.chars().next() {
        let behind = rest.get(first.len_utf8()..).unwrap_or_default();
        let was_dollar = std::mem::replace(&mut dollar, false);
        rest = behind;
        match first {
            '\\' => rest = behind.get(behind.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default(),
            '"' => quoted = !quoted,
            '\'' if !quoted => match single(behind, was_dollar) {
                Some(after) => rest = after,
                None => return found,
            },
            '`' => {
                let Some((inside, after)) = backquoted(behind) else { return found };
                found.push(Expansion { quoted, script: Some(inside) });
                rest = after;
            }
            '$' => match behind.chars().next() {
                Some(open @ ('(' | '{' | '[')) => {
                    let Some((inside, after)) = bracketed(behind, open) else { return found };
                    // `$((…))` and `$[…]` are numbers.
                    let is_number = open == '[' || inside.starts_with('(') && inside.ends_with(')');
                    if !is_number {
                        let script = (open == '(').then(|| inside.to_owned());
                        found.push(Expansion { quoted, script });
                    }
                    rest = after;
                }
                Some(c) if c.is_ascii_alphanumeric() || "_@*#?-$!".contains(c) => {
                    found.push(Expansion { quoted, script: None });
                    rest = behind.get(1..).unwrap_or_default();
                }
                _ => dollar = true,
            },
            _ => {}
        }
    }
    found
}

/// What is behind a text in single quotes; with `$` before it, `\` takes the next character.
fn single(text: &str, escapes: bool) -> Option<&str> {
    let mut skip = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if skip => skip = false,
            '\\' if escapes => skip = true,
            '\'' => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// The text between backquotes, and what is behind them.
fn backquoted(text: &str) -> Option<(String, &str)> {
    let (mut inside, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '`' => return Some((inside, text.get(at + 1..)?)),
            '\\' => match chars.next()? {
                (_, escaped @ ('`' | '\\' | '$')) => inside.push(escaped),
                (_, other) => inside.extend(['\\', other]),
            },
            _ => inside.push(c),
        }
    }
    None
}

/// The text between brackets, the first of which the text begins with, and what is behind them.
fn bracketed(text: &str, open: char) -> Option<(&str, &str)> {
    let mut ends: Vec<char> = Vec::new();
    let (mut before, mut skip) = (' ', false);
    for (at, c) in text.char_indices() {
        let previous = std::mem::replace(&mut before, c);
        let top = ends.last().copied();
        match (c, top) {
            _ if skip => skip = false,
            ('\n', Some('\n')) => _ = ends.pop(),
            (_, Some('\n')) => {}
            ('\'', Some('\'')) => _ = ends.pop(),
            (_, Some('\'')) => {}
            ('\\', _) => skip = true,
            (_, Some(end)) if c == end => {
                ends.pop();
                if ends.is_empty() {
                    return Some((text.get(open.len_utf8()..at)?, text.get(at + c.len_utf8()..)?));
                }
            }
            ('"' | '`', _) => ends.push(c),
            ('(', _) if top != Some('"') || previous == '$' => ends.push(')'),
            ('{', _) if top.is_none() || previous == '$' => ends.push('}'),
            ('[', _) if top.is_none() || previous == '$' => ends.push(']'),
            ('\'', _) if top != Some('"') => ends.push('\''),
            ('#', Some(')')) if previous.is_whitespace() || previous == '(' || previous == ';' => ends.push('\n'),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each expansion: its script or `$`, behind a quote where it is quoted.
    fn messages(word: &str) -> Vec<String> {
        let shown = |one: Expansion| {
            let quote = if one.quoted { "\"" } else { "" };
            format!("{quote}{}", one.script.unwrap_or_else(|| "$".to_owned()))
        };
        expansions(word).into_iter().map(shown).collect()
    }

    #[test]
    fn expansions_are_found_with_their_scripts() {
        let cases: [(&str, &[&str]); 24] = [
            ("plain", &[]),
            ("a$B/c", &["$"]),
            ("\"a$B\"$C", &["\"$", "$"]),
            ("'$A'", &[]),
            ("$'it\\'s $A'$B", &["$"]),
            ("\\$A", &[]),
            ("$", &[]),
            ("\"$\"'a'", &[]),
            ("${A:-$(b)}", &["$"]),
            ("${A:-'}'}$B", &["$", "$"]),
            ("$(ls -l)", &["ls -l"]),
            ("\"$(ls)\"", &["\"ls"]),
            ("$(a \"$(b ')')\" c)d", &["a \"$(b ')')\" c"]),
            ("$(echo \\))", &["echo \\)"]),
            ("$(a # it's )\n b)", &["a # it's )\n b"]),
            ("$((1 + 2))", &[]),
            ("$[1 + 2]", &[]),
            ("$( (a) )", &[" (a) "]),
            ("`a \\`b\\` c`", &["a `b` c"]),
            ("\"`a`\"", &["\"a"]),
            ("$(a", &[]),
            ("$A${B", &["$"]),
            ("`a", &[]),
            ("$1$?$@", &["$", "$", "$"]),
        ];
        for (word, expected) in cases {
            assert_eq!(messages(word), expected, "{word}");
        }
    }

    #[test]
    fn a_word_of_any_depth_is_read_in_one_pass() {
        for opens in ["$(", "${a:-", "\"$(", "$((", "`", "$(a \"${b:-", "("] {
            let word = opens.repeat(200_000);
            assert!(expansions(&word).len() <= word.len(), "{opens}");
        }
        let closed = "$(".repeat(100_000) + &")".repeat(100_000);
        assert_eq!(expansions(&closed).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_word_breaks_it(word in "[$({\\[\"'`)}\\]\\\\# aé\n]{0,40}") {
            let _ = expansions(&word);
        }
    }
}
