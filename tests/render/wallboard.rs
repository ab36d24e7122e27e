//! The wallboard, and edits of the estate.

use super::*;

/// A wallboard.
fn wall(mut model: Model) -> Model {
    model.wallboard = Some(midwatch::app::wallboard::Wallboard::new(model.now.boot));
    model
}

screen!(wall_checklist_120x36, wall(walk(WIDE, None, "")));
screen!(wall_80x24, wall(sample::healthy(SMALL, None)));
screen!(wall_120x36, wall(sample::healthy(WIDE, None)));
screen!(wall_of_a_run_200x50, wall(run(HUGE, &sample::running())));
screen!(wall_40x10, wall(sample::healthy((40, 10), None)));
screen!(wall_with_a_wrong_edit_120x36, {
    let mut model = wall(sample::healthy(WIDE, None));
    let why = "midwatch.toml:12:1: there is no environment \"moon\"";
    update(&mut model, Msg::EstateEdited(Err(why.to_owned())));
    model
});
screen!(edited_estate_120x36, {
    let mut model = sample::healthy(WIDE, operator());
    update(&mut model, Msg::EstateEdited(Ok(true)));
    model
});

#[test]
fn the_pane_of_a_run_names_an_estate_that_is_not_the_one_of_the_header() {
    for size in [SMALL, (100, 30), WIDE, HUGE] {
        let mut model = run(size, &sample::running());
        assert!(!shown(&mut model).contains("estate novacron"));
        model.estate = "shop".to_owned();
        assert!(shown(&mut model).contains("estate novacron · STAGING"), "{size:?}");
        model.estate = "novacron".to_owned();
        model.environment = "production".to_owned();
        assert!(shown(&mut model).contains("estate novacron · STAGING"), "{size:?}");
    }
}
