//! What stands behind a prompt: its frozen set, its pages and the scripts that it runs.

use super::{SMALL, pressed, run, shown};
use midwatch::app::msg::Msg;
use midwatch::app::update;
use midwatch::demo::sample;
use midwatch::domain::{Digest, Item};

/// Fourteen lines, one of them wider than any dialog.
fn script() -> String {
    let wide = format!("pg_dump --format=custom --file=/srv/backups/{}.dump novacron", "nightly-".repeat(16));
    let lines = (1..=13).map(|number| format!("echo step {number}")).chain([wide]);
    lines.map(|line| line + "\n").collect()
}

#[test]
fn set_list_80x24() {
    let mut model = pressed(run(SMALL, &sample::destroy()), "Tab v");
    let item = |n: u64| Item {
        name: format!("s-{n:04x}\n\u{1b}[2J.json"),
        bytes: Some(n * 1000),
        modified: Some(sample::at(-86_400 * 100)),
        to: None,
    };
    let items = (0..60).map(item).collect();
    update(&mut model, Msg::SetListed { set: Digest::of(b"set"), from: 0, total: 1284, items });
    insta::assert_snapshot!("set_list_80x24", shown(&mut model));
}

#[test]
fn changes_80x24() {
    insta::assert_snapshot!("changes_80x24", shown(&mut pressed(run(SMALL, &sample::changes(&script())), "c")));
}

#[test]
fn changes_page_two_80x24() {
    insta::assert_snapshot!(
        "changes_page_two_80x24",
        shown(&mut pressed(run(SMALL, &sample::changes(&script())), "j"))
    );
}

#[test]
fn script_80x24() {
    let mut model = pressed(run(SMALL, &sample::changes(&script())), "v");
    let screen = shown(&mut model);
    // A line that is wider than the dialog goes on below: nothing of what is confirmed is cut.
    let text: String = screen.lines().map(|line| line.trim_matches(['┃', ' '])).collect();
    assert!(text.contains(&"nightly-".repeat(16)), "{screen}");
    insta::assert_snapshot!("script_80x24", screen);
}
