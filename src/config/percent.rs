//! Percent-encoding in URLs (RFC 3986, section 2.1).

use percent_encoding::percent_decode_str;

/// Decodes `%41` to `A`; `None` where a sign is cut short, is no hexadecimal number, or the whole is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let is_sign = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    let signs = text.split('%').skip(1).all(is_sign);
    percent_decode_str(text).decode_utf8().ok().filter(|_| signs).map(|plain| plain.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_decoded_and_broken_ones_are_refused() {
        assert_eq!(decode("a%40%c3%A9+"), Some("a@é+".to_owned()));
        for broken in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
