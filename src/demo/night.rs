//! The demo's night: its windows, one of which is open, and a checklist to walk beside the work.

use crate::calendar::WINDOWS_FILE;
use crate::demo::build;
use crate::domain::Wall;
use crate::domain::error::{Error, Result};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The checklist's file below the demo's directory.
pub const CHECKLIST: &str = "procedures/checklist.toml";

/// For how long the window has been open when the demo begins.
const OPEN_FOR: Duration = Duration::from_secs(30 * 60);

/// Writes the windows and the checklist below a directory, as of `now`.
///
/// # Errors
/// When a file cannot be written.
pub fn build(dir: &Path, now: Wall) -> Result<()> {
    let procedures = dir.join("procedures");
    fs::create_dir_all(&procedures)
        .map_err(|cause| Error::machine(format_args!("make {}", procedures.display()), cause))?;
    build::write(&dir.join(WINDOWS_FILE), windows(now).as_bytes(), now)?;
    build::write(&dir.join(CHECKLIST), include_bytes!("night/checklist.toml"), now)
}

/// The windows: one that opened half an hour ago, at a whole minute, and two that are further away.
fn windows(now: Wall) -> String {
    let opened = build::before(now, OPEN_FOR).0.strftime("%-M %-H");
    format!(
        "schema = 1

# A change of a procedure without its own window may begin at any time here. In production the default is \"window\".
[rules.other]
default = \"anytime\"

# It opened half an hour before the demo began, and opens at that time each day.
[[window]]
name = \"tonight\"
starts = \"{opened} * * *\"
lasts = \"2h\"

[[window]]
name = \"weekly\"
starts = \"0 2 * * SUN\"
lasts = \"2h\"
operations = [\"cell0/archive-logs\"]

[[window]]
name = \"monthly\"
starts = \"0 22 * * SAT#1\"
lasts = \"4h\"
notice = \"48h\"
operations = [\"cell0/data-retention\"]
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::packs::Pack;
    use crate::procedure::Catalog;
    use crate::runner::adapters::BuiltIn;

    #[test]
    fn a_window_is_open_whenever_the_demo_begins_and_the_checklist_is_sound() {
        for seconds in [0, 59, 29 * 60, 30 * 60, 12 * 3600 + 7, 86_399] {
            let now = Wall::from_unix(1_795_315_200 + seconds, 0);
            let dir = tempfile::tempdir().unwrap();
            build(dir.path(), now).unwrap();
            let estate = dir.path().join("midwatch.toml");
            let calendar = crate::calendar::load(Some(&estate)).unwrap();
            assert_eq!(calendar.windows.len(), 3);
            let watch =
                crate::app::window::WindowWatch::new(calendar, Some(crate::config::estate::Environment::Other), now);
            let shown = watch.shown(now).unwrap();
            assert!(shown.gone.is_some() && !shown.short, "{seconds}: {shown:?}");
            let catalog = Catalog::read(Some(&estate), &Pack::ALL, &BuiltIn::default());
            assert!(catalog.problems().is_empty(), "{:?}", catalog.problems());
            assert!(catalog.find("demo/checklist").is_ok());
        }
    }
}
