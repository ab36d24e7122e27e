//! A start outside the window: a reason, and then a confirmation of its own.

use super::prompts::planned;
use super::{command, press};
use midwatch::app::effect::Command;
use midwatch::app::modal::Modal;
use midwatch::app::msg::{Msg, PlanShown};
use midwatch::app::update;
use midwatch::demo::sample;
use midwatch::domain::{Error, Kind, RunId};

#[test]
fn what_only_its_window_refuses_can_be_an_emergency_with_a_reason() {
    let outside = || Some(Error::new(Kind::Refused, "no window is open; next: weekly at 2026-11-29 02:00 UTC"));
    let other = PlanShown { refused: outside(), late: false, ..sample::plan() };
    let mut model = planned(other);
    assert_eq!(press(&mut model, "E"), []);
    assert!(matches!(model.modal(), Some(Modal::Plan { .. })), "what policy refuses is not");
    let mut model = planned(PlanShown { refused: outside(), late: true, ..sample::plan() });
    assert_eq!(press(&mut model, "c"), [], "it is refused as it is");
    press(&mut model, "E");
    sample::looked_at(&mut model);
    assert_eq!(press(&mut model, "Enter"), []);
    let Some(Modal::Emergency(emergency)) = model.modal() else { panic!() };
    assert!(emergency.hint.as_ref().unwrap().contains("needs a reason"));
    // The key that ends the reason starts nothing, however often it is pressed, and neither does one typed on behind it.
    assert_eq!(press(&mut model, "d i s k Enter Enter Enter"), []);
    let Some(Modal::Emergency(emergency)) = model.modal() else { panic!() };
    assert!(emergency.confirming && !emergency.sent);
    press(&mut model, "Esc Space c Enter");
    let Some(Modal::Emergency(emergency)) = model.modal() else { panic!() };
    assert_eq!((emergency.field.text(), emergency.confirming), ("disk c", true), "Esc went back to the reason");
    let Command::StartRun { begun, .. } = command(&press(&mut model, "c")) else { panic!() };
    assert_eq!((begun.how, begun.emergency.as_deref()), ("console", Some("disk c")));
    assert_eq!(press(&mut model, "c Enter"), [], "it is sent once");
    update(&mut model, Msg::CommandFailed(Error::new(Kind::Refused, "no second person")));
    let Some(Modal::Emergency(emergency)) = model.modal() else { panic!() };
    assert_eq!((emergency.hint.as_deref(), emergency.sent), (Some("no second person"), false));
    command(&press(&mut model, "c"));
    update(&mut model, Msg::RunStarted(RunId::new(1, 1)));
    assert!(model.modal().is_none());
}
