//! `notify`: the receivers, and the text.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::procedure::adapters::Adapters;
use crate::procedure::plan::Step;
use crate::procedure::steps::read_sentence;

/// Reads the text, or the receivers with their `message`.
pub(super) fn make(
    step: &mut Step,
    rest: &mut Table,
    titled: bool,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Option<()> {
    let node = rest.entries.iter().find(|entry| entry.key == "notify").map(|entry| entry.node.clone())?;
    let Value::List(items) = node.value else {
        if let Some(message) = rest.entries.iter().find(|entry| entry.key == "message") {
            problems.add(message.at, "`message` goes to receivers, and `notify` names none: it is the text itself");
        }
        step.text = read_sentence(rest, "notify", problems)?;
        return Some(());
    };
    let known = adapters.receivers();
    for item in &items {
        step.receivers.extend(receiver(item, &step.receivers, known.as_deref(), problems));
    }
    if items.is_empty() {
        problems.add(node.at, "`notify` must name at least one receiver");
    }
    if rest.has("message") {
        step.text = read_sentence(rest, "message", problems)?;
    }
    if !titled {
        step.title = format!("Notify {}", step.receivers.join(", "));
    }
    (step.receivers.len() == items.len()).then_some(())
}

fn receiver(item: &Node, others: &[String], known: Option<&[String]>, problems: &mut Problems) -> Option<String> {
    let Value::Text(name) = &item.value else {
        problems.add(item.at, format!("a receiver is named by text, not by {}", item.value.kind()));
        return None;
    };
    let shown = name.escape_debug();
    if others.contains(name) {
        problems.add(item.at, format!("the receiver `{shown}` is named twice"));
        return None;
    }
    if let Some(known) = known.filter(|known| !known.contains(name)) {
        unknown(item.at, name, known, problems);
    }
    Some(name.clone())
}

fn unknown(at: Place, name: &str, known: &[String], problems: &mut Problems) {
    let message = format!("the estate has no receiver `{}`", name.escape_debug());
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => problems.add_with_hint(at, message, format!("did you mean `{near}`?")),
        None => {
            problems.add_with_hint(at, message, format!("write a [[notify]] with name = \"{}\"", name.escape_debug()));
        }
    }
}
