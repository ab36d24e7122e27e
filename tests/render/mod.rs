//! The screen by value: what is written, and which role each stretch has.

mod ascii;
mod consent;
mod keys;
mod steps;

use midwatch::app::confirm::Authority;
use midwatch::app::msg::{Msg, PlanShown};
use midwatch::app::{Model, update};
use midwatch::config::theme::{Glyphs, Role, Theme};
use midwatch::demo::sample::{self, Story};
use midwatch::domain::clean::Depth;
use midwatch::domain::{Boot, Error, Kind, TargetKind};
use midwatch::journal::terms::{Span, WindowStanding};
use midwatch::ui::{ViewState, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::fmt::Write as _;

fn operator() -> Option<Authority> {
    Some(Authority::grant())
}

fn run(size: (u16, u16), story: &Story) -> Model {
    sample::following(size, operator(), story.view().unwrap(), true)
}

/// A console that walks a checklist.
fn walk(size: (u16, u16), authority: Option<Authority>, keys: &str) -> Model {
    pressed(sample::walking(size, authority, sample::checklist().view().unwrap(), None), keys)
}

fn both(size: (u16, u16), keys: &str) -> Model {
    let (list, beside) = (sample::checklist().view().unwrap(), sample::running().view().unwrap());
    pressed(sample::walking(size, operator(), list, Some(beside)), keys)
}

/// Draws one frame and hands what was seen back, as the terminal's owner does.
fn drawn(model: &mut Model, theme: &Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    let mut view = ViewState::default();
    terminal.draw(|frame| draw(frame, &model.snapshot(), theme, &mut view)).unwrap();
    model.drawn(view.seen, Boot(model.now.boot.0 - 1_000_000_000));
    terminal.backend().buffer().clone()
}

/// The grid, and below it the stretches of each row with their roles; plain text is left out.
fn shown(model: &mut Model) -> String {
    let theme = Theme::labelled(Glyphs::Unicode);
    let buffer = drawn(model, &theme);
    let area = buffer.area;
    let (mut grid, mut roles) = (String::new(), String::new());
    for y in 0..area.height {
        let mut line = String::new();
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        let mut skip = 0;
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            if skip > 0 {
                skip -= 1;
            } else {
                line.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            }
            let role = theme.role_of(cell.style()).filter(|role| *role != Role::UiText);
            let ground = theme.ground_of(cell.style());
            let name = match (role, ground) {
                (None, None) => continue,
                (role, ground) => {
                    [role, ground].into_iter().flatten().map(|role| role.to_string()).collect::<Vec<_>>().join(" on ")
                }
            };
            match runs.last_mut() {
                Some((_, end, last)) if *end + 1 == x && *last == name => *end = x,
                _ => runs.push((x, x, name)),
            }
        }
        writeln!(grid, "{}", line.trim_end()).unwrap();
        let border = |name: &str| name == "ui.border" || name == "ui.focus" || name == "ui.prompt";
        for (start, end, name) in runs.into_iter().filter(|(start, end, name)| !(border(name) && start == end)) {
            writeln!(roles, "{y}:{start}-{end} {name}").unwrap();
        }
    }
    format!("{grid}\n{roles}")
}

macro_rules! screen {
    ($name:ident, $model:expr) => {
        #[test]
        fn $name() {
            let mut model = $model;
            insta::assert_snapshot!(stringify!($name), shown(&mut model));
        }
    };
}

mod narrow;
mod others;
mod rows;
mod wallboard;

const SMALL: (u16, u16) = (80, 24);
const WIDE: (u16, u16) = (120, 36);
const HUGE: (u16, u16) = (200, 50);

fn pressed(mut model: Model, keys: &str) -> Model {
    sample::press(&mut model, keys);
    model
}

screen!(health_80x24, sample::healthy(SMALL, operator()));
screen!(health_120x36, pressed(sample::healthy(WIDE, operator()), "j j j"));
screen!(health_read_only_40x10, sample::healthy((40, 10), None));
screen!(leave_demo_80x24, pressed(sample::demo(SMALL, operator()), "q"));
screen!(leave_demo_remove_80x24, pressed(sample::demo(SMALL, operator()), "q j r e m o v e"));
screen!(leave_demo_with_a_live_run_80x24, {
    let mut model = sample::demo(SMALL, operator());
    update(&mut model, Msg::RunsListed(sample::runs()));
    pressed(model, "q j")
});
screen!(overview_120x36, sample::healthy(WIDE, operator()));
screen!(overview_200x50, pressed(run(HUGE, &sample::running()), "1 j"));
screen!(overview_without_a_run_200x50, sample::healthy(HUGE, operator()));
screen!(overview_of_a_run_120x36, pressed(run(WIDE, &sample::running()), "1"));
screen!(overview_interrupted_120x36, {
    let view = sample::interrupted().view().unwrap();
    pressed(sample::following(WIDE, operator(), view, false), "3 j j")
});
screen!(bare_80x24, pressed(sample::bare(SMALL, operator()), "2"));
screen!(bare_120x36, sample::bare(WIDE, operator()));
screen!(unread_120x36, sample::console(WIDE, operator()));
/// A run in a window that has not time enough for all of it.
fn windowed(size: (u16, u16), keys: &str) -> Model {
    let mut view = sample::running().view().unwrap();
    let open = Span { window: "weekly".to_owned(), from: sample::at(-2400), until: sample::at(451 + 2700) };
    view.window = Some(WindowStanding { open: Some(open), next: None });
    view.terms.budget.undo_s = Some(600);
    for (step, minutes) in [(2, 30), (3, 20)] {
        view.steps[step].head.takes_s = Some(60 * minutes);
    }
    pressed(sample::following(size, operator(), view, true), keys)
}

/// A plan that only its window refuses.
fn outside(size: (u16, u16)) -> Model {
    let mut model = pressed(sample::healthy(size, operator()), "/ s r v / c e l l Enter j x");
    let target = sample::id(TargetKind::Mount, "/srv/cell0");
    update(&mut model, Msg::Offered { target, offers: sample::offers(), withheld: Vec::new() });
    sample::press(&mut model, "j j Enter Enter");
    let message = "step 2 (Move rotated logs to the archive) is outside any maintenance window: no window is open; next: weekly at 2026-11-29 02:00 UTC";
    let refused = Some(Error::new(Kind::Refused, message));
    update(&mut model, Msg::Planned(Box::new(PlanShown { refused, late: true, ..sample::plan() })));
    model
}

screen!(run_in_a_window_80x24, windowed(SMALL, ""));
screen!(run_in_a_window_120x36, windowed(WIDE, "6 z"));
screen!(overview_of_a_run_in_a_window_120x36, windowed(WIDE, "1"));
screen!(plan_outside_its_window_80x24, pressed(outside(SMALL), ""));
screen!(emergency_80x24, pressed(outside(SMALL), "E d i s k"));
screen!(emergency_confirmation_80x24, pressed(outside(SMALL), "E d i s k Enter"));
screen!(run_of_an_emergency_80x24, {
    let mut view = sample::running().view().unwrap();
    view.terms.emergency = Some("the disk is full, and the queue with it".to_owned());
    sample::following(SMALL, operator(), view, true)
});
screen!(backups_80x24, pressed(sample::healthy(SMALL, operator()), "2 j"));
screen!(backups_200x50, pressed(sample::healthy(HUGE, operator()), "2 z"));
screen!(certificates_80x24, pressed(sample::healthy(SMALL, operator()), "3"));
screen!(certificates_200x50, pressed(sample::healthy(HUGE, operator()), "3 z j j"));
screen!(certificate_row_80x24, pressed(sample::healthy(SMALL, operator()), "3 j j j Enter"));
screen!(bloat_80x24, pressed(sample::healthy(SMALL, operator()), "4 j j"));
screen!(bloat_by_size_60x15, pressed(sample::healthy((60, 15), operator()), "4 o o o"));
screen!(bloat_200x50, pressed(sample::healthy(HUGE, operator()), "4 z"));
screen!(checklist_80x24, walk(SMALL, operator(), ""));
screen!(checklist_120x36, both(WIDE, "5 j"));
screen!(checklist_200x50, both(HUGE, "5 j"));
screen!(checklist_beside_health_120x36, walk(WIDE, operator(), "1"));
screen!(checklist_over_80x24, {
    sample::walking(SMALL, operator(), sample::finished_checklist().view().unwrap(), None)
});
screen!(checklist_without_runner_80x24, {
    let mut model = walk(SMALL, operator(), "");
    let view = Box::new(sample::checklist().view().unwrap());
    update(&mut model, Msg::RunFolded { view, runner_lives: false });
    model
});
screen!(no_checklist_80x24, pressed(sample::healthy(SMALL, operator()), "5 j"));
screen!(no_checklist_120x36, pressed(sample::healthy(WIDE, operator()), "5"));
screen!(prompt_four_eyes_80x24, run(SMALL, &sample::four_eyes()));
screen!(prompt_confirmed_80x24, run(SMALL, &sample::confirmed()));
screen!(prompt_break_glass_80x24, pressed(run(SMALL, &sample::confirmed()), "Tab x"));
screen!(prompt_second_person_80x24, {
    let mut model = run(SMALL, &sample::confirmed_by_another());
    model.me = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me };
    model
});
screen!(prompt_approve_start_80x24, {
    let mut model = run(SMALL, &sample::start_to_approve());
    model.me = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me };
    model
});
screen!(prompt_second_person_read_only_80x24, {
    pressed(sample::following(SMALL, None, sample::confirmed().view().unwrap(), true), "6 Enter")
});
screen!(glass_120x36, run(WIDE, &sample::break_glass()));
screen!(run_with_company_120x36, {
    let mut model = run(WIDE, &sample::running());
    let person = |name: &str, pid, may_act| {
        let actor = midwatch::domain::Actor { pid, name: name.to_owned(), ..model.me.clone() };
        midwatch::domain::Attendee { actor, may_act }
    };
    let people = vec![person("operator", model.me.pid, true), person("lena", 7, true), person("wall", 8, false)];
    let run = model.run.following.clone().unwrap();
    update(&mut model, Msg::PeopleSeen { run, people });
    model
});
screen!(item_failed_80x24, walk(SMALL, operator(), "j Enter"));
screen!(item_failed_120x36, walk(WIDE, operator(), "j Enter"));
screen!(item_signed_200x50, walk(HUGE, operator(), "j j Enter"));
screen!(item_notes_80x24, walk(SMALL, operator(), "j j Enter"));
screen!(item_claim_80x24, walk(SMALL, operator(), "G k k Enter"));
screen!(item_second_person_80x24, walk(SMALL, operator(), "j j j Enter"));
screen!(item_read_only_80x24, walk(SMALL, None, "j Enter"));
screen!(item_scrolls_60x15, walk((60, 15), operator(), "j j Enter"));
screen!(item_by_hand_80x24, walk(SMALL, operator(), "j j Enter m a l l"));
screen!(item_by_hand_signs_80x24, walk(SMALL, operator(), "j j Enter m a l l Tab"));
screen!(item_asks_80x24, sample::walking(SMALL, operator(), sample::checklist_asks().view().unwrap(), None));
screen!(log_zoomed_120x36, pressed(run(WIDE, &sample::running()), "7 z"));
screen!(filtered_120x36, pressed(sample::healthy(WIDE, operator()), "4 / t a s k s Enter"));
screen!(too_small_30x8, sample::healthy((30, 8), operator()));
screen!(running_120x36, run(WIDE, &sample::running()));
screen!(running_80x24, run(SMALL, &sample::running()));
screen!(running_from_health_80x24, pressed(run(SMALL, &sample::running()), "1"));
screen!(change_80x24, run(SMALL, &sample::change()));
screen!(change_120x36, run(WIDE, &sample::change()));
screen!(change_40x10, run((40, 10), &sample::change()));
screen!(destroy_80x24, run(SMALL, &sample::destroy()));
screen!(destroy_200x50, pressed(run(HUGE, &sample::destroy()), "d e l e t e"));
screen!(destroy_wrong_phrase_100x30, pressed(run((100, 30), &sample::destroy()), "d e l Enter"));
screen!(destroy_scrolls_60x15, run((60, 15), &sample::destroy()));
screen!(decide_100x30, pressed(run((100, 30), &sample::decide()), "j j"));
screen!(waiting_120x36, pressed(run(WIDE, &sample::decide()), "Esc"));
screen!(sign_80x24, run(SMALL, &sample::sign()));
screen!(interrupted_80x24, sample::following(SMALL, operator(), sample::interrupted().view().unwrap(), false));
screen!(finished_120x36, run(WIDE, &sample::finished()));
screen!(step_80x24, pressed(run(SMALL, &sample::finished()), "G k k Enter"));
screen!(row_80x24, pressed(sample::healthy(SMALL, operator()), "j Enter"));
screen!(help_80x24, pressed(sample::healthy(SMALL, operator()), "?"));
screen!(help_read_only_80x24, pressed(sample::healthy(SMALL, None), "? G"));
screen!(palette_80x24, pressed(run(SMALL, &sample::running()), ": r e"));
screen!(log_80x24, pressed(run(SMALL, &sample::running()), "l t"));
screen!(abort_80x24, pressed(run(SMALL, &sample::finished_but_last()), "g x"));
screen!(note_80x24, pressed(run(SMALL, &sample::running()), "N h e l l o Enter t h e r e"));

#[test]
fn moved_80x24() {
    let mut model = run(SMALL, &sample::destroy());
    let view = Box::new(sample::drifted().view().unwrap());
    update(&mut model, Msg::RunFolded { view, runner_lives: true });
    insta::assert_snapshot!("moved_80x24", shown(&mut model));
}

#[test]
fn log_search_120x36() {
    let mut model = pressed(run(WIDE, &sample::running()), "l / f i l e s Enter");
    let mut page = model.log.page.clone().unwrap();
    (page.following, page.searched, page.found, page.dropped) = (false, true, Some(5), 12_004_000);
    sample::read_log(&mut model, page);
    insta::assert_snapshot!("log_search_120x36", shown(&mut model));
}

#[test]
fn offers_params_and_plan_100x30() {
    let mut model = pressed(sample::healthy((100, 30), operator()), "/ s r v / c e l l Enter j x");
    update(
        &mut model,
        Msg::Offered {
            target: sample::id(TargetKind::Mount, "/srv/cell0"),
            offers: sample::offers(),
            withheld: Vec::new(),
        },
    );
    insta::assert_snapshot!("offers_100x30", shown(&mut model));
    sample::press(&mut model, "j Enter 3 0");
    insta::assert_snapshot!("params_100x30", shown(&mut model));
    sample::press(&mut model, "Esc j Enter Enter");
    update(&mut model, Msg::Planned(Box::new(sample::plan())));
    insta::assert_snapshot!("plan_100x30", shown(&mut model));
}

#[test]
fn a_row_that_no_procedure_applies_to_80x24() {
    let mut model = pressed(sample::healthy(SMALL, operator()), "/ s r v / c e l l Enter j x");
    let target = sample::id(TargetKind::Mount, "/srv/cell0");
    let withheld = vec![
        "cell0/data-retention needs used_ratio > 0.8 (0.41 now)".to_owned(),
        "cell0/rotate-logs needs a row that is named in the estate file (this one is not)".to_owned(),
    ];
    update(&mut model, Msg::Offered { target, offers: Vec::new(), withheld });
    let screen = shown(&mut model);
    assert!(screen.contains("2 procedures act on mounts. None applies here:"), "{screen}");
    insta::assert_snapshot!("offers_none_applies_80x24", screen);
}

#[test]
fn params_that_are_wrong_80x24() {
    let mut model = pressed(sample::healthy(SMALL, operator()), "/ s r v / c e l l Enter j x");
    let target = sample::id(TargetKind::Mount, "/srv/cell0");
    update(&mut model, Msg::Offered { target, offers: sample::offers(), withheld: Vec::new() });
    sample::press(&mut model, "j j Enter Enter");
    let message = "cannot plan cell0/data-retention:\n  p.toml:17:1: `root` must be an absolute path\n  p.toml:18:1: `days` must be a number";
    let procedure = sample::plan().plan.id;
    update(&mut model, Msg::PlanRefused { procedure, error: Error::new(Kind::Usage, message) });
    let screen = shown(&mut model);
    assert!(!screen.contains("^J"), "each thing has a line of its own: {screen}");
    insta::assert_snapshot!("params_that_are_wrong_80x24", screen);
}

#[test]
fn runs_80x24() {
    let mut model = sample::healthy(SMALL, operator());
    update(&mut model, Msg::RunsListed(sample::runs()));
    sample::press(&mut model, "R j");
    insta::assert_snapshot!("runs_80x24", shown(&mut model));
}

/// Every scene, for the tests that look at all of them.
fn scenes(size: (u16, u16)) -> Vec<Model> {
    let stories = [
        sample::running(),
        sample::change(),
        sample::destroy(),
        sample::decide(),
        sample::sign(),
        sample::drifted(),
        sample::finished(),
        sample::checklist(),
    ];
    let mut models: Vec<Model> = stories.iter().map(|story| run(size, story)).collect();
    for keys in [
        "", "j", "?", ":", "R", "j Enter", "j x", "2", "3", "4", "5", "6", "7", "z", "7 w t", "2 z", "o", "Ctrl-C",
        "/ a",
    ] {
        models.push(pressed(sample::healthy(size, operator()), keys));
    }
    models.push(sample::bare(size, operator()));
    for keys in ["", "Enter", "j j Enter m a", "1", "z", "j l"] {
        models.push(walk(size, operator(), keys));
    }
    models.push(sample::walking(size, operator(), sample::checklist_asks().view().unwrap(), None));
    for keys in ["N", "g x", "Enter", "l w t", "1 j", "5", "6 z", "7 z"] {
        models.push(pressed(run(size, &sample::running()), keys));
    }
    models
}

#[test]
fn no_size_makes_it_panic() {
    let (theme, _) = Theme::load("night", &[], Depth::True, Glyphs::Unicode);
    let ascii = Theme::labelled(Glyphs::Ascii);
    let edges = [0, 1, 9, 10, 14, 15, 27, 28, 39, 40, 59, 60, 110, 500];
    let sizes = edges.iter().flat_map(|width| edges.iter().map(move |height| (*width, *height)));
    for size in sizes.filter(|(width, height)| (*width < 500 && *height < 500) || width == height) {
        // Where nothing is drawn, one scene is as good as all.
        let enough = if size.0 < 40 || size.1 < 10 || size.0 == 500 { 3 } else { usize::MAX };
        for mut model in scenes(size).into_iter().take(enough) {
            drawn(&mut model, &theme);
        }
    }
    for mut model in [(0, 0), (40, 10), (60, 15)].into_iter().flat_map(scenes) {
        drawn(&mut model, &ascii);
    }
}

#[test]
fn in_ascii_only_ascii_is_drawn_of_our_own() {
    let theme = Theme::labelled(Glyphs::Ascii);
    for mut model in scenes(WIDE) {
        let log = model.log.page.as_mut();
        if let Some(page) = log {
            page.lines.retain(|line| line.bytes.is_ascii());
        }
        let buffer = drawn(&mut model, &theme);
        let strange = |symbol: &&str| !symbol.is_ascii();
        let found: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).filter(strange).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn nothing_drawn_holds_a_control_character() {
    let theme = Theme::labelled(Glyphs::Unicode);
    for mut model in scenes(WIDE).into_iter().chain(scenes(SMALL)) {
        let buffer = drawn(&mut model, &theme);
        assert!(buffer.content.iter().all(|cell| cell.symbol().chars().all(|c| !c.is_control())));
    }
}
