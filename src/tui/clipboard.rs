//! The clipboard of the terminal, wherever that terminal is: OSC 52 (xterm, ctlseqs).

/// The digits of base64 (RFC 4648, section 4).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The sequence that puts a text onto the clipboard. The text itself is in base64, so that nothing in it steers the terminal.
#[must_use]
pub fn sequence(text: &str) -> Vec<u8> {
    let mut out = b"\x1b]52;c;".to_vec();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if place <= three.len() { digit } else { b'=' });
        }
    }
    out.push(b'\x07');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_goes_out_in_base64() {
        // RFC 4648, section 10.
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (text, encoded) in cases {
            assert_eq!(sequence(text), format!("\x1b]52;c;{encoded}\x07").into_bytes(), "{text:?}");
        }
        assert_eq!(sequence("é\u{1b}"), b"\x1b]52;c;w6kb\x07");
    }
}
