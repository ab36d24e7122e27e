//! Themes: how each [`Role`] looks, as plain values.
//!
//! A theme names colours in a palette, best first, and gives roles a look by them; the loader takes of each colour the
//! first that the terminal can show. What a theme leaves out comes from the one it inherits from, and in the end from
//! `mono`, which has no colour and every symbol.

mod layer;
mod resolve;
mod role;
mod terminal;

pub use role::Role;
pub use terminal::{depth, glyphs};

use crate::config::layers::Layers;
use crate::config::reader::Problem;
use crate::domain::Clean;
use crate::domain::clean::{Depth, Ink};
use std::path::PathBuf;

/// The theme that is used when none is named, and when the named one is unfit.
pub const DEFAULT: &str = "night";

/// The theme for terminals without colours.
pub const MONO: &str = "mono";

const BUILT_IN: &[(&str, &str)] = &[
    ("base16", include_str!("../../themes/base16.toml")),
    ("contrast", include_str!("../../themes/contrast.toml")),
    ("day", include_str!("../../themes/day.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("night", include_str!("../../themes/night.toml")),
    ("okabe", include_str!("../../themes/okabe.toml")),
];

/// The modifiers of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Mods {
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underlined: bool,
    /// Letters and ground change places.
    pub reversed: bool,
}

/// How a role looks; `None` leaves the colour that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Look {
    /// The letters.
    pub fg: Option<Ink>,
    /// The ground behind them.
    pub bg: Option<Ink>,
    /// The modifiers.
    pub mods: Mods,
}

/// What symbols are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Glyphs {
    /// Any character of one or two columns.
    #[default]
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// The symbol of a role beside its colour; empty where a theme sets none.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Symbol {
    /// At most two columns.
    pub unicode: Clean,
    /// At most two columns of ASCII.
    pub ascii: Clean,
    /// A word of at most ten columns of ASCII.
    pub text: Clean,
}

/// How everything looks on one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// What its symbols are made of.
    pub glyphs: Glyphs,
    looks: Vec<(Look, Symbol)>,
}

impl Theme {
    /// Loads a theme for a terminal; without colours that is `mono` for any name.
    ///
    /// A theme that is missing or wrong gives the built-in default with everything that is wrong: worth one line on the
    /// screen, and never a reason not to open it.
    #[must_use]
    pub fn load(name: &str, directories: &[PathBuf], depth: Depth, glyphs: Glyphs) -> (Self, Vec<Problem>) {
        let name = if depth == Depth::None { MONO } else { name };
        let failed = match resolve::theme(&layers(directories), name, depth, glyphs) {
            Ok(theme) => return (theme, Vec::new()),
            Err(problems) => problems,
        };
        let safe = if depth == Depth::None { MONO } else { DEFAULT };
        let fallback = resolve::theme(&layers(&[]), safe, depth, glyphs);
        // The built-in themes resolve, and a test holds them to it; even so, a screen without any look is a screen.
        let plain = || Self { name: "plain".to_owned(), glyphs, looks: Vec::new() };
        (fallback.unwrap_or_else(|_| plain()), failed)
    }

    /// A theme in which every role differs from every other, for tests that look at roles: the letters of the role
    /// number n (from 0) have the indexed colour 16 + n, and so has the ground of the selection, which is laid over others.
    #[must_use]
    pub fn labelled(glyphs: Glyphs) -> Self {
        let (mut theme, _) = Self::load(MONO, &[], Depth::None, glyphs);
        "labelled".clone_into(&mut theme.name);
        for ((look, _), (role, index)) in theme.looks.iter_mut().zip(Role::ALL.iter().zip(16..)) {
            let label = Some(Ink::Indexed(index));
            *look = match role {
                Role::UiSelection => Look { bg: label, ..Look::default() },
                _ => Look { fg: label, ..Look::default() },
            };
        }
        theme
    }

    /// The names of all themes there are.
    #[must_use]
    pub fn names(directories: &[PathBuf]) -> Vec<String> {
        layers(directories).names()
    }

    /// How a role looks.
    #[must_use]
    pub fn look(&self, role: Role) -> Look {
        self.looks.get(role as usize).map_or_else(Look::default, |(look, _)| *look)
    }

    /// The symbol of a role, at most two columns wide; empty where it has none.
    #[must_use]
    pub fn symbol(&self, role: Role) -> Clean {
        let symbol = self.looks.get(role as usize).map(|(_, symbol)| symbol);
        let symbol = symbol.map(|symbol| match self.glyphs {
            Glyphs::Unicode => &symbol.unicode,
            Glyphs::Ascii => &symbol.ascii,
        });
        symbol.cloned().unwrap_or_default()
    }

    /// The short word of a role in capitals, for places too small for a sentence; empty where it has none.
    #[must_use]
    pub fn text(&self, role: Role) -> Clean {
        self.looks.get(role as usize).map(|(_, symbol)| symbol.text.clone()).unwrap_or_default()
    }
}

fn layers(directories: &[PathBuf]) -> Layers<'_> {
    Layers { what: "theme", directories, built_in: BUILT_IN, root: MONO }
}

#[cfg(test)]
mod tests;
