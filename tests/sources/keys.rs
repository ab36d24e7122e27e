//! Keys at random over every pane, at every size: nothing panics, and nothing is drawn outside the screen.

use crate::support::keys::NAMED;
use midwatch::app::confirm::Authority;
use midwatch::app::msg::{Mouse, Msg};
use midwatch::app::{Model, update};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Key, KeyCode, Verdict};
use midwatch::ui::{ViewState, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::Duration;

/// How many keys are pressed in each console for each seed, unless `MIDWATCH_TEST_KEYS` says otherwise.
const KEYS: usize = 160;
const SIZES: [(u16, u16); 9] =
    [(40, 10), (80, 24), (120, 36), (300, 100), (39, 9), (60, 40), (200, 12), (1, 1), (100, 20)];

/// SplitMix64: a seed gives the same keys on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn key(&mut self) -> Key {
        const WORDS: &[u8] = b"jkgGxzoryRNlMqcnvbewtfsmm/:?1234567 h0-%azAZ";
        let code = match self.below(10) {
            0..3 => NAMED[self.below(NAMED.len())],
            3 => char::from_u32(0x20 + u32::try_from(self.below(0x3000)).unwrap()).map_or(KeyCode::Esc, KeyCode::Char),
            _ => KeyCode::Char(char::from(WORDS[self.below(WORDS.len())])),
        };
        let held = self.below(12);
        Key { code, ctrl: held == 0, alt: held == 1, shift: held == 2 }.normal()
    }
}

fn look(model: &mut Model, theme: &Theme) {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    let mut view = ViewState::default();
    terminal.draw(|frame| draw(frame, &model.snapshot(), theme, &mut view)).unwrap();
    model.drawn(view.seen, Boot(model.now.boot.0 - 1_000_000_000));
}

fn later(now: Now, seconds: u64) -> Now {
    let step = Duration::from_secs(seconds);
    Now { wall: now.wall.plus(step), boot: Boot(now.boot.0 + u64::try_from(step.as_nanos()).unwrap()) }
}

fn play(seed: u64, mut model: Model) {
    let mut random = Random(seed);
    let theme = Theme::labelled(if seed.is_multiple_of(2) { Glyphs::Unicode } else { Glyphs::Ascii });
    let keys = std::env::var("MIDWATCH_TEST_KEYS").ok().and_then(|keys| keys.parse().ok()).unwrap_or(KEYS);
    for number in 0..keys {
        let msg = match random.below(40) {
            0 => {
                let (columns, rows) = SIZES[random.below(SIZES.len())];
                Msg::Resized(columns, rows)
            }
            1 => Msg::Tick(later(model.now, random.next() % 90)),
            2 => {
                let what = [Mouse::Click, Mouse::ScrollUp, Mouse::ScrollDown][random.below(3)];
                let (column, row) = (random.below(310), random.below(110));
                Msg::MouseMoved(what, (u16::try_from(column).unwrap(), u16::try_from(row).unwrap()), model.now)
            }
            3 => Msg::Pasted("a\nb\u{1b}[2J\u{202e}界界".repeat(random.below(40)), model.now),
            4 => Msg::Offered {
                target: sample::id(midwatch::domain::TargetKind::Mount, "/srv/cell0"),
                offers: sample::offers(),
                withheld: vec!["nothing acts on it".to_owned()],
            },
            5 => Msg::Planned(Box::new(sample::plan())),
            6 => Msg::RunsListed(sample::runs()),
            _ => Msg::KeyPressed(random.key(), model.now),
        };
        update(&mut model, msg);
        // Several keys often come within one frame.
        if usize::is_multiple_of(number, 2) {
            look(&mut model, &theme);
        }
    }
}

#[test]
fn keys_at_random_break_nothing() {
    let first = std::env::var("MIDWATCH_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in first..first + 2 {
        // Shown when it fails.
        println!("MIDWATCH_TEST_SEED={seed}");
        let operator = || Some(Authority::grant());
        play(seed, sample::healthy((120, 36), operator()));
        play(seed, sample::bare((80, 24), None));
        for story in [sample::running(), sample::change(), sample::destroy(), sample::decide(), sample::checklist()] {
            play(seed, sample::following((100, 30), operator(), story.view().unwrap(), true));
        }
        let mut wall = sample::healthy((120, 36), None);
        wall.wallboard = Some(midwatch::app::wallboard::Wallboard::new(wall.now.boot));
        play(seed, wall);
    }
}

#[test]
fn every_pane_is_drawn_at_every_size() {
    let theme = Theme::labelled(Glyphs::Unicode);
    for size in SIZES {
        for key in ["1", "2", "3", "4", "5", "6", "7", "?", ":", "R", "/"] {
            for zoomed in [false, true] {
                let mut model = sample::healthy(size, Some(Authority::grant()));
                assert!(
                    model
                        .lists
                        .all()
                        .flat_map(|list| list.rows())
                        .any(|row| row.verdict(model.now.wall) == Verdict::Critical)
                );
                look(&mut model, &theme);
                if zoomed {
                    sample::press(&mut model, "z");
                }
                sample::press(&mut model, key);
                look(&mut model, &theme);
            }
        }
    }
}
