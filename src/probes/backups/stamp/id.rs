//! Ids of hexadecimal digits: what looks like a time in one is none.

/// How long a run of hexadecimal digits is at least to be an id, and how often it changes between digits and letters.
const ID: (usize, usize) = (16, 3);
/// How long the parts of a UUID are (RFC 9562).
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// The length of the id of hexadecimal digits, or of the UUID, that a text begins with.
pub(in crate::probes::backups) fn id(text: &[u8]) -> Option<usize> {
    let run = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let has_letter = |text: &[u8]| text.iter().any(u8::is_ascii_alphabetic);
    let mut at = 0;
    let is_uuid = UUID.iter().enumerate().all(|(number, long)| {
        let rest = text.get(at..).unwrap_or_default();
        let rest = if number == 0 { Some(rest) } else { rest.strip_prefix(b"-") };
        at += long + usize::from(number > 0);
        rest.is_some_and(|rest| run(rest) == *long)
    });
    let whole = text.get(..at).filter(|whole| is_uuid && has_letter(whole));
    if let Some(whole) = whole {
        return Some(whole.len());
    }
    let long = run(text);
    let whole = text.get(..long)?;
    let changes =
        whole.iter().zip(whole.iter().skip(1)).filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit()).count();
    (long >= ID.0 && changes >= ID.1).then_some(long)
}

/// Whether a text is nothing but hexadecimal digits.
pub(in crate::probes::backups) fn is_hexadecimal(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit)
}
