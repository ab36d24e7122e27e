//! What people write: the estate file, themes, keymaps, and where they lie.

pub mod estate;
pub mod file;
pub mod paths;
pub mod reader;
pub mod state;

#[cfg(test)]
mod fixtures;
