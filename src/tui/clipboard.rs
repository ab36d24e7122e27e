//! The clipboard of the terminal, wherever that terminal is: OSC 52 (xterm, ctlseqs).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The sequence that puts a text onto the clipboard. The text itself is in base64, so that nothing in it steers the terminal.
#[must_use]
pub fn sequence(text: &str) -> Vec<u8> {
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).into_bytes()
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
