//! One theme file as it is written: a palette, and what it says of each role.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::config::theme::{Mods, Role, Symbol};
use crate::domain::Clean;
use crate::domain::clean::Ink;

/// The names of the terminal's own 16 colours, in the order of their indices (ECMA-48 SGR 30 to 37, aixterm 90 to 97).
pub(super) const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// What a role says to undo an inherited colour.
pub(super) const NO_COLOUR: &str = "default";

/// The modifiers by name.
const MODS: [&str; 5] = ["bold", "dim", "italic", "underlined", "reversed"];

/// A palette's colour: its name and its inks, best first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Colour {
    pub name: String,
    pub inks: Vec<Ink>,
}

/// What a file says of a role; `None` where it says nothing.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Setting {
    pub at: Place,
    pub fg: Option<(Place, String)>,
    pub bg: Option<(Place, String)>,
    pub mods: Option<Mods>,
    pub symbol: Option<Symbol>,
}

/// The content of a theme file.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Content {
    pub palette: Vec<Colour>,
    pub roles: Vec<(Role, Setting)>,
}

/// The index of one of the 16 names.
pub(super) fn named(name: &str) -> Option<Ink> {
    NAMES.iter().zip(0..).find(|(known, _)| **known == name).map(|(_, index)| Ink::Indexed(index))
}

/// Reads the palette and the role tables.
pub(super) fn read(root: &mut Table, problems: &mut Problems) -> Content {
    let palette = root.table("palette", problems).map(|table| palette(table, problems)).unwrap_or_default();
    let mut roles = Vec::new();
    for group in Role::GROUPS {
        let Some(mut table) = root.table(group, problems) else { continue };
        for role in Role::ALL.iter().filter(|role| role.group() == group) {
            let at = table.place_of(role.key());
            if let Some(answer) = table.table(role.key(), problems) {
                let setting = role_of(answer, at, problems);
                if group == "env" && setting.symbol.is_some() {
                    problems.add(at, "the words of an environment's badge are fixed: no symbol can replace them");
                }
                roles.push((*role, setting));
            }
        }
        table.finish(problems);
    }
    Content { palette, roles }
}

fn palette(table: Table, problems: &mut Problems) -> Vec<Colour> {
    let mut colours = Vec::new();
    for entry in table.entries {
        if entry.key == NO_COLOUR || named(&entry.key).is_some() {
            problems.add(entry.at, format!("`{}` has a meaning already and cannot name a colour", entry.key));
            continue;
        }
        let at = entry.node.at;
        let Value::List(items) = entry.node.value else {
            problems.add_with_hint(at, "a colour is a list, best first", "such as [\"#2fa4c8\", 38, \"cyan\"]");
            continue;
        };
        if items.is_empty() {
            problems.add(at, "a colour needs at least one entry");
        }
        let inks = items.into_iter().filter_map(|item| ink(&item, problems)).collect();
        colours.push(Colour { name: entry.key, inks });
    }
    colours
}

/// Reads `"#2fa4c8"`, `38` or `"cyan"`.
fn ink(item: &Node, problems: &mut Problems) -> Option<Ink> {
    let found = match &item.value {
        Value::Int(index) => u8::try_from(*index).ok().map(Ink::Indexed),
        Value::Text(text) => rgb(text).or_else(|| named(text)),
        _ => None,
    };
    if found.is_none() {
        let message = "a colour is \"#rrggbb\", an index from 0 to 255, or one of the terminal's 16 names";
        match &item.value {
            Value::Text(text) => {
                let near = nearest(text, NAMES).map(|near| format!("did you mean `{near}`?"));
                problems.add_with_hint(
                    item.at,
                    message,
                    near.unwrap_or_else(|| format!("such as {}", NAMES.join(", "))),
                );
            }
            _ => problems.add(item.at, message),
        }
    }
    found
}

fn rgb(text: &str) -> Option<Ink> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Ink::Rgb(r, g, b))
}

fn role_of(mut table: Table, at: Place, problems: &mut Problems) -> Setting {
    let (fg_at, bg_at, symbol_at) = (table.place_of("fg"), table.place_of("bg"), table.place_of("symbol"));
    let fg = table.text("fg", problems).map(|name| (fg_at, name));
    let bg = table.text("bg", problems).map(|name| (bg_at, name));
    let mods = table.texts("mods", problems).map(|given| mods(given, problems));
    let symbol = table.table("symbol", problems).map(|given| symbol(given, symbol_at, problems));
    table.finish(problems);
    Setting { at, fg, bg, mods, symbol }
}

fn mods(given: Vec<(Place, String)>, problems: &mut Problems) -> Mods {
    let mut mods = Mods::default();
    for (at, name) in given {
        let flag = match name.as_str() {
            "bold" => &mut mods.bold,
            "dim" => &mut mods.dim,
            "italic" => &mut mods.italic,
            "underlined" => &mut mods.underlined,
            "reversed" => &mut mods.reversed,
            _ => {
                let message = format!("there is no modifier `{}`", name.escape_debug());
                problems.add_with_hint(at, message, format!("there are {}", MODS.join(", ")));
                continue;
            }
        };
        *flag = true;
    }
    mods
}

fn symbol(mut table: Table, at: Place, problems: &mut Problems) -> Symbol {
    let mut part = |key, most: usize, ascii: bool| {
        let at = table.place_of(key);
        let given = table.required_text(key, problems)?;
        let clean = Clean::text(&given);
        if clean.plain() == given && (given.is_ascii() || !ascii) && clean.width() <= most {
            return Some(clean);
        }
        let what = if ascii { "ASCII " } else { "" };
        problems.add(at, format!("`{key}` must be at most {most} columns of {what}text, without control characters"));
        None
    };
    let (unicode, ascii, text) = (part("unicode", 2, false), part("ascii", 2, true), part("text", 10, true));
    if unicode.as_ref().zip(ascii.as_ref()).is_some_and(|(one, other)| one.is_empty() != other.is_empty()) {
        problems.add(at, "a symbol needs both its `unicode` and its `ascii`, or neither");
    }
    table.finish(problems);
    Symbol { unicode: unicode.unwrap_or_default(), ascii: ascii.unwrap_or_default(), text: text.unwrap_or_default() }
}
