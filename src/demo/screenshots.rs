//! The pictures in `screenshots/`, drawn by the console's own code from sample consoles.

use crate::app::Model;
use crate::config::theme::{Glyphs, Theme};
use crate::demo::sample;
use crate::domain::clean::Depth;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::gate::operate;
use crate::ui::shot::{self, Paper};
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
pub fn all() -> Result<Vec<(String, String, String)>> {
    let mut shots = Vec::new();
    for (name, theme, mut model) in consoles()? {
        let theme = match theme {
            "mono" => Theme::load("mono", &[], Depth::None, Glyphs::Ascii).0,
            "night-16" => Theme::load("night", &[], Depth::Sixteen, Glyphs::Unicode).0,
            "night-256" => Theme::load("night", &[], Depth::Indexed, Glyphs::Unicode).0,
            name => Theme::load(name, &[], Depth::True, Glyphs::Unicode).0,
        };
        let paper = if theme.name == "day" { Paper::Light } else { Paper::Dark };
        let shot = shot::of(&mut model, &theme, paper);
        shots.push((name, shot.text, shot.svg));
    }
    Ok(shots)
}

/// The consoles that are pictured: name, theme, model.
fn consoles() -> Result<Vec<(String, &'static str, Model)>> {
    let authority = || Some(operate::authority());
    let impossible = |cause: crate::journal::fold::Impossible| Error::new(Kind::Damaged, cause.0);
    let view = |story: sample::Story| story.view().map_err(impossible);
    let run = |size, story| Ok::<_, Error>(sample::following(size, authority(), view(story)?, true));
    let pressed = |mut model: Model, keys: &str| {
        sample::press(&mut model, keys);
        model
    };
    let walk = |size| Ok::<_, Error>(sample::walking(size, authority(), view(sample::checklist())?, None));
    let both = |size| {
        let beside = Some(view(sample::running())?);
        Ok::<_, Error>(sample::walking(size, authority(), view(sample::checklist())?, beside))
    };
    let healthy = |size| sample::healthy(size, authority());
    let (small, wide, huge) = ((80, 24), (120, 36), (200, 50));
    let mut all = vec![
        ("overview-120x36", "night", healthy(wide)),
        ("overview-run-120x36", "night", pressed(run(wide, sample::running())?, "1")),
        ("overview-200x50", "night", pressed(run(huge, sample::running())?, "1")),
        ("empty-120x36", "night", sample::bare(wide, authority())),
        ("health-80x24", "night", healthy(small)),
        ("health-mono-80x24", "mono", healthy(small)),
        ("backups-80x24", "night", pressed(healthy(small), "2 j")),
        ("certificates-80x24", "night", pressed(healthy(small), "3 j")),
        ("bloat-80x24", "night", pressed(healthy(small), "4 j")),
        ("bloat-zoomed-200x50", "night", pressed(healthy(huge), "4 z j")),
        ("checklist-80x24", "night", pressed(walk(small)?, "j j")),
        ("checklist-120x36", "night", pressed(both(wide)?, "5 j j")),
        ("checklist-item-80x24", "night", pressed(walk(small)?, "j Enter")),
        ("checklist-item-120x36", "night", pressed(both(wide)?, "5 j j Enter")),
        ("checklist-claim-120x36", "night", pressed(walk(wide)?, "j j m a l l Space o f Space i t Tab")),
        ("checklist-unticked-120x36", "night", pressed(healthy(wide), "5")),
        ("details-80x24", "night", pressed(healthy(small), "2 j Enter")),
        ("read-only-80x24", "night", sample::healthy(small, None)),
        ("run-120x36", "night", run(wide, sample::running())?),
        ("run-80x24", "night", run(small, sample::running())?),
        ("log-80x24", "night", pressed(run(small, sample::running())?, "7")),
        ("change-120x36", "night", run(wide, sample::change())?),
        ("destroy-120x36", "night", run(wide, sample::destroy())?),
        ("destroy-80x24", "night", run(small, sample::destroy())?),
        ("decide-120x36", "night", run(wide, sample::decide())?),
        ("leave-demo-80x24", "night", pressed(sample::demo(small, authority()), "q")),
        ("help-120x36", "night", pressed(healthy(wide), "?")),
    ];
    for (name, theme) in [
        ("theme-day-120x36", "day"),
        ("theme-contrast-120x36", "contrast"),
        ("theme-okabe-120x36", "okabe"),
        ("theme-base16-120x36", "base16"),
        ("theme-mono-120x36", "mono"),
        ("night-in-16-colours-120x36", "night-16"),
        ("night-in-256-colours-120x36", "night-256"),
    ] {
        all.push((name, theme, pressed(run(wide, sample::running())?, "1 j")));
    }
    Ok(all.into_iter().map(|(name, theme, model)| (name.to_owned(), theme, model)).collect())
}
