//! What must be read before it is confirmed: every row of a dialog, wherever it had to be scrolled to, really was on the screen.

use super::wild::look;
use super::{answer, command, dialog, following, press};
use midwatch::app::confirm::Authority;
use midwatch::app::effect::{Command, Effect, Query};
use midwatch::app::modal::Modal;
use midwatch::app::modal::pages::INLINE;
use midwatch::app::msg::{Msg, PlanShown};
use midwatch::app::{Model, update};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::key::Key;
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Error, Item, Kind};
use midwatch::journal::fold::RunView;
use midwatch::journal::record::{Answer, Ask, Choice};
use midwatch::procedure::plan::Plan;

pub const SIZES: [(u16, u16); 5] = [(40, 10), (60, 15), (80, 24), (120, 36), (200, 50)];

pub fn confirms(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Command(_)))
}

/// Draws the screen, looks at it for a second, and presses a key; gives the screen as it was before, and what came of the key.
pub fn read(model: &mut Model, key: &str) -> (String, Vec<Effect>) {
    let screen = look(model, &Theme::labelled(Glyphs::Unicode));
    let now = Now { boot: Boot(model.now.boot.0 + 1_000_000_000), ..model.now };
    (screen, update(model, Msg::KeyPressed(Key::parse(key).unwrap(), now)))
}

/// Presses keys, each after the screen was really drawn.
pub fn reads(model: &mut Model, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|key| read(model, key).1).collect()
}

/// A line that is wider than a small screen.
pub fn finding(number: usize) -> String {
    format!("line {number}: a variable that is not quoted is split at blanks: SC{}", 2000 + number)
}

/// A run that asks for a change with so many warnings.
fn warned(of: &sample::Story, warnings: usize) -> RunView {
    let mut view = of.view().unwrap();
    let open = view.prompt.as_mut().unwrap();
    let Ask::Confirm { preview, .. } = &mut open.ask else { panic!("{:?}", open.ask) };
    preview.warnings = (1..=warnings).map(finding).collect();
    view
}

pub fn tall(size: (u16, u16), warnings: usize) -> Model {
    sample::following(size, Some(Authority::grant()), warned(&sample::change(), warnings), true)
}

/// Pages to the end, and gives all that was on the screen on the way.
pub fn page_through(model: &mut Model) -> Vec<String> {
    let mut screens = Vec::new();
    loop {
        let (screen, effects) = read(model, "PageDown");
        assert_eq!(effects, []);
        if screens.last() == Some(&screen) {
            return screens;
        }
        screens.push(screen);
        assert!(screens.len() < 800, "{}", screens.last().unwrap());
    }
}

/// The words of a screen without its frames, so that a line can be found over any number of rows.
pub fn words(screen: &str) -> String {
    screen.replace(['┃', '\n', ' '], "")
}

fn hint(model: &Model) -> &str {
    dialog(model).hint.as_deref().unwrap_or_default()
}

#[test]
fn a_prompt_that_is_higher_than_the_screen_is_read_row_by_row_and_then_confirmed() {
    for size in SIZES {
        let mut model = tall(size, 150);
        assert!(!confirms(&reads(&mut model, "c")), "{size:?}");
        assert!(hint(&model).contains("not on the screen yet: PgDn goes there"), "{size:?}: {}", hint(&model));
        let (refused, _) = read(&mut model, "F5");
        assert!(words(&refused).contains("notonthescreenyet:PgDngoesthere"), "{size:?}: {refused}");
        // A jump to the end reads nothing of what lies between.
        assert!(!confirms(&reads(&mut model, "G c")), "{size:?}");
        assert!(hint(&model).contains("PgUp goes there"), "{size:?}: {}", hint(&model));
        reads(&mut model, "g g");
        let screens = page_through(&mut model);
        let all: String = screens.iter().map(|screen| words(screen)).collect();
        for number in 1..=150 {
            let finding = finding(number).replace(' ', "");
            assert!(all.contains(&finding), "{size:?}: no screen shows {finding}");
        }
        for screen in &screens {
            assert!(screen.contains("CHANGE") && screen.contains("Press  c  to confirm"), "{size:?}: {screen}");
            assert!(screen.contains("rows ") && (screen.contains("· PgDn") || screen.contains("· PgUp")), "{screen}");
        }
        assert!(screens[0].contains(" rows 1–"), "{}", screens[0]);
        assert_eq!(answer(&reads(&mut model, "c")), Answer::Confirm { typed: "change".to_owned() }, "{size:?}");
    }
}

#[test]
fn a_page_that_no_frame_showed_is_not_read_however_many_keys_pass_over_it() {
    let mut model = tall((80, 24), 60);
    look(&mut model, &Theme::labelled(Glyphs::Unicode));
    for _ in 0..200 {
        let now = Now { boot: Boot(model.now.boot.0 + 1_000_000_000), ..model.now };
        assert_eq!(update(&mut model, Msg::KeyPressed(Key::parse("PageDown").unwrap(), now)), []);
    }
    assert!(!confirms(&reads(&mut model, "c")));
    assert!(hint(&model).contains("PgUp goes there"), "{}", hint(&model));
}

#[test]
fn what_comes_onto_the_screen_is_looked_at_before_a_key_counts() {
    let mut model = tall((80, 24), 20);
    let theme = Theme::labelled(Glyphs::Unicode);
    page_through(&mut model);
    let mut again = tall((80, 24), 20);
    reads(&mut again, "PageDown");
    while again.unread().is_some() {
        // On a slow line it is there long after the key.
        again.now = Now { boot: Boot(again.now.boot.0 + 5_000_000_000), ..again.now };
        look(&mut again, &theme);
        let now = Now { boot: Boot(again.now.boot.0 + 1_000_000), ..again.now };
        if again.unread().is_some() {
            update(&mut again, Msg::KeyPressed(Key::parse("PageDown").unwrap(), now));
        }
    }
    // It has just been drawn.
    let soon = |model: &Model, ms: u64| Now { boot: Boot(model.now.boot.0 + ms * 1_000_000), ..model.now };
    let at = soon(&again, 390);
    assert!(!confirms(&update(&mut again, Msg::KeyPressed(Key::char('c'), at))));
    assert!(confirms(&reads(&mut again, "c")));
    assert!(confirms(&reads(&mut model, "c")));
}

#[test]
fn a_phrase_counts_once_all_was_read_and_is_typed_beside_it() {
    let mut model = sample::following((60, 15), Some(Authority::grant()), warned(&sample::destroy(), 30), true);
    assert!(!confirms(&reads(&mut model, &format!("{} Enter", super::typed("delete 1284 files")))));
    assert!(hint(&model).contains("PgDn goes there"), "{}", hint(&model));
    page_through(&mut model);
    assert_eq!(dialog(&model).field.text(), "delete 1284 files", "a key that scrolls is no letter");
    assert_eq!(answer(&reads(&mut model, "Enter")), Answer::Confirm { typed: "delete 1284 files".to_owned() });
}

#[test]
fn what_was_read_stays_read_at_another_size_and_what_was_not_does_not() {
    for (from, to) in [((80, 24), (60, 15)), ((60, 15), (120, 36)), ((40, 10), (200, 50)), ((200, 50), (40, 10))] {
        let mut model = tall(from, 60);
        page_through(&mut model);
        update(&mut model, Msg::Resized(to.0, to.1));
        let now = model.now;
        assert!(!confirms(&update(&mut model, Msg::KeyPressed(Key::char('c'), now))), "no frame of this size: {to:?}");
        assert!(confirms(&reads(&mut model, "c")), "{from:?} {to:?}: {}", hint(&model));
        let mut model = tall(from, 60);
        reads(&mut model, "PageDown");
        update(&mut model, Msg::Resized(to.0, to.1));
        assert!(!confirms(&reads(&mut model, "c")), "{from:?} {to:?}");
    }
}

#[test]
fn every_page_is_read_before_c_counts() {
    let mut model = following(&sample::changes("sync\n"));
    assert_eq!(dialog(&model).pages(), 2);
    assert!(!confirms(&press(&mut model, "c")));
    assert!(hint(&model).starts_with("page 2 was not on the screen yet: j turns to it"), "{}", hint(&model));
    press(&mut model, "j");
    assert_eq!(dialog(&model).page().unwrap().step, 3);
    assert_eq!(answer(&press(&mut model, "c")), Answer::Confirm { typed: "change".to_owned() });
    // Where a page is higher than the screen, the key that turns it scrolls to its end first.
    for size in SIZES {
        let mut model = sample::following(size, Some(Authority::grant()), warned(&sample::changes("sync\n"), 40), true);
        reads(&mut model, "j");
        assert_eq!(dialog(&model).page, 0, "{size:?}");
        let mut pressed = 0;
        while model.unread().is_some() {
            reads(&mut model, "j");
            pressed += 1;
            assert!(pressed < 400, "{size:?}: {:?}", model.unread());
        }
        assert_eq!(dialog(&model).page, 1, "{size:?}");
        assert!(confirms(&reads(&mut model, "c")), "{size:?}");
    }
}

#[test]
fn a_long_script_is_read_line_by_line_before_c_counts() {
    let lines = INLINE * 8;
    let long: String = (1..=lines).map(|number| format!("echo {number}\n")).collect();
    for size in SIZES {
        let story = sample::changes(&long);
        let mut model = sample::following(size, Some(Authority::grant()), story.view().unwrap(), true);
        page_through(&mut model);
        reads(&mut model, "j");
        page_through(&mut model);
        let pages = |model: &mut Model| {
            while dialog(model).page > 0 {
                reads(model, "k");
            }
        };
        pages(&mut model);
        assert!(!confirms(&reads(&mut model, "c")), "{size:?}");
        assert_eq!(hint(&model), "the text was not on the screen yet: v shows it", "{size:?}");
        assert_eq!(reads(&mut model, "v"), [], "its lines are at hand: nothing is asked for");
        assert!(matches!(model.modal(), Some(Modal::Script { listing, .. }) if listing.text == long));
        // Opened and left, or with a jump to its end: the middle was never on the screen.
        for keys in ["Esc", "v G Esc"] {
            reads(&mut model, keys);
            assert!(!confirms(&reads(&mut model, "c")), "{size:?}");
            assert!(hint(&model).starts_with("the text's rows "), "{size:?}: {}", hint(&model));
        }
        reads(&mut model, "v");
        page_through(&mut model);
        reads(&mut model, "Esc");
        assert!(confirms(&reads(&mut model, "c")), "{size:?}: {}", hint(&model));
    }
}

#[test]
fn a_decision_scrolls_by_pages_and_is_chosen_step_by_step() {
    let mut view = sample::decide().view().unwrap();
    let Ask::Decide { text, .. } = &mut view.prompt.as_mut().unwrap().ask else { panic!() };
    *text = (1..=40).map(|number| format!("the file {number} could not be removed. ")).collect();
    for size in [(40, 10), (60, 15), (80, 24)] {
        let mut model = sample::following(size, Some(Authority::grant()), view.clone(), true);
        assert!(!confirms(&reads(&mut model, "j c")), "{size:?}");
        assert_eq!(dialog(&model).chosen(), Some(Choice::Rollback), "{size:?}");
        assert!(hint(&model).contains("PgDn goes there"), "{size:?}: {}", hint(&model));
        page_through(&mut model);
        assert_eq!(dialog(&model).chosen(), Some(Choice::Rollback), "a page chooses nothing: {size:?}");
        let effects = reads(&mut model, "c");
        assert_eq!(answer(&effects), Answer::Decide { choice: Choice::Rollback, reason: String::new() }, "{size:?}");
    }
}

#[test]
fn a_plan_is_read_to_its_end_before_it_starts() {
    let planned = |size: (u16, u16), shown: PlanShown| {
        let mut model = super::prompts::planned(shown);
        update(&mut model, Msg::Resized(size.0, size.1));
        model
    };
    // One that fits is read at once.
    assert!(confirms(&reads(&mut planned((200, 50), sample::plan()), "c")));
    for size in [(40, 10), (60, 15), (80, 24)] {
        let purpose = "Deletes sessions, archives and backups past retention. ".repeat(60);
        let plan = PlanShown { plan: Plan { purpose, ..sample::plan().plan }, ..sample::plan() };
        let mut model = planned(size, plan);
        assert!(!confirms(&reads(&mut model, "c")), "{size:?}");
        // The footer is behind the dialog, which shows it itself.
        let (refused, _) = read(&mut model, "G");
        assert!(words(&refused).contains("notonthescreenyet:PgDngoesthere"), "{size:?}: {refused}");
        reads(&mut model, "g g");
        for screen in page_through(&mut model) {
            let cut = screen.lines().find(|line| line.contains('┃') && line.contains('…'));
            assert_eq!(cut, None, "{size:?}: a line of what is started is cut");
        }
        assert!(matches!(command(&reads(&mut model, "c")), Command::StartRun { .. }), "{size:?}");
    }
    // An emergency starts the same plan.
    let late = PlanShown { refused: Some(Error::new(Kind::Refused, "no window")), late: true, ..sample::plan() };
    let mut model = planned((60, 15), late);
    reads(&mut model, "E");
    assert!(matches!(model.modal(), Some(Modal::Plan { .. })));
    page_through(&mut model);
    reads(&mut model, "E d i s k Enter");
    let (confirmation, _) = read(&mut model, "F5");
    assert!(confirmation.contains("reason    disk") && confirmation.contains("START it outside the window"));
    page_through(&mut model);
    assert!(matches!(command(&reads(&mut model, "c")), Command::StartRun { .. }));
}

#[test]
fn what_stopping_a_run_undoes_is_read_before_it_is_stopped() {
    let mut view = sample::finished_but_last().view().unwrap();
    let pending = view.pending_undos();
    for number in &pending {
        view.steps[*number as usize].head.undo = "moves every one of the files back ".repeat(60);
    }
    assert!(!pending.is_empty());
    for size in [(40, 10), (60, 15), (80, 24)] {
        let mut model = sample::following(size, Some(Authority::grant()), view.clone(), true);
        assert!(!confirms(&reads(&mut model, "g x j j c")), "{size:?}");
        page_through(&mut model);
        assert!(matches!(command(&reads(&mut model, "c")), Command::Abort { undo: true, .. }), "{size:?}");
    }
}

#[test]
fn every_name_of_a_frozen_set_is_read_to_its_end_at_any_size() {
    let name = |number: u64| format!("{}/the-last-part-{number:05}.json", "a-directory-with-a-long-name/".repeat(9));
    let total = 10_000;
    for size in SIZES {
        let mut model = following(&sample::destroy());
        update(&mut model, Msg::Resized(size.0, size.1));
        let answer = |model: &mut Model, effects: Vec<Effect>| {
            let wanted = effects.into_iter().find_map(|effect| match effect {
                Effect::Query(Query::ListSet { from, rows, .. }) => Some((from, u64::from(rows))),
                _ => None,
            });
            if let Some((from, rows)) = wanted {
                let item = |number| Item { name: name(number), bytes: Some(1000), modified: None, to: None };
                let items = (from..(from + rows).min(total)).map(item).collect();
                let Some(Modal::SetList(list)) = model.modal() else { panic!("{:?}", model.modal()) };
                let set = list.set.clone();
                update(model, Msg::SetListed { set, from, total, items });
            }
        };
        let go = |model: &mut Model, key: &str| {
            let effects = reads(model, key);
            answer(model, effects);
        };
        go(&mut model, "Tab v");
        let mut all = String::new();
        let mut last = String::new();
        for _ in 0..120 {
            last = look(&mut model, &Theme::labelled(Glyphs::Unicode));
            // A page begins with the last row of the one before.
            let rows = last.lines().skip_while(|line| !line.contains("Frozen set"));
            let rows = rows.skip(1).filter_map(|line| line.split('┃').nth(1));
            let rows: String = rows.skip(usize::from(!all.is_empty())).collect();
            all.push_str(&words(&rows).replace("1000B", ""));
            go(&mut model, "PageDown");
        }
        let whole = |number: u64| all.contains(&format!("{number}{}", name(number - 1)));
        assert!((1..=9).all(whole), "{size:?}: {last}");
        // Row by row there and back.
        go(&mut model, "g g");
        let start = look(&mut model, &Theme::labelled(Glyphs::Unicode));
        for key in ["j", "k"] {
            for _ in 0..40 {
                go(&mut model, key);
            }
        }
        assert_eq!(look(&mut model, &Theme::labelled(Glyphs::Unicode)), start, "{size:?}");
        go(&mut model, "G");
        let end = look(&mut model, &Theme::labelled(Glyphs::Unicode));
        assert!(words(&end).contains("part-09999.json"), "{size:?}: {end}");
        go(&mut model, "k");
        assert_ne!(look(&mut model, &Theme::labelled(Glyphs::Unicode)), end, "the key moves at once: {size:?}");
    }
}
