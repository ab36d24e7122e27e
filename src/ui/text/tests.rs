use super::*;
use ratatui::style::Modifier;

#[test]
fn a_strip_lines_its_columns_up() {
    let role = Style::new().bold();
    let strip = Strip::new().put(role, "▲ ").put(role, Clean::text("漢字")).to(8).put(role, 1284_u64);
    let strip = strip.right(22, role, quantity::bytes(2048));
    assert_eq!(strip.width(), 22);
    assert_eq!(plain(&strip.line()), "▲ 漢字  1,284  2.0 KiB");
    let tight = Strip::new().put(role, "abcdef").to(3).put_within(4, role, "ghijkl").right(2, role, "m");
    assert_eq!(plain(&tight.line()), "abcdef ghi… m");
    assert_eq!(Strip::new().gap(500).line().width(), 500);
}

#[test]
fn a_sentence_is_cut_behind_a_part_or_a_word() {
    for (columns, cut) in [
        (41, "cpu 97 % · memory 0 % · io 1 % over 10 s"),
        (39, "cpu 97 % · memory 0 % …"),
        (22, "cpu 97 % · memory 0 %…"),
        (20, "cpu 97 % …"),
        (14, "cpu 97 % …"),
        (9, "cpu 97 %…"),
        (3, "cp…"),
        (0, ""),
    ] {
        assert_eq!(fitted("cpu 97 % · memory 0 % · io 1 % over 10 s", columns).plain(), cut, "{columns}");
    }
    assert_eq!(fitted("not valid before 2026-12-10", 15).plain(), "not valid…");
    assert_eq!(
        fitted("503 · the server said nothing that anybody knows", 30).plain(),
        "503 · the server said nothing…"
    );
}

#[test]
fn a_string_is_sanitised_on_its_way() {
    let line = line(Style::new(), format!("a{}b", '\x1b'));
    assert_eq!(plain(&line), "a^[b");
    assert!(line.spans[1].style.add_modifier.contains(Modifier::REVERSED));
}

#[test]
fn outside_the_area_nothing_is_drawn() {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
    let area = Rect::new(1, 0, 3, 1);
    for (x, y) in [(0, 0), (1, 0), (4, 0), (1, 1), (9, 9)] {
        draw(&line(Style::new(), "abcdef"), x, y, area, &mut buffer);
    }
    symbol(5, 1, Style::new(), "●", &mut buffer);
    symbol(6, 2, Style::new(), "●", &mut buffer);
    assert_eq!(buffer, Buffer::with_lines([" abc  ", "     ●"]));
    draw(&line(Style::new(), "x"), 0, 0, Rect::new(0, 0, 99, 99), &mut Buffer::empty(Rect::ZERO));
}

#[test]
fn a_terminal_without_unicode_gets_what_comes_near() {
    let likened = |text: &str, width: u16| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        draw(&line(Style::new(), text.to_owned()), 0, 0, buffer.area, &mut buffer);
        to_ascii(&mut buffer);
        buffer.content.iter().map(|cell| cell.symbol()).collect::<String>()
    };
    assert_eq!(likened("a · é漢bcd…", 11), "a - ?? bc..");
    // A sign of two columns takes a blank that is to spare, before it or behind it, and moves nothing beyond.
    assert_eq!(likened("│ 12 MiB    ±10  vacuum │", 25), "| 12 MiB   +-10  vacuum |");
    assert_eq!(likened("│ 20 MiB ±3.1 MiB   now │", 25), "| 20 MiB +-3.1 MiB  now |");
    assert_eq!(likened("│ served ≠ file         │", 25), "| served != file        |");
    assert_eq!(likened("│ a → b ≠ c    d │", 18), "| a -> b != c  d |");
    // Where there is none, its first sign stays, and the frame stands.
    assert_eq!(likened("│ served ≠ file │  x", 20), "| served ! file |  x");
}

/// Where the sentinel at its end would land, and where it did.
fn measured_and_drawn(clean: Clean) -> (usize, Option<usize>) {
    let width = clean.width();
    let mut buffer = Buffer::empty(Rect::new(0, 0, u16::try_from(width).unwrap() + 8, 1));
    draw(&line(Style::new(), clean), 0, 0, buffer.area, &mut buffer);
    (width - 1, buffer.content().iter().rposition(|cell| cell.symbol() == "X"))
}

#[test]
fn what_is_measured_is_what_is_drawn() {
    // Every character, once and twice, between two others: the cell after it is where its width says.
    let differ = |c: &char| {
        let (measured, drawn) = measured_and_drawn(Clean::text(&format!("a{c}X")));
        let (twice, drawn_twice) = measured_and_drawn(Clean::text(&format!("a{c}{c}X")));
        Some(measured) != drawn || Some(twice) != drawn_twice
    };
    // The thousands of ideographs and syllables of one kind are left out, for time.
    let alike = |c: &char| matches!(u32::from(*c), 0x3401..0xa000 | 0xac01..0xd7a0 | 0xe001..0xf8ff | 0x17001..0x18cff | 0x20001..0xe0000);
    let wrong: Vec<String> =
        ('\0'..='\u{e0fff}').filter(|c| !alike(c)).filter(differ).map(|c| format!("{:04X}", u32::from(c))).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn any_mixture_is_drawn_as_it_is_measured(text in ".{0,20}") {
        let (measured, drawn) = measured_and_drawn(Clean::text(&format!("{text}X")));
        proptest::prop_assert_eq!(Some(measured), drawn);
    }
}
