//! The pictures in `screenshots/`, drawn by the console's own code from sample consoles.

use crate::app::Model;
use crate::config::theme::{Glyphs, Theme};
use crate::demo::sample;
use crate::domain::clean::Depth;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::gate::operate;
use crate::ui::shot;
use std::path::Path;

/// Writes every picture as `NAME.txt` and `NAME.svg`, and nothing else.
///
/// # Errors
/// When the directory cannot be written to.
pub fn write(dir: &Path) -> Result<()> {
    let failed = |cause: std::io::Error| Error::machine(format!("write screenshots to {}", dir.display()), cause);
    std::fs::create_dir_all(dir).map_err(failed)?;
    for (name, text, svg) in all()? {
        std::fs::write(dir.join(format!("{name}.txt")), text).map_err(failed)?;
        std::fs::write(dir.join(format!("{name}.svg")), svg).map_err(failed)?;
    }
    Ok(())
}

/// Every picture: its name, its text, its SVG.
///
/// # Errors
/// When a sample is not a possible history.
pub fn all() -> Result<Vec<(&'static str, String, String)>> {
    let night = Theme::load("night", &[], Depth::True, Glyphs::Unicode).0;
    let mono = Theme::load("mono", &[], Depth::None, Glyphs::Ascii).0;
    let mut shots = Vec::new();
    for (name, theme, mut model) in consoles()? {
        let shot = shot::of(&mut model, if theme == "mono" { &mono } else { &night });
        shots.push((name, shot.text, shot.svg));
    }
    Ok(shots)
}

/// The consoles that are pictured: name, theme, model.
fn consoles() -> Result<Vec<(&'static str, &'static str, Model)>> {
    let authority = || Some(operate::authority());
    let impossible = |cause: crate::journal::fold::Impossible| Error::new(Kind::Damaged, cause.0);
    let view = |story: sample::Story| story.view().map_err(impossible);
    let run = |size, story| Ok::<_, Error>(sample::following(size, authority(), view(story)?, true));
    let mut help = sample::healthy((120, 36), authority());
    sample::press(&mut help, "?");
    Ok(vec![
        ("health-80x24", "night", sample::healthy((80, 24), authority())),
        ("health-120x36", "night", sample::healthy((120, 36), authority())),
        ("health-mono-80x24", "mono", sample::healthy((80, 24), authority())),
        ("read-only-80x24", "night", sample::healthy((80, 24), None)),
        ("run-120x36", "night", run((120, 36), sample::running())?),
        ("run-200x50", "night", run((200, 50), sample::running())?),
        ("change-120x36", "night", run((120, 36), sample::change())?),
        ("destroy-120x36", "night", run((120, 36), sample::destroy())?),
        ("destroy-80x24", "night", run((80, 24), sample::destroy())?),
        ("decide-120x36", "night", run((120, 36), sample::decide())?),
        ("help-120x36", "night", help),
    ])
}
