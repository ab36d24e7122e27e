//! Names that are bytes: their form in a set, and for people.
//!
//! Text where it is UTF-8, `{"hex":"ff2e6a"}` otherwise. For `#[serde(with)]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Text(T),
    Hex { hex: String },
}

/// Writes them.
///
/// # Errors
/// Those of the output.
pub(in crate::runner::adapters) fn serialize<S: Serializer>(bytes: &[u8], output: S) -> Result<S::Ok, S::Error> {
    let written = match std::str::from_utf8(bytes) {
        Ok(text) => Written::Text(text),
        Err(_) => Written::Hex { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() },
    };
    written.serialize(output)
}

/// Reads them.
///
/// # Errors
/// Where they are neither text nor pairs of hexadecimal digits.
pub(in crate::runner::adapters) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
    match Written::<String>::deserialize(input)? {
        Written::Text(text) => Ok(text.into_bytes()),
        Written::Hex { hex } => undigits(&hex).ok_or_else(|| serde::de::Error::custom("no hexadecimal digits")),
    }
}

fn undigits(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

/// Without control characters and without loss: `\` is doubled, and what cannot be shown is `\xNN`.
pub(in crate::runner::adapters) fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    let hex = |out: &mut String, bytes: &[u8]| bytes.iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                c if c.is_control() => hex(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => out.push(c),
            }
        }
        hex(&mut out, chunk.invalid());
    }
    out
}
