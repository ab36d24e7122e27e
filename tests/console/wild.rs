//! Any keys at all in every dialog, at every size: nothing panics, and with less than the quiet time between two of them
//! nothing is confirmed.

use super::following;
use super::reflexes::{after, busy};
use crate::runner::chance::{Chance, seed};
use crate::support::keys::NAMED;
use midwatch::app::effect::{Command, Effect, Screen};
use midwatch::app::modal::Modal;
use midwatch::app::msg::{Mouse, Msg};
use midwatch::app::{Model, update};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::Key;
use midwatch::domain::key::KeyCode;
use midwatch::ui::{ViewState, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZES: [(u16, u16); 9] =
    [(20, 5), (40, 10), (44, 11), (60, 15), (80, 24), (100, 30), (120, 36), (200, 50), (1, 1)];

/// How many keys are pressed in each dialog, unless `MIDWATCH_TEST_KEYS` says otherwise.
const KEYS: u64 = 120;

/// Draws the present state, as the terminal's owner does, and returns the screen.
pub fn look(model: &mut Model, theme: &Theme) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    let mut view = ViewState::default();
    terminal.draw(|frame| draw(frame, &model.snapshot(), theme, &mut view)).unwrap();
    let now = model.now.boot;
    model.drawn(view.seen, now);
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..buffer.area.width).map(move |x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y) + "\n").collect()
}

/// Every dialog there is, by name.
fn dialogs() -> Vec<(&'static str, Model)> {
    let mut all = busy();
    for (name, story) in [
        ("change", sample::change()),
        ("changes", sample::changes(&"echo\n".repeat(40))),
        ("destroy", sample::destroy()),
        ("sign-off", sample::sign()),
        ("decision", sample::decide()),
        ("second of two answers", sample::confirmed()),
        ("approval of a start", sample::start_to_approve()),
    ] {
        let mut model = following(&story);
        model.me = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me };
        all.push((name, model));
    }
    all
}

fn any(chance: &mut Chance, now: midwatch::domain::time::Now) -> Msg {
    const WORDS: &[u8] = b"ccccjkgGxnzoryRlNqvbewtfsumO/:?1234567 E";
    let below = |chance: &mut Chance, limit: usize| chance.below(limit as u64) as usize;
    let key = |code| Msg::KeyPressed(Key { code, ctrl: false, alt: false, shift: false }.normal(), now);
    match below(chance, 24) {
        0 => {
            let (columns, rows) = SIZES[below(chance, SIZES.len())];
            Msg::Resized(columns, rows)
        }
        1 => {
            let what = [Mouse::Click, Mouse::ScrollUp, Mouse::ScrollDown][below(chance, 3)];
            Msg::MouseMoved(what, (chance.below(200) as u16, chance.below(50) as u16), now)
        }
        2 => Msg::Pasted("change\n".to_owned(), now),
        3 => Msg::Offered {
            target: sample::id(midwatch::domain::TargetKind::Service, "api"),
            offers: sample::offers(),
            withheld: Vec::new(),
        },
        4 => Msg::Planned(Box::new(sample::plan())),
        5..9 => key(NAMED[below(chance, NAMED.len())]),
        9 | 10 => key(KeyCode::Enter),
        11 => Msg::KeyPressed(Key { code: KeyCode::Char('d'), ctrl: true, alt: false, shift: false }, now),
        _ => key(KeyCode::Char(char::from(WORDS[below(chance, WORDS.len())]))),
    }
}

#[test]
fn keys_that_come_faster_than_the_quiet_time_confirm_nothing_in_any_dialog_at_any_size() {
    let seed = seed();
    println!("MIDWATCH_TEST_SEED={seed}");
    let mut chance = Chance(seed);
    let keys = std::env::var("MIDWATCH_TEST_KEYS").ok().and_then(|keys| keys.parse().ok()).unwrap_or(KEYS);
    let themes = [Glyphs::Unicode, Glyphs::Ascii].map(Theme::labelled);
    let (mut pressed, mut asked) = (0_u64, 0_u64);
    for size in SIZES {
        for (name, mut model) in dialogs() {
            update(&mut model, Msg::Resized(size.0, size.1));
            let theme = &themes[(pressed % 2) as usize];
            look(&mut model, theme);
            let mut typed = Vec::new();
            for _ in 0..keys {
                let now = after(model.now, chance.below(400));
                let msg = any(&mut chance, now);
                typed.push(format!("{msg:.60?}"));
                let effects = update(&mut model, msg);
                pressed += 1;
                asked += u64::from(model.modal().is_some_and(Modal::commits));
                for effect in effects {
                    match effect {
                        Effect::Command(command) if matches!(command.get(), Command::Note { .. }) => {}
                        Effect::Command(command) => panic!("{name} at {size:?}: {command:?} after {typed:#?}"),
                        Effect::Screen(Screen::Quit) => model.close_all(),
                        _ => {}
                    }
                }
                if chance.below(3) > 0 {
                    look(&mut model, theme);
                }
            }
        }
    }
    println!("{pressed} keys, {asked} of them over a dialog that commits, nothing confirmed");
    assert!(asked > pressed / 20);
}
