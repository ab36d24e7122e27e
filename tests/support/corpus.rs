//! The sanitiser's corpus: sequences that no screen may ever obey.

/// The cases of `tests/fixtures/sanitiser/corpus.txt`, unescaped, each with its line number.
pub fn cases() -> Vec<(usize, Vec<u8>)> {
    include_str!("../fixtures/sanitiser/corpus.txt")
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with("# ") && *line != "#")
        .map(|(place, line)| (place + 1, unescape(line)))
        .collect()
}

/// Reads `\xNN`, `\u{N}` and `\\`; anything else after a backslash is a fault in the file.
fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let (kind, after) = rest.split_at(1);
        rest = match kind {
            "\\" => {
                bytes.push(b'\\');
                after
            }
            "x" => {
                bytes.push(u8::from_str_radix(&after[..2], 16).expect("two hexadecimal digits"));
                &after[2..]
            }
            "u" => {
                let (code, after) = after[1..].split_once('}').expect("a closing brace");
                let c = char::from_u32(u32::from_str_radix(code, 16).expect("hexadecimal")).expect("a character");
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                after
            }
            other => panic!("unknown escape \\{other} in {line:?}"),
        };
    }
    bytes
}

/// Whether a terminal might obey the character, or a reader never see it.
pub fn is_forbidden(c: char) -> bool {
    matches!(u32::from(c),
        0..=0x1f | 0x7f..=0x9f | 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xe000..=0xf8ff | 0xfdd0..=0xfdef
        | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffc | 0xfffe..=0xffff | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0x0010_ffff)
}
