//! Runs that are on no pane: the banner and the wallboard name them.

use super::*;
use midwatch::app::msg::RunSummary;
use midwatch::app::wallboard::Wallboard;
use midwatch::domain::RunStatus;

/// Runs beside the one that is followed.
fn beside(mut model: Model, statuses: &[RunStatus]) -> Model {
    let mut runs: Vec<RunSummary> = sample::runs().into_iter().skip(1).cycle().take(statuses.len()).collect();
    for ((run, status), number) in runs.iter_mut().zip(statuses).zip(1..) {
        run.id = midwatch::domain::RunId::new(number, 5);
        (run.status, run.damage) = (*status, None);
    }
    let id = model.run.following.clone();
    runs.extend(id.map(|id| RunSummary { id, ..sample::runs()[0].clone() }));
    update(&mut model, Msg::RunsListed(runs));
    model
}

/// The row of the banner.
fn banner(mut model: Model) -> String {
    let screen = shown(&mut model);
    screen.lines().find(|line| line.contains("waiting") || line.contains("opens it")).unwrap_or_default().to_owned()
}

use RunStatus::{Running, Waiting};

screen!(item_by_hand_lacks_60x15, walk((60, 15), operator(), "j j Enter m Tab"));
screen!(others_80x24, beside(pressed(run(SMALL, &sample::running()), "1"), &[Waiting]));
screen!(others_120x36, beside(pressed(run(WIDE, &sample::running()), "1"), &[Running, Waiting, Running]));
screen!(others_beside_a_prompt_120x36, beside(pressed(run(WIDE, &sample::change()), "Esc 1"), &[Waiting]));
screen!(wall_of_several_runs_80x24, {
    let mut model = beside(run(SMALL, &sample::change()), &[Waiting]);
    model.wallboard = Some(Wallboard::new(model.now.boot));
    model
});
screen!(no_window_80x24, {
    let mut model = sample::healthy(SMALL, operator());
    model.window = midwatch::app::window::WindowWatch::new(
        midwatch::calendar::Calendar::default(),
        Some(midwatch::config::estate::Environment::Production),
        model.now.wall,
    );
    model
});

#[test]
fn a_banner_keeps_what_opens_a_prompt_and_the_count_where_room_is_short() {
    let at = |columns: u16| banner(beside(pressed(run((columns, 24), &sample::change()), "Esc 1"), &[Waiting]));
    for (columns, text) in [(40, "opens it"), (60, "+1 more run waits"), (120, "+1 more run waits: Move rotated")] {
        let row = at(columns);
        assert!(row.contains("opens it") && row.contains(text), "{columns}: {row}");
    }
    let at = |columns: u16| banner(beside(pressed(run((columns, 24), &sample::running()), "1"), &[Waiting]));
    for columns in [40, 60, 80] {
        assert!(at(columns).contains("R lists"), "{columns}: {}", at(columns));
    }
}

#[test]
fn what_a_checklist_holds_beyond_the_screen_is_counted_in_items() {
    let items = sample::checklists()[0].items.len();
    let mut cut = 0;
    for rows in 12..30 {
        let screen = shown(&mut pressed(sample::healthy((80, rows), operator()), "5"));
        let ticks = screen.lines().filter(|line| line.contains('☐')).count();
        let more = screen.lines().find(|line| line.contains(" more item"));
        let more =
            more.map_or(0, |line| line.trim_matches(['┃', ' ']).split(' ').next().unwrap().parse::<usize>().unwrap());
        cut += usize::from(more > 0);
        assert!(ticks == 0 && more == 0 || ticks + more == items, "{rows}: {screen}");
    }
    assert!(cut > 1, "some of these screens are too low for all items");
}

#[test]
fn the_time_of_a_plan_does_not_reckon_with_limits_and_an_undo_that_asks_nothing_says_so() {
    let takes = |is_known: bool| {
        let mut view = sample::running().view().unwrap();
        let last = view.steps.iter().rposition(|step| step.changes() && !step.state.is_over()).unwrap();
        for (place, step) in view.steps.iter_mut().enumerate() {
            (step.head.timing.pace, step.head.timing.timeout_s) = (None, Some(3600));
            step.head.takes_s = (is_known || place != last).then_some(60);
        }
        view.steps[2].head.undo_of = vec![1];
        let shown = Box::new(PlanShown { preflight: Some(Box::new(view)), ..sample::plan() });
        let mut model = sample::healthy(WIDE, operator());
        model.open(midwatch::app::modal::Modal::Plan { shown, scroll: 0, sent: false });
        self::shown(&mut model)
    };
    for (is_known, text) in [(true, " m in all"), (false, " m, and up to 1 h for 1 step of which it is not known")] {
        let screen = takes(is_known);
        assert!(screen.contains(text) && screen.contains("undoes step 2; asks nothing"), "{is_known}: {screen}");
    }
}

#[test]
fn a_checklist_of_another_estate_is_named_as_such_in_its_pane_and_in_its_items() {
    for size in [SMALL, (100, 30), WIDE, HUGE] {
        let mut list = sample::checklist().view().unwrap();
        (list.estate, list.environment) = ("novacron".to_owned(), "production".to_owned());
        let own = shown(&mut pressed(sample::walking(size, operator(), list.clone(), None), "5"));
        assert!(!own.contains("estate "), "{size:?}: {own}");
        (list.estate, list.environment) = ("shop".to_owned(), "staging".to_owned());
        let mut model = pressed(sample::walking(size, operator(), list, None), "5");
        let screen = shown(&mut model);
        assert!(screen.contains("5 Checklist  estate shop · STAGING"), "{size:?}: {screen}");
        let screen = shown(&mut pressed(model, "Enter"));
        let dialog: Vec<&str> = screen.lines().skip_while(|line| !line.contains("━━ Weekly")).take(3).collect();
        let heading = dialog.concat().replace(['┃', ' '], "");
        assert!(heading.contains("estateshop·STAGING"), "{size:?}: {screen}");
    }
}

#[test]
fn the_heading_of_a_prompt_stands_whole_however_narrow_the_screen_is() {
    for width in [40, 46, 60, 80, 120] {
        let screen = shown(&mut run((width, 30), &sample::destroy()));
        let dialog: Vec<&str> = screen.lines().skip_while(|line| !line.contains("DESTROY ━━")).take(4).collect();
        let words = dialog.concat().replace(['┃', '┏', '┓', ' '], "");
        assert!(words.contains("step3of5") && words.contains("STAGING"), "{width}: {screen}");
    }
}
