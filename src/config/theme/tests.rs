//! Themes as a user and a terminal meet them.

use super::*;
use crate::config::fixtures::hold;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True];

fn built_in(name: &str, depth: Depth) -> Theme {
    resolve::theme(&shelf(&[]), name, depth, Glyphs::Unicode).unwrap()
}

/// Loads themes from a directory with these files.
fn load(files: &[(&str, &str)], name: &str) -> (Theme, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let header = format!("schema = 1\nname = \"{name}\"\n");
        fs::write(dir.path().join(format!("{name}.toml")), header + text).unwrap();
    }
    let (theme, problems) = Theme::load(name, &[dir.path().to_owned()], Depth::True, Glyphs::Unicode);
    let bare = |problem: &Problem| problem.to_string().replace(&format!("{}/", dir.path().display()), "");
    (theme, problems.iter().map(bare).collect())
}

#[test]
fn every_built_in_theme_is_sound_on_every_terminal() {
    for (name, depth) in BUILT_IN.iter().flat_map(|(name, _)| DEPTHS.map(|depth| (name, depth))) {
        let theme = built_in(name, depth);
        for role in Role::ALL {
            let look = theme.look(*role);
            for ink in [look.fg, look.bg].into_iter().flatten() {
                assert_eq!(ink.at(depth), ink, "{name} at {depth:?}: {role}");
            }
        }
        // What must be told apart at a glance is told apart by more than a word.
        for group in ["verdict", "state", "effect"] {
            let roles: Vec<_> = Role::ALL.iter().filter(|role| role.group() == group).collect();
            for parts in [
                roles.iter().map(|role| theme.symbol(**role).plain()).collect::<BTreeSet<_>>(),
                roles.iter().map(|role| theme.text(**role).plain()).collect(),
            ] {
                assert!(parts.len() == roles.len() && !parts.contains(""), "{name}: {group}: {parts:?}");
            }
        }
        let selection = theme.look(Role::UiSelection);
        assert!(selection.bg.is_some() || selection.mods.reversed, "{name} at {depth:?}");
    }
}

#[test]
fn symbols_of_ascii_tell_everything_apart_too() {
    let theme = Theme { glyphs: Glyphs::Ascii, ..built_in(MONO, Depth::None) };
    for group in ["verdict", "state", "effect"] {
        let roles: Vec<_> = Role::ALL.iter().filter(|role| role.group() == group).collect();
        let symbols: BTreeSet<_> = roles.iter().map(|role| theme.symbol(**role).plain()).collect();
        assert_eq!(symbols.len(), roles.len(), "{group}");
        assert!(symbols.iter().all(|symbol| symbol.is_ascii()));
    }
}

#[test]
fn mono_has_no_colour_and_answers_to_no_color() {
    for name in [MONO, "night", "no-such-theme"] {
        let (theme, problems) = Theme::load(name, &[], Depth::None, Glyphs::Unicode);
        assert_eq!((theme.name.as_str(), problems.len()), (MONO, 0));
        assert!(Role::ALL.iter().all(|role| theme.look(*role).fg.or(theme.look(*role).bg).is_none()));
    }
}

#[test]
fn the_first_colour_that_the_terminal_shows_is_taken() {
    let critical = |depth| built_in("night", depth).look(Role::VerdictCritical).fg;
    assert_eq!(critical(Depth::True), Some(Ink::Rgb(0xf0, 0x70, 0x67)));
    assert_eq!(critical(Depth::Indexed), Some(Ink::Indexed(203)));
    assert_eq!(critical(Depth::Sixteen), Some(Ink::Indexed(9)));
    // A ground that cannot be shown is reversed instead.
    let selection = |depth| built_in("night", depth).look(Role::UiSelection);
    assert_eq!(
        (selection(Depth::Indexed).bg, selection(Depth::Indexed).mods.reversed),
        (Some(Ink::Indexed(237)), false)
    );
    assert_eq!((selection(Depth::Sixteen).bg, selection(Depth::Sixteen).mods.reversed), (None, true));
}

#[test]
fn a_theme_changes_what_it_names_and_inherits_the_rest() {
    let text = "inherits = \"night\"\n[palette]\nsea = [\"#010203\"]\n[verdict.ok]\nfg = \"blue\"\n\
        symbol = { unicode = \"+\", ascii = \"+\", text = \"FINE\" }\n[ui.text]\nfg = \"default\"\n";
    let (theme, problems) = load(&[("mine", text)], "mine");
    assert_eq!((theme.name.as_str(), problems), ("mine", vec![]));
    assert_eq!(theme.look(Role::VerdictOk).fg, Some(Ink::Indexed(4)));
    assert_eq!(
        (theme.symbol(Role::VerdictOk).plain(), theme.text(Role::VerdictOk).plain()),
        ("+".into(), "FINE".into())
    );
    assert_eq!(theme.look(Role::UiFocus).fg, Some(Ink::Rgb(1, 2, 3)), "an inherited role has the new colour");
    assert_eq!(theme.look(Role::VerdictWarn), built_in("night", Depth::True).look(Role::VerdictWarn));
    // A file without a parent stands on mono.
    let (theme, problems) = load(&[("bare", "")], "bare");
    assert_eq!(problems, [""; 0]);
    assert_eq!(theme.look(Role::VerdictCritical), built_in(MONO, Depth::True).look(Role::VerdictCritical));
}

#[test]
fn a_file_may_stand_on_the_built_in_one_of_its_own_name() {
    let (theme, problems) = load(&[("night", "inherits = \"night\"\n[ui.key]\nfg = \"red\"\n")], "night");
    assert_eq!(problems, [""; 0]);
    assert_eq!(theme.look(Role::UiKey).fg, Some(Ink::Indexed(1)));
    assert_eq!(theme.look(Role::UiTitle), built_in("night", Depth::True).look(Role::UiTitle));
}

#[test]
fn circles_and_missing_parents_are_told_where_they_are_named() {
    let (theme, problems) = load(&[("a", "inherits = \"b\"\n"), ("b", "inherits = \"a\"\n")], "a");
    assert_eq!(theme, built_in("night", Depth::True));
    assert_eq!(problems, ["b.toml:3:12: the theme inherits from itself: a > b > a"]);
    let (_, problems) = load(&[("a", "inherits = \"nigth\"\n")], "a");
    assert_eq!(problems, ["a.toml:3:12: there is no theme `nigth` (did you mean `night`?)"]);
    let (_, problems) = load(&[], "dusk");
    assert_eq!(problems, ["themes/dusk.toml:1:1: there is no theme `dusk` (there are base16, mono, night)"]);
    let (_, problems) = load(&[], "../night");
    assert_eq!(problems.len(), 1);
}

#[test]
fn a_theme_that_is_no_file_falls_back() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("night.toml")).unwrap();
    let (theme, problems) = Theme::load("night", &[dir.path().to_owned()], Depth::True, Glyphs::Unicode);
    assert_eq!(theme, built_in("night", Depth::True));
    assert!(problems[0].message.ends_with("it is a directory, not a file"), "{problems:?}");
}

#[test]
fn fixtures() {
    hold("themes", |text, file| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(file), text).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let (_, mut problems) = Theme::load(name, &[dir.path().to_owned()], Depth::True, Glyphs::Unicode);
        for problem in &mut problems {
            let bare = problem.file.file_name().map(Path::new).unwrap_or(file);
            problem.file = bare.to_owned();
        }
        problems
    });
}

#[test]
fn every_role_has_a_label_of_its_own() {
    let theme = Theme::labelled(Glyphs::Unicode);
    let looks: BTreeSet<_> = Role::ALL.iter().map(|role| format!("{:?}", theme.look(*role))).collect();
    assert_eq!(looks.len(), Role::ALL.len());
    let names: BTreeSet<_> = Role::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), Role::ALL.len());
    assert!(Role::ALL.iter().all(|role| Role::GROUPS.contains(&role.group())));
}
