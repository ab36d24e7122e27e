//! What people write: the estate file, themes, keymaps, and where they lie.

pub mod estate;
pub mod file;
pub mod keymap;
pub mod libpq;
pub mod paths;
pub mod reader;
pub mod secrets;
mod shelf;
pub mod state;
pub mod theme;

#[cfg(test)]
mod fixtures;
