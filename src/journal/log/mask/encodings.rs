//! The encodings in which a secret value is looked for.

use super::{Needle, Way};
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// How many bytes a line of a longer secret has to have to be hidden by itself.
const SHORTEST_LINE: usize = 8;

/// How many bytes a value has to have for its hex and its base64 to be looked for: shorter ones would be found in anything.
const SHORTEST_ENCODED: usize = 4;

/// How many characters of base64 have to be the value's own.
const SHORTEST_CORE: usize = 6;

/// Every way in which a value is looked for.
pub(super) fn needles(value: &[u8]) -> Vec<Needle> {
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
