//! What people write: the estate file, themes, keymaps, and where they lie.

pub mod reader;
