//! Which characters may be drawn as they are.

/// What to do with one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Drawn as it is, over this many columns (1 or 2).
    Drawn(usize),
    /// Drawn over the character before it, with no column of its own.
    Combines,
    /// Shown by its name: `^[` or `\u{202e}`.
    Named,
}

/// Characters that show nothing, change the order or the shape of others, or whose width terminals disagree on.
///
/// From the Unicode properties `Default_Ignorable_Code_Point`, `Bidi_Control` and general category Cf, with the private
/// use areas and the noncharacters; then the letters that merge with the next one into one cell (`Grapheme_Cluster_Break`
/// Prepend and its like), and the five skin tones, which merge with the picture before them on some terminals.
/// In addition to what the standard library calls unprintable: controls, unassigned code points.
const NAMED: &[(u32, u32)] = &[
    (0x0, 0x1f),
    (0x7f, 0x9f),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x600, 0x605),
    (0x61c, 0x61c),
    (0x6dd, 0x6dd),
    (0x70f, 0x70f),
    (0x890, 0x891),
    (0x8e2, 0x8e2),
    (0xd4e, 0xd4e),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xe000, 0xf8ff),
    (0xfdd0, 0xfdef),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xff9e, 0xffa0),
    (0xfff0, 0xfffc),
    (0x110bd, 0x110bd),
    (0x110cd, 0x110cd),
    (0x111c2, 0x111c3),
    (0x113d1, 0x113d1),
    (0x1193f, 0x1193f),
    (0x11941, 0x11941),
    (0x11a84, 0x11a89),
    (0x11d46, 0x11d46),
    (0x11f02, 0x11f02),
    (0x13430, 0x1345f),
    (0x16d67, 0x16d67),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0x1f3fb, 0x1f3ff),
    (0xe0000, 0x0010_ffff),
];

/// Decides what becomes of one character.
pub(super) fn fate(c: char) -> Fate {
    if matches!(c, ' '..='~') {
        return Fate::Drawn(1);
    }
    let code = u32::from(c);
    let named = NAMED.iter().any(|(first, last)| (*first..=*last).contains(&code))
        || code & 0xfffe == 0xfffe
        || !(c.is_whitespace() || is_printable(c));
    match unicode_width::UnicodeWidthChar::width(c) {
        _ if named => Fate::Named,
        Some(0) => Fate::Combines,
        Some(columns @ 1..=2) => Fate::Drawn(columns),
        _ => Fate::Named,
    }
}

/// Whether the standard library would print the character as it is inside a string.
fn is_printable(c: char) -> bool {
    // The first character of a string is escaped when it combines; after a letter only the unprintable are.
    let mut buffer = [b'a'; 5];
    let length = buffer.get_mut(1..).map_or(0, |tail| c.encode_utf8(tail).len());
    let text = buffer.get(..=length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}
