//! Names as a server sends them.
//!
//! In a database of encoding `SQL_ASCII` a name is any bytes. The server refuses to send what is not UTF-8, and with one such name the
//! whole answer would be lost: names come escaped from there.

/// Has each name in double braces come so that it can be sent from every database.
#[must_use]
pub fn named(sql: &str) -> String {
    let parts = sql.split("{{").map(|part| match part.split_once("}}") {
        Some((name, rest)) => format!(
            "CASE WHEN current_setting('server_encoding') = 'SQL_ASCII' \
             THEN encode(convert_to(({name})::text, 'SQL_ASCII'), 'escape') ELSE ({name})::text END{rest}"
        ),
        None => part.to_owned(),
    });
    parts.collect()
}

/// A name as it is, and whether it is text. `escapes`: it comes from a database of `SQL_ASCII`, with every byte beyond ASCII as
/// `\351` and its backslashes doubled (PostgreSQL 18 manual, 9.5, `encode`).
#[must_use]
pub fn plain(written: &str, escapes: bool) -> (String, bool) {
    if !escapes {
        return (written.to_owned(), true);
    }
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
        } else if let Some(after) = after.strip_prefix(b"\\") {
            bytes.push(b'\\');
            rest = after;
        } else {
            let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
            bytes.push(byte.unwrap_or(b'?'));
            rest = after.get(3..).unwrap_or_default();
        }
    }
    String::from_utf8(bytes).map_or_else(|_| (written.to_owned(), false), |name| (name, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_bytes_is_text_where_it_is_utf_8_and_shown_escaped_where_not() {
        assert_eq!(plain(r"caf\351", false), (r"caf\351".to_owned(), true));
        assert_eq!(plain(r"caf\303\251", true), ("café".to_owned(), true));
        assert_eq!(plain(r"a\\b", true), (r"a\b".to_owned(), true));
        assert_eq!(plain(r"caf\351", true), (r"caf\351".to_owned(), false));
        assert_eq!(plain(r"\3", true), ("?".to_owned(), true));
    }

    proptest::proptest! {
        #[test]
        fn no_name_breaks_it(written in ".{0,40}") {
            let _ = plain(&written, true);
        }
    }
}
