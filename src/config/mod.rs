//! What people write: the estate file, themes, keymaps, and where they lie.

pub mod discovery;
pub mod estate;
pub mod file;
pub mod keymap;
pub mod keys;
mod layers;
pub mod libpq;
pub mod names;
pub mod packs;
pub mod paths;
pub mod patience;
mod percent;
pub mod plain;
pub mod reader;
pub mod redis_url;
pub mod secrets;
pub mod shell;
pub mod state;
pub mod theme;
pub mod trust;

#[cfg(test)]
mod fixtures;
