//! From a chain of theme files to the looks of one terminal.

use crate::config::layers::{Layer, Layers};
use crate::config::reader::{Place, Problem, nearest};
use crate::config::theme::layer::{self, Content, NAMES, NO_COLOUR, Setting};
use crate::config::theme::{Glyphs, Look, Mods, Role, Symbol, Theme};
use crate::domain::clean::{Depth, Ink};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What all files of a chain set for a role, each part with the file that set it last.
#[derive(Default)]
struct Merged {
    fg: Option<(PathBuf, Place, String)>,
    bg: Option<(PathBuf, Place, String)>,
    mods: Mods,
    symbol: Symbol,
    at: (PathBuf, Place),
}

/// Loads a theme.
///
/// # Errors
/// Everything that is wrong with any file of its chain.
pub(super) fn theme(layers: &Layers<'_>, name: &str, depth: Depth, glyphs: Glyphs) -> Result<Theme, Vec<Problem>> {
    let chain = layers.chain(name, layer::read)?;
    let mut palette: BTreeMap<&str, &[Ink]> = BTreeMap::new();
    for colour in chain.iter().flat_map(|layer| &layer.content.palette) {
        palette.insert(&colour.name, &colour.inks);
    }
    let mut problems = Vec::new();
    let mut looks = Vec::new();
    for role in Role::ALL {
        let merged = merge(&chain, *role);
        let look = look(*role, &merged, &palette, depth, &mut problems);
        looks.push((look, merged.symbol));
    }
    if problems.is_empty() { Ok(Theme { name: name.to_owned(), glyphs, looks }) } else { Err(problems) }
}

fn merge(chain: &[Layer<Content>], role: Role) -> Merged {
    let mut merged = Merged::default();
    for layer in chain {
        let filter = layer.content.roles.iter().filter(|(other, _)| *other == role);
        for (_, Setting { at, fg, bg, mods, symbol }) in filter {
            let placed = |(at, name): &(Place, String)| (layer.file.clone(), *at, name.clone());
            merged.fg = fg.as_ref().map(placed).or(merged.fg);
            merged.bg = bg.as_ref().map(placed).or(merged.bg);
            merged.mods = mods.unwrap_or(merged.mods);
            merged.symbol = symbol.clone().unwrap_or(merged.symbol);
            merged.at = (layer.file.clone(), *at);
        }
    }
    merged
}

fn look(
    role: Role,
    merged: &Merged,
    palette: &BTreeMap<&str, &[Ink]>,
    depth: Depth,
    problems: &mut Vec<Problem>,
) -> Look {
    let mut colour = |named: &Option<(PathBuf, Place, String)>| {
        let (file, at, name) = named.as_ref()?;
        match inks(name, palette) {
            Some(inks) => inks.into_iter().find(|ink| shows(depth, *ink)),
            None => {
                problems.push(no_such_colour(file, *at, name, palette));
                None
            }
        }
    };
    let (fg, bg) = (colour(&merged.fg), colour(&merged.bg));
    let wants_ground = merged.bg.as_ref().is_some_and(|(_, _, name)| name != NO_COLOUR);
    let mut mods = merged.mods;
    let mut describe = |message: String| {
        let (file, place) = merged.at.clone();
        problems.push(Problem { file, place, message, hint: None });
    };
    if role == Role::UiSelection && !(mods.bold || mods.underlined || mods.reversed) {
        describe(format!(
            "{role} must not differ by colour alone: add \"bold\", \"underlined\" or \"reversed\" to its mods"
        ));
    }
    if fg.is_some() && fg == bg {
        describe(format!("{role} has letters of the colour of its ground and cannot be read"));
    }
    if wants_ground && bg.is_none() {
        // A ground that this terminal cannot show is still a ground.
        mods.reversed = true;
    }
    Look { fg, bg, mods }
}

/// The inks of a palette's colour, of one of the 16 names, or none for `default`.
fn inks(name: &str, palette: &BTreeMap<&str, &[Ink]>) -> Option<Vec<Ink>> {
    if name == NO_COLOUR {
        return Some(Vec::new());
    }
    palette.get(name).map(|inks| inks.to_vec()).or_else(|| layer::named(name).map(|ink| vec![ink]))
}

/// Whether a terminal of this depth shows exactly this ink.
fn shows(depth: Depth, ink: Ink) -> bool {
    ink.at(depth) == ink
}

fn no_such_colour(file: &Path, place: Place, name: &str, palette: &BTreeMap<&str, &[Ink]>) -> Problem {
    let known = palette.keys().copied().chain(NAMES).chain([NO_COLOUR]);
    Problem {
        file: file.to_owned(),
        place,
        message: format!("there is no colour `{}` in the palette", name.escape_debug()),
        hint: nearest(name, known).map(|near| format!("did you mean `{near}`?")),
    }
}
