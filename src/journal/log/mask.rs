//! Keeping secret values out of a log, wherever a chunk is cut and however a program writes them.
//!
//! ```text
//! p@ss word      as it is            [masked]
//! p%40ss+word    in a URL, a form    [masked]      each byte as itself or escaped, in any mixture
//! "p@ss\u0020…"  in JSON             [masked]      also in JSON within JSON, and `é` as `\u00e9`
//! cEBzcyB3b3Jk   base64              [masked]      at each of the three places within a longer text
//! 7040737320…    hex                 [masked]
//! P@SS WORD      in other case       [masked]      each letter in either, in any mixture
//! drow ss@p      backwards           [masked]
//! ```
//! A value of several lines is hidden line by line, too. What a program encrypts, compresses, or writes in pieces of its own
//! making cannot be found.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use std::collections::VecDeque;

/// What stands where a secret was.
pub const MASKED: &[u8] = b"[masked]";

/// How many bytes a line of a longer secret has to have to be hidden by itself.
const SHORTEST_LINE: usize = 8;

/// How many bytes a value has to have for its hex and its base64 to be looked for: shorter ones would be found in anything.
const SHORTEST_ENCODED: usize = 4;

/// How many characters of base64 have to be the value's own.
const SHORTEST_CORE: usize = 6;

/// Replaces secret values in one stream.
///
/// The last bytes of a chunk are held back as long as they may be the beginning of a secret.
#[derive(Clone, Debug)]
pub struct Mask {
    needles: Vec<Needle>,
    /// The bytes that a needle may begin with.
    first: Box<[bool; 256]>,
    held: Vec<u8>,
}

/// One way in which a secret may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Needle {
    /// Exactly so.
    Exact(Vec<u8>),
    /// Byte by byte, each in one of several ways.
    Loose(Vec<Vec<Way>>),
}

/// How one byte, or a character of several, may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    text: Vec<u8>,
    /// How many bytes of the value it stands for.
    takes: usize,
}

/// What was found of a needle at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// The text ends before it can be told.
    Perhaps,
    /// It takes so many bytes.
    Whole(usize),
}

impl Needle {
    /// What is found of it at the beginning of a text; where `more` may come, a longer way of writing it is waited for.
    fn at(&self, text: &[u8], more: bool) -> Found {
        match self {
            Self::Exact(value) if text.starts_with(value) => Found::Whole(value.len()),
            Self::Exact(value) if value.starts_with(text) => Found::Perhaps,
            Self::Exact(_) => Found::Nothing,
            Self::Loose(bytes) => loose(bytes, text, more),
        }
    }

    /// The bytes that it may begin with.
    fn first(&self) -> Vec<u8> {
        match self {
            Self::Exact(value) => value.first().copied().into_iter().collect(),
            Self::Loose(bytes) => bytes.iter().take(1).flatten().filter_map(|way| way.text.first().copied()).collect(),
        }
    }
}

/// Follows every way of writing the bytes through a text.
fn loose(bytes: &[Vec<Way>], text: &[u8], more: bool) -> Found {
    // Where the text may stand before the next byte, and before those that a longer character leads to.
    let mut ends = VecDeque::from([vec![0_usize]]);
    let mut cut = false;
    for ways in bytes {
        let mut here = ends.pop_front().unwrap_or_default();
        here.sort_unstable();
        here.dedup();
        for end in here {
            let rest = text.get(end..).unwrap_or_default();
            for way in ways {
                if rest.starts_with(&way.text) {
                    let ahead = ends.len().max(way.takes);
                    ends.resize_with(ahead, Vec::new);
                    ends.get_mut(way.takes - 1).into_iter().for_each(|next| next.push(end + way.text.len()));
                } else if way.text.starts_with(rest) {
                    cut = true;
                }
            }
        }
        if !cut && ends.iter().all(Vec::is_empty) {
            return Found::Nothing;
        }
    }
    match ends.pop_front().into_iter().flatten().max() {
        _ if cut && more => Found::Perhaps,
        Some(end) => Found::Whole(end),
        None => Found::Nothing,
    }
}

impl Mask {
    /// Makes a mask of values; empty ones hide nothing.
    pub fn new(values: &[Vec<u8>]) -> Self {
        let mut needles: Vec<Needle> = values.iter().flat_map(|value| needles(value)).collect();
        let mut seen: Vec<Needle> = Vec::new();
        needles.retain(|needle| {
            let new = !seen.contains(needle);
            seen.extend(new.then(|| needle.clone()));
            new
        });
        let mut first = Box::new([false; 256]);
        for byte in needles.iter().flat_map(Needle::first) {
            if let Some(flag) = first.get_mut(usize::from(byte)) {
                *flag = true;
            }
        }
        Self { needles, first, held: Vec::new() }
    }

    /// A whole text without the values.
    #[must_use]
    pub fn whole(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.clone_bare().cover(text.as_bytes(), false)).into_owned()
    }

    /// The same values, and nothing held back.
    fn clone_bare(&self) -> Self {
        Self { held: Vec::new(), ..self.clone() }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// Takes the next bytes, and gives those that may be written.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        self.cover(&text, true)
    }

    /// Gives what was held back: nothing more comes.
    pub fn finish(&mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.held);
        self.cover(&text, false)
    }

    /// Replaces the values in a text, the longest where several begin; holds its end back where more may come.
    fn cover(&mut self, text: &[u8], more: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        loop {
            let may_begin = |byte: &u8| self.first.get(usize::from(*byte)).copied().unwrap_or(true);
            let plain = rest.iter().position(may_begin).unwrap_or(rest.len());
            let (before, here) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            out.extend_from_slice(before);
            let Some((byte, after)) = here.split_first() else { return out };
            let mut longest = 0;
            for needle in &self.needles {
                match needle.at(here, more) {
                    Found::Perhaps if more => {
                        self.held = here.to_vec();
                        return out;
                    }
                    Found::Whole(length) => longest = longest.max(length),
                    Found::Perhaps | Found::Nothing => {}
                }
            }
            rest = match here.get(longest..).filter(|_| longest > 0) {
                Some(after) => {
                    out.extend_from_slice(MASKED);
                    after
                }
                None => {
                    out.push(*byte);
                    after
                }
            };
        }
    }
}

/// Every way in which a value is looked for.
fn needles(value: &[u8]) -> Vec<Needle> {
    if value.is_empty() {
        return Vec::new();
    }
    let mut all = loose_needles(value);
    if value.contains(&b'\n') {
        let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        all.extend(lines.filter(|line| line.len() >= SHORTEST_LINE).flat_map(needles));
    }
    if value.len() < SHORTEST_ENCODED {
        return all;
    }
    let hex = |upper: bool| value.iter().flat_map(move |byte| hex_of(*byte, upper)).collect();
    all.extend([false, true].map(|upper| Needle::Exact(hex(upper))));
    for (padded, bare) in [(STANDARD, STANDARD_NO_PAD), (URL_SAFE, URL_SAFE_NO_PAD)] {
        all.extend([&padded, &bare].map(|engine| Needle::Exact(engine.encode(value).into_bytes())));
        // In the middle of something longer: what is the value's alone, at each of the three places it can begin at.
        let cores = (0..3).map(|offset| core(value, &bare, offset));
        all.extend(cores.filter(|core| core.len() >= SHORTEST_CORE).map(Needle::Exact));
    }
    all
}

/// A value as it is and backwards, letter by letter in either case.
fn loose_needles(value: &[u8]) -> Vec<Needle> {
    let Ok(text) = std::str::from_utf8(value) else {
        return vec![Needle::Loose(value.iter().map(|byte| ways(*byte)).collect())];
    };
    let of = |text: &str| Needle::Loose(text.chars().flat_map(ways_of_char).collect());
    let mut all = vec![of(text)];
    let backwards: String = text.chars().rev().collect();
    let mut forms = vec![backwards.clone()];
    // ASCII letters are in either case already.
    for own in [text, &backwards].into_iter().filter(|own| !own.is_ascii()) {
        forms.extend([own.to_uppercase(), own.to_lowercase()]);
    }
    all.extend(forms.iter().filter(|form| *form != text).map(|form| of(form)));
    all
}

/// The ways in which the bytes of one character are written: each by itself, or all of them by their number in JSON.
fn ways_of_char(one: char) -> Vec<Vec<Way>> {
    let mut all: Vec<Vec<Way>> = one.encode_utf8(&mut [0; 4]).bytes().map(ways).collect();
    if let Some(first) = all.first_mut().filter(|_| !one.is_ascii()) {
        let takes = one.len_utf8();
        first.extend(numbers(one).into_iter().flat_map(nested).map(|text| Way { text, takes }));
    }
    all
}

/// A character by its number as JSON has it: one beyond the first 65536 takes two, a pair of surrogates (RFC 8259, section 7).
fn numbers(one: char) -> Vec<Vec<u8>> {
    let mut units = [0; 2];
    let units = one.encode_utf16(&mut units);
    let lower: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let upper: String = units.iter().map(|unit| format!("\\u{unit:04X}")).collect();
    if lower == upper { vec![lower.into_bytes()] } else { vec![lower.into_bytes(), upper.into_bytes()] }
}

/// An escape as it is, in JSON that is a string of JSON, and once deeper.
fn nested(escape: Vec<u8>) -> [Vec<u8>; 3] {
    let deeper = |text: &[u8]| -> Vec<u8> {
        let escaped = text.iter().map(|byte| (*byte, matches!(byte, b'\\' | b'"')));
        escaped.flat_map(|(byte, escapes)| escapes.then_some(b'\\').into_iter().chain([byte])).collect()
    };
    let within = deeper(&escape);
    let deepest = deeper(&within);
    [escape, within, deepest]
}

/// The ways in which one byte is written, a letter in either case.
fn ways(byte: u8) -> Vec<Way> {
    let mut all = ways_of(byte);
    let other = if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    if other != byte {
        all.extend(ways_of(other));
    }
    all.into_iter().map(|text| Way { text, takes: 1 }).collect()
}

/// The ways in which one byte is written as itself, in a URL or a form, and in JSON.
fn ways_of(byte: u8) -> Vec<Vec<u8>> {
    let mut all = vec![vec![byte]];
    for upper in [true, false] {
        let hex = hex_of(byte, upper);
        all.push([b"%".as_slice(), &hex].concat());
        if byte < 0x80 {
            all.extend(nested([b"\\u00".as_slice(), &hex].concat()));
        }
    }
    let escaped: &[u8] = match byte {
        b' ' => b"+",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        b'"' => b"\\\"",
        b'\'' => b"\\'",
        b'\\' => b"\\\\",
        b'/' => b"\\/",
        _ => &[],
    };
    match escaped {
        [] => {}
        [b'\\', ..] => all.extend(nested(escaped.to_vec())),
        _ => all.push(escaped.to_vec()),
    }
    all.dedup();
    all
}

fn hex_of(byte: u8, upper: bool) -> [u8; 2] {
    let digit = |four: u8| match four {
        0..10 => b'0' + four,
        _ if upper => b'A' + four - 10,
        _ => b'a' + four - 10,
    };
    [digit(byte >> 4), digit(byte & 15)]
}

/// The base64 of a value that begins so many bytes after a multiple of three: only the characters that no neighbour has a part in.
fn core(value: &[u8], engine: &GeneralPurpose, offset: usize) -> Vec<u8> {
    let bytes = [vec![0; offset], value.to_vec()].concat();
    let mut out = engine.encode(&bytes).into_bytes();
    out.truncate(bytes.len() * 8 / 6);
    out.drain(..(offset * 8).div_ceil(6).min(out.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covered(values: &[&[u8]], chunks: &[&[u8]]) -> Vec<u8> {
        let values: Vec<Vec<u8>> = values.iter().map(|value| value.to_vec()).collect();
        let mut mask = Mask::new(&values);
        let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| mask.feed(chunk)).collect();
        out.extend(mask.finish());
        out
    }

    fn masked(values: &[&str], chunks: &[&str]) -> String {
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        String::from_utf8(covered(&values, &chunks)).unwrap()
    }

    #[test]
    fn a_secret_is_hidden_wherever_the_chunks_are_cut() {
        let text = "pw=hunter2;hunhunter2 hunter";
        for one in 0..=text.len() {
            for two in one..=text.len() {
                let chunks = [&text[..one], &text[one..two], &text[two..]];
                assert_eq!(masked(&["hunter2"], &chunks), "pw=[masked];hun[masked] hunter", "{chunks:?}");
            }
        }
        let single: Vec<&str> = text.split_inclusive(|_| true).collect();
        assert_eq!(masked(&["hunter2", ""], &single), "pw=[masked];hun[masked] hunter");
    }

    #[test]
    fn of_secrets_that_begin_alike_the_longest_goes() {
        assert_eq!(masked(&["abc", "abcdef"], &["abcde", "f abc", "dex"]), "[masked] [masked]dex");
        assert_eq!(masked(&["aab"], &["aaa", "ab"]), "aa[masked]");
        assert_eq!(masked(&[], &["a", "b"]), "ab");
    }

    #[test]
    fn every_common_encoding_is_hidden_wherever_it_is_cut() {
        let secret = "p@ss wörd/\"x+y";
        let told = [
            "p@ss wörd/\"x+y",
            "p%40ss%20w%C3%B6rd%2F%22x%2By",
            "p%40ss+w%c3%b6rd%2f%22x%2by",
            "p@ss%20wörd/%22x+y",
            "p@ss wörd/\\\"x+y",
            "p@ss\\u0020wörd\\/\\u0022x+y",
            "cEBzcyB3w7ZyZC8ieCt5",
            "70407373207 no",
            "704073732077c3b672642f22782b79",
            "704073732077C3B672642F22782B79",
        ];
        for text in told {
            for cut in 0..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                let out = covered(&[secret.as_bytes()], &[b"<", one, two, b">"]);
                let out = String::from_utf8(out).unwrap();
                let expected = if text.ends_with("no") { format!("<{text}>") } else { "<[masked]>".to_owned() };
                assert_eq!(out, expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_character_by_its_number_in_json_is_hidden_wherever_it_is_cut() {
        let secret = "né\"€-𝄞!";
        let own = r#"n\u00e9\"\u20ac-\ud834\udd1e!"#;
        let within = serde_json::to_string(own).unwrap();
        let deepest = serde_json::to_string(&within).unwrap();
        let told = [
            own,
            r#"n\u00E9\u0022\u20AC-\uD834\uDD1E!"#,
            r#"N\u00C9\"\u20ac-\uD834\uDD1E!"#,
            r#"né\"\u20ac-𝄞!"#,
            r#"!\ud834\udd1e-\u20ac\"\u00e9n"#,
            within.trim_matches('"'),
            deepest.trim_start_matches("\"\\\"").trim_end_matches("\\\"\""),
        ];
        for text in told {
            for cut in 0..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                let out = covered(&[secret.as_bytes()], &[b"<", one, two, b">"]);
                assert_eq!(String::from_utf8(out).unwrap(), "<[masked]>", "{text} cut at {cut}");
            }
        }
        // Half of a pair is not the character.
        assert_eq!(masked(&[secret], &[r#"n\u00e9\"\u20ac-\ud834!"#]), r#"n\u00e9\"\u20ac-\ud834!"#);
    }

    #[test]
    fn either_case_and_backwards_are_hidden() {
        for text in [
            "Corrêct-Horse",
            "CORRÊCT-HORSE",
            "corrêct-horse",
            "cORRêCT-hORSE",
            "esroH-tcêrroC",
            "ESROH-TCÊRROC",
            "CORR%C3%8ACT-horse",
        ] {
            assert_eq!(masked(&["Corrêct-Horse"], &["<", text, ">"]), "<[masked]>", "{text}");
        }
        assert_eq!(masked(&["Corrêct-Horse"], &["Horse-Corrêct"]), "Horse-Corrêct");
    }

    #[test]
    fn base64_is_found_in_the_middle() {
        // `Authorization: Basic` of a user and the password, for names of each length modulo three.
        for user in ["a", "ab", "abc"] {
            let whole = STANDARD.encode(format!("{user}:correct horse;"));
            let out = String::from_utf8(covered(&[b"correct horse"], &[whole.as_bytes()])).unwrap();
            assert!(out.contains("[masked]") && out.len() < 8 + 14, "{user}: {out}");
        }
    }

    #[test]
    fn a_secret_of_several_lines_is_hidden_line_by_line() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nshort\n";
        assert_eq!(masked(&[key], &["a MIIEvQIBADANBg b short"]), "a [masked] b short");
    }

    proptest! {
        /// However the chunks fall, the outcome is that of the whole, and the value is not in it.
        #[test]
        fn no_cut_lets_a_secret_through(
            value in "[a-c%+\\\\]{1,6}", text in "[a-c%+\\\\0-9]{0,40}", cuts in prop::collection::vec(0_usize..40, 0..4),
        ) {
            let text = format!("{text}{value}{text}");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let whole = covered(&[value.as_bytes()], &[text.as_bytes()]);
            prop_assert_eq!(&covered(&[value.as_bytes()], &chunks), &whole);
            let bare = String::from_utf8(whole).unwrap().replace("[masked]", "");
            prop_assert!(bare.len() < text.len());
        }
    }
}
