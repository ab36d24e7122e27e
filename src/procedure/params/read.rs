//! Reads `[params]`.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::domain::TargetKind;
use crate::procedure::params::{Param, ParamKind, shortened};
use crate::procedure::pattern::Pattern;
use crate::procedure::template::{IT, is_item, is_name};
use std::collections::BTreeSet;

/// Reads the `[params]` table.
pub fn read(table: Table, problems: &mut Problems) -> Vec<Param> {
    let mut params = Vec::new();
    for entry in table.entries {
        if !is_name(&entry.key) || matches!(entry.key.as_str(), "run" | "row" | IT) {
            let name = entry.key.escape_debug();
            problems.add(entry.at, format!("`{name}` cannot name a parameter: use lower-case letters, digits and `_`"));
            continue;
        }
        match entry.node.value {
            Value::Table(definition) => params.extend(read_one(entry.key, entry.at, definition, problems)),
            other => problems.add(
                entry.node.at,
                format!("`{}` must be a table such as `{{ text = true }}`, not {}", entry.key, other.kind()),
            ),
        }
    }
    params
}

/// The kinds, for messages.
const KINDS: &str = "`days`, `int`, `one_of`, `text`, `path`, `target`, `list`, `map`";

fn read_one(name: String, at: Place, mut table: Table, problems: &mut Problems) -> Option<Param> {
    if let Some(node) = table.take("secret") {
        let message = "a secret is no parameter: it would be shown and recorded";
        problems.add_with_hint(
            node.at,
            message,
            "name it in the estate's [secrets], and write `secret:NAME` where it is used",
        );
        return None;
    }
    let mut kinds = Vec::new();
    kinds.extend(table.take("days").map(|node| bounds(&node, "days", problems).map(|(a, b)| ParamKind::Days(a, b))));
    kinds.extend(table.take("int").map(|node| bounds(&node, "int", problems).map(|(a, b)| ParamKind::Int(a, b))));
    if table.has("one_of") {
        kinds.push(one_of(&mut table, problems));
    } else {
        table.take("one_of");
    }
    kinds.extend(table.take("text").map(|node| flag(&node, "text", problems).map(|()| ParamKind::Text)));
    kinds.extend(table.take("path").map(|node| flag(&node, "path", problems).map(|()| ParamKind::Path)));
    if table.has("target") {
        kinds.push(target(&mut table, problems));
    } else {
        table.take("target");
    }
    kinds.extend(table.take("list").map(|node| list(&node, problems)));
    kinds.extend(table.take("map").map(|node| names(&node, "map", problems).map(ParamKind::Map)));
    let pattern_at = table.place_of("match");
    let pattern = pattern(&mut table, problems);
    let help = help(&mut table, problems);
    let default = table.take("default");
    let place = table.at;
    table.finish(problems);
    if kinds.len() != 1 {
        problems.add(place, format!("`{name}` must have exactly one of {KINDS}"));
    }
    let [Some(kind)] = <[Option<ParamKind>; 1]>::try_from(kinds).ok()? else { return None };
    if pattern.is_some() && !matches!(kind, ParamKind::Text | ParamKind::List(_) | ParamKind::Map(_)) {
        problems.add(pattern_at, "`match` belongs to `text`, `list` and `map`");
    }
    let mut param = Param { name, at, kind, default: None, pattern, help };
    if let Some(node) = default {
        param.default = read_default(&param, &node, problems);
    }
    Some(param)
}

fn read_default(param: &Param, node: &Node, problems: &mut Problems) -> Option<String> {
    let numeric = matches!(param.kind, ParamKind::Days(..) | ParamKind::Int(..));
    let typed = match &node.value {
        Value::Int(number) if numeric => number.to_string(),
        Value::Text(text) if !numeric => text.clone(),
        Value::List(items) if matches!(param.kind, ParamKind::List(_)) => words(items).join(","),
        Value::Table(table) if matches!(param.kind, ParamKind::Map(_)) => pairs(table).join(","),
        other => {
            problems.add(node.at, format!("`default` must be {}, not {}", param.accepts(), other.kind()));
            return None;
        }
    };
    match param.bind(&typed) {
        Ok(bound) => Some(bound.text),
        Err(why) => {
            problems.add(node.at, format!("the default does not fit: {why}"));
            None
        }
    }
}

/// The texts of a list; anything but text becomes what no item can be.
fn words(items: &[Node]) -> Vec<String> {
    items.iter().map(|item| if let Value::Text(text) = &item.value { text.clone() } else { "[]".to_owned() }).collect()
}

/// The entries of a table as they are typed; anything but text becomes empty.
fn pairs(table: &Table) -> Vec<String> {
    let value = |node: &Node| if let Value::Text(text) = &node.value { text.clone() } else { String::new() };
    table.entries.iter().map(|entry| format!("{}={}", entry.key, value(&entry.node))).collect()
}

fn list(node: &Node, problems: &mut Problems) -> Option<ParamKind> {
    match &node.value {
        Value::Bool(true) => Some(ParamKind::List(Vec::new())),
        Value::List(_) => names(node, "list", problems).map(ParamKind::List),
        other => {
            problems.add(node.at, format!("`list` must be true, or the words to choose from, not {}", other.kind()));
            None
        }
    }
}

/// Names, each once and at least one.
fn names(node: &Node, key: &str, problems: &mut Problems) -> Option<Vec<String>> {
    let items = if let Value::List(items) = &node.value { items.as_slice() } else { &[] };
    let found = words(items);
    let mut before = BTreeSet::new();
    if found.is_empty() || !found.iter().all(|name| is_item(name) && before.insert(name)) {
        problems.add(node.at, format!("`{key}` must be a list of different names such as [\"api\", \"worker\"]"));
        return None;
    }
    Some(found)
}

fn pattern(table: &mut Table, problems: &mut Problems) -> Option<Pattern> {
    let at = table.place_of("match");
    let text = table.text("match", problems)?;
    Pattern::parse(&text).map_err(|why| problems.add(at, format!("`match` cannot be read: {why}"))).ok()
}

/// The most letters of a help: more is a page, and belongs in the procedure's documentation.
const LONGEST_HELP: usize = 200;

fn help(table: &mut Table, problems: &mut Problems) -> String {
    let at = table.place_of("help");
    let Some(text) = table.text("help", problems) else { return String::new() };
    let length = text.chars().count();
    if text.trim().is_empty() || text.chars().any(char::is_control) || length > LONGEST_HELP {
        problems.add(at, format!("`help` must be one line of 1 to {LONGEST_HELP} characters, and it has {length}"));
    }
    text
}

fn bounds(node: &Node, key: &str, problems: &mut Problems) -> Option<(i64, i64)> {
    let Value::List(items) = &node.value else {
        problems
            .add(node.at, format!("`{key}` must be two whole numbers such as [30, 3650], not {}", node.value.kind()));
        return None;
    };
    match items.as_slice() {
        [Node { value: Value::Int(least), .. }, Node { value: Value::Int(most), .. }]
            if least <= most && (key == "int" || *least >= 0) =>
        {
            Some((*least, *most))
        }
        _ => {
            problems.add(node.at, format!("`{key}` must be two whole numbers, the smaller first, such as [30, 3650]"));
            None
        }
    }
}

fn one_of(table: &mut Table, problems: &mut Problems) -> Option<ParamKind> {
    let at = table.at;
    let words = table.texts("one_of", problems)?;
    if words.is_empty() {
        problems.add(at, "`one_of` must hold at least one word");
        return None;
    }
    Some(ParamKind::OneOf(words.into_iter().map(|(_, word)| word).collect()))
}

fn target(table: &mut Table, problems: &mut Problems) -> Option<ParamKind> {
    let at = table.place_of("target");
    let word = table.text("target", problems)?;
    if let Some(kind) = TargetKind::from_word(&word) {
        return Some(ParamKind::Target(kind));
    }
    let words = TargetKind::ALL.map(TargetKind::word);
    let hint = nearest(&word, words)
        .map_or_else(|| format!("one of {}", words.join(", ")), |near| format!("did you mean `{near}`?"));
    problems.add_with_hint(at, format!("there is no kind of target `{}`", shortened(&word)), hint);
    None
}

fn flag(node: &Node, key: &str, problems: &mut Problems) -> Option<()> {
    if node.value == Value::Bool(true) {
        return Some(());
    }
    problems.add(node.at, format!("`{key}` must be true"));
    None
}
