//! What a pane without rows says: that nothing was read yet, that nothing was found, or how to have something looked at.

use crate::app::Snapshot;
use crate::config::theme::Role;
use crate::domain::{Section, quantity};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::text::Line;

/// The lines of an empty pane.
pub(super) fn lines(pen: Pen<'_>, snapshot: &Snapshot<'_>, section: Section, width: usize) -> Vec<Line<'static>> {
    let list = snapshot.lists.of(section);
    let targets = snapshot.targets.get(&section).copied().unwrap_or(0);
    if !list.filter().is_empty() {
        return pen.sentence(Role::UiMuted, "nothing matches the filter", width);
    }
    if list.has_read() {
        return pen.sentence(Role::UiText, found_nothing(section), width);
    }
    if targets > 0 {
        let what = quantity::counted(targets as u64, "target", "targets");
        return pen.sentence(Role::UiMuted, format!("{what}, not read yet"), width);
    }
    let (sentence, entry) = missing(section);
    let mut lines = pen.sentence(Role::UiText, sentence, width);
    let place = format!("To have one watched, write into {}:", snapshot.estate_file);
    lines.extend(pen.sentence(Role::UiMuted, place, width));
    let line = |text: &str| {
        Strip::new().gap(3).put_within(width.saturating_sub(4), pen.style(Role::UiKey), text.to_owned()).line()
    };
    // Without a file there is nothing yet that an entry could be added to.
    if !snapshot.not_found.is_empty() {
        lines.extend(top(snapshot).iter().map(|text| line(text)));
    }
    lines.extend(entry.iter().map(|text| line(text)));
    if !snapshot.not_found.is_empty() {
        lines.push(Line::default());
        lines.extend(pen.sentence(Role::UiMuted, "Looked for, and not there:", width));
        for phrase in snapshot.not_found {
            lines.extend(pen.sentence(Role::UiMuted, format!("  {phrase}"), width));
        }
    }
    lines
}

/// The keys at the top that every estate file must have; the environment is what it is taken for without a file.
fn top(snapshot: &Snapshot<'_>) -> [String; 3] {
    [
        "schema = 1".to_owned(),
        format!("name = {:?}", snapshot.estate),
        format!("environment = {:?}", snapshot.environment),
    ]
}

fn found_nothing(section: Section) -> &'static str {
    match section {
        Section::Health => "Every target was read, and none has anything to show.",
        Section::Backups => "Every set was looked for, and none has anything to show.",
        Section::Certificates => "Every place was looked into, and there is no certificate.",
        Section::Bloat => "Every database was read, and there is no table to rewrite.",
    }
}

/// That nothing is configured or found, and what to write.
fn missing(section: Section) -> (&'static str, &'static [&'static str]) {
    match section {
        Section::Health => ("Nothing is watched.", &["[[service]]", "name = \"api\"", "url = \"https://…/health\""]),
        Section::Backups => (
            "No backups are configured, and none were found.",
            &["[[backup]]", "name = \"database\"", "files = \"/backups/*.dump\"", "max_age = \"24h\""],
        ),
        Section::Certificates => (
            "No certificates are configured, and none were found.",
            &["[[certificate]]", "name = \"api\"", "connect = \"api.example.org:443\""],
        ),
        Section::Bloat => (
            "No PostgreSQL is configured, and none was found.",
            &["[[postgres]]", "name = \"main\"", "watch = \"service=main\""],
        ),
    }
}
