//! Where only ASCII can be shown: one sign has one meaning, and what the signs say is still said.

use super::{WIDE, drawn, operator, pressed, run};
use midwatch::config::theme::{Glyphs, Role, Theme};
use midwatch::demo::sample;
use midwatch::ui::text::LIKENESS;
use std::collections::BTreeMap;

#[test]
fn one_sign_has_one_meaning() {
    let theme = Theme::labelled(Glyphs::Ascii);
    let mut meanings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut mean = |sign: &str, meaning: &str| {
        let all = meanings.entry(sign.to_owned()).or_default();
        if !sign.is_empty() && !all.iter().any(|other| other == meaning) {
            all.push(meaning.to_owned());
        }
    };
    for role in Role::ALL.iter().copied().filter(|role| ["verdict", "state", "effect"].contains(&role.group())) {
        // What is unknown of a row and of a step is the same to whoever looks.
        mean(&theme.symbol(role).plain(), role.key());
    }
    for role in [Role::UiSelection, Role::UiPrompt] {
        mean(&theme.symbol(role).plain(), "here");
    }
    for (sign, like) in LIKENESS {
        let meaning = match sign {
            "·" | "–" | "─" => "a dash",
            "▌" => "here",
            "│" => "an edge",
            other => other,
        };
        mean(like, meaning);
    }
    // What else is drawn in the place of a sign: standard error, both ends of a list, the cursor of a field, the edges of frames.
    for (sign, meaning) in [
        ("&", "standard error"),
        ("v", "below"),
        ("^", "above"),
        ("_", "types here"),
        ("~", "about"),
        ("|", "an edge"),
        ("#", "an edge"),
    ] {
        mean(sign, meaning);
    }
    let clashes: Vec<_> = meanings.iter().filter(|(_, all)| all.len() > 1).collect();
    assert!(clashes.is_empty(), "{clashes:?}");
}

#[test]
fn an_error_and_a_difference_are_said_as_in_the_output_of_commands() {
    let theme = Theme::labelled(Glyphs::Ascii);
    let mut model = pressed(sample::healthy(WIDE, operator()), "1");
    let buffer = drawn(&mut model, &theme);
    let width = usize::from(buffer.area.width);
    let rows: Vec<String> =
        buffer.content.chunks(width).map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect();
    let of = |what: &str| rows.iter().filter(|row| row.contains(what)).count();
    assert!(of("served != file") > 0 && of("+-") > 1, "{}", rows.join("\n"));
    // The frames of the panes stand where they stood.
    let is_inside = |row: &&String| row.starts_with('|') && (row.contains("+-") || row.contains("!="));
    let edges: Vec<_> = rows.iter().filter(is_inside).collect();
    assert!(edges.iter().all(|row| row.ends_with('|') && row.chars().nth(width / 2 - 1) == Some('|')), "{edges:?}");
}

#[test]
fn the_mark_of_standard_error_is_no_digit_of_the_time_before_it() {
    let theme = Theme::labelled(Glyphs::Ascii);
    for keys in ["1", "6", "7", "7 t", "7 w"] {
        let buffer = drawn(&mut pressed(run(WIDE, &sample::running()), keys), &theme);
        let screen: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert!(screen.contains("&warning: clock of"), "{keys}: {screen}");
        assert!(!screen.contains("432warning") && !screen.contains("462error"), "{keys}: {screen}");
    }
    let mut help = pressed(sample::healthy((120, 200), operator()), "?");
    let screen: String = drawn(&mut help, &theme).content.iter().map(|cell| cell.symbol()).collect();
    assert!(screen.contains("&   stderr"), "the legend: {screen}");
}
