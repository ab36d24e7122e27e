//! Themes as a user and a terminal meet them.

use super::*;
use crate::config::fixtures::hold;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True];

fn built_in(name: &str, depth: Depth) -> Theme {
    resolve::theme(&layers(&[]), name, depth, Glyphs::Unicode).unwrap()
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
fn a_theme_that_others_can_change_is_replaced_by_the_default() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (above, file) = (dir.path().join("themes"), dir.path().join("themes/mine.toml"));
    fs::create_dir(&above).unwrap();
    fs::write(&file, "schema = 1\nname = \"mine\"\n").unwrap();
    let load = || Theme::load("mine", std::slice::from_ref(&above), Depth::True, Glyphs::Unicode);
    assert_eq!((load().0.name.as_str(), load().1.len()), ("mine", 0));
    for (place, open, closed) in [(&file, 0o666, 0o644), (&above, 0o777, 0o755)] {
        fs::set_permissions(place, fs::Permissions::from_mode(open)).unwrap();
        let (theme, problems) = load();
        assert_eq!((theme.name.as_str(), problems.len()), (DEFAULT, 1));
        let text = problems[0].to_string();
        let why = format!("others may write to {} (mode {open:04o})", place.display());
        assert!(text.contains(&why) && text.contains(&format!("chmod go-w {}", place.display())), "{text}");
        fs::set_permissions(place, fs::Permissions::from_mode(closed)).unwrap();
    }
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
        // What must be distinguished at a glance is distinguished by more than a word.
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

/// The parts of a colour; those of an index as xterm has them from 16 on, which no user changes.
fn parts(ink: Ink) -> [u8; 3] {
    match ink {
        Ink::Rgb(r, g, b) => [r, g, b],
        Ink::Indexed(grey @ 232..) => [8 + 10 * (grey - 232); 3],
        Ink::Indexed(cube @ 16..) => {
            let place = cube - 16;
            [place / 36, place / 6 % 6, place % 6].map(|step| if step == 0 { 0 } else { 55 + 40 * step })
        }
        own => panic!("{own:?} is the terminal's own"),
    }
}

/// The relative luminance of a colour (WCAG 2.2).
fn luminance(ink: Ink) -> f64 {
    let [r, g, b] = parts(ink).map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn ratio(fg: Ink, bg: Ink) -> f64 {
    let (one, other) = (luminance(fg) + 0.05, luminance(bg) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn letters_can_be_read_on_their_ground_and_under_the_cursor() {
    let grounds: [(&str, &[u8]); 4] =
        [("night", &[0x00, 0x10, 0x1e]), ("okabe", &[0x00, 0x10, 0x1e]), ("contrast", &[0x00]), ("day", &[0xff, 0xf5])];
    for ((name, greys), depth) in grounds.into_iter().flat_map(|named| [(named, Depth::True), (named, Depth::Indexed)])
    {
        let theme = built_in(name, depth);
        let under = theme.look(Role::UiSelection).bg;
        let grounds: Vec<Ink> = greys.iter().map(|grey| Ink::Rgb(*grey, *grey, *grey)).chain(under).collect();
        for role in Role::ALL {
            let look = theme.look(*role);
            let Some(fg) = look.fg else { continue };
            // A frame is no text and never under the cursor, and needs less (WCAG 2.2, 1.4.11).
            let (least, grounds) = match (role, name) {
                (Role::UiBorder, _) => (3.0, grounds.get(..greys.len()).unwrap()),
                (_, "contrast") => (7.0, &grounds[..]),
                _ => (4.5, &grounds[..]),
            };
            for bg in look.bg.as_ref().map_or(grounds, std::slice::from_ref) {
                let found = ratio(fg, *bg);
                assert!(found >= least, "{name} at {depth:?}: {role} on {bg:?}: {found:.2}");
            }
        }
    }
}

/// A colour as a person sees it who lacks the cones for red or for green (Viénot, Brettel and Mollon, 1999), roughly.
fn without(ink: Ink, red: bool) -> [f64; 3] {
    let Ink::Rgb(r, g, b) = ink else { panic!("{ink:?} is no true colour") };
    let [r, g, b] = [r, g, b].map(|part| (f64::from(part) / 255.0).powf(2.2));
    let m = if red { [0.112, 0.888, 0.004] } else { [0.293, 0.707, -0.022] };
    let one = m[0] * r + m[1] * g;
    [one, one, m[2] * (r - g) + b].map(|part| part.max(0.0).powf(1.0 / 2.2) * 255.0)
}

#[test]
fn the_theme_for_the_colour_blind_distinguishes_verdicts_without_red_or_green() {
    let theme = built_in("okabe", Depth::True);
    let verdicts = [Role::VerdictOk, Role::VerdictWarn, Role::VerdictCritical, Role::VerdictUnknown];
    for (place, one) in verdicts.iter().enumerate() {
        for (other, red) in verdicts.iter().skip(place + 1).flat_map(|other| [true, false].map(|red| (other, red))) {
            let [a, b] = [one, other].map(|role| without(theme.look(*role).fg.unwrap(), red));
            let apart = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            assert!(apart > 40.0, "{one} and {other}: {apart:.0}");
        }
    }
}

#[test]
fn symbols_of_ascii_are_distinct_too() {
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
        (Some(Ink::Indexed(235)), false)
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
    // A file without a parent inherits from mono.
    let (theme, problems) = load(&[("bare", "")], "bare");
    assert_eq!(problems, [""; 0]);
    assert_eq!(theme.look(Role::VerdictCritical), built_in(MONO, Depth::True).look(Role::VerdictCritical));
}

#[test]
fn a_file_may_inherit_from_the_built_in_one_of_its_own_name() {
    let (theme, problems) = load(&[("night", "inherits = \"night\"\n[ui.key]\nfg = \"red\"\n")], "night");
    assert_eq!(problems, [""; 0]);
    assert_eq!(theme.look(Role::UiKey).fg, Some(Ink::Indexed(1)));
    assert_eq!(theme.look(Role::UiTitle), built_in("night", Depth::True).look(Role::UiTitle));
}

#[test]
fn circles_and_missing_parents_are_reported_where_they_are_named() {
    let (theme, problems) = load(&[("a", "inherits = \"b\"\n"), ("b", "inherits = \"a\"\n")], "a");
    assert_eq!(theme, built_in("night", Depth::True));
    assert_eq!(problems, ["b.toml:3:12: the theme inherits from itself: a > b > a"]);
    let (_, problems) = load(&[("a", "inherits = \"nigth\"\n")], "a");
    assert_eq!(problems, ["a.toml:3:12: there is no theme `nigth` (did you mean `night`?)"]);
    let (_, problems) = load(&[], "dusk");
    assert_eq!(
        problems,
        ["themes/dusk.toml:1:1: there is no theme `dusk` (there are base16, contrast, day, mono, night, okabe)"]
    );
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
