//! Patterns of a file's name, on bytes.

/// Whether a pattern fits a whole name: `*` matches any bytes, also none, `?` exactly one byte.
#[must_use]
pub fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(byte) if name.get(n) == Some(byte) => (p, n) = (p + 1, n + 1),
            _ => match back {
                // The last star takes one byte more; earlier ones need never change.
                Some((after, at)) => {
                    back = Some((after, at + 1));
                    (p, n) = (after, at + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

/// Whether a pattern selects a name: as [`fits`], but a leading dot is selected only by a pattern that has it.
#[must_use]
pub fn selects(pattern: &[u8], name: &[u8]) -> bool {
    (!name.starts_with(b".") || pattern.starts_with(b".")) && fits(pattern, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let yes = [
            ("*", ""),
            ("*", "a"),
            ("*.gz", "a.b.gz"),
            ("a*b*c", "aXbYbZc"),
            ("??", "ab"),
            ("pre-*", "pre-"),
            ("*a*a*", "aa"),
        ];
        let no = [("", "a"), ("*.gz", "a.gzx"), ("?", ""), ("a*b", "abc"), ("A", "a"), ("*.json", "json")];
        for (pattern, name) in yes {
            assert!(fits(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in no {
            assert!(!fits(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        assert!(fits(b"*.gz", b"\xff\n\x1b.gz"));
        assert!(fits(b"-*", b"-rf"));
    }

    #[test]
    fn hidden_names_are_selected_only_by_name() {
        assert!(!selects(b"*", b".keep"));
        assert!(selects(b".*", b".keep"));
        assert!(fits(b"*", b".keep"));
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern = b"*a".repeat(200);
        assert!(!fits(&pattern, &b"a".repeat(10_000).into_iter().chain([b'b']).collect::<Vec<_>>()));
    }
}
