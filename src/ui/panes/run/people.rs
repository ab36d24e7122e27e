//! Who else looks at the run, and what was forced in it.

use super::short;
use crate::config::theme::Role;
use crate::domain::Attendee;
use crate::journal::fold::RunView;
use crate::ui::pen::Pen;
use ratatui::text::Line;

/// The most names that are told.
const NAMES: usize = 6;

/// In red, for ever: where a reason stood for a second person, and which gates were overridden.
pub(super) fn forced(pen: Pen<'_>, run: &RunView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut add = |name, text: String| lines.extend(pen.fact(name, Role::VerdictCritical, text, width));
    for approval in &run.approvals {
        let Some(reason) = &approval.break_glass_reason else { continue };
        let of = if approval.start { "the start".to_owned() } else { format!("step {}", approval.step + 1) };
        let (by, at, reason) = (&approval.by.name, approval.at.clock(), short(reason).plain());
        add("GLASS", format!("{by} used break-glass for {of} at {at}: {reason}"));
    }
    for passed in &run.overrides {
        let (by, step, at) = (&passed.by.name, passed.step + 1, passed.at.clock());
        let reason = short(&passed.reason).plain();
        match passed.late {
            true => {
                add("EMERGENCY", format!("{by} began step {step} at {at} although there was no time: {reason}"));
            }
            false => add("override", format!("{by} led it past the gate of step {step} at {at}: {reason}")),
        }
    }
    lines
}

/// Who else looks at the run now: those who may act first. `own` is this console's pid.
pub(super) fn here(pen: Pen<'_>, people: &[Attendee], own: u32, width: usize) -> Vec<Line<'static>> {
    let others = |acts: bool| {
        let some = people.iter().filter(move |person| person.actor.pid != own && person.may_act == acts);
        // One person with several consoles is one person.
        let mut names: Vec<&str> = Vec::new();
        for name in some.map(|person| person.actor.name.as_str()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let text = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(NAMES);
        (!names.is_empty()).then(|| if more > 0 { format!("{text} and {more} more") } else { text })
    };
    let act = others(true).map(|names| format!("{names} may act"));
    let watch = others(false).map(|names| format!("{names} watching"));
    let lines: Vec<String> = act.into_iter().chain(watch).collect();
    if lines.is_empty() { Vec::new() } else { pen.fact("here", Role::UiText, lines.join(" · "), width) }
}
