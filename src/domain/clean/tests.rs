use super::*;
use proptest::prelude::*;

fn colours(fg: Ink) -> Paint {
    Paint { fg, ..Paint::default() }
}

fn check_drawable(clean: &Clean, what: &str) {
    for c in clean.plain().chars() {
        assert!(!corpus::is_forbidden(c), "{c:?} got through from {what}");
    }
    assert!(clean.spans().iter().all(|span| !span.text().is_empty()), "an empty span from {what}");
}

#[test]
fn nothing_of_the_corpus_is_obeyed_and_nothing_around_it_is_lost() {
    let cases = corpus::cases();
    assert!(cases.len() >= 500, "the corpus has {} cases", cases.len());
    for (line, sequence) in cases {
        let whole = [b"before", sequence.as_slice(), b"after"].concat();
        let what = format!("line {line} of the corpus");
        let texts = [Clean::line(&whole), Clean::name(&whole), Clean::text(&String::from_utf8_lossy(&whole))];
        for clean in &texts {
            check_drawable(clean, &what);
            let plain = clean.plain();
            assert!(plain.starts_with("before") && plain.ends_with("after"), "{what}: {plain:?}");
        }
        // A name shows every character of the sequence in some form.
        if !sequence.is_empty() {
            assert!(texts[1].plain().chars().count() >= 11 + String::from_utf8_lossy(&sequence).chars().count());
        }
    }
}

#[test]
fn what_is_shown_says_what_it_was() {
    let cases: [(&[u8], &str); 17] = [
        (b"a\x1b]0;title\x07b", "a^[]0;title^Gb"),
        (b"a\x1b]0;title\x1b\\b", "a^[]0;title^[\\b"),
        (b"a\x1b[2Jb", "a^[[2Jb"),
        (b"a\x1b[31mb\x1b[0mc", "abc"),
        (b"a\x1b[3\n1mb", "a^[[3^J1mb"),
        (b"a\x1b[31", "a^[[31"),
        (b"a\x1b]52;c;cm0=", "a^[]52;c;cm0="),
        (b"a\xff\xc3", "a\\xff\\xc3"),
        (b"10%\r20%\r\n", "10%^M20%"),
        (b"a\n", "a"),
        (b"a\tb", "a       b"),
        ("wörld €".as_bytes(), "wörld €"),
        ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
        ("a\u{9b}2J".as_bytes(), "a\\u{9b}2J"),
        ("e\u{301}\u{302}\u{303}\u{304}\u{305}".as_bytes(), "e\u{301}\u{302}\u{303}\u{304}\\u{305}"),
        ("\u{301}".as_bytes(), "\\u{301}"),
        (b"\x7f\x00", "^?^@"),
    ];
    for (given, expected) in cases {
        assert_eq!(Clean::line(given).plain(), expected, "{given:?}");
    }
}

#[test]
fn a_name_keeps_its_tabs_its_line_ends_and_loses_its_colours() {
    assert_eq!(Clean::text("a\tb\n").plain(), "a^Ib^J");
    assert_eq!(Clean::text("\x1b[31mred").plain(), "^[[31mred");
    assert_eq!(Clean::name(b"caf\xe9").plain(), "caf\\xe9");
    let lines: Vec<_> = Clean::lines("ERROR:\tno\r\nHINT: yes\x1b[2J").iter().map(Clean::plain).collect();
    assert_eq!(lines, ["ERROR:  no", "HINT: yes^[[2J"]);
}

#[test]
fn a_mark_differs_from_the_same_characters_typed() {
    let (typed, shown) = (Clean::text("^G"), Clean::text("\x07"));
    assert_eq!(typed.plain(), shown.plain());
    assert_ne!(typed, shown);
    assert!(shown.spans().iter().all(|span| span.paint().mark));
}

#[test]
fn colours_survive_and_hiding_does_not() {
    let line =
        Clean::line(b"\x1b[31;1mred\x1b[8m\x1b[5m still\x1b[0;38;2;1;200;3mgreen\x1b[38:5:9mten\x1b[41;31mhidden");
    let spans: Vec<_> = line.spans().iter().map(|span| (span.text(), span.paint())).collect();
    let expected = [
        ("red still", Paint { bold: true, ..colours(Ink::Indexed(1)) }),
        ("green", colours(Ink::Rgb(1, 200, 3))),
        ("ten", colours(Ink::Indexed(9))),
        ("hidden", Paint::default()),
    ];
    assert_eq!(spans, expected);
}

#[test]
fn a_mark_does_not_combine_across_a_change_of_colour() {
    assert_eq!(Clean::line("e\x1b[31m\u{301}".as_bytes()).plain(), "e\\u{301}");
}

#[test]
fn a_long_line_is_cut_and_shows_by_how_much() {
    let long = vec![b'x'; 10 << 20];
    let plain = Clean::line(&long).plain();
    assert_eq!(plain, format!("{}… 10,481,664 bytes not shown", "x".repeat(LINE_LIMIT)));
    assert_eq!(Clean::line_capped(&long[..8192], 10 << 20).plain(), plain);
    assert_eq!(Clean::line_capped(b"abc", 4).plain(), "abc… 1 byte not shown");
    assert_eq!(Clean::line_capped(b"abc\r\n", 5).plain(), "abc");
    // The limit falls into the middle of a character, with something broken before it.
    let euros = [b"\xff".as_slice(), "€".repeat(2000).as_bytes()].concat();
    let plain = Clean::line(&euros).plain();
    assert!(plain.starts_with("\\xff€") && plain.ends_with("€… 1,905 bytes not shown"), "{plain}");
    let exact = vec![b'x'; LINE_LIMIT];
    assert_eq!(Clean::line(&exact).plain().len(), LINE_LIMIT);
}

#[test]
fn rows_are_filled_and_nothing_is_halved() {
    let line = Clean::line("ab\x1b[31mcd漢字e\u{301}f".as_bytes());
    assert_eq!(line.width(), 10);
    let rows: Vec<_> = line.wrap(5).iter().map(Clean::plain).collect();
    assert_eq!(rows, ["abcd", "漢字e\u{301}", "f"]);
    assert_eq!(Clean::default().wrap(5).len(), 1);
    assert_eq!(line.cut(10), line);
    assert_eq!(line.cut(6).plain(), "abcd…");
    assert_eq!(line.cut(7).plain(), "abcd漢…");
    assert_eq!(line.cut(1).plain(), "…");
    assert_eq!(line.cut(0), Clean::default());
    assert!(line.cut(6).spans().iter().all(|span| !span.paint().mark), "our own sign is no outside byte");
    let (left, right) = line.clone().split(2);
    assert_eq!((left.plain(), right.plain()), ("ab".into(), "cd漢字e\u{301}f".into()));
    assert_eq!(line.clone().split(0), (Clean::default(), line));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_get_through(
        bytes in proptest::collection::vec(prop_oneof![Just(0x1b_u8), Just(b'['), Just(b'm'), Just(b';'), any::<u8>()], 0..4500)
    ) {
        let line = Clean::line(&bytes);
        check_drawable(&line, "random bytes");
        // Four bytes become at most ten characters; one byte at most eight columns; then the count of the rest.
        prop_assert!(line.plain().len() <= LINE_LIMIT * 8 + 40);
        let rows = line.wrap(7);
        prop_assert!(rows.iter().all(|row| row.width() <= 7));
        prop_assert_eq!(rows.iter().map(Clean::plain).collect::<String>(), line.plain());
        prop_assert!(line.cut(33).width() <= 33);
    }

    #[test]
    fn no_text_gets_through(text in any::<String>(), width in 0_usize..12) {
        let clean = Clean::text(&text);
        check_drawable(&clean, "random text");
        let (left, right) = clean.clone().split(width);
        prop_assert!(left.width() <= width);
        prop_assert_eq!(left.plain() + &right.plain(), clean.plain());
    }
}

#[test]
fn a_path_is_cut_in_front() {
    let path = Clean::text("/tmp/a漢/demo/srv/cell0");
    let cases = [
        (23, "/tmp/a漢/demo/srv/cell0"),
        (22, "…/a漢/demo/srv/cell0"),
        (20, "…/a漢/demo/srv/cell0"),
        (17, "…/demo/srv/cell0"),
        (15, "…/srv/cell0"),
        (12, "…/srv/cell0"),
        (8, "…/cell0"),
        (5, "…ell0"),
        (1, "…"),
        (0, ""),
    ];
    for (width, expected) in cases {
        assert_eq!(path.cut_front(width).plain(), expected, "{width}");
    }
    assert_eq!(Clean::text("ab漢").cut_front(2).plain(), "…");
    assert_eq!(Clean::text("ab漢").cut_front(3).plain(), "…漢");
}
