//! Finds text that looks like a secret, and returns its kind, never its value.

/// The longest part of a line that is checked, in bytes.
const LONGEST: usize = 64 << 10;

/// The shortest value that counts.
const SHORTEST: usize = 4;

/// Words whose value is a secret, in small letters, `-` and `_` left out.
const WORDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secretkey",
    "token",
    "accesstoken",
    "apikey",
    "accesskey",
    "privatekey",
    "clientsecret",
];

/// Placeholders for removed values.
const MASKED: [&str; 8] =
    ["null", "none", "[masked]", "<masked>", "[redacted]", "<redacted>", "[filtered]", "undefined"];

/// Cuts a stream into lines and looks at each.
#[derive(Default)]
pub(super) struct Finder {
    line: u64,
    held: Vec<u8>,
}

impl Finder {
    /// Checks the next bytes; findings are lines, from 1, with the kind of the secret.
    pub(super) fn feed(&mut self, bytes: &[u8], hits: &mut Vec<(u64, &'static str)>) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            self.keep(line);
            self.judge(hits);
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
    }

    /// Checks a last line without its end.
    pub(super) fn finish(&mut self, hits: &mut Vec<(u64, &'static str)>) {
        if !self.held.is_empty() {
            self.judge(hits);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let left = LONGEST.saturating_sub(self.held.len());
        self.held.extend_from_slice(bytes.get(..left.min(bytes.len())).unwrap_or_default());
    }

    fn judge(&mut self, hits: &mut Vec<(u64, &'static str)>) {
        self.line += 1;
        let text = String::from_utf8_lossy(&self.held).into_owned();
        self.held.clear();
        if let Some(kind) = kind(&text) {
            hits.push((self.line, kind));
        }
    }
}

/// What kind of secret a line holds.
pub(super) fn kind(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----") {
        return Some("private key");
    }
    if words(line).any(is_amazon_key) {
        return Some("AWS access key");
    }
    if words(line).any(is_web_token) {
        return Some("JSON web token");
    }
    if line.split("://").skip(1).any(has_password) {
        return Some("password in a URL");
    }
    let small = line.to_ascii_lowercase();
    if ["bearer ", "basic "].iter().any(|scheme| {
        small.split("authorization").skip(1).any(|rest| {
            let value =
                rest.split(scheme).nth(1).map_or("", |value| value.split_whitespace().next().unwrap_or_default());
            is_value(value)
        })
    }) {
        return Some("authorization header");
    }
    assigned(&small).then_some("value of a secret's name")
}

/// The words of a line, split like tokens.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
}

/// Source: AWS Identity and Access Management user guide, "Unique identifiers".
fn is_amazon_key(word: &str) -> bool {
    let rest = word.strip_prefix("AKIA").or_else(|| word.strip_prefix("ASIA"));
    rest.is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
}

/// Source: RFC 7519; the head is base64 of `{"`.
fn is_web_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    matches!(parts.as_slice(), [head, body, _] if head.starts_with("eyJ") && body.starts_with("eyJ") && head.len() > 10)
}

/// Whether what follows `://` begins with a user and a password.
fn has_password(rest: &str) -> bool {
    let authority: &str = rest.split(['/', ' ', '"', '\'', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| is_value(password))
}

/// Whether a name of a secret is followed by `=` or `:` and a value; the line is in small letters.
fn assigned(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    for (at, _) in line.match_indices(['=', ':']) {
        let (before, after) = line.split_at_checked(at).unwrap_or((line, ""));
        let before = before.trim_end_matches(['"', '\'', ' ', ':']);
        let start = before.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
        let name: String =
            before.get(start..).unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        if !WORDS.iter().any(|word| name.ends_with(word)) {
            continue;
        }
        let value = after.trim_start_matches(['=', ':', ' ', '"', '\'', '>']);
        let value = value.split([' ', '"', '\'', ',', ';', '&', '\t']).next().unwrap_or_default();
        if is_value(value) {
            return true;
        }
    }
    false
}

/// Whether a value is real, and not a placeholder.
fn is_value(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let hidden = value.chars().all(|c| matches!(c, '*' | 'x' | '.' | '#' | '-')) || value.starts_with("***");
    value.len() >= SHORTEST && !hidden && !MASKED.contains(&value.as_str()) && !value.starts_with(['$', '{', '<'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_any_case_and_those_taken_out_are_not() {
        for line in [
            "2026-11-22 INFO Password=hunter2 for bob",
            "{\"api_key\": \"abcd1234\"}",
            "DB_PASSWORD: s3cr3t!",
            "--token=abcdef",
            "connecting to postgres://bob:hunter2@db/main",
            "Authorization: Bearer abcdefgh",
            "key AKIAIOSFODNN7EXAMPLE seen",
            "-----BEGIN RSA PRIVATE KEY-----",
            "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        ] {
            assert!(kind(line).is_some(), "{line}");
        }
        for line in [
            "password=********",
            "password: [masked]",
            "the token expired: retry",
            "postgres://bob@db/main",
            "token=",
            "tokens: 1284",
            "secretary = alice",
            "password=$PGPASSWORD",
            "Authorization: Bearer ****",
            "",
        ] {
            assert_eq!(kind(line), None, "{line}");
        }
    }

    #[test]
    fn lines_are_counted_wherever_the_pieces_are_cut() {
        let text = b"a\npassword=hunter2\nb\nlast secret: abcdef";
        for cut in 0..text.len() {
            let (mut finder, mut hits) = (Finder::default(), Vec::new());
            finder.feed(&text[..cut], &mut hits);
            finder.feed(&text[cut..], &mut hits);
            finder.finish(&mut hits);
            assert_eq!(hits, [(2, "value of a secret's name"), (4, "value of a secret's name")], "{cut}");
        }
    }
}
