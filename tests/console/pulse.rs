//! How often the clock is asked: seldom at rest, each second where something on the screen counts seconds.

use super::{following, press};
use midwatch::app::Model;
use midwatch::app::confirm::Authority;
use midwatch::app::msg::Msg;
use midwatch::app::update;
use midwatch::demo::sample;
use midwatch::domain::time::Wall;
use midwatch::domain::{Row, Rows, TargetKind};
use std::time::Duration;

/// How long the console waits for the clock from 02:47:31 and so many milliseconds on.
fn waits(model: &Model, after: u64) -> Duration {
    let at = sample::at(451).0;
    model.until_tick(Wall(at + Duration::from_millis(after)))
}

/// A console whose only row was just read and is read each minute.
fn at_rest() -> Model {
    let mut model = sample::console((80, 24), Some(Authority::grant()));
    model.notice = None;
    let mut row = Row::unread(TargetKind::Service, "api".to_owned(), "http".to_owned(), Duration::from_secs(60));
    let seen = sample::rows().into_iter().find_map(|row| row.observation).unwrap();
    row.saw(midwatch::domain::Observation { observed_at: sample::at(451), ..seen });
    read(&mut model, row);
    model
}

fn read(model: &mut Model, row: Row) {
    update(model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
}

#[test]
fn the_clock_is_asked_seldom_while_nothing_counts_seconds() {
    let mut model = at_rest();
    assert_eq!(waits(&model, 250), Duration::from_secs(10));
    assert!((0..180_000).step_by(250).all(|after| {
        let wait = waits(&model, after);
        wait > Duration::ZERO && wait <= Duration::from_secs(10)
    }));
    // The minute that is shown ends in time, and so does what can be believed of a row: three periods.
    assert_eq!(waits(&model, 27_250), Duration::from_millis(1750));
    assert_eq!(waits(&model, 178_000), Duration::from_secs(3));
    model.notify("copied");
    assert_eq!(waits(&model, 250), Duration::from_millis(750));
    model.notice = None;
    press(&mut model, "?");
    assert_eq!(waits(&model, 250), Duration::from_millis(750));
    let mut model = at_rest();
    let mut lost = Row::unread(TargetKind::Service, "web".to_owned(), "http".to_owned(), Duration::from_secs(60));
    lost.lost("timed out".to_owned(), sample::at(451));
    read(&mut model, lost);
    assert_eq!(waits(&model, 250), Duration::from_millis(750), "the age of a lost row is shown");
}

#[test]
fn the_clock_has_seconds_while_a_run_is_active_and_on_a_wallboard() {
    assert!(!at_rest().counts_seconds());
    let mut model = following(&sample::running());
    assert!(model.counts_seconds());
    model.run.lives = false;
    assert!(!model.counts_seconds(), "nothing is done in a run without its runner");
    let ended = following(&sample::finished());
    assert!(!ended.counts_seconds());
    let list = sample::checklist().view().unwrap();
    assert!(sample::walking((80, 24), None, list, None).counts_seconds());
}
