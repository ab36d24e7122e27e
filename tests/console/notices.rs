//! A result replaces the keys in the footer for a short time.

use super::{model, press};
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
use midwatch::domain::Boot;
use midwatch::domain::time::Now;

/// A console that showed a message some milliseconds ago.
fn with_notice(ago: u64) -> Model {
    let mut model = model();
    update(&mut model, Msg::CommandDone("item 9 closed".to_owned()));
    assert_eq!(model.snapshot().notice, Some("item 9 closed"));
    tick(&mut model, ago);
    model
}

fn tick(model: &mut Model, ms: u64) {
    let now = Now { boot: Boot(model.now.boot.0 + ms * 1_000_000), ..model.now };
    update(model, Msg::Tick(now));
}

#[test]
fn a_message_disappears_after_four_seconds() {
    assert!(with_notice(3900).snapshot().notice.is_some());
    assert_eq!(with_notice(4000).snapshot().notice, None);
}

#[test]
fn a_key_replaces_a_message_that_was_shown_for_a_second() {
    for (ago, there) in [(500, true), (1000, false), (3000, false)] {
        let mut model = with_notice(ago);
        press(&mut model, "j");
        assert_eq!(model.snapshot().notice.is_some(), there, "{ago}");
    }
    let mut model = with_notice(3000);
    press(&mut model, "4 o");
    assert!(model.snapshot().notice.is_some_and(|notice| notice.starts_with("bloat: ")));
}
