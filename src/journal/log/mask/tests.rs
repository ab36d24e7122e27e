//! Each encoding, cut at each place.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    let lines = [
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
    for text in lines {
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
    let lines = [
        own,
        r#"n\u00E9\u0022\u20AC-\uD834\uDD1E!"#,
        r#"N\u00C9\"\u20ac-\uD834\uDD1E!"#,
        r#"né\"\u20ac-𝄞!"#,
        r#"!\ud834\udd1e-\u20ac\"\u00e9n"#,
        within.trim_matches('"'),
        deepest.trim_start_matches("\"\\\"").trim_end_matches("\\\"\""),
    ];
    for text in lines {
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
