//! Read-only consoles, and places where no console can be.

use super::{Home, SLOW, WIDE, all_output, leave, open_prompt};
use crate::support::pty::{Exit, Pty, SOON};
use std::fs;

#[test]
fn a_read_only_console_looks_and_builds_nothing() {
    let home = Home::with("[[mount]]\npath = \"/\"\n", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let before = home.journal(&run);
    let pty = home.open(&["--read-only"], &[], WIDE);
    // It finds the run and shows what it asks, but does not open the prompt by itself.
    let screen = pty.wait_for(SOON, |screen| screen.contains("asks to confirm") && screen.contains("live"));
    assert!(screen.lines().next().unwrap().contains("READ-ONLY"), "{screen}");
    assert!(!screen.contains("□ CHANGE"), "{screen}");
    for keys in ["x", "gx", "gr", "N"] {
        pty.send("6");
        pty.send(keys);
        pty.wait_for(SOON, |screen| screen.contains("read-only: this console holds nothing to act with"));
        pty.send("1");
        pty.send("\x1b");
        pty.wait_for(SOON, |screen| !screen.contains("holds nothing to act with"));
    }
    // Enter on the step that asks shows the prompt, which nothing answers.
    pty.send("6\r");
    let prompt = pty.wait_for(SOON, |screen| screen.contains("□ CHANGE"));
    assert!(prompt.contains("this console can look at a prompt and cannot answer it"), "{prompt}");
    pty.press_until("c", |screen| screen.contains("holds nothing to act with"));
    pty.send("gn");
    pty.send("gn");
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| !screen.contains("□ CHANGE"));
    pty.send("qqq");
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    // Any request to the runner's socket leaves a record.
    assert_eq!(home.journal(&run), before);
    assert!(home.effects().is_empty());
    assert_eq!(fs::read_dir(home.path("state/runs")).unwrap().count(), 1);
}

#[test]
fn without_a_terminal_it_says_what_works_there() {
    let home = Home::with("", &[]);
    for (arguments, more) in [(&[][..], &[][..]), (&[], &[("TERM", "xterm")]), (&["--read-only"], &[("TERM", "dumb")])]
    {
        let out = home.command_with(arguments, more);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{}", all_output(&out));
        assert!(text.contains(" check prints one reading") && text.contains(" run PROC runs"), "{text}");
        assert!(out.stdout.is_empty() && !out.stderr.contains(&0x1b), "{}", all_output(&out));
    }
    // Half a terminal is none.
    let script = format!("{} | cat; true", super::MIDWATCH);
    let own = home.environment();
    let environment: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pty = Pty::spawn("sh", &["-c", &script], &environment, (80, 24));
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert!(pty.screen().contains("the console needs a terminal") && !pty.raw().contains(&0x1b), "{}", pty.screen());
    for term in ["dumb", ""] {
        let pty = home.open(&[], &[("TERM", term)], (100, 24));
        assert_eq!(pty.exit(SOON), Exit::Code(2));
        let text = pty.screen();
        assert!(
            text.contains(" check prints one reading") && text.contains(" run PROC runs") && !pty.raw().contains(&0x1b),
            "{text}"
        );
    }
}

/// Every parameter of every SGR sequence.
fn sgr(raw: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(raw);
    let sequences = text.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    sequences
        .flat_map(|sequence| sequence.split([';', ':']).filter_map(|code| code.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn without_colours_the_selection_is_still_seen() {
    let home = Home::with("", &[("slow", SLOW)]);
    home.run("test/slow");
    let pty = home.open(&[], &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")], WIDE);
    open_prompt(&pty, "□ CHANGE");
    pty.press_until("\x1b", |screen| !screen.contains("□ CHANGE"));
    pty.send("1j");
    pty.wait_until(SOON, |screen| {
        (0..120).any(|x| (0..36).any(|y| screen.cell(y, x).is_some_and(|cell| cell.inverse())))
    });
    let codes = sgr(&pty.raw());
    assert!(codes.contains(&7) && codes.contains(&1), "{codes:?}");
    let colour = |code: &&u16| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107);
    assert_eq!(codes.iter().find(colour), None);
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let home = Home::with("", &[("slow", SLOW)]);
    home.run("test/slow");
    let pty = home.open(&[], &[("LANG", "C")], WIDE);
    open_prompt(&pty, "to confirm this change");
    pty.press_until("\x1b", |screen| !screen.contains("to confirm this change"));
    pty.send("?");
    pty.wait_for(SOON, |screen| screen.contains("keys and symbols"));
    let raw = pty.raw();
    let odd: Vec<char> = String::from_utf8_lossy(&raw).chars().filter(|c| !c.is_ascii()).collect();
    assert!(odd.is_empty(), "{odd:?}\n{}", pty.screen());
}

#[test]
fn the_palette_opens_beside_procedures_that_nest_without_end() {
    let step = |value: &str| {
        let head = "format = 1\nid = \"test/NAME\"\ntitle = \"Deep\"\nphases = [\"w\"]\n[[w]]\ntitle = \"x\"\n";
        format!("{head}{value}\n")
    };
    let often = |times: usize, opens: &str, middle: &str, closes: &str| {
        [&opens.repeat(times), middle, &closes.repeat(times)].concat()
    };
    let sql = |text: &str| step(&format!("check = {{ sql = \"SELECT {text}\" }}"));
    let keys = ["a"; 70].join(".");
    let script = often(3_000, "( \")\"; ", "true", " )");
    let deep = [
        ("calls", sql(&often(2_500, "abs(", "1", ")"))),
        ("selects", sql(&often(3_000, "(SELECT ", "1", ")"))),
        ("brackets", sql(&often(20_000, "(", "1", ")"))),
        ("nots", sql(&often(20_000, "NOT ", "true", ""))),
        ("keys", step(&often(70, &format!("{keys} = {{ "), &format!("{keys} = 1"), " }"))),
        (
            "script",
            step(&format!("effect = \"change\"\nundo = {{ none = \"no\" }}\ndo = {{ script = '''{script}''' }}")),
        ),
    ];
    let deep: Vec<(&str, String)> = deep.into_iter().map(|(name, text)| (name, text.replace("NAME", name))).collect();
    let mut all: Vec<(&str, &str)> = deep.iter().map(|(name, text)| (*name, text.as_str())).collect();
    all.push(("slow", SLOW));
    let home = Home::with("", &all);
    let lint = home.command(&["lint"]);
    assert_eq!(lint.status.code(), Some(2), "{}", all_output(&lint));
    let output = String::from_utf8_lossy(&lint.stderr).into_owned() + &String::from_utf8_lossy(&lint.stdout);
    for (name, _) in &deep {
        assert!(output.contains(&format!("test/{name}.toml:")), "{name}: {output}");
    }
    let pty = home.open(&[], &[], WIDE);
    pty.wait_for(SOON, |screen| screen.contains("MIDWATCH"));
    pty.press_until(":", |screen| screen.contains("┃"));
    pty.send("test/");
    let palette = pty.wait_for(SOON, |screen| screen.contains("test/slow"));
    for (name, _) in &deep {
        assert!(!palette.contains(&format!("test/{name} ")), "it cannot be started: {palette}");
    }
    pty.press_until("\x1b", |screen| !screen.contains("test/slow"));
    leave(&pty);
}
