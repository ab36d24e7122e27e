//! What a terminal can show, worked out from the surroundings.

use crate::config::paths::Surroundings;
use crate::config::theme::Glyphs;
use crate::domain::clean::Depth;

/// Terminals that show 256 colours and more without saying so at the end of their name (terminfo: `colors`, `RGB`).
const CAPABLE: [&str; 5] = ["alacritty", "foot", "wezterm", "xterm-ghostty", "xterm-kitty"];

/// How many colours the terminal shows.
///
/// `NO_COLOR` that is not empty means none (no-color.org); `COLORTERM` and `TERM` say the rest; 16 when in doubt.
#[must_use]
pub fn depth(around: &Surroundings) -> Depth {
    let get = |name| around.get(name).and_then(|value| value.to_str()).unwrap_or_default();
    let term = get("TERM");
    if around.get("NO_COLOR").is_some() || term == "dumb" {
        Depth::None
    } else if matches!(get("COLORTERM"), "truecolor" | "24bit") || term.ends_with("-direct") {
        Depth::True
    } else if term.ends_with("-256color") || CAPABLE.contains(&term) {
        Depth::Indexed
    } else {
        Depth::Sixteen
    }
}

/// Whether symbols may be more than ASCII: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set names the encoding. The console of Linux
/// takes UTF-8, but its font has 256 or 512 glyphs, and the symbols and bars are not among them (`setfont(8)`).
#[must_use]
pub fn glyphs(around: &Surroundings) -> Glyphs {
    if around.get("TERM").is_some_and(|term| term == "linux") {
        return Glyphs::Ascii;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| around.get(name));
    let encoding = locale.and_then(|locale| locale.to_str()?.split_once('.')).map(|(_, encoding)| encoding);
    let encoding = encoding.and_then(|encoding| encoding.split('@').next()).unwrap_or_default();
    match encoding.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Glyphs::Unicode,
        _ => Glyphs::Ascii,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings::of(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn colours_are_what_the_terminal_says() {
        let cases: [(&[(&str, &str)], Depth); 10] = [
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Depth::True),
            (&[("TERM", "tmux-256color"), ("COLORTERM", "24bit")], Depth::True),
            (&[("TERM", "xterm-direct")], Depth::True),
            (&[("TERM", "screen-256color"), ("COLORTERM", "yes")], Depth::Indexed),
            (&[("TERM", "xterm-kitty")], Depth::Indexed),
            (&[("TERM", "linux")], Depth::Sixteen),
            (&[], Depth::Sixteen),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Indexed),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "0"), ("COLORTERM", "truecolor")], Depth::None),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None),
        ];
        for (variables, expected) in cases {
            assert_eq!(depth(&with(variables)), expected, "{variables:?}");
        }
    }

    #[test]
    fn symbols_are_what_the_locale_says() {
        let cases: [(&[(&str, &str)], Glyphs); 10] = [
            (&[("LANG", "en_GB.UTF-8")], Glyphs::Unicode),
            (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], Glyphs::Unicode),
            (&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")], Glyphs::Ascii),
            (&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "")], Glyphs::Unicode),
            (&[("LANG", "de_DE.ISO-8859-15@euro")], Glyphs::Ascii),
            (&[("LANG", "de_DE.UTF-8@euro")], Glyphs::Unicode),
            (&[("LANG", "UTF-8-in-another-variable")], Glyphs::Ascii),
            (&[], Glyphs::Ascii),
            (&[("LANG", "C.UTF-8"), ("TERM", "linux")], Glyphs::Ascii),
            (&[("LANG", "C.UTF-8"), ("TERM", "xterm")], Glyphs::Unicode),
        ];
        for (variables, expected) in cases {
            assert_eq!(glyphs(&with(variables)), expected, "{variables:?}");
        }
    }
}
